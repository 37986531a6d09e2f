"""Ratings: predictions of what is missing."""

import json
import pickle
import warnings

import numpy as np
import pytest

import harmonium
from harmonium import CategoricalRBM, Rbm

SETTINGS = dict(missing="absent", hidden=4, epochs=500, batch_size=20, learning_rate=0.3, categories=5)
N, WIDTH = 80, 5


def ratings():
    """Ratings 0 to 4 of films by people with a taste; nobody has rated the last film."""
    rng = np.random.default_rng(0)
    taste = rng.integers(0, 2, N)[:, None]
    stars = np.clip(rng.normal(1 + 2 * taste, 0.7, (N, WIDTH)).round(), 0, 4)
    stars[rng.random(stars.shape) < 0.3] = np.nan
    stars[:, 0], stars[:, -1] = taste[:, 0] * 4, np.nan
    return stars


STARS = ratings()
OTHERS = STARS[:, :-1]


@pytest.fixture(scope="module")
def rbm():
    return harmonium.train(STARS, **SETTINGS)


def by_means(row):
    """mu + r for the last film, by the formula."""
    known = ~np.isnan(STARS)
    n, mu = known.sum(axis=0), STARS[known].mean()
    d = np.nansum(STARS - mu, axis=0) / (n + 5)
    given = ~np.isnan(row)
    return np.clip(mu + (row - mu - d)[given].sum() / (given.sum() + 5), 0, 4)


def test_predictions_are_expected_numbers(rbm):
    with pytest.warns(UserWarning, match="80 predictions are not of the model but by means"):
        found = rbm.predict_ratings(STARS)
    given = ~np.isnan(STARS)
    assert (found[given] == STARS[given]).all()
    with pytest.warns(UserWarning, match="80 predictions"):
        assert (rbm.impute(STARS, expected=True) == found).all()
    fans = found[STARS[:, 0] == 4][:, 1:4][~given[STARS[:, 0] == 4][:, 1:4]]
    foes = found[STARS[:, 0] == 0][:, 1:4][~given[STARS[:, 0] == 0][:, 1:4]]
    assert fans.mean() > foes.mean() + 1 and foes.min() >= 0 and fans.max() <= 4


def test_what_training_lacks_is_predicted_by_means(rbm):
    with pytest.warns(UserWarning):
        found = rbm.predict_ratings(STARS)
    np.testing.assert_allclose(found[:, -1], [by_means(row) for row in STARS], rtol=1e-6)
    # A new person has no ratings: the mean of each film, damped.
    nobody = np.full((1, WIDTH), np.nan)
    with pytest.warns(UserWarning, match="5 predictions"):
        found = rbm.predict_ratings(nobody)[0]
    known = ~np.isnan(STARS)
    mu = STARS[known].mean()
    expected = mu + np.nansum(STARS - mu, axis=0) / (known.sum(axis=0) + 5)
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    # Training leaves such a row out.
    with pytest.warns(UserWarning, match="example 80 has no value at all and is left out"):
        found = harmonium.train(np.concatenate([STARS, nobody]), **SETTINGS)
    assert (found.weights == rbm.weights).all()


def test_entries_are_predicted_from_the_others_of_their_rows(rbm):
    rows, columns = np.nonzero(~np.isnan(OTHERS) & (np.arange(N)[:, None] % 7 == 3))
    hidden = STARS.copy()
    hidden[rows, columns] = np.nan
    with warnings.catch_warnings():
        # A row of which all is asked has no other.
        warnings.simplefilter("ignore")
        expected = rbm.predict_ratings(hidden)[rows, columns]
        found = rbm.predict_ratings(STARS, entries=(rows, columns))
        twice = rbm.predict_ratings(STARS, entries=(rows[[2, 2]], columns[[2, 2]]))
    np.testing.assert_array_equal(found, expected)
    assert twice[0] == twice[1] and found.shape == rows.shape
    assert rbm.predict_ratings(STARS, entries=([], [])).shape == (0,)
    for entries, message in [
        (([80], [0]), "entries have the row 80, but must have those from 0 to 79"),
        (([0], [-1]), "entries have the column -1, but must have those from 0 to 4"),
        (([0, 1], [0]), "entries have 2 rows and 1 columns, but must have as many of both"),
        ([0.5, 1], "entries must be two vectors of whole numbers"),
    ]:
        with pytest.raises(ValueError, match=message):
            rbm.predict_ratings(STARS, entries=entries)


def test_files_pickles_and_the_command_line_predict_the_same(rbm, tmp_path, command_line):
    assert rbm.n_given == (~np.isnan(STARS)).sum(axis=0).tolist()
    with pytest.warns(UserWarning):
        expected = rbm.predict_ratings(STARS)
    rbm.save(tmp_path / "model.safetensors")
    for other in [Rbm.load(tmp_path / "model.safetensors"), pickle.loads(pickle.dumps(rbm))]:
        assert other.n_given == rbm.n_given
        with pytest.warns(UserWarning):
            assert (other.predict_ratings(STARS) == expected).all()
    np.save(tmp_path / "stars.npy", STARS)
    run = harmonium.runs.train(data=tmp_path / "stars.npy", out=tmp_path / "run", **SETTINGS)
    assert run.model.n_given == rbm.n_given
    files = [tmp_path / "run", tmp_path / "stars.npy"]
    command_line("predict", *files, "--fill", "--expected", "--out", tmp_path / "filled.npy")
    np.testing.assert_allclose(np.load(tmp_path / "filled.npy"), expected, rtol=1e-6)


@pytest.mark.parametrize("ending", ["npz", "h5"])
def test_interchange_files_keep_how_many_ratings_there_were(rbm, tmp_path, ending):
    pytest.importorskip("h5py")
    path = tmp_path / f"model.{ending}"
    rbm.save(path)
    other = Rbm.load(path)
    assert other.n_given == rbm.n_given
    with pytest.warns(UserWarning, match="80 predictions"):
        found, expected = other.predict_ratings(STARS), rbm.predict_ratings(STARS)
    np.testing.assert_array_equal(found, expected)
    # Those of other columns are left out.
    set_member(path, "n_given", [1, 2, 3])
    assert Rbm.load(path).n_given is None
    assert Rbm.load(path).columns == rbm.columns
    for value, message in [
        ([[1] * WIDTH], r"n_given has shape \(1, 5\), but must have \(columns,\)"),
        ([0.5] * WIDTH, "n_given is 0.5, but must be one whole number"),
    ]:
        set_member(path, "n_given", value)
        with pytest.raises(ValueError, match=message):
            Rbm.load(path)


def set_member(path, name, value):
    """Another array of this name in a file."""
    if path.suffix == ".npz":
        with np.load(path) as file:
            arrays = dict(file)
        np.savez(path, **{**arrays, name: value})
        return
    import h5py

    with h5py.File(path, "a") as file:
        del file[name]
        file[name] = value


def test_numbers_of_ratings_of_other_columns_are_left_out(rbm, tmp_path):
    path = tmp_path / "model.safetensors"
    rbm.save(path)
    set_facts(path, n_given=[1, 2])
    other = Rbm.load(path)
    assert other.n_given is None and other.predict_ratings(STARS).shape == STARS.shape


def set_facts(path, **facts):
    """Other facts of the training data in a model file."""
    contents = path.read_bytes()
    size = int.from_bytes(contents[:8], "little")
    header = json.loads(contents[8 : 8 + size])
    own = json.loads(header["__metadata__"]["harmonium"])
    # As in files of the first versions.
    del own["checksum"]
    own["data"].update(facts)
    header["__metadata__"]["harmonium"] = json.dumps(own, sort_keys=True)
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + contents[8 + size :])


def test_the_estimator_predicts_what_its_model_does(tmp_path):
    values = [np.arange(1, 6)] * WIDTH
    model = CategoricalRBM(
        4, categories=values, missing="absent", n_iter=60, learning_rate=0.3, batch_size=20, random_state=0
    )
    model.fit(STARS + 1)
    assert model.n_given_ == (~np.isnan(STARS)).sum(axis=0).tolist()
    with pytest.warns(UserWarning, match="80 predictions"):
        found = model.predict_ratings(STARS + 1)
    assert found.min() >= 1 and found.max() <= 5
    np.testing.assert_allclose(found[:, -1], [by_means(row) + 1 for row in STARS], rtol=1e-6)
    model.save(tmp_path / "model.safetensors")
    for other in [CategoricalRBM.load(tmp_path / "model.safetensors"), pickle.loads(pickle.dumps(model))]:
        with pytest.warns(UserWarning, match="80 predictions"):
            assert (other.predict_ratings(STARS + 1) == found).all()
    some = model.predict_ratings(STARS + 1, entries=([3, 1], [0, 1]))
    assert some.shape == (2,)


def test_other_models_have_no_ratings():
    bits = harmonium.train(np.eye(4), hidden=2, epochs=1)
    names = harmonium.train([["a", 1], ["b", 2], ["c", 3]] * 5, categories="auto", hidden=2, epochs=1)
    for rbm in [bits, names]:
        with pytest.raises(ValueError, match="predict_ratings takes a model whose columns all stand for numbers"):
            rbm.predict_ratings(np.zeros((1, 2)))
    # Without missing values in training all columns are known, and nothing is replaced.
    whole = harmonium.train(np.nan_to_num(OTHERS), hidden=4, epochs=5, categories=5)
    assert whole.n_given is None
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert whole.predict_ratings(OTHERS).shape == OTHERS.shape


RANGE = dict(missing="absent", hidden=4, epochs=100, batch_size=20, learning_rate=0.3, categories=(1, 5))


def test_a_range_gives_all_columns_one_scale():
    stars = STARS[:, :-1] + 1
    # Nobody gave the second film less than three.
    stars[:, 1] = np.clip(stars[:, 1], 3, 5)
    with pytest.warns(UserWarning, match="categories = 1..5"):
        narrow = harmonium.train(stars, **{**RANGE, "categories": "auto", "epochs": 1})
    new = np.array([[5, 1, np.nan, np.nan]])
    with pytest.raises(ValueError, match=r'one scale, as ratings do, train with its range by categories="FIRST..LAST"'):
        narrow.predict_ratings(new)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        rbm = harmonium.train(stars, **RANGE)
        assert rbm.predict_ratings(new).shape == (1, 4)
    assert harmonium.train(stars, **{**RANGE, "categories": "1..5"}) == rbm
    halves = harmonium.train(stars / 2, **{**RANGE, "categories": (0.5, 2.5, 0.5)})
    np.testing.assert_array_equal(halves.predict_ratings(new / 2), rbm.predict_ratings(new) / 2)
    estimator = CategoricalRBM(4, categories=(1, 5), missing="absent", n_iter=1).fit(stars)
    assert [list(values) for values in estimator.categories_] == [[1, 2, 3, 4, 5]] * 4
    for wrong in [(5, 1), (1,), (1, 5, 3)]:
        with pytest.raises((ValueError, TypeError), match="categories is"):
            harmonium.train(stars, **{**RANGE, "categories": wrong})


def test_what_a_sparse_matrix_of_ratings_does_not_store_is_missing(tmp_path):
    sparse = pytest.importorskip("scipy.sparse")
    stars = STARS[:, :-1] + 1
    stored = sparse.csr_matrix(np.nan_to_num(stars))
    rbm = harmonium.train(stored, **RANGE)
    assert rbm == harmonium.train(stars, **RANGE)
    np.testing.assert_array_equal(rbm.predict_ratings(stored), rbm.predict_ratings(stars))
    np.testing.assert_array_equal(rbm.impute(stored.tocoo()), rbm.impute(stars))
    entries = ([0, 1], [1, 2])
    np.testing.assert_array_equal(
        rbm.predict_ratings(stored, entries=entries), rbm.predict_ratings(stars, entries=entries)
    )
    run = harmonium.runs.train(data=stored, out=tmp_path / "run", **RANGE)
    assert run.model == rbm
    # A scale with 0 would take each for a rating of 0.
    for categories in [6, "auto", (0, 5)]:
        settings = {**RANGE, "categories": categories}
        with pytest.raises(ValueError, match=r"sparse matrix in whose columns 0 is a value.*categories=\(1, 5\)"):
            harmonium.train(stored, **settings)
        with pytest.raises(ValueError, match="sparse matrix in whose columns 0 is a value"):
            harmonium.runs.train(data=stored, out=tmp_path / "none", **settings)
    dense = harmonium.train(stars, **{**RANGE, "categories": 6, "epochs": 1})
    with pytest.raises(ValueError, match="sparse matrix in whose columns 0 is a value"):
        dense.predict_ratings(stored)
    # Without missing values zeros are states, as ever.
    codes = sparse.csr_matrix(np.nan_to_num(STARS[:, :-1]))
    whole = harmonium.train(codes, hidden=2, epochs=1, categories=5)
    assert whole == harmonium.train(codes.toarray(), hidden=2, epochs=1, categories=5)
    zeros = stored.copy()
    zeros.data[3] = 0
    with pytest.raises(ValueError, match=r"stores zeros, which are no values.*eliminate_zeros"):
        harmonium.train(zeros, **RANGE)


def test_predictions_stay_in_the_order_of_a_frame():
    pandas = pytest.importorskip("pandas")
    names = [f"m{column}" for column in range(STARS.shape[1] - 1)]
    frame = pandas.DataFrame(STARS[:, :-1] + 1, columns=names)
    rbm = harmonium.train(frame, **RANGE)
    mixed = frame[names[::-1]]
    found = rbm.predict_ratings(frame)
    np.testing.assert_array_equal(rbm.predict_ratings(mixed), found[:, ::-1])
    np.testing.assert_array_equal(rbm.impute(mixed), rbm.impute(frame)[:, ::-1])
    places = ([0, 1], [1, 0])
    theirs = (places[0], [len(names) - 1 - column for column in places[1]])
    np.testing.assert_array_equal(
        rbm.predict_ratings(mixed, entries=theirs), rbm.predict_ratings(frame, entries=places)
    )


def test_a_run_reads_marks_and_left_out_columns_as_training_does(tmp_path):
    pandas = pytest.importorskip("pandas")
    sparse = pytest.importorskip("scipy.sparse")
    stars = np.nan_to_num(STARS[:, :-1] + 1)
    settings = {**RANGE, "categories": "auto", "missing_value": 0}
    rbm = harmonium.train(stars, **settings)
    for name, data in [("dense", stars), ("sparse", sparse.csr_matrix(stars))]:
        run = harmonium.runs.train(data, test_data=stars, out=tmp_path / name, **settings)
        assert run.model == rbm and run.model.missing_value == 0, name
    frame = pandas.DataFrame(stars.astype(int)).rename(columns=str)
    named = frame.assign(name=[f"u{row}" for row in range(len(frame))])
    for more in [{}, {"categories": "auto"}]:
        bits = named.assign(**{name: frame[name] > 2 for name in frame.columns}) if not more else named
        run = harmonium.runs.train(
            bits, test_data=bits, ignore=["name"], out=tmp_path / f"ignore-{len(more)}", hidden=2, epochs=1, **more
        )
        assert run.model.n_visible == (frame.shape[1] if not more else run.model.n_visible)
    with pytest.raises(ValueError, match="ignore is 'other', but must be names of columns"):
        harmonium.runs.train(named, ignore=["other"], out=tmp_path / "none")
    with pytest.raises(ValueError, match="sparse matrix in whose columns 0 is a value"):
        harmonium.CategoricalRBM(2, missing="absent", n_iter=1).fit(sparse.csr_matrix(stars))
    with pytest.raises(ValueError, match="sparse matrix in whose columns 0 is a value"):
        harmonium.sweep(
            tmp_path / "sweep", data=sparse.csr_matrix(stars), vary={"hidden": [2]}, missing="absent", categories="auto"
        )
