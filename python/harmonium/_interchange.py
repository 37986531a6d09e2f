"""Models of other programs, and models for them."""

from __future__ import annotations

import os
from pathlib import Path

from . import io
from ._harmonium import Rbm, read_foreign, write_foreign
from ._warnings import warn

_HDF5 = b"\x89HDF"


def import_model(
    path: str | os.PathLike[str],
    *,
    weights: str | None = None,
    visible_bias: str | None = None,
    hidden_bias: str | None = None,
    layout: str | None = None,
    update: int | None = None,
) -> Rbm:
    """Read a model of bits that another program wrote.

    Parameters
    ----------
    path : path
        A .safetensors or .npz file with three arrays, such as a state dict of PyTorch or the arrays of
        scikit-learn's `BernoulliRBM`; or an HDF5 file of `rbms`, annaDCA or RestrictedBoltzmannMachines.jl,
        which needs h5py (see `harmonium.io`).
    weights, visible_bias, hidden_bias : str, optional
        The names of the arrays. None: names that are known, such as `W`, `v_bias` and `h_bias`.
    layout : "vh" or "hv", optional
        The axes of the weights, (visible, hidden) or (hidden, visible). None: as the lengths of the biases say.
        It must be given where there are as many visible as hidden units.
    update : int, optional
        For `rbms` and annaDCA: the number of updates after which the model is read. None: the newest.

    Examples
    --------
    >>> import numpy as np
    >>> import harmonium
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     np.savez(f"{folder}/theirs.npz", W=np.eye(2, 3, dtype="f4"), hbias=np.zeros(2, "f4"), vbias=np.ones(3, "f4"))
    ...     harmonium.import_model(f"{folder}/theirs.npz")
    Rbm(n_visible=3, n_hidden=2)
    """
    names = {
        "weights": weights,
        "visible_bias": visible_bias,
        "hidden_bias": hidden_bias,
        "layout": layout,
    }
    if isinstance(path, str) or hasattr(path, "__fspath__"):
        if os.fspath(path).endswith((".joblib", ".pkl", ".pickle")):
            raise ValueError(
                f"{path}: is a pickle, which can run any code when it is loaded; if you trust it, give "
                "BernoulliRBM.from_sklearn(joblib.load(path)) the estimator of scikit-learn, or use the one of "
                "harmonium as it is"
            )
    else:
        raise TypeError(
            f"path is a {type(path).__name__}, but must be the path of a file; "
            "BernoulliRBM.from_sklearn(estimator).rbm_ is the model of an estimator of scikit-learn"
        )
    if _is_hdf5(path):
        for name, value in names.items():
            if value is not None:
                raise ValueError(
                    f"{path}: {name} is {value!r}, but an HDF5 file has names and axes of its own: leave it out"
                )
        return io._load(path, False, update)
    if update is not None:
        raise ValueError(f"{path}: update is {update}, but only an HDF5 file holds several: leave it out")
    rbm, notes = read_foreign(path, names)
    for note in notes:
        warn(f"{path}: {note}")
    return rbm


def export_model(
    rbm: Rbm,
    path: str | os.PathLike[str],
    *,
    weights: str | None = None,
    visible_bias: str | None = None,
    hidden_bias: str | None = None,
    layout: str | None = None,
) -> None:
    """Write a model for other programs. The ending of the name is the format.

    `.safetensors` and `.npz` hold three arrays of float32; by default they are named and laid out as in `Rbm`.
    `.npz` may hold a model of categories, and then has also `site` (V), the number of the site of each unit, `number`
    (V) for which the unit stands, NaN for a name, `state` (V), the same as text, and `column` (L), the names.
    `.onnx` is a graph that computes `hidden` (N, H), p(h | v), from `visible` (N, V), both float32.
    `harmonium.io.write_model` writes HDF5.

    Parameters
    ----------
    rbm : Rbm, or a fitted BernoulliRBM
    path : path
        A file that exists is replaced.
    weights, visible_bias, hidden_bias : str, optional
        The names of the arrays. `components_` as the name of the weights stands for all names and the axes of
        scikit-learn's `BernoulliRBM`.
    layout : "vh" or "hv", optional
        The axes of the weights, (visible, hidden) or (hidden, visible). None: "vh".

    Examples
    --------
    >>> import numpy as np
    >>> import harmonium
    >>> from tempfile import TemporaryDirectory
    >>> rbm = harmonium.Rbm(np.eye(3, 2), np.zeros(3), np.ones(2))
    >>> with TemporaryDirectory() as folder:
    ...     harmonium.export_model(rbm, f"{folder}/ours.npz", weights="components_")
    ...     np.load(f"{folder}/ours.npz")["components_"].shape
    (2, 3)
    """
    names = {
        "weights": weights,
        "visible_bias": visible_bias,
        "hidden_bias": hidden_bias,
        "layout": layout,
    }
    # An estimator has its model.
    write_foreign(getattr(rbm, "rbm_", rbm), path, names)


def _is_hdf5(path: str | os.PathLike[str]) -> bool:
    try:
        with open(path, "rb") as file:
            return file.read(len(_HDF5)) == _HDF5
    except OSError:
        # The name decides who says what is wrong.
        return Path(path).suffix in (".h5", ".hdf5")
