"""Puts the tables of the recorded results between their markers in the READMEs, or checks that they are there."""
import re
import sys

MARKED = re.compile(r"(<!-- peers:(\w+) -->\n).*?(<!-- /peers:\2 -->)", re.DOTALL)


def update(paths, tables, check):
    """Everything between `<!-- peers:NAME -->` and `<!-- /peers:NAME -->` is the table NAME."""
    for path in paths:
        before = path.read_text()
        if not MARKED.search(before):
            sys.exit(f"{path} has no markers such as <!-- peers:throughput -->")
        after = MARKED.sub(lambda found: f"{found[1]}{tables[found[2]]}\n{found[3]}", before)
        if check and after != before:
            sys.exit(f"{path} does not show the results: python3 benches/peers/run.py readme")
        if not check:
            path.write_text(after)
