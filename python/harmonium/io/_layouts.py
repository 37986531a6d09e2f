"""Models as the arrays of `rbms` and annaDCA, and back.

The layouts are those of github.com/DsysDML/rbms (`save_model` of rbms/io.py, and `PBRBM` of
rbms/potts_bernoulli/classes.py, release 0.4.2) and of github.com/rossetl/annaDCA (`_save_model` of
annadca/io.py, release 0.1.0, commit 808a5c1).
"""

from __future__ import annotations

from typing import Any, Mapping, NamedTuple, Sequence

import numpy as np
from numpy.typing import NDArray

from ._checks import checked_parameters
from ._files import PathLike

NAMES = ("weight_matrix", "vbias", "hbias")
# The labels of annaDCA.
OF_LABELS = ("label_matrix", "lbias")


class Layered(NamedTuple):
    """The arrays of a model by name."""

    arrays: dict[str, NDArray[np.float32]]
    n_sites: int
    # Of a category; None for bits.
    n_states: int | None

    @property
    def model_type(self) -> str:
        """What `rbms` calls such a model."""
        return "BBRBM" if self.n_states is None else "PBRBM"


def layered(
    path: PathLike,
    parameters: Sequence[NDArray[np.float32]],
    sites: Sequence[int] | None,
    layout: str,
    labels: bool,
) -> Layered:
    """The arrays of a model, in the layout `rbms` or `annadca`."""
    if layout not in ("rbms", "annadca"):
        raise ValueError(f"{path}: layout is {layout!r}, but must be 'rbms' or 'annadca'")
    weights, visible_bias, hidden_bias = parameters
    sites = [1] * len(visible_bias) if sites is None else list(sites)
    arrays: dict[str, NDArray[np.float32]] = {}
    if layout == "annadca":
        n_labels = sites.pop() if labels else 0
        if labels and (n_labels == 1 or not sites):
            raise ValueError(
                f"{path}: labels is True, but the last of the sites must be a category, beside others"
            )
        n_units = len(visible_bias) - n_labels
        arrays = {"label_matrix": weights[n_units:], "lbias": visible_bias[n_units:]}
        weights, visible_bias = weights[:n_units], visible_bias[:n_units]
    elif labels:
        raise ValueError(f"{path}: labels is True, but only layout='annadca' has labels")
    sizes = sorted(set(sites))
    if len(sizes) > 1:
        raise ValueError(
            f"{path}: the sites have {', '.join(map(str, sizes))} units, but all must have one number in "
            "HDF5: write to a .npz or .safetensors file"
        )
    n_states = None if sizes == [1] else sizes[0]
    if n_states is not None:
        weights = weights.reshape(len(sites), n_states, -1)
        visible_bias = visible_bias.reshape(len(sites), n_states)
    arrays.update(zip(NAMES, (weights, visible_bias, hidden_bias)))
    return Layered(arrays, len(sites), n_states)


def flat(
    path: PathLike, place: str, arrays: Mapping[str, Any], is_potts: bool | None
) -> tuple[list[NDArray[np.float32]], list[int] | None]:
    """The parameters of arrays at a place of a file, and the units of each site, None for bits. If it is not
    known whether it `is_potts`, the axes of the weights tell."""
    names = [f"{place}{name}" for name in NAMES]
    weights, visible_bias, hidden_bias = (np.asarray(arrays[name]) for name in NAMES)
    sites: list[int] | None = None
    if is_potts or is_potts is None and weights.ndim == 3:
        if weights.ndim != 3 or visible_bias.shape != weights.shape[:2]:
            raise ValueError(
                f"{path}: {names[0]} and {names[1]} have the shapes {weights.shape} and {visible_bias.shape}, but "
                "must have (sites, states, hidden) and (sites, states), as the model is one of categories"
            )
        n_sites, n_states, n_hidden = weights.shape
        if not 2 <= n_states <= 255:
            raise ValueError(f"{path}: {names[0]} has {n_states} states, but must have from 2 to 255")
        sites = [n_states] * n_sites
        weights, visible_bias = weights.reshape(-1, n_hidden), visible_bias.reshape(-1)
    parameters = checked_parameters(path, names, [weights, visible_bias, hidden_bias])
    if OF_LABELS[0] not in arrays or not len(arrays[OF_LABELS[1]]):
        return parameters, sites
    # The hidden units are those of the model, so that the labels are checked as it is.
    of_labels = [*(np.asarray(arrays[name]) for name in OF_LABELS), parameters[2]]
    names = [f"{place}{name}" for name in (*OF_LABELS, NAMES[2])]
    label_matrix, label_bias, _ = checked_parameters(path, names, of_labels)
    if len(label_bias) == 1:
        raise ValueError(f"{path}: {names[1]} has 1 label, but must have none, or at least 2")
    sites = [*([1] * len(visible_bias) if sites is None else sites), len(label_bias)]
    weights, visible_bias, hidden_bias = parameters
    joined = [
        np.concatenate([weights, label_matrix]),
        np.concatenate([visible_bias, label_bias]),
        hidden_bias,
    ]
    return joined, sites
