"""Examples a second of whole updates, all peers in alternation."""
import measure
from peers import NAMES

ROWS = {
    "784-500, batch 128, PCD-1": {},
    "784-500, batch 100, PCD-1": {"batch": 100},
    "784-500, batch 10, PCD-1 (scikit-learn's default batch)": {"batch": 10},
}
QUICK = {"784-64, batch 128, PCD-1": {"hidden": 64}}


def run(options):
    rows = QUICK if options.quick else ROWS
    if options.only:
        rows = {name: row for name, row in rows.items() if any(text in name for text in options.only)}
    data = {"examples": 2000} if options.quick else {}
    return {name: row(options, settings, data) for name, settings in rows.items()}


def row(options, settings, data):
    jobs = [
        measure.job(options, peer, data, seconds=options.seconds, **settings) for peer in options.peers
    ]
    return measure.alternate(jobs, options.rounds, options.warm_up)


def table(result, computer):
    """Markdown: the first table in the open, the others folded."""
    first, *others = [(name, one_table(name, rows, computer)) for name, rows in result.items()]
    fold = "<details>\n<summary>{}</summary>\n\n{}\n\n</details>"
    return "\n\n".join([first[1], *(fold.format(*other) for other in others)])


def short_table(result, computer):
    """Markdown: the medians of the first row."""
    name, rows = next(iter(result.items()))
    lines = [f"| MNIST in black and white, {name} | examples/s | harmonium is faster by |", "| --- | --- | --- |"]
    for row in by_speed(rows):
        if "samples_per_second" in row:
            ratio = row.get("harmonium_ratio", {"median": float("nan")})["median"]
            lines.append(f"| {NAMES[row['peer']]} | {row['samples_per_second']['median']:,.0f} | {ratio:.1f} |")
    return "\n".join(lines)


def by_speed(rows):
    return sorted(rows, key=lambda row: -row.get("samples_per_second", {"median": 0})["median"])


def one_table(name, rows, computer):
    lines = [
        f"| MNIST in black and white, {name} | examples/s | harmonium is faster by | peak memory | on disk |",
        "| --- | --- | --- | --- | --- |",
    ]
    for row in by_speed(rows):
        if "samples_per_second" not in row:
            why = "cannot be installed" if "missing" in row else row["failed"]
            lines.append(f"| {NAMES[row['peer']]} | {why} | | | |")
            continue
        ratio = row.get("harmonium_ratio")
        is_base = row["peer"] == measure.BASE
        cells = [
            NAMES[row["peer"]],
            span(row["samples_per_second"], "{:,.0f}"),
            "1" if is_base else span(ratio, "{:.2f}") if ratio else "",
            f"{row['peak_memory'] / 1e6:,.0f} MB",
            disk(row["peer"], computer["sizes"]),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def span(value, form):
    least, most = form.format(value["least"]), form.format(value["most"])
    return f"{form.format(value['median'])} ({least} to {most})"


PACKAGE = {
    "harmonium_cli": "harmonium program",
    "harmonium_python": "harmonium",
    "numpy_loop": "numpy",
    "torch_loop": "torch",
    "torch_bfloat16": "torch",
    "torch_bernoulli": "torch",
    "rbms_update": "rbms",
    "rbms_train": "rbms",
    "sklearn_f32": "scikit-learn",
    "sklearn_f64": "scikit-learn",
}


def disk(peer, sizes):
    size = sizes.get(PACKAGE[peer])
    if not size:
        return ""
    whole, lean = size["all"], size.get("without_gpu", size["all"])
    text = f"{whole / 1e6:,.0f} MB"
    return text if lean == whole else f"{text} ({lean / 1e6:,.0f} MB without GPU libraries)"
