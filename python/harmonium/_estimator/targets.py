"""y of `RBMClassifier`: classes, their states, and the weights that they give to rows."""

from __future__ import annotations

from typing import Any, Mapping

import numpy as np
from numpy.typing import NDArray

from .._columns import unknown_in
from .._sklearn import labels_of

# The most classes that a model has.
_MOST = 255


def learned_from(y: Any, X: Any) -> tuple[NDArray[Any], NDArray[np.int32]]:
    """The different classes of y in order, and the place of each row's class in these."""
    classes, places = np.unique(_known(y, X), return_inverse=True)
    _check_number("y", classes)
    return classes, places.astype(np.int32)


def declared(classes: Any, before: NDArray[Any] | None) -> NDArray[Any]:
    """The classes in order, which must be those of the chunks `before`, if there were any.

    >>> declared([1, 0], None).tolist(), declared(None, np.array([0, 1])).tolist()
    ([0, 1], [0, 1])
    """
    if classes is None:
        if before is None:
            raise ValueError("classes must be passed on the first call to partial_fit")
        return before
    unknown = unknown_in(classes)
    if unknown is not None:
        raise ValueError(
            f"classes has {unknown}, but must have classes alone: leave it out, as rows without a class are not learned"
        )
    found = np.unique(np.asarray(classes))
    if before is not None and not np.array_equal(found, before):
        raise ValueError(
            f"classes is {classes!r}, but is not the same as before, {before.tolist()!r}: leave it out, or start a "
            "new estimator"
        )
    _check_number("classes", found)
    return found


def among(classes: NDArray[Any], y: Any, X: Any) -> NDArray[np.int32]:
    """The place of each row's class in these.

    >>> among(np.array(["cat", "dog"]), ["dog", "dog"], np.zeros((2, 1))).tolist()
    [1, 1]
    """
    places = {label: place for place, label in enumerate(classes.tolist())}
    labels = _known(y, X).tolist()
    for row, label in enumerate(labels):
        if label not in places:
            raise ValueError(
                f"y has the class {label!r} in row {row}, but must have those that the first call to partial_fit, or "
                f"fit, was given: {classes[:20].tolist()}"
            )
    return np.array([places[label] for label in labels], np.int32)


def _check_number(name: str, classes: NDArray[Any]) -> None:
    if not 2 <= len(classes) <= _MOST:
        first = f", the first of which is {classes[0]!r}" if len(classes) else ""
        raise ValueError(
            f"{name} has {len(classes)} class(es){first}, but must have from 2 to {_MOST}"
        )


def _known(y: Any, X: Any) -> NDArray[Any]:
    """The class of each row, all of which must be known."""
    if y is None:
        raise ValueError("RBMClassifier requires y to be passed, but the target y is None")
    if np.ma.is_masked(y):
        raise ValueError(
            "y is masked in some rows: leave them out, or learn from them, too, by "
            "harmonium.train(X, labels=y) with None in these rows"
        )
    unknown = unknown_in(y)
    if unknown is not None:
        raise ValueError(
            f"y has rows without a class, {unknown}: leave them out, or learn from them, too, by "
            "harmonium.train(X, labels=y)"
        )
    return labels_of(y, X)


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
