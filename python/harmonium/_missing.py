"""Values that are missing: NaN, or masked."""

from __future__ import annotations

from typing import Any, Tuple

import numpy as np
from numpy.typing import NDArray

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

