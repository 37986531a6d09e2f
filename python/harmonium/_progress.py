"""A progress bar by tqdm, where it is installed."""

from __future__ import annotations

import warnings
from typing import Any


def progress_bar(total: int, unit: str, show: bool) -> Any:
    """A bar with `update(n)`, `set_postfix(**figures)` and `close()`; one that shows nothing if it is
    not asked for, or tqdm is not there.

    >>> bar = progress_bar(3, "epoch", show=False)
    >>> bar.update(1)
    >>> bar.close()
    """
    if show:
        try:
            from tqdm.auto import tqdm

            return tqdm(total=total, unit=unit)
        except ImportError:
            warnings.warn("progress bars need tqdm: pip install tqdm", stacklevel=3)
    return _NoBar()


class _NoBar:
    def update(self, n: int) -> None:
        """Nothing."""

    def set_postfix(self, **figures: Any) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""
