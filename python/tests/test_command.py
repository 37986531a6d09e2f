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


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="it counts the threads")
@pytest.mark.parametrize("arguments", ["train --data shifter --epochs 1000000 --out a", "bench --seconds 60"])
def test_ctrl_c_ends_a_command_as_it_ends_the_program(tmp_path, arguments):
    process = subprocess.Popen([*COMMANDS[1], *arguments.split()], cwd=tmp_path, stderr=subprocess.PIPE)
    while len(list(Path(f"/proc/{process.pid}/task").iterdir())) == 1 and process.poll() is None:
        time.sleep(0.05)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    if arguments.startswith("train"):
        assert process.returncode == 130
        assert re.search("interrupted after update [0-9]+; continue with: harmonium resume a", errors.decode())
    else:
        assert process.returncode == -signal.SIGINT
    assert b"Traceback" not in errors


def test_the_package_is_imported_without_scikit_learn():
    code = "import harmonium, sys; assert 'sklearn' not in sys.modules; harmonium.BernoulliRBM; 'BernoulliRBM' in dir(harmonium)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
