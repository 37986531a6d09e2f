"""The methods that the estimators share."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Sequence

import numpy as np
from numpy.typing import NDArray

from .. import _plots
from .._harmonium import Rbm
from .._log_likelihood import LogLikelihood
from .._sklearn import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from .._warnings import warn
from .._weights import mean, one_each
from . import fitting, interchange, online
from .inputs import precision, random_units, validated
from .learned import LearnedArrays, check_fitted
from .parameters import fixed_seed, generator, seed, threads

if TYPE_CHECKING:
    from typing_extensions import Self


class Transformer(LearnedArrays, ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """An estimator whose model is an `Rbm`; its subclass documents its parameters and attributes."""

    # Features

    def transform(self, X: Any) -> np.ndarray:
        """Probabilities of the hidden units, P(h = 1 | v = X).

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_components)
            float32 if X is float32, else float64; of columns of categories always float64.

        Examples
        --------
        >>> import numpy as np
        >>> from harmonium import BernoulliRBM
        >>> features = BernoulliRBM(3, random_state=0).fit_transform(np.eye(4))
        >>> features.shape, bool(features.min() > 0)
        ((4, 3), True)
        """
        X = self._validated(X)
        return self.rbm_.mean_hidden(X, dtype=precision(X), threads=threads(self))

    @property
    def _n_features_out(self) -> int:
        return self.components_.shape[0]

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
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read a model file of the command line or of `save`, with the parameters that it records.

        A model file has no chains: where there is a `partial_fit`, it starts new ones, with all hidden units off.
        Names of classes and categories that are all numbers are loaded as numbers.

        Examples
        --------
        See `save`.
        """
        return interchange.load(cls, path)

    # What is particular to an estimator, and what its methods share

    # Pictures

    def plot_filters(
        self, number: int = 100, *, image_shape: tuple[int, int] | None = None, ax: Any = None
    ) -> Any:
        """Draw the weights of hidden units as images: see `Rbm.plot_filters`.

        Parameters
        ----------
        number : int
        image_shape : (rows, columns)
            The shape of an image, which rows of numbers do not show.
        ax : matplotlib.axes.Axes, optional
        """
        return self.rbm_.plot_filters(number, image_shape=image_shape, ax=ax)

    def plot_samples(
        self,
        number: int = 100,
        *,
        gibbs_steps: int = 1000,
        seed: int = 0,
        image_shape: tuple[int, int] | None = None,
        ax: Any = None,
    ) -> Any:
        """Draw samples as images: see `Rbm.plot_samples`."""
        return self.rbm_.plot_samples(
            number, gibbs_steps=gibbs_steps, seed=seed, image_shape=image_shape, ax=ax
        )

    def plot_history(self, metrics: Sequence[str] | None = None, *, ax: Any = None) -> Any:
        """Draw metrics of `history_` over epochs.

        Parameters
        ----------
        metrics : list of str, optional
            None: the pseudo-likelihood, and the score that early stopping watched.
        ax : matplotlib.axes.Axes, optional
        """
        check_fitted(self)
        records = getattr(self, "history_", [])
        if metrics is None and not any("pseudo_likelihood" in record for record in records):
            raise ValueError(
                "history_ has the seconds of each epoch alone: its metrics take time, and are measured with "
                "early_stopping=True, or with a callback such as callback=lambda metrics: None"
            )
        return _plots.records_drawn(records, metrics, ax)

    def _validated(
        self, X: Any, reset: bool = False, learns: bool = False, allows_missing: bool = False
    ) -> Any:
        """X as the model takes it; `reset` if it is the first X. If values may be missing, they are NaN."""
        return validated(self, X, reset, learns, allows_missing)

    def _values(self, states: np.ndarray) -> Any:
        """States of the model as the data write them."""
        return states

    def _draw_seed(self) -> int:
        if not hasattr(self, "random_state_"):
            self.random_state_ = generator(self.random_state)
        return int(self.random_state_.randint(2**31 - 1))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


class Estimator(Transformer):
    """An estimator that learns X alone."""

    # Learning

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
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

    def partial_fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
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
        X = self._validated(X)
        if method == "exact":
            return self.rbm_.pseudo_likelihood(X, threads=threads(self))
        if method == "stochastic":
            units = random_units(self, X)
            return self.rbm_.pseudo_likelihood(X, units=units, threads=threads(self))
        raise ValueError(f"method is {method!r}, but must be 'exact' or 'stochastic'")

    def score(self, X: Any, y: Any = None, sample_weight: Any = None) -> float:
        """The mean score of rows in nats, which a search over parameters maximises.

        The parameter `missing` decides what it is, and X does not, so that the folds of a search are scored alike:

        - With `missing="marginal"` it is the mean of `log_likelihood`, of whole rows, too. What rows lack is summed out.
          Where that or log Z is annealed it takes seconds; it warns if the estimate of log Z is doubtful.
        - Else it is the mean of `score_samples`, the pseudo-likelihood. Rows that lack values are a ValueError.

        Compare estimators that have the same `missing`, on the same rows.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
        y : ignored
        sample_weight : array-like of shape (n_samples,), optional
            How much each row counts in the mean, a finite number of at least 0.

        Returns
        -------
        float

        Examples
        --------
        >>> import numpy as np
        >>> from harmonium import BernoulliRBM
        >>> model = BernoulliRBM(3, random_state=0).fit(np.eye(4))
        >>> bool(model.score(np.eye(4)) == model.score_samples(np.eye(4)).mean())
        True
        >>> model = BernoulliRBM(3, missing="marginal", random_state=0).fit(np.eye(4))
        >>> model.score(np.eye(4)) == model.log_likelihood(np.eye(4)).mean
        True
        """
        if self.missing != "marginal":
            return mean(self.score_samples(X), sample_weight, "sample_weight")
        found = self.log_likelihood(X, sample_weight=sample_weight)
        if not found.is_believable:
            warn(
                f"score is a doubtful log-likelihood: {'; '.join(found.reasons)}. Do not rank models by it; "
                "log_likelihood takes a larger budget (n_chains, schedule)"
            )
        return found.mean

    def free_energy(self, X: Any) -> np.ndarray:
        """Free energy F(v) of each row: ln p(v) = -F(v) - ln Z.

        Examples
        --------
        >>> import numpy as np
        >>> from harmonium import BernoulliRBM
        >>> BernoulliRBM(3, random_state=0).fit(np.eye(4)).free_energy(np.eye(4)).shape
        (4,)
        """
        X = self._validated(X)
        return self.rbm_.free_energy(X, threads=threads(self))

    def log_likelihood(
        self,
        X: Any,
        *,
        sample_weight: Any = None,
        method: str = "auto",
        n_chains: int | None = None,
        schedule: str | None = None,
        burn_in: int | None = None,
        base_data: Any = None,
        start: Any = None,
        n_examples: int | None = None,
    ) -> LogLikelihood:
        """Mean log-likelihood of rows, exact or by annealed importance sampling from both sides.

        What rows lack (NaN, or masked) is summed out, exactly or else by annealing, which `observed` of the result says.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Intensities from 0 to 1 and grey levels become random bits; other numbers are refused.
        sample_weight : array-like of shape (n_samples,), optional
            How much each row counts, a finite number of at least 0; a row of weight 0 is left out.
        method : {"auto", "exact", "ais"}
            "auto" is exact if the smaller layer has at most 20 units.
        n_chains, schedule, burn_in
            The budget of annealing: see `Rbm.log_likelihood`.
        base_data, start
            Where annealing starts: see `Rbm.log_likelihood`.
        n_examples : int, or None
            The number of training samples, for `independent`; None: those of `fit` or `partial_fit`, if they lacked no
            values.

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
        X = self._validated(X, allows_missing=True)
        found = self.rbm_.log_likelihood(
            X,
            weights=one_each(sample_weight, "sample_weight", X.shape[0]),
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
        if found.is_worse_than_independent:
            warn(
                f"the model is worse than independent units: its log-likelihood is {found.mean:.2f} nats an example, theirs "
                f"{found.independent:.2f}. Mostly the steps are too large for so few examples each: divide learning_rate by 3 "
                "or 10, or let it fall (schedule='cosine'), and take larger mini-batches (batch_size)"
            )
        return found

    def impute(self, X: Any, *, expected: bool = False, n_gibbs_steps: int = 1000) -> Any:
        """X with predictions in place of values that are missing: NaN, or masked.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        expected : bool
            Whether a value is filled with its mean, not with its most likely value. A mean needs numbers.
        n_gibbs_steps : int
            Sweeps of the chain of a row that lacks more than 12 units, of a model of more than 16 hidden units, unless
            `missing` is "absent".

        Returns
        -------
        ndarray of shape (n_samples, n_features), float64, or the most likely categories in the form of X in `fit`

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
        X = self._validated(X, allows_missing=True)
        filled = self.rbm_.impute(
            X,
            expected=expected,
            missing=self.missing,
            gibbs_steps=n_gibbs_steps,
            seed=fixed_seed(self.random_state),
            threads=threads(self),
        )
        return filled if expected else self._values(filled)

    # Samples

    def gibbs(self, v: Any) -> Any:
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
        v = self._validated(v)
        states = self.rbm_.gibbs(v, seed=self._draw_seed(), threads=threads(self))
        return self._values(states)

    def sample(
        self,
        n_samples: int = 1,
        *,
        n_gibbs_steps: int = 1000,
        start: Any = None,
        method: str = "gibbs",
        random_state: Any = None,
    ) -> Any:
        """Samples of the model: visible states of chains after `n_gibbs_steps` sweeps.

        Parameters
        ----------
        n_samples : int
        n_gibbs_steps : int
        start : array-like of 0 and 1 of shape (n, n_features), or None
            Chains start from these rows; None: from features drawn by the visible biases alone.
        method : "gibbs" or "pt"
            How the chains move: each by itself, or by parallel tempering, for a model with several modes.
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
        states = self.rbm_.sample(
            n_samples,
            gibbs_steps=n_gibbs_steps,
            start=start,
            method=method,
            seed=self._draw_seed() if random_state is None else seed(random_state),
            threads=threads(self),
        )
        return self._values(states)

    def reconstruct(self, X: Any) -> np.ndarray:
        """Probabilities of the visible units given hidden states drawn for each row.

        Examples
        --------
        >>> import numpy as np
        >>> from harmonium import BernoulliRBM
        >>> BernoulliRBM(3, random_state=0).fit(np.eye(4)).reconstruct(np.eye(4)).shape
        (4, 4)
        """
        X = self._validated(X)
        means = self.rbm_.reconstruct(
            X, seed=fixed_seed(self.random_state), threads=threads(self)
        )
        return means.astype(self.components_.dtype, copy=False)

    def _scores_of(self, model: Rbm, X: Any, targets: Any) -> NDArray[np.float64]:
        return model.pseudo_likelihood(X, threads=threads(self))

    def _printed_score(self, model: Rbm, X: Any, targets: Any) -> tuple[str, float]:
        units = random_units(self, X)
        scores = model.pseudo_likelihood(X, units=units, threads=threads(self))
        return "pseudo-likelihood", float(scores.mean())
