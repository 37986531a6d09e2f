"""A classifier."""

from __future__ import annotations

from typing import Any, Callable

import numpy as np
from numpy.typing import NDArray

from ._estimator import fitting, targets
from ._estimator.methods import Transformer
from ._estimator.parameters import seed, threads, with_known_names
from ._harmonium import Rbm
from ._labels import column
from ._sklearn import ClassifierMixin


class RBMClassifier(ClassifierMixin, Transformer):
    """DOC"""

    # Every number must be known.
    missing: str | None = None
    classes_: NDArray[Any]

    @with_known_names
    def __init__(
        self,
        n_components: int = 256,
        *,
        objective: str = "hybrid:0.1",
        learning_rate: float = 1.0,
        batch_size: int = 32,
        n_iter: int = 60,
        class_weight: Any = None,
        verbose: int = 0,
        random_state: Any = None,
        n_gibbs_steps: int = 1,
        n_chains: int | None = None,
        momentum: float = 0.0,
        weight_decay: float = 0.0,
        centering: bool = True,
        schedule: str = "cosine",
        averaging: str = "tail:0.1",
        binarization: str | None = None,
        shuffle: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 5,
        tol: float = 1e-4,
        n_jobs: int | None = None,
        callback: Callable[[dict[str, Any]], object] | None = None,
        progress: bool = False,
    ) -> None:
        # scikit-learn asks for each parameter under its own name, and nothing else.
        given = dict(locals())
        del given["self"]
        self.__dict__.update(given)

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> RBMClassifier:
        """Learn to predict y from X, starting from new parameters.

        Ctrl-C stops it within a second, raises KeyboardInterrupt, and keeps what was learned.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
            Classes: whole numbers, texts or booleans.
        sample_weight : array-like of shape (n_samples,), optional
            How much each row counts, a finite number of at least 0, times the weight of its class.

        Returns
        -------
        self

        Examples
        --------
        >>> from harmonium import RBMClassifier
        >>> X, y = [[0, 1], [1, 0]] * 20, ["left", "right"] * 20
        >>> model = RBMClassifier(8, random_state=0).fit(X, y)
        >>> model.predict([[1, 0], [0, 1]]).tolist()
        ['right', 'left']
        """
        fitting.fit(self, X, sample_weight, y)
        return self

    # Classes

    def predict(self, X: Any) -> NDArray[Any]:
        """The most likely class of each row.

        Examples
        --------
        See `fit`.
        """
        predicted: NDArray[Any] = self.classes_[self.predict_log_proba(X).argmax(axis=1)]
        return predicted

    def predict_log_proba(self, X: Any) -> NDArray[np.float64]:
        """ln p(class | row) of each class, shape (n_samples, n_classes), exact.

        Examples
        --------
        >>> import numpy as np
        >>> from harmonium import RBMClassifier
        >>> model = RBMClassifier(4, n_iter=5, random_state=0).fit(np.eye(4), [0, 0, 1, 1])
        >>> model.predict_log_proba(np.eye(4)).shape
        (4, 2)
        """
        X = self._validated(X)
        return self.rbm_.predict_log_proba(X, threads=threads(self))

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """p(class | row) of each class, shape (n_samples, n_classes), exact.

        Examples
        --------
        >>> import numpy as np
        >>> from harmonium import RBMClassifier
        >>> model = RBMClassifier(4, n_iter=5, random_state=0).fit(np.eye(4), [0, 0, 1, 1])
        >>> bool(np.allclose(model.predict_proba(np.eye(4)).sum(axis=1), 1))
        True
        """
        p: NDArray[np.float64] = np.exp(self.predict_log_proba(X))
        return p

    def decision_function(self, X: Any) -> NDArray[np.float64]:
        """ln p(class | row), shape (n_samples, n_classes); of two classes the log-odds of the second,
        shape (n_samples,).

        Examples
        --------
        >>> import numpy as np
        >>> from harmonium import RBMClassifier
        >>> model = RBMClassifier(4, n_iter=5, random_state=0).fit(np.eye(4), [0, 0, 1, 1])
        >>> model.decision_function(np.eye(4)).shape
        (4,)
        """
        log_p = self.predict_log_proba(X)
        return log_p[:, 1] - log_p[:, 0] if log_p.shape[1] == 2 else log_p

    def sample(
        self,
        n_samples: int = 1,
        *,
        label: Any = None,
        n_gibbs_steps: int = 1000,
        random_state: Any = None,
    ) -> Any:
        """Rows drawn from the model, or from p(row | label): states of chains after `n_gibbs_steps` sweeps.

        They look like rows of X only if the objective has a generative part.

        Parameters
        ----------
        n_samples : int
        label : one of `classes_`, optional
        n_gibbs_steps : int
        random_state : int, RandomState or None
            None: every call gives other samples.

        Returns
        -------
        ndarray of shape (n_samples, n_features), bool

        Examples
        --------
        >>> import numpy as np
        >>> from harmonium import RBMClassifier
        >>> model = RBMClassifier(4, n_iter=5, random_state=0).fit(np.eye(4), [0, 0, 1, 1])
        >>> model.sample(5, label=1, n_gibbs_steps=10, random_state=1).shape
        (5, 4)
        """
        return self.rbm_.sample(
            n_samples,
            gibbs_steps=n_gibbs_steps,
            label=label,
            seed=self._draw_seed() if random_state is None else seed(random_state),
            threads=threads(self),
        )

    # What is particular to labels

    def _targets(
        self, y: Any, X: Any, weights: NDArray[np.float64] | None
    ) -> tuple[NDArray[np.int32] | None, NDArray[np.float64] | None]:
        self.classes_, places = targets.learned_from(y, X)
        self._classes = column(self.classes_)
        if weights is not None and len(weights) != len(places):
            # The trainer says so.
            return places, weights
        return places, targets.weighted(self.class_weight, self.classes_, places, weights)

    def _scores_of(self, model: Rbm, X: Any, targets: Any) -> NDArray[np.float64]:
        log_p = model.predict_log_proba(X, threads=threads(self))
        scores: NDArray[np.float64] = log_p[np.arange(len(log_p)), targets]
        return scores

    def _printed_score(self, model: Rbm, X: Any, targets: Any) -> tuple[str, float]:
        return "log-loss", -float(self._scores_of(model, X, targets).mean())

    def _take_meaning(self, rbm: Rbm) -> None:
        if rbm.classes is None:
            raise ValueError("it is a model without classes: load it by BernoulliRBM.load")
        if rbm.columns is not None:
            raise ValueError("it is a model of categories: load it by harmonium.Rbm.load")
        super()._take_meaning(rbm)
        self.classes_ = np.array(rbm.classes)
        self._classes = column(rbm.classes)
