"""Files of the command line, and scikit-learn's own class."""

from __future__ import annotations

import inspect
import os
from numbers import Integral
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import numpy as np

from .._harmonium import Rbm
from .learned import LEARNED, LearnedArrays, check_fitted
from .parameters import SETTINGS, as_settings, generator, n_chains

_Estimator = TypeVar("_Estimator", bound=LearnedArrays)

_THEIR_PARAMETERS = [
    "n_components",
    "learning_rate",
    "batch_size",
    "n_iter",
    "verbose",
    "random_state",
]


def save(estimator: LearnedArrays, path: str | os.PathLike[str]) -> None:
    """Write the model as the command line does, with the parameters as settings."""
    check_fitted(estimator)
    ending = Path(path).suffix
    if ending not in ("", ".safetensors"):
        raise ValueError(
            f"{path}: the name ends in {ending}, but must end in .safetensors, as other files do not hold "
            "the parameters of an estimator; `rbm_.save` writes the model alone"
        )
    settings = as_settings(estimator)
    if not isinstance(estimator.random_state, Integral):
        del settings["seed"]
    estimator.rbm_.save(path, settings=settings)


def load(cls: type[_Estimator], path: str | os.PathLike[str]) -> _Estimator:
    """Read a model file, with the parameters that it records."""
    rbm, settings = Rbm.load_with_settings(path)
    # A setting that is None, such as the epochs of a run by updates, keeps the default.
    known = {setting: value for setting, value in settings.items() if value is not None}
    names = set(inspect.signature(cls).parameters)
    params = {
        name: known[setting]
        for name, setting in SETTINGS.items()
        if setting in known and name in names
    }
    if params.get("binarization") == "none":
        params["binarization"] = None
    if "n_chains" in params and params["n_chains"] == params.get("batch_size"):
        params["n_chains"] = None
    params["n_components"] = rbm.n_hidden
    estimator = cls(**params)
    try:
        estimator._take_meaning(rbm)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    chains = np.zeros((n_chains(estimator), rbm.n_hidden), "float32")
    weights = np.ascontiguousarray(rbm.weights.T)
    _start_from(estimator, weights, rbm.hidden_bias, rbm.visible_bias, chains)
    return estimator


def refuse(rbm: Rbm) -> NoReturn:
    """Say of a model that another class is for it which class loads it."""
    has_columns = max(rbm.sites[: -1 if rbm.classes else None]) > 1 or rbm.columns is not None
    what, reader = {
        (True, True): ("of categories with classes", "harmonium.Rbm"),
        (True, False): ("with classes", "RBMClassifier"),
        (False, True): ("of categories", "CategoricalRBM"),
        (False, False): ("of bits or numbers without classes", "BernoulliRBM"),
    }[rbm.classes is not None, has_columns]
    raise ValueError(f"it is a model {what}: load it by {reader}.load")


def from_sklearn(cls: type[_Estimator], theirs: Any) -> _Estimator:
    """An estimator with the parameters, arrays and chains of scikit-learn's."""
    if hasattr(theirs, "steps"):
        found = [name for name, step in theirs.steps if type(step).__name__ == "BernoulliRBM"]
        step = f"pipeline[{found[0]!r}]" if found else "its BernoulliRBM, of which it has none"
        raise TypeError(f"it is a Pipeline, but must be one step of it: give {step}")
    if not all(hasattr(theirs, name) for name in _THEIR_PARAMETERS):
        raise TypeError(
            f"it is a {type(theirs).__name__}, but must be a sklearn.neural_network.BernoulliRBM"
        )
    ours = cls(**{name: getattr(theirs, name) for name in _THEIR_PARAMETERS})
    if hasattr(theirs, "components_"):
        shape = n_chains(ours), len(theirs.components_)
        parts = [theirs.components_, theirs.intercept_hidden_, theirs.intercept_visible_]
        parts.append(getattr(theirs, "h_samples_", np.zeros(shape)))
        _start_from(ours, *map(np.array, parts))
        if hasattr(theirs, "feature_names_in_"):
            ours.feature_names_in_ = theirs.feature_names_in_
    return ours


def to_sklearn(estimator: LearnedArrays) -> Any:
    """scikit-learn's estimator with the same parameters, arrays and chains."""
    from sklearn.neural_network import BernoulliRBM as Theirs

    theirs = Theirs(**{name: getattr(estimator, name) for name in _THEIR_PARAMETERS})
    for name in [*LEARNED, "n_features_in_", "feature_names_in_", "random_state_"]:
        if hasattr(estimator, name):
            value = getattr(estimator, name)
            setattr(theirs, name, value.copy() if isinstance(value, np.ndarray) else value)
    if hasattr(theirs, "components_"):
        theirs._n_features_out = theirs.components_.shape[0]
    return theirs


def _start_from(estimator: LearnedArrays, *arrays: Any) -> None:
    """Start from arrays that were learned elsewhere."""
    estimator._set_learned(*arrays)
    estimator._trainer = None
    estimator.random_state_ = generator(estimator.random_state)
