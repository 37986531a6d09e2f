"""Learning from one chunk after another: `partial_fit`."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._harmonium import DivergedError, Trainer
from .._weights import one_each
from .fitting import Rows, restore, take
from .learned import LearnedArrays
from .parameters import check, generator, n_chains, own_names, settings_for, threads

# A run without an end keeps schedules at their first value.
_NO_END = 2**62
# An odd number, so that 2**63 multiples of it are different seeds.
_ANOTHER_SEED = 0x9E3779B97F4A7C15


def partial_fit(
    estimator: LearnedArrays, X: Any, sample_weight: Any, y: Any = None, classes: Any = None
) -> None:
    """Do one update with all of X as the mini-batch, and y if the estimator predicts it, one of `classes`; an
    error leaves the estimator as it was."""
    before = dict(vars(estimator))
    try:
        trainer, (X, weights, targets) = _trainer_for(estimator, X, sample_weight, y, classes)
        trainer.update_on(X, weights=weights, labels=targets, threads=threads(estimator))
    except BaseException as error:
        restore(estimator, before)
        if isinstance(error, (DivergedError, KeyboardInterrupt)):
            # The trainer may be ahead of the estimator's arrays.
            estimator._trainer = None
        raise
    estimator._trainer = trainer
    take(estimator, trainer, X)


def _trainer_for(
    estimator: LearnedArrays, X: Any, sample_weight: Any, y: Any, classes: Any
) -> tuple[Trainer, Rows]:
    """The trainer that continues from the current parameters, chains and settings, and the rows of X."""
    is_first = not hasattr(estimator, "components_")
    check(estimator)
    if estimator.missing is not None:
        raise ValueError(
            f"missing is {estimator.missing!r}, but partial_fit takes whole rows only: use fit, or set missing=None"
        )
    X = estimator._validated(X, reset=is_first, learns=True)
    weights = one_each(sample_weight, "sample_weight", X.shape[0])
    targets, weights = estimator._targets_of_chunk(y, X, weights, classes)
    rows = Rows(X, weights, targets)
    if is_first:
        estimator.random_state_ = generator(estimator.random_state)
        estimator._trainer = None
    else:
        _complete(estimator)
    settings = settings_for(estimator, X.shape[0], n_updates=_NO_END)
    if not is_first:
        settings["hidden"] = estimator.components_.shape[0]
    # An online trainer that has begun takes neither.
    seed, _ = settings.pop("seed"), settings.pop("batch_size")
    with own_names():
        trainer = _same_trainer(estimator, settings)
        if trainer is None:
            trainer = _new_trainer(estimator, rows, {**settings, "seed": seed}, is_first)
            estimator._trainer_settings = settings
    return trainer, rows


def _complete(estimator: LearnedArrays) -> None:
    """Give values to what a user who set the weights left out: 0 as in scikit-learn, and chains that
    are off."""
    n_hidden, n_visible = np.shape(estimator.components_)
    for name, shape in [
        ("intercept_hidden_", n_hidden),
        ("intercept_visible_", n_visible),
        ("h_samples_", (n_chains(estimator), n_hidden)),
    ]:
        if not hasattr(estimator, name):
            setattr(estimator, name, np.zeros(shape))
    if not hasattr(estimator, "random_state_"):
        estimator.random_state_ = generator(estimator.random_state)


def _same_trainer(estimator: LearnedArrays, settings: dict[str, Any]) -> Trainer | None:
    """The trainer of the last chunk under these settings, if it can continue."""
    trainer = estimator._trainer
    if trainer is None or not estimator._is_unchanged():
        return None
    if settings == estimator._trainer_settings:
        return trainer
    try:
        trainer = trainer.with_settings(threads=threads(estimator), **settings)
    except ValueError:
        # The state does not allow the change, or a setting is invalid: a new trainer reports that.
        return None
    estimator._trainer_settings = settings
    return trainer


def _new_trainer(
    estimator: LearnedArrays, rows: Rows, settings: dict[str, Any], is_first: bool
) -> Trainer:
    """A trainer that starts from the current parameters and chains, or from new ones."""
    # Another seed, so that restarted chains draw other random numbers.
    estimator._n_restarts = 0 if is_first else getattr(estimator, "_n_restarts", 0) + 1
    settings["seed"] = (settings["seed"] + estimator._n_restarts * _ANOTHER_SEED) % 2**63
    has_chains = getattr(estimator, "objective", "generative") != "discriminative"
    return Trainer.online(
        rows.X,
        weights=rows.weights,
        labels=rows.targets,
        classes=estimator._states(),
        initial=None if is_first else estimator.rbm_,
        hidden_states=_chains(estimator) if has_chains and not is_first else None,
        grey_levels=estimator.grey_levels_,
        spins=estimator.spins_,
        categories=estimator.columns_,
        threads=threads(estimator),
        **settings,
    )


def _chains(estimator: LearnedArrays) -> NDArray[Any]:
    """The hidden states, repeated or cut to the number of chains."""
    states = np.asarray(estimator.h_samples_)
    shape = n_chains(estimator), estimator.components_.shape[0]
    if states.ndim != 2 or states.shape[1] != shape[1] or not np.isin(states, (0, 1)).all():
        raise ValueError(
            f"h_samples_ has the shape {states.shape}, but must hold hidden states of 0 and 1, "
            f"{shape[1]} wide: give states, not probabilities"
        )
    return states if states.shape == shape else np.resize(states, shape)
