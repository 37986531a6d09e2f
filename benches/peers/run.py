"""harmonium beside what one would take instead: measures, and shows the results in the READMEs.

    python3.11 -m venv .venv && .venv/bin/pip install -r benches/peers/requirements.txt
    cargo build --release
    .venv/bin/python benches/peers/run.py all           # measures for hours, on an idle computer
    .venv/bin/python benches/peers/run.py all --quick   # takes a minute: does everything work?
    .venv/bin/python benches/peers/run.py pictures      # draws the recorded results
    python3 benches/peers/run.py readme                 # puts their tables into the READMEs
    python3 benches/peers/run.py readme --check         # do the READMEs show them?
"""
import argparse
import json
import os
import pathlib
import sys
import tempfile

import computer
import measure
import quality
import readme
import scaling
import throughput
from peers import NAMES

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
MEASURES = {"throughput": throughput, "quality": quality, "scaling": scaling}
READMES = (ROOT / "README.md", ROOT / "benches/README.md")
PICTURES = ROOT / "benches/pictures"


def main():
    options = arguments()
    if options.what == "readme":
        return readme.update(READMES, tables(options), options.check)
    if options.what == "pictures":
        return draw(options, PICTURES)
    if not options.harmonium.is_file():
        sys.exit(f"there is no program {options.harmonium}: cargo build --release, or --harmonium PATH")
    if not (options.mnist / "train-images-idx3-ubyte.zst").is_file():
        sys.exit(f"there is no train-images-idx3-ubyte.zst in {options.mnist}: --mnist FOLDER")
    with tempfile.TemporaryDirectory() as folder:
        options.folder = folder
        if options.quick:
            options.results = pathlib.Path(folder)
        options.results.mkdir(parents=True, exist_ok=True)
        for name in MEASURES if options.what == "all" else [options.what]:
            print(name, file=sys.stderr)
            record(name, MEASURES[name], options)
        if options.quick:  # are they shown, too?
            print("\n\n".join(tables(options).values()))
            draw(options, options.results)


def record(name, module, options):
    """Measures, and writes NAME.json."""
    about = computer.describe(options)
    file = options.results / f"{name}.json"
    result = module.run(options)
    if not result:
        sys.exit(f"{name}: nothing of it has {' or '.join(options.only or ['…'])} in its name")
    if options.only and file.exists():  # part of the table anew
        former = json.loads(file.read_text())
        result = former["result"] | result
        first = former["computer"]["date"].split(" to ")[0]
        if first != about["date"]:
            about["date"] = f"{first} to {about['date']}"
    file.write_text(json.dumps({"computer": about, "result": result}, indent=1) + "\n")
    if options.quick:
        check(name, result)


def recorded(options):
    """By name what was measured, and on what."""
    files = {name: options.results / f"{name}.json" for name in MEASURES}
    return {name: json.loads(file.read_text()) for name, file in files.items() if file.exists()}


def tables(options):
    """Markdown: `speed`, for the README, and a long table of each measure, with what it was measured on."""
    result = {}
    for name, found in recorded(options).items():
        if name == "throughput":
            short = throughput.short_table(found["result"], found["computer"])
            result["speed"] = f"{short}\n\n{short_footnote(found['computer'])}"
        table = MEASURES[name].table(found["result"], found["computer"])
        result[name] = f"{table}\n\n{footnote(found['computer'], found['result'])}"
    return result


def draw(options, folder):
    """Draws quality.svg, scaling.svg and the picture of the README, speed.svg."""
    for name, found in recorded(options).items():
        if name == "quality":
            quality.plot(quality.best_of_each(found["result"]), folder / "speed.svg")
        if hasattr(MEASURES[name], "plot"):
            MEASURES[name].plot(found["result"], folder / f"{name}.svg")


def short_footnote(about):
    """Cores and dates."""
    return f"{about['cores']} cores of {about['processor']['name']}, {about['date']}."


def footnote(about, result):
    """Computer, versions, kernels, date."""
    processor = about["processor"]
    versions = ", ".join(f"{name} {version}" for name, version in about["versions"].items() if version)
    kernels = sorted(set(kernels_in(result)))
    parts = [
        f"{about['cores']} cores of {processor['name']} (family {processor.get('family')}, model "
        f"{processor.get('model')}; {', '.join(processor.get('instructions', []))})",
        f"{about['threads']} threads, load {about['load_average']:.2f} at the start",
        f"{about['harmonium']}; Python {about['python']}, {versions}",
    ]
    company = max(found_in(result, "others"), default=None)
    if company is not None:
        parts.append(f"other programs had at most {company:.2f} cores meanwhile")
    if kernels:
        parts.append(f"OpenBLAS kernel: {', '.join(kernels)}")
    return "; ".join(parts) + f"; {about['date']}, by `python3 benches/peers/run.py`."


def kernels_in(tree):
    """The architectures that OpenBLAS chose."""
    for pools in found_in(tree, "pools"):
        yield from (p.get("architecture", "unknown") for p in pools if p["internal_api"] == "openblas")


def found_in(tree, key):
    """All values under a key, wherever they stand in the results."""
    if isinstance(tree, dict):
        yield from (value for name, value in tree.items() if name == key)
        tree = list(tree.values())
    if isinstance(tree, list):
        for branch in tree:
            yield from found_in(branch, key)


def check(name, result):
    """Of a quick run: each installed peer has worked and learned."""
    if name == "quality":
        bad = [key for key, row in result.items() if not row.get("curve") and "missing" not in row]
    else:
        rows = [row for value in result.values() for row in flat(value)]
        worked = has_learned if name == "throughput" else lambda row: "rounds" in row
        bad = [row for row in rows if "missing" not in row and not worked(row)]
    if bad:
        sys.exit(f"{name}: did not work: {bad}")


def flat(value):
    return value if isinstance(value, list) else [row for rows in value.values() for row in rows]


def has_learned(row):
    """Better than the picture of the mean; rbms, with its short steps, only about as good so soon."""
    learned = row.get("learned")
    return bool(learned) and learned["error"] < 1.1 * learned["error_of_mean"]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    add = parser.add_argument
    add("what", choices=["all", *MEASURES, "pictures", "readme"])
    add("--quick", action="store_true", help="everything, but tiny; the results are not kept")
    add("--check", action="store_true", help="with `readme`: fail if it would change")
    add("--harmonium", type=pathlib.Path, default=ROOT / "target/release/harmonium")
    add("--mnist", type=pathlib.Path, default=ROOT / "datasets/mnist")
    add("--results", type=pathlib.Path, default=HERE / "results")
    add("--peers", nargs="+", choices=NAMES, default=list(NAMES))
    add("--only", nargs="+", metavar="TEXT", help="rows of `throughput`, entries of `quality` with this in their names")
    add("--threads", type=int, default=os.cpu_count())
    add("--rounds", type=int, default=7, help="after one that does not count")
    add("--seconds", type=float, default=3, help="of one measurement")
    add("--limit", type=float, default=1800, help="seconds of training after which `quality` gives up")
    add("--epochs", type=int, default=100, help="that harmonium trains in `quality`")
    options = parser.parse_args()
    options.warm_up = 1
    if options.quick:  # company on the cores does not matter
        measure.TRIES, measure.PAUSE = 1, 0
        options.rounds, options.warm_up, options.seconds, options.limit = 1, 0, 0.3, 0.05
    return options


if __name__ == "__main__":
    main()
