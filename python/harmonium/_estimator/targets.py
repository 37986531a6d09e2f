"""y of `RBMClassifier`: classes, their states, and the weights that they give to rows."""

from __future__ import annotations

from typing import Any, Mapping

import numpy as np
from numpy.typing import NDArray

from .._sklearn import labels_of

# The most classes that a model has.
_MOST = 255


def learned_from(y: Any, X: Any) -> tuple[NDArray[Any], NDArray[np.int32]]:
    """The different classes of y in order, and the place of each row's class in these."""
    if y is None:
        raise ValueError("RBMClassifier requires y to be passed, but the target y is None")
    if np.ma.is_masked(y):
        raise ValueError(
            "y is masked in some rows: leave them out, or learn from them, too, by "
            "harmonium.train(X, labels=y) with None in these rows"
        )
    if any(label is None for label in np.asarray(y, object).reshape(-1)):
        raise ValueError(
            "y has rows without a class, None: leave them out, or learn from them, too, by "
            "harmonium.train(X, labels=y)"
        )
    classes, places = np.unique(labels_of(y, X), return_inverse=True)
    if not 2 <= len(classes) <= _MOST:
        raise ValueError(
            f"y has {len(classes)} class(es), the first of which is {classes[0]!r}, but must have from 2 "
            f"to {_MOST}"
        )
    return classes, places.astype(np.int32)


def weighted(
    class_weight: Any,
    classes: NDArray[Any],
    places: NDArray[np.int32],
    weights: NDArray[np.float64] | None,
) -> NDArray[np.float64] | None:
    """The weights of rows times those of their classes.

    >>> classes, places = np.array(["cat", "dog"]), np.array([0, 0, 0, 1], np.int32)
    >>> weighted("balanced", classes, places, None).round(2).tolist()
    [0.67, 0.67, 0.67, 2.0]
    >>> weighted({"dog": 3}, classes, places, None).tolist()
    [1.0, 1.0, 1.0, 3.0]
    """
    if class_weight is None:
        return weights
    if weights is None:
        weights = np.ones(len(places))
    if isinstance(class_weight, str) and class_weight == "balanced":
        totals = np.bincount(places, weights, len(classes))
        # A class without weight gives none.
        factors = weights.sum() / (np.count_nonzero(totals) * np.maximum(totals, 1e-300))
    elif isinstance(class_weight, Mapping):
        factors = np.ones(len(classes))
        for label, weight in class_weight.items():
            found = np.flatnonzero(classes == label)
            if not len(found):
                raise ValueError(
                    f"class_weight names the class {label!r}, but must name classes of y: "
                    f"{classes[:20].tolist()}"
                )
            factors[found] = weight
    else:
        raise ValueError(
            f'class_weight is {class_weight!r}, but must be None, "balanced", or a dict with the weight of '
            "classes"
        )
    product: NDArray[np.float64] = weights * factors[places]
    return product
