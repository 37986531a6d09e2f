"""Runs workers, each in a fresh process, and takes the median of alternating rounds."""
import json
import os
import pathlib
import resource
import statistics
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
BASE = "harmonium_cli"  # what ratios are to
DEFAULTS = {
    "binarize": "threshold:0.5",
    "hidden": 500,
    "batch": 128,
    "chains": None,
    "gibbs_steps": 1,
    "learning_rate": 0.1,
    "centering": False,
    "averaging": 0,
    "seed": 0,
}
DATA = {"side": 28, "examples": 60_000, "dtype": "uint8", "bits": True, "density": None}
COMPANY = 0.1  # cores that others may have
TRIES, PAUSE = 3, 1.0  # measurements, and seconds between them, until more than that is put up with
DTYPES = {"harmonium_cli": "uint8", "sklearn_f64": "float64"}  # all others take float32


def data_file(options, peer, **spec):
    """The path of the data in the number format that the peer takes."""
    spec = DATA | spec | {"dtype": DTYPES.get(peer, "float32")}
    command = [sys.executable, HERE / "data.py", options.mnist, options.folder, json.dumps(spec)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def job(options, peer, data={}, **settings):
    """All that a worker wants to know."""
    whole = DEFAULTS | {"peer": peer, "threads": options.threads} | settings
    whole["chains"] = whole["chains"] or whole["batch"]
    whole["harmonium"] = str(options.harmonium)
    whole["data"] = data_file(options, peer, **data)
    return whole


def start(job):
    """A worker that has its job. Thread pools have the size of the job; BLAS chooses its kernel itself,
    whatever the shell says."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("OPENBLAS_")}
    for library in ("OMP", "OPENBLAS", "MKL"):
        environment[f"{library}_NUM_THREADS"] = str(job["threads"])
    worker = subprocess.Popen(
        [sys.executable, HERE / "worker.py"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )
    worker.stdin.write(json.dumps(job) + "\n")
    worker.stdin.flush()
    return worker


def once(job):
    """The only answer of a worker, and how many cores others had meanwhile."""
    company = Company()
    worker = start(job)
    out, err = worker.communicate()
    others = company.cores()
    if worker.returncode or not out:
        return {"failed": last_words(err)}
    return json.loads(out) | {"others": others}


def last_words(err):
    """What a worker that gave no answer said last."""
    return (err.strip().splitlines() or ["no answer"])[-1]


class Company:
    """Who else was at work since this began; the processes started since then must have ended."""

    def __init__(self):
        self.begin, self.others = time.perf_counter(), busy() - own()

    def cores(self):
        """How many cores others had."""
        return max(0.0, (busy() - own() - self.others) / (time.perf_counter() - self.begin))


def busy():
    """Seconds for which the computer's cores were not idle, or were lent to another virtual one."""
    with open("/proc/stat") as file:
        user, nice, system, _, _, interrupts, soft, steal = map(int, file.readline().split()[1:9])
    return (user + nice + system + interrupts + soft + steal) / os.sysconf("SC_CLK_TCK")


def own():
    """Seconds of processor time of the workers that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def alternate(jobs, rounds, warm_up=1):
    """One result a job, from rounds in which all take turns; the first ones do not count."""
    taken = [[] for _ in jobs]
    out = set()
    for number in range(warm_up + rounds):
        for at, job in enumerate(jobs):
            if at in out:
                continue
            answer = undisturbed(job | {"measure": "speed"})
            if "seconds" not in answer:
                out.add(at)
                taken[at] = [answer]
            elif number >= warm_up:
                taken[at].append(answer)
            shown = answer.get("samples_per_second") or answer
            print(f"  round {number}: {job['peer']}: {shown}", file=sys.stderr)
    base = next((t for t, job in zip(taken, jobs) if job["peer"] == BASE), None)
    return [summary(job["peer"], t, base) for job, t in zip(jobs, taken)]


def undisturbed(job):
    """A measurement while nobody else is at work; after some tries, the least disturbed of them.
    Libraries whose threads spin while they wait lose up to 20 times their speed to company on the
    cores, harmonium much less, so that figures under load would flatter it."""
    best = None
    for _ in range(TRIES):
        answer = once(job)
        if "seconds" not in answer or answer["others"] < COMPANY:
            return answer
        if best is None or answer["others"] < best["others"]:
            best = answer
        time.sleep(PAUSE)
    return best


def summary(peer, rounds, base):
    """Medians; the ratio is that of each round, in which both had the same company on the computer."""
    if "seconds" not in rounds[0]:
        return {"peer": peer} | rounds[0]
    rate = lambda answer: answer["samples_per_second"]
    result = {
        "peer": peer,
        "samples_per_second": spread([rate(answer) for answer in rounds]),
        "peak_memory": max(answer["peak_memory"] for answer in rounds),
        "learned": rounds[-1]["learned"],
        "details": rounds[-1]["details"],
        "pools": rounds[-1]["pools"],
        "rounds": [{k: answer[k] for k in ("updates", "seconds", "others")} for answer in rounds],
    }
    if base and "seconds" in base[0]:
        result["harmonium_ratio"] = spread([rate(b) / rate(a) for a, b in zip(rounds, base)])
    return result


def spread(values):
    return {"median": statistics.median(values), "least": min(values), "most": max(values)}
