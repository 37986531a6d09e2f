"""`harmonium.read` reads what `--data` of the command line reads."""

from pathlib import Path

import numpy as np
import pytest

import harmonium

FORMATS = Path(__file__).parents[2] / "tests" / "formats"
BITS = np.array([[(5 * n + 3) >> i & 1 for i in range(6)] for n in range(10)])


@pytest.mark.parametrize(
    "name",
    ["savetxt.txt", "pandas.csv", "pandas-bool.csv.gz", "excel.csv", "float16.npy", "two.npz:images", "images"],
)
def test_every_format_is_the_same_array(name):
    found = harmonium.read(FORMATS / name)
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, BITS)
    np.testing.assert_array_equal(harmonium.read(str(FORMATS / name)), BITS)


def test_integers_are_read_as_everywhere(tmp_path):
    np.savetxt(tmp_path / "digits.csv", [[0, 16], [4, 8]], delimiter=",")
    digits = harmonium.read(tmp_path / "digits.csv", grey_levels=16)
    assert digits.dtype == np.float32 and digits.tolist() == [[0, 1], [0.25, 0.5]]
    with pytest.raises(ValueError, match=r"digits.csv: line 1, column 2: .*declare them by grey_levels=N"):
        harmonium.read(tmp_path / "digits.csv")
    np.save(tmp_path / "greys.npy", [[0, 51], [255, 204]])
    with pytest.warns(UserWarning, match="taken as grey levels of 255"):
        greys = harmonium.read(tmp_path / "greys.npy")
    np.testing.assert_array_equal(greys, np.float32([[0, 0.2], [1, 0.8]]))
    np.save(tmp_path / "spins.npy", [[-1, 1]])
    assert harmonium.read(tmp_path / "spins.npy", spins=True).tolist() == [[0, 1]]


def test_errors_are_those_of_files(tmp_path):
    with pytest.raises(FileNotFoundError):
        harmonium.read(tmp_path / "none.csv")
    (tmp_path / "t.parquet").write_bytes(b"PAR1\x15\x04")
    with pytest.raises(ValueError, match="is a Parquet file, which cannot be read; in Python: numpy.save"):
        harmonium.read(tmp_path / "t.parquet")
