"""The loop over epochs, of `train` and of the estimators' `fit`."""

from __future__ import annotations

from typing import Callable

from ._harmonium import Trainer
from ._live import Picture, in_notebook
from ._progress import progress_bar


def run_epochs(
    trainer: Trainer,
    n_epochs: int,
    after_epoch: Callable[[int], object],
    *,
    progress: bool,
    live: bool,
    threads: int | None,
) -> None:
    """Train for `n_epochs` epochs, or until `after_epoch(epoch)` returns true; epochs start at 1. With `live` a
    notebook shows a picture of it; elsewhere there is a progress bar."""
    picture = Picture() if live and in_notebook() else None

    def draw(note: str | None = None, *, is_last: bool = False) -> None:
        if picture is not None and picture.is_due(is_last):
            parts = trainer.picture(note, threads=threads)
            if parts is not None:
                picture.show(*parts)

    draw()
    bar = progress_bar(n_epochs, "epoch", progress or (live and picture is None))
    try:
        for epoch in range(1, n_epochs + 1):
            trainer.run(until=epoch * trainer.updates_per_epoch, threads=threads)
            bar.update(1)
            if trainer.any_rank(bool(after_epoch(epoch))):
                break
            draw()
        draw(is_last=True)
    except KeyboardInterrupt:
        draw(f"stopped by Ctrl-C after {trainer.updates} updates", is_last=True)
        raise
    except Exception as error:
        draw(f"{type(error).__name__}: {error}", is_last=True)
        raise
    finally:
        bar.close()
