"""The parameters of the estimator as settings of the library."""

from __future__ import annotations

import functools
import inspect
import os
from contextlib import contextmanager
from numbers import Integral
from typing import Any, Callable, Iterator, TypeVar

import numpy as np

from .._harmonium import did_you_mean
from .._sklearn import check_random_state

# Parameters that have another name in the library.
RENAMED = {
    "n_components": "hidden",
    "n_iter": "epochs",
    "n_gibbs_steps": "gibbs_steps",
    "n_chains": "chains",
    "binarization": "binarize",
    "random_state": "seed",
}
# Parameters that have the same name in the library.
SAME = [
    "learning_rate",
    "batch_size",
    "momentum",
    "weight_decay",
    "centering",
    "schedule",
    "averaging",
    "shuffle",
    "missing",
    "objective",
]
SETTINGS = {**RENAMED, **{name: name for name in SAME}}

# The most rows of a mini-batch, and the most chains.
MOST_ROWS = 32_767


_Init = TypeVar("_Init", bound=Callable[..., None])


def with_known_names(init: _Init) -> _Init:
    """A constructor that refuses a parameter it does not have, and names the one that may be meant."""
    known = [name for name in inspect.signature(init).parameters if name != "self"]

    @functools.wraps(init)
    def checked(self: Any, *args: Any, **params: Any) -> None:
        for name in params:
            if name not in known:
                meant = did_you_mean(name, known)
                raise TypeError(f"{type(self).__name__} has no parameter {name}{meant}")
        init(self, *args, **params)

    return checked  # type: ignore[return-value]


class Parameters:
    """The parameters of `BernoulliRBM`, which documents them."""

    @with_known_names
    def __init__(
        self,
        n_components: int = 256,
        *,
        learning_rate: float = 0.1,
        batch_size: int = 10,
        n_iter: int = 10,
        verbose: int = 0,
        random_state: Any = None,
        n_gibbs_steps: int = 1,
        n_chains: int | None = None,
        momentum: float = 0.0,
        weight_decay: float = 0.0,
        centering: bool = False,
        schedule: str = "constant",
        averaging: str = "none",
        binarization: str | None = None,
        missing: str | None = None,
        shuffle: bool = False,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 5,
        tol: float = 1e-4,
        n_jobs: int | None = None,
        callback: Callable[[dict[str, Any]], object] | None = None,
        progress: bool = False,
        live: bool = False,
    ) -> None:
        self.n_components = n_components
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.n_iter = n_iter
        self.verbose = verbose
        self.random_state = random_state
        self.n_gibbs_steps = n_gibbs_steps
        self.n_chains = n_chains
        self.momentum = momentum
        self.weight_decay = weight_decay
        self.centering = centering
        self.schedule = schedule
        self.averaging = averaging
        self.binarization = binarization
        self.missing = missing
        self.shuffle = shuffle
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.n_jobs = n_jobs
        self.callback = callback
        self.progress = progress
        self.live = live


def as_settings(estimator: Parameters) -> dict[str, Any]:
    """The parameters under the library's names."""
    settings = {
        setting: getattr(estimator, name)
        for name, setting in SETTINGS.items()
        if hasattr(estimator, name)
    }
    settings["binarize"] = getattr(estimator, "binarization_", estimator.binarization) or "none"
    # The library's default differs.
    settings["algorithm"] = "pcd"
    settings["chains"] = n_chains(estimator)
    if estimator.missing == "absent" or settings.get("objective") == "discriminative":
        # Each row has a model of its own, whose chain starts at it; or there are no chains.
        settings["algorithm"], settings["chains"] = "cd", estimator.n_chains
    return {name: _plain(value) for name, value in settings.items()}


def settings_for(
    estimator: Parameters, n_samples: int, n_updates: int | None = None
) -> dict[str, Any]:
    """The settings for `n_samples` rows, for `n_updates` updates if given, else `n_iter` epochs."""
    settings = as_settings(estimator)
    settings["seed"] = seed(estimator.random_state)
    settings["batch_size"] = min(settings["batch_size"], n_samples)
    if n_updates is not None:
        settings["epochs"], settings["updates"] = None, n_updates
    elif estimator.n_iter == 0:
        # `fit` then makes the first parameters, and trains no epoch.
        settings["epochs"] = 1
    return settings


def n_chains(estimator: Parameters) -> int:
    """The number of chains; by default it is the number of rows of a mini-batch."""
    if estimator.n_chains is None:
        return min(estimator.batch_size, MOST_ROWS)
    return estimator.n_chains


def check(estimator: Parameters) -> None:
    """Check the parameters that the library would not name correctly; it checks the others."""
    for name, least in [("n_components", 1), ("batch_size", 1), ("n_iter", 0), ("n_gibbs_steps", 1)]:
        value = getattr(estimator, name)
        if not isinstance(value, Integral) or isinstance(value, bool):
            raise TypeError(f"{name} is {value!r}, but must be a whole number")
        if int(value) < least:
            raise ValueError(f"{name} is {value}, but must be at least {least}")
    if estimator.callback is not None and not callable(estimator.callback):
        raise TypeError(f"callback is {estimator.callback!r}, but must be callable or None")
    stopping, fraction = estimator.early_stopping, estimator.validation_fraction
    if not isinstance(stopping, (bool, np.bool_)):
        raise TypeError(f"early_stopping is {stopping!r}, but must be True or False")
    if stopping and not 0 < fraction < 1:
        raise ValueError(f"validation_fraction is {fraction}, but must be above 0 and below 1")


@contextmanager
def own_names() -> Iterator[None]:
    """Put the estimator's names for settings into errors of the library."""
    try:
        yield
    except (TypeError, ValueError) as error:
        names = {setting: name for name, setting in RENAMED.items()}
        broken: Any = error  # a TypeError has the fields of a SettingError, too
        if getattr(broken, "setting", None) in names:
            broken.setting = names[broken.setting]
            broken.args = (f"{broken.setting} is {broken.value}, but must be {broken.rule}",)
        raise


def threads(estimator: Parameters) -> int | None:
    """The number of threads by n_jobs; None: one per core."""
    n_jobs = estimator.n_jobs
    if n_jobs is None:
        # joblib sets this in its workers, so that they share the cores.
        wanted = os.environ.get("OMP_NUM_THREADS", "").split(",")[0]
        return int(wanted) if wanted.isdigit() and int(wanted) > 0 else None
    if n_jobs < 0:
        return max((os.cpu_count() or 1) + 1 + n_jobs, 1)
    if n_jobs == 0:
        raise ValueError("n_jobs is 0, but must be None, -1 or a number of threads")
    return n_jobs


def seed(random_state: Any) -> int:
    """The library's seed: a number as it is, else a random one."""
    if isinstance(random_state, Integral):
        number = int(random_state)
        if number < 0:
            raise ValueError(f"random_state is {random_state}, but must be at least 0")
        return number
    return int(check_random_state(random_state).randint(np.iinfo(np.int32).max))


def fixed_seed(random_state: Any) -> int:
    """The seed of results that every call repeats: a number as it is, else 0."""
    return int(random_state) if isinstance(random_state, Integral) else 0


def generator(random_state: Any) -> Any:
    """NumPy's generator for random_state; its seed is the low 32 bits of a number."""
    if isinstance(random_state, Integral):
        return np.random.RandomState(seed(random_state) % 2**32)
    return check_random_state(random_state)


def _plain(value: Any) -> Any:
    """A NumPy scalar as a Python number."""
    return value.item() if isinstance(value, np.generic) else value
