"""Units that are given, and their values."""

from __future__ import annotations

from typing import Any, Mapping, Tuple

import numpy as np
from numpy.typing import NDArray

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


def units(name: str, numbers: Any, n_visible: int) -> NDArray[np.intp]:
    """Numbers of units."""
    found = np.asarray(numbers).reshape(-1)
    is_wrong = found.dtype.kind not in "iu" or bool(((found < 0) | (found >= n_visible)).any())
    if found.size and is_wrong:
        raise ValueError(
            f"{name} names the units {found.tolist()}, but must name units from 0 to {n_visible - 1}"
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
