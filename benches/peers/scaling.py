"""Examples a second along one size at a time, the others staying at 784-500, batch 128, PCD-1."""
import math
import os

import measure
from peers import NAMES

PEERS = ("harmonium_cli", "numpy_loop", "torch_loop", "rbms_update", "sklearn_f32", "sklearn_f64")
CELLS = 60_000 * 784  # of the data at most, so that wide examples are fewer


def axes():
    """For each axis its values, and what they mean for data and settings."""
    threads = sorted({1, 2, os.cpu_count()} & set(range(1, os.cpu_count() + 1)))
    return {
        "hidden units": {n: ({}, {"hidden": n}) for n in (64, 128, 256, 512, 1024, 2048, 4096)},
        "visible units": {side**2: (wide(side), {}) for side in (8, 14, 28, 56, 112)},
        "batch and chains": {n: ({}, {"batch": n}) for n in (16, 64, 256, 1024, 4096)},
        "density of the data, %": {
            percent: ({"density": percent / 100}, {}) for percent in (1, 5, 10, 20, 50)
        },
        "threads": {n: ({}, {"threads": n}) for n in threads},
    }


def wide(side):
    return {"side": side, "examples": min(60_000, CELLS // side**2)}


def run(options):
    result = {}
    for axis, points in axes().items():
        if options.quick:  # the first point of each axis
            points = dict(list(points.items())[:1])
        result[axis] = {str(value): point(options, *meaning) for value, meaning in points.items()}
    return result


def point(options, data, settings):
    if options.quick:
        data = data | {"examples": 2000}
    chosen = PEERS[:2] if options.quick else [peer for peer in PEERS if peer in options.peers]
    jobs = [measure.job(options, p, data, seconds=options.seconds / 3, **settings) for p in chosen]
    return measure.alternate(jobs, min(options.rounds, 3), 0)


def table(result, computer):
    """Where the lead is least and most."""
    lines = ["| along | harmonium is faster than the next by | at |", "| --- | --- | --- |"]
    for axis, points in result.items():
        leads = {value: lead(rows) for value, rows in points.items()}
        leads = {value: x for value, x in leads.items() if x}
        for value in sorted({min(leads, key=leads.get), max(leads, key=leads.get)}, key=float):
            lines.append(f"| {axis} | {leads[value]:.2f} | {float(value):,g} |")
    return "\n".join(lines)


def lead(rows):
    """The ratio to the fastest of the others, or None."""
    others = [
        r["harmonium_ratio"]["median"]
        for r in rows
        if "harmonium_ratio" in r and r["peer"] != measure.BASE
    ]
    return min(others, default=None)


def plot(result, path):
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "peers"  # equal results give equal files
    matplotlib.rcParams["svg.fonttype"] = "none"  # letters as letters
    import matplotlib.pyplot as plt

    columns = 3
    figure, panels = plt.subplots(
        math.ceil((len(result) + 1) / columns), columns, figsize=(12, 7), layout="constrained"
    )
    panels = list(panels.flat)
    for panel, (axis, points) in zip(panels, result.items()):
        for peer in PEERS:
            found = [(float(v), r) for v, rows in points.items() for r in rows if r["peer"] == peer]
            found = [(v, r["samples_per_second"]["median"]) for v, r in found if "rounds" in r]
            if found:
                heavy = 2.5 if peer == measure.BASE else 1.2
                panel.plot(*zip(*found), marker="o", markersize=4, linewidth=heavy, label=NAMES[peer].replace("`", ""))
        panel.set(xscale="log", yscale="log", xlabel=axis, ylabel="examples/s")
        ticks = [float(value) for value in points]
        panel.set_xticks(ticks, [f"{tick:,g}" for tick in ticks], rotation=30)
        panel.set_xticks([], minor=True)
        panel.grid(alpha=0.3)
    handles, labels = panels[0].get_legend_handles_labels()
    for panel in panels[len(result) :]:
        panel.axis("off")
    panels[len(result)].legend(handles, labels, loc="center", frameon=False)
    figure.savefig(path, metadata={"Date": None})
