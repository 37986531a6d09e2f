"""`harmonium train`, as a user runs it, but for the report at its end.

Its speed is `samples_per_second` of metrics.jsonl: examples by the wall time of the updates alone,
checkpoints and the program's start not included, since no other peer measures or keeps anything while
it trains. The time of the whole process stands in the results beside it.
"""
import json
import pathlib
import subprocess
import tempfile
import time

import model_file

from . import Session


class Peer(Session):
    dtype = "uint8"

    def __init__(self, job):
        self.job = job
        if not pathlib.Path(job["harmonium"]).is_file():
            raise ImportError(f"no program {pathlib.Path(job['harmonium']).name}: cargo build --release")
        self.folder = tempfile.TemporaryDirectory()
        self.out = pathlib.Path(self.folder.name) / "run"
        self.runs = []

    def timed(self, updates):
        begin = time.perf_counter()
        train(self.job, self.out, ["--updates", updates])
        whole = time.perf_counter() - begin
        records = metrics(self.out)
        # In long runs not every epoch is recorded: those that are stand for the others.
        ends = [0] + [record["updates"] for record in records]
        shares = [(b - a) / ends[-1] for a, b in zip(ends, ends[1:])]
        seconds_a_sample = sum(s / r["samples_per_second"] for s, r in zip(shares, records))
        seconds = seconds_a_sample * updates * self.job["batch"]
        self.runs.append({"updates": updates, "seconds": seconds, "process_seconds": whole})
        return seconds

    def parameters(self):
        return model_file.read(self.out / "model.safetensors")

    def details(self):
        return {"process_seconds": self.runs[-1]["process_seconds"]}


def train(job, out, more):
    """Runs the program; a folder that is there already is replaced."""
    subprocess.run(["rm", "-rf", out], check=True)
    settings = {
        "data": job["data"],
        "binarize": job["binarize"],
        "hidden": job["hidden"],
        "batch-size": job["batch"],
        "chains": job["chains"],
        "gibbs-steps": job["gibbs_steps"],
        "learning-rate": job["learning_rate"],
        "schedule": "constant",
        "centering": str(job["centering"]).lower(),
        "averaging": f"exponential:{job['averaging']}" if job["averaging"] else "none",
        "seed": job["seed"],
        "threads": job["threads"],
        "out": out,
    }
    flags = [f"--{name}={value}" for name, value in settings.items()]
    command = [job["harmonium"], "train", "--no-report", "--quiet", *flags, *map(str, more)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr.strip())


def metrics(out):
    return [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
