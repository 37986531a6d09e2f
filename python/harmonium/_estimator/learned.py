"""What was learned: the arrays that are given out, and the model that they make."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._harmonium import Rbm
from .._sklearn import check_is_fitted

# What is learned, in the order in which the library gives it.
LEARNED = ("components_", "intercept_hidden_", "intercept_visible_", "h_samples_")


class Left:
    """Learned arrays as they were given out, read-only, and the model that was made of them.

    Read-only, so that the model need not be made anew at every call.
    """

    def __init__(self, arrays: list[NDArray[Any]]) -> None:
        self.arrays = arrays
        self.rbm: Rbm | None = None
        for array in arrays:
            array.flags.writeable = False


class LearnedArrays:
    """An estimator's learned arrays: given out, set by users, pickled."""

    components_: NDArray[Any]
    intercept_hidden_: NDArray[Any]
    intercept_visible_: NDArray[Any]
    h_samples_: NDArray[Any]
    n_features_in_: int
    # What is known of the data, until data or a file say it; what was pickled by earlier versions does not.
    data_mean_: NDArray[np.float32] | None = None
    grey_levels_: int | None = None
    spins_: bool = False

    def _give_out(self, components: Any, hidden: Any, visible: Any, h_samples: Any) -> None:
        for name, values in zip(LEARNED, (components, hidden, visible, h_samples)):
            setattr(self, name, values)
        self._lock()
        self.n_features_in_ = self.components_.shape[1]

    def _lock(self) -> None:
        """Make the learned arrays read-only, and remember which they are."""
        self._left = Left([getattr(self, name) for name in LEARNED])

    def _is_as_left(self) -> bool:
        """Whether parameters and chains are the arrays that were given out last."""
        left: Left | None = getattr(self, "_left", None)
        return left is not None and all(
            getattr(self, name) is array and not array.flags.writeable
            for name, array in zip(LEARNED, left.arrays)
        )

    @property
    def rbm_(self) -> Rbm:
        """The model of the attributes, which a user may have set: `harmonium.Rbm`."""
        check_is_fitted(self)
        left = self._left if self._is_as_left() else None
        if left is not None and left.rbm is not None:
            return left.rbm
        mean = self.data_mean_
        if mean is not None and len(mean) != len(self.intercept_visible_):
            # A model of another width, which a user has set.
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
            for name in LEARNED:
                setattr(self, name, np.asarray(getattr(self, name)))
            self._lock()
