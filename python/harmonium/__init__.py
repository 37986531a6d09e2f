"""Restricted Boltzmann machines, trained on every core of a CPU, to the same bits each time.

`BernoulliRBM` replaces scikit-learn's class of the same name; `CategoricalRBM` is an estimator for columns of
categories, `RBMClassifier` one that predicts labels. `train`, `Trainer` and `Rbm` are the
library itself and do not need scikit-learn. `load` reads a model; `read` reads files of data, as the command line does,
and `pack` writes them for it. `harmonium.runs` has runs in folders, `sweep`
compares settings. `import_model` and `export_model` exchange models of
bits with other programs. `harmonium.io` reads and writes `.npz` files and the files of the packages `rbms`,
annaDCA and RestrictedBoltzmannMachines.jl.

>>> import numpy as np
>>> import harmonium
>>> bars = np.array([[0, 0, 1, 1], [1, 1, 0, 0]] * 50)
>>> rbm = harmonium.train(bars, hidden=8, epochs=200, batch_size=20)
>>> rbm.log_likelihood(bars).mean > -2.0  # at best -ln 2 = -0.69
True
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ._couplings import Couplings
from ._harmonium import (
    DivergedError,
    Rbm,
    SettingError,
    Trainer,
    __version__,
    default_settings,
    pack,
    read,
)
from ._log_likelihood import LogLikelihood
from ._spins import Spins
from ._train import train
from .runs import report
from ._sweep import Sweep, sweep  # isort: skip (it imports runs)

from . import io, runs  # isort: skip (io imports Rbm from here)
from ._interchange import export_model, import_model  # isort: skip (it imports io)

if TYPE_CHECKING:
    import os

    from ._bernoulli_rbm import BernoulliRBM
    from ._categorical_rbm import CategoricalRBM
    from ._rbm_classifier import RBMClassifier

__all__ = [
    "BernoulliRBM",
    "CategoricalRBM",
    "Couplings",
    "DivergedError",
    "LogLikelihood",
    "RBMClassifier",
    "Rbm",
    "SettingError",
    "Spins",
    "Sweep",
    "Trainer",
    "__version__",
    "default_settings",
    "export_model",
    "import_model",
    "io",
    "load",
    "pack",
    "read",
    "report",
    "runs",
    "sweep",
    "train",
]


def load(path: str | os.PathLike[str]) -> Rbm:
    """Read a model: `Rbm.load`, of a file or the folder of a run."""
    return Rbm.load(path)


# The estimators, by their modules.
_ESTIMATORS = {
    "BernoulliRBM": "_bernoulli_rbm",
    "CategoricalRBM": "_categorical_rbm",
    "RBMClassifier": "_rbm_classifier",
}


def __getattr__(name: str) -> Any:
    """Imports an estimator at first use: scikit-learn takes longer to import than all the rest."""
    if name not in _ESTIMATORS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = import_module(f".{_ESTIMATORS[name]}", __name__)
    globals()[name] = found = getattr(module, name)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
