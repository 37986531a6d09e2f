"""File names, and files that are written whole or not at all."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator, Union

PathLike = Union[str, "os.PathLike[str]"]


def is_npz(path: PathLike) -> bool:
    """Whether a file is .npz by its name, rather than HDF5."""
    ending = Path(path).suffix
    if ending not in (".npz", ".h5", ".hdf5"):
        raise ValueError(f"{path}: the name ends in {ending!r}, but must end in .npz, .h5 or .hdf5")
    return ending == ".npz"


@contextmanager
def whole_file(path: PathLike) -> Iterator[Path]:
    """Yields another name to write to; the file then replaces `path`."""
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
