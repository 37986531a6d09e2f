"""A drop-in for scikit-learn's `BernoulliRBM`."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._estimator import interchange
from ._estimator.inputs import precision, with_meaning
from ._estimator.methods import Estimator
from ._estimator.parameters import threads
from ._harmonium import Rbm


class BernoulliRBM(Estimator):
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
    score                missing                                     mean of score_samples; see ``missing``
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
        "constant" is scikit-learn's; with "cosine" the same settings end better as a rule.
        `partial_fit` has no end, so "linear" and "cosine" keep their first value there.
    averaging : str, default "none"
        Average of the parameters that is the result: "none", "exponential:EPOCHS", "tail:SHARE".
    binarization : str or None, default None
        None takes numbers as they are; "stochastic" draws new bits from them at each visit;
        "threshold:T" makes them bits by the threshold T.
    missing : {None, "absent", "marginal"}, default None
        What NaN and masked numbers are in `fit`: refused; absent, no part of the model of their row, as
        suits ratings (the algorithm is then CD, and centering is off); or marginal, summed out, as suits
        values that are missing at random. See `impute`. With "marginal" `score` is the mean log-likelihood, else the mean
        pseudo-likelihood, whatever X lacks.
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
    live : bool, default False
        Whether a notebook shows curves while `fit` trains; elsewhere there is a progress bar.

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
    rbm_ : Rbm
        The model of the learned arrays, with all methods of the library.
    grey_levels_ : int or None
        The highest grey level, if the integers of X were grey levels.
    spins_ : bool
        Whether -1 and 1 mean 0 and 1, in a model that `harmonium.train` trained with spins.
    history_ : list of dict
        The number, updates and seconds of each epoch of `fit`; with a callback, early stopping or
        `live` all of its metrics (see `Trainer.metrics`).

    Examples
    --------
    >>> import numpy as np
    >>> from harmonium import BernoulliRBM
    >>> X = np.array([[0, 0, 0], [0, 1, 1], [1, 0, 1], [1, 1, 1]])
    >>> model = BernoulliRBM(n_components=2, random_state=0).fit(X)
    >>> model.transform(X).shape
    (4, 2)
    """

    def _take_meaning(self, rbm: Rbm) -> None:
        if rbm.classes is not None or max(rbm.sites) > 1:
            interchange.refuse(rbm)
        super()._take_meaning(rbm)

    # Interchange with scikit-learn

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
