"""Columns of categories: the estimator, `train`, and what a model of them takes and gives."""

import itertools
import pickle

import numpy as np
import pytest
from sklearn.base import clone

from checks import assert_all_pass
import harmonium
from harmonium import BernoulliRBM, CategoricalRBM, Rbm, Trainer, train

PEOPLE = [["red", 3, True], ["blue", 1, False], ["green", 2, False]] * 20


def states(n_rows=100, n_columns=3, q=5, seed=0):
    return np.random.default_rng(seed).integers(q, size=(n_rows, n_columns))


def potts(sites=(3, 1, 4), n_hidden=2, seed=0):
    """A model of sites of these sizes."""
    draw = np.random.default_rng(seed).standard_normal
    n_visible = sum(sites)
    return Rbm(draw((n_visible, n_hidden)), draw(n_visible), draw(n_hidden), columns=list(sites))


def values_of(sites):
    """All rows of values of these sites."""
    return np.array(list(itertools.product(*(range(max(q, 2)) for q in sites))))


def frame():
    pandas = pytest.importorskip("pandas")
    return pandas.DataFrame(
        {
            "colour": pandas.Categorical(["red", "blue", "green"] * 20),
            "n": [3, 1, 2] * 20,
            "smokes": [True, False, False] * 20,
            "name": ["x", "y", "y"] * 20,
        }
    )


@pytest.mark.filterwarnings("ignore")
def test_every_check_of_scikit_learn_passes_but_those_with_a_reason():
    # Before 1.6 it had no checks for categorical input.
    assert_all_pass(CategoricalRBM(), least=0)


def test_values_of_all_kinds_are_states_and_come_back():
    model = CategoricalRBM(4, random_state=0).fit(PEOPLE)
    assert [values.tolist() for values in model.categories_] == [
        ["blue", "green", "red"],
        [1, 2, 3],
        [False, True],
    ]
    # A column of False and True is a bit.
    assert model.rbm_.sites == [3, 3, 1] and model.components_.shape == (4, 7)
    assert model.n_features_in_ == 3
    step = model.gibbs(PEOPLE)
    assert step.shape == (60, 3) and {type(value) for value in step[0]} == {str, int, bool}
    samples = model.sample(50, n_gibbs_steps=10, random_state=1)
    assert (samples == model.sample(50, n_gibbs_steps=10, random_state=1)).all()
    assert (model.sample(3, n_gibbs_steps=0, start=PEOPLE[:3]) == np.array(PEOPLE[:3], object)).all()
    assert model.transform(samples).shape == (50, 4)
    assert model.sample(0).shape == (0, 3)


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float32, "U"])
def test_an_array_of_one_type_gives_samples_of_it(dtype):
    X = states().astype(dtype)
    model = CategoricalRBM(4, n_iter=1, random_state=0).fit(X)
    samples = model.sample(20, n_gibbs_steps=2, random_state=0)
    assert np.isin(samples, X).all()
    assert samples.dtype == (object if dtype == "U" else dtype)
    # The same categories are the same model, whatever they are called.
    same = CategoricalRBM(4, n_iter=1, random_state=0).fit(states())
    assert (model.components_ == same.components_).all()
    np.testing.assert_array_equal(model.score_samples(X), same.score_samples(states()))


def test_a_frame_gives_a_frame_with_its_names_and_types():
    people = frame()
    model = CategoricalRBM(4, random_state=0).fit(people)
    samples = model.sample(10, n_gibbs_steps=5, random_state=0)
    assert list(samples.columns) == list(people.columns) == list(model.feature_names_in_)
    assert (samples.dtypes == people.dtypes).all()
    assert model.rbm_.sites == [3, 3, 1, 2]
    # A frame is read by its names, as scikit-learn asks.
    with pytest.raises(ValueError, match="feature names"):
        model.transform(people.rename(columns={"n": "number"}))
    with pytest.raises(ValueError, match=r'example 2, column 1 \("colour"\) is "violet", but must be one'):
        strange = people.astype({"colour": object})
        strange.loc[2, "colour"] = "violet"
        model.transform(strange)


def test_frames_of_polars_are_read():
    polars = pytest.importorskip("polars")
    people = polars.DataFrame({"colour": ["red", "blue", "green"] * 20, "n": [3, 1, 2] * 20})
    rbm = train(people, categories="auto", hidden=3, epochs=2)
    assert rbm.sites == [3, 3]
    assert rbm.mean_hidden(people[:5]).shape == (5, 3)


def test_categories_are_declared_as_for_a_one_hot_encoder():
    X = states(q=3)
    declared = CategoricalRBM(4, categories=[[0, 1, 2, 3]] * 3, random_state=0).fit(X)
    assert declared.rbm_.sites == [4, 4, 4]
    assert declared.transform([[3, 3, 3]]).shape == (1, 4)
    counted = CategoricalRBM(4, categories=4, random_state=0).fit(X)
    assert (declared.components_ == counted.components_).all()
    texts = CategoricalRBM(4, categories=[["c", "a", "b"]], random_state=0).fit([["a"], ["b"]] * 9)
    assert texts.categories_[0].tolist() == ["c", "a", "b"]


def test_each_bad_input_has_its_message():
    X = states(q=3)
    for categories, data, message in [
        ([[0, 1]] * 3, X, "column 1 is 2, but must be one of 0, 1: categories declares no others"),
        ([[0, 1]], X, "categories has 1 lists, but must have 3, one for each column of X"),
        ([[0, 1], [3], [0, 1]], X, "categories must hold, for column 2, a list of from 2 to 255 values"),
        (7.5, X, 'categories is 7.5, but must be "auto", a range such as (1, 5), a number of states'),
        (256, X, "categories is 256, but must be `auto`, a range of numbers such as 1..5, or a number of states"),
        ("some", X, "categories is some, but must be `auto`"),
        ("auto", [["a", "x"], ["a", "y"]], "column 1 holds only the value a and is left out: there is nothing to learn in it; leave it out of X"),
        ("auto", [["a", 1], ["b", 2], [None, 1]], "example 2, column 1 is NaN or has no value\nIt can train on"),
        ("auto", [[1.0, 1], [2.0, 2], [np.nan, 1]], 'is NaN or has no value\nIt can train on missing values with missing="'),
        ("auto", [[1.0], [np.inf]], "example 1, unit 0 is inf, but must be finite"),
        ("auto", np.random.default_rng(0).normal(size=(50, 1)), "so it holds measurements"),
        ("auto", [[str(n)] for n in range(50)], "as names do, so there is nothing to learn"),
        ("auto", ["a", "b"], "Expected 2D array, got 1 dimensions"),
        ("auto", [["a"]], "X has 1 sample, in which a column has one value: declare categories"),
    ]:
        with pytest.raises((ValueError, TypeError)) as caught:
            CategoricalRBM(2, categories=categories).fit(data)
        assert message in str(caught.value), caught.value


def test_weights_count_as_repeated_rows_do():
    X, weights = states(q=3), np.random.default_rng(1).integers(1, 4, 100)
    settings = dict(n_iter=0, random_state=0)
    weighted = CategoricalRBM(4, **settings).fit(X, sample_weight=weights)
    repeated = CategoricalRBM(4, **settings).fit(np.repeat(X, weights, axis=0))
    np.testing.assert_allclose(weighted.data_mean_, repeated.data_mean_, rtol=1e-6)
    same = CategoricalRBM(4, random_state=0).fit(X, sample_weight=np.full(100, 3))
    assert (same.components_ == CategoricalRBM(4, random_state=0).fit(X).components_).all()


def test_it_learns_which_values_belong_together():
    rng = np.random.default_rng(0)
    kind = rng.integers(3, size=300)
    X = np.column_stack([kind, (kind + rng.integers(2, size=300)) % 3, rng.integers(4, size=300)])
    settings = dict(learning_rate=0.3, n_iter=200, batch_size=50, centering=True, random_state=0)
    model = CategoricalRBM(12, **settings).fit(X)
    first = CategoricalRBM(12, **{**settings, "n_iter": 0}).fit(X)
    assert model.log_likelihood(X).mean > first.log_likelihood(X).mean + 0.3
    samples = model.sample(2000, n_gibbs_steps=50, random_state=0)
    # Two of three values of the second column go with each value of the first.
    assert ((samples[:, 1] - samples[:, 0]) % 3 < 2).mean() > 0.9
    stopped = CategoricalRBM(8, **{**settings, "early_stopping": True}).fit(X)
    assert "validation_score" in stopped.history_[0]


@pytest.mark.parametrize("missing", ["absent", "marginal"])
def test_cells_without_a_value_are_learned_from_and_filled(missing):
    pandas = pytest.importorskip("pandas")
    whole = [["red", 1.0], ["blue", 2.0], ["green", 3.0]] * 30
    holes = [(4, 0), (10, 1), (47, 0), (80, 1)]
    cells = [list(row) for row in whole]
    for row, column in holes:
        cells[row][column] = None
    settings = dict(learning_rate=0.3, n_iter=100, random_state=0, missing=missing, batch_size=30)
    model = CategoricalRBM(12, **settings).fit(cells)
    assert [values.tolist() for values in model.categories_] == [["blue", "green", "red"], [1.0, 2.0, 3.0]]
    assert model.impute(cells).tolist() == whole
    frame = pandas.DataFrame(cells, columns=["colour", "n"])
    of_frame = CategoricalRBM(12, **settings).fit(frame)
    assert (of_frame.components_ == model.components_).all()
    assert of_frame.impute(frame).values.tolist() == whole
    numbers = np.array([[["red", "blue", "green"].index(colour), n] for colour, n in whole])
    is_hole = np.zeros(numbers.shape, bool)
    is_hole[tuple(zip(*holes))] = True
    for X in [np.where(is_hole, np.nan, numbers), np.ma.masked_array(numbers, is_hole)]:
        assert (CategoricalRBM(12, **settings).fit(X).impute(X) == numbers).all()
    with pytest.raises(ValueError, match="example 4, column 1 is NaN or has no value: fill what is missing by impute"):
        model.transform(cells)
    algorithm = "cd" if missing == "absent" else "pcd"
    trainer = Trainer(frame, categories="auto", missing=missing, hidden=8, epochs=20, algorithm=algorithm)
    trainer.run()
    rbm = trainer.model
    assert rbm.sites == [3, 3] and rbm.missing == missing and not np.isnan(rbm.impute(frame)).any()
    if missing == "absent":
        with pytest.raises(ValueError, match=r'column 1 \("colour"\) has no value'):
            rbm.free_energy(frame)
        return
    # The colour of example 4 is summed out.
    fills = [(colour, cells[4][1]) for colour in ["blue", "green", "red"]]
    summed = -np.logaddexp.reduce(-rbm.free_energy(pandas.DataFrame(fills, columns=frame.columns)))
    np.testing.assert_allclose(rbm.free_energy(frame)[4], summed, rtol=1e-9)


def test_hidden_states_are_turned_back_into_the_values_that_they_make_likely():
    people = [["blue", False], ["green", True], ["red", True]]
    model = CategoricalRBM(3, n_iter=0, random_state=0).fit(people)
    # A hidden unit for each colour; that of blue says False.
    model.components_ = np.array([[20.0, 0, 0, -20], [0, 20, 0, 0], [0, 0, 20, 0]])
    model.intercept_hidden_, model.intercept_visible_ = np.full(3, -10.0), np.array([0, 0, 0, 10.0])
    assert model.inverse_transform(model.transform(people)).tolist() == people
    assert model.inverse_transform(np.eye(3, dtype=bool)).tolist() == people


def test_an_estimator_survives_clone_pickle_and_a_file(tmp_path):
    people = frame()
    model = CategoricalRBM(4, categories="auto", learning_rate=0.05, random_state=3).fit(people)
    assert (clone(model).fit(people).components_ == model.components_).all()
    copy = pickle.loads(pickle.dumps(model))
    assert (copy.transform(people) == model.transform(people)).all()
    assert copy.sample(3, random_state=0).equals(model.sample(3, random_state=0))
    model.save(tmp_path / "model.safetensors")
    read = CategoricalRBM.load(tmp_path / "model.safetensors")
    assert read.get_params()["learning_rate"] == 0.05
    assert (read.transform(people) == model.transform(people)).all()
    assert list(read.feature_names_in_) == list(people.columns)
    values = [values.tolist() for values in read.categories_]
    assert values == [["blue", "green", "red"], [1, 2, 3], [False, True], ["x", "y"]]
    with pytest.raises(ValueError, match="a model of categories: load it by CategoricalRBM.load"):
        BernoulliRBM.load(tmp_path / "model.safetensors")
    BernoulliRBM(2, n_iter=1).fit(np.eye(3)).save(tmp_path / "bits.safetensors")
    with pytest.raises(ValueError, match="a model of bits or numbers without classes: load it by BernoulliRBM.load"):
        CategoricalRBM.load(tmp_path / "bits.safetensors")


def test_the_command_line_reads_what_the_estimator_saves(tmp_path, command_line):
    people = frame()
    CategoricalRBM(4, random_state=0).fit(people).save(tmp_path / "model.safetensors")
    people.to_csv(tmp_path / "people.csv", index=False)
    command_line("sample", tmp_path / "model.safetensors", "--out", tmp_path / "new.csv", "-n", 3)
    lines = (tmp_path / "new.csv").read_text().splitlines()
    assert lines[0] == "colour,n,smokes,name" and len(lines) == 4
    # It reads the same values from a file of the frame.
    found = command_line("evaluate", tmp_path / "model.safetensors", "--data", tmp_path / "people.csv")
    mean = CategoricalRBM.load(tmp_path / "model.safetensors").log_likelihood(people).mean
    assert f"{mean:.3f} nats" in found


# ---- `train`, `Trainer` and `Rbm`


def test_train_gives_a_model_of_columns():
    X = states()
    rbm = train(X, categories=5, hidden=3, epochs=3, batch_size=10, weights=np.arange(100))
    assert rbm.sites == [5, 5, 5] and rbm.weights.shape == (15, 3)
    assert rbm == train(X, categories="auto", hidden=3, epochs=3, batch_size=10, weights=np.arange(100))
    trainer = Trainer(X, categories=5, held_out=X[:10], hidden=3, epochs=1)
    trainer.run()
    assert trainer.metrics()["pseudo_likelihood"] < 0
    other = train(X[:50], categories=rbm.columns, initial=rbm, epochs=1)
    assert other.columns == rbm.columns
    ignored = train(frame(), categories="auto", ignore=["name", "n"], hidden=2, epochs=1)
    assert ignored.sites == [3, 1]
    for keywords, message in [
        (dict(categories=5, grey_levels=4), "grey_levels is given, but must be left out with categories"),
        (dict(categories=5, spins=True), "spins is given, but must be left out with categories"),
        (dict(ignore=["1"]), "ignore is given, but has no effect without categories"),
        (dict(categories=[]), "categories is \\[\\], but must be"),
    ]:
        with pytest.raises((ValueError, TypeError), match=message):
            train(X, hidden=2, epochs=1, **keywords)


def test_a_model_of_sites_is_summed_exactly():
    rbm = potts()
    X = values_of((3, 1, 4))
    log_z = np.logaddexp.reduce(-rbm.free_energy(X))
    score = rbm.log_likelihood(X)
    assert score.log_z == pytest.approx(log_z, abs=1e-6)
    p = np.exp(-rbm.free_energy(X) - log_z)
    # Conditional means of the units of a free column, given the others.
    given = rbm.conditional_mean(X[:1], clamped=[1, 2])
    agree = (X[:, 1:] == X[0, 1:]).all(axis=1)
    np.testing.assert_allclose(given[0, :3], p[agree] / p[agree].sum(), atol=1e-6)
    assert given[0, 3] == X[0, 1]
    scores = rbm.pseudo_likelihood(X)
    of_sites = [rbm.pseudo_likelihood(X, units=[site] * len(X)) / 3 for site in range(3)]
    np.testing.assert_allclose(scores, np.sum(of_sites, axis=0), rtol=1e-9)


def test_samples_are_values_and_clamped_columns_keep_theirs():
    rbm = potts()
    samples = rbm.sample(200, gibbs_steps=5)
    assert samples.shape == (200, 3) and samples.dtype == np.uint8
    assert (samples.max(axis=0) == [2, 1, 3]).all()
    assert (rbm.gibbs(samples, gibbs_steps=0) == samples).all()
    assert (rbm.sample(50, gibbs_steps=5, clamp={2: 3})[:, 2] == 3).all()
    assert (rbm.sample(50, gibbs_steps=5, clamp=[np.nan, 1, None])[:, 1] == 1).all()
    people = train(frame(), categories="auto", hidden=2, epochs=2)
    colours = ["blue", "green", "red"]
    clamped = people.sample(20, gibbs_steps=5, clamp={"colour": "green", "n": 2})
    assert (clamped[:, :2] == [colours.index("green"), 2]).all()
    for clamp, message in [
        ({7: 1}, "clamp names the columns"),
        ({"colour": "violet"}, 'column 1 is "violet", but must be one of blue, green, red'),
        ([1, 2], "clamp has 2 values, but must have one for each of the 4 columns"),
    ]:
        with pytest.raises(ValueError, match=message):
            people.sample(2, clamp=clamp)


def test_sequences_are_read_as_texts(tmp_path):
    path = tmp_path / "four.fasta"
    path.write_text(">a\nHPHP\n>b\nPHPH\n>c\nHHPP\n")
    out = harmonium.runs.train(data=str(path), alphabet="HP", hidden=2, epochs=2, out=tmp_path / "run")
    rbm = out.model
    assert rbm.columns["sequences"]["alphabet"] == "HP"
    found = rbm.free_energy(["HPHP", "PPPP"])
    np.testing.assert_array_equal(found, rbm.free_energy([[0, 1, 0, 1], [1, 1, 1, 1]]))
    with pytest.raises(ValueError, match="example 0 has 2 sites, but the model has|example 1 has 4 sites, but example 0 has 2"):
        rbm.free_energy(["HP", "HPHP"])
    with pytest.raises(ValueError, match="letters outside the alphabet HP: X once, first at site 2 of example 0"):
        rbm.free_energy(["HXHP"])


def test_a_model_of_columns_survives_pickle_and_files(tmp_path):
    for rbm in [potts(), train(frame(), categories="auto", hidden=2, epochs=2)]:
        copy = pickle.loads(pickle.dumps(rbm))
        assert copy == rbm and copy.columns == rbm.columns and copy.history == rbm.history
        for name in ["a.safetensors", "a.npz"]:
            rbm.save(tmp_path / name)
            read = Rbm.load(tmp_path / name)
            assert read == rbm and read.columns == rbm.columns
    with pytest.raises(ValueError, match="the number of units of all sites is 4, but must be 3"):
        Rbm(np.zeros((3, 2)), np.zeros(3), np.zeros(2), columns=[4])
    with pytest.raises(ValueError, match="column 2 has 300 states, but must have from 2 to 255"):
        Rbm(np.zeros((3, 2)), np.zeros(3), np.zeros(2), columns=[3, 300])


def test_the_history_of_a_model_is_pickled():
    rbm = train(np.eye(4), hidden=2, epochs=2, batch_size=2)
    assert len(rbm.history) == 2
    assert pickle.loads(pickle.dumps(rbm)).history == rbm.history
    with pytest.raises(ValueError, match="history must hold metrics as"):
        Rbm([[0.0]], [0.0], [0.0], history=[{"epochs": 3}])


def test_the_zero_sum_gauge_is_the_same_model():
    rbm = potts()
    gauged, X = rbm.zero_sum_gauge(), values_of((3, 1, 4))
    assert gauged.columns == rbm.columns
    for units in (slice(0, 3), slice(4, 8)):
        assert abs(gauged.visible_bias[units].sum()) < 1e-6
        assert np.abs(gauged.weights[units].sum(axis=0)).max() < 1e-6
    assert (gauged.weights[3] == rbm.weights[3]).all()
    shift = rbm.visible_bias[:3].mean() + rbm.visible_bias[4:].mean()
    np.testing.assert_allclose(gauged.free_energy(X), rbm.free_energy(X) + shift, atol=1e-5)
    log_z = rbm.log_likelihood(X).log_z
    assert gauged.log_likelihood(X).log_z == pytest.approx(log_z - shift, abs=1e-5)


def test_spins_are_the_same_model_as_bits():
    data = np.where(np.eye(4) > 0, 1, -1)
    rbm = train(data, spins=True, hidden=3, epochs=20, batch_size=4)
    J, a, d, shift = rbm.to_spins()
    spins = np.array(list(itertools.product([-1, 1], repeat=4)))
    hidden = np.array(list(itertools.product([-1, 1], repeat=3)))
    exponents = (spins @ a)[:, None] + hidden @ d + spins @ J @ hidden.T
    log_z = np.logaddexp.reduce(exponents.ravel())
    score = rbm.log_likelihood(data)
    assert log_z == pytest.approx(score.log_z + shift, abs=1e-6)
    log_p = np.logaddexp.reduce(exponents, axis=1) - log_z
    np.testing.assert_allclose(log_p, -rbm.free_energy(spins) - score.log_z, atol=1e-6)
    back = Rbm.from_spins(J, a, d)
    assert back == rbm and back.spins
    with pytest.raises(ValueError, match="length of visible_field is 3, but must be 4"):
        Rbm.from_spins(J, a[:3], d)
    with pytest.raises(ValueError, match="number of units of a visible site is"):
        potts().to_spins()


@pytest.mark.parametrize("estimator", [BernoulliRBM, CategoricalRBM])
def test_a_misspelt_parameter_is_refused_with_the_one_that_is_meant(estimator):
    for given, meant in [
        ("n_component", "; did you mean n_components\\?"),
        ("batchsize", "; did you mean batch_size\\?"),
        ("colour", "$"),
    ]:
        with pytest.raises(TypeError, match=f"{estimator.__name__} has no parameter {given}{meant}"):
            estimator(**{given: 3})


def test_declared_values_that_a_type_cannot_hold_stay_as_they_are():
    X = np.array([[0], [1]] * 20)
    model = CategoricalRBM(2, n_iter=1, categories=[[0, 0.5, 1]], random_state=0).fit(X)
    assert model.categories_[0].tolist() == [0, 0.5, 1]
    model = CategoricalRBM(2, n_iter=1, categories=[[0, 1, 300]], random_state=0)
    assert model.fit(X.astype(np.uint8)).categories_[0].tolist() == [0, 1, 300]


def test_chunks_of_declared_categories_teach_their_columns():
    X = states(q=3)
    X[:, 1] = X[:, 0]
    settings = dict(n_components=8, learning_rate=0.3, n_chains=50, random_state=0)
    model = CategoricalRBM(categories=4, **settings)
    before = model.partial_fit(X[:20]).score(X)
    parts = pickle.loads(pickle.dumps(model))
    for first in range(0, 2000, 20):
        chunk = np.roll(X, -first, axis=0)[:20]
        model.partial_fit(chunk)
        parts.partial_fit(chunk)
    assert (model.components_ == parts.components_).all()
    assert model.rbm_.sites == [4, 4, 4] and model.score(X) > before + 0.1
    assert np.isin(model.sample(20, n_gibbs_steps=2, random_state=0), range(4)).all()
    # After a fit its columns are known.
    of_texts = CategoricalRBM(4, n_iter=1, random_state=0).fit(PEOPLE)
    learned = of_texts.components_
    assert (of_texts.partial_fit(PEOPLE[:5]).components_ != learned).any()


@pytest.mark.parametrize(
    "unknown, found",
    [(None, "None"), (np.nan, "nan"), (np.ma.masked_array(["red", "blue"], [0, 1]), "a masked value")],
)
def test_a_missing_value_is_no_category(unknown, found):
    values = unknown if isinstance(unknown, np.ndarray) else ["red", "blue", unknown]
    model = CategoricalRBM(4, categories=[values, [1, 2]], random_state=0)
    for learn in [model.fit, model.partial_fit]:
        message = f"categories has, for column 1, {found}, but must have values alone: leave it out"
        with pytest.raises(ValueError, match=message):
            learn([["red", 1], ["blue", 2]])


def test_a_first_chunk_shows_the_values_unless_they_are_declared():
    model = CategoricalRBM(4, random_state=0).partial_fit([["red", 1], ["blue", 2]])
    with pytest.raises(ValueError, match='is "green", but must be one of blue, red'):
        model.partial_fit([["green", 1]])
    colours = [["red", "blue", "green"], [1, 2]]
    model = CategoricalRBM(4, categories=colours, random_state=0).partial_fit([["red", 1], ["blue", 2]])
    model.partial_fit([["green", 1]])
    with pytest.raises(ValueError, match='categories is "auto", but for training in chunks'):
        harmonium.Trainer.online([["red", 1], ["blue", 2]], categories="auto", hidden=2)


@pytest.mark.parametrize("missing", [None, "absent"])
def test_few_rows_are_read_as_many_are(missing, monkeypatch):
    from harmonium._estimator.categories import KnownValues

    pandas = pytest.importorskip("pandas")
    people = frame()
    mixed = np.array([["1", 2.5, True, "a"], [2, 3.5, False, "b"], ["3", 2.5, True, "c"]] * 5, object)
    numbers = np.tile([[1.0, 0, -2], [2.0, 1, 7], [3.0, 0, 7]], (5, 1))
    for X in [people, mixed, numbers, numbers.astype(int), numbers.astype(int).astype(str), PEOPLE, people.astype(object)]:
        model = CategoricalRBM(3, n_iter=1, missing=missing, random_state=0).fit(X)
        few = model._validated(X)
        assert model._known_values.numbers(X) is not None
        with monkeypatch.context() as patch:
            patch.setattr(KnownValues, "numbers", lambda *_: None)
            np.testing.assert_array_equal(few, model._validated(X))
    # What the library reads, or refuses, is left to it.
    model = CategoricalRBM(3, n_iter=1, random_state=0).fit(mixed)
    for column, cell in [(0, "x"), (0, None), (1, True), (2, 1.5), (3, float("nan")), (3, 1)]:
        row = mixed[:1].copy()
        row[0, column] = cell
        with pytest.raises(ValueError, match=f"column {column + 1}"):
            model.transform(row)
    row = mixed[:1].copy()
    row[0, 0], row[0, 1] = 1, "2.50"
    assert (model.transform(row) == model.transform(mixed[:1])).all()
    assert (model.transform(np.repeat(mixed, 5000, axis=0)[:1]) == model.transform(mixed[:1])).all()


def test_the_defaults_end_above_independent_units():
    """At scikit-learn's constant rate, which was the default, such models often end below them."""
    random = np.random.default_rng(2)
    columns = []
    kinds = random.integers(0, 4, 3000)
    for n_values in random.integers(3, 9, 16):
        shares = random.dirichlet(np.full(n_values, 0.12), 4).cumsum(axis=1)
        columns.append((random.random(3000)[:, None] > shares[kinds][:, :-1]).sum(axis=1))
    X = np.stack(columns, axis=1)
    categories = [np.arange(column.max() + 1) for column in columns]
    for seed in range(3):
        model = CategoricalRBM(8, n_iter=20, categories=categories, random_state=seed).fit(X[:1500])
        found = model.log_likelihood(X[1500:])
        assert found.mean > found.independent + 2, found
    constant = CategoricalRBM(8, n_iter=20, categories=categories, schedule="constant", random_state=1)
    with pytest.warns(UserWarning, match="worse than independent units"):
        constant.fit(X[:1500]).log_likelihood(X[1500:])
