"""Checks of what is read and written, for both formats."""

from __future__ import annotations

import json
import operator
from typing import Any, Sequence

import numpy as np
from numpy.typing import NDArray

from .._harmonium import decoded, refuse_masked
from ._files import PathLike


def checked_parameters(
    place: PathLike, names: Sequence[str], arrays: Sequence[Any]
) -> list[NDArray[np.float32]]:
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


def _floats(place: str, array: Any) -> NDArray[np.float32]:
    """As float32, if all numbers are finite as such."""
    array = _numbers(place, array)
    with np.errstate(over="ignore"):
        array = np.array(array, np.float32, order="C")
    if not np.isfinite(array).all():
        found = _first(place, array, ~np.isfinite(array))
        raise ValueError(f"{found}, but must be finite as float32")
    return array


def checked_samples(
    path: PathLike, samples: Any, grey_levels: int | None, spins: bool
) -> NDArray[np.uint8] | NDArray[np.float32]:
    """As uint8 if all are bits, otherwise as float32."""
    samples = _matrix(f"{path}: samples", samples, "(samples, units)")
    try:
        return decoded(samples, grey_levels=grey_levels, spins=spins)
    except ValueError as error:
        raise ValueError(f"{path}: samples: {error}") from None


def bits_of_spins(path: PathLike, samples: Any) -> NDArray[np.bool_]:
    """Spins as bits."""
    samples = _matrix(f"{path}: samples", samples, "(samples, units)")
    is_other = (samples != 1) & (samples != -1)
    if is_other.any():
        found = _first(f"{path}: samples", samples, is_other)
        raise ValueError(
            f"{found}, but must be -1 or 1, as the samples are spins ('ising'): set variable_type to "
            "'bernoulli' for values from 0 to 1"
        )
    return samples == 1


def checked_chains(
    path: PathLike, chains: Any, n_visible: int, n_states: int | None = None
) -> NDArray[np.float32]:
    """States of chains, 0 and 1 or those of categories, as float32."""
    chains = _matrix(f"{path}: parallel_chains", chains, "(chains, visible)")
    if n_states is not None and chains.shape[1] == n_visible:
        return checked_states(path, "parallel_chains", chains, n_states).astype(np.float32)
    if chains.shape[1] != n_visible:
        raise ValueError(
            f"{path}: parallel_chains have shape {chains.shape}, but must have (chains, {n_visible}): "
            f"the model has {n_visible} visible {'units' if n_states is None else 'sites'}"
        )
    is_other = (chains != 0) & (chains != 1)
    if is_other.any():
        found = _first(f"{path}: parallel_chains", chains, is_other)
        raise ValueError(
            f"{found}, but must be 0 or 1: give states, not probabilities"
        )
    return chains.astype(np.float32)


def checked_states(path: PathLike, name: str, states: Any, n_states: int = 255) -> NDArray[np.uint8]:
    """States of categories, whole numbers from 0, as uint8."""
    states = _matrix(f"{path}: {name}", states, "(rows, sites)")
    is_other = ~((states >= 0) & (states < n_states) & (states == np.floor(states)))
    if is_other.any():
        found = _first(f"{path}: {name}", states, is_other)
        raise ValueError(f"{found}, but must be a state, a whole number from 0 to {n_states - 1}")
    return states.astype(np.uint8)


def checked_columns(path: PathLike, name: str, value: Any) -> dict[str, Any]:
    """Columns, as JSON."""
    value = np.asarray(value).item() if np.ndim(value) == 0 else value
    try:
        columns = json.loads(value)
    except (TypeError, ValueError):
        columns = None
    if not isinstance(columns, dict):
        raise ValueError(f"{path}: {name} is {value!r}, but must be columns as a model has them, as JSON")
    return columns


def checked_labels(path: PathLike, labels: Any, n_samples: int) -> NDArray[np.int32]:
    """Classes as int32, one for each sample."""
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


def checked_whole(path: PathLike, name: str, value: Any, below: int = 2**63) -> int:
    """A whole number, at least 0."""
    try:
        whole = operator.index(value)
    except TypeError:
        whole = -1
    if not 0 <= whole < below:
        raise ValueError(
            f"{path}: {name} is {value}, but must be a whole number, at least 0 and below {below}"
        )
    return whole


def checked_switch(path: PathLike, name: str, value: Any) -> bool:
    """True or false."""
    return bool(checked_fact(path, name, value))


def checked_missing(path: PathLike, name: str, value: Any) -> str:
    """What a value that is missing is to a model."""
    text = value.item() if hasattr(value, "item") else value
    text = text.decode() if isinstance(text, bytes) else text
    if text not in ("absent", "marginal"):
        raise ValueError(f"{path}: {name} is {text!r}, but must be 'absent' or 'marginal'")
    return str(text)


def checked_number(path: PathLike, name: str, value: Any) -> float:
    """A finite number."""
    if np.ndim(value) != 0 or not np.isfinite(np.asarray(value, float)):
        raise ValueError(f"{path}: {name} is {value}, but must be a finite number")
    return float(value)


def checked_mean(path: PathLike, name: str, value: Any) -> NDArray[np.float32]:
    """A mean of examples."""
    mean = _floats(f"{path}: {name}", value)
    if mean.ndim != 1:
        raise ValueError(f"{path}: {name} has shape {mean.shape}, but must have (visible,)")
    return mean


def checked_shape(path: PathLike, name: str, value: Any) -> tuple[int, int]:
    """Rows and columns."""
    if np.shape(value) != (2,):
        raise ValueError(f"{path}: {name} is {value}, but must be two numbers, (rows, columns)")
    rows, columns = (checked_fact(path, name, number) for number in value)
    return rows, columns


def checked_counts(path: PathLike, name: str, value: Any) -> list[int]:
    """Whole numbers, one for each column."""
    value = np.asarray(value)
    if value.ndim != 1:
        raise ValueError(f"{path}: {name} has shape {value.shape}, but must have (columns,)")
    return [checked_fact(path, name, number) for number in value]


def checked_fact(path: PathLike, name: str, value: Any) -> int:
    """A whole number of an array without axes, as a file holds it."""
    value = np.asarray(value)
    if value.shape != () or value.dtype.kind not in "bui" or not 0 <= value < 2**32:
        raise ValueError(f"{path}: {name} is {value}, but must be one whole number below {2**32}")
    return int(value)


def _numbers(place: str, array: Any) -> NDArray[Any]:
    """As an array of real numbers."""
    try:
        refuse_masked(array)
    except ValueError as error:
        raise ValueError(f"{place}: {error}") from None
    array = np.asarray(array)
    if array.dtype.kind not in "buif":
        raise ValueError(f"{place}: the type is {array.dtype}, but must be one of real numbers")
    return array


def _matrix(place: str, array: Any, axes: str) -> NDArray[Any]:
    """As a matrix that is not empty."""
    array = _numbers(place, array)
    if array.ndim != 2 or array.size == 0:
        raise ValueError(f"{place}: shape is {array.shape}, but must be {axes}, none of them 0")
    return array


def _first(place: str, array: NDArray[Any], is_wrong: NDArray[np.bool_]) -> str:
    """Names the first wrong element, such as `data.h5: samples[0, 2] is 255`."""
    index = tuple(axis[0] for axis in np.nonzero(is_wrong))
    return f"{place}[{', '.join(map(str, index))}] is {array[index]}"
