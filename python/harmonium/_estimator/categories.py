"""X of `CategoricalRBM`: values of columns, their states, and back."""

from __future__ import annotations

from typing import Any, Sequence

import numpy as np
from numpy.typing import NDArray

from .._columns import (
    are_numbers,
    array_of,
    as_numbers,
    columns_of,
    is_missing,
    names_of,
    objects,
    of_sites,
    plain_values,
    state_names,
    table_names,
    text_of,
    unknown_in,
)
from .._harmonium import numbers_of, states_of
from .._sklearn import check_features
from .inputs import BOTH_WAYS, refuse_masks, without_values
from .learned import LearnedArrays, check_fitted

# The state of a value that is missing.
_MISSING = 255
_WORDS = {
    "the training data of the model have no others": "categories declares no others",
    "leave it out by ignore=NAME": "leave it out of X",
}


def learned_from(estimator: LearnedArrays, X: Any, categories: Any, allows_missing: bool) -> tuple[Any, Any]:
    """The columns of the first X, and X as numbers for a model of these columns, NaN for those that are missing."""
    _check_input(estimator, X, True, allows_missing)
    is_one = isinstance(categories, (str, int, np.integer)) and not isinstance(categories, bool)
    # The ends of a range, and its step; columns have lists of values.
    is_one = is_one or isinstance(categories, tuple) and all(np.ndim(part) == 0 for part in categories)
    if not is_one and hasattr(categories, "__len__"):
        categories = _declared(X, categories)
    elif not is_one:
        raise TypeError(
            f'categories is {categories!r}, but must be "auto", a range such as (1, 5), a number of states, or a list with the '
            "values of each column"
        )
    elif _shape(X)[0] == 1 and categories == "auto":
        raise ValueError("X has 1 sample, in which a column has one value: declare categories")
    try:
        columns, states = states_of(X, categories, missing=estimator.missing, keeps_all=True)
    except ValueError as error:
        error.args = tuple(_in_own_words(part) for part in error.args)
        raise
    if not allows_missing:
        _refuse_missing(states, f"\n{BOTH_WAYS}")
    return columns, numbers_of(columns, states)


def read(estimator: LearnedArrays, X: Any, allows_missing: bool) -> Any:
    """Another X as numbers for the model, NaN for those that are missing."""
    check_fitted(estimator)
    _check_input(estimator, X, False, allows_missing)
    columns = estimator.columns_
    assert columns is not None
    numbers = estimator._known_values.numbers(X) if estimator._known_values else None
    if numbers is not None:
        return numbers
    states = states_of(X, columns)[1]
    if not allows_missing:
        _refuse_missing(states, f": {without_values(estimator)}")
    return numbers_of(columns, states)


class KnownValues:
    """The values of columns, by which few rows are read at once, without the library: a row then costs no more
    to read than its model takes."""

    # The most comparisons of cells with values. For more, the library is faster.
    _FEW = 1 << 18

    def __init__(self, columns: dict[str, Any]) -> None:
        names = state_names(columns)
        self._names = table_names(columns)
        last = np.array([len(states) - 1 for states in names])
        places = np.minimum(np.arange(last.max() + 1)[:, None], last)
        # The number of each state, (states, columns); that of the last is repeated.
        self._table = np.asarray(numbers_of(columns, places.astype(np.uint8)), float)
        self._by_value: list[dict[Any, float]] = []
        for states, numbers in zip(names, self._table.T.tolist()):
            by_value: dict[Any, float] = dict(zip(states, numbers))
            if are_numbers(states):
                by_value.update(zip(numbers, numbers))
            self._by_value.append(by_value)

    def numbers(self, X: Any) -> NDArray[np.float64] | None:
        """X as numbers for a model of the columns. None if that is for the library to say: X has many rows, or a
        value that is missing, unknown or written in another way."""
        if hasattr(X, "columns"):
            if not hasattr(X, "iloc") or [str(name) for name in X.columns] != self._names:
                return None
        elif hasattr(X, "tocsr") or isinstance(X, np.ma.MaskedArray):
            return None
        else:
            X = array_of(X)
        if len(X) * self._table.size > self._FEW or X.shape[1:] != self._table.shape[1:]:
            return None
        rows = X.to_numpy(object) if hasattr(X, "iloc") else X
        if rows.dtype.kind in "biuf":
            numbers = rows.astype(float)
            are_known = (numbers[:, np.newaxis] == self._table).any(axis=1).all()
            return numbers + 0.0 if are_known else None
        try:
            found = [list(map(_number_of, row, self._by_value)) for row in rows.tolist()]
        except KeyError:
            return None
        return np.array(found)


def _number_of(cell: Any, by_value: dict[Any, float]) -> float:
    """The number of a value; a KeyError if it is missing or unknown."""
    if isinstance(cell, str):
        return by_value[cell]
    if is_missing(cell):
        raise KeyError(cell)
    # True is no 1.
    is_number = isinstance(cell, (int, float)) and not isinstance(cell, bool)
    return by_value[cell] if is_number and cell in by_value else by_value[text_of(cell)]


def _refuse_missing(states: NDArray[Any], remedy: str) -> None:
    found = np.argwhere(states == _MISSING)
    if len(found):
        row, column = (int(place) for place in found[0])
        raise ValueError(f"X: example {row}, column {column + 1} is NaN or has no value{remedy}")


def own_values(columns: dict[str, Any], X: Any = None) -> list[NDArray[Any]]:
    """The values of each column by state, of the type that they have in X; without X, numbers if all are, else
    texts."""
    names = state_names(columns)
    if X is None:
        return [plain_values(states) for states in names]
    if hasattr(X, "tocsr"):
        return [_like(states, np.empty(0, X.dtype)) for states in names]
    found = [np.asarray(column) for column in columns_of(X)]
    return [_like(states, column) for states, column in zip(names, found)]


def _like(names: list[str], column: NDArray[Any]) -> NDArray[Any]:
    """Names of states as values of a column's type."""
    if column.dtype.kind == "b" and len(names) == 2:
        return np.array([name in ("True", "1") for name in names])
    if column.dtype.kind in "biuf":
        plain = plain_values(names)
        if column.dtype.kind == "b" or plain.dtype.kind not in "iuf":
            return plain
        # A declared value that the type of the column cannot hold keeps its own.
        cast: NDArray[Any] = plain.astype(column.dtype)
        return cast if (cast == plain).all() else plain
    own: dict[Any, Any] = {}
    for value in column.tolist():
        if is_missing(value):
            continue
        text = value.decode() if isinstance(value, bytes) else text_of(value)
        if text not in own:
            own[text] = value
            if are_numbers([text]):
                # A number may be written in several ways.
                own.setdefault(float(text), value)
    values = [
        own.get(name, own.get(float(name), name) if are_numbers([name]) else name)
        for name in names
    ]
    return objects(values)


def as_frame_or_array(values: list[NDArray[Any]], like: Any) -> Any:
    """Columns of values as an array, or as a frame of pandas with the names and types of `like`, an empty frame."""
    if like is not None:
        import pandas

        frame = pandas.DataFrame(dict(enumerate(values)))
        frame.columns = like.columns
        return frame.astype(dict(zip(like.columns, like.dtypes)))
    kinds = {column.dtype for column in values}
    if len(kinds) == 1:
        return np.column_stack(values)
    return np.column_stack([column.astype(object) for column in values])


def empty_frame(X: Any) -> Any:
    """The first 0 rows of a frame of pandas, which hold its names and types; None for other data."""
    return X.iloc[:0].copy() if hasattr(X, "iloc") and hasattr(X, "dtypes") else None


def _check_input(estimator: LearnedArrays, X: Any, reset: bool, allows_missing: bool) -> None:
    if not allows_missing:
        refuse_masks(estimator, X, reset)
        if isinstance(X, np.ndarray) and X.dtype.kind == "f" and X.ndim == 2:
            remedy = f"\n{BOTH_WAYS}" if reset else f": {without_values(estimator)}"
            _refuse_missing(np.where(np.isnan(X), _MISSING, 0), remedy)
    shape = _shape(X)
    if len(shape) != 2:
        raise ValueError(
            f"Expected 2D array, got {len(shape)} dimensions instead. Reshape your data: X.reshape(-1, 1) "
            "makes a column of a vector"
        )
    for size, what in zip(shape, ("sample", "feature")):
        if size == 0:
            raise ValueError(
                f"Found array with 0 {what}(s) (shape={shape}) while a minimum of 1 is required."
            )
    # A file has all names as texts, and scikit-learn would warn of numbers.
    if reset or names_of(X) is None or names_of(X) != table_names(estimator.columns_ or {}):
        check_features(estimator, X, reset)


def _shape(X: Any) -> tuple[int, ...]:
    if hasattr(X, "iloc") or hasattr(X, "tocsr"):
        found: tuple[int, ...] = X.shape
        return found
    array = np.asarray(X)
    if array.dtype.kind == "c":
        raise ValueError("Complex data not supported: X must hold categories")
    return array.shape


def _declared(X: Any, categories: Sequence[Any]) -> dict[str, Any]:
    """The columns of X with the values that are declared, a list for each."""
    width = _shape(X)[1]
    if len(categories) != width:
        raise ValueError(
            f"categories has {len(categories)} lists, but must have {width}, one for each column of X"
        )
    for number, values in enumerate(categories, start=1):
        unknown = unknown_in(values)
        if unknown is not None:
            raise ValueError(
                f"categories has, for column {number}, {unknown}, but must have values alone: leave it out, as a "
                "value that is missing is none of them"
            )
        if np.ndim(values) != 1 or not 2 <= len(values) <= 255:
            raise ValueError(
                f"categories must hold, for column {number}, a list of from 2 to 255 values, but holds "
                f"{values!r}"
            )
    columns = of_sites(categories)
    names = names_of(X)
    if names is None:
        return columns
    table = columns["array"]["columns"]
    return {"table": [{**column, "name": name} for column, name in zip(table, names)]}


def _in_own_words(part: Any) -> Any:
    """A message of the library, which reads declared columns as those of a model, and has a keyword `ignore`."""
    for theirs, ours in _WORDS.items():
        part = part.replace(theirs, ours) if isinstance(part, str) else part
    return part
