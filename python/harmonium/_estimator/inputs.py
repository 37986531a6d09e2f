"""X as the library takes it, and warnings about it."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._harmonium import refuse_masked
from .._sklearn import ALLOW_NAN, validate_data
from .._warnings import warn
from .learned import LearnedArrays, check_fitted
from .parameters import generator, seed

# The advice of the warnings about numbers beyond 0 and 1.
_AS_THEY_ARE = (
    "They are taken as they are, but units are binary. Scale X: grey levels by X / 255 (or their "
    "maximum), spins by (X + 1) / 2, any feature with MinMaxScaler(clip=True), where "
    "clip keeps new rows in range. X > 0 makes bits of counts."
)
# What to do about NaN, after scikit-learn's message.
BOTH_WAYS = (
    'It can train on missing values with missing="absent" (such a value is no part of its row\'s '
    'model, as suits ratings) or missing="marginal" (it is summed out, as suits values that are missing at '
    "random)."
)
_NEITHER_WAY = (
    'harmonium.train(X, labels=y, missing="marginal") trains on missing values, and predict_proba of its model '
    "sums them out."
)
# The types that the library reads; scikit-learn makes any other the first of them.
_TYPES = [np.float64, np.float32, np.bool_, *(np.dtype(kind).type for kind in "bBhHiIlLqQ")]


def validated(
    estimator: LearnedArrays,
    X: Any,
    reset: bool = False,
    learns: bool = False,
    allows_missing: bool = False,
) -> Any:
    """X as an array or a CSR matrix; `reset` if it is the first X. If values may be missing, they are NaN."""
    if not reset:
        check_fitted(estimator)
        if _is_valid(estimator, X):
            return X
    if allows_missing and isinstance(X, np.ma.MaskedArray):
        if not reset and X.dtype.kind in "iu" and estimator.grey_levels_ is not None:
            # The library reads its grey levels, and answers in them.
            return X
        X = _filled(estimator, X, learns)
    refuse_masks(estimator, X, learns)
    finite = ALLOW_NAN if allows_missing else {}
    try:
        X = validate_data(
            estimator, X, accept_sparse="csr", dtype=_TYPES, reset=reset, **finite
        )
    except ValueError as error:
        if not allows_missing and "contains NaN" in str(error):
            # The other lines name estimators of scikit-learn.
            raise ValueError(f"{str(error).splitlines()[0]}\n{_remedy(estimator, learns)}") from None
        raise
    return with_meaning(estimator, X, learns)


def refuse_masks(estimator: LearnedArrays, X: Any, learns: bool) -> None:
    """Refuse a masked array. What the library's message has after its colon is on training."""
    try:
        refuse_masked(X)
    except ValueError as error:
        if learns:
            raise
        what = str(error).partition(":")[0]
        raise ValueError(f"{what}\n{_remedy(estimator, learns)}") from None


def without_values(estimator: LearnedArrays) -> str:
    """What to do with values that are missing in data for a fitted estimator."""
    # Rows of which values are absent have no common log Z.
    summed = "" if estimator.missing == "absent" else "; log_likelihood sums it out"
    return f"fill what is missing by impute{summed}"


def _remedy(estimator: LearnedArrays, learns: bool) -> str:
    if "missing" not in inspect.signature(type(estimator)).parameters:
        return _NEITHER_WAY
    return BOTH_WAYS if learns else f"To use such rows, {without_values(estimator)}."


def has_holes(X: Any) -> bool:
    """Whether a value is missing in validated data."""
    values = X.data if hasattr(X, "tocsr") else X
    return values.dtype.kind == "f" and bool(np.isnan(values).any())


def _filled(estimator: LearnedArrays, X: Any, learns: bool) -> Any:
    """A masked array as floating-point numbers, NaN under its mask. Only values that are not under it tell whether
    bytes are grey levels."""
    known = X.compressed()
    if X.dtype == np.uint8 and known.size and known.max() > 127:
        with_meaning(estimator, known[np.newaxis], learns)
    numbers = np.ma.filled(X.astype(float), np.nan)
    is_grey = X.dtype.kind in "iu" and estimator.grey_levels_ is not None
    return numbers / estimator.grey_levels_ if is_grey else numbers


def _is_valid(estimator: LearnedArrays, X: Any) -> bool:
    """Whether X is an array that scikit-learn would take as it is, and that needs no warning. For a row,
    its validation takes longer than the rest."""
    return (
        type(X) is np.ndarray
        and X.dtype.char in "df?"
        and X.ndim == 2
        and X.shape[0] > 0
        and X.shape[1] == getattr(estimator, "n_features_in_", X.shape[1])
        and "feature_names_in_" not in vars(estimator)
        and bool(X.min() >= 0 and X.max() <= 1)
    )


def precision(X: Any) -> str:
    """The type of the results for X."""
    return "float32" if X.dtype == np.float32 else "float64"


def split(
    estimator: LearnedArrays, n_samples: int
) -> tuple[NDArray[np.int_], NDArray[np.int_]]:
    """The numbers of training rows and of held-out rows; a random `validation_fraction` is held out."""
    fraction = estimator.validation_fraction
    n_held_out = int(np.ceil(fraction * n_samples))
    if not 0 < n_held_out < n_samples:
        raise ValueError(
            f"validation_fraction is {fraction}, but must leave at least one of the {n_samples} "
            "samples for training and one for validation"
        )
    order = np.random.RandomState(seed(estimator.random_state) % 2**32).permutation(n_samples)
    return np.sort(order[n_held_out:]), np.sort(order[:n_held_out])


def random_units(estimator: LearnedArrays, X: Any) -> NDArray[np.int_]:
    """A random feature for each row; the same at every call if random_state is a number."""
    return generator(estimator.random_state).randint(0, X.shape[1], X.shape[0])


def with_meaning(estimator: LearnedArrays, X: Any, learns: bool = False) -> Any:
    """X as it is if its integers are bits, grey levels or spins; else as floating-point numbers, as
    scikit-learn takes all integers. Numbers beyond 0 and 1 are warned of."""
    values = X.data if hasattr(X, "tocsr") else X
    if X.dtype.kind == "f":
        values = values[~np.isnan(values)]
    is_whole = X.dtype.kind in "iu"
    is_encoded = estimator.spins_ or is_whole and estimator.grey_levels_ is not None
    if is_encoded or not values.size or (values.min() >= 0 and values.max() <= 1):
        return X
    if X.dtype == np.uint8 and values.max() > 127:
        if learns:
            estimator.grey_levels_ = 255
            warn(
                "X holds bytes, some above 127: they are taken as grey levels, X / 255. If they are "
                "not grey levels, pass X.astype(float)."
            )
        return X
    # Once for a fitted model: new rows are often a little beyond those of `fit`.
    if learns or not estimator._has_warned:
        row, feature, value = _first_outside(X)
        warn(
            f"X has values outside [0, 1]: row {row}, feature {feature} is {value:g}. {_AS_THEY_ARE}"
        )
        estimator._has_warned = True
    return X.astype(np.float64) if is_whole else X


def _first_outside(X: Any) -> tuple[int, int, float]:
    """The first number of X beyond 0 and 1, as (row, feature, number)."""
    if hasattr(X, "tocsr"):
        entry = int(((X.data < 0) | (X.data > 1)).argmax())
        row = int(np.searchsorted(X.indptr, entry, side="right")) - 1
        return row, int(X.indices[entry]), X.data[entry]
    row, feature = divmod(int(((X < 0) | (X > 1)).argmax()), X.shape[1])
    return row, feature, X[row, feature]
