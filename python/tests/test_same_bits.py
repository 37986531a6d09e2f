"""The promise: the same settings, data and seed give the same bits, from Python too."""

import pickle
import warnings
from pathlib import Path

import numpy as np
import pytest

import harmonium
from harmonium import BernoulliRBM, Rbm, Trainer, train
from harmonium.io import Dataset

SETTINGS = {"hidden": 30, "epochs": 3, "batch_size": 32, "seed": 5, "gibbs_steps": 2}


def flags(settings):
    return [f"--{name.replace('_', '-')}={value}" for name, value in settings.items()]


@pytest.mark.parametrize(
    "extra",
    [
        {},
        {"binarize": "none", "shuffle": "false"},
        {"binarize": "none", "centering": "true", "averaging": "exponential:1"},
        {"binarize": "threshold:0.3", "optimizer": "adam", "learning_rate": 0.01},
        {"algorithm": "pt", "temperatures": 3},
    ],
)
def test_train_gives_the_bits_of_the_command_line(command_line, tmp_path, digits, extra):
    data = digits.astype(np.float32)
    np.save(tmp_path / "digits.npy", data)
    settings = {**SETTINGS, **extra}
    run = ["train", "--quiet", "--no-report", "--data", tmp_path / "digits.npy"]
    command_line(*run, "--out", tmp_path / "run", *flags(settings))
    theirs = Rbm.load(tmp_path / "run" / "model.safetensors")
    words = {"true": True, "false": False}
    ours = train(data, **{name: words.get(value, value) for name, value in settings.items()})
    assert ours.sha256() == theirs.sha256()
    assert ours == theirs
    assert np.array_equal(ours.data_mean, theirs.data_mean)
    assert ours != train(data, **{**SETTINGS, "seed": 6})


def test_bytes_are_grey_levels_for_both(command_line, tmp_path, digits):
    levels = (digits * 255).astype(np.uint8)
    np.save(tmp_path / "levels.npy", levels)
    run = ["train", "--quiet", "--no-report", "--data", tmp_path / "levels.npy"]
    command_line(*run, "--out", tmp_path / "run", *flags(SETTINGS))
    rbm = train(levels, **SETTINGS)
    assert rbm == Rbm.load(tmp_path / "run" / "model.safetensors")
    # A likelihood reads them the same way.
    score = rbm.log_likelihood(levels, schedule="adaptive:500", burn_in=100)
    of_intensities = rbm.log_likelihood(levels / 255, schedule="adaptive:500", burn_in=100)
    assert abs(score.mean - of_intensities.mean) < 0.5


@pytest.mark.parametrize("dtype", [np.float64, np.float32, bool])
def test_the_estimator_gives_the_bits_of_the_command_line(command_line, tmp_path, digits, bits, dtype):
    X = bits.astype(dtype) if dtype is bool else digits.astype(dtype)
    np.save(tmp_path / "X.npy", X)
    settings = dict(hidden=20, batch_size=10, epochs=2, seed=3, chains=10, learning_rate=0.1)
    settings.update(schedule="constant", averaging="none", centering="false")
    settings.update(binarize="none", shuffle="false")
    run = ["train", "--quiet", "--no-report", "--data", tmp_path / "X.npy"]
    command_line(*run, "--out", tmp_path / "run", *flags(settings))
    theirs = Rbm.load(tmp_path / "run" / "model.safetensors")
    ours = BernoulliRBM(20, n_iter=2, random_state=3).fit(X)
    assert (ours.components_ == theirs.weights.T).all()
    assert (ours.intercept_visible_ == theirs.visible_bias).all()
    assert (ours.intercept_hidden_ == theirs.hidden_bias).all()


def test_samples_and_files_agree_with_the_command_line(command_line, tmp_path, bits):
    rbm = BernoulliRBM(20, random_state=0, momentum=0.5, binarization="stochastic").fit(bits)
    path = tmp_path / "model.safetensors"
    rbm.save(path)
    arguments = ["--number", 20, "--gibbs-steps", 50, "--seed", 4, "--out", tmp_path / "s.npy"]
    command_line("sample", path, *arguments)
    samples = rbm.sample(20, n_gibbs_steps=50, random_state=4)
    assert (np.load(tmp_path / "s.npy") == samples).all()
    np.save(tmp_path / "X.npy", bits.astype(np.uint8))
    command_line("evaluate", path, "--data", tmp_path / "X.npy", "--json")
    loaded = BernoulliRBM.load(path)
    assert (loaded.components_ == rbm.components_).all()
    ours, theirs = rbm.get_params(), loaded.get_params()
    assert ours == theirs
    loaded.partial_fit(bits[:10])


def test_n_jobs_changes_nothing(digits, bits):
    for X in [digits, bits]:
        one = BernoulliRBM(70, batch_size=100, random_state=0, n_jobs=1).fit(X)
        for n_jobs in [2, 3, -1, None]:
            other = BernoulliRBM(70, batch_size=100, random_state=0, n_jobs=n_jobs).fit(X)
            assert (other.components_ == one.components_).all(), n_jobs
            assert (other.transform(X) == one.transform(X)).all(), n_jobs
            assert (other.score_samples(X) == one.score_samples(X)).all(), n_jobs
            assert (other.h_samples_ == one.h_samples_).all(), n_jobs


def test_a_pickled_estimator_continues_to_the_same_bits(digits):
    chunks = np.array_split(digits, 20)
    settings = dict(momentum=0.5, centering=True, averaging="exponential:5", random_state=1)
    whole, parts = (BernoulliRBM(16, **settings) for _ in range(2))
    for chunk in chunks:
        whole.partial_fit(chunk)
        parts = pickle.loads(pickle.dumps(parts.partial_fit(chunk)))
    assert (whole.components_ == parts.components_).all()
    assert (whole.h_samples_ == parts.h_samples_).all()
    fitted = BernoulliRBM(16, random_state=1).fit(digits)
    again = pickle.loads(pickle.dumps(fitted))
    assert (again.transform(digits) == fitted.transform(digits)).all()
    assert (again.gibbs(digits) == fitted.gibbs(digits)).all()


def test_an_estimator_of_an_earlier_version_continues(digits):
    settings = dict(batch_size=50, momentum=0.5, random_state=1)
    now = BernoulliRBM(8, **settings).fit(digits).partial_fit(digits[:50])
    earlier = pickle.loads(pickle.dumps(now))
    for name in ["data_mean_", "grey_levels_", "spins_"]:
        del earlier.__dict__[name]
    # Its trainer did not keep the mean of the examples either.
    restore, kept = earlier._trainer.__reduce__()
    earlier._trainer = restore(*kept[:3])
    earlier = pickle.loads(pickle.dumps(earlier))
    assert earlier.rbm_ == now.rbm_ and earlier.rbm_.data_mean is None
    assert (earlier.transform(digits) == now.transform(digits)).all()
    assert np.isfinite(earlier.log_likelihood(digits[:50]).mean)
    for estimator in [now, earlier]:
        estimator.partial_fit(digits[50:100])
    assert earlier.rbm_ == now.rbm_ and (earlier.h_samples_ == now.h_samples_).all()
    assert earlier.data_mean_ is None and now.data_mean_ is not None
    assert earlier.fit(digits).data_mean_ is not None
    # If it never got a chunk, only its parameters are known.
    fitted = BernoulliRBM(8, random_state=1).fit(digits)
    for name in ["data_mean_", "grey_levels_", "spins_"]:
        del fitted.__dict__[name]
    assert pickle.loads(pickle.dumps(fitted)).partial_fit(digits[:50]).rbm_.data_mean is not None


@pytest.mark.skipif(np.__version__ < "2", reason="the generators in the files are of NumPy 2")
def test_files_of_an_earlier_version_load_and_continue():
    """They were written before `BernoulliRBM` was split: after two epochs of 12 rows, and a chunk."""
    joblib = pytest.importorskip("joblib")
    X = np.array([[0, 0, 0, 0], [0, 1, 1, 0], [1, 0, 1, 0.5], [1, 1, 1, 1]] * 3)
    folder = Path(__file__).parent / "earlier"
    for load, name in [(pickle.load, "estimator.pickle"), (joblib.load, "estimator.joblib")]:
        with open(folder / name, "rb") as file, warnings.catch_warnings():
            # They name another version of scikit-learn.
            warnings.simplefilter("ignore")
            warnings.filterwarnings("error", "a trainer that an earlier version")
            with pytest.raises(RuntimeWarning, match="goes on with other draws"):
                load(file)
            warnings.simplefilter("ignore")
            file.seek(0)
            estimator = load(file)
        assert type(estimator) is BernoulliRBM
        assert estimator.rbm_.sha256().startswith("e628f97e4ea0207c")
        assert estimator.partial_fit(X[5:]).rbm_.sha256().startswith("809963868adeb3fc")
        assert estimator.data_mean_.tolist() == [0.5, 0.5, 0.75, 0.375]
    # Pickles look for the classes there.
    assert (BernoulliRBM.__module__, Dataset.__module__) == ("harmonium._bernoulli_rbm", "harmonium.io")


def test_a_random_state_is_the_seed_and_none_is_numpys(digits):
    def learned(random_state):
        return BernoulliRBM(4, n_iter=1, random_state=random_state).fit(digits).components_

    assert (learned(3) == learned(np.int64(3))).all()
    assert (learned(np.random.RandomState(3)) == learned(np.random.RandomState(3))).all()
    assert (learned(None) != learned(None)).any()
    np.random.seed(0)
    first = learned(None)
    np.random.seed(0)
    assert (learned(None) == first).all()


def test_a_trainer_driven_by_hand_gives_the_same_model(bits):
    trainer = Trainer(bits, **SETTINGS)
    with pytest.raises(ValueError, match="threads is 0"):
        trainer.run(threads=0)
    while trainer.updates < trainer.total_updates:
        trainer.run(until=trainer.updates + 7)
    assert trainer.model == train(bits, **SETTINGS)
    assert trainer.settings["hidden"] == 30
    assert set(trainer.settings) == set(harmonium.default_settings())
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(trainer)


def test_training_continues_from_a_model(bits):
    first = train(bits, **SETTINGS)
    again = train(bits, initial=first, **{**SETTINGS, "learning_rate": 1e-6})
    assert np.abs(again.weights - first.weights).max() < 1e-4
    epochs = []
    train(bits, callback=lambda metrics: epochs.append(metrics["epoch"]) or len(epochs) == 2, **SETTINGS)
    assert epochs == [1, 2]


def test_a_model_survives_pickle_and_files(tmp_path, bits):
    rbm = train(bits, **SETTINGS)
    assert pickle.loads(pickle.dumps(rbm)) == rbm
    rbm.save(tmp_path / "m.safetensors", settings=SETTINGS)
    assert Rbm.load_with_settings(tmp_path / "m.safetensors") == (rbm, SETTINGS)


def test_a_model_keeps_the_mean_of_its_data(tmp_path, digits):
    settings = {**SETTINGS, "epochs": 1}
    rbm = train(digits, **settings)
    assert np.array_equal(rbm.data_mean, digits.mean(axis=0).astype(np.float32))
    cut = train(digits, **settings, binarize="threshold:0.5")
    assert np.array_equal(cut.data_mean, (digits > 0.5).mean(axis=0).astype(np.float32))
    rbm.save(tmp_path / "model.safetensors")
    loaded = Rbm.load(tmp_path / "model.safetensors")
    arguments, keywords = rbm.__getnewargs_ex__()
    for kept in [loaded, pickle.loads(pickle.dumps(rbm)), Rbm(*arguments, **keywords)]:
        assert np.array_equal(kept.data_mean, rbm.data_mean)
    # The mean is not a parameter, and may be missing.
    without = Rbm(rbm.weights, rbm.visible_bias, rbm.hidden_bias)
    assert without.data_mean is None and without == rbm and without.sha256() == rbm.sha256()
    without.save(tmp_path / "model.safetensors")
    assert Rbm.load(tmp_path / "model.safetensors").data_mean is None
    assert pickle.loads(pickle.dumps(without)).data_mean is None
    with pytest.raises(AttributeError):
        rbm.data_mean = None
    for mean, message in [
        (rbm.data_mean[1:], "length of data_mean is 63, but must be 64"),
        (np.full(64, np.inf), "a value of data_mean is inf, but must be finite"),
    ]:
        with pytest.raises(ValueError, match=message):
            Rbm(rbm.weights, rbm.visible_bias, rbm.hidden_bias, mean)


def test_a_damaged_file_is_refused(tmp_path, digits):
    path = tmp_path / "model.safetensors"
    BernoulliRBM(5, n_iter=1, random_state=0).fit(digits).save(path)
    whole = path.read_bytes()
    for at in [100, len(whole) // 2, len(whole) - 1]:
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        for load in [Rbm.load, BernoulliRBM.load]:
            with pytest.raises(ValueError, match="model.safetensors: is damaged"):
                load(path)


def test_an_estimator_keeps_the_mean_of_its_data(tmp_path, digits):
    model = BernoulliRBM(5, n_iter=1, random_state=0).fit(digits)
    expected = digits.mean(axis=0).astype(np.float32)
    model.save(tmp_path / "model.safetensors")
    loaded = BernoulliRBM.load(tmp_path / "model.safetensors")
    for kept in [model, loaded, pickle.loads(pickle.dumps(loaded))]:
        assert np.array_equal(kept.data_mean_, expected)
        assert np.array_equal(kept.rbm_.data_mean, expected)
    # After chunks it is the mean of all chunks, also through pickle and new settings.
    model = BernoulliRBM(5, random_state=0)
    for chunk in np.split(digits[:1000], 10):
        model = pickle.loads(pickle.dumps(model)).partial_fit(chunk)
        model.learning_rate *= 0.9
    assert np.allclose(model.data_mean_, digits[:1000].mean(axis=0), atol=1e-6)
