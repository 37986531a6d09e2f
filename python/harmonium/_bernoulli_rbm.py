"""A drop-in for scikit-learn's `BernoulliRBM`."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from ._estimator import fitting, interchange, online
from ._estimator.inputs import precision, random_units, validated, with_meaning
from ._estimator.learned import LearnedArrays
from ._estimator.parameters import fixed_seed, generator, seed, threads
from ._log_likelihood import LogLikelihood
from ._sklearn import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
)


class BernoulliRBM(
    LearnedArrays, ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator
):
    """Restricted Boltzmann machine with binary units, trained by persistent contrastive divergence.

    It replaces `sklearn.neural_network.BernoulliRBM`: it has the same parameters, attributes and
    methods with the same defaults and meaning, and is several times faster. It gives the same bits for
    the same `random_state` on any number of threads. Numbers between 0 and 1 are taken as they are;
    data with only 0 and 1 train fastest. Bytes (uint8) are grey levels of 255 if the largest is above
    127; the model then reads all integers but 0 and 1 as such. It differs on purpose in this:

    ===================  ==========================================  ================================
    what                 scikit-learn                                here
    ===================  ==========================================  ================================
    partial_fit          returns None; divides the sum over all      returns self; divides each sum by
                         chains by the number of rows of X           its own number of rows
    score_samples        from one random feature per row             exact, over all features;
                                                                     ``method="stochastic"``: theirs
    visible bias         starts at 0                                 starts at the log-odds of the
                                                                     means of X
    chains               start with all hidden units off             start at examples
    learned numbers      in the precision of X                       float32, returned in the
                                                                     precision of X
    score                missing                                     mean of score_samples
    random numbers       NumPy's generator                           its own streams: other samples
                                                                     for the same random_state
    values beyond 0, 1   taken silently                              taken, with a warning
    bytes above 127      taken as numbers                            grey levels of 255, with a warning
    masked arrays, NaN   mask not seen, NaN refused                  see ``missing``
    learned arrays       writable                                    read-only: assign others, which
                                                                     may then change in place
    batches              of any size                                 of at most 32,767 rows
    ===================  ==========================================  ================================

    Parameters
    ----------
    n_components : int, default 256
        Number of hidden units.
    learning_rate : float, default 0.1
    batch_size : int, default 10
        Examples per mini-batch, at most 32,767 and at most all examples.
    n_iter : int, default 10
        Number of epochs.
    verbose : int, default 0
        1 prints a line per epoch, with the pseudo-likelihood from one random feature per row.
    random_state : int, RandomState or None, default None
        A number is the seed, as on the command line; None draws one from NumPy's global generator.
    n_gibbs_steps : int, default 1
        Sweeps of each chain per update: the k of PCD-k.
    n_chains : int or None, default None
        Number of persistent chains, at most 32,767; None: batch_size.
    momentum : float, default 0.0
        Share of the last step that is added to the next, at least 0 and below 1.
    weight_decay : float, default 0.0
        Share of each weight that is subtracted from its gradient (L2).
    centering : bool, default False
        Whether the gradient is centred, which helps most (Melchior, Fischer and Wiskott, 2016).
    schedule : str, default "constant"
        Course of the learning rate: "constant", "linear" or "cosine" down to 0, or "inverse:B".
        `partial_fit` has no end, so "linear" and "cosine" keep their first value there.
    averaging : str, default "none"
        Average of the parameters that is the result: "none", "exponential:EPOCHS", "tail:SHARE".
    binarization : str or None, default None
        None takes numbers as they are; "stochastic" draws new bits from them at each visit;
        "threshold:T" makes them bits by the threshold T.
    missing : {None, "absent", "marginal"}, default None
        What NaN and masked numbers are in `fit`: refused; absent, no part of the model of their row, as
        suits ratings (the algorithm is then CD, and centering is off); or marginal, summed out, as suits
        values that are missing at random. See `impute`.
    shuffle : bool, default False
        Whether each epoch takes the examples in a new order.
    early_stopping : bool, default False
        Whether to set `validation_fraction` of the examples aside and to stop once their
        pseudo-likelihood has not risen by more than `tol` for `n_iter_no_change` epochs; the
        parameters of the best epoch are kept.
    validation_fraction : float, default 0.1
    n_iter_no_change : int, default 5
    tol : float, default 1e-4
    n_jobs : int or None, default None
        Number of threads; -1: one per core; None: OMP_NUM_THREADS, or else one per core. The result
        does not depend on it.
    callback : callable or None, default None
        Called after each epoch with its metrics, a dict; training ends if it returns true.
    progress : bool, default False
        Whether to show a progress bar (with tqdm).

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
        Means of the training examples, if they are known. When `partial_fit` continues from `fit`, or
        from parameters that the user set, they are the means of the examples since then.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,), if X has names
    n_iter_ : int
        Epochs trained.
    grey_levels_ : int or None
        The highest grey level, if the integers of X were grey levels.
    spins_ : bool
        Whether -1 and 1 mean 0 and 1, in a model that `harmonium.train` trained with spins.
    history_ : list of dict
        The number, updates and seconds of each epoch of `fit`; with a callback or early stopping all
        of its metrics (see `Trainer.metrics`).

    Examples
    --------
    >>> import numpy as np
    >>> from harmonium import BernoulliRBM
    >>> X = np.array([[0, 0, 0], [0, 1, 1], [1, 0, 1], [1, 1, 1]])
    >>> model = BernoulliRBM(n_components=2, random_state=0).fit(X)
    >>> model.transform(X).shape
    (4, 2)
    """

    # Learning

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> BernoulliRBM:
        """Learn from X, starting from new parameters.

        Ctrl-C stops it within a second, raises KeyboardInterrupt, and keeps what was learned.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
        y : ignored
        sample_weight : array-like of shape (n_samples,), optional
            How much each row counts, a finite number of at least 0: a row of weight 2 counts as two, one
            of weight 0 is left out. Early stopping weighs the rows that it sets aside, too.

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
        fitting.fit(self, X, sample_weight)
        return self

    def partial_fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> BernoulliRBM:
        """Do one update, with all of X as the mini-batch.

        It continues from the current parameters and chains, also after `fit`. A pickled estimator
        continues to the same bits.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features), at most 32,767 samples
        y : ignored
        sample_weight : array-like of shape (n_samples,), optional
            How much each row counts beside the others of X, a finite number of at least 0.

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
        online.partial_fit(self, X, sample_weight)
        return self

    # Features

    def transform(self, X: Any) -> np.ndarray:
        """Probabilities of the hidden units, P(h = 1 | v = X).

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_components)
            float32 if X is float32, else float64.

        Examples
        --------
        >>> import numpy as np
        >>> from harmonium import BernoulliRBM
        >>> features = BernoulliRBM(3, random_state=0).fit_transform(np.eye(4))
        >>> features.shape, bool(features.min() > 0)
        ((4, 3), True)
        """
        X = validated(self, X)
        return self.rbm_.mean_hidden(X, dtype=precision(X), threads=threads(self))

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
            "stochastic" is scikit-learn's: one random feature per row, times n_features. If
            random_state is a number, every call gives the same result.

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
        X = validated(self, X)
        if method == "exact":
            return self.rbm_.pseudo_likelihood(X, threads=threads(self))
        if method == "stochastic":
            units = random_units(self, X)
            return self.rbm_.pseudo_likelihood(X, units=units, threads=threads(self))
        raise ValueError(f"method is {method!r}, but must be 'exact' or 'stochastic'")

    def score(self, X: Any, y: Any = None) -> float:
        """Mean of `score_samples`, which a search over parameters maximises.

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
        X = validated(self, X)
        return self.rbm_.free_energy(X, threads=threads(self))

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
        n_examples: int | None = None,
    ) -> LogLikelihood:
        """Mean log-likelihood of rows, exact or by annealed importance sampling from both sides.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Intensities from 0 to 1 and grey levels become random bits; other numbers are refused.
        method : {"auto", "exact", "ais"}
            "auto" is exact if the smaller layer has at most 20 units.
        n_chains, schedule, burn_in
            The budget of annealing: see `Rbm.log_likelihood`.
        base_data, start
            Where annealing starts: see `Rbm.log_likelihood`.
        n_examples : int, or None
            The number of training samples: see `Rbm.log_likelihood`.

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
        X = validated(self, X)
        return self.rbm_.log_likelihood(
            X,
            method=method,
            n_chains=n_chains,
            schedule=schedule,
            burn_in=burn_in,
            base_data=base_data,
            start=start,
            n_examples=n_examples,
            seed=fixed_seed(self.random_state),
            threads=threads(self),
        )

    def impute(self, X: Any, *, expected: bool = False, n_gibbs_steps: int = 1000) -> np.ndarray:
        """X with predictions in place of values that are missing: NaN, or masked.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        expected : bool
            Whether a value is filled with its mean, not with its most likely value.
        n_gibbs_steps : int
            Sweeps of the chain of a row that lacks more than 12 values, unless `missing` is "absent".

        Returns
        -------
        ndarray of shape (n_samples, n_features), float64

        Examples
        --------
        >>> import numpy as np
        >>> from harmonium import BernoulliRBM
        >>> pairs = np.repeat([[0.0, 0.0], [1.0, 1.0]], 50, axis=0)
        >>> pairs[3, 1] = pairs[60, 0] = np.nan
        >>> model = BernoulliRBM(2, n_iter=200, missing="marginal", random_state=0).fit(pairs)
        >>> model.impute(pairs)[[3, 60]].tolist()
        [[0.0, 0.0], [1.0, 1.0]]
        """
        X = validated(self, X, allows_missing=True)
        return self.rbm_.impute(
            X,
            expected=expected,
            missing=self.missing,
            gibbs_steps=n_gibbs_steps,
            seed=fixed_seed(self.random_state),
            threads=threads(self),
        )

    # Samples

    def gibbs(self, v: Any) -> np.ndarray:
        """Visible states after one Gibbs step from rows v.

        Parameters
        ----------
        v : array-like of shape (n_samples, n_features) or (n_features,)

        Returns
        -------
        ndarray of the shape of v, bool, or int8 if the model has spins

        Examples
        --------
        >>> import numpy as np
        >>> from harmonium import BernoulliRBM
        >>> BernoulliRBM(3, random_state=0).fit(np.eye(4)).gibbs(np.eye(4)).dtype
        dtype('bool')
        """
        if isinstance(v, np.ndarray) and v.ndim == 1:
            return self.gibbs(v[np.newaxis])[0]
        v = validated(self, v)
        return self.rbm_.gibbs(v, seed=self._draw_seed(), threads=threads(self))

    def sample(
        self,
        n_samples: int = 1,
        *,
        n_gibbs_steps: int = 1000,
        start: Any = None,
        random_state: Any = None,
    ) -> np.ndarray:
        """Samples of the model: visible states of chains after `n_gibbs_steps` sweeps.

        Parameters
        ----------
        n_samples : int
        n_gibbs_steps : int
        start : array-like of 0 and 1 of shape (n, n_features), or None
            Chains start from these rows; None: from features drawn by the visible biases alone.
        random_state : int, RandomState or None
            None: every call gives other samples.

        Returns
        -------
        ndarray of shape (n_samples, n_features), bool, or int8 if the model has spins

        Examples
        --------
        >>> import numpy as np
        >>> from harmonium import BernoulliRBM
        >>> model = BernoulliRBM(3, random_state=0).fit(np.eye(4))
        >>> model.sample(5, n_gibbs_steps=10, random_state=1).shape
        (5, 4)
        """
        return self.rbm_.sample(
            n_samples,
            gibbs_steps=n_gibbs_steps,
            start=start,
            seed=self._draw_seed() if random_state is None else seed(random_state),
            threads=threads(self),
        )

    def reconstruct(self, X: Any) -> np.ndarray:
        """Probabilities of the visible units given hidden states drawn for each row.

        Examples
        --------
        >>> import numpy as np
        >>> from harmonium import BernoulliRBM
        >>> BernoulliRBM(3, random_state=0).fit(np.eye(4)).reconstruct(np.eye(4)).shape
        (4, 4)
        """
        X = validated(self, X)
        means = self.rbm_.reconstruct(
            X, seed=fixed_seed(self.random_state), threads=threads(self)
        )
        return means.astype(self.components_.dtype, copy=False)

    # Interchange

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a model file that `harmonium evaluate` and the other commands read.

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
        interchange.save(self, path)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> BernoulliRBM:
        """Read a model file of the command line or of `save`, with the parameters that it records.

        A model file has no chains: `partial_fit` starts new ones, with all hidden units off.

        Examples
        --------
        See `save`.
        """
        return interchange.load(cls, path)

    @classmethod
    def from_sklearn(cls, estimator: Any) -> BernoulliRBM:
        """The model of a fitted `sklearn.neural_network.BernoulliRBM`, with its parameters and chains.

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
        return interchange.from_sklearn(cls, estimator)

    def to_sklearn(self) -> Any:
        """The same model as a `sklearn.neural_network.BernoulliRBM`.

        Examples
        --------
        >>> import numpy as np
        >>> from harmonium import BernoulliRBM
        >>> type(BernoulliRBM(3, random_state=0).fit(np.eye(4)).to_sklearn()).__module__
        'sklearn.neural_network._rbm'
        """
        return interchange.to_sklearn(self)

    # Under scikit-learn's names, for programs that call them: X is not validated, and rng is NumPy's.

    def _mean_hiddens(self, v: Any) -> np.ndarray:
        if np.ndim(v) == 1:
            return self._mean_hiddens(np.asarray(v)[np.newaxis])[0]
        v = with_meaning(self, v)
        return self.rbm_.mean_hidden(v, dtype=precision(v), threads=threads(self))

    def _sample_hiddens(self, v: Any, rng: Any) -> np.ndarray:
        p = self._mean_hiddens(v)
        return rng.uniform(size=p.shape) < p

    def _sample_visibles(self, h: Any, rng: Any) -> np.ndarray:
        x = np.dot(h, self.components_) + self.intercept_visible_
        p = 0.5 + 0.5 * np.tanh(0.5 * x)
        return rng.uniform(size=p.shape) < p

    def _free_energy(self, v: Any) -> np.ndarray:
        return self.rbm_.free_energy(with_meaning(self, v), threads=threads(self))

    # Shared by the methods above, and for scikit-learn

    def _draw_seed(self) -> int:
        if not hasattr(self, "random_state_"):
            self.random_state_ = generator(self.random_state)
        return int(self.random_state_.randint(2**31 - 1))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
