"""Damaged files, pickles and states end in an exception that names the file or the argument."""

import copy
import pickle
import re
import warnings

import numpy as np
import pytest

from harmonium import BernoulliRBM, Rbm, Trainer, io

RARE = [np.nan, np.inf, 3e38, -3e38, 1e-45, 70_000.0]


def model():
    draw = np.random.default_rng(0).standard_normal
    return Rbm(draw((5, 3)), draw(5), draw(3))


def write_model(path):
    io.write_model(path, model())


def write_dataset(path):
    bits = np.random.default_rng(0).integers(2, size=(20, 5))
    io.write_dataset(path, bits, np.arange(20))


def damaged(content, seed):
    """The bytes of a file, cut off or with other bytes at a random place."""
    rng, content = np.random.default_rng(seed), bytearray(content)
    at = rng.integers(len(content))
    kind = rng.integers(4)
    if kind == 0:
        return bytes(content[:at])
    if kind == 1:
        for at in rng.integers(len(content), size=rng.integers(1, 8)):
            content[at] ^= 1 << int(rng.integers(8))
    elif kind == 2:
        width = len(content[at : at + rng.integers(1, 9)])
        content[at : at + width] = bytes([rng.choice([0, 127, 128, 255])]) * width
    else:
        width = len(content[at : at + 16])
        content[at : at + width] = rng.bytes(width)
    return bytes(content)


@pytest.mark.parametrize("ending", ["npz", "h5", "safetensors"])
@pytest.mark.parametrize(
    "write, readers",
    [(write_model, [io.read_model, io.updates]), (write_dataset, [io.read_dataset])],
)
def test_a_damaged_file_is_named(tmp_path, ending, write, readers, n_mutants):
    if ending == "h5":
        pytest.importorskip("h5py")
    path, mutant = tmp_path / f"whole.{ending}", tmp_path / f"mutant.{ending}"
    if ending == "safetensors":
        if write is write_dataset:
            pytest.skip("safetensors files hold models")
        model().save(path)
        readers = [Rbm.load, Rbm.load_with_settings, BernoulliRBM.load]
    else:
        write(path)
    content, n_refused = path.read_bytes(), 0
    for seed in range(n_mutants):
        mutant.write_bytes(damaged(content, seed))
        for read in readers:
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # grey levels
                    read(mutant)
            except (OSError, ValueError) as error:
                assert str(mutant) in str(error), (seed, error)
                n_refused += 1
    assert n_refused > n_mutants // 5


def test_a_type_that_libhdf5_cannot_read_safely_is_refused(tmp_path):
    """A string whose type was damaged to a list of numbers: reading it crashed in libhdf5."""
    h5py = pytest.importorskip("h5py")
    for name, read in [("variable_type", io.read_dataset), ("samples", io.read_dataset)]:
        path = tmp_path / f"{name}.h5"
        write_dataset(path)
        with h5py.File(path, "a") as file:
            del file[name]
            file.create_dataset(name, (1,), h5py.vlen_dtype(np.float64))
        with pytest.raises(ValueError, match=f"{name}: the type is object, but must be one of"):
            read(path)


@pytest.mark.parametrize(
    "name, value, message",
    [
        ("grey_levels", -1, "grey_levels is -1, but must be one whole number"),
        ("grey_levels", 2**40, "grey_levels is 1099511627776, but must be one whole"),
        ("grey_levels", 0, "grey_levels is 0, but must be"),
        ("grey_levels", [1, 2], r"grey_levels is \[1 2\], but must be one whole"),
        ("spins", 0.5, "spins is 0.5, but must be one whole number"),
    ],
)
def test_facts_that_no_model_has_are_refused(tmp_path, name, value, message):
    path = tmp_path / "model.npz"
    np.savez(path, weights=np.eye(2), visible_bias=[0, 0], hidden_bias=[0, 0], **{name: value})
    with pytest.raises(ValueError, match=f"model.npz: {message}"):
        io.read_model(path)


def online_trainer(X, **settings):
    trainer = Trainer.online(X, hidden=5, chains=6, binarize="none", epochs=1000, **settings)
    trainer.update_on(X)
    return trainer


@pytest.mark.parametrize(
    "settings",
    [
        dict(momentum=0.9, centering=True),
        dict(optimizer="adam", averaging="exponential:2"),
        dict(algorithm="pt", temperatures=4),
    ],
    ids=lambda settings: next(iter(settings)),
)
def test_a_damaged_trainer_is_refused_or_trains(settings, n_mutants):
    X = np.random.default_rng(0).integers(2, size=(20, 7))
    restore, kept = online_trainer(X, **settings).__reduce__()
    _, mean, state, *_ = kept
    header = int.from_bytes(state[:8], "little") + 8
    for seed in range(n_mutants):
        rng = np.random.default_rng(seed)
        if seed % 2:
            other = damaged(state, seed)
        else:
            other, at = bytearray(state), header + 4 * rng.integers((len(state) - header) // 4)
            other[at : at + 4] = np.float32(rng.choice(RARE)).tobytes()
        try:
            trainer = restore(kept[0], mean, bytes(other), *kept[3:])
            for _ in range(3):
                trainer.update_on(X)
            pickle.loads(pickle.dumps(trainer)).model.free_energy(X)
        except ArithmeticError:
            pass  # it has diverged
        except ValueError as error:
            assert re.search("state|weights|bias", str(error)), (seed, error)


def test_a_damaged_part_of_a_trainer_is_named():
    X = np.random.default_rng(0).integers(2, size=(20, 7))
    restore, (settings, mean, state, seen, *rest) = online_trainer(X).__reduce__()
    assert restore(settings, mean, state, seen, *rest).updates == 1
    nan = [np.nan, *mean[1:]]
    for arguments, message in [
        (("{", mean, state, seen), "^settings: EOF"),
        (('{"hidden": 4}', mean, state, seen), "weights"),
        ((settings, [], state, seen), "length of data_mean is 0, but must be 7"),
        ((settings, nan, state, seen), "a value of data_mean is NaN, but must be finite"),
        ((settings, mean, state[:100], seen), "^state: "),
        ((settings, mean, b"", seen), "^state: "),
        ((settings, mean, state, {}), "^seen must have `mean` and `n_examples`"),
        ((settings, mean, state, {**seen, "mean": mean[:3]}), "^seen: length of data_mean is 3"),
        ((settings, mean, state, {**seen, "mean": nan}), "^seen: a value of data_mean is NaN"),
    ]:
        with pytest.raises(ValueError, match=message):
            restore(*arguments, *rest)


def test_a_damaged_model_or_estimator_is_named(digits):
    (weights, visible, hidden, mean), facts = model().__getnewargs_ex__()
    for parts, message in [
        ((weights[:, :2], visible, hidden, mean), "hidden_bias is 3"),
        ((weights * np.nan, visible, hidden, mean), "finite"),
        ((weights, visible, hidden, visible[:2]), "length of data_mean is 2"),
        ((weights, visible[:4], hidden, mean), "visible_bias is 4"),
    ]:
        with pytest.raises((ValueError, TypeError), match=message):
            Rbm(*parts, **facts)
    rbm = BernoulliRBM(4, random_state=0, n_iter=1).fit(digits)
    for name, value in [
        ("components_", np.zeros(3)),
        ("components_", np.zeros((5, 64))),
        ("intercept_hidden_", np.zeros((4, 1))),
        ("intercept_visible_", np.zeros(63)),
    ]:
        state = rbm.__getstate__()
        state[name] = value
        again = copy.copy(rbm)
        again.__setstate__(state)
        with pytest.raises(ValueError, match=f"{name}|intercept_hidden_ has the shape"):
            again.transform(digits)
