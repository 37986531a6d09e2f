"""Learning from chunk after chunk: `partial_fit`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .._harmonium import DivergedError, Trainer
from .fitting import restore, take
from .inputs import validated, warn_of_values_outside
from .parameters import check, generator, n_chains, own_names, settings_for, threads

if TYPE_CHECKING:
    from .._bernoulli_rbm import BernoulliRBM

# Without an end, schedules stay at their beginning.
_NO_END = 2**62
# An odd number, so that a long walk by it meets no seed twice.
_ANOTHER_SEED = 0x9E3779B97F4A7C15


def partial_fit(estimator: BernoulliRBM, X: Any) -> None:
    """Change the parameters once, with all of X as the mini-batch; after an error they are as before."""
    before = dict(vars(estimator))
    try:
        trainer, X = _trainer_for(estimator, X)
        trainer.update_on(X, threads=threads(estimator))
    except BaseException as error:
        restore(estimator, before)
        if isinstance(error, (DivergedError, KeyboardInterrupt)):
            # It may have gone on from what was given out.
            estimator._trainer = None
        raise
    estimator._trainer = trainer
    take(estimator, trainer, X)


def _trainer_for(estimator: BernoulliRBM, X: Any) -> tuple[Trainer, Any]:
    """The trainer that goes on from parameters, chains and settings as they are, and X."""
    is_first = not hasattr(estimator, "components_")
    check(estimator)
    X = validated(estimator, X, reset=is_first, learns=True)
    if is_first:
        estimator.random_state_ = generator(estimator.random_state)
        estimator._trainer = None
    settings = settings_for(estimator, X.shape[0], n_updates=_NO_END)
    if not is_first:
        settings["hidden"] = estimator.components_.shape[0]
    # Neither belongs to a trainer that gets its examples from outside, once it has begun.
    seed, _ = settings.pop("seed"), settings.pop("batch_size")
    with own_names():
        trainer = _same_trainer(estimator, settings)
        if trainer is None:
            trainer = _new_trainer(estimator, X, {**settings, "seed": seed}, is_first)
            estimator._trainer_settings = settings
            warn_of_values_outside(trainer)
    return trainer, X


def _same_trainer(estimator: BernoulliRBM, settings: dict[str, Any]) -> Trainer | None:
    """The trainer of the last chunk under these settings, if it can go on."""
    trainer = estimator._trainer
    if trainer is None or not estimator._is_as_left():
        return None
    if settings == estimator._trainer_settings:
        return trainer
    try:
        trainer = trainer.with_settings(threads=threads(estimator), **settings)
    except ValueError:
        # Not a change that its state allows, or no valid one: a new trainer tells which.
        return None
    estimator._trainer_settings = settings
    return trainer


def _new_trainer(
    estimator: BernoulliRBM, X: Any, settings: dict[str, Any], is_first: bool
) -> Trainer:
    """A trainer that begins at the parameters and chains as they are, or at fresh ones."""
    # Chains that begin anew do not draw the numbers of those before.
    estimator._n_restarts = 0 if is_first else getattr(estimator, "_n_restarts", 0) + 1
    settings["seed"] = (settings["seed"] + estimator._n_restarts * _ANOTHER_SEED) % 2**63
    return Trainer.online(
        X,
        initial=None if is_first else estimator.rbm_,
        hidden_states=None if is_first else _chains(estimator),
        grey_levels=estimator.grey_levels_,
        spins=estimator.spins_,
        threads=threads(estimator),
        **settings,
    )


def _chains(estimator: BernoulliRBM) -> NDArray[Any]:
    """Hidden states for as many chains as are wanted: those that there are, again and again."""
    states = np.asarray(estimator.h_samples_)
    shape = n_chains(estimator), estimator.components_.shape[0]
    if states.ndim != 2 or states.shape[1] != shape[1] or not np.isin(states, (0, 1)).all():
        raise ValueError(
            f"h_samples_ has the shape {states.shape}, but must hold hidden states of 0 and 1, "
            f"{shape[1]} wide: hidden units are on or off, no probabilities"
        )
    return states if states.shape == shape else np.resize(states, shape)
