"""The loop over epochs, of `train` and of `BernoulliRBM.fit`."""

from __future__ import annotations

from typing import Callable

from ._harmonium import Trainer
from ._progress import progress_bar


def run_epochs(
    trainer: Trainer,
    n_epochs: int,
    after_epoch: Callable[[int], object],
    *,
    progress: bool,
    threads: int | None,
) -> None:
    """Train for `n_epochs` epochs, or until `after_epoch(epoch)` returns true; epochs start at 1."""
    bar = progress_bar(n_epochs, "epoch", progress)
    try:
        for epoch in range(1, n_epochs + 1):
            trainer.run(until=epoch * trainer.updates_per_epoch, threads=threads)
            bar.update(1)
            if trainer.any_rank(bool(after_epoch(epoch))):
                break
    finally:
        bar.close()
