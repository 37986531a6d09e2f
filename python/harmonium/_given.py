"""Units that are given, and their values."""

from __future__ import annotations

from typing import Any, Mapping, Sequence, Tuple

import numpy as np
from numpy.typing import NDArray

from ._columns import columns_of, is_missing, names_of, state_names, table_names
from ._harmonium import refuse_masked

Parts = Tuple[NDArray[Any], NDArray[np.bool_]]


def row(clamp: Any, n_visible: int, spins: bool) -> Parts:
    """One row of values, and the mask of the given units, both of shape (1, n_visible).

    >>> row({2: 1, 0: 0}, 3, False)
    (array([[0., 0., 1.]]), array([[ True, False,  True]]))
    >>> row([1, float("nan")], 2, True)
    (array([[ 1., -1.]]), array([[ True, False]]))
    """
    refuse_masked(clamp)
    if isinstance(clamp, Mapping):
        values = np.full(n_visible, np.nan)
        values[units("clamp", list(clamp), n_visible)] = list(clamp.values())
    else:
        values = np.asarray(clamp, float).reshape(-1)
        if values.size != n_visible:
            raise ValueError(
                f"clamp has {values.size} values, but must have one for each of the {n_visible} visible "
                "units, NaN for those that are free"
            )
    return _parts(values[np.newaxis], ~np.isnan(values), "clamp", spins)


def rows(visible: Any, clamped: Any, n_visible: int, spins: bool) -> Parts:
    """Rows of values (n, n_visible), and the mask of the given units (1, n_visible).

    >>> rows([[1, 1]], [1], 2, False)
    (array([[0., 1.]]), array([[False,  True]]))
    """
    refuse_masked(visible)
    refuse_masked(clamped)
    values = np.asarray(visible.toarray() if hasattr(visible, "toarray") else visible, float)
    if values.ndim == 3:
        values = values.reshape(len(values), -1)
    if values.ndim != 2 or values.shape[1] != n_visible:
        raise ValueError(
            f"visible has the shape {values.shape}, but must have (n, {n_visible}), a row of all visible "
            "units for each example"
        )
    return _parts(values, _mask(clamped, n_visible), "visible", spins)


def row_of_columns(clamp: Any, columns: Mapping[str, Any]) -> Parts:
    """One row of values of columns, and the mask of those that are given, both of shape (1, columns). A free
    column has its first state.

    >>> from ._columns import of_sites
    >>> row_of_columns({1: "red"}, of_sites([1, ["blue", "red"]]))
    (array([['0', 'red']], dtype=object), array([[False,  True]]))
    """
    refuse_masked(clamp)
    states = state_names(columns)
    values = np.full(len(states), None, object)
    if isinstance(clamp, Mapping):
        for place, value in zip(_places("clamp", list(clamp), columns), clamp.values()):
            values[place] = value
    else:
        given = list(clamp)
        if len(given) != len(states):
            raise ValueError(
                f"clamp has {len(given)} values, but must have one for each of the {len(states)} columns, NaN "
                "or None for those that are free"
            )
        values[:] = given
    mask = np.array([[not is_missing(value) for value in values]])
    return _filled(values[np.newaxis], mask[0], states), mask


def rows_of_columns(visible: Any, clamped: Any, columns: Mapping[str, Any]) -> Parts:
    """Rows of values of columns (n, columns), and the mask of those that are given (1, columns)."""
    refuse_masked(visible)
    refuse_masked(clamped)
    states = state_names(columns)
    values = np.asarray(_in_order(visible, columns), object)
    if "sequences" in columns and values.ndim == 1:
        # Texts, which are rows of letters.
        values = np.array([list(text) for text in values], object)
    if values.ndim != 2 or values.shape[1] != len(states):
        raise ValueError(
            f"visible has the shape {values.shape}, but must have (n, {len(states)}), a row of all columns for "
            "each example"
        )
    found = np.asarray(clamped)
    if found.dtype.kind == "b" and found.shape == (len(states),):
        mask = found
    else:
        mask = np.zeros(len(states), bool)
        mask[_places("clamped", found.reshape(-1).tolist(), columns)] = True
    return _filled(values, mask, states), mask[np.newaxis]


def _in_order(visible: Any, columns: Mapping[str, Any]) -> Any:
    """The columns of a frame that have the names of the model, in its order; other data as they are."""
    own, names = table_names(columns), names_of(visible)
    if own is None or names is None:
        return visible
    lacking = [name for name in own if name not in names]
    if lacking:
        raise ValueError(f"visible has no column {lacking[0]!r}, which the model needs; its columns are {', '.join(names)}")
    found = columns_of(visible)
    return np.stack([np.asarray(found[names.index(name)], object) for name in own], axis=1)


def _filled(
    values: NDArray[Any], mask: NDArray[np.bool_], states: Sequence[Sequence[str]]
) -> NDArray[Any]:
    """Values whose free columns have their first states."""
    firsts = np.array([names[0] for names in states], object)
    filled: NDArray[Any] = np.where(mask, values, firsts)
    return filled


def _places(name: str, wanted: list[Any], columns: Mapping[str, Any]) -> list[int]:
    """The places of columns that are wanted by name or number."""
    names = table_names(columns) or []
    unknown = [column for column in wanted if isinstance(column, str) and column not in names]
    if names and unknown:
        raise ValueError(f"{name} names the column {unknown[0]!r}, but must name columns of {', '.join(names[:10])}")
    places = [names.index(column) if column in names else column for column in wanted]
    return [int(place) for place in units(name, places, len(state_names(columns)), "columns")]


def units(name: str, numbers: Any, n_visible: int, kind: str = "units") -> NDArray[np.intp]:
    """Numbers of units, or of columns."""
    found = np.asarray(numbers).reshape(-1)
    is_wrong = found.dtype.kind not in "iu" or bool(((found < 0) | (found >= n_visible)).any())
    if found.size and is_wrong:
        raise ValueError(
            f"{name} names the {kind} {found.tolist()}, but must name {kind} from 0 to {n_visible - 1}"
        )
    return found.astype(np.intp)


def _mask(clamped: Any, n_visible: int) -> NDArray[np.bool_]:
    found = np.asarray(clamped)
    if found.dtype.kind != "b":
        mask = np.zeros(n_visible, bool)
        mask[units("clamped", found, n_visible)] = True
        return mask
    if found.size != n_visible:
        raise ValueError(
            f"clamped has {found.size} values, but must have one for each of the {n_visible} visible "
            "units, or name units by their numbers"
        )
    return found.reshape(-1)


def _parts(values: NDArray[Any], mask: NDArray[np.bool_], name: str, spins: bool) -> Parts:
    off = -1.0 if spins else 0.0
    values = np.where(mask, values, off)
    is_other = (values != off) & (values != 1.0)
    if is_other.any():
        found, kind = values[is_other][0], "spins, -1 or 1" if spins else "bits, 0 or 1"
        raise ValueError(f"{name} gives a unit the value {found:g}, but given units must be {kind}")
    return values, mask[np.newaxis]
