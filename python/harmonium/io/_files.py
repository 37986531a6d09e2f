"""File names, and files that are written whole or not at all."""

from __future__ import annotations

import io
import os
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator, Union

from .._harmonium import write_whole

PathLike = Union[str, "os.PathLike[str]"]


def is_npz(path: PathLike) -> bool:
    """Whether a file is .npz by its name, rather than HDF5."""
    ending = Path(path).suffix
    if ending not in (".npz", ".h5", ".hdf5"):
        raise ValueError(f"{path}: the name ends in {ending!r}, but must end in .npz, .h5 or .hdf5")
    return ending == ".npz"


@contextmanager
def whole_file(path: PathLike) -> Iterator[io.BytesIO]:
    """Yields a buffer; its contents then become the file."""
    buffer = io.BytesIO()
    yield buffer
    write_whole(path, buffer.getvalue())
