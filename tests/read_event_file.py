"""Reads the event file of a run with TensorBoard's own reader and compares it with metrics.jsonl.

    python3 tests/read_event_file.py RUN

`train --tensorboard` writes the event file; the reader is that of the package `tensorboard`.
"""

import json
import math
import pathlib
import sys

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

run = pathlib.Path(sys.argv[1])
records = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
events = EventAccumulator(str(run)).Reload()
tags = set(events.Tags()["scalars"])
n_values = 0
for name in records[0]:
    expected = [(r["updates"], r[name]) for r in records if isinstance(r[name], (int, float))]
    if name == "updates" or not expected:
        assert name not in tags, name
        continue
    found = [(event.step, event.value) for event in events.Scalars(name)]
    assert [step for step, _ in found] == [step for step, _ in expected], name
    for (_, value), (_, other) in zip(found, expected):
        assert math.isclose(value, other, rel_tol=1e-6), (name, value, other)
    n_values += len(found)
times = [event.wall_time for event in events.Scalars("epoch")]
assert times == sorted(times), times
assert n_values > 10 * len(records), n_values
print(f"{n_values} values of {len(records)} records, as in metrics.jsonl")
