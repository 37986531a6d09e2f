"""Values that are missing: NaN, or masked."""

from __future__ import annotations

from typing import Any, Mapping, Tuple

import numpy as np
from numpy.typing import NDArray

from ._columns import are_numbers, state_names

Parts = Tuple[NDArray[Any], NDArray[np.bool_]]


def split(X: Any, spins: bool) -> Parts | None:
    """X with a value that counts as off in each hole, and the mask of the holes (n, units); None if X has
    none and is no masked array.

    >>> values, missing = split(np.array([[0.5, np.nan], [1, 0]]), False)
    >>> values.tolist(), missing.tolist()
    ([[0.5, 0.0], [1.0, 0.0]], [[False, True], [False, False]])
    >>> split([[0, 1]], False) is None
    True
    """
    if hasattr(X, "tocsr"):
        # A sparse matrix has a value everywhere: those that it does not store are 0.
        return None
    is_masked = isinstance(X, np.ma.MaskedArray)
    values = np.asarray(X.data if is_masked else X)
    if values.dtype.kind == "O":
        values = values.astype(float)
    missing = np.array(np.ma.getmaskarray(X)) if is_masked else np.zeros(values.shape, bool)
    if values.dtype.kind == "f":
        missing |= np.isnan(values)
    if not is_masked and not missing.any():
        return None
    if missing.any():
        off = values[~missing][:1] if spins else 0
        # Data without any value are refused later.
        values = np.where(missing, off if np.size(off) else 0, values).astype(values.dtype)
    return values, missing.reshape(len(missing), -1)


def cells(X: Any, columns: Mapping[str, Any] | None) -> Any:
    """Data of columns as they are; but numbers of which some are NaN or masked become names of the states that
    they mean in these columns, or texts, with None where a value is missing.

    >>> cells(np.array([[1.0, np.nan]]), None).tolist()
    [['1.0', None]]
    >>> from ._columns import of_sites
    >>> cells(np.array([[1.0], [np.nan]]), of_sites([["red", "blue"]])).tolist()
    [['blue'], [None]]
    """
    is_masked = isinstance(X, np.ma.MaskedArray)
    if isinstance(X, (list, tuple)) and np.asarray(X).dtype.kind == "f":
        X = np.asarray(X)
    if not is_masked and not isinstance(X, np.ndarray):
        return X
    values = np.asarray(X.data if is_masked else X)
    missing = np.array(np.ma.getmaskarray(X)) if is_masked else np.zeros(values.shape, bool)
    if values.dtype.kind == "f":
        missing |= np.isnan(values)
    if values.ndim != 2 or not missing.any() and not is_masked:
        return X
    named = np.full(values.shape, None, object)
    if values.dtype.kind not in "biuf":
        named[~missing] = values[~missing]
        return named
    names = [[]] * values.shape[1] if columns is None else state_names(columns)
    for place, states in enumerate(names[: values.shape[1]]):
        # As the library reads arrays of numbers: a number counts the states, unless their names are numbers.
        counts = len(states) > 0 and not are_numbers(states)
        for row in np.flatnonzero(~missing[:, place]):
            number = values[row, place]
            is_state = counts and number in range(len(states))
            named[row, place] = states[int(number)] if is_state else str(number)
    return named
