"""The data files: `python data.py MNIST FOLDER SPEC`, in a process of its own, so that the arrays do not
count as memory of those that are measured after it.

SPEC is JSON: side (pictures scaled to side x side), examples, dtype, bits (true: cut at half), density
(not null: independent random bits instead). Prints the path of the .npy file.
"""
import json
import pathlib
import sys

import numpy as np
import zstandard


def images(folder):
    """The 60,000 training images, grey levels 0 to 255."""
    with zstandard.open(pathlib.Path(folder) / "train-images-idx3-ubyte.zst") as file:
        return np.frombuffer(file.read()[16:], np.uint8).reshape(-1, 28, 28)


def scaled(pictures, side):
    """By the nearest pixel."""
    nearest = np.arange(side) * 28 // side
    return pictures[:, nearest][:, :, nearest]


def make(mnist, side, examples, dtype, bits, density):
    if density is not None:
        rng = np.random.Generator(np.random.SFC64(0))
        data = np.empty((examples, side * side), np.uint8)
        for row in data:
            row[:] = rng.random(row.size, np.float32) < density
    else:
        data = scaled(images(mnist)[:examples], side).reshape(-1, side * side)
        data = (data >= 128).astype(np.uint8) if bits else data
    if dtype == "uint8":
        return data
    scale = 1 if bits else 255
    return (data.astype(dtype) / scale).astype(dtype, copy=False)


if __name__ == "__main__":
    mnist, folder, spec = sys.argv[1], pathlib.Path(sys.argv[2]), json.loads(sys.argv[3])
    path = folder / ("-".join(f"{key}={value}" for key, value in spec.items()) + ".npy")
    if not path.exists():
        np.save(path, np.ascontiguousarray(make(mnist, **spec)))
    print(path)
