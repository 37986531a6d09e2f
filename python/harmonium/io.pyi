from collections.abc import Mapping
from os import PathLike
from typing import NamedTuple, Optional, Union

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import Rbm

__all__ = ["Dataset", "read_dataset", "read_model", "updates", "write_dataset", "write_model"]

class Dataset(NamedTuple):
    samples: Union[NDArray[np.uint8], NDArray[np.float32]]
    labels: Optional[NDArray[np.int32]]

def read_model(path: Union[str, PathLike[str]], update: Optional[int] = None) -> Rbm: ...
def write_model(
    path: Union[str, PathLike[str]],
    rbm: Rbm,
    *,
    update: Optional[int] = None,
    time: Optional[float] = None,
    parallel_chains: Optional[ArrayLike] = None,
    hyperparameters: Optional[Mapping[str, float]] = None,
    seed: Optional[int] = None,
) -> None: ...
def updates(path: Union[str, PathLike[str]]) -> list[int]: ...
def read_dataset(
    path: Union[str, PathLike[str]], *, grey_levels: Optional[int] = None, spins: bool = False
) -> Dataset: ...
def write_dataset(
    path: Union[str, PathLike[str]],
    samples: ArrayLike,
    labels: Optional[ArrayLike] = None,
    *,
    grey_levels: Optional[int] = None,
    spins: bool = False,
) -> None: ...
