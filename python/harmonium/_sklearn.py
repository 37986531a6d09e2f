"""What the estimators use of scikit-learn, or stand-ins if scikit-learn is not installed."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
from numpy.typing import NDArray

try:
    from sklearn.base import (
        BaseEstimator,
        ClassifierMixin,
        ClassNamePrefixFeaturesOutMixin,
        TransformerMixin,
    )
    from sklearn.utils import assert_all_finite, check_consistent_length, check_random_state
    from sklearn.utils import column_or_1d
    from sklearn.utils.multiclass import check_classification_targets
    from sklearn.utils.validation import check_is_fitted

    # The keyword that allows NaN.
    ALLOW_NAN = {"ensure_all_finite": "allow-nan"}
    try:
        from sklearn.utils.validation import validate_data
    except ImportError:  # before 1.6 it was a method
        ALLOW_NAN = {"force_all_finite": "allow-nan"}

        def validate_data(estimator: Any, X: Any, **kwargs: Any) -> Any:
            """X as scikit-learn validates it."""
            return estimator._validate_data(X, **kwargs)

    try:
        from sklearn.utils.validation import _check_feature_names, _check_n_features

        def check_features(estimator: Any, X: Any, reset: bool) -> None:
            """Note the names and the number of the features of the first X, or compare those of another."""
            _check_feature_names(estimator, X, reset=reset)
            _check_n_features(estimator, X, reset=reset)

    except ImportError:

        def check_features(estimator: Any, X: Any, reset: bool) -> None:
            """Note the names and the number of the features of the first X, or compare those of another."""
            estimator._check_feature_names(X, reset=reset)
            estimator._check_n_features(X, reset=reset)

    def labels_of(y: Any, X: Any) -> NDArray[Any]:
        """A class for each row of X."""
        check_consistent_length(X, y)
        labels: NDArray[Any] = column_or_1d(y, warn=True)
        assert_all_finite(labels, input_name="y")
        check_classification_targets(labels)
        return labels

except ImportError:
    ALLOW_NAN = {"ensure_all_finite": "allow-nan"}

    class BaseEstimator:  # type: ignore[no-redef]
        """Parameters by the names of the constructor."""

        @classmethod
        def _names(cls) -> list[str]:
            return [name for name in inspect.signature(cls.__init__).parameters if name != "self"]

        def get_params(self, deep: bool = True) -> dict[str, Any]:
            """Parameters of this estimator by name."""
            return {name: getattr(self, name) for name in self._names()}

        def set_params(self, **params: Any) -> Any:
            """Set parameters of this estimator."""
            for name, value in params.items():
                if name not in self._names():
                    raise ValueError(f"invalid parameter {name!r}; valid are {self._names()}")
                setattr(self, name, value)
            return self

        def __repr__(self) -> str:
            defaults = inspect.signature(type(self).__init__).parameters
            changed = (
                f"{name}={value!r}"
                for name, value in self.get_params().items()
                if value is not defaults[name].default and value != defaults[name].default
            )
            return f"{type(self).__name__}({', '.join(changed)})"

    class ClassifierMixin:  # type: ignore[no-redef]
        """The score of a classifier."""

        def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
            """Share of the rows whose class is predicted."""
            fitted: Any = self
            return float(np.average(fitted.predict(X) == np.asarray(y), weights=sample_weight))

    class TransformerMixin:  # type: ignore[no-redef]
        """Fit and transform in one."""

        def fit_transform(self, X: Any, y: Any = None, **params: Any) -> np.ndarray:
            """Fit to X, then transform it."""
            fitted: Any = self
            return fitted.fit(X, y, **params).transform(X)

    class ClassNamePrefixFeaturesOutMixin:  # type: ignore[no-redef]
        """Names of the output features: the class name and a number."""

        def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
            """Names of the hidden units."""
            check_is_fitted(self)
            fitted: Any = self
            prefix = type(self).__name__.lower()
            return np.asarray([f"{prefix}{j}" for j in range(fitted._n_features_out)], dtype=object)

    def check_random_state(seed: Any) -> Any:
        """A `numpy.random.RandomState` from None, a number or another `RandomState`."""
        if seed is None or seed is np.random:
            return np.random.mtrand._rand
        if isinstance(seed, np.random.RandomState):
            return seed
        return np.random.RandomState(seed)

    class NotFittedError(ValueError, AttributeError):
        """As scikit-learn's error of this name."""

    def check_is_fitted(estimator: Any, *args: Any, **kwargs: Any) -> None:
        """Refuse an estimator that is not fitted."""
        if not estimator.__sklearn_is_fitted__():
            name = type(estimator).__name__
            raise NotFittedError(f"this {name} instance is not fitted yet; call 'fit' first")

    def labels_of(y: Any, X: Any) -> NDArray[Any]:
        """A class for each row of X."""
        labels = np.asarray(y)
        if labels.shape != (X.shape[0],):
            raise ValueError(
                f"y has the shape {labels.shape}, but must have one class for each of the {X.shape[0]} rows"
            )
        if labels.dtype.kind == "f" and (labels != np.floor(labels)).any():
            raise ValueError("y holds other numbers than whole ones, but must hold classes")
        return labels

    def check_features(estimator: Any, X: Any, reset: bool) -> None:
        """Note the number of the features of the first X, or compare that of another."""
        n_features = X.shape[1] if hasattr(X, "shape") else len(X[0])
        if reset:
            estimator.n_features_in_ = n_features
        elif n_features != getattr(estimator, "n_features_in_", n_features):
            raise ValueError(
                f"X has {n_features} features, but {type(estimator).__name__} is expecting "
                f"{estimator.n_features_in_} features as input"
            )

    def validate_data(estimator: Any, X: Any, *, reset: bool = True, **kwargs: Any) -> Any:
        """X as a two-dimensional array of finite numbers, or as a sparse matrix."""
        if hasattr(X, "tocsr"):
            X = X.tocsr()
        else:
            X = np.asarray(X)
            if X.dtype.type not in kwargs["dtype"]:
                X = X.astype(kwargs["dtype"][0])
            if X.ndim != 2:
                raise ValueError(f"expected a 2D array, got one of {X.ndim} dimensions instead")
            is_bad = np.isinf if "ensure_all_finite" in kwargs else lambda X: ~np.isfinite(X)
            if X.dtype.kind == "f" and is_bad(X).any():
                raise ValueError("input X contains NaN or infinity")
        if 0 in X.shape:
            raise ValueError(f"found an array of shape {X.shape} where a minimum of 1 is required")
        check_features(estimator, X, reset)
        return X


__all__ = [
    "ALLOW_NAN",
    "BaseEstimator",
    "ClassifierMixin",
    "ClassNamePrefixFeaturesOutMixin",
    "TransformerMixin",
    "check_features",
    "check_is_fitted",
    "check_random_state",
    "labels_of",
    "validate_data",
]
