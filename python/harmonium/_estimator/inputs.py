"""X as the library takes it, and what is said of it."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from .._harmonium import Trainer, refuse_masked
from .._sklearn import check_is_fitted, validate_data
from .parameters import seed

if TYPE_CHECKING:
    from .._bernoulli_rbm import BernoulliRBM

# What numbers beyond 0 and 1 are warned of with.
_AS_THEY_ARE = (
    "They are taken as they are, but units are binary: scale X, grey levels by X / 255 (or their "
    "maximum), spins by (X + 1) / 2, counts to bits by X > 0, or any feature with MinMaxScaler."
)


def validated(estimator: BernoulliRBM, X: Any, reset: bool = False, learns: bool = False) -> Any:
    """X as an array or a matrix in compressed rows; `reset`: as the first that is seen."""
    if not reset:
        check_is_fitted(estimator)
    refuse_masked(X)
    X = validate_data(estimator, X, accept_sparse="csr", dtype="numeric", reset=reset)
    return _with_meaning(estimator, X, learns) if X.dtype.kind in "iu" else X


def precision(X: Any) -> str:
    """The type of the numbers that are given out for X."""
    return "float32" if X.dtype == np.float32 else "float64"


def split(estimator: BernoulliRBM, X: Any) -> tuple[Any, Any]:
    """X without, and of, a random `validation_fraction` of its rows."""
    n_samples, fraction = X.shape[0], estimator.validation_fraction
    n_held_out = int(np.ceil(fraction * n_samples))
    if not 0 < n_held_out < n_samples:
        raise ValueError(
            f"validation_fraction is {fraction}, but must leave at least one of the {n_samples} "
            "samples on both sides"
        )
    order = np.random.RandomState(seed(estimator.random_state) % 2**32).permutation(n_samples)
    held_out = np.sort(order[:n_held_out])
    return X[np.sort(order[n_held_out:])], X[held_out]


def warn_of_values_outside(trainer: Trainer) -> None:
    """Warn of numbers beyond 0 and 1."""
    if trainer.first_outside is not None:
        row, feature, value = trainer.first_outside
        warnings.warn(
            f"X has values outside [0, 1]: row {row}, feature {feature} is {value:g}. {_AS_THEY_ARE}",
            stacklevel=5,
        )


def _with_meaning(estimator: BernoulliRBM, X: Any, learns: bool) -> Any:
    """X, if its integers stand for something; as floating-point numbers if they are just numbers,
    as scikit-learn takes all of them."""
    values = X.data if hasattr(X, "tocsr") else X
    is_known = estimator.grey_levels_ is not None or estimator.spins_
    if is_known or not values.size or (values.min() >= 0 and values.max() <= 1):
        return X
    if X.dtype == np.uint8 and values.max() > 127:
        if learns:
            estimator.grey_levels_ = 255
            warnings.warn(
                "X holds bytes of which some are above 127: they are taken as grey levels, X / 255. "
                "For other numbers, give X.astype(float).",
                stacklevel=6,
            )
        return X
    if not learns:
        # In learning they are warned of with all values beyond 0 and 1.
        warnings.warn(f"X holds integers beyond 0 and 1. {_AS_THEY_ARE}", stacklevel=4)
    return X.astype(np.float64)
