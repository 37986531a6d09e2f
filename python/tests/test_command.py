"""The command `harmonium` of the package does what the program does."""

import re
import signal
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

import pytest

SCRIPT = Path(sysconfig.get_path("scripts")) / "harmonium"
COMMANDS = [[str(SCRIPT)], [sys.executable, "-m", "harmonium"]]


def run(command, *arguments, cwd=None):
    return subprocess.run([*command, *arguments], cwd=cwd, capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize("command", COMMANDS)
def test_results_and_exit_codes(command, tmp_path):
    done = run(command, "train", "--data", "shifter", "--hidden", "4", "--epochs", "2", "--out", "a", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "a\n"), done.stderr
    config = (tmp_path / "a" / "config.toml").read_text()
    assert 'command = "harmonium train --data shifter --hidden 4 --epochs 2 --out a"' in config
    assert run(command, "--version").stdout.startswith("harmonium ")
    wrong = run(command, "train", "--hiden", "4")
    assert wrong.returncode == 2 and "Usage: harmonium train" in wrong.stderr
    missing = run(command, "inspect", "nothing.safetensors", cwd=tmp_path)
    assert missing.returncode == 1 and missing.stderr.startswith("error: nothing.safetensors: cannot read")
    digits = run(command, "train", "--limit", "100", "--hidden", "4", "--epochs", "1", "--out", "b", cwd=tmp_path)
    assert digits.returncode == 0, "MNIST is in the package"


def catches_ctrl_c(process):
    """Whether a process has a handler for SIGINT."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(re.search("SigCgt:\\s*([0-9a-f]+)", status)[1], 16) >> (signal.SIGINT - 1) & 1


def wait_until(condition, process):
    while not condition():
        assert process.poll() is None, process.communicate()
        time.sleep(0.005)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="it reads /proc")
@pytest.mark.parametrize("arguments", ["train --data shifter --epochs 1000000 --out a", "bench --seconds 60"])
def test_ctrl_c_ends_a_command_as_it_ends_the_program(tmp_path, arguments):
    process = subprocess.Popen([*COMMANDS[1], *arguments.split()], cwd=tmp_path, stderr=subprocess.PIPE)
    is_train = arguments.startswith("train")
    if is_train:
        wait_until((tmp_path / "a" / "config.toml").exists, process)
    else:
        # Python has a handler until the command begins.
        wait_until(lambda: catches_ctrl_c(process), process)
        wait_until(lambda: not catches_ctrl_c(process), process)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    if is_train:
        assert process.returncode == 130
        assert re.search("interrupted after update [0-9]+; continue with: harmonium resume a", errors.decode())
    else:
        assert process.returncode == -signal.SIGINT
    assert b"Traceback" not in errors


def test_a_command_that_was_started_without_ctrl_c_stays_without():
    probe = (
        "import signal, harmonium.__main__ as main; main.command = lambda _: "
        "print(signal.getsignal(signal.SIGINT).name); main.main()"
    )
    for handler, name in [(signal.SIG_IGN, "SIG_IGN"), (signal.SIG_DFL, "SIG_DFL")]:
        done = subprocess.run(
            [sys.executable, "-c", probe],
            preexec_fn=lambda: signal.signal(signal.SIGINT, handler),
            capture_output=True,
            text=True,
        )
        assert done.stdout == f"{name}\n", done.stderr


def test_the_package_is_imported_without_scikit_learn():
    code = "import harmonium, sys; assert 'sklearn' not in sys.modules; harmonium.BernoulliRBM; 'BernoulliRBM' in dir(harmonium)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
