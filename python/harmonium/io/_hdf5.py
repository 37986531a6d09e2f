"""HDF5 in the layouts of the packages `rbms` and annaDCA."""

from __future__ import annotations

import math
import os
import re
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ._checks import checked_chains, checked_whole
from ._files import PathLike, whole_file
from ._layouts import NAMES, OF_LABELS, Layered, flat, layered

# The hyperparameters of a new file, with the defaults of `rbms`. Release 0.6 reads them from the group
# named here, earlier releases from /hyperparameters.
_HYPERPARAMETERS: dict[str, tuple[float, str]] = {
    "batch_size": (2000, "train_args"),
    "gibbs_steps": (100, "sampling_args"),
    "learning_rate": (0.01, "train_args"),
    "L1": (0.0, "grad_args"),
    "L2": (0.0, "grad_args"),
    "train_size": (0.6, "dataset_args"),
}
# Release 0.6 needs these as well.
_FIXED: dict[str, Any] = {
    "sampling_args/beta": 1.0,
    "train_args/optim": "sgd",
    "train_args/training_type": "pcd",
    "grad_args/no_center": False,
    "grad_args/normalize_grad": False,
    "grad_args/max_norm_grad": -1.0,
}
_N_NEW_CHAINS = 100

# The state of torch's CPU generator (a Mersenne Twister) after seeding; its other bytes are 0.
_TORCH_STATE = np.dtype(
    {
        "names": ["seed", "left", "is_seeded", "key"],
        "formats": ["<u8", "<i4", "<i4", ("<u8", 624)],
        "offsets": [0, 8, 12, 24],
        "itemsize": 5056,
    }
)


def read_model(
    path: PathLike, update: int | None, record: Sequence[str]
) -> tuple[list[NDArray[np.float32]], list[int] | None, list[Any]]:
    """The parameters at an update, or the newest; the units of each site, None for bits; and the values of
    `record`, None if missing."""
    with _open(path) as file:
        found = [_member(path, file, name) if _has(path, file, name) else None for name in record]
        return (*_read_update(path, file, update), found)


def write_model(
    path: PathLike,
    parameters: Sequence[NDArray[np.float32]],
    sites: Sequence[int] | None,
    record: Mapping[str, Any],
    *,
    renews: bool = False,
    update: int | None = None,
    time: float | None = None,
    parallel_chains: Any = None,
    hyperparameters: Mapping[str, float] | None = None,
    seed: int | None = None,
    layout: str = "rbms",
    labels: bool = False,
) -> None:
    """Add the parameters at an update to a file, or, if it `renews` the file, write them alone; `record`
    maps names to values or None."""
    h5py = _h5py(path)
    model = layered(path, parameters, sites, layout, labels)
    is_annadca = layout == "annadca"
    if is_annadca:
        unheld = {"time": time, "parallel_chains": parallel_chains, "hyperparameters": hyperparameters}
        for name, value in unheld.items():
            if value is not None:
                raise ValueError(f"{path}: {name} is given, but files of annaDCA do not hold it: leave it out")
    update = 1 if update is None else checked_whole(path, "update", update)
    seed = 0 if seed is None else checked_whole(path, "seed", seed, below=2**32)
    time = 0.0 if time is None else float(time)
    if not (math.isfinite(time) and time >= 0):
        raise ValueError(f"{path}: time is {time}, but must be finite seconds, at least 0")
    hyperparameters = _checked_hyperparameters(path, hyperparameters or {})
    if parallel_chains is not None:
        parallel_chains = checked_chains(path, parallel_chains, model.n_sites, model.n_states)

    continues = not renews and os.path.exists(path)
    if continues:
        with _open(path) as file:
            _check_continues(path, file, update, parameters[0].shape, sites, layout)
    with whole_file(path) as buffer, _named_errors(path, "written"):
        if continues:
            buffer.write(Path(path).read_bytes())
        with h5py.File(buffer, "r+" if continues else "w") as file:
            group = _add_update(file, update, seed)
            for name, value in record.items():
                _put(file, name, value)
            if is_annadca:
                for name, array in model.arrays.items():
                    group[name] = array
                return
            _put_update_of_rbms(file, group, model, time)
            _put_chains(file, parallel_chains, model, seed)
            if "hyperparameters" not in file:
                _put_defaults(path, file, (model.n_sites, len(parameters[2])), seed)
            for name, value in hyperparameters.items():
                _put_hyperparameter(file, name, value)
            _put(file, "hyperparameters/num_chains", file["parallel_chains"].shape[0])


def updates(path: PathLike) -> list[int]:
    """The updates at which a file holds the model, in rising order."""
    with _open(path) as file:
        return _updates(path, file)


def read_dataset(path: PathLike) -> tuple[Any, Any, str | None]:
    """Samples, labels and the type of the variables; the last two are None if missing."""
    with _open(path) as file:
        samples = _member(path, file, "samples")
        labels = _member(path, file, "labels") if _has(path, file, "labels") else None
        has_type = _has(path, file, "variable_type")
        variable_type = _text(path, file, "variable_type") if has_type else None
    return samples, labels, variable_type


def write_dataset(path: PathLike, members: Mapping[str, Any], variable_type: str) -> None:
    """Write samples of this type, and labels if there are any."""
    h5py = _h5py(path)
    with whole_file(path) as buffer, h5py.File(buffer, "w") as file:
        file["variable_type"] = variable_type
        for name, array in members.items():
            file[name] = array


def _h5py(path: PathLike) -> Any:
    try:
        import h5py
    except ImportError as cause:
        raise ImportError(f"{path}: HDF5 files need h5py: pip install h5py") from cause
    return h5py


def _open(path: PathLike) -> Any:
    h5py = _h5py(path)
    if not os.path.exists(path):
        raise FileNotFoundError(f"{path}: there is no such file")
    with _named_errors(path):
        return h5py.File(path, "r")


@contextmanager
def _named_errors(path: PathLike, action: str = "read") -> Iterator[None]:
    """Puts the name of the file into errors of h5py, which have many types if a file is damaged."""
    try:
        yield
    except Exception as cause:
        raise OSError(f"{path}: cannot be {action} as HDF5 ({cause})") from cause


def _has(path: PathLike, file: Any, name: str) -> bool:
    with _named_errors(path):
        return name in file


def _member(path: PathLike, file: Any, name: str) -> Any:
    """The value of a data set of numbers or text in the file."""
    with _named_errors(path):
        member = file.get(name)
        dtype = getattr(member, "dtype", None)
        found = ", ".join(f"/{name}" for name in file) or "nothing"
    if dtype is None:
        raise ValueError(f"{path}: must have the data set /{name}, but has {found}")
    # Reading other types from a damaged file may crash in libhdf5.
    if dtype.kind not in "buifS" and _h5py(path).check_string_dtype(dtype) is None:
        raise ValueError(f"{path}: {name}: the type is {dtype}, but must be one of real numbers or text")
    with _named_errors(path):
        return member[()]


def _text(path: PathLike, file: Any, name: str) -> str:
    value = _member(path, file, name)
    if not isinstance(value, (bytes, str)):
        raise ValueError(f"{path}: {name} is {value}, but must be one string")
    return value.decode(errors="replace") if isinstance(value, bytes) else value


def _updates(path: PathLike, file: Any) -> list[int]:
    with _named_errors(path):
        # Names that are not UTF-8 are bytes.
        names = [name for name in file if isinstance(name, str)]
    updates = (re.fullmatch("update_([0-9]{1,19})", name) for name in names)
    return sorted(int(update[1]) for update in updates if update)


def _is_potts(path: PathLike, file: Any) -> bool:
    """Whether a model of `rbms` is one of categories, by its type."""
    types = {"BBRBM": False, "PBRBM": True}
    model_type = _text(path, file, "model_type")
    if model_type not in types:
        raise ValueError(
            f"{path}: model_type is {model_type!r}, but must be 'BBRBM' or 'PBRBM': harmonium has units of "
            "bits and categories only"
        )
    return types[model_type]


def _is_annadca(path: PathLike, file: Any, present: Sequence[int]) -> bool:
    """Whether the newest of the updates that are present has the layout of annaDCA."""
    return any(_has(path, file, f"update_{update}/{OF_LABELS[0]}") for update in present[-1:])


def _read_update(
    path: PathLike, file: Any, update: int | None = None
) -> tuple[list[NDArray[np.float32]], list[int] | None]:
    present = _updates(path, file)
    is_annadca = _is_annadca(path, file, present)
    # The files of annaDCA say no type.
    is_potts = None if is_annadca else _is_potts(path, file)
    if not present:
        raise ValueError(f"{path}: must have a group /update_N with a model, but has none")
    update = present[-1] if update is None else update
    if update not in present:
        raise ValueError(
            f"{path}: update is {update}, but must be one in the file: "
            + ", ".join(map(str, present))
        )
    place = f"update_{update}/" if is_annadca else f"update_{update}/params/"
    names = (*NAMES, *OF_LABELS) if is_annadca else NAMES
    arrays = {name: _member(path, file, f"{place}{name}") for name in names}
    return flat(path, place, arrays, is_potts)


def _check_continues(
    path: PathLike,
    file: Any,
    update: int,
    shape: tuple[int, ...],
    sites: Sequence[int] | None,
    layout: str,
) -> None:
    """Checks that a file has a model of this shape and these sites, in this layout, after fewer updates."""
    present = _updates(path, file)
    found = "annadca" if _is_annadca(path, file, present) else "rbms"
    if present and found != layout:
        raise ValueError(
            f"{path}: layout is {layout!r}, but must be {found!r}, as that of update_{present[-1]} in the file: a "
            "file has one layout; give that one, or choose another file"
        )
    (weights, *_), of_file = _read_update(path, file)
    newest = present[-1]
    if update <= newest:
        raise ValueError(
            f"{path}: update is {update}, but must be more than {newest}, the newest in the file: "
            "give a higher update, or choose another file"
        )
    if weights.shape != shape:
        raise ValueError(
            f"{path}: weights have shape {shape}, but must have {weights.shape}, as in the file: "
            "choose another file"
        )
    # Bits are not written as sites.
    ours = None if sites is None or set(sites) == {1} else list(sites)
    if of_file != ours:
        raise ValueError(f"{path}: the sites are others than in the file: choose another file")


def _add_update(file: Any, update: int, seed: int) -> Any:
    """The group of a new update, with the random states that both packages restore."""
    group = file.create_group(f"update_{update}")
    random_state: Any = np.random.RandomState(seed).get_state()
    for index, value in enumerate(random_state):
        group[f"numpy_rng_arg{index}"] = value
    torch_state = np.zeros(1, _TORCH_STATE)
    torch_state[0] = (seed, 1, 1, random_state[1])
    group["torch_rng_state"] = np.frombuffer(torch_state.tobytes(), np.uint8)
    return group


def _put_update_of_rbms(file: Any, group: Any, model: Layered, time: float) -> None:
    if "model_type" not in file:
        file["model_type"] = model.model_type
    for name, array in model.arrays.items():
        group[f"params/{name}"] = array
        group[name] = group[f"params/{name}"]  # the same data under a second name, as in `rbms`
    group["time"] = time
    group["flags/checkpoint"] = True
    group["save_checkpoint"] = True


def _put_chains(file: Any, chains: Any, model: Layered, seed: int) -> None:
    """Put the states of the chains. Without any, a file keeps its own; a new file gets fair draws."""
    if chains is None and "parallel_chains" not in file:
        n_states = 2 if model.n_states is None else model.n_states
        flips = np.random.default_rng(seed).integers(n_states, size=(_N_NEW_CHAINS, model.n_sites))
        chains = flips.astype(np.float32)
    if chains is not None:
        _put(file, "parallel_chains", chains)


def _put_defaults(path: PathLike, file: Any, shape: tuple[int, ...], seed: int) -> None:
    for name, (value, _) in _HYPERPARAMETERS.items():
        _put_hyperparameter(file, name, value)
    for name, size in zip(("num_visibles", "num_hiddens"), shape):
        _put(file, f"hyperparameters/{name}", size)
    _put(file, "hyperparameters/filename", str(path))
    _put(file, "hyperparameters/seed", seed)
    _put(file, "dataset_args/seed", seed)
    for name, value in _FIXED.items():
        _put(file, name, value)


def _put_hyperparameter(file: Any, name: str, value: float) -> None:
    """Put a value where each release of `rbms` looks for it."""
    _put(file, f"hyperparameters/{name}", value)
    _put(file, f"{_HYPERPARAMETERS[name][1]}/{name}", value)
    if name == "train_size":
        _put(file, "dataset_args/test_size", 1 - value)


def _put(group: Any, name: str, value: Any) -> None:
    """Replace a value; None deletes it."""
    if name in group:
        del group[name]
    if value is not None:
        group[name] = value


def _checked_hyperparameters(
    path: PathLike, chosen: Mapping[str, float]
) -> Mapping[str, float]:
    for name, value in chosen.items():
        if name not in _HYPERPARAMETERS:
            raise ValueError(
                f"{path}: hyperparameters have {name!r}, but may only have "
                + ", ".join(_HYPERPARAMETERS)
            )
        if isinstance(_HYPERPARAMETERS[name][0], int):
            checked_whole(path, name, value)
        elif not math.isfinite(value):
            raise ValueError(f"{path}: {name} is {value}, but must be finite")
    return chosen
