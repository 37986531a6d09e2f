"""Weights of examples."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._harmonium import refuse_masked


def one_each(weights: Any, name: str, n_examples: int | None = None) -> NDArray[np.float64] | None:
    """Weights of examples as the trainer takes them; one number is the weight of all `n_examples`.

    >>> one_each([1, 2], "weights")
    array([1., 2.])
    >>> one_each(None, "weights") is None
    True
    """
    if weights is None:
        return None
    refuse_masked(weights)
    found = np.asarray(weights, float)
    if found.ndim == 0 and n_examples is not None:
        found = np.full(n_examples, found)
    if found.ndim != 1:
        raise ValueError(
            f"{name} has the shape {found.shape}, but must have one number for each example"
        )
    return np.ascontiguousarray(found)


def mean(scores: NDArray[np.float64], weights: Any, name: str) -> float:
    """The mean of a score of each example, which may have weights.

    >>> mean(np.array([1.0, 4.0]), [2, 1], "sample_weight")
    2.0
    """
    found = one_each(weights, name, len(scores))
    if found is None:
        return float(scores.mean())
    if len(found) != len(scores):
        raise ValueError(f"{name} has {len(found)} weights, but must have one for each of the {len(scores)} examples")
    if not (np.isfinite(found).all() and (found >= 0).all() and found.any()):
        raise ValueError(f"{name} must be finite numbers of at least 0, of which one is above 0")
    return float(np.average(scores, weights=found))
