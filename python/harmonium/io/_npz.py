"""NumPy's .npz."""

from __future__ import annotations

from typing import Any, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ._files import PathLike, whole_file


def read(
    path: PathLike, required: Sequence[str], optional: Sequence[str] = ()
) -> list[NDArray[Any] | None]:
    """The arrays with these names; None for an optional one that is missing."""
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
    except Exception as cause:  # in a damaged file also errors of zipfile, zlib and struct
        raise ValueError(f"{path}: cannot be read as .npz ({cause})") from cause
    if missing:
        raise ValueError(f"{path}: must have the array {missing[0]}, but has {names}")
    return arrays


def write(path: PathLike, arrays: Mapping[str, Any]) -> None:
    """Write arrays by name."""
    with whole_file(path) as buffer:
        np.savez_compressed(buffer, **arrays)
