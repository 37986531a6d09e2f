"""HDF5 in the layout of RestrictedBoltzmannMachines.jl, for models of bits.

The layout is that of github.com/cossio/RestrictedBoltzmannMachines.jl (`save_rbm` of ext/HDF5Ext.jl, file format
1.0.0), and of github.com/cossio/RestrictedBoltzmannMachinesHDF5.jl before it. Julia's first axis runs fastest, and
HDF5 names the axes from the slowest: its `weights` (visible..., hidden...) are (hidden..., visible...) here, and
the parameters `par` (1, units...) of a layer of bits are (units..., 1), the axes of units in reverse.
"""

from __future__ import annotations

from typing import Any, Sequence

import numpy as np
from numpy.typing import NDArray

from ._checks import checked_parameters
from ._files import PathLike, whole_file
from ._hdf5 import _h5py, _has, _member, _open, _text

_VERSION = "rbm_hdf5_file_format_version"
_NAMES = ("weights", "visible_par", "hidden_par")
# Offsets and scales of the units of a standardized model.
_STANDARD = ("offset_v", "offset_h", "scale_v", "scale_h")


def is_of_julia(path: PathLike) -> bool:
    """Whether a file has this layout."""
    with _open(path) as file:
        return _has(path, file, _VERSION)


def read_model(path: PathLike) -> tuple[list[NDArray[np.float32]], tuple[int, int] | None]:
    """The parameters, and the shape of an example if it has two axes."""
    with _open(path) as file:
        version = _text(path, file, _VERSION)
        if version != "1.0.0":
            raise ValueError(f"{path}: {_VERSION} is {version!r}, but must be '1.0.0'")
        rbm_type = _text(path, file, "rbm_type") if _has(path, file, "rbm_type") else "RBM"
        if rbm_type not in ("RBM", "StandardizedRBM"):
            raise ValueError(
                f"{path}: rbm_type is {rbm_type!r}, but must be 'RBM' or 'StandardizedRBM': save unstandardize(rbm) "
                "or uncenter(rbm)"
            )
        for layer in ("visible", "hidden"):
            found = _text(path, file, f"{layer}_type")
            if found != "Binary":
                raise ValueError(
                    f"{path}: {layer}_type is {found!r}, but must be 'Binary': only models of bits are imported"
                )
        weights, *fields = (_member(path, file, name) for name in _NAMES)
        standard = None
        if rbm_type == "StandardizedRBM":
            standard = [_member(path, file, name) for name in _STANDARD]
    for name, field in zip(_NAMES[1:], fields):
        if np.ndim(field) < 2 or field.shape[-1] != 1:
            raise ValueError(
                f"{path}: {name} has shape {np.shape(field)}, but must have (units..., 1): a layer of bits has one "
                "parameter a unit"
            )
    visible, hidden = (field.shape[:-1] for field in fields)
    if weights.shape != hidden + visible:
        raise ValueError(f"{path}: weights have shape {weights.shape}, but must have {hidden + visible}")
    visible_bias, hidden_bias = (field.reshape(-1) for field in fields)
    arrays = [weights.reshape(len(hidden_bias), len(visible_bias)).T, visible_bias, hidden_bias]
    if standard is not None:
        arrays = _unstandardized(path, arrays, standard)
    shape = (visible[0], visible[1]) if len(visible) == 2 else None
    return checked_parameters(path, _NAMES, arrays), shape


def _unstandardized(path: PathLike, arrays: Sequence[Any], standard: Sequence[Any]) -> list[Any]:
    """The same model without offsets and scales: E holds (v - offset_v) / scale_v in place of v, and likewise h."""
    weights, visible_bias, hidden_bias = (np.asarray(array, np.float64) for array in arrays)
    sizes = len(visible_bias), len(hidden_bias), len(visible_bias), len(hidden_bias)
    for name, array, size in zip(_STANDARD, standard, sizes):
        if np.size(array) != size:
            raise ValueError(f"{path}: {name} has {np.size(array)} numbers, but must have {size}")
    offset_v, offset_h, scale_v, scale_h = (np.asarray(array, np.float64).reshape(-1) for array in standard)
    with np.errstate(divide="ignore", invalid="ignore"):
        weights = weights / scale_v[:, None] / scale_h
        return [weights, visible_bias - weights @ offset_h, hidden_bias - offset_v @ weights]


def write_model(
    path: PathLike,
    parameters: Sequence[NDArray[np.float32]],
    image_shape: tuple[int, int] | None,
) -> None:
    """Write a model, in place of a file that exists."""
    h5py = _h5py(path)
    weights, visible_bias, hidden_bias = parameters
    shape = (len(visible_bias),) if image_shape is None else image_shape
    with whole_file(path) as buffer, h5py.File(buffer, "w") as file:
        file[_VERSION] = "1.0.0"
        file["rbm_type"] = "RBM"
        file["weights"] = np.ascontiguousarray(weights.T).reshape(-1, *shape)
        file["visible_par"] = visible_bias.reshape(*shape, 1)
        file["hidden_par"] = hidden_bias.reshape(-1, 1)
        file["visible_type"] = "Binary"
        file["hidden_type"] = "Binary"
