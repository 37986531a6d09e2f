"""The learned arrays, and the model that they make."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._harmonium import Rbm
from .._sklearn import check_is_fitted

# The learned arrays, in the order of `Trainer.arrays`.
LEARNED = ("components_", "intercept_hidden_", "intercept_visible_", "h_samples_")


class Snapshot:
    """The learned arrays as the estimator set them, and the model made of them.

    The arrays are made read-only, so that the model need not be made again at every call.
    """

    def __init__(self, arrays: list[NDArray[Any]]) -> None:
        self.arrays = arrays
        self.rbm: Rbm | None = None
        for array in arrays:
            array.flags.writeable = False


class LearnedArrays:
    """The learned arrays of an estimator, which users may set."""

    components_: NDArray[Any]
    intercept_hidden_: NDArray[Any]
    intercept_visible_: NDArray[Any]
    h_samples_: NDArray[Any]
    n_features_in_: int
    # The values before data or a file set them, and for pickles of earlier versions, which lack them.
    data_mean_: NDArray[np.float32] | None = None
    grey_levels_: int | None = None
    spins_: bool = False

    def _set_learned(self, components: Any, hidden: Any, visible: Any, h_samples: Any) -> None:
        for name, values in zip(LEARNED, (components, hidden, visible, h_samples)):
            setattr(self, name, values)
        self._lock()
        self.n_features_in_ = self.components_.shape[1]

    def _lock(self) -> None:
        """Make the learned arrays read-only, and remember them."""
        self._snapshot = Snapshot([getattr(self, name) for name in LEARNED])

    def _is_unchanged(self) -> bool:
        """Whether parameters and chains are the arrays that the estimator set last."""
        snapshot: Snapshot | None = getattr(self, "_snapshot", None)
        return snapshot is not None and all(
            getattr(self, name) is array and not array.flags.writeable
            for name, array in zip(LEARNED, snapshot.arrays)
        )

    @property
    def rbm_(self) -> Rbm:
        """The model of the learned arrays, which a user may have set, as a `harmonium.Rbm`."""
        check_is_fitted(self)
        snapshot = self._snapshot if self._is_unchanged() else None
        if snapshot is not None and snapshot.rbm is not None:
            return snapshot.rbm
        mean = self.data_mean_
        if mean is not None and len(mean) != len(self.intercept_visible_):
            # The user has set arrays of another width.
            mean = None
        rbm = Rbm(
            self.components_.T,
            self.intercept_visible_,
            self.intercept_hidden_,
            mean,
            grey_levels=self.grey_levels_,
            spins=self.spins_,
        )
        if snapshot is not None:
            snapshot.rbm = rbm
        return rbm

    def __getstate__(self) -> dict[str, Any]:
        # scikit-learn's method adds its version.
        inherited = getattr(super(), "__getstate__", None)
        state = dict(inherited() if inherited is not None else vars(self))
        state.pop("_snapshot", None)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        inherited = getattr(super(), "__setstate__", None)
        if inherited is not None:
            inherited(state)
        else:
            vars(self).update(state)
        if hasattr(self, "components_"):
            # Arrays that are mapped from a file may be shared: only views of them become read-only.
            for name in LEARNED:
                setattr(self, name, np.asarray(getattr(self, name)))
            self._lock()
