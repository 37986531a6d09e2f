"""Models and data sets for other programs: HDF5 in the layouts of the packages `rbms` and annaDCA, and .npz.

The ending of a file's name is its format: `.npz` is NumPy's; `.h5` and `.hdf5` are HDF5, which needs
h5py. (`rbms` itself reads HDF5 data sets with the ending `.h5` only.)

| here               | in .npz        | in HDF5                              | shape  |
| ------------------ | -------------- | ------------------------------------ | ------ |
| `rbm.weights`      | `weights`      | `/update_N/params/weight_matrix`     | (V, H) |
| `rbm.visible_bias` | `visible_bias` | `/update_N/params/vbias`             | (V,)   |
| `rbm.hidden_bias`  | `hidden_bias`  | `/update_N/params/hbias`             | (H,)   |
| `rbm.grey_levels`  | `grey_levels`  | `/grey_levels`, if not None          | ()     |
| `rbm.spins`        | `spins`        | `/spins`, if true                    | ()     |
| `rbm.data_mean`    | `data_mean`    | `/data_mean`, if not None            | (V,)   |
| `rbm.image_shape`  | `image_shape`  | `/image_shape`, if not None          | (2,)   |
| `rbm.columns`      | `columns`      | `/columns`, if not None, as JSON     | ()     |
| `rbm.missing`      | `missing`      | `/missing`, if not None              | ()     |
| `rbm.missing_value` | `missing_value` | `/missing_value`, if not None      | ()     |
| `rbm.n_given`      | `n_given`      | `/n_given`, if not None              | (L,)   |
| `dataset.samples`  | `samples`      | `/samples`, of type `/variable_type` | (N, V) |
| `dataset.labels`   | `labels`       | `/labels`                            | (N,)   |

V is the number of visible units, H of hidden units, N of samples, L of columns. An HDF5 model file keeps one model
after several numbers N of updates. A file is made in memory, written under another name and then renamed,
so that it is never incomplete. It keeps its mode and its links, as the files of the command line do.

Models of categories (Potts models) have all one number q of states in HDF5: `weight_matrix` has the shape
(L, q, H) and `vbias` (L, q), for L sites. `/model_type` is PBRBM for them, and BBRBM for models of bits.
Samples of `/variable_type` categorical are states from 0 to q - 1. A .npz file may hold sites of any sizes.

annaDCA (0.1.0, before its checkpoints became files of PyTorch) has no `/model_type`. Its labels are one more
site, joined to the hidden units: `lbias` (K,) and `label_matrix` (K, H) beside `weight_matrix`, `vbias` and
`hbias` in `/update_N`. They are read as the last site of the model. All gauges are the same model; both
packages keep the zero-sum gauge, in which `rbm.zero_sum_gauge()` puts a model.

RestrictedBoltzmannMachines.jl (file format 1.0.0) is read if both layers are `Binary`; a `StandardizedRBM` is
read as the same model without offsets and scales. Units that Julia has along two axes are pixels of an image.
"""

from __future__ import annotations

import json
from typing import Any, Callable, Mapping, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._harmonium import Rbm
from . import _hdf5, _julia, _npz
from .._columns import of_sites, state_names
from ._checks import (
    bits_of_spins,
    checked_columns,
    checked_counts,
    checked_fact,
    checked_labels,
    checked_mean,
    checked_missing,
    checked_number,
    checked_parameters,
    checked_samples,
    checked_shape,
    checked_states,
    checked_switch,
)
from ._files import PathLike, is_npz

__all__ = ["Dataset", "read_dataset", "read_model", "updates", "write_dataset", "write_model"]

_NAMES = ("weights", "visible_bias", "hidden_bias")
# What else is known of a model, and the check of each; `rbms` ignores it.
_RECORD: dict[str, Callable[[PathLike, str, Any], Any]] = {
    "grey_levels": checked_fact,
    "spins": checked_switch,
    "data_mean": checked_mean,
    "image_shape": checked_shape,
    "columns": checked_columns,
    "missing": checked_missing,
    "missing_value": checked_number,
    "n_given": checked_counts,
}


class Dataset(NamedTuple):
    """Samples and, if they are known, their classes.

    `samples` (N, V) are uint8 if all are 0 or 1, or states of categories, otherwise float32, intensities
    from 0 to 1. `labels` (N,) are int32.

    >>> samples, labels = Dataset(np.eye(3, dtype=np.uint8), None)
    >>> samples.shape, labels
    ((3, 3), None)
    """

    samples: NDArray[np.uint8] | NDArray[np.float32]
    labels: NDArray[np.int32] | None


def read_model(path: PathLike, update: int | None = None) -> Rbm:
    """Reads an RBM of bits or categories: weights (V, H), biases (V,) and (H,), all as float32.

    An HDF5 file may hold it after several updates: the newest is read unless `update` names one. The states of
    categories are numbers from 0, unless the file has `columns`. Labels of annaDCA are the last site.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     np.savez(f"{folder}/rbm.npz", weights=np.eye(3, 2), visible_bias=np.zeros(3),
    ...              hidden_bias=np.ones(2))
    ...     read_model(f"{folder}/rbm.npz").weights.shape
    (3, 2)
    """
    return _load(path, is_npz(path), update)


def _load(path: PathLike, from_npz: bool, update: int | None = None) -> Rbm:
    """Reads an RBM from a file of this format, whatever its name."""
    sites: list[int] | None = None
    record: list[Any]
    if not from_npz and _julia.is_of_julia(path):
        if update is not None:
            raise ValueError(
                f"{path}: update is {update}, but a file of RestrictedBoltzmannMachines.jl holds one model: leave "
                "update out"
            )
        parameters, shape = _julia.read_model(path)
        record = [shape if name == "image_shape" else None for name in _RECORD]
    elif not from_npz:
        parameters, sites, record = _hdf5.read_model(path, update, list(_RECORD))
    elif update is not None:
        raise ValueError(
            f"{path}: update is {update}, but a .npz file holds one model: leave update out"
        )
    else:
        *arrays, found = _npz.read(path, required=_NAMES, optional=[*_RECORD, "sites"])
        parameters, record = checked_parameters(path, _NAMES, arrays[:3]), arrays[3:]
        # `harmonium inspect --parameters` writes these.
        sites = None if found is None else [checked_fact(path, "sites", size) for size in found]
    known = {
        name: checked(path, name, value)
        for (name, checked), value in zip(_RECORD.items(), record)
        if value is not None
    }
    weights, visible_bias, hidden_bias = parameters
    try:
        if sites is not None:
            known.setdefault("columns", of_sites(sites))
        n_given = known.pop("n_given", None)
        rbm = Rbm(weights, visible_bias, hidden_bias, **known)
        # A file that other programs changed may have them for other columns.
        if n_given is None or rbm.columns is None or len(n_given) != len(state_names(rbm.columns)):
            return rbm
        return Rbm(weights, visible_bias, hidden_bias, n_given=n_given, **known)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def write_model(
    path: PathLike,
    rbm: Rbm,
    *,
    update: int | None = None,
    time: float | None = None,
    parallel_chains: ArrayLike | None = None,
    hyperparameters: Mapping[str, float] | None = None,
    seed: int | None = None,
    layout: str = "rbms",
    labels: bool = False,
) -> None:
    """Writes an RBM to a .npz file, or adds it to an HDF5 file, which is created if necessary.

    A .npz file holds the parameters, weights (V, H), biases (V,) and (H,), and, if they are known, what
    integers mean in the data of the model, the mean of these data and the shape of an image. An HDF5 file
    takes more, so that `rbms` can continue training:

    - `update`: the number of updates so far, more than any in the file; default: 1;
    - `time`: the seconds of training so far; default: 0;
    - `parallel_chains` (C, V): states 0 or 1 of the chains at this update, or (C, L): states of categories.
      Without them a file keeps the chains it has; a new file gets 100 chains of coin flips, or of fair draws
      of states, as `rbms` starts them;
    - `hyperparameters`: any of `batch_size`, `gibbs_steps`, `learning_rate`, `L1`, `L2` and
      `train_size`. A new file has the defaults of `rbms` for the others;
    - `seed`: seeds the random states that `rbms` restores, and the coin flips; default: 0;
    - `layout`: "rbms"; or "annadca", which takes `update` and `seed` alone; or "julia", for
      RestrictedBoltzmannMachines.jl, which takes nothing else and replaces a file: models of bits only;
    - `labels`: for annaDCA, whether the last site is that of the labels; else the model has none.

    >>> from harmonium import Rbm
    >>> from tempfile import TemporaryDirectory
    >>> rbm = Rbm(np.eye(3, 2, dtype=np.float32), np.zeros(3, np.float32), np.ones(2, np.float32))
    >>> with TemporaryDirectory() as folder:
    ...     write_model(f"{folder}/rbm.npz", rbm)
    ...     read_model(f"{folder}/rbm.npz").hidden_bias.tolist()
    [1.0, 1.0]
    """
    given: dict[str, Any] = {
        "update": update,
        "time": time,
        "parallel_chains": parallel_chains,
        "hyperparameters": hyperparameters,
        "seed": seed,
    }
    unheld = [name for name, value in given.items() if value is not None]
    unheld += ["layout"] if layout != "rbms" else ["labels"] if labels else []
    if is_npz(path) and unheld:
        raise ValueError(
            f"{path}: {unheld[0]} is given, but a .npz file holds only a model: leave it out "
            "or write to a .h5 file"
        )
    _write(path, rbm, renews=False, layout=layout, labels=labels, **given)


def _save(path: PathLike, rbm: Rbm) -> None:
    """Writes an RBM in place of what a file holds, as `Rbm.save` does."""
    _write(path, rbm, renews=True)


def _write(path: PathLike, rbm: Rbm, **named: Any) -> None:
    if getattr(rbm, "classes", None) is not None:
        raise ValueError(
            f"{path}: the model has classes of labels, which only a .safetensors file holds"
        )
    parameters = checked_parameters(path, _NAMES, [getattr(rbm, name) for name in _NAMES])
    record = {name: getattr(rbm, name, None) for name in _RECORD}
    known = {name: value for name, value in record.items() if value is not None and value is not False}
    if "columns" in known:
        known["columns"] = json.dumps(known["columns"])
    if is_npz(path):
        _npz.write(path, {**dict(zip(_NAMES, parameters)), **known})
    elif named.get("layout") == "julia":
        others = [name for name, value in named.items() if value not in (None, False, "julia")]
        if others:
            raise ValueError(
                f"{path}: {others[0]} is given, but files of RestrictedBoltzmannMachines.jl do not hold it: leave it "
                "out"
            )
        if max(rbm.sites) > 1:
            raise ValueError(f"{path}: the model has sites of several values, but the layout 'julia' takes bits only")
        _julia.write_model(path, parameters, getattr(rbm, "image_shape", None))
    else:
        record = {**dict.fromkeys(_RECORD), **known}
        sites = rbm.sites if known.get("columns") else None
        _hdf5.write_model(path, parameters, sites, record, **named)


def updates(path: PathLike) -> list[int]:
    """Lists the updates at which an HDF5 file holds the model, in rising order.

    >>> from harmonium import Rbm
    >>> from tempfile import TemporaryDirectory
    >>> rbm = Rbm(np.eye(3, 2, dtype=np.float32), np.zeros(3, np.float32), np.ones(2, np.float32))
    >>> with TemporaryDirectory() as folder:
    ...     write_model(f"{folder}/rbm.h5", rbm)
    ...     write_model(f"{folder}/rbm.h5", rbm, update=10, time=1.5)
    ...     updates(f"{folder}/rbm.h5")
    [1, 10]
    """
    if is_npz(path):
        raise ValueError(
            f"{path}: a .npz file holds one model and no updates: read it with read_model(path)"
        )
    return _hdf5.updates(path)


def read_dataset(path: PathLike, *, grey_levels: int | None = None, spins: bool = False) -> Dataset:
    """Reads samples (N, V) and, if the file has them, labels (N,).

    Spins, -1 and 1, become bits, 0 and 1, if `spins` is true or the file says so (`/variable_type` in
    HDF5 is `bernoulli` or `ising`). Where it is `categorical`, they are states. Integers k are grey
    levels k / `grey_levels`. If nothing is given, integers from 0 to 255 are grey levels of 255 if the largest is above 127, with a warning; any others
    but 0 and 1 are refused.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     np.savez(f"{folder}/spins.npz", samples=[[-1, 1], [1, 1]], labels=[3, 4])
    ...     samples, labels = read_dataset(f"{folder}/spins.npz", spins=True)
    >>> samples.tolist(), labels.tolist()
    ([[0, 1], [1, 1]], [3, 4])
    """
    variable_type = None
    if is_npz(path):
        samples, labels = _npz.read(path, required=["samples"], optional=["labels"])
    else:
        samples, labels, variable_type = _hdf5.read_dataset(path)
    if variable_type not in (None, "bernoulli", "ising", "categorical"):
        remedy = {
            "continuous": "scale the samples to intensities from 0 to 1, which are 'bernoulli', too",
        }
        raise ValueError(
            f"{path}: variable_type is {variable_type!r}, but must be 'bernoulli', 'ising' or 'categorical': "
            + remedy.get(variable_type, "name the type of the samples")
        )
    if variable_type == "ising":
        samples = bits_of_spins(path, samples)
    if variable_type == "categorical":
        samples = checked_states(path, "samples", samples)
    else:
        samples = checked_samples(path, samples, grey_levels, spins)
    return Dataset(samples, None if labels is None else checked_labels(path, labels, len(samples)))


def write_dataset(
    path: PathLike,
    samples: ArrayLike,
    labels: ArrayLike | None = None,
    *,
    grey_levels: int | None = None,
    spins: bool = False,
    categorical: bool = False,
) -> None:
    """Writes samples (N, V) as bits or intensities, or as states, and labels (N,), whole numbers, if given.

    With `categorical` they are states, numbers from 0 to 254, which only HDF5 says. Otherwise integers
    mean the same as in `read_dataset`. All releases of `rbms` read bits. Release 0.6 also reads
    intensities, and draws new bits from them in each batch.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     write_dataset(f"{folder}/data.npz", [[0, 1, 1], [1, 0, 1]], labels=[7, 9])
    ...     read_dataset(f"{folder}/data.npz").labels.tolist()
    [7, 9]
    """
    if categorical and is_npz(path):
        raise ValueError(
            f"{path}: categorical is True, but a .npz file does not say that samples are states: write to a "
            ".h5 file"
        )
    members: dict[str, Any] = {
        "samples": checked_states(path, "samples", samples)
        if categorical
        else checked_samples(path, samples, grey_levels, spins)
    }
    if labels is not None:
        members["labels"] = checked_labels(path, labels, len(members["samples"]))
    if is_npz(path):
        return _npz.write(path, members)
    return _hdf5.write_dataset(path, members, "categorical" if categorical else "bernoulli")
