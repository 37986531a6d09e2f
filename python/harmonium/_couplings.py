"""Effective couplings of a model."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Couplings(NamedTuple):
    """ln p(v) as fields and couplings of the visible units, as `Rbm.couplings` gives them."""

    fields: NDArray[np.float64]
    """h, shape (n_visible,)."""
    pairs: NDArray[np.float64]
    """J of two units, shape (n_visible, n_visible), symmetric, 0 for units of one site."""
    triples: NDArray[np.float64] | None
    """J of three units, shape (n_visible, n_visible, n_visible), if they were asked for."""
    scores: NDArray[np.float64]
    """How strongly two sites are coupled, shape (sites, sites): J if all sites are bits, else the Frobenius norms
    of their couplings, by default without the gap of sequences, with the average-product correction."""
