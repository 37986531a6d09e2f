"""An estimator for columns of categories."""

from __future__ import annotations

from typing import Any, Callable

import numpy as np
from numpy.typing import NDArray

from ._columns import table_names
from ._estimator import categories as of_columns
from ._estimator import interchange
from ._estimator.methods import Estimator
from ._estimator.parameters import fixed_seed, threads, with_known_names
from ._harmonium import Rbm, states_of


class CategoricalRBM(Estimator):
    """Restricted Boltzmann machine of columns that are categories or bits, trained by persistent
    contrastive divergence.

    X may be an array of numbers or texts, a list, or a frame of pandas or polars, with categoricals, too.
    Each column becomes a site with a unit for each of its values, one of which is on (softmax, Potts); a
    column of 0 and 1, or of False and True, becomes a bit. A column has 2 to 255 values. The model keeps the
    values, and reads other data by them: a value that it does not know is refused. Samples have the values
    of X, in a frame if X was one of pandas, else in an array. The same `random_state` gives the same bits on any number of threads.

    For `partial_fit` declare `categories`, as the first chunk may lack some values: with "auto" its columns have
    those that it shows, and a later chunk with others is refused.

    Parameters
    ----------
    n_components : int, default 256
        Number of hidden units.
    categories : "auto", tuple, int, or list of array-likes, default "auto"
        The values of each column. "auto": those in X; (1, 5): the numbers from 1 to 5 in all columns, as of ratings,
        (0.5, 5, 0.5): in halves; a number q: 0 to q - 1, in all columns; a list: as in
        scikit-learn's `OneHotEncoder`, the values of each column, which need not all be in X.
    learning_rate : float, default 0.1
    batch_size : int, default 10
        Examples per mini-batch, at most 32,767 and at most all examples.
    n_iter : int, default 10
        Number of epochs.
    verbose : int, default 0
        1 prints a line per epoch, with the pseudo-likelihood from one random column per row.
    random_state : int, RandomState or None, default None
        A number is the seed, as on the command line; None draws one from NumPy's global generator.
    n_gibbs_steps : int, default 1
        Sweeps of each chain per update: the k of PCD-k.
    n_chains : int or None, default None
        Number of persistent chains, at most 32,767; None: batch_size.
    momentum, weight_decay, centering, averaging, shuffle
        As in `BernoulliRBM`.
    schedule : str, default "cosine"
        As in `BernoulliRBM`, but by default the learning rate falls: at a constant one a model of categories often ends
        below independent units. `log_likelihood` warns if it does.
    missing : {None, "absent", "marginal"}, default None
        What cells without a value (None, NaN, NA, or masked) are in `fit`, as in `BernoulliRBM`: refused,
        absent or marginal. See `impute`. It also decides what `score` is, as there.
    early_stopping, validation_fraction, n_iter_no_change, tol, n_jobs, callback, progress, live
        As in `BernoulliRBM`.

    Attributes
    ----------
    categories_ : list of ndarray
        The values of each column, in the order of its units; of a bit, those that are off and on.
    columns_ : dict
        The same by name, as model files have it.
    components_ : ndarray of shape (n_components, n_units)
        Weights. A category has a unit for each value, a bit has one.
    intercept_hidden_ : ndarray of shape (n_components,)
        Biases of the hidden units.
    intercept_visible_ : ndarray of shape (n_units,)
        Biases of the visible units.
    h_samples_ : ndarray of shape (n_chains, n_components)
        Hidden states of the chains.
    data_mean_ : ndarray of shape (n_units,) or None
        The share of each value in the training examples.
    n_given_ : list of int or None
        How many rows of `fit` have a value of each column, if the columns are numbers and some lack some.
    n_features_in_, feature_names_in_, n_iter_, history_
        As in `BernoulliRBM`; a feature is a column.

    Examples
    --------
    >>> from harmonium import CategoricalRBM
    >>> people = [["red", 3, True], ["blue", 1, False], ["green", 2, False]] * 20
    >>> model = CategoricalRBM(n_components=4, random_state=0).fit(people)
    >>> model.categories_[0].tolist(), model.categories_[1].tolist()
    (['blue', 'green', 'red'], [1, 2, 3])
    >>> model.transform([["green", 1, True]]).shape
    (1, 4)
    >>> set(model.sample(50, n_gibbs_steps=10, random_state=1)[:, 0]) <= {"blue", "green", "red"}
    True
    """

    # All values are bits of units, which nothing draws.
    binarization: str | None = None
    categories_: list[NDArray[Any]]
    # A frame without rows, if X was one of pandas.
    _frame: Any = None

    @with_known_names
    def __init__(
        self,
        n_components: int = 256,
        *,
        categories: Any = "auto",
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
        schedule: str = "cosine",
        averaging: str = "none",
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
        # scikit-learn asks for each parameter under its own name, and nothing else.
        given = dict(locals())
        del given["self"]
        self.__dict__.update(given)

    def inverse_transform(self, X: Any) -> Any:
        """The most likely value of each column, given hidden states or their probabilities.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_components)
            States 0 and 1, or probabilities such as those of `transform`.

        Returns
        -------
        Values in the form of the data of `fit`.

        Examples
        --------
        >>> from harmonium import CategoricalRBM
        >>> people = [["red", "yes"], ["blue", "no"]] * 20
        >>> model = CategoricalRBM(8, learning_rate=0.3, n_iter=100, random_state=0).fit(people)
        >>> model.inverse_transform(model.transform([["blue", "no"]])).tolist()
        [['blue', 'no']]
        """
        rbm = self.rbm_
        means = rbm.mean_visible(X, threads=threads(self))
        places = np.zeros((len(means), len(rbm.sites)), np.uint8)
        ends = np.cumsum(rbm.sites)
        for at, (size, end) in enumerate(zip(rbm.sites, ends)):
            units = means[:, end - size : end]
            places[:, at] = units[:, 0] > 0.5 if size == 1 else units.argmax(axis=1)
        return self._own_values(places)

    def predict_ratings(
        self, X: Any, *, entries: Any = None, n_gibbs_steps: int = 1000
    ) -> NDArray[np.float64]:
        """The expected number of each value that rows of ratings lack: the sum of number times p(number).

        All columns must stand for numbers. With `missing="absent"`, p of a value given the others of its row is
        a closed form. What the model cannot know is predicted by means, with a warning: a value of a column that
        the rows of `fit` lack (declare its `categories`), and each value of a row that has none. It is the mean
        of all training values, plus how far the column is from it, plus how far the row is from both, each a
        sum of n deviations divided by n + 5, within the numbers of the column.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        entries : (rows, columns), two array-likes of whole numbers from 0, or None
            The values that are predicted, as `numpy.nonzero` gives places; those that X has do not count. None:
            those that X lacks.
        n_gibbs_steps : int
            As in `impute`.

        Returns
        -------
        ndarray of float64, shape (n_samples, n_features): X, with predictions in place of what it lacks; or with
        `entries` of shape (number of entries,)

        Examples
        --------
        >>> import numpy as np
        >>> from harmonium import CategoricalRBM
        >>> stars = np.array([[5, 5, np.nan], [5, 5, 4], [1, 1, 2], [1, np.nan, 2]] * 25)
        >>> model = CategoricalRBM(4, categories=(1, 5), missing="absent", n_iter=100, random_state=0)
        >>> model.fit(stars).predict_ratings(stars)[[0, 3]].round().tolist()
        [[5.0, 5.0, 4.0], [1.0, 1.0, 2.0]]
        >>> model.predict_ratings(stars, entries=([1, 2], [0, 0])).round().tolist()
        [5.0, 1.0]
        """
        return self.rbm_.predict_ratings(
            self._validated(X, allows_missing=True),
            entries=entries,
            missing=self.missing,
            gibbs_steps=n_gibbs_steps,
            seed=fixed_seed(self.random_state),
            threads=threads(self),
        )

    def _validated(
        self, X: Any, reset: bool = False, learns: bool = False, allows_missing: bool = False
    ) -> Any:
        if not reset:
            return of_columns.read(self, X, allows_missing)
        found = of_columns.learned_from(self, X, self.categories, allows_missing)
        self.columns_, numbers = found
        self._known_values = of_columns.KnownValues(self.columns_)
        self.categories_ = of_columns.own_values(self.columns_, X)
        self._frame = of_columns.empty_frame(X)
        return numbers

    def _values(self, states: np.ndarray) -> Any:
        assert self.columns_ is not None
        if not len(states):
            return self._own_values(np.zeros((0, len(self.categories_)), np.uint8))
        return self._own_values(states_of(states, self.columns_)[1])

    def _own_values(self, places: NDArray[np.uint8]) -> Any:
        """The values at these places (n, columns) in `categories_`."""
        values = [own[places[:, at]] for at, own in enumerate(self.categories_)]
        return of_columns.as_frame_or_array(values, self._frame)

    def _take_meaning(self, rbm: Rbm) -> None:
        if rbm.classes is not None or rbm.columns is None:
            interchange.refuse(rbm)
        self.columns_ = rbm.columns
        self.data_mean_, self._n_examples = rbm.data_mean, rbm.n_examples
        self._known_values = of_columns.KnownValues(rbm.columns)
        self.n_given_ = rbm.n_given
        self.categories_ = of_columns.own_values(rbm.columns)
        self.n_features_in_ = len(self.categories_)
        names = table_names(rbm.columns)
        if names is not None:
            self.feature_names_in_ = np.array(names, object)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        tags.transformer_tags.preserves_dtype = []
        return tags

    def _more_tags(self) -> dict[str, Any]:
        """The tags of scikit-learn before 1.6."""
        return {"X_types": ["categorical"], "preserves_dtype": []}
