"""A drop-in for scikit-learn's `BernoulliRBM`."""

from __future__ import annotations

import os
from typing import Any, Callable

import numpy as np
from numpy.typing import NDArray

from ._estimator import fitting, interchange, online
from ._estimator.inputs import precision, validated
from ._estimator.learned import LearnedArrays
from ._estimator.parameters import fixed_seed, generator, seed, threads
from ._harmonium import Trainer
from ._log_likelihood import LogLikelihood
from ._sklearn import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    check_is_fitted,
)


class BernoulliRBM(
    LearnedArrays, ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator
):
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

    feature_names_in_: NDArray[Any]
    history_: list[dict[str, Any]]
    n_iter_: int
    random_state_: Any
    # Of `partial_fit`: its trainer, the settings of that, and how many there were before it.
    _trainer: Trainer | None = None
    _trainer_settings: dict[str, Any]
    _n_restarts: int

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
        fitting.fit(self, X)
        return self

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
        online.partial_fit(self, X)
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
            float32 for float32, else float64.

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
        X = validated(self, X)
        if method == "exact":
            return self.rbm_.pseudo_likelihood(X, threads=threads(self))
        if method == "stochastic":
            return self._stochastic_scores(X)
        raise ValueError(f"method is {method!r}, but must be 'exact' or 'stochastic'")

    def _stochastic_scores(self, X: Any) -> np.ndarray:
        units = generator(self.random_state).randint(0, X.shape[1], X.shape[0])
        return self.rbm_.pseudo_likelihood(X, units=units, threads=threads(self))

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
            Intensities from 0 to 1, or grey levels, are drawn to bits; other numbers are refused.
        method : {"auto", "exact", "ais"}
            "auto" is exact up to 20 units of the smaller layer.
        n_chains, schedule, burn_in
            The budget of annealing: see `Rbm.log_likelihood`.
        base_data, start
            Where annealing starts: see `Rbm.log_likelihood`.
        n_examples : int, or None
            How many samples the machine was trained on: see `Rbm.log_likelihood`.

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
            chains=n_chains,
            schedule=schedule,
            burn_in=burn_in,
            base_data=base_data,
            start=start,
            n_examples=n_examples,
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
        return self.rbm_.sample(
            n_samples,
            gibbs_steps=n_gibbs_steps,
            start=start,
            seed=self._draw_seed() if random_state is None else seed(random_state),
            threads=threads(self),
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
        X = validated(self, X)
        means = self.rbm_.reconstruct(
            X, seed=fixed_seed(self.random_state), threads=threads(self)
        )
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
        interchange.save(self, path)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> BernoulliRBM:
        """Read a model file of the command line or of `save`, with what it says of its parameters.

        Its chains are not in it: `partial_fit` starts new ones, all hidden units off.

        Examples
        --------
        See `save`.
        """
        return interchange.load(cls, path)

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
        return interchange.from_sklearn(cls, estimator)

    def to_sklearn(self) -> Any:
        """The same machine as a `sklearn.neural_network.BernoulliRBM`.

        Examples
        --------
        >>> import numpy as np
        >>> from harmonium import BernoulliRBM
        >>> type(BernoulliRBM(3, random_state=0).fit(np.eye(4)).to_sklearn()).__module__
        'sklearn.neural_network._rbm'
        """
        return interchange.to_sklearn(self)

    # For scikit-learn, and for all of the above

    def _draw_seed(self) -> int:
        return int(self.random_state_.randint(np.iinfo(np.int32).max))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
