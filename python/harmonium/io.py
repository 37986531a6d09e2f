"""Models and data sets that other programs read: HDF5 as the package `rbms` has it, and .npz.

The ending of a file's name tells the format: `.npz` is NumPy's, `.h5` and `.hdf5` are HDF5, for which
h5py must be installed. (`rbms` itself knows HDF5 data sets by `.h5` alone.)

| here               | in .npz        | in HDF5                              | shape  |
| ------------------ | -------------- | ------------------------------------ | ------ |
| `rbm.weights`      | `weights`      | `/update_N/params/weight_matrix`     | (V, H) |
| `rbm.visible_bias` | `visible_bias` | `/update_N/params/vbias`             | (V,)   |
| `rbm.hidden_bias`  | `hidden_bias`  | `/update_N/params/hbias`             | (H,)   |
| `rbm.grey_levels`  | `grey_levels`  | `/grey_levels`, where there are any  | ()     |
| `rbm.spins`        | `spins`        | `/spins`, where it is true           | ()     |
| `dataset.samples`  | `samples`      | `/samples`, of type `/variable_type` | (N, V) |
| `dataset.labels`   | `labels`       | `/labels`                            | (N,)   |

V visible units, H hidden ones, N samples. An HDF5 model file keeps the same machine after several
updates N of its training. Whatever is written is first written whole beside its place, then renamed:
a file is never half there.
"""

from __future__ import annotations

import math
import operator
import os
import re
import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, Optional
from zipfile import BadZipFile

import numpy as np

from . import Rbm
from ._harmonium import decoded, refuse_masked

__all__ = ["Dataset", "read_dataset", "read_model", "updates", "write_dataset", "write_model"]

_NPZ_NAMES = ("weights", "visible_bias", "hidden_bias")
_HDF5_NAMES = ("weight_matrix", "vbias", "hbias")
# What integers stand for in the data of a model, where it is known; `rbms` passes over it.
_RECORD = ("grey_levels", "spins")

# What a new file tells `rbms` to go on with: its own defaults. Release 0.6 looks for them in the group
# named here, the earlier ones in /hyperparameters.
_HYPERPARAMETERS = {
    "batch_size": (2000, "train_args"),
    "gibbs_steps": (100, "sampling_args"),
    "learning_rate": (0.01, "train_args"),
    "L1": (0.0, "grad_args"),
    "L2": (0.0, "grad_args"),
    "train_size": (0.6, "dataset_args"),
}
# What 0.6 asks for besides.
_FIXED = {
    "sampling_args/beta": 1.0,
    "train_args/optim": "sgd",
    "train_args/training_type": "pcd",
    "grad_args/no_center": False,
    "grad_args/normalize_grad": False,
    "grad_args/max_norm_grad": -1.0,
}
_N_NEW_CHAINS = 100

# How torch lays out the state of its CPU generator (a Mersenne Twister) when freshly seeded; the rest
# of its bytes are 0.
_TORCH_STATE = np.dtype(
    {
        "names": ["seed", "left", "is_seeded", "key"],
        "formats": ["<u8", "<i4", "<i4", ("<u8", 624)],
        "offsets": [0, 8, 12, 24],
        "itemsize": 5056,
    }
)


class Dataset(NamedTuple):
    """Samples and, if they are known, their classes.

    `samples` (N, V) are uint8 if all are 0 or 1, otherwise float32, intensities from 0 to 1. `labels`
    (N,) are int32.

    >>> samples, labels = Dataset(np.eye(3, dtype=np.uint8), None)
    >>> samples.shape, labels
    ((3, 3), None)
    """

    samples: np.ndarray
    labels: Optional[np.ndarray]


def read_model(path, update=None):
    """Reads an RBM of binary units: weights (V, H), biases (V,) and (H,), all as float32.

    An HDF5 file may hold it after several updates: the newest is read unless `update` tells which.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     np.savez(f"{folder}/rbm.npz", weights=np.eye(3, 2), visible_bias=np.zeros(3),
    ...              hidden_bias=np.ones(2))
    ...     read_model(f"{folder}/rbm.npz").weights.shape
    (3, 2)
    """
    if _is_npz(path):
        if update is not None:
            raise ValueError(
                f"{path}: update is {update}, but a .npz file holds one model: leave update out"
            )
        arrays = _read_npz(path, required=_NPZ_NAMES, optional=_RECORD)
        parameters, record = arrays[:3], arrays[3:]
        return Rbm(*_checked_parameters(path, _NPZ_NAMES, parameters), **_known(record))
    with _open_hdf5(path) as file:
        record = [_member(path, file, name) if name in file else None for name in _RECORD]
        return Rbm(*_read_update(path, file, update), **_known(record))


def write_model(
    path,
    rbm,
    *,
    update=None,
    time=None,
    parallel_chains=None,
    hyperparameters=None,
    seed=None,
):
    """Writes an RBM to a .npz file, or adds it to an HDF5 file, which is made if need be.

    A .npz file holds the parameters, weights (V, H), biases (V,) and (H,), and what integers stood for
    in the data of the model, if that is known. An HDF5 file takes
    more, and with it `rbms` can go on training:

    - `update`: how many updates of the parameters led here; more than any in the file, usual: 1;
    - `time`: seconds of training so far, usual: 0;
    - `parallel_chains` (C, V): states 0 or 1 of the chains at this update. Without them a file keeps
      those it has; a new one gets 100 fair coin flips per unit, the start of chains in `rbms`, too;
    - `hyperparameters`: any of `batch_size`, `gibbs_steps`, `learning_rate`, `L1`, `L2` and
      `train_size`. A new file has the defaults of `rbms` for the others;
    - `seed`: of the random states that `rbms` restores, and of the coin flips; usual: 0.

    >>> from harmonium import Rbm
    >>> from tempfile import TemporaryDirectory
    >>> rbm = Rbm(np.eye(3, 2, dtype=np.float32), np.zeros(3, np.float32), np.ones(2, np.float32))
    >>> with TemporaryDirectory() as folder:
    ...     write_model(f"{folder}/rbm.npz", rbm)
    ...     read_model(f"{folder}/rbm.npz").hidden_bias.tolist()
    [1.0, 1.0]
    """
    parameters = _checked_parameters(
        path, _NPZ_NAMES, [getattr(rbm, name) for name in _NPZ_NAMES]
    )
    record = {name: getattr(rbm, name, None) for name in _RECORD}
    record = {name: value for name, value in record.items() if value}
    if _is_npz(path):
        given = {
            "update": update,
            "time": time,
            "parallel_chains": parallel_chains,
            "hyperparameters": hyperparameters,
            "seed": seed,
        }
        unheld = [name for name, value in given.items() if value is not None]
        if unheld:
            raise ValueError(
                f"{path}: {unheld[0]} is given, but a .npz file holds a model alone: leave it out "
                "or write to a .h5 file"
            )
        return _write_npz(path, {**dict(zip(_NPZ_NAMES, parameters)), **record})

    h5py = _h5py(path)
    update = 1 if update is None else _checked_whole(path, "update", update)
    seed = 0 if seed is None else _checked_whole(path, "seed", seed, below=2**32)
    time = 0.0 if time is None else float(time)
    if not (math.isfinite(time) and time >= 0):
        raise ValueError(f"{path}: time is {time}, but must be finite seconds, at least 0")
    hyperparameters = _checked_hyperparameters(path, hyperparameters or {})
    n_visible = parameters[0].shape[0]
    if parallel_chains is not None:
        parallel_chains = _checked_chains(path, parallel_chains, n_visible)

    exists = os.path.exists(path)
    if exists:
        with _open_hdf5(path) as file:
            _check_continues(path, file, update, parameters[0].shape)
    with _whole_file(path) as temporary:
        if exists:
            shutil.copy(path, temporary)
        with h5py.File(temporary, "a") as file:
            _add_update(file, update, time, parameters, seed)
            for name in _RECORD:
                if name in file:
                    del file[name]
            for name, value in record.items():
                file[name] = value
            if parallel_chains is None and "parallel_chains" not in file:
                flips = np.random.default_rng(seed).integers(2, size=(_N_NEW_CHAINS, n_visible))
                parallel_chains = flips.astype(np.float32)
            if parallel_chains is not None:
                _put(file, "parallel_chains", parallel_chains)
            if "hyperparameters" not in file:
                _put_defaults(path, file, parameters[0].shape, seed)
            for name, value in hyperparameters.items():
                _put_hyperparameter(file, name, value)
            _put(file, "hyperparameters/num_chains", file["parallel_chains"].shape[0])


def updates(path):
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
    if _is_npz(path):
        raise ValueError(
            f"{path}: a .npz file holds one model and no updates: read it by read_model(path)"
        )
    with _open_hdf5(path) as file:
        return _updates(file)


def read_dataset(path, *, grey_levels=None, spins=False):
    """Reads samples (N, V) and, if the file has them, labels (N,).

    Spins, -1 and 1, become bits, 0 and 1, if `spins` says that they are such, or the file does
    (`/variable_type` in HDF5 is `bernoulli` or `ising`). Integers k are grey levels k / `grey_levels`;
    if nothing is said, those from 0 to 255 of which some are above 127 are of 255, with a warning, and
    any others but 0 and 1 are refused.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     np.savez(f"{folder}/spins.npz", samples=[[-1, 1], [1, 1]], labels=[3, 4])
    ...     samples, labels = read_dataset(f"{folder}/spins.npz", spins=True)
    >>> samples.tolist(), labels.tolist()
    ([[0, 1], [1, 1]], [3, 4])
    """
    variable_type = None
    if _is_npz(path):
        samples, labels = _read_npz(path, required=["samples"], optional=["labels"])
    else:
        with _open_hdf5(path) as file:
            samples = _member(path, file, "samples")
            labels = _member(path, file, "labels") if "labels" in file else None
            if "variable_type" in file:
                variable_type = _text(path, file, "variable_type")
    if variable_type not in (None, "bernoulli", "ising"):
        remedy = {
            "categorical": "write each category as one unit of its own (one-hot)",
            "continuous": "scale the samples to intensities from 0 to 1, which are 'bernoulli', too",
        }
        raise ValueError(
            f"{path}: variable_type is {variable_type!r}, but must be 'bernoulli' or 'ising': "
            + remedy.get(variable_type, "name the one that the samples are")
        )
    if variable_type == "ising":
        samples = _bits_of_spins(path, samples)
    samples = _checked_samples(path, samples, grey_levels, spins)
    return Dataset(samples, None if labels is None else _checked_labels(path, labels, len(samples)))


def write_dataset(path, samples, labels=None, *, grey_levels=None, spins=False):
    """Writes samples (N, V) as bits or intensities, and labels (N,), whole numbers, if given.

    What integers stand for is as in `read_dataset`.

    All releases of `rbms` read bits; intensities are for 0.6, which draws bits from them anew in each
    batch.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     write_dataset(f"{folder}/data.npz", [[0, 1, 1], [1, 0, 1]], labels=[7, 9])
    ...     read_dataset(f"{folder}/data.npz").labels.tolist()
    [7, 9]
    """
    members = {"samples": _checked_samples(path, samples, grey_levels, spins)}
    if labels is not None:
        members["labels"] = _checked_labels(path, labels, len(members["samples"]))
    if _is_npz(path):
        return _write_npz(path, members)
    h5py = _h5py(path)
    with _whole_file(path) as temporary, h5py.File(temporary, "w") as file:
        file["variable_type"] = "bernoulli"
        for name, array in members.items():
            file[name] = array


# ---- Rules of what is read and written


def _known(record):
    """What a file says of the integers in a model's data, by name."""
    named = zip(_RECORD, record, (int, bool))
    return {name: kind(value) for name, value, kind in named if value is not None}


def _checked_parameters(place, names, arrays):
    """The parameters as float32, if their shapes fit each other."""
    arrays = [_floats(f"{place}: {name}", array) for name, array in zip(names, arrays)]
    weights, *biases = arrays
    if weights.ndim != 2:
        raise ValueError(
            f"{place}: {names[0]} has shape {weights.shape}, but must have (visible, hidden)"
        )
    for name, bias, length, line in zip(names[1:], biases, weights.shape, ("row", "column")):
        if bias.shape != (length,):
            raise ValueError(
                f"{place}: {name} has shape {bias.shape}, but must have ({length},): one number for "
                f"each {line} of {names[0]} {weights.shape}"
            )
    return arrays


def _floats(place, array):
    """As float32, if all are finite there."""
    array = _numbers(place, array)
    with np.errstate(over="ignore"):
        array = np.array(array, np.float32, order="C")
    if not np.isfinite(array).all():
        found = _first(place, array, ~np.isfinite(array))
        raise ValueError(f"{found}, but must be finite as float32")
    return array


def _checked_samples(path, samples, grey_levels, spins):
    """As uint8 if all are bits, otherwise as float32."""
    samples = _matrix(f"{path}: samples", samples, "(samples, units)")
    try:
        return decoded(samples, grey_levels=grey_levels, spins=spins)
    except ValueError as error:
        raise ValueError(f"{path}: samples: {error}") from None


def _bits_of_spins(path, samples):
    samples = _matrix(f"{path}: samples", samples, "(samples, units)")
    is_other = (samples != 1) & (samples != -1)
    if is_other.any():
        found = _first(f"{path}: samples", samples, is_other)
        raise ValueError(
            f"{found}, but must be -1 or 1, as the samples are spins ('ising'): set variable_type to "
            "'bernoulli' for values from 0 to 1"
        )
    return samples == 1


def _checked_chains(path, chains, n_visible):
    chains = _matrix(f"{path}: parallel_chains", chains, "(chains, visible)")
    if chains.shape[1] != n_visible:
        raise ValueError(
            f"{path}: parallel_chains have shape {chains.shape}, but must have (chains, {n_visible}): "
            f"the model has {n_visible} visible units"
        )
    is_other = (chains != 0) & (chains != 1)
    if is_other.any():
        found = _first(f"{path}: parallel_chains", chains, is_other)
        raise ValueError(
            f"{found}, but must be 0 or 1: give states, not probabilities"
        )
    return chains.astype(np.float32)


def _checked_hyperparameters(path, chosen):
    for name, value in chosen.items():
        if name not in _HYPERPARAMETERS:
            raise ValueError(
                f"{path}: hyperparameters have {name!r}, but may only have "
                + ", ".join(_HYPERPARAMETERS)
            )
        if isinstance(_HYPERPARAMETERS[name][0], int):
            _checked_whole(path, name, value)
        elif not math.isfinite(value):
            raise ValueError(f"{path}: {name} is {value}, but must be finite")
    return chosen


def _checked_labels(path, labels, n_samples):
    labels = _numbers(f"{path}: labels", labels)
    if labels.shape != (n_samples,):
        raise ValueError(
            f"{path}: labels have shape {labels.shape}, but must have ({n_samples},): one for each "
            "sample; leave them out if there are none"
        )
    limits = np.iinfo(np.int32)
    is_other = ~((labels >= limits.min) & (labels <= limits.max))
    if labels.dtype.kind == "f":
        is_other |= labels != np.floor(labels)
    if is_other.any():
        found = _first(f"{path}: labels", labels, is_other)
        raise ValueError(
            f"{found}, but must be a whole number that fits int32: number the classes"
        )
    return labels.astype(np.int32)


def _checked_whole(path, name, value, below=2**63):
    try:
        whole = operator.index(value)
    except TypeError:
        whole = -1
    if not 0 <= whole < below:
        raise ValueError(
            f"{path}: {name} is {value}, but must be a whole number, at least 0 and below {below}"
        )
    return whole


def _numbers(place, array):
    try:
        refuse_masked(array)
    except ValueError as error:
        raise ValueError(f"{place}: {error}") from None
    array = np.asarray(array)
    if array.dtype.kind not in "buif":
        raise ValueError(f"{place}: of type {array.dtype}, but must be real numbers")
    return array


def _matrix(place, array, axes):
    array = _numbers(place, array)
    if array.ndim != 2 or array.size == 0:
        raise ValueError(f"{place}: shape is {array.shape}, but must be {axes}, none of them 0")
    return array


def _first(place, array, is_wrong):
    """Tells the first wrong element, as `data.h5: samples[0, 2] is 255`."""
    index = tuple(axis[0] for axis in np.nonzero(is_wrong))
    return f"{place}[{', '.join(map(str, index))}] is {array[index]}"


# ---- HDF5


def _h5py(path):
    try:
        import h5py
    except ImportError as cause:
        raise ImportError(f"{path}: HDF5 files need h5py: pip install h5py") from cause
    return h5py


def _open_hdf5(path):
    h5py = _h5py(path)
    try:
        return h5py.File(path, "r")
    except FileNotFoundError:
        raise FileNotFoundError(f"{path}: there is no such file") from None
    except OSError as cause:
        raise OSError(f"{path}: cannot be read as HDF5 ({cause})") from cause


def _member(path, file, name):
    """The value of a data set in the file."""
    member = file.get(name)
    if not hasattr(member, "dtype"):
        found = ", ".join(f"/{name}" for name in file) or "nothing"
        raise ValueError(f"{path}: must have the data set /{name}, but has {found}")
    return member[()]


def _text(path, file, name):
    value = _member(path, file, name)
    if not isinstance(value, (bytes, str)):
        raise ValueError(f"{path}: {name} is {value}, but must be one string")
    return value.decode(errors="replace") if isinstance(value, bytes) else value


def _updates(file):
    names = (re.fullmatch("update_([0-9]+)", name) for name in file)
    return sorted(int(name[1]) for name in names if name)


def _check_model_type(path, file):
    model_type = _text(path, file, "model_type")
    if model_type != "BBRBM":
        raise ValueError(
            f"{path}: model_type is {model_type!r}, but must be 'BBRBM': harmonium has binary units "
            "only"
        )


def _read_update(path, file, update=None):
    _check_model_type(path, file)
    present = _updates(file)
    if not present:
        raise ValueError(f"{path}: must have a group /update_N with a model, but has none")
    update = present[-1] if update is None else update
    if update not in present:
        raise ValueError(
            f"{path}: update is {update}, but must be one in the file: "
            + ", ".join(map(str, present))
        )
    names = [f"update_{update}/params/{name}" for name in _HDF5_NAMES]
    return _checked_parameters(path, names, [_member(path, file, name) for name in names])


def _check_continues(path, file, update, shape):
    """Makes sure that a file is of a model of this shape, and not as far."""
    weights = _read_update(path, file)[0]
    newest = _updates(file)[-1]
    if update <= newest:
        raise ValueError(
            f"{path}: update is {update}, but must be more than {newest}, the newest in the file: "
            "tell the update, or choose another file"
        )
    if weights.shape != shape:
        raise ValueError(
            f"{path}: weights have shape {shape}, but must have {weights.shape}, as those in the "
            "file: choose another file"
        )


def _add_update(file, update, time, parameters, seed):
    if "model_type" not in file:
        file["model_type"] = "BBRBM"
    group = file.create_group(f"update_{update}")
    for name, array in zip(_HDF5_NAMES, parameters):
        group[f"params/{name}"] = array
        group[name] = group[f"params/{name}"]  # the same data by a second name, as `rbms` has it
    group["time"] = time
    group["flags/checkpoint"] = True
    group["save_checkpoint"] = True

    random_state = np.random.RandomState(seed).get_state()
    for index, value in enumerate(random_state):
        group[f"numpy_rng_arg{index}"] = value
    torch_state = np.zeros(1, _TORCH_STATE)
    torch_state[0] = (seed, 1, 1, random_state[1])
    group["torch_rng_state"] = np.frombuffer(torch_state.tobytes(), np.uint8)


def _put_defaults(path, file, shape, seed):
    for name, (value, _) in _HYPERPARAMETERS.items():
        _put_hyperparameter(file, name, value)
    own = dict(zip(("num_visibles", "num_hiddens"), shape), filename=str(path), seed=seed)
    for name, value in own.items():
        _put(file, f"hyperparameters/{name}", value)
    _put(file, "dataset_args/seed", seed)
    for name, value in _FIXED.items():
        _put(file, name, value)


def _put_hyperparameter(file, name, value):
    """Where all releases of `rbms` look for it."""
    _put(file, f"hyperparameters/{name}", value)
    _put(file, f"{_HYPERPARAMETERS[name][1]}/{name}", value)
    if name == "train_size":
        _put(file, "dataset_args/test_size", 1 - value)


def _put(group, name, value):
    if name in group:
        del group[name]
    group[name] = value


# ---- .npz, and files of either format


def _is_npz(path):
    ending = Path(path).suffix
    if ending not in (".npz", ".h5", ".hdf5"):
        raise ValueError(f"{path}: the name ends in {ending!r}, but must end in .npz, .h5 or .hdf5")
    return ending == ".npz"


def _read_npz(path, required, optional=()):
    """The arrays of these names; None for an optional one that is not there."""
    try:
        with open(path, "rb") as opened:
            file = np.load(opened, allow_pickle=False)
            if not isinstance(file, np.lib.npyio.NpzFile):
                raise ValueError("it is a single array")
            missing = [name for name in required if name not in file]
            arrays = [file[name] if name in file else None for name in (*required, *optional)]
            names = ", ".join(file) or "nothing"
    except FileNotFoundError:
        raise FileNotFoundError(f"{path}: there is no such file") from None
    except (OSError, ValueError, EOFError, BadZipFile) as cause:
        raise ValueError(f"{path}: cannot be read as .npz ({cause})") from cause
    if missing:
        raise ValueError(f"{path}: must have the array {missing[0]}, but has {names}")
    return arrays


def _write_npz(path, arrays):
    with _whole_file(path) as temporary, open(temporary, "wb") as file:
        np.savez_compressed(file, **arrays)


@contextmanager
def _whole_file(path):
    """Gives a name to write to; what was written there then takes the place of `path`."""
    target = Path(os.path.realpath(path))
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        with open(temporary, "rb+") as file:
            os.fsync(file.fileno())
        os.replace(temporary, target)
    finally:
        if temporary.exists():
            temporary.unlink()
