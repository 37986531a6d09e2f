"""X as the library takes it, and warnings about it."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from .._harmonium import Trainer, refuse_masked
from .._sklearn import check_is_fitted, validate_data
from .parameters import seed

if TYPE_CHECKING:
    from .._bernoulli_rbm import BernoulliRBM

# The advice of the warnings about numbers beyond 0 and 1.
_AS_THEY_ARE = (
    "They are taken as they are, but units are binary. Scale X: grey levels by X / 255 (or their "
    "maximum), spins by (X + 1) / 2, any feature with MinMaxScaler. X > 0 makes bits of counts."
)


def validated(estimator: BernoulliRBM, X: Any, reset: bool = False, learns: bool = False) -> Any:
    """X as an array or a CSR matrix; `reset` if it is the first X."""
    if not reset:
        check_is_fitted(estimator)
    refuse_masked(X)
    X = validate_data(estimator, X, accept_sparse="csr", dtype="numeric", reset=reset)
    return _with_meaning(estimator, X, learns) if X.dtype.kind in "iu" else X


def precision(X: Any) -> str:
    """The type of the results for X."""
    return "float32" if X.dtype == np.float32 else "float64"


def split(estimator: BernoulliRBM, X: Any) -> tuple[Any, Any]:
    """Training rows and held-out rows of X; a random `validation_fraction` is held out."""
    n_samples, fraction = X.shape[0], estimator.validation_fraction
    n_held_out = int(np.ceil(fraction * n_samples))
    if not 0 < n_held_out < n_samples:
        raise ValueError(
            f"validation_fraction is {fraction}, but must leave at least one of the {n_samples} "
            "samples for training and one for validation"
        )
    order = np.random.RandomState(seed(estimator.random_state) % 2**32).permutation(n_samples)
    held_out = np.sort(order[:n_held_out])
    return X[np.sort(order[n_held_out:])], X[held_out]


def warn_of_values_outside(trainer: Trainer) -> None:
    """Warn about numbers beyond 0 and 1."""
    if trainer.first_outside is not None:
        row, feature, value = trainer.first_outside
        warnings.warn(
            f"X has values outside [0, 1]: row {row}, feature {feature} is {value:g}. {_AS_THEY_ARE}",
            stacklevel=5,
        )


def _with_meaning(estimator: BernoulliRBM, X: Any, learns: bool) -> Any:
    """X as it is if its integers are bits, grey levels or spins; else as floating-point numbers, as
    scikit-learn takes all integers."""
    values = X.data if hasattr(X, "tocsr") else X
    is_known = estimator.grey_levels_ is not None or estimator.spins_
    if is_known or not values.size or (values.min() >= 0 and values.max() <= 1):
        return X
    if X.dtype == np.uint8 and values.max() > 127:
        if learns:
            estimator.grey_levels_ = 255
            warnings.warn(
                "X holds bytes, some above 127: they are taken as grey levels, X / 255. If they are "
                "not grey levels, pass X.astype(float).",
                stacklevel=6,
            )
        return X
    if not learns:
        # When learning, `warn_of_values_outside` warns about them.
        warnings.warn(f"X holds integers beyond 0 and 1. {_AS_THEY_ARE}", stacklevel=4)
    return X.astype(np.float64)
