"""Parameters of a model of spins."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Spins(NamedTuple):
    """A model of spins -1 and 1 in both layers, E(σ, τ) = -a·σ - d·τ - σᵀJ τ, as `Rbm.to_spins` gives it."""

    couplings: NDArray[np.float64]
    """J, shape (n_visible, n_hidden)."""
    visible_field: NDArray[np.float64]
    """a, shape (n_visible,)."""
    hidden_field: NDArray[np.float64]
    """d, shape (n_hidden,)."""
    log_z_shift: float
    """ln Z of the spins less that of the bits: ΣJ - Σa - Σd."""
