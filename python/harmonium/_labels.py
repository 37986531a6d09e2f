"""Labels of examples, and their classes."""

from __future__ import annotations

from typing import Any, Mapping, NamedTuple, Sequence

import numpy as np
from numpy.typing import NDArray

from ._columns import array_of, codes_of, plain_values, text_of
from ._harmonium import refuse_masked

# The name of labels that have none.
_LABEL = "label"


class Coded(NamedTuple):
    """The name of labels, their different values as texts, and the place of each label in these; a negative
    place is that of an unknown label."""

    name: str
    values: list[str]
    places: NDArray[np.int32]


def coded(labels: Any) -> Coded:
    """Labels of examples: numbers, texts or booleans, of which None and NaN are unknown.

    >>> name, values, places = coded(["cat", "dog", None, "cat"])
    >>> name, values, places.tolist()
    ('label', ['cat', 'dog'], [0, 1, -1, 0])
    """
    refuse_masked(labels)
    if np.ndim(labels) != 1:
        raise ValueError(
            f"labels have the shape {np.shape(labels)}, but must have one value for each example"
        )
    values, places = codes_of(labels if hasattr(labels, "dtype") else array_of(labels))
    return Coded(_name(labels), values, places)


def column(classes: Mapping[str, Any] | Sequence[Any] | NDArray[Any]) -> dict[str, Any]:
    """Classes as a column of a model file.

    >>> column([0, 1])
    {'name': 'label', 'category': ['0', '1']}
    """
    if isinstance(classes, Mapping):
        return dict(classes)
    if isinstance(classes, str) or np.ndim(classes) != 1:
        raise ValueError(f"classes is {classes!r}, but must be a list of labels")
    return {"name": _name(classes), "category": [text_of(value) for value in classes]}


def own_values(names: list[str]) -> list[Any]:
    """Names of classes as numbers or booleans, if all are.

    >>> own_values(["0", "1"]), own_values(["cat", "1"])
    ([0, 1], ['cat', '1'])
    """
    values: list[Any] = plain_values(names).tolist()
    return values


def _name(labels: Any) -> str:
    """The name of a series of pandas or polars."""
    name = getattr(labels, "name", None)
    return name if isinstance(name, str) and name else _LABEL
