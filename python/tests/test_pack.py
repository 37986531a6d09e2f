"""`harmonium.pack` writes what `--data` of the command line reads in place."""

import numpy as np
import pytest

import harmonium
from harmonium import runs

BITS = (np.add.outer(np.arange(60) ** 2, 3 * np.arange(7)) % 5 < 2).astype(np.uint8)
LABELS = np.array(["x", "y", "z"])[np.arange(60) % 3]
WEIGHTS = np.arange(60) % 4 * 0.3
SETTINGS = dict(hidden=5, epochs=3, batch_size=20, chains=20)


def parameters(rbm):
    return np.concatenate([rbm.weights.ravel(), rbm.hidden_bias, rbm.visible_bias])


def trained(tmp_path, name, **settings):
    run = runs.train(data=tmp_path / name, out=tmp_path / f"{name}.run", **SETTINGS, **settings)
    return parameters(run.model)


@pytest.mark.parametrize("kind", ["bits", "floats", "greys", "images", "missing", "frame"])
def test_what_is_packed_is_what_was_given(tmp_path, kind):
    data = {
        "bits": BITS,
        "floats": BITS * 0.25,
        "greys": BITS * np.uint8(200),
        "images": BITS[:, :6].reshape(60, 2, 3),
        "missing": np.where(np.arange(7) == np.arange(60)[:, None] % 9, np.nan, BITS),
        "frame": LABELS[:, np.newaxis].tolist(),
    }[kind]
    meaning = {"greys": dict(grey_levels=255), "frame": dict(categories="auto")}.get(kind, {})
    missing = dict(missing="absent") if kind == "missing" else {}
    harmonium.pack(data, tmp_path / "packed", **meaning)
    expected = parameters(harmonium.train(data, **meaning, **missing, **SETTINGS))
    np.testing.assert_array_equal(trained(tmp_path, "packed", **missing), expected)


def test_labels_and_weights_are_columns_of_the_file(tmp_path):
    harmonium.pack(BITS, str(tmp_path / "packed"), labels=LABELS, weights=WEIGHTS)
    expected = parameters(harmonium.train(BITS, labels=LABELS, weights=WEIGHTS, **SETTINGS))
    beside = dict(labels="label", weights="weight")
    np.testing.assert_array_equal(trained(tmp_path, "packed", **beside), expected)
    # Rows of weight 0 are rows of the file.
    np.testing.assert_array_equal(harmonium.read(tmp_path / "packed"), BITS)


def test_files_of_a_pattern_are_packed_one_after_the_other(tmp_path):
    for number, part in enumerate(np.array_split(BITS, 11)):
        np.save(tmp_path / f"part-{number}.npy", part)
    harmonium.pack(tmp_path / "part-*.npy", tmp_path / "whole")
    np.testing.assert_array_equal(harmonium.read(tmp_path / "whole"), BITS)
    np.testing.assert_array_equal(harmonium.read(tmp_path / "part-*.npy"), BITS)


def test_what_cannot_be_packed_is_refused(tmp_path):
    path = tmp_path / "packed"
    for data, beside, message in [
        (BITS, dict(weights=[1.0, 2.0]), "weights: holds 2 weights, but must hold one for each of the 60"),
        (BITS, dict(labels=["a", "b"]), "the number of labels is 2, but must be one for each of the 60"),
        (BITS * 3.5, {}, "is 3.5, but must be from 0 to 1"),
        (BITS, dict(spins=True, grey_levels=3), "spins"),
    ]:
        with pytest.raises(ValueError, match=message):
            harmonium.pack(data, path, **beside)
    assert not path.exists()
    with pytest.raises(OSError, match="no file in the folder"):
        harmonium.pack(tmp_path / "none-*.npy", path)
