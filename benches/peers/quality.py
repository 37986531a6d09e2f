"""Wall time of training until the test log-likelihood reaches a target, 784-500, `stochastic` MNIST.

Every model goes through `harmonium evaluate`: the same bits of the 10,000 test images, the same budget.
A small budget follows a run; what it says has reached a target must hold under the default budget, and
the time is that of the first model kept for which it does. Models are kept at times that lie 9 % apart
(41 % while far from all targets); while one is evaluated its training waits, and the clock stands.
"""
import contextlib
import json
import pathlib
import subprocess
import sys

import measure
from peers import harmonium_cli

TARGETS = (-100, -95, -90)
FIRST = 1.0  # seconds, the first mark
STEP, STRIDE = 2 ** (1 / 8), 2 ** (1 / 2)  # ratios of one mark to the next: near the targets, and
FAR = -120  # nats, below this
SMALL = ["--n-chains", "100", "--schedule", "adaptive:2000", "--burn-in", "500"]
TINY = ["--n-chains", "20", "--schedule", "adaptive:100", "--burn-in", "10", "--limit", "100"]

# What each library's documentation has, and what harmonium does, as far as the peer can take it. The
# loops have no settings of their own.
OURS = {"batch": 128, "learning_rate": 0.1, "centering": True, "averaging": 2}
PLAIN = {"batch": 128, "learning_rate": 0.1}
ENTRIES = {
    "harmonium: centred, rate 0.1, average over 2 epochs": ("harmonium_cli", OURS),
    "harmonium: rate 0.1, nothing else": ("harmonium_cli", PLAIN),
    "NumPy loop: harmonium's settings": ("numpy_loop", OURS),
    "PyTorch loop: harmonium's settings": ("torch_loop", OURS),
    "scikit-learn f32: its defaults (batch 10, rate 0.1)": ("sklearn_f32", {"batch": 10}),
    "scikit-learn f32: batch 128, rate 0.1": ("sklearn_f32", PLAIN),
    "rbms: batch and chains 128, PCD-1": ("rbms_update", {"batch": 128}),
    "rbms: its defaults (batch and chains 2,000, PCD-100)": (
        "rbms_update",
        {"batch": 2000, "gibbs_steps": 100},
    ),
}


def run(options):
    """A curve and the times for each entry; those that a former run has stay as they are."""
    result = {}
    for name, (peer, settings) in ENTRIES.items():
        if peer not in options.peers or (options.only and not any(o in name for o in options.only)):
            continue
        settings = {"binarize": "stochastic", "hidden": 64 if options.quick else 500} | settings
        data = {"bits": False} | ({"examples": 2000} if options.quick else {})
        job = measure.job(options, peer, data, **settings)
        models = run_of_harmonium if peer == "harmonium_cli" else run_of_worker
        print(f"  {name}", file=sys.stderr)
        marks = Marks(options.limit)
        curve = follow(models(options, job, marks), marks, options)
        result[name] = {"peer": peer, "settings": settings} | curve
    return result


class Marks:
    """Seconds of training after which a model is kept."""

    def __init__(self, limit):
        self.limit, self.next = limit, min(FIRST, limit)

    def advance(self, seconds, log_likelihood):
        """To the first mark that lies ahead."""
        step = STRIDE if log_likelihood < FAR else STEP
        while self.next <= seconds < self.limit:
            self.next = min(self.next * step, self.limit)


def follow(models, marks, options):
    """Evaluates models as they come, until the last target is reached."""
    curve, reached, note = [], {}, None
    try:
        for model in models:
            if "model" not in model:
                if not curve:
                    return model
                note = model["failed"]
                break
            path = model.pop("model")
            figure = evaluate(path, options, TINY if options.quick else SMALL)
            point = model | {"log_likelihood": figure["log_likelihood"]}
            marks.advance(point["seconds"], point["log_likelihood"])
            open_targets = [t for t in TARGETS if t not in reached]
            if figure["log_likelihood"] >= open_targets[0] and not options.quick:
                figure = evaluate(path, options, [])
                point |= {"confirmed": figure["log_likelihood"], "verdict": figure["verdict"]}
                for target in open_targets:
                    if figure["log_likelihood"] >= target:
                        reached[target] = point["seconds"]
            curve.append(point)
            print(f"    {point}", file=sys.stderr)
            pathlib.Path(path).unlink()
            if len(reached) == len(TARGETS) or point["seconds"] >= options.limit:
                break
    except subprocess.CalledProcessError as cause:  # such as parameters that are not finite
        note = cause.stderr.strip()
    finally:
        models.close()
    return {"reached": reached, "curve": curve, "note": note, "limit": options.limit}


def evaluate(path, options, budget):
    command = [options.harmonium, "evaluate", path, "--data", "mnist", "--binarize", "stochastic"]
    # What a file of harmonium says of its data, those of the others do not: one base for all.
    command += ["--base-data", "mnist"]
    command += ["--threads", options.threads, "--json", *budget]
    done = subprocess.run(list(map(str, command)), check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def run_of_worker(options, job, marks):
    """The models of a peer, which trains on only when the next is asked for."""
    worker = measure.start(job | {"measure": "curve", "folder": options.folder})
    try:
        while True:
            with contextlib.suppress(BrokenPipeError):  # it has ended: its answer or last words follow
                worker.stdin.write(f"{marks.next}\n")
                worker.stdin.flush()
            answer = worker.stdout.readline()
            yield json.loads(answer) if answer else {"failed": measure.last_words(worker.stderr.read())}
    finally:
        worker.kill()
        worker.communicate()


def run_of_harmonium(options, job, marks):
    """The checkpoints of `harmonium train`, one an epoch. Seconds are of the updates alone, as with the
    others, which neither watch nor keep anything while they train; `process_seconds`, with monitors and
    files, stands beside them."""
    out = pathlib.Path(options.folder) / "quality-run"
    epochs = 30 if options.quick else options.epochs
    kept = ["--checkpoint-every", "1epochs", "--keep-checkpoints", epochs + 1]
    company = measure.Company()
    harmonium_cli.train(job, out, ["--epochs", epochs, *kept])
    others = company.cores()
    seconds, before = 0.0, 0
    for record in harmonium_cli.metrics(out):
        updates = record["updates"]
        seconds += (updates - before) * job["batch"] / record["samples_per_second"]
        before = updates
        checkpoint = out / "checkpoints" / f"update-{updates:09}.safetensors"
        if seconds >= marks.next and checkpoint.exists():
            clock = {"seconds": seconds, "process_seconds": record["seconds"], "others": others}
            yield clock | {"updates": updates, "model": str(checkpoint)}


def in_order(result):
    """Entries as they stand above, whichever was measured last."""
    return {name: result[name] for name in ENTRIES if name in result}


def table(result, computer):
    """Markdown."""
    heads = [f"{target} nats" for target in TARGETS]
    best = {target: fastest_peer(result, target) for target in TARGETS}
    lines = [
        f"| seconds of training until the test log-likelihood is | {' | '.join(heads)} |",
        "| --- |" + " --- |" * len(TARGETS),
    ]
    for name, row in in_order(result).items():
        if "curve" not in row:
            why = "cannot be installed" if "missing" in row else row["failed"]
            lines.append(f"| {name} | {why} |" + " |" * (len(TARGETS) - 1))
            continue
        lines.append(f"| {name} | {' | '.join(cell(row, target) for target in TARGETS)} |")
    ratios = []
    for target in TARGETS:
        ours = min((time_to(row, target) for row in ours_of(result)), default=float("inf"))
        known = ours < float("inf") and best[target] < float("inf")
        ratios.append(f"{best[target] / ours:.2f} times shorter" if known else "")
    lines.append(f"| harmonium's best against the best peer | {' | '.join(ratios)} |")
    return "\n".join(lines)


def best_of_each(result):
    """Of each library the settings with which it comes furthest."""
    best = {}
    for name, row in in_order(result).items():
        library = name.split(":")[0]
        if row.get("curve") and (library not in best or highest(row) > highest(best[library][1])):
            best[library] = (name, row)
    return dict(best.values())


def highest(row):
    return max((point["log_likelihood"] for point in row["curve"]), default=float("nan"))


def ours_of(result):
    return [row for row in result.values() if row["peer"].startswith("harmonium")]


def fastest_peer(result, target):
    others = [row for row in result.values() if not row["peer"].startswith("harmonium")]
    return min((time_to(row, target) for row in others), default=float("inf"))


def time_to(row, target):
    """Seconds."""
    return row.get("reached", {}).get(str(target), float("inf"))


def cell(row, target):
    seconds = time_to(row, target)
    if seconds < float("inf"):
        return f"{seconds:.1f}"
    if row["note"]:
        return f"never: {row['note']}"
    last = row["curve"][-1]["seconds"] if row["curve"] else 0
    return f"not in {last:,.0f} s (best {highest(row):.1f})"


def plot(result, path):
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "peers"  # equal results give equal files
    matplotlib.rcParams["svg.fonttype"] = "none"  # letters as letters
    import matplotlib.pyplot as plt

    figure, panel = plt.subplots(figsize=(9, 6), layout="constrained")
    for name, row in in_order(result).items():
        points = [(p["seconds"], p["log_likelihood"]) for p in row.get("curve", [])]
        if points:
            heavy = 2.5 if row["peer"] == measure.BASE else 1.2
            panel.plot(*zip(*points), marker="o", markersize=3, linewidth=heavy, label=name)
    for target in TARGETS:
        panel.axhline(target, color="grey", linewidth=0.6, linestyle=":")
    low = min((p["log_likelihood"] for r in result.values() for p in r.get("curve", [])), default=-200)
    panel.set(xscale="log", xlabel="seconds of training", ylabel="test log-likelihood, nats an example")
    panel.set_ylim(max(low - 2, -210), -80)
    panel.xaxis.set_major_formatter("{x:,.0f}")
    figure.legend(loc="outside lower center", ncols=2, fontsize=8, frameon=False)
    panel.grid(alpha=0.3)
    figure.savefig(path, metadata={"Date": None})
