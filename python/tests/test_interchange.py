"""Tests of models of other programs: arrays by name, ONNX, HDF5 of Julia."""

import os
import subprocess
import sys

import numpy as np
import pytest

import harmonium
from harmonium import Rbm, io

SIZES = [(5, 3), (4, 4)]


def model(n_visible=5, n_hidden=3, **known):
    draw = np.random.default_rng(0).standard_normal
    shapes = (n_visible, n_hidden), (n_visible,), (n_hidden,)
    return Rbm(*(draw(shape).astype(np.float32) for shape in shapes), **known)


# ---- Arrays by name


@pytest.mark.parametrize("ending", ["npz", "safetensors"])
@pytest.mark.parametrize("layout", ["vh", "hv"])
@pytest.mark.parametrize("size", SIZES)
def test_a_model_comes_back_with_the_same_fingerprint(tmp_path, ending, layout, size):
    path, rbm = tmp_path / f"a.{ending}", model(*size)
    names = {"weights": "W", "visible_bias": "v_bias", "hidden_bias": "h_bias"}
    harmonium.export_model(rbm, path, layout=layout, **names)
    assert harmonium.import_model(path, layout=layout).sha256() == rbm.sha256()
    assert harmonium.import_model(path, layout=layout, **names).sha256() == rbm.sha256()


def test_square_models_need_their_layout(tmp_path):
    path = tmp_path / "a.npz"
    harmonium.export_model(model(4, 4), path)
    with pytest.raises(ValueError, match=r"`weights` has the shape \[4, 4\], which may be .*; give layout="):
        harmonium.import_model(path)
    with pytest.raises(ValueError, match="layout is hh, but must be `vh` or `hv`"):
        harmonium.import_model(path, layout="hh")


def test_arrays_of_scikit_learn_come_and_go(tmp_path):
    neural_network = pytest.importorskip("sklearn.neural_network")
    X = np.random.default_rng(0).integers(0, 2, (50, 4)).astype(float)
    theirs = neural_network.BernoulliRBM(4, n_iter=2, random_state=0).fit(X)
    names = "components_", "intercept_visible_", "intercept_hidden_"
    path = tmp_path / "theirs.npz"
    np.savez(path, **{name: getattr(theirs, name) for name in names})
    with pytest.warns(UserWarning, match="`components_`.*: rounded to float32"):
        rbm = harmonium.import_model(path)
    np.testing.assert_allclose(rbm.mean_hidden(X), theirs.transform(X), atol=1e-5)
    harmonium.export_model(rbm, path, weights="components_")
    with np.load(path) as arrays:
        assert sorted(arrays) == sorted(names)
        assert np.array_equal(arrays["components_"], rbm.weights.T)


def test_tensors_are_those_of_the_package_safetensors(tmp_path):
    safetensors = pytest.importorskip("safetensors.numpy")
    path, rbm = tmp_path / "a.safetensors", model()
    state = {"net.W": rbm.weights.T.copy(), "net.v_bias": rbm.visible_bias, "net.h_bias": rbm.hidden_bias}
    safetensors.save_file({name: np.array(array) for name, array in state.items()}, path)
    assert harmonium.import_model(path) == rbm
    harmonium.export_model(rbm, path)
    found = safetensors.load_file(path)
    for name in ("weights", "visible_bias", "hidden_bias"):
        assert np.array_equal(found[name], getattr(rbm, name))


def test_what_is_not_read_is_said_and_what_is_unknown_is_listed(tmp_path):
    path, rbm = tmp_path / "a.npz", model()
    arrays = {"W": rbm.weights, "b": rbm.visible_bias, "c": rbm.hidden_bias}
    np.savez(path, momentum=rbm.weights, **arrays)
    with pytest.warns(UserWarning, match="not read: `momentum`"):
        assert harmonium.import_model(path) == rbm
    np.savez(path, V=rbm.weights, b=rbm.visible_bias, c=rbm.hidden_bias)
    with pytest.raises(ValueError, match=r"it holds `V` \(float32, \[5, 3\]\), .*; give weights=NAME"):
        harmonium.import_model(path)
    np.savez(path, W=rbm.weights, b=rbm.visible_bias.astype(int), c=rbm.hidden_bias)
    with pytest.raises(ValueError, match="`b` has the type int64, but must have float16"):
        harmonium.import_model(path)
    with pytest.raises(ValueError, match="update is 3, but only an HDF5 file holds several"):
        harmonium.import_model(path, update=3)
    with pytest.raises(ValueError, match="must end in .safetensors, .npz or .onnx"):
        harmonium.export_model(rbm, tmp_path / "a.h5")
    with pytest.raises(FileNotFoundError):
        harmonium.import_model(tmp_path / "nothing.npz")


def test_load_points_to_import(tmp_path):
    path = tmp_path / "a.safetensors"
    harmonium.export_model(model(), path)
    with pytest.raises(ValueError, match="not a model of this program; .*harmonium.import_model"):
        Rbm.load(path)


def test_models_of_categories_are_refused(tmp_path):
    rbm = Rbm(np.zeros((3, 2)), np.zeros(3), np.zeros(2), columns=[3])
    for ending in ("safetensors", "onnx"):
        with pytest.raises(ValueError, match="number of units of a visible site is 3, but must be 1"):
            harmonium.export_model(rbm, tmp_path / f"a.{ending}")
    assert os.listdir(tmp_path) == []


def test_models_of_categories_are_exported_with_what_their_units_stand_for(tmp_path):
    table = [["é, b", 1, 0], ["a", 2, 1], ["a", 3, 1]] * 4
    rbm = harmonium.train(table, categories="auto", hidden=2, epochs=1, batch_size=4)
    harmonium.export_model(rbm, tmp_path / "a.npz")
    with np.load(tmp_path / "a.npz") as arrays:
        assert arrays["state"].tolist() == ["a", "é, b", "1", "2", "3", "1"]
        assert arrays["site"].tolist() == [0, 0, 1, 1, 1, 2]
        assert arrays["column"].tolist() == ["1", "2", "3"]
        np.testing.assert_array_equal(arrays["number"], [np.nan, np.nan, 1, 2, 3, 1])
        for name in ("weights", "visible_bias", "hidden_bias"):
            np.testing.assert_array_equal(arrays[name], getattr(rbm, name))
    labelled = harmonium.train(np.eye(3), labels=["x", "y", "x"], hidden=2, epochs=1)
    with pytest.raises(ValueError, match="number of units of a visible site is 2"):
        harmonium.export_model(labelled, tmp_path / "b.npz")


# ---- ONNX


def test_onnx_computes_the_means_of_the_hidden_units(tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    draw = np.random.default_rng(1)
    weights = draw.normal(0, 0.2, (70, 130)).astype("f4")
    rbm = Rbm(weights, draw.standard_normal(70), draw.standard_normal(130))
    path = tmp_path / "a.onnx"
    harmonium.export_model(rbm, path)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    assert [value.name for value in session.get_inputs()] == ["visible"]
    assert session.get_modelmeta().custom_metadata_map == {"parameters_sha256": rbm.sha256()}
    for rows in (draw.integers(0, 2, (300, 70)), draw.random((1, 70))):
        (hidden,) = session.run(["hidden"], {"visible": rows.astype("f4")})
        np.testing.assert_allclose(hidden, rbm.mean_hidden(rows), rtol=0, atol=1e-6)


def test_onnx_is_a_valid_graph(tmp_path):
    onnx = pytest.importorskip("onnx")
    path = tmp_path / "a.onnx"
    harmonium.export_model(model(), path)
    onnx.checker.check_model(onnx.load(path), full_check=True)


# ---- HDF5


@pytest.fixture
def h5py():
    return pytest.importorskip("h5py")


def save_as_julia(h5py, path, weights, visible, hidden, **others):
    """A file as HDF5.jl writes it: `weights` (visible..., hidden...), fields (units...), with the axes in reverse."""
    with h5py.File(path, "w") as file:
        file["rbm_hdf5_file_format_version"] = "1.0.0"
        members = {"rbm_type": "RBM", "visible_type": "Binary", "hidden_type": "Binary", **others}
        for name, value in members.items():
            file[name] = value
        file["weights"] = np.transpose(weights)
        file["visible_par"] = np.transpose(np.asarray(visible)[np.newaxis])
        file["hidden_par"] = np.transpose(np.asarray(hidden)[np.newaxis])


def test_a_model_of_julia_is_read_with_its_axes(tmp_path, h5py):
    draw = np.random.default_rng(0).standard_normal
    weights, visible, hidden = draw((2, 3, 4)), draw((2, 3)), draw(4)
    path = tmp_path / "a.h5"
    save_as_julia(h5py, path, weights, visible, hidden)
    rbm = harmonium.import_model(path)
    # The energy as Julia has it, of one state.
    v, h = np.array([[0, 1, 1], [1, 0, 0]]), np.array([1, 0, 1, 1])
    energy = -(visible * v).sum() - hidden @ h - np.einsum("ij,ijk,k", v, weights, h)
    # Julia's `vec`: the first axis runs fastest.
    row = v.ravel(order="F")
    ours = -rbm.visible_bias @ row - rbm.hidden_bias @ h - row @ rbm.weights @ h
    assert abs(energy - ours) < 1e-5
    assert rbm.image_shape == (3, 2)
    assert Rbm.load(path) == io.read_model(path) == rbm


def test_a_standardized_model_of_julia_becomes_one_without_offsets(tmp_path, h5py):
    draw = np.random.default_rng(0)
    weights, visible, hidden = draw.normal(size=(3, 2)), draw.normal(size=3), draw.normal(size=2)
    offset_v, offset_h, scale_v, scale_h = draw.random(3), draw.random(2), 1 + draw.random(3), 1 + draw.random(2)
    standard = {"offset_v": offset_v, "offset_h": offset_h, "scale_v": scale_v, "scale_h": scale_h}
    path = tmp_path / "a.h5"
    save_as_julia(h5py, path, weights, visible, hidden, rbm_type="StandardizedRBM", **standard)
    rbm = harmonium.import_model(path)

    def theirs(v, h):
        return -visible @ v - hidden @ h - (v - offset_v) / scale_v @ weights @ ((h - offset_h) / scale_h)

    def ours(v, h):
        return -rbm.visible_bias @ v - rbm.hidden_bias @ h - v @ rbm.weights @ h

    states = [(np.array(v), np.array(h)) for v in np.ndindex(2, 2, 2) for h in np.ndindex(2, 2)]
    differences = [theirs(*state) - ours(*state) for state in states]
    assert np.ptp(differences) < 1e-5


def test_a_model_goes_to_julia_and_comes_back(tmp_path, h5py):
    path = tmp_path / "a.h5"
    for rbm in (model(), model(6, 3, image_shape=(2, 3))):
        io.write_model(path, rbm, layout="julia")
        assert harmonium.import_model(path).sha256() == rbm.sha256()
        assert harmonium.import_model(path).image_shape == rbm.image_shape
    with h5py.File(path) as file:
        assert file["weights"].shape == (3, 2, 3) and file["visible_par"].shape == (2, 3, 1)
    with pytest.raises(ValueError, match="seed is given, but files of RestrictedBoltzmannMachines.jl"):
        io.write_model(path, model(), layout="julia", seed=3)
    categories = Rbm(np.zeros((3, 2)), np.zeros(3), np.zeros(2), columns=[3])
    with pytest.raises(ValueError, match="takes bits only"):
        io.write_model(path, categories, layout="julia")


def test_other_units_and_shapes_of_julia_are_refused(tmp_path, h5py):
    path = tmp_path / "a.h5"

    def refuse(message, weights=np.zeros((3, 2)), visible=np.zeros(3), **others):
        save_as_julia(h5py, path, weights, visible, np.zeros(2), **others)
        with pytest.raises(ValueError, match=message):
            harmonium.import_model(path)

    refuse("visible_type is 'Potts', but must be 'Binary'", visible_type="Potts")
    refuse("hidden_type is 'xReLU', but must be 'Binary'", hidden_type="xReLU")
    refuse("rbm_type is 'CenteredRBM', but must be 'RBM'", rbm_type="CenteredRBM")
    refuse(r"weights have shape \(2, 4\), but must have \(2, 3\)", weights=np.zeros((4, 2)))
    refuse("must be finite", visible=[0, np.nan, 0])
    save_as_julia(h5py, path, np.zeros((3, 2)), np.zeros(3), np.zeros(2))
    with pytest.raises(ValueError, match="update is 3"):
        harmonium.import_model(path, update=3)
    with pytest.raises(ValueError, match="layout is 'vh', but an HDF5 file has names and axes of its own"):
        harmonium.import_model(path, layout="vh")


def test_a_file_of_rbms_is_imported_at_any_update(tmp_path, h5py):
    path = tmp_path / "a.h5"
    first, second = model(), model(5, 3)
    io.write_model(path, first, update=1)
    io.write_model(path, Rbm(second.weights * 2, second.visible_bias, second.hidden_bias), update=2)
    assert harmonium.import_model(path, update=1) == first
    assert np.array_equal(harmonium.import_model(path).weights, 2 * second.weights)


def test_the_command_line_says_the_python_way_of_hdf5(tmp_path, h5py):
    io.write_model(tmp_path / "a.h5", model(), layout="julia")
    line = [sys.executable, "-m", "harmonium", "import", str(tmp_path / "a.h5"), "--out", str(tmp_path / "b.safetensors")]
    done = subprocess.run(line, capture_output=True, text=True)
    assert done.returncode == 1 and "harmonium.import_model(FILE).save(" in done.stderr, done.stderr


def test_without_h5py_the_remedy_is_named(tmp_path, monkeypatch):
    path = tmp_path / "a.h5"
    path.write_bytes(b"\x89HDF\r\n\x1a\n")
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(ImportError, match="HDF5 files need h5py: pip install h5py"):
        harmonium.import_model(path)
