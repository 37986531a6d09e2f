"""A drop-in for scikit-learn's `BernoulliRBM`."""

from __future__ import annotations

import os
import time
import warnings
from contextlib import contextmanager
from numbers import Integral
from typing import Any, Callable, Iterator

import numpy as np

from ._harmonium import DivergedError, Rbm, Trainer, refuse_masked
from ._log_likelihood import LogLikelihood
from ._progress import progress_bar
from ._sklearn import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    check_is_fitted,
    check_random_state,
    validate_data,
)

# The parameters whose names the library does not have, and its own names for them.
_SETTINGS = {
    "n_components": "hidden",
    "n_iter": "epochs",
    "n_gibbs_steps": "gibbs_steps",
    "n_chains": "chains",
    "binarization": "binarize",
    "random_state": "seed",
}
# Those that it has by the same name.
_SAME = [
    "learning_rate",
    "batch_size",
    "momentum",
    "weight_decay",
    "centering",
    "schedule",
    "averaging",
    "shuffle",
]

# Without an end, schedules stay at their beginning.
_NO_END = 2**62
# The most rows of a mini-batch, and the most chains.
_MOST_ROWS = 32_767
# What numbers beyond 0 and 1 are warned of with.
_AS_THEY_ARE = (
    "They are taken as they are, but units are binary: scale X, grey levels by X / 255 (or their "
    "maximum), spins by (X + 1) / 2, counts to bits by X > 0, or any feature with MinMaxScaler."
)
# An odd number, so that a long walk by it meets no seed twice.
_ANOTHER_SEED = 0x9E3779B97F4A7C15
# What is learned, in the order in which the library gives it.
_LEARNED = ("components_", "intercept_hidden_", "intercept_visible_", "h_samples_")


class BernoulliRBM(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Restricted Boltzmann machine of binary units, trained by persistent contrastive divergence.

    Takes the place of `sklearn.neural_network.BernoulliRBM`: the same parameters, attributes and
    methods with the same defaults and meaning, several times faster, with the same bits for the same
    `random_state` on any number of threads. Numbers between 0 and 1 are taken as they are; data of only
    0 and 1 train fastest. Bytes (uint8) of which some are above 127 are grey levels of 255, and the
    model then reads all integers but 0 and 1 so. Where it differs on purpose:

    ===================  ==========================================  ================================
    what                 scikit-learn                                here
    ===================  ==========================================  ================================
    partial_fit          returns None; divides by the rows given     returns self; divides each sum by
                         also the sum over batch_size chains         its own number of rows
    score_samples        of one random feature a row                 exact, over all features;
                                                                     ``method="stochastic"``: theirs
    visible bias         starts at 0                                 starts at the log-odds of the
                                                                     means of X
    chains               start with all hidden units off             start at examples
    learned numbers      in the precision of X                       float32, given out in the
                                                                     precision of X
    score                there is none                               mean of score_samples
    gibbs                draws of NumPy                              draws of its own
    random numbers       NumPy's generator                           streams of its own: other samples
                                                                     for the same random_state
    values beyond 0, 1   taken silently                              taken, with a warning
    bytes above 127      taken as numbers                            grey levels of 255, with a warning
    masked arrays        taken without their mask                    refused
    learned arrays       may be written to                           read-only: assign new ones
    batches              of any size                                 of at most 32,767 rows
    ===================  ==========================================  ================================

    Parameters
    ----------
    n_components : int, default 256
        Hidden units.
    learning_rate : float, default 0.1
    batch_size : int, default 10
        Examples of a mini-batch, at most 32,767. Where there are fewer, all of them.
    n_iter : int, default 10
        Passes over the data.
    verbose : int, default 0
        1 prints a line an epoch, with the pseudo-likelihood of one random feature a row.
    random_state : int, RandomState or None, default None
        A number is the seed of the command line; None draws one from NumPy's global generator.
    n_gibbs_steps : int, default 1
        Sweeps of every chain in an update: the k of PCD-k.
    n_chains : int or None, default None
        Persistent chains, at most 32,767; None: batch_size.
    momentum : float, default 0.0
        Share of the last step that is added to the next, at least 0 and below 1.
    weight_decay : float, default 0.0
        Share of each weight that is taken off its gradient (L2).
    centering : bool, default False
        Whether the gradient is centred: what gains most (Melchior, Fischer and Wiskott, 2016).
    schedule : str, default "constant"
        How the learning rate goes on: "constant", "linear" or "cosine" to 0, "inverse:B". In
        `partial_fit`, which has no end, "linear" and "cosine" stay at the beginning.
    averaging : str, default "none"
        Average of the parameters to end with: "none", "exponential:EPOCHS", "tail:SHARE".
    binarization : str or None, default None
        None takes numbers as they are; "stochastic" draws bits from them anew at each visit;
        "threshold:T" cuts.
    shuffle : bool, default False
        Whether each epoch takes the examples in an order of its own.
    early_stopping : bool, default False
        Whether to set `validation_fraction` of the examples aside and to stop once their
        pseudo-likelihood has not risen by more than `tol` for `n_iter_no_change` epochs; the
        parameters of the best epoch are kept.
    validation_fraction : float, default 0.1
    n_iter_no_change : int, default 5
    tol : float, default 1e-4
    n_jobs : int or None, default None
        Threads; None and -1: all cores (or as many as OMP_NUM_THREADS says). The result does not
        depend on it.
    callback : callable or None, default None
        Called after each epoch with its metrics, a dict; training ends if it returns true.
    progress : bool, default False
        Whether to show a progress bar, by tqdm.

    Attributes
    ----------
    components_ : ndarray of shape (n_components, n_features)
        Weights.
    intercept_hidden_ : ndarray of shape (n_components,)
        Biases of the hidden units.
    intercept_visible_ : ndarray of shape (n_features,)
        Biases of the visible units.
    h_samples_ : ndarray of shape (n_chains, n_components)
        Hidden states of the chains.
    data_mean_ : ndarray of shape (n_features,) or None
        Means of the examples that were learned from, where that is known; where `partial_fit` goes on
        from parameters of elsewhere, or of `fit`, of the examples since.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,), if X has names
    n_iter_ : int
        Epochs trained.
    grey_levels_ : int or None
        The maximum of the grey levels that integers stand for, if X held such.
    spins_ : bool
        Whether -1 and 1 stand for 0 and 1, of a model that the library trained so.
    history_ : list of dict
        The metrics of each epoch, where a callback or early stopping asks for them.

    Examples
    --------
    >>> import numpy as np
    >>> from harmonium import BernoulliRBM
    >>> X = np.array([[0, 0, 0], [0, 1, 1], [1, 0, 1], [1, 1, 1]])
    >>> model = BernoulliRBM(n_components=2, random_state=0).fit(X)
    >>> model.transform(X).shape
    (4, 2)
    """

    # What is known of the data, until data or a file say it; what was pickled by earlier versions does not.
    data_mean_: np.ndarray | None = None
    grey_levels_: int | None = None
    spins_: bool = False

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
        shuffle: bool = False,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 5,
        tol: float = 1e-4,
        n_jobs: int | None = None,
        callback: Callable[[dict[str, Any]], object] | None = None,
        progress: bool = False,
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
        self.shuffle = shuffle
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.n_jobs = n_jobs
        self.callback = callback
        self.progress = progress

    # Learning

    def fit(self, X: Any, y: Any = None) -> BernoulliRBM:
        """Learn from X, from new parameters.

        Ctrl-C stops it within a second, raises KeyboardInterrupt, and leaves what was learned.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
        y : ignored

        Returns
        -------
        self

        Examples
        --------
        >>> import numpy as np
        >>> from harmonium import BernoulliRBM
        >>> BernoulliRBM(2, random_state=0).fit(np.eye(4)).components_.shape
        (2, 4)
        """
        before = dict(vars(self))
        try:
            trainer, X, X_held_out = self._begin(X)
        except BaseException:
            self._forget(before)
            raise
        threads = self._threads()
        best = _Best(self.n_iter_no_change, self.tol)
        bar = progress_bar(self.n_iter, "epoch", self.progress)
        try:
            for epoch in range(1, self.n_iter + 1):
                begin = time.perf_counter()
                trainer.run(until=epoch * trainer.updates_per_epoch, threads=threads)
                bar.update(1)
                if self._end_epoch(trainer, (X, X_held_out), (epoch, begin), best):
                    break
        except DivergedError:
            # What has diverged is of no use: what was learned before stays.
            self._forget(before)
            raise
        except BaseException:
            self._end(trainer, X, best)
            raise
        finally:
            bar.close()
        self._end(trainer, X, best)
        return self

    def _begin(self, X: Any) -> tuple[Trainer, Any, Any]:
        """A trainer with its data, X, and what is held out of it."""
        self._check_parameters()
        self.random_state_ = self._new_random_state()
        self.grey_levels_, self.spins_ = None, False
        X = self._validate(X, reset=True, learns=True)
        X_train, X_held_out = self._split(X) if self.early_stopping else (X, None)
        with self._own_names():
            trainer = Trainer(
                X_train,
                held_out=X_held_out,
                as_numbers=True,
                grey_levels=self.grey_levels_,
                threads=self._threads(),
                **self._settings(X_train.shape[0]),
            )
        self._warn_of_values_outside(trainer)
        self.history_: list[dict[str, Any]] = []
        self._trainer: Trainer | None = None
        self._n_restarts = 0
        return trainer, X, X_held_out

    def _end(self, trainer: Trainer, X: Any, best: _Best) -> None:
        """Give out what was learned."""
        self._take(trainer, X, best.model)
        self.n_iter_ = int(trainer.updates // trainer.updates_per_epoch)

    def _forget(self, before: dict[str, Any]) -> None:
        """Be as before a call that failed."""
        vars(self).clear()
        vars(self).update(before)

    def _end_epoch(
        self, trainer: Trainer, data: tuple[Any, Any], place: tuple[int, float], best: _Best
    ) -> bool:
        """Report an epoch; whether training is to end."""
        (X, X_held_out), (epoch, begin) = data, place
        if self.verbose:
            self._take(trainer, X)
            score = self._stochastic_scores(X).mean()
            seconds = time.perf_counter() - begin
            name = type(self).__name__
            print(
                f"[{name}] Iteration {epoch}, pseudo-likelihood = {score:.2f}, time = {seconds:.2f}s"
            )
        if self.callback is None and X_held_out is None:
            return False
        metrics = trainer.metrics(threads=self._threads())
        if X_held_out is not None:
            model = trainer.model
            scores = model.pseudo_likelihood(X_held_out, threads=self._threads())
            metrics["validation_score"] = float(scores.mean())
            best.observe(metrics["validation_score"], model)
        self.history_.append(metrics)
        stops = self.callback is not None and bool(self.callback(metrics))
        return stops or best.is_over

    def partial_fit(self, X: Any, y: Any = None) -> BernoulliRBM:
        """Change the parameters once, with all of X as the mini-batch.

        Goes on from the parameters and chains as they are, also after `fit`, and through pickle to
        the same bits.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features), at most 32,767 samples
        y : ignored

        Returns
        -------
        self

        Examples
        --------
        >>> import numpy as np
        >>> from harmonium import BernoulliRBM
        >>> model = BernoulliRBM(2, random_state=0)
        >>> for chunk in np.split(np.eye(6), 3):
        ...     model = model.partial_fit(chunk)
        >>> model.components_.shape
        (2, 6)
        """
        before = dict(vars(self))
        try:
            trainer, X = self._online_trainer(X)
            trainer.update_on(X, threads=self._threads())
        except BaseException as error:
            self._forget(before)
            if isinstance(error, (DivergedError, KeyboardInterrupt)):
                # It may have gone on from what was given out.
                self._trainer = None
            raise
        self._trainer = trainer
        self._take(trainer, X)
        return self

    def _online_trainer(self, X: Any) -> tuple[Trainer, Any]:
        """The trainer that goes on from parameters, chains and settings as they are, and X."""
        is_first = not hasattr(self, "components_")
        self._check_parameters()
        X = self._validate(X, reset=is_first, learns=True)
        if is_first:
            self.random_state_, self._trainer = self._new_random_state(), None
        trainer, threads = self._trainer, self._threads()
        settings = self._settings(X.shape[0], n_epochs=_NO_END)
        if not is_first:
            settings["hidden"] = self.components_.shape[0]
        # Neither belongs to a trainer that gets its examples from outside, once it has begun.
        seed, _ = settings.pop("seed"), settings.pop("batch_size")
        with self._own_names():
            if trainer is not None and self._is_as_left():
                if settings == self._trainer_settings:
                    return trainer, X
                try:
                    trainer = trainer.with_settings(threads=threads, **settings)
                    self._trainer_settings = settings
                    return trainer, X
                except ValueError:
                    # Not a change that its state allows, or no valid one: that shows below.
                    pass
            start = {} if is_first else {"initial": self.rbm_, "hidden_states": self._chains()}
            # Chains that begin anew do not draw the numbers of those before.
            self._n_restarts = 0 if is_first else getattr(self, "_n_restarts", 0) + 1
            seed = (seed + self._n_restarts * _ANOTHER_SEED) % 2**63
            start.update(grey_levels=self.grey_levels_, spins=self.spins_)
            trainer = Trainer.online(X, threads=threads, seed=seed, **start, **settings)
        self._trainer_settings = settings
        self._warn_of_values_outside(trainer)
        return trainer, X

    def _chains(self) -> np.ndarray:
        """Hidden states for as many chains as are wanted: those that there are, again and again."""
        states = np.asarray(self.h_samples_)
        shape = self._n_chains(), self.components_.shape[0]
        if states.ndim != 2 or states.shape[1] != shape[1] or not np.isin(states, (0, 1)).all():
            raise ValueError(
                f"h_samples_ has the shape {states.shape}, but must hold hidden states of 0 and 1, "
                f"{shape[1]} wide: hidden units are on or off, no probabilities"
            )
        return states if states.shape == shape else np.resize(states, shape)

    def _is_as_left(self) -> bool:
        """Whether parameters and chains are the arrays that were given out last."""
        left = getattr(self, "_left", None)
        return left is not None and all(
            getattr(self, name) is array and not array.flags.writeable
            for name, array in zip(_LEARNED, left.arrays)
        )

    # Features

    def transform(self, X: Any) -> np.ndarray:
        """Probabilities of the hidden units, P(h = 1 | v = X).

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_components)
            float32 for float32, else float64.

        Examples
        --------
        >>> import numpy as np
        >>> from harmonium import BernoulliRBM
        >>> features = BernoulliRBM(3, random_state=0).fit_transform(np.eye(4))
        >>> features.shape, bool(features.min() > 0)
        ((4, 3), True)
        """
        X = self._validate(X)
        dtype = "float32" if X.dtype == np.float32 else "float64"
        return self.rbm_.mean_hidden(X, dtype=dtype, threads=self._threads())

    @property
    def _n_features_out(self) -> int:
        return self.components_.shape[0]

    # Scores

    def score_samples(self, X: Any, *, method: str = "exact") -> np.ndarray:
        """Pseudo-likelihood of each row: the sum over features of ln p(feature | the others).

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
        method : {"exact", "stochastic"}
            "stochastic": scikit-learn's, of one random feature a row, times n_features; with a number
            as random_state it is the same on every call.

        Returns
        -------
        ndarray of shape (n_samples,), nats

        Examples
        --------
        >>> import numpy as np
        >>> from harmonium import BernoulliRBM
        >>> model = BernoulliRBM(3, random_state=0).fit(np.eye(4))
        >>> bool((model.score_samples(np.eye(4)) < 0).all())
        True
        """
        X = self._validate(X)
        if method == "exact":
            return self.rbm_.pseudo_likelihood(X, threads=self._threads())
        if method == "stochastic":
            return self._stochastic_scores(X)
        raise ValueError(f"method is {method!r}, but must be 'exact' or 'stochastic'")

    def _stochastic_scores(self, X: Any) -> np.ndarray:
        units = self._new_random_state().randint(0, X.shape[1], X.shape[0])
        return self.rbm_.pseudo_likelihood(X, units=units, threads=self._threads())

    def score(self, X: Any, y: Any = None) -> float:
        """Mean of `score_samples`: what a search over parameters maximises.

        Examples
        --------
        >>> import numpy as np
        >>> from harmonium import BernoulliRBM
        >>> BernoulliRBM(3, random_state=0).fit(np.eye(4)).score(np.eye(4)) < 0
        True
        """
        return float(self.score_samples(X).mean())

    def free_energy(self, X: Any) -> np.ndarray:
        """Free energy F(v) of each row: ln p(v) = -F(v) - ln Z.

        Examples
        --------
        >>> import numpy as np
        >>> from harmonium import BernoulliRBM
        >>> BernoulliRBM(3, random_state=0).fit(np.eye(4)).free_energy(np.eye(4)).shape
        (4,)
        """
        X = self._validate(X)
        return self.rbm_.free_energy(X, threads=self._threads())

    def log_likelihood(
        self,
        X: Any,
        *,
        method: str = "auto",
        n_chains: int | None = None,
        schedule: str | None = None,
        burn_in: int | None = None,
        base_data: Any = None,
        start: Any = None,
    ) -> LogLikelihood:
        """Mean log-likelihood of rows, exact or by annealed importance sampling from both sides.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Intensities from 0 to 1, or grey levels, are drawn to bits; other numbers are refused.
        method : {"auto", "exact", "ais"}
            "auto" is exact up to 20 units of the smaller layer.
        n_chains, schedule, burn_in
            The budget of annealing: see `Rbm.log_likelihood`.
        base_data, start
            Where annealing starts: see `Rbm.log_likelihood`.

        Returns
        -------
        LogLikelihood
            With an interval and a verdict on whether to believe it.

        Examples
        --------
        >>> import numpy as np
        >>> from harmonium import BernoulliRBM
        >>> score = BernoulliRBM(3, random_state=0).fit(np.eye(4)).log_likelihood(np.eye(4))
        >>> score.method, score.mean < 0
        ('exact', True)
        """
        X = self._validate(X)
        seed = self.random_state if isinstance(self.random_state, Integral) else 0
        return self.rbm_.log_likelihood(
            X,
            method=method,
            chains=n_chains,
            schedule=schedule,
            burn_in=burn_in,
            base_data=base_data,
            start=start,
            seed=int(seed),
            threads=self._threads(),
        )

    # Samples

    def gibbs(self, v: Any) -> np.ndarray:
        """Visible states after one Gibbs step from rows v.

        Parameters
        ----------
        v : array-like of shape (n_samples, n_features) or (n_features,)

        Returns
        -------
        ndarray of the shape of v, bool; of a model of spins -1 and 1, int8

        Examples
        --------
        >>> import numpy as np
        >>> from harmonium import BernoulliRBM
        >>> BernoulliRBM(3, random_state=0).fit(np.eye(4)).gibbs(np.eye(4)).dtype
        dtype('bool')
        """
        if isinstance(v, np.ndarray) and v.ndim == 1:
            return self.gibbs(v[np.newaxis])[0]
        v = self._validate(v)
        return self.rbm_.gibbs(v, seed=self._draw_seed(), threads=self._threads())

    def sample(
        self,
        n_samples: int = 1,
        *,
        n_gibbs_steps: int = 1000,
        start: Any = None,
        random_state: Any = None,
    ) -> np.ndarray:
        """Samples of the machine: visible states of chains after so many sweeps.

        Parameters
        ----------
        n_samples : int
        n_gibbs_steps : int
        start : array-like of 0 and 1 of shape (n, n_features), or None
            Where chains start; None: at independent features of the visible biases.
        random_state : int, RandomState or None
            None: other samples on every call.

        Returns
        -------
        ndarray of shape (n_samples, n_features), bool; of a model of spins -1 and 1, int8

        Examples
        --------
        >>> import numpy as np
        >>> from harmonium import BernoulliRBM
        >>> model = BernoulliRBM(3, random_state=0).fit(np.eye(4))
        >>> model.sample(5, n_gibbs_steps=10, random_state=1).shape
        (5, 4)
        """
        check_is_fitted(self)
        seed = self._draw_seed() if random_state is None else _seed(random_state)
        return self.rbm_.sample(
            n_samples, gibbs_steps=n_gibbs_steps, start=start, seed=seed, threads=self._threads()
        )

    def reconstruct(self, X: Any) -> np.ndarray:
        """Probabilities of the visible units given hidden states that were drawn from each row.

        Examples
        --------
        >>> import numpy as np
        >>> from harmonium import BernoulliRBM
        >>> BernoulliRBM(3, random_state=0).fit(np.eye(4)).reconstruct(np.eye(4)).shape
        (4, 4)
        """
        X = self._validate(X)
        seed = self.random_state if isinstance(self.random_state, Integral) else 0
        means = self.rbm_.reconstruct(X, seed=int(seed), threads=self._threads())
        return means.astype(self.components_.dtype, copy=False)

    # Interchange

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the model as the command line does, `harmonium evaluate` and the others read it.

        Examples
        --------
        >>> import os, tempfile
        >>> import numpy as np
        >>> from harmonium import BernoulliRBM
        >>> model = BernoulliRBM(3, random_state=0).fit(np.eye(4, dtype="float32"))
        >>> path = os.path.join(tempfile.mkdtemp(), "model.safetensors")
        >>> model.save(path)
        >>> bool((BernoulliRBM.load(path).components_ == model.components_).all())
        True
        """
        check_is_fitted(self)
        settings = {_SETTINGS.get(name, name): getattr(self, name) for name in [*_SETTINGS, *_SAME]}
        settings["binarize"] = self.binarization or "none"
        settings["algorithm"] = "pcd"
        # The library has another default.
        settings["algorithm"] = "pcd"
        settings["chains"] = self._n_chains()
        if not isinstance(self.random_state, Integral):
            del settings["seed"]
        settings = {name: _plain(value) for name, value in settings.items()}
        self.rbm_.save(path, settings=settings)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> BernoulliRBM:
        """Read a model file of the command line or of `save`, with what it says of its parameters.

        Its chains are not in it: `partial_fit` starts new ones, all hidden units off.

        Examples
        --------
        See `save`.
        """
        rbm, settings = Rbm.load_with_settings(path)
        names = [*_SETTINGS.items(), *((name, name) for name in _SAME)]
        # What is None there, as the epochs of a run by updates, stays at the default.
        known = {setting: value for setting, value in settings.items() if value is not None}
        params = {name: known[setting] for name, setting in names if setting in known}
        if params.get("binarization") == "none":
            params["binarization"] = None
        if "n_chains" in params and params["n_chains"] == params.get("batch_size"):
            params["n_chains"] = None
        params["n_components"] = rbm.n_hidden
        estimator = cls(**params)
        chains = np.zeros((estimator._n_chains(), rbm.n_hidden), "float32")
        weights = np.ascontiguousarray(rbm.weights.T)
        estimator.data_mean_ = rbm.data_mean
        estimator.grey_levels_, estimator.spins_ = rbm.grey_levels, rbm.spins
        return estimator._set(weights, rbm.hidden_bias, rbm.visible_bias, chains)

    @classmethod
    def from_sklearn(cls, estimator: Any) -> BernoulliRBM:
        """The machine of a fitted `sklearn.neural_network.BernoulliRBM`, its parameters and chains.

        Weights and biases become float32.

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn.neural_network import BernoulliRBM as TheirRBM
        >>> from harmonium import BernoulliRBM
        >>> theirs = TheirRBM(3, random_state=0).fit(np.eye(4))
        >>> ours = BernoulliRBM.from_sklearn(theirs)
        >>> bool(np.allclose(ours.transform(np.eye(4)), theirs.transform(np.eye(4))))
        True
        """
        ours = cls(**{name: getattr(estimator, name) for name in _THEIR_PARAMETERS})
        if hasattr(estimator, "components_"):
            shape = ours._n_chains(), len(estimator.components_)
            parts = [estimator.components_, estimator.intercept_hidden_, estimator.intercept_visible_]
            parts.append(getattr(estimator, "h_samples_", np.zeros(shape)))
            ours._set(*map(np.array, parts))
            if hasattr(estimator, "feature_names_in_"):
                ours.feature_names_in_ = estimator.feature_names_in_
        return ours

    def to_sklearn(self) -> Any:
        """The same machine as a `sklearn.neural_network.BernoulliRBM`.

        Examples
        --------
        >>> import numpy as np
        >>> from harmonium import BernoulliRBM
        >>> type(BernoulliRBM(3, random_state=0).fit(np.eye(4)).to_sklearn()).__module__
        'sklearn.neural_network._rbm'
        """
        from sklearn.neural_network import BernoulliRBM as Theirs

        theirs = Theirs(**{name: getattr(self, name) for name in _THEIR_PARAMETERS})
        for name in [*_LEARNED, "n_features_in_", "feature_names_in_", "random_state_"]:
            if hasattr(self, name):
                value = getattr(self, name)
                setattr(theirs, name, value.copy() if isinstance(value, np.ndarray) else value)
        if hasattr(theirs, "components_"):
            theirs._n_features_out = theirs.components_.shape[0]
        return theirs

    # Between this class and the library

    def _settings(self, n_samples: int, n_epochs: int | None = None) -> dict[str, Any]:
        """The settings of the library for so many examples."""
        settings = {_SETTINGS.get(name, name): getattr(self, name) for name in [*_SETTINGS, *_SAME]}
        settings["binarize"] = self.binarization or "none"
        settings["seed"] = _seed(self.random_state)
        settings["algorithm"] = "pcd"
        settings["chains"] = self._n_chains()
        settings["batch_size"] = min(self.batch_size, n_samples)
        if n_epochs is not None:
            settings["epochs"], settings["updates"] = None, n_epochs
        elif self.n_iter == 0:
            # Nothing is learned then, but there are parameters.
            settings["epochs"] = 1
        return {name: _plain(value) for name, value in settings.items()}

    def _n_chains(self) -> int:
        return min(self.batch_size, _MOST_ROWS) if self.n_chains is None else self.n_chains

    def _check_parameters(self) -> None:
        """Refuse what the library could not name as it is called here; it checks the rest."""
        for name, least in [("n_components", 1), ("batch_size", 1), ("n_iter", 0), ("n_gibbs_steps", 1)]:
            value = getattr(self, name)
            if not isinstance(value, Integral) or isinstance(value, bool):
                raise TypeError(f"{name} is {value!r}, but must be a whole number")
            if value < least:
                raise ValueError(f"{name} is {value}, but must be at least {least}")
        if self.callback is not None and not callable(self.callback):
            raise TypeError(f"callback is {self.callback!r}, but must be callable or None")
        if not isinstance(self.early_stopping, (bool, np.bool_)):
            raise TypeError(f"early_stopping is {self.early_stopping!r}, but must be True or False")
        if self.early_stopping and not 0 < self.validation_fraction < 1:
            rule = "must be above 0 and below 1"
            raise ValueError(f"validation_fraction is {self.validation_fraction}, but {rule}")

    @contextmanager
    def _own_names(self) -> Iterator[None]:
        """Give errors of the library the names that its settings have here."""
        try:
            yield
        except (TypeError, ValueError) as error:
            names = {setting: name for name, setting in _SETTINGS.items()}
            if getattr(error, "setting", None) in names:
                error.setting = names[error.setting]
                error.args = (f"{error.setting} is {error.value}, but must be {error.rule}",)
            raise

    def _new_random_state(self) -> Any:
        """NumPy's generator by random_state; of large numbers, by their low half."""
        if isinstance(self.random_state, Integral):
            return np.random.RandomState(_seed(self.random_state) % 2**32)
        return check_random_state(self.random_state)

    def _threads(self) -> int | None:
        """Threads by n_jobs; None: as many as there are cores."""
        if self.n_jobs is None:
            # What joblib sets in its workers, so that they do not crowd each other.
            wanted = os.environ.get("OMP_NUM_THREADS", "").split(",")[0]
            return int(wanted) if wanted.isdigit() and int(wanted) > 0 else None
        if self.n_jobs < 0:
            return max((os.cpu_count() or 1) + 1 + self.n_jobs, 1)
        if self.n_jobs == 0:
            raise ValueError("n_jobs is 0, but must be None, -1 or a number of threads")
        return self.n_jobs

    def _validate(self, X: Any, reset: bool = False, learns: bool = False) -> Any:
        if not reset:
            check_is_fitted(self)
        refuse_masked(X)
        X = validate_data(self, X, accept_sparse="csr", dtype="numeric", reset=reset)
        return self._with_meaning(X, learns) if X.dtype.kind in "iu" else X

    def _with_meaning(self, X: Any, learns: bool) -> Any:
        """X, if its integers stand for something; as floating-point numbers if they are just numbers,
        as scikit-learn takes all of them."""
        values = X.data if hasattr(X, "tocsr") else X
        is_known = self.grey_levels_ is not None or self.spins_
        if is_known or not values.size or (values.min() >= 0 and values.max() <= 1):
            return X
        if X.dtype == np.uint8 and values.max() > 127:
            if learns:
                self.grey_levels_ = 255
                warnings.warn(
                    "X holds bytes of which some are above 127: they are taken as grey levels, X / 255. "
                    "For other numbers, give X.astype(float).",
                    stacklevel=5,
                )
            return X
        if not learns:
            # In learning they are warned of with all values beyond 0 and 1.
            warnings.warn(f"X holds integers beyond 0 and 1. {_AS_THEY_ARE}", stacklevel=4)
        return X.astype(np.float64)

    def _split(self, X: Any) -> tuple[Any, Any]:
        """X without, and of, a random `validation_fraction` of its rows."""
        n_samples = X.shape[0]
        n_held_out = int(np.ceil(self.validation_fraction * n_samples))
        if not 0 < n_held_out < n_samples:
            raise ValueError(
                f"validation_fraction is {self.validation_fraction}, but must leave at least one of "
                f"the {n_samples} samples on both sides"
            )
        order = np.random.RandomState(_seed(self.random_state) % 2**32).permutation(n_samples)
        held_out = np.sort(order[:n_held_out])
        return X[np.sort(order[n_held_out:])], X[held_out]

    def _warn_of_values_outside(self, trainer: Trainer) -> None:
        if trainer.first_outside is not None:
            row, feature, value = trainer.first_outside
            warnings.warn(
                f"X has values outside [0, 1]: row {row}, feature {feature} is {value:g}. "
                f"{_AS_THEY_ARE}",
                stacklevel=3,
            )

    def _take(self, trainer: Trainer, X: Any, best: Rbm | None = None) -> None:
        """Give out what a trainer has learned, in the precision of X."""
        dtype = "float32" if X.dtype == np.float32 else "float64"
        arrays = trainer.arrays(dtype, threads=self._threads())
        if best is not None:
            parts = best.weights.T, best.hidden_bias, best.visible_bias
            arrays[:3] = [part.astype(dtype, order="C") for part in parts]
        self.data_mean_ = trainer.data_mean
        self._set(*arrays)

    def _set(self, components: Any, hidden: Any, visible: Any, h_samples: Any) -> BernoulliRBM:
        for name, values in zip(_LEARNED, (components, hidden, visible, h_samples)):
            setattr(self, name, values)
        self._lock()
        self.n_features_in_ = self.components_.shape[1]
        self._trainer = getattr(self, "_trainer", None)
        if not hasattr(self, "random_state_"):
            self.random_state_ = self._new_random_state()
        return self

    def _lock(self) -> None:
        """Make the learned arrays read-only, so that what is made of them need not be made anew at
        every call, and remember which they are."""
        self._left = _Left([getattr(self, name) for name in _LEARNED])

    @property
    def rbm_(self) -> Rbm:
        """The machine of the attributes, which a user may have set: `harmonium.Rbm`."""
        check_is_fitted(self)
        left = self._left if self._is_as_left() else None
        if left is not None and left.rbm is not None:
            return left.rbm
        mean = self.data_mean_
        if mean is not None and len(mean) != len(self.intercept_visible_):
            # A machine of another width, which a user has set.
            mean = None
        rbm = Rbm(
            self.components_.T,
            self.intercept_visible_,
            self.intercept_hidden_,
            mean,
            grey_levels=self.grey_levels_,
            spins=self.spins_,
        )
        if left is not None:
            left.rbm = rbm
        return rbm

    def __getstate__(self) -> dict[str, Any]:
        # scikit-learn's, which names its version.
        inherited = getattr(super(), "__getstate__", None)
        state = dict(inherited() if inherited is not None else vars(self))
        state.pop("_left", None)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        inherited = getattr(super(), "__setstate__", None)
        if inherited is not None:
            inherited(state)
        else:
            vars(self).update(state)
        if hasattr(self, "components_"):
            # Arrays that were mapped from a file may be shared; their like is read-only as well.
            for name in _LEARNED:
                setattr(self, name, np.asarray(getattr(self, name)))
            self._lock()

    def _draw_seed(self) -> int:
        return int(self.random_state_.randint(np.iinfo(np.int32).max))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


_THEIR_PARAMETERS = [
    "n_components",
    "learning_rate",
    "batch_size",
    "n_iter",
    "verbose",
    "random_state",
]


class _Left:
    """Learned arrays as they were given out, read-only, and the machine that was made of them."""

    def __init__(self, arrays: list[np.ndarray]) -> None:
        self.arrays = arrays
        self.rbm: Rbm | None = None
        for array in arrays:
            array.flags.writeable = False


class _Best:
    """The best epoch so far, by a score that is to rise."""

    def __init__(self, patience: int, tol: float) -> None:
        self.patience, self.tol = patience, tol
        self.score, self.bar, self.n_since = -np.inf, -np.inf, 0
        self.model: Rbm | None = None

    def observe(self, score: float, model: Rbm) -> None:
        """Take in the score of an epoch and its machine."""
        self.n_since = 0 if score > self.bar + self.tol else self.n_since + 1
        self.bar = max(self.bar, score)
        if score > self.score:
            self.score, self.model = score, model

    @property
    def is_over(self) -> bool:
        """Whether the score has not risen for too long."""
        return self.model is not None and self.n_since >= self.patience


def _seed(random_state: Any) -> int:
    """The seed of the library: a number as it is, else one that is drawn."""
    if isinstance(random_state, Integral):
        if random_state < 0:
            raise ValueError(f"random_state is {random_state}, but must be at least 0")
        return int(random_state)
    return int(check_random_state(random_state).randint(np.iinfo(np.int32).max))


def _plain(value: Any) -> Any:
    """A number of NumPy as one of Python."""
    return value.item() if isinstance(value, np.generic) else value
