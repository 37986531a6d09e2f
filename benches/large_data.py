"""Private memory and time of runs on large data: `python3 benches/large_data.py BYTES FOLDER`.

Makes data of 0 and 1 and of grey levels, 784 bytes an example, in FOLDER, packs them and trains on both, and removes
them. Needs twice the bytes on the disk, and `target/release/harmonium`, or the program that HARMONIUM names.
"""

import os
import random
import re
import struct
import subprocess
import sys
import time
from pathlib import Path

PROGRAM = os.environ.get("HARMONIUM", "target/release/harmonium")
UNITS = 784
RUN = "--no-report --hidden 500 --updates 1000 --validation 1000 --threads 2"


def write(path: Path, examples: int, are_bits: bool) -> None:
    """Writes examples, of which every 20,000 are the last ones shifted."""
    text = f"{{'descr': '|u1', 'fortran_order': False, 'shape': ({examples}, {UNITS}), }}".encode()
    some = min(examples, 20_000)
    pool = random.Random(0).randbytes((some + 1) * UNITS)
    if are_bits:
        pool = bytes(byte & 1 for byte in pool)
    with path.open("wb") as file:
        file.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text)
        for left in range(examples, 0, -some):
            first = left % UNITS
            file.write(pool[first : first + min(left, some) * UNITS])


def measured(line: str, folder: Path) -> str:
    """Runs a command: its time, and the most that it has of private memory and of mapped files."""
    start, most = time.time(), {"RssAnon": 0, "RssFile": 0}
    with subprocess.Popen(
        [Path(PROGRAM).resolve(), *line.split()],
        cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    ) as process:
        while process.poll() is None:
            try:
                status = Path(f"/proc/{process.pid}/status").read_text()
            except OSError:
                break
            for name in most:
                found = re.search(rf"{name}:\s+(\d+) kB", status)
                most[name] = max(most[name], int(found[1]) * 1024 if found else 0)
            time.sleep(0.005)
    assert process.returncode == 0, line
    private, mapped = (f"{most[name] / 1e9:.3f} GB" for name in most)
    return f"| `{line.replace(' ' + RUN, '')}` | {private} | {mapped} | {time.time() - start:.0f} s |"


def main() -> None:
    n_bytes, folder = int(float(sys.argv[1])), Path(sys.argv[2])
    print("| command | private memory | mapped files | time |\n| --- | --- | --- | --- |")
    for name in ["bits", "greys"]:
        write(folder / f"{name}.npy", n_bytes // UNITS, name == "bits")
        print(measured(f"train --data {name}.npy --out {name}-1 {RUN}", folder))
        print(measured(f"pack {name}.npy --out {name}.packed", folder))
        (folder / f"{name}.npy").unlink()
        print(measured(f"train --data {name}.packed --out {name}-2 {RUN}", folder))
        window = f"--shuffle-window {max(n_bytes // UNITS // 10, 1)}"
        print(measured(f"train --data {name}.packed --out {name}-3 {window} {RUN}", folder))
        (folder / f"{name}.packed").unlink()
        models = [(folder / f"{name}-{n}" / "model.safetensors").read_bytes() for n in (1, 2)]
        assert models[0] == models[1], name


main()
