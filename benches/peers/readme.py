"""Puts the tables of the results between their markers in the README, or checks that they are there."""
import pathlib
import re
import sys


def update(readme, results, check):
    """Everything between `<!-- peers:NAME -->` and `<!-- /peers:NAME -->` comes from NAME.md."""
    path = pathlib.Path(readme)
    before = path.read_text()
    after = re.sub(
        r"(<!-- peers:(\w+) -->\n).*?(<!-- /peers:\2 -->)",
        lambda m: m[1] + (results / f"{m[2]}.md").read_text() + m[3],
        before,
        flags=re.DOTALL,
    )
    if "<!-- peers:" not in before:
        sys.exit(f"{path.name} has no markers such as <!-- peers:throughput -->")
    if check and after != before:
        sys.exit(f"{path.name} does not show the results: python3 benches/peers/run.py readme")
    if not check:
        path.write_text(after)
