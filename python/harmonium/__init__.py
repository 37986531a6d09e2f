"""Restricted Boltzmann machines, trained on every core of a CPU, to the same bits each time.

`BernoulliRBM` takes the place of scikit-learn's class of that name; `train`, `Trainer` and `Rbm` are
the library itself, for those who do not want scikit-learn; `harmonium.io` reads and writes the files of
the `rbms` package and `.npz`.

>>> import numpy as np
>>> import harmonium
>>> bars = np.array([[0, 0, 1, 1], [1, 1, 0, 0]] * 50)
>>> rbm = harmonium.train(bars, hidden=8, epochs=200, batch_size=20)
>>> rbm.log_likelihood(bars).mean > -2.0  # ln 2 = 0.69 is the least that can be had
True
"""

from ._bernoulli_rbm import BernoulliRBM
from ._harmonium import (
    DivergedError,
    Rbm,
    SettingError,
    Trainer,
    __version__,
    default_settings,
)
from ._log_likelihood import LogLikelihood
from ._train import train

from . import io  # isort: skip (it takes Rbm from here)

__all__ = [
    "BernoulliRBM",
    "DivergedError",
    "LogLikelihood",
    "Rbm",
    "SettingError",
    "Trainer",
    "__version__",
    "default_settings",
    "io",
    "train",
]
