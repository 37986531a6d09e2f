"""An array means the same in every call: bits, grey levels of a known scale or spins, or an error."""

import copy
import pickle
import warnings

import numpy as np
import pytest

from harmonium import BernoulliRBM, Rbm, Trainer, io, train

scipy_sparse = pytest.importorskip("scipy.sparse")

SETTINGS = {"hidden": 12, "epochs": 2, "batch_size": 50, "seed": 3}
WAYS_OUT = (
    r"is 2, but must be 0 or 1, or a grey level from 0 to 255 with the largest above 127; turn others into "
    r"bits by a threshold, such as x > 0 in NumPy, or if these are grey levels up to N, declare them by "
    r"grey_levels=N"
)


@pytest.fixture(scope="module")
def images(digits):
    """Grey levels from 0 to 255."""
    return (digits * 255).astype(np.uint8)


@pytest.fixture(scope="module")
def grey_rbm(images):
    with pytest.warns(UserWarning, match="taken as grey levels of 255, because the largest is above 127"):
        return train(images, **SETTINGS)


def genotypes(kind=np.int64):
    return np.random.RandomState(0).randint(0, 3, (100, 20)).astype(kind)


def methods(rbm):
    """The methods that take rows v."""
    return {
        "mean_hidden": rbm.mean_hidden,
        "mean_hidden f64": lambda v: rbm.mean_hidden(v, dtype="float64"),
        "free_energy": rbm.free_energy,
        "pseudo_likelihood": rbm.pseudo_likelihood,
        "of units": lambda v: rbm.pseudo_likelihood(v, units=np.arange(v.shape[0]) % 7),
        "reconstruct": lambda v: rbm.reconstruct(v, seed=1),
        "gibbs": lambda v: rbm.gibbs(v, gibbs_steps=3, seed=1),
        "log_likelihood": lambda v: rbm.log_likelihood(v, method="exact").mean,
    }


def test_a_model_reads_grey_levels_as_it_learned_them(images, grey_rbm):
    assert (grey_rbm.grey_levels, grey_rbm.spins) == (255, False)
    bits = (images > 127).astype(np.uint8)
    with warnings.catch_warnings():
        # The model records what integers mean, so there is no warning.
        warnings.simplefilter("error")
        for chunk in [images[:300], images[:5], np.minimum(images[:40], 3)]:
            for name, method in methods(grey_rbm).items():
                expected = method(chunk / 255)
                kinds = chunk, chunk.astype(np.int64), np.asfortranarray(chunk.astype(np.uint16))
                for v in [*kinds, scipy_sparse.csr_array(chunk)]:
                    np.testing.assert_array_equal(method(v), expected, name)
        for name, method in methods(grey_rbm).items():
            np.testing.assert_array_equal(method(bits), method(bits.astype(float)), name)
        score, of_intensities = (grey_rbm.pseudo_likelihood(v).mean() for v in (images, images / 255))
    assert score == of_intensities and -64 < score < -10
    with pytest.raises(ValueError, match="is 300, but must be a grey level from 0 to 255"):
        grey_rbm.mean_hidden(np.full((1, 64), 300))


def test_the_record_stays_with_the_model(tmp_path, images, grey_rbm):
    grey_rbm.save(tmp_path / "m.safetensors", settings=SETTINGS)
    trainer = Trainer(images, grey_levels=255, **SETTINGS)
    for rbm in [
        pickle.loads(pickle.dumps(grey_rbm)),
        copy.deepcopy(grey_rbm),
        Rbm.load(tmp_path / "m.safetensors"),
        Rbm.load_with_settings(tmp_path / "m.safetensors")[0],
        trainer.model,
        trainer.rbm,
    ]:
        assert (rbm.grey_levels, rbm.spins) == (255, False)
    spins = Rbm(np.eye(2), np.zeros(2), np.zeros(2), spins=True)
    for ending in ["npz", "h5"]:
        if ending == "h5":
            pytest.importorskip("h5py")
        for rbm in [grey_rbm, spins]:
            path = tmp_path / f"{rbm.n_visible}.{ending}"
            io.write_model(path, rbm)
            found = io.read_model(path)
            assert found == rbm
            assert (found.grey_levels, found.spins) == (rbm.grey_levels, rbm.spins)
    estimator = BernoulliRBM.load(tmp_path / "m.safetensors")
    assert estimator.rbm_.grey_levels == 255
    np.testing.assert_array_equal(estimator.score_samples(images), grey_rbm.pseudo_likelihood(images))
    plain = Rbm(np.eye(2), np.zeros(2), np.zeros(2))
    assert (plain.grey_levels, plain.spins) == (None, False)
    for wrong in [{"grey_levels": 0}, {"grey_levels": 65_536}, {"grey_levels": 5, "spins": True}]:
        with pytest.raises(ValueError, match="but must be"):
            Rbm(np.eye(2), np.zeros(2), np.zeros(2), **wrong)


def test_the_command_line_and_python_read_each_others_models(command_line, tmp_path, images):
    few = images // 16
    np.save(tmp_path / "few.npy", few)
    flags = [f"--{name.replace('_', '-')}={value}" for name, value in SETTINGS.items()]
    run = ["train", "--quiet", "--no-report", "--data", tmp_path / "few.npy", "--grey-levels", 15]
    command_line(*run, "--out", tmp_path / "run", *flags)
    theirs = Rbm.load(tmp_path / "run" / "model.safetensors")
    ours = train(few, grey_levels=15, **SETTINGS)
    assert ours == theirs and ours.grey_levels == theirs.grey_levels == 15
    ours.save(tmp_path / "ours.safetensors")
    out = tmp_path / "features.npy"
    data = ["--binarize", "none", "--out", out]
    command_line("transform", tmp_path / "ours.safetensors", tmp_path / "few.npy", *data)
    np.testing.assert_array_equal(np.load(out), ours.mean_hidden(few / 15))


@pytest.mark.parametrize("kind", [np.uint8, np.int64, "sparse", "list"])
def test_genotypes_are_refused_in_every_call(tmp_path, kind):
    X = genotypes(np.uint8 if isinstance(kind, str) else kind)
    X = scipy_sparse.csr_array(X) if kind == "sparse" else X.tolist() if kind == "list" else X
    bits = (genotypes() > 0).astype(np.uint8)
    rbm = train(bits, **SETTINGS)
    online = Trainer.online(bits, hidden=3, chains=5, epochs=9)
    calls = [
        lambda: train(X, **SETTINGS),
        lambda: train(bits, held_out=X, **SETTINGS),
        lambda: Trainer(X, as_numbers=True, **SETTINGS),
        lambda: Trainer.online(X, hidden=3, chains=5),
        lambda: online.update_on(X),
    ]
    if kind != "list":
        calls += [lambda method=method: method(X) for method in methods(rbm).values()]
    if not isinstance(kind, str):
        calls += [lambda: io.write_dataset(tmp_path / "data.npz", X)]
        np.savez(tmp_path / "genotypes.npz", samples=X)
        calls += [lambda: io.read_dataset(tmp_path / "genotypes.npz")]
    for call in calls:
        with pytest.raises(ValueError, match=WAYS_OUT):
            call()


def test_genotypes_with_a_declared_scale_are_their_intensities(tmp_path):
    X = genotypes()
    assert train(X, grey_levels=2, **SETTINGS) == train(X / 2, **SETTINGS)
    sparse = scipy_sparse.csr_array(X)
    assert train(sparse, grey_levels=2, **SETTINGS) == train(X / 2, **SETTINGS)
    np.savez(tmp_path / "genotypes.npz", samples=X)
    found = io.read_dataset(tmp_path / "genotypes.npz", grey_levels=2).samples
    assert found.dtype == np.float32 and (found == X / 2).all()
    io.write_dataset(tmp_path / "data.npz", X, grey_levels=2)
    assert (io.read_dataset(tmp_path / "data.npz").samples == X / 2).all()


@pytest.mark.parametrize("kind", ["float64", "float32", "float16", "sparse", "file"])
def test_whole_reals_are_grey_levels_where_these_are_declared(tmp_path, kind):
    X = genotypes(np.float64 if kind in ("sparse", "file") else kind)
    data = scipy_sparse.csr_array(X) if kind == "sparse" else X
    if kind == "file":
        data = tmp_path / "genotypes.npy"
        np.save(data, X)
    rbm = train(data, grey_levels=2, **SETTINGS)
    assert rbm == train(genotypes(), grey_levels=2, **SETTINGS) and rbm.grey_levels == 2
    for name, method in methods(rbm).items():
        np.testing.assert_array_equal(method(X), method(genotypes()), name)
    # Numbers that are intensities already stay as they are.
    assert train(X / 2, grey_levels=2, **SETTINGS) == rbm
    np.testing.assert_array_equal(rbm.free_energy(X / 2), rbm.free_energy(X))
    with pytest.raises(ValueError, match="is 3, but must be a grey level from 0 to 2"):
        train(X + 1, grey_levels=2, **SETTINGS)
    with pytest.raises(ValueError, match="is 2, but must be"):
        train(X, **SETTINGS)


def test_bits_with_a_stray_2_are_refused_and_bits_are_learned():
    bits = np.random.RandomState(0).randint(0, 2, (500, 20)).astype(np.uint8)
    assert 0.4 < train(bits, **SETTINGS).sample(2000, gibbs_steps=50).mean() < 0.6
    bits[17, 4] = 2
    with pytest.raises(ValueError, match="example 17, unit 4 " + WAYS_OUT):
        train(bits, **SETTINGS)


@pytest.mark.parametrize("kind", [np.int8, np.float64, "sparse"])
def test_spins_are_bits_if_they_are_declared(tmp_path, kind):
    bits = np.random.RandomState(0).randint(0, 2, (200, 20)).astype(np.int8)
    spins = 2 * bits - 1
    X = scipy_sparse.csr_array(spins) if kind == "sparse" else spins.astype(kind)
    with pytest.raises(ValueError, match=r"is -1, but must be 0 or 1; if these are spins, declare them by spins=True"):
        train(X, **SETTINGS)
    of_bits, rbm = train(bits, **SETTINGS), train(X, spins=True, **SETTINGS)
    assert rbm == of_bits and rbm.spins and not of_bits.spins
    for name, method in methods(rbm).items():
        expected = methods(of_bits)[name](bits)
        expected = 2 * expected.astype(int) - 1 if name == "gibbs" else expected
        np.testing.assert_array_equal(method(X), expected, name)
        np.testing.assert_array_equal(method(bits), expected, name)
    samples = rbm.sample(30, gibbs_steps=5)
    assert samples.dtype == rbm.gibbs(bits).dtype == rbm.sample(0).dtype == np.int8
    assert (samples == 2 * of_bits.sample(30, gibbs_steps=5).astype(int) - 1).all()
    starts = rbm.sample(30, gibbs_steps=0, start=samples)
    assert (starts == samples).all()
    with pytest.raises(ValueError, match="is 0, but must be -1 or 1, as declared by spins"):
        rbm.mean_hidden(np.where(np.arange(20) == 3, 0, spins[:1]))
    rbm.save(tmp_path / "m.safetensors")
    again = pickle.loads(pickle.dumps(Rbm.load(tmp_path / "m.safetensors")))
    assert again.spins
    estimator = BernoulliRBM.load(tmp_path / "m.safetensors")
    assert (estimator.transform(spins) == of_bits.mean_hidden(bits, dtype="float64")).all()
    assert estimator.sample(3).dtype == np.int8


def test_masked_arrays_are_refused_in_every_call(tmp_path, digits):
    X = np.ma.masked_array(digits, mask=False)
    holes = np.ma.masked_greater(digits, 0.9)
    rbm, estimator = train(digits, **SETTINGS), BernoulliRBM(4, n_iter=1, random_state=0).fit(digits)
    online = Trainer.online(digits, hidden=3, chains=5, binarize="none")
    for X in [X, holes]:
        calls = [
            lambda: train(X, **SETTINGS),
            lambda: train(digits, held_out=X, **SETTINGS),
            lambda: Trainer(X, **SETTINGS),
            lambda: Trainer.online(X, hidden=3, chains=5),
            lambda: online.update_on(X),
            lambda: rbm.sample(3, start=X),
            lambda: rbm.mean_visible(X[:, :12]),
            lambda: rbm.conditional_mean(X, np.arange(3)),
            lambda: rbm.conditional_mean(digits, X[0] > 0.5),
            lambda: rbm.sample(3, clamp=X[0]),
            lambda: io.write_dataset(tmp_path / "data.npz", X),
            lambda: io.write_dataset(tmp_path / "data.npz", digits, X[:, 0]),
            lambda: estimator.fit(X),
            lambda: estimator.partial_fit(X),
            lambda: estimator.transform(X),
            lambda: estimator.score(X),
            lambda: estimator.gibbs(X),
            lambda: estimator.gibbs(X[0]),
            lambda: estimator.sample(3, start=X),
        ]
        # What a log-likelihood does not know is summed out.
        of_rows = [method for name, method in methods(rbm).items() if name != "log_likelihood"]
        calls += [lambda method=method: method(X) for method in of_rows]
        for call in calls:
            with pytest.raises(ValueError, match="is a masked array, but missing values cannot"):
                call()


def test_the_estimator_takes_bytes_as_grey_levels_and_other_integers_as_numbers(images):
    of_floats = BernoulliRBM(8, random_state=0).fit(images / 255)
    for X in [images, scipy_sparse.csr_array(images)]:
        with pytest.warns(UserWarning, match="above 127: they are taken as grey levels") as caught:
            rbm = BernoulliRBM(8, random_state=0).fit(X)
        assert len(caught) == 1 and rbm.grey_levels_ == 255
        assert (rbm.components_ == of_floats.components_).all()
    chunk = np.minimum(images[:50], 3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for name in ["transform", "score_samples", "free_energy", "reconstruct"]:
            found, expected = getattr(rbm, name)(chunk), getattr(of_floats, name)(chunk / 255)
            np.testing.assert_array_equal(found, expected, name)
        again = pickle.loads(pickle.dumps(rbm))
        assert (again.transform(chunk) == rbm.transform(chunk)).all()
        again.partial_fit(chunk)
        of_floats.partial_fit(chunk / 255)
        assert (again.components_ == of_floats.components_).all()
        # A single bright pixel makes all of X grey levels, also for the training rows without it.
        dark = np.minimum(images, 100)
        dark[7, 7] = 255
    with pytest.warns(UserWarning, match="grey levels"):
        early = BernoulliRBM(4, n_iter=2, early_stopping=True, random_state=0).fit(dark)
    expected = BernoulliRBM(4, n_iter=2, early_stopping=True, random_state=0).fit(dark / 255)
    assert (early.components_ == expected.components_).all()

    for counts in [images // 64, images.astype(np.int64), genotypes()]:
        with pytest.warns(UserWarning, match=r"outside \[0, 1\].*X / 255.*X > 0") as caught:
            rbm = BernoulliRBM(4, n_iter=1, learning_rate=1e-4, random_state=0).fit(counts)
        assert len(caught) == 1 and rbm.grey_levels_ is None
        with warnings.catch_warnings():
            # Once for a fitted model.
            warnings.simplefilter("error")
            found = rbm.transform(counts)
        assert (found == rbm.transform(counts.astype(float))).all()
    # New data replace the record.
    assert early.fit(images / 255).grey_levels_ is None


def test_datasets_of_bytes_are_grey_levels(tmp_path, images):
    np.savez(tmp_path / "images.npz", samples=images)
    with pytest.warns(UserWarning, match="taken as grey levels of 255"):
        found = io.read_dataset(tmp_path / "images.npz").samples
    np.testing.assert_array_equal(found, (images / 255).astype(np.float32))
    with pytest.raises(ValueError, match=r"\.npz: samples: X: .*if these are spins, declare them"):
        io.write_dataset(tmp_path / "spins.npz", [[-1, 1]])
