"""A progress bar with tqdm, if it is installed."""

from __future__ import annotations

from typing import Any

from ._warnings import warn


def progress_bar(total: int, unit: str, show: bool) -> Any:
    """A bar with `update(n)`, `set_postfix(**figures)` and `close()`. It shows nothing if `show` is
    false or tqdm is not installed.

    >>> bar = progress_bar(3, "epoch", show=False)
    >>> bar.update(1)
    >>> bar.close()
    """
    if show:
        try:
            from tqdm.auto import tqdm

            return tqdm(total=total, unit=unit)
        except ImportError:
            warn("progress bars need tqdm: pip install tqdm")
    return _NoBar()


class _NoBar:
    def update(self, n: int) -> None:
        """Do nothing."""

    def set_postfix(self, **figures: Any) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""
