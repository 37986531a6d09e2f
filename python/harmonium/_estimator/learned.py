"""The learned arrays, and the model that they make."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._harmonium import Rbm, Trainer, rounds_to
from .._sklearn import check_is_fitted
from .parameters import Parameters

# The learned arrays, in the order of `Trainer.arrays`: parameters, then chains.
LEARNED = ("components_", "intercept_hidden_", "intercept_visible_", "h_samples_")
PARAMETERS = LEARNED[:3]


class KeptModel:
    """A model, and the arrays of which it was made.

    The arrays that the estimator learns are read-only: they are known by their identity. Arrays that a
    user sets may change in place: they are compared with copies, in the precision of the model.
    """

    def __init__(self, rbm: Rbm, arrays: list[Any]) -> None:
        self.rbm = rbm
        self.arrays = arrays
        self.copies = [
            None if _is_constant(array) else np.array(array, np.float32, order="C")
            for array in arrays
        ]

    def is_of(self, arrays: list[Any]) -> bool:
        """Whether the arrays make this model."""
        return all(
            (now is kept and _is_constant(now)) if copy is None else rounds_to(now, copy)
            for now, kept, copy in zip(arrays, self.arrays, self.copies)
        )


class LearnedArrays(Parameters):
    """The learned arrays of an estimator, which users may set."""

    components_: NDArray[np.floating[Any]]
    intercept_hidden_: NDArray[np.floating[Any]]
    intercept_visible_: NDArray[np.floating[Any]]
    h_samples_: NDArray[np.floating[Any]]
    n_features_in_: int
    feature_names_in_: NDArray[np.object_]
    n_iter_: int
    history_: list[dict[str, Any]]
    random_state_: Any
    # The values before data or a file set them, and for pickles of earlier versions, which lack them.
    data_mean_: NDArray[np.float32] | None = None
    # The number of examples of this mean that count alike, if it is known and they lacked no values.
    _n_examples: int | None = None
    grey_levels_: int | None = None
    spins_: bool = False
    # The columns of the data, if they are bits and categories.
    columns_: dict[str, Any] | None = None
    # Their values, by which rows are read.
    _known_values: Any = None
    missing: str | None = None
    # How many rows of `fit` have a value of each column, if the columns are numbers and some lack some.
    n_given_: list[int] | None = None
    # The classes of the last visible site, if it is a label, as model files have them.
    _classes: dict[str, Any] | None = None
    # Whether rows beyond 0 and 1 have been warned of.
    _has_warned: bool = False
    # The trainer of `partial_fit`, its settings, and the number of trainers before it.
    _trainer: Trainer | None = None
    _trainer_settings: dict[str, Any]
    _n_restarts: int
    # The arrays that the estimator has set.
    _own: tuple[NDArray[Any], ...] = ()
    # The model of the last call, if any: a list, as calls may not change the attributes.
    _kept: list[KeptModel]

    def _set_learned(self, *arrays: NDArray[Any]) -> None:
        """Set the learned arrays, in the order of `LEARNED`."""
        self._lock(arrays)
        if self.columns_ is None:
            self.n_features_in_ = self.components_.shape[1] - self._n_classes

    @property
    def _n_classes(self) -> int:
        return len(self._classes["category"]) if self._classes else 0

    def _lock(self, arrays: tuple[NDArray[Any], ...]) -> None:
        """Make the learned arrays read-only, and remember that they are the estimator's own."""
        for name, array in zip(LEARNED, arrays):
            array.flags.writeable = False
            setattr(self, name, array)
        self._own, self._kept = arrays, []

    def _forget_learned(self) -> None:
        """Be as before the first `fit`."""
        for name in (*LEARNED, "_own", "_kept"):
            vars(self).pop(name, None)

    def _is_unchanged(self) -> bool:
        """Whether parameters and chains are the arrays that the estimator set last."""
        return bool(self._own) and all(
            vars(self).get(name) is array and not array.flags.writeable
            for name, array in zip(LEARNED, self._own)
        )

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "components_")

    @property
    def rbm_(self) -> Rbm:
        """The model of the learned arrays, which a user may have set, as a `harmonium.Rbm`."""
        check_fitted(self)
        arrays = [getattr(self, name) for name in PARAMETERS]
        for kept in vars(self).setdefault("_kept", []):
            if kept.is_of(arrays):
                return kept.rbm
        rbm = self._model_of(*map(np.asarray, arrays))
        self._kept[:] = [KeptModel(rbm, arrays)]
        return rbm

    def _model_of(self, components: Any, hidden: Any, visible: Any) -> Rbm:
        if components.ndim != 2:
            raise ValueError(
                f"components_ has the shape {components.shape}, but must have two axes: "
                "(n_components, n_features)"
            )
        for name, bias, size in zip(PARAMETERS[1:], (hidden, visible), components.shape):
            if bias.shape != (size,):
                raise ValueError(
                    f"{name} has the shape {bias.shape}, but must have ({size},), as components_ has "
                    f"the shape {components.shape}"
                )
        mean = self.data_mean_
        if mean is not None and len(mean) != len(visible):
            # The user has set arrays of another width.
            mean = None
        n_examples = None if mean is None else self._n_examples
        return Rbm(
            components.T,
            visible,
            hidden,
            mean,
            grey_levels=self.grey_levels_,
            spins=self.spins_,
            columns=self.columns_,
            missing=self.missing,
            classes=self._classes,
            n_given=self.n_given_,
            n_examples=n_examples,
            history=self._measured(),
        )

    def _measured(self) -> list[dict[str, Any]] | None:
        """The records of all metrics, as the library has them; None if there are none, or the user has set
        arrays since."""
        records = vars(self).get("history_", [])
        if not self._is_unchanged() or not all("pseudo_likelihood" in record for record in records):
            return None
        own = "validation_score"
        return [{key: record[key] for key in record if key != own} for record in records] or None

    def _validated(
        self, X: Any, reset: bool = False, learns: bool = False, allows_missing: bool = False
    ) -> Any:
        """X as the model takes it; `reset` if it is the first X. If values may be missing, they are NaN."""
        raise NotImplementedError

    def _targets(
        self, y: Any, X: Any, weights: NDArray[np.float64] | None
    ) -> tuple[NDArray[np.int32] | None, NDArray[np.float64] | None]:
        """The states of the labels y, if the estimator learns them, and the weights of rows with them."""
        return None, weights

    def _targets_of_chunk(
        self, y: Any, X: Any, weights: NDArray[np.float64] | None, classes: Any
    ) -> tuple[NDArray[np.int32] | None, NDArray[np.float64] | None]:
        """The same for one chunk of several, whose labels are among `classes` or those of the first chunk."""
        return None, weights

    def _states(self) -> list[int] | None:
        """All states of a label, if the model has one."""
        return list(range(self._n_classes)) if self._classes else None

    def _scores_of(self, model: Rbm, X: Any, targets: Any) -> NDArray[np.float64]:
        """The score of each row, whose mean early stopping watches."""
        raise NotImplementedError

    def _printed_score(self, model: Rbm, X: Any, targets: Any) -> tuple[str, float]:
        """The name and the value of the score that `verbose` prints."""
        raise NotImplementedError

    def _take_meaning(self, rbm: Rbm) -> None:
        """Take what a model knows of its data besides its parameters."""
        self.data_mean_, self._n_examples = rbm.data_mean, rbm.n_examples
        self.grey_levels_, self.spins_ = rbm.grey_levels, rbm.spins

    def __getstate__(self) -> dict[str, Any]:
        # scikit-learn's method adds its version.
        inherited = getattr(super(), "__getstate__", None)
        state = dict(inherited() if inherited is not None else vars(self))
        for name in ("_own", "_kept"):
            state.pop(name, None)
        state["_are_own"] = self._is_unchanged()
        if not state["_are_own"] and "_trainer" in state:
            # It has other parameters than the arrays that the user has set.
            state["_trainer"] = None
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        state = dict(state)
        # Earlier versions made all arrays read-only.
        are_own = state.pop("_are_own", True) and all(name in state for name in LEARNED)
        inherited = getattr(super(), "__setstate__", None)
        if inherited is not None:
            inherited(state)
        else:
            vars(self).update(state)
        if are_own:
            # Arrays that are mapped from a file may be shared: only views of them become read-only.
            self._lock(tuple(np.asarray(state[name]) for name in LEARNED))


def check_fitted(estimator: LearnedArrays) -> None:
    """Refuse an estimator that is not fitted."""
    # scikit-learn's check takes as long as a row.
    if not estimator.__sklearn_is_fitted__():
        check_is_fitted(estimator)


def _is_constant(array: Any) -> bool:
    """Whether nobody can change an array in place, also not through the array of which it is a view."""
    is_array = isinstance(array, np.ndarray)
    while isinstance(array, np.ndarray):
        if array.flags.writeable:
            return False
        array = array.base
    return is_array
