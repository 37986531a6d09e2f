"""Warnings that point at the user's line."""

from __future__ import annotations

import sys
import warnings
from types import FrameType


def caller() -> FrameType:
    """The frame that called the package, perhaps through scikit-learn."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_globals["__name__"].startswith(
        ("harmonium.", "sklearn.")
    ):
        frame = frame.f_back
    return frame


def warn(
    message: str, category: type[Warning] = UserWarning, frame: FrameType | None = None
) -> None:
    """Warn at the line that called the package; at that of `frame` from another thread, which has no callers."""
    frame = frame or caller()
    warnings.warn_explicit(
        message,
        category,
        frame.f_code.co_filename,
        frame.f_lineno,
        module=frame.f_globals.get("__name__", "unknown"),
        registry=frame.f_globals.setdefault("__warningregistry__", {}),
    )
