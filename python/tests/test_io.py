"""Tests of harmonium.io: round trips, errors, and interchange with the package `rbms`."""

import builtins
import os
import stat
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

import harmonium
from harmonium import Rbm
from harmonium import io

N_VISIBLE, N_HIDDEN = 5, 3


@pytest.fixture
def h5py():
    return pytest.importorskip("h5py")


@pytest.fixture
def rbms(h5py):
    pytest.importorskip("torch")
    pytest.importorskip("rbms")
    import rbms.dataset
    import rbms.io
    import rbms.utils

    return rbms


def model(seed=0, n_visible=N_VISIBLE, n_hidden=N_HIDDEN):
    draw = np.random.default_rng(seed).standard_normal
    shapes = (n_visible, n_hidden), (n_visible,), (n_hidden,)
    return Rbm(*(draw(shape).astype(np.float32) for shape in shapes))


def bits(n_rows, n_columns=N_VISIBLE, seed=0):
    """Distinct rows of bits; each half of them has both values."""
    numbers = np.random.default_rng(seed).permutation(2**n_columns)[:n_rows]
    return (numbers[:, None] >> np.arange(n_columns) & 1).astype(np.uint8)


def assert_same(rbm, other):
    for name in ("weights", "visible_bias", "hidden_bias"):
        array, expected = getattr(rbm, name), getattr(other, name)
        assert array.dtype == np.float32
        np.testing.assert_array_equal(array, expected, err_msg=name)


def files(folder):
    return sorted(os.listdir(folder))


# ---- Models


@pytest.mark.parametrize("ending", ["npz", "h5", "hdf5"])
def test_a_model_comes_back(tmp_path, ending):
    if ending != "npz":
        pytest.importorskip("h5py")
    path = tmp_path / f"rbm.{ending}"
    io.write_model(path, model())
    assert_same(io.read_model(path), model())
    assert_same(io.read_model(str(path)), model())
    assert files(tmp_path) == [path.name]


def test_updates_are_added_and_the_newest_is_read(tmp_path, h5py):
    path = tmp_path / "rbm.h5"
    for update in (2, 9, 10):
        io.write_model(path, model(seed=update), update=update, time=update / 2)
    assert io.updates(path) == [2, 9, 10]
    assert_same(io.read_model(path), model(seed=10))
    assert_same(io.read_model(path, update=2), model(seed=2))
    with h5py.File(path) as file:
        assert [file[f"update_{update}/time"][()] for update in (2, 9, 10)] == [1, 4.5, 5]


def test_chains_stay_until_others_are_given(tmp_path, h5py):
    path = tmp_path / "rbm.h5"

    def chains_after(update, chains):
        io.write_model(path, model(), update=update, parallel_chains=chains)
        with h5py.File(path) as file:
            found = file["parallel_chains"][()]
            assert file["hyperparameters/num_chains"][()] == len(found)
            return found

    flips = chains_after(1, None)
    assert flips.shape == (100, N_VISIBLE) and flips.dtype == np.float32
    assert set(flips.flat) == {0, 1} and 0.4 < flips.mean() < 0.6
    np.testing.assert_array_equal(chains_after(2, bits(7)), bits(7))
    np.testing.assert_array_equal(chains_after(3, None), bits(7))
    np.testing.assert_array_equal(chains_after(4, bits(4)), bits(4))


def test_the_seed_gives_coin_flips_and_random_states(tmp_path, h5py):
    def members(seed):
        path = tmp_path / f"{seed}.h5"
        if not path.exists():
            io.write_model(path, model(), seed=seed)
        names = ("parallel_chains", "update_1/torch_rng_state", "update_1/numpy_rng_arg1")
        with h5py.File(path) as file:
            return [file[name][()] for name in names]

    for first, again, other in zip(members(3), members(3), members(4)):
        assert np.array_equal(first, again) and not np.array_equal(first, other)


def test_hyperparameters_default_to_the_values_of_rbms_and_stay(tmp_path, h5py):
    path = tmp_path / "rbm.h5"

    def found(update, **chosen):
        io.write_model(path, model(), update=update, hyperparameters=chosen or None)
        with h5py.File(path) as file:
            names = ("batch_size", "L2", "learning_rate", "train_size")
            members = [file[f"hyperparameters/{name}"][()] for name in names]
            of_0_6 = ("train_args/batch_size", "grad_args/L2", "train_args/learning_rate")
            assert members == [file[name][()] for name in (*of_0_6, "dataset_args/train_size")]
            assert file["dataset_args/test_size"][()] == 1 - members[-1]
            return members

    io.write_model(tmp_path / "seeded.h5", model(), seed=3)
    with h5py.File(tmp_path / "seeded.h5") as file:
        group = file["hyperparameters"]
        sizes = [group[name][()] for name in ("num_visibles", "num_hiddens", "num_chains")]
        assert sizes == [N_VISIBLE, N_HIDDEN, 100]
        assert group["filename"][()].decode() == str(tmp_path / "seeded.h5")
        assert group["seed"][()] == file["dataset_args/seed"][()] == 3
    assert found(1) == [2000, 0, 0.01, 0.6]
    assert found(2, batch_size=64, L2=1e-4, train_size=0.9) == [64, 1e-4, 0.01, 0.9]
    assert found(3) == [64, 1e-4, 0.01, 0.9]


def test_double_precision_is_rounded(tmp_path, h5py):
    path = tmp_path / "rbm.h5"
    io.write_model(path, model())
    with h5py.File(path, "a") as file:
        del file["update_1/params/vbias"]
        file["update_1/params/vbias"] = np.full(N_VISIBLE, 0.1)
    found = io.read_model(path).visible_bias
    assert found.dtype == np.float32 and found[0] == np.float32(0.1)


def test_a_failing_write_leaves_what_was_there(tmp_path, h5py, monkeypatch):
    path = tmp_path / "rbm.h5"
    io.write_model(path, model())
    before = path.read_bytes()

    def fail(*_):
        raise OSError("the disk is full")

    monkeypatch.setattr(io._hdf5, "_put_hyperparameter", fail)
    with pytest.raises(OSError, match="the disk is full"):
        io.write_model(path, model(), update=2, hyperparameters={"L1": 0.1})
    with pytest.raises(OSError, match="the disk is full"):
        io.write_model(tmp_path / "new.h5", model())
    assert path.read_bytes() == before and files(tmp_path) == ["rbm.h5"]


def test_a_reader_during_a_write_gets_the_whole_old_file(tmp_path):
    path = tmp_path / "rbm.npz"
    io.write_model(path, model(1))
    before = path.read_bytes()
    with open(path, "rb") as opened:
        io.write_model(path, model(2))
        assert opened.read() == before != path.read_bytes()


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "link.npz").symlink_to(tmp_path / "rbm.npz")
    io.write_model(tmp_path / "link.npz", model())
    assert (tmp_path / "link.npz").is_symlink() and (tmp_path / "rbm.npz").is_file()


@pytest.mark.parametrize("ending", ["npz", "h5"])
def test_a_file_keeps_its_mode_and_a_device_stays(tmp_path, ending):
    if ending == "h5":
        pytest.importorskip("h5py")
    path = tmp_path / f"rbm.{ending}"
    model().save(path)
    for mode in (0o600, 0o666, 0o751):
        path.chmod(mode)
        model().save(path)
        io.write_dataset(path, bits(4))
        assert stat.S_IMODE(path.stat().st_mode) == mode
    path.chmod(0o444)
    before = path.read_bytes()
    if not os.access(path, os.W_OK):  # nothing is protected from root
        for write in (lambda: model().save(path), lambda: io.write_dataset(path, bits(3))):
            with pytest.raises(PermissionError):
                write()
        assert path.read_bytes() == before
    link = tmp_path / f"device.{ending}"
    link.symlink_to("/dev/null")
    model().save(link)
    io.write_dataset(link, bits(4))
    assert os.readlink(link) == "/dev/null" and not stat.S_ISREG(os.stat("/dev/null").st_mode)
    assert files(tmp_path) == [link.name, path.name]


# ---- Data sets


@pytest.mark.parametrize("ending", ["npz", "h5"])
@pytest.mark.parametrize("labels", [None, [7, -1, 9, 0]])
@pytest.mark.parametrize("kind", [bool, np.uint8, np.int64, np.float32, np.float64])
def test_bits_come_back_as_bytes(tmp_path, ending, labels, kind):
    if ending == "h5":
        pytest.importorskip("h5py")
    path = tmp_path / f"data.{ending}"
    io.write_dataset(path, bits(4).astype(kind), labels)
    found = io.read_dataset(path)
    assert found.samples.dtype == np.uint8
    np.testing.assert_array_equal(found.samples, bits(4))
    if labels is None:
        assert found.labels is None
    else:
        assert found.labels.dtype == np.int32 and found.labels.tolist() == labels
    assert files(tmp_path) == [path.name]


@pytest.mark.parametrize("ending", ["npz", "h5"])
def test_intensities_come_back_as_floats(tmp_path, ending):
    if ending == "h5":
        pytest.importorskip("h5py")
    path = tmp_path / f"data.{ending}"
    intensities = np.linspace(0, 1, 12).reshape(4, 3)
    io.write_dataset(path, intensities)
    found = io.read_dataset(path).samples
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, intensities.astype(np.float32))


@pytest.mark.parametrize("variable_type", [None, "ising", b"ising"])
@pytest.mark.parametrize("kind", [np.int8, np.float32])
def test_spins_become_bits(tmp_path, h5py, variable_type, kind):
    path = tmp_path / "data.h5"
    with h5py.File(path, "w") as file:
        file["samples"] = bits(6).astype(kind) * 2 - 1
        if variable_type is not None:
            is_bytes = isinstance(variable_type, bytes)
            file["variable_type"] = np.bytes_(variable_type) if is_bytes else variable_type
    if variable_type is None:
        assert "if these are spins, declare them" in error(ValueError, io.read_dataset, path)
    found = io.read_dataset(path, spins=variable_type is None).samples
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, bits(6))


def test_spins_all_up_are_known_by_their_type_alone(tmp_path, h5py):
    for variable_type, value in [("ising", 1), ("bernoulli", 1), (None, 1), ("ising", -1)]:
        with h5py.File(tmp_path / "data.h5", "w") as file:
            file["samples"] = np.full((2, 2), value)
            if variable_type:
                file["variable_type"] = variable_type
        assert (io.read_dataset(tmp_path / "data.h5").samples == (value > 0)).all()


def test_the_members_of_a_dataset_file(tmp_path, h5py):
    io.write_dataset(tmp_path / "data.h5", bits(4), [1, 2, 3, 4])
    with h5py.File(tmp_path / "data.h5") as file:
        assert {name: member.dtype.str for name, member in file.items()} == {
            "samples": "|u1",
            "labels": "<i4",
            "variable_type": "|O",
        }
        assert file["variable_type"][()] == b"bernoulli"


# ---- Models of categories


def potts(sites=(4, 4, 4), seed=0):
    draw = np.random.default_rng(seed).standard_normal
    n_visible = sum(sites)
    return Rbm(draw((n_visible, N_HIDDEN)), draw(n_visible), draw(N_HIDDEN), columns=list(sites))


def test_a_potts_model_has_the_layout_of_rbms(tmp_path, h5py):
    path, rbm = tmp_path / "potts.h5", potts()
    io.write_model(path, rbm)
    with h5py.File(path) as file:
        assert file["model_type"][()] == b"PBRBM"
        params = {name: member[()] for name, member in file["update_1/params"].items()}
        np.testing.assert_array_equal(params["weight_matrix"], rbm.weights.reshape(3, 4, N_HIDDEN))
        np.testing.assert_array_equal(params["vbias"], rbm.visible_bias.reshape(3, 4))
        chains = file["parallel_chains"][()]
    assert chains.shape == (100, 3) and set(chains.ravel()) == {0, 1, 2, 3}
    io.write_model(path, potts(seed=1), update=5, parallel_chains=[[0, 3, 1]])
    assert io.updates(path) == [1, 5]
    for update, expected in [(1, rbm), (5, potts(seed=1))]:
        read = io.read_model(path, update)
        assert_same(read, expected)
        assert read == expected and read.columns == expected.columns
    # Without the names of states, which `rbms` does not write, they are numbers.
    with h5py.File(path, "a") as file:
        del file["columns"]
    assert io.read_model(path, 1).sites == [4, 4, 4]
    assert io.read_model(path, 1).columns == rbm.columns


@pytest.mark.parametrize(
    "sites, labels, shapes",
    [
        ((4, 4, 5), True, {"weight_matrix": (2, 4, 3), "vbias": (2, 4), "label_matrix": (5, 3)}),
        ((4, 4, 4), False, {"weight_matrix": (3, 4, 3), "vbias": (3, 4), "label_matrix": (0, 3)}),
        ((1, 1, 3), True, {"weight_matrix": (2, 3), "vbias": (2,), "label_matrix": (3, 3)}),
    ],
)
def test_a_model_of_annadca_has_its_labels_as_the_last_site(tmp_path, h5py, sites, labels, shapes):
    path, rbm = tmp_path / "anna.h5", potts(sites)
    io.write_model(path, rbm, layout="annadca", labels=labels, update=1000)
    with h5py.File(path, "a") as file:
        group = file["update_1000"]
        assert {name: group[name].shape for name in shapes} == shapes
        assert group["lbias"].shape == (shapes["label_matrix"][0],)
        assert "model_type" not in file
        del file["columns"]
    read = io.read_model(path)
    assert read == rbm and read.sites == list(sites)
    io.write_model(path, rbm, layout="annadca", labels=labels, update=2000)
    assert io.updates(path) == [1000, 2000]


@pytest.mark.parametrize("first, second", [("rbms", "annadca"), ("annadca", "rbms")])
def test_a_file_has_updates_of_one_layout(tmp_path, h5py, first, second):
    path = tmp_path / "model.h5"
    io.write_model(path, potts(), layout=first, update=3)
    before = path.read_bytes()
    found = error(ValueError, io.write_model, path, potts(), layout=second, update=4)
    assert f"layout is '{second}', but must be '{first}', as that of update_3 in the file" in found
    assert path.read_bytes() == before
    io.write_model(path, potts(), layout=first, update=4)


def test_the_energy_of_a_model_of_annadca_is_its_formula(tmp_path, h5py):
    """-E = vbias·v + lbias·y + Σ softplus(hbias + v·W + y·L), as `_compute_energy_visibles` of annaDCA has it."""
    path = tmp_path / "anna.h5"
    draw = np.random.default_rng(2).standard_normal
    of = {"weight_matrix": (2, 4, 3), "vbias": (2, 4), "hbias": (3,), "lbias": (2,), "label_matrix": (2, 3)}
    arrays = {name: draw(shape).astype(np.float32) for name, shape in of.items()}
    with h5py.File(path, "w") as file:
        for name, array in arrays.items():
            file[f"update_7/{name}"] = array
    v, y = np.array([2, 0]), 1
    inputs = arrays["hbias"] + arrays["label_matrix"][y]
    inputs = inputs + arrays["weight_matrix"][[0, 1], v].sum(axis=0)
    fields = arrays["vbias"][[0, 1], v].sum() + arrays["lbias"][y]
    expected = -fields - np.logaddexp(0, inputs).sum()
    assert io.read_model(path).free_energy([[*v, y]])[0] == pytest.approx(expected, rel=1e-6)


def test_potts_models_that_do_not_fit_a_file_are_refused(tmp_path, h5py):
    path = tmp_path / "potts.h5"
    for rbm, named, message in [
        (potts((3, 4)), {}, "the sites have 3, 4 units, but all must have one number in HDF5"),
        (potts(), {"labels": True}, "labels is True, but only layout='annadca' has labels"),
        (potts((4, 1)), {"labels": True, "layout": "annadca"}, "labels is True, but the last of the sites"),
        (potts(), {"layout": "torch"}, "layout is 'torch', but must be 'rbms' or 'annadca'"),
        (potts(), {"layout": "annadca", "time": 3.0}, "time is given, but files of annaDCA do not hold it"),
        (potts(), {"parallel_chains": [[0, 1, 4]]}, "parallel_chains[0, 2] is 4, but must be a state"),
        (potts(), {"parallel_chains": [[0, 1]]}, "parallel_chains have shape (1, 2), but must have (chains, 3)"),
    ]:
        assert error(ValueError, io.write_model, path, rbm, **named).startswith(f"{path}: {message}")
        assert files(tmp_path) == []
    found = error(ValueError, io.write_model, "potts.npz", potts(), layout="annadca")
    assert found.startswith("potts.npz: layout is given, but a .npz file holds only a model")
    io.write_model(path, potts((2, 2)))
    found = error(ValueError, io.write_model, path, model(n_visible=4), update=2)
    assert found == f"{path}: the sites are others than in the file: choose another file"


def test_sites_of_any_sizes_come_back_from_npz(tmp_path):
    rbm = potts((3, 1, 5))
    io.write_model(tmp_path / "rbm.npz", rbm)
    assert io.read_model(tmp_path / "rbm.npz").columns == rbm.columns
    # As `harmonium inspect --parameters` writes it.
    arrays = {name: getattr(rbm, name) for name in ("weights", "visible_bias", "hidden_bias")}
    np.savez(tmp_path / "sizes.npz", **arrays, sites=[3, 1, 5])
    assert io.read_model(tmp_path / "sizes.npz") == rbm


def test_states_come_back_as_bytes(tmp_path, h5py):
    states = np.random.default_rng(0).integers(21, size=(6, 4))
    io.write_dataset(tmp_path / "states.h5", states, labels=range(6), categorical=True)
    read = io.read_dataset(tmp_path / "states.h5")
    assert read.samples.dtype == np.uint8
    np.testing.assert_array_equal(read.samples, states)
    found = error(ValueError, io.write_dataset, "states.npz", states, categorical=True)
    assert found.startswith("states.npz: categorical is True, but a .npz file does not say")


# ---- Errors name the place, the value, the rule and the remedy


def error(kind, call, *args, **named):
    with pytest.raises(kind) as caught:
        call(*args, **named)
    return str(caught.value)


@pytest.mark.parametrize(
    "member, value, message",
    [
        (
            "model_type",
            "BGRBM",
            "model_type is 'BGRBM', but must be 'BBRBM' or 'PBRBM': harmonium has units of bits and categories",
        ),
        (
            "model_type",
            "PBRBM",
            "update_1/params/weight_matrix and update_1/params/vbias have the shapes (5, 3) and (5,), but must "
            "have (sites, states, hidden) and (sites, states)",
        ),
        ("model_type", 3, "model_type is 3, but must be one string"),
        (
            "update_1/params/vbias",
            np.zeros(4),
            "update_1/params/vbias has shape (4,), but must have (5,): one number for each row of "
            "update_1/params/weight_matrix (5, 3)",
        ),
        (
            "update_1/params/hbias",
            np.zeros(5),
            "update_1/params/hbias has shape (5,), but must have (3,): one number for each column of "
            "update_1/params/weight_matrix (5, 3)",
        ),
        (
            "update_1/params/weight_matrix",
            np.zeros((5, 2, 3)),
            "update_1/params/weight_matrix has shape (5, 2, 3), but must have (visible, hidden)",
        ),
        (
            "update_1/params/hbias",
            [0, 1e39, 0],
            "update_1/params/hbias[1] is inf, but must be finite as float32",
        ),
        (
            "update_1/params/hbias",
            ["a", "b", "c"],
            "update_1/params/hbias: the type is object, but must be one of real numbers",
        ),
    ],
)
def test_models_that_are_refused(tmp_path, h5py, member, value, message):
    path = tmp_path / "rbm.h5"
    io.write_model(path, model())
    with h5py.File(path, "a") as file:
        del file[member]
        file[member] = value
    assert error(ValueError, io.read_model, path).startswith(f"{path}: {message}")


def test_missing_parts_of_a_model_file_are_named(tmp_path, h5py):
    path = tmp_path / "rbm.h5"
    for update in (1, 10):
        io.write_model(path, model(), update=update)
    assert error(ValueError, io.read_model, path, update=5) == (
        f"{path}: update is 5, but must be one in the file: 1, 10"
    )
    with h5py.File(path, "a") as file:
        del file["update_10/params/hbias"]
    assert "must have the data set /update_10/params/hbias" in error(ValueError, io.read_model, path)
    with h5py.File(path, "a") as file:
        del file["update_1"], file["update_10"]
    assert "must have a group /update_N with a model" in error(ValueError, io.read_model, path)
    assert io.updates(path) == []

    io.write_dataset(path, bits(4))
    for call in (lambda: io.read_model(path), lambda: io.write_model(path, model(), update=2)):
        assert error(ValueError, call) == (
            f"{path}: must have the data set /model_type, but has /samples, /variable_type"
        )


@pytest.mark.parametrize(
    "named, message",
    [
        (
            {"update": 3},
            "update is 3, but must be more than 3, the newest in the file: give a higher update, or choose "
            "another file",
        ),
        ({}, "update is 1, but must be more than 3"),
        ({"update": -1}, "update is -1, but must be a whole number, at least 0"),
        ({"update": 4.0}, "update is 4.0, but must be a whole number, at least 0"),
        ({"update": 4, "time": -1}, "time is -1.0, but must be finite seconds, at least 0"),
        ({"update": 4, "time": np.inf}, "time is inf, but must be finite seconds"),
        ({"update": 4, "time": np.nan}, "time is nan, but must be finite seconds"),
        ({"update": 4, "seed": 2**32}, "seed is 4294967296, but must be a whole number, at least 0"),
        (
            {"update": 4, "hyperparameters": {"momentum": 0.5}},
            "hyperparameters have 'momentum', but may only have batch_size, gibbs_steps,",
        ),
        (
            {"update": 4, "hyperparameters": {"batch_size": 0.5}},
            "batch_size is 0.5, but must be a whole number",
        ),
        ({"update": 4, "hyperparameters": {"L1": np.inf}}, "L1 is inf, but must be finite"),
        (
            {"update": 4, "parallel_chains": bits(4, 6)},
            "parallel_chains have shape (4, 6), but must have (chains, 5): the model has 5 visible",
        ),
        (
            {"update": 4, "parallel_chains": [[0, 1, 0.5, 0, 1]]},
            "parallel_chains[0, 2] is 0.5, but must be 0 or 1: give states, not probabilities",
        ),
        (
            {"update": 4, "parallel_chains": np.zeros((0, 5))},
            "parallel_chains: shape is (0, 5), but must be (chains, visible), none of them 0",
        ),
        (
            {"update": 4, "rbm": model(n_hidden=4)},
            "weights have shape (5, 4), but must have (5, 3), as in the file",
        ),
    ],
)
def test_writes_that_are_refused(tmp_path, h5py, named, message):
    path = tmp_path / "rbm.h5"
    io.write_model(path, model(), update=3)
    before = path.read_bytes()
    found = error(ValueError, io.write_model, path, **{"rbm": model(), **named})
    assert found.startswith(f"{path}: {message}")
    assert path.read_bytes() == before and files(tmp_path) == [path.name]


@pytest.mark.parametrize("ending", ["npz", "h5"])
def test_a_model_that_is_not_finite_is_not_written(tmp_path, ending):
    if ending == "h5":
        pytest.importorskip("h5py")
    # `Rbm` itself refuses it; another object may not.
    names = ["weights", "visible_bias", "hidden_bias"]
    parts = {name: getattr(model(), name).copy() for name in names}
    rbm = SimpleNamespace(**parts)
    rbm.weights[2, 1] = np.nan
    path = tmp_path / f"rbm.{ending}"
    message = f"{path}: weights[2, 1] is nan, but must be finite as float32"
    assert error(ValueError, io.write_model, path, rbm) == message
    assert files(tmp_path) == []


def test_npz_holds_parameters_alone(tmp_path):
    path = tmp_path / "rbm.npz"
    for named in ({"update": 1}, {"time": 1.0}, {"parallel_chains": bits(4)}, {"seed": 1}):
        assert error(ValueError, io.write_model, path, model(), **named) == (
            f"{path}: {next(iter(named))} is given, but a .npz file holds only a model: leave it "
            "out or write to a .h5 file"
        )
    io.write_model(path, model())
    assert "holds one model: leave update out" in error(ValueError, io.read_model, path, update=1)
    assert "holds one model and no updates" in error(ValueError, io.updates, path)


@pytest.mark.parametrize(
    "variable_type, samples, message",
    [
        ("categorical", [[0, -1]], "samples[0, 1] is -1, but must be a state, a whole number from 0 to 254"),
        (
            "continuous",
            [[0.0, 2.5]],
            "variable_type is 'continuous', but must be 'bernoulli', 'ising' or 'categorical': scale",
        ),
        ("binary", [[0, 1]], "variable_type is 'binary', but must be 'bernoulli', 'ising' or 'cat"),
        ("ising", [[1, -1], [0, 1]], "samples[1, 0] is 0, but must be -1 or 1, as the samples are"),
        (None, [[1, -1], [0.5, 1]], "samples: X: example 0, unit 1 is -1, but must be from 0 to 1"),
        ("bernoulli", [[1, -1]], "samples: X: example 0, unit 1 is -1, but must be 0 or 1; if these"),
        (None, [[0, 2]], "samples: X: example 0, unit 1 is 2, but must be 0 or 1, or a grey level"),
        (None, [[0, 255.0]], "samples: X: example 0, unit 1 is 255, but must be from 0 to 1; divide"),
        (None, [[0, np.nan]], "samples: X: example 0, unit 1 is NaN, but must be finite"),
        (None, [0, 1], "samples: shape is (2,), but must be (samples, units), none of them 0"),
        (None, np.zeros((0, 2)), "samples: shape is (0, 2), but must be (samples, units)"),
        (None, [["a"]], "samples: the type is object, but must be one of real numbers"),
    ],
)
def test_datasets_that_are_refused(tmp_path, h5py, variable_type, samples, message):
    path = tmp_path / "data.h5"
    with h5py.File(path, "w") as file:
        file["samples"] = samples
        if variable_type:
            file["variable_type"] = variable_type
    assert error(ValueError, io.read_dataset, path).startswith(f"{path}: {message}")


@pytest.mark.parametrize(
    "labels, message",
    [
        ([1, 2, 3], "labels have shape (3,), but must have (4,): one for each sample"),
        ([[1], [2], [3], [4]], "labels have shape (4, 1), but must have (4,)"),
        ([1, 2, 3, 0.5], "labels[3] is 0.5, but must be a whole number that fits int32"),
        ([1, 2, np.nan, 4], "labels[2] is nan, but must be a whole number that fits int32"),
        ([1, 2**31, 3, 4], "labels[1] is 2147483648, but must be a whole number that fits int32"),
        (["a", "b", "c", "d"], "labels: the type is <U1, but must be one of real numbers"),
    ],
)
def test_labels_that_are_refused(tmp_path, labels, message):
    path = tmp_path / "data.npz"
    found = error(ValueError, io.write_dataset, path, bits(4), labels)
    assert found.startswith(f"{path}: {message}")
    np.savez(path, samples=bits(4), labels=labels)
    assert error(ValueError, io.read_dataset, path) == found


def test_missing_and_broken_files_are_named(tmp_path):
    for ending in ("npz", "h5"):
        if ending == "h5":
            pytest.importorskip("h5py")
        path = tmp_path / f"none.{ending}"
        message = f"{path}: there is no such file"
        assert error(FileNotFoundError, io.read_model, path) == message
        assert error(FileNotFoundError, io.read_dataset, path) == message
        for content in (b"", b"no such format"):
            path.write_bytes(content)
            found = error((ValueError, OSError), io.read_model, path)
            assert found.startswith(f"{path}: cannot be read as ")
            if ending == "h5":
                assert found == error(OSError, io.write_model, path, model())
                assert path.read_bytes() == content
    path = tmp_path / "rbm.npz"
    np.savez(path, weights=np.zeros((2, 2)), hidden_bias=np.zeros(2))
    assert error(ValueError, io.read_model, path) == (
        f"{path}: must have the array visible_bias, but has weights, hidden_bias"
    )
    with open(path, "wb") as file:
        np.save(file, np.zeros(2))
    assert error(ValueError, io.read_model, path) == (
        f"{path}: cannot be read as .npz (it is a single array)"
    )
    np.savez(path, samples=np.array([[None]]))
    assert "cannot be read as .npz" in error(ValueError, io.read_dataset, path)


def test_other_endings_are_refused(tmp_path):
    message = "rbm.pt: the name ends in '.pt', but must end in .npz, .h5 or .hdf5"
    for call in (io.read_model, io.updates, io.read_dataset):
        assert error(ValueError, call, "rbm.pt") == message
    assert error(ValueError, io.write_model, "rbm.pt", model()) == message
    assert error(ValueError, io.write_dataset, "rbm.pt", bits(4)) == message


def test_without_h5py_only_hdf5_fails(tmp_path, monkeypatch):
    usual = builtins.__import__

    def without_h5py(name, *args, **named):
        if name == "h5py":
            raise ImportError("No module named 'h5py'")
        return usual(name, *args, **named)

    monkeypatch.setattr(builtins, "__import__", without_h5py)
    io.write_model(tmp_path / "rbm.npz", model())
    assert_same(io.read_model(tmp_path / "rbm.npz"), model())
    path = tmp_path / "rbm.h5"
    message = f"{path}: HDF5 files need h5py: pip install h5py"
    for call in (io.read_model, io.updates, io.read_dataset):
        assert error(ImportError, call, path) == message
    assert error(ImportError, io.write_model, path, model()) == message
    assert error(ImportError, io.write_dataset, path, bits(4)) == message
    assert files(tmp_path) == ["rbm.npz"]


def test_importing_does_not_import_h5py():
    code = "import sys, harmonium.io; sys.exit('h5py' in sys.modules)"
    paths = [os.path.dirname(os.path.dirname(harmonium.__file__)), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    assert subprocess.run([sys.executable, "-c", code], env=environment).returncode == 0


# ---- The package `rbms`


def load_model(rbms, path, update, **named):
    """Parameters, chains and time; some releases return more."""
    import torch

    return rbms.io.load_model(str(path), update, torch.device("cpu"), torch.float32, **named)[:3]


def save_model(rbms, path, params, chains, update):
    import inspect

    import torch

    of_0_6 = {"learning_rate": torch.tensor([0.01]), "effective_time": np.zeros(1)}
    expected = inspect.signature(rbms.io.save_model).parameters
    more = {name: value for name, value in of_0_6.items() if name in expected}
    chains = {"visible": torch.from_numpy(np.asarray(chains, np.float32))}
    rbms.io.save_model(str(path), params, chains, update, 2.5, flags=["checkpoint"], **more)


def rbms_model(rbm):
    import torch
    from rbms.bernoulli_bernoulli.classes import BBRBM

    return BBRBM(*map(torch.from_numpy, (rbm.weights, rbm.visible_bias, rbm.hidden_bias)))


def assert_same_as_rbms(rbm, params):
    found = (params.weight_matrix, params.vbias, params.hbias)
    assert_same(Rbm(*(tensor.numpy() for tensor in found)), rbm)


def test_rbms_loads_our_model(tmp_path, rbms):
    import torch

    path = tmp_path / "rbm.h5"
    io.write_model(path, model(1), parallel_chains=bits(7), seed=11)
    io.write_model(path, model(2), update=20, time=3.5, parallel_chains=bits(9), seed=12)
    assert rbms.utils.get_saved_updates(str(path)).tolist() == [1, 20]
    assert rbms.utils.get_flagged_updates(str(path), "checkpoint").tolist() == [1, 20]

    params, chains, time = load_model(rbms, path, 20, restore=True)
    assert params.name == "BBRBM" and time == 3.5
    assert_same_as_rbms(model(2), params)
    np.testing.assert_array_equal(chains["visible"].numpy(), bits(9))
    # After restoring, the generators draw what newly seeded ones draw.
    drawn = torch.rand(700), torch.randn(5), np.random.rand(700)
    torch.manual_seed(12)
    np.random.seed(12)
    for found, expected in zip(drawn, (torch.rand(700), torch.randn(5), np.random.rand(700))):
        np.testing.assert_array_equal(np.asarray(found), np.asarray(expected))
    assert_same_as_rbms(model(1), load_model(rbms, path, 1)[0])


def test_rbms_computes_the_free_energy_of_our_model(tmp_path, rbms):
    """It agrees with the usual formula and our parameters."""
    import torch

    path, rbm = tmp_path / "rbm.h5", model()
    io.write_model(path, rbm)
    visible = bits(8).astype(np.float32)
    softplus = np.logaddexp(0, visible @ rbm.weights + rbm.hidden_bias)
    expected = -visible @ rbm.visible_bias - softplus.sum(axis=1)
    params = load_model(rbms, path, 1)[0]
    found = params.compute_energy_visibles(torch.from_numpy(visible))
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-5, atol=1e-5)


def test_we_read_models_of_rbms(tmp_path, rbms):
    path = tmp_path / "rbm.h5"
    save_model(rbms, path, rbms_model(model(1)), bits(7), 1)
    save_model(rbms, path, rbms_model(model(2)), bits(7, seed=1), 100)
    assert io.updates(path) == [1, 100]
    assert_same(io.read_model(path), model(2))
    assert_same(io.read_model(path, update=1), model(1))


def test_both_add_to_the_same_file(tmp_path, rbms):
    path = tmp_path / "rbm.h5"
    io.write_model(path, model(1), parallel_chains=bits(7))
    save_model(rbms, path, rbms_model(model(2)), bits(7, seed=1), 2)
    io.write_model(path, model(3), update=3)
    assert io.updates(path) == [1, 2, 3]
    for update in (1, 2, 3):
        params, chains, _ = load_model(rbms, path, update)
        assert_same_as_rbms(model(update), params)
        np.testing.assert_array_equal(chains["visible"].numpy(), bits(7, seed=1))


def test_we_read_potts_models_of_rbms_and_it_reads_ours(tmp_path, rbms):
    import torch
    from rbms.potts_bernoulli.classes import PBRBM

    path = tmp_path / "potts.h5"
    weights, vbias, hbias = torch.randn(5, 4, 3), torch.randn(5, 4), torch.randn(3)
    save_model(rbms, path, PBRBM(weights, vbias, hbias), np.zeros((7, 5)), 1)
    rbm = io.read_model(path)
    np.testing.assert_array_equal(rbm.weights, weights.numpy().reshape(20, 3))
    np.testing.assert_array_equal(rbm.visible_bias, vbias.numpy().reshape(20))
    path = tmp_path / "ours.h5"
    io.write_model(path, rbm, update=3)
    params, chains, _ = load_model(rbms, path, 3)
    np.testing.assert_array_equal(params.weight_matrix.numpy(), weights.numpy())
    states = np.random.default_rng(0).integers(4, size=(6, 5))
    theirs = params.compute_energy_visibles(torch.from_numpy(states.astype(np.float32)))
    np.testing.assert_allclose(rbm.free_energy(states), theirs.numpy(), rtol=1e-5)


def train(rbms, data, path, n_updates, monkeypatch):
    """Continues training the model in a file with the program of `rbms`, without prompts."""
    from rbms.scripts import train_rbm

    monkeypatch.setenv("TQDM_DISABLE", "1")
    args = vars(train_rbm.create_parser().parse_args(["-d", str(data), "--device", "cpu"]))
    args.update(filename=str(path), num_updates=n_updates, n_save=2, restore=True)
    args = train_rbm.match_args_dtype(args)
    run = getattr(train_rbm, "train_rbm", train_rbm.main)  # 0.5, 0.6
    run(args)


def test_rbms_continues_training_our_model_on_our_data(tmp_path, rbms, monkeypatch):
    data, path = tmp_path / "data.h5", tmp_path / "rbm.h5"
    io.write_dataset(data, bits(32))
    chosen = {"batch_size": 8, "gibbs_steps": 2, "learning_rate": 0.1}
    io.write_model(path, model(), update=5, hyperparameters=chosen)
    train(rbms, data, path, 9, monkeypatch)
    assert io.updates(path)[0] == 5 and io.updates(path)[-1] == 9
    before, after = io.read_model(path, update=5), io.read_model(path)
    assert_same(before, model())
    change = np.abs(after.weights - before.weights).max()
    assert 0 < change < 1


def as_rows(samples, labels):
    """Rows with their labels, sorted, since `rbms` may shuffle them."""
    return sorted(map(tuple, np.column_stack([samples, labels]).astype(int).tolist()))


def load_dataset(rbms, path):
    import inspect

    named = {"device": "cpu"}
    if "binarize" in inspect.signature(rbms.dataset.load_dataset).parameters:
        named["binarize"] = True
    dataset = rbms.dataset.load_dataset(str(path), **named)[0]
    if hasattr(dataset, "match_model_variable_type"):
        dataset.match_model_variable_type("bernoulli")
    return dataset


@pytest.mark.parametrize("labels", [None, np.arange(20) % 7])
def test_rbms_loads_our_dataset(tmp_path, rbms, capsys, labels):
    path = tmp_path / "data.h5"
    io.write_dataset(path, bits(20), labels)
    dataset = load_dataset(rbms, path)
    expected = as_rows(bits(20), np.full(20, -1) if labels is None else labels)
    assert as_rows(dataset.data.numpy(), dataset.labels.numpy()) == expected
    assert getattr(dataset, "variable_type", "bernoulli") == "bernoulli"
    printed = capsys.readouterr().out
    assert "No variable_type" not in printed and "Converting" not in printed


def test_spins_are_the_same_bits_to_rbms(tmp_path, rbms, h5py):
    path = tmp_path / "data.h5"
    with h5py.File(path, "w") as file:
        file["samples"] = bits(20).astype(np.float32) * 2 - 1
        file["labels"] = np.arange(20)
        file["variable_type"] = "ising"
    dataset = load_dataset(rbms, path)
    found = io.read_dataset(path)
    assert as_rows(dataset.data.numpy(), dataset.labels.numpy()) == as_rows(*found)


def test_we_read_datasets_that_rbms_splits(tmp_path, rbms):
    from rbms.scripts import split_data

    if not hasattr(split_data, "split_data_train_test"):
        pytest.skip("this release cannot split")
    path = tmp_path / "data.h5"
    io.write_dataset(path, bits(20), np.arange(20))
    split_data.split_data_train_test(
        str(path), str(tmp_path / "train.h5"), str(tmp_path / "test.h5"), train_size=0.5, seed=1
    )
    parts = [io.read_dataset(tmp_path / f"{part}.h5") for part in ("train", "test")]
    found = sum((as_rows(*part) for part in parts), [])
    assert sorted(found) == as_rows(bits(20), np.arange(20))
