"""Learning from new parameters: `fit`."""

from __future__ import annotations

import time
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._epochs import run_epochs
from .._harmonium import BestScore, DivergedError, Rbm, Trainer
from .._weights import one_each
from .inputs import has_holes, precision, split
from .learned import LearnedArrays
from .parameters import check, generator, own_names, settings_for, threads


def fit(estimator: LearnedArrays, X: Any, sample_weight: Any, y: Any = None) -> None:
    """Learn from X, and from y if the estimator predicts it. An error or Ctrl-C keeps what was learned, unless
    the parameters diverged."""
    before = dict(vars(estimator))
    try:
        running = Fit(estimator, X, sample_weight, y)
    except BaseException:
        restore(estimator, before)
        raise
    try:
        run_epochs(
            running.trainer,
            estimator.n_iter,
            running.end_epoch,
            progress=estimator.progress,
            live=estimator.live,
            threads=running.threads,
        )
    except DivergedError:
        # Diverged parameters are of no use: the estimator keeps what it had before.
        restore(estimator, before)
        raise
    except BaseException:
        running.set_learned()
        raise
    running.set_learned()


class Rows(NamedTuple):
    """Rows of X, their weights, and the states of their labels."""

    X: Any
    weights: NDArray[np.float64] | None
    targets: NDArray[np.int32] | None

    def part(self, rows: NDArray[np.int_]) -> Rows:
        """These rows."""
        weights = None if self.weights is None else self.weights[rows]
        return Rows(self.X[rows], weights, None if self.targets is None else self.targets[rows])

    def labelled(self) -> Any:
        """The rows as held-out data, with their labels if they have any."""
        return self.X if self.targets is None else (self.X, self.targets)


class Fit:
    """A fit under way: the trainer with its data, and the best epoch so far."""

    def __init__(self, estimator: LearnedArrays, X: Any, sample_weight: Any, y: Any) -> None:
        check(estimator)
        estimator.random_state_ = generator(estimator.random_state)
        estimator.grey_levels_, estimator.spins_ = None, False
        estimator._has_warned = False
        allows_missing = estimator.missing is not None
        X = estimator._validated(X, reset=True, learns=True, allows_missing=allows_missing)
        self.has_holes = allows_missing and has_holes(X)
        if self.has_holes and estimator.early_stopping:
            raise ValueError(
                "early_stopping is True, but X has missing values, and rows that lack some have no score to "
                "watch: set early_stopping=False and choose n_iter"
            )
        weights = one_each(sample_weight, "sample_weight", X.shape[0])
        targets, weights = estimator._targets(y, X, weights)
        if weights is not None and len(weights) == X.shape[0] and weights.any():
            # Rows of weight 0 are as good as missing: none is in a mini-batch, and none validates.
            rows = np.flatnonzero(weights)
            if len(rows) < X.shape[0]:
                X, weights, targets = Rows(X, weights, targets).part(rows)
        train = everything = Rows(X, weights, targets)
        self.held_out: Rows | None = None
        if estimator.early_stopping:
            rows, held_out = split(estimator, X.shape[0])
            train, self.held_out = everything.part(rows), everything.part(held_out)
        self.threads = threads(estimator)
        with own_names():
            self.trainer = Trainer(
                train.X,
                weights=train.weights,
                labels=train.targets,
                classes=estimator._states(),
                held_out=None if self.held_out is None else self.held_out.labelled(),
                as_numbers=True,
                grey_levels=estimator.grey_levels_,
                categories=estimator.columns_,
                threads=self.threads,
                **settings_for(estimator, train.X.shape[0]),
            )
        estimator._forget_learned()
        estimator.history_ = []
        estimator._trainer, estimator._n_restarts = None, 0
        self.estimator, self.rows = estimator, everything
        self.best = BestScore(estimator.tol) if estimator.early_stopping else None
        self.best_model: Rbm | None = None
        self.begin = time.perf_counter()

    def end_epoch(self, epoch: int) -> bool:
        """Record and report an epoch, and return whether to stop."""
        estimator, trainer = self.estimator, self.trainer
        if estimator.verbose:
            self._print(epoch)
        stops = False
        if estimator.callback is None and self.best is None and not estimator.live:
            # The scores would take longer than an epoch of few or small examples.
            metrics = {"epoch": epoch, "updates": trainer.updates, "seconds": trainer.seconds}
        else:
            metrics = trainer.metrics(threads=self.threads)
        if self.best is not None:
            stops = self._validate(self.best, metrics, epoch)
        estimator.history_.append(metrics)
        if estimator.callback is not None:
            stops |= bool(estimator.callback(metrics))
        self.begin = time.perf_counter()
        return stops

    def set_learned(self) -> None:
        """Set what was learned in the estimator."""
        take(self.estimator, self.trainer, self.rows.X, self.best_model)
        self.estimator.n_iter_ = int(self.trainer.updates // self.trainer.updates_per_epoch)

    def _validate(self, best: BestScore, metrics: dict[str, Any], epoch: int) -> bool:
        """Score the held-out rows, keep the best model, and return whether to stop."""
        model = self.trainer.model
        assert self.held_out is not None
        X, weights, targets = self.held_out
        scores = self.estimator._scores_of(model, X, targets)
        mean = np.average(scores, weights=weights)
        metrics["validation_score"] = float(mean)
        if best.observe(metrics["validation_score"], epoch):
            self.best_model = model
        return best.epoch is not None and best.n_since >= self.estimator.n_iter_no_change

    def _print(self, epoch: int) -> None:
        """The line of an epoch, as scikit-learn prints it."""
        X, _, targets = self.rows
        shown = ""
        if not self.has_holes:
            score, value = self.estimator._printed_score(self.trainer.model, X, targets)
            shown = f"{score} = {value:.2f}, "
        name, seconds = type(self.estimator).__name__, time.perf_counter() - self.begin
        print(f"[{name}] Iteration {epoch}, {shown}time = {seconds:.2f}s")


def take(estimator: LearnedArrays, trainer: Trainer, X: Any, best: Rbm | None = None) -> None:
    """Set what a trainer has learned, or the best model, in the precision of X."""
    dtype = precision(X)
    arrays = trainer.arrays(dtype, threads=threads(estimator))
    if best is not None:
        parts = best.weights.T, best.hidden_bias, best.visible_bias
        arrays[:3] = [part.astype(np.dtype(dtype), order="C") for part in parts]
    estimator.data_mean_, estimator.n_given_ = trainer.data_mean, trainer.n_given
    estimator._n_examples = trainer._n_effective
    estimator._set_learned(*arrays)


def restore(estimator: LearnedArrays, before: dict[str, Any]) -> None:
    """Restore an estimator after a call that failed."""
    estimator.__dict__.clear()
    estimator.__dict__.update(before)
