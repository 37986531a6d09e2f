"""Frames of pandas and polars: the estimators know the names of the columns that they were fitted on."""

import pickle

import numpy as np
import pytest

import harmonium
from harmonium import BernoulliRBM, CategoricalRBM, RBMClassifier

pandas = pytest.importorskip("pandas")
polars = pytest.importorskip("polars")

PEOPLE = pandas.DataFrame(
    {"colour": ["red", "blue", "green", "red"] * 15, "stars": [1.0, 2.0, 3.0] * 20, "is_new": [True, False] * 30}
)
UNKNOWN = PEOPLE.where(np.arange(180).reshape(60, 3) % 31 != 7)
BITS = pandas.DataFrame(np.eye(6).repeat(5, axis=0), columns=list("abcdef"))
WHOLE = [
    (CategoricalRBM, PEOPLE),
    (CategoricalRBM, PEOPLE.astype({"colour": "category", "stars": "Int64"})),
    (CategoricalRBM, PEOPLE.set_axis(range(3), axis=1)),
    (CategoricalRBM, polars.from_pandas(PEOPLE)),
    (BernoulliRBM, BITS),
    (BernoulliRBM, BITS.astype("Int64")),
    (BernoulliRBM, polars.from_pandas(BITS)),
]
LACKING = [
    (CategoricalRBM, UNKNOWN),
    (CategoricalRBM, UNKNOWN.astype({"colour": "category", "stars": "Int64"})),
    (CategoricalRBM, UNKNOWN.set_axis(range(3), axis=1)),
    (BernoulliRBM, BITS.where(np.arange(180).reshape(30, 6) % 31 != 7)),
]
OF_WHOLE_ROWS = ["transform", "score_samples", "free_energy", "gibbs", "reconstruct", "score", "log_likelihood", "impute"]


def fitted(kind, frame, missing, folder):
    """A fitted estimator and its copies. Files of `BernoulliRBM` have no names."""
    model = kind(3, n_iter=1, missing=missing, random_state=0).fit(frame)
    yield model
    yield pickle.loads(pickle.dumps(model))
    if kind is CategoricalRBM:
        model.save(folder / "model.safetensors")
        yield kind.load(folder / "model.safetensors")


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("missing", [None, "absent", "marginal"])
@pytest.mark.parametrize(["kind", "frame"], WHOLE)
def test_nothing_warns_of_names_in_the_frame_of_fit(kind, frame, missing, tmp_path):
    for model in fitted(kind, frame, missing, tmp_path):
        for use in OF_WHOLE_ROWS:
            getattr(model, use)(frame)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(["missing", "uses"], [("absent", ["impute"]), ("marginal", ["score", "log_likelihood", "impute"])])
@pytest.mark.parametrize(["kind", "frame"], LACKING)
def test_nothing_warns_of_names_where_values_are_missing(kind, frame, missing, uses, tmp_path):
    for model in fitted(kind, frame, missing, tmp_path):
        for use in uses:
            getattr(model, use)(frame)


@pytest.mark.filterwarnings("error")
def test_a_classifier_does_not_warn_of_names_either():
    y = np.arange(30) % 2
    model = RBMClassifier(3, n_iter=1, random_state=0).fit(BITS, y)
    for use in (model.transform, model.predict, model.predict_proba, model.decision_function):
        use(BITS)
    assert 0 <= model.score(BITS, y) <= 1


def test_other_names_are_still_named(tmp_path):
    for model in fitted(CategoricalRBM, PEOPLE, None, tmp_path):
        with pytest.raises(ValueError, match="feature names"):
            model.transform(PEOPLE.rename(columns={"colour": "color"}))


def test_a_frame_may_lack_columns_of_a_model_that_sums_them_out():
    """As a table on the command line may."""
    rbm = harmonium.train(UNKNOWN, categories="auto", missing="marginal", hidden=3, epochs=2)
    few = UNKNOWN[["is_new", "colour"]]
    whole = few.reindex(columns=UNKNOWN.columns)
    note = "the table lacks 1 of 3 columns, which counts as missing: stars"
    for use in (rbm.free_energy, rbm.impute, rbm.log_likelihood):
        with pytest.warns(UserWarning, match=note):
            found = use(few)
        assert np.array_equal(found, use(whole)) if use != rbm.log_likelihood else found.mean == use(whole).mean
    # Whole rows, or a name that the model does not know.
    with pytest.raises(ValueError, match='has no column "stars"'):
        rbm.pseudo_likelihood(few)
    with pytest.raises(ValueError, match="Colour is a column that the model does not know"):
        rbm.impute(few.rename(columns={"colour": "Colour"}))


def test_frames_of_bits_are_read_by_the_names_of_their_columns(tmp_path, command_line):
    random = np.random.default_rng(0)
    kinds = random.integers(0, 2, (200, 1))
    bits = (random.random((200, 5)) < np.where(kinds, [0.9, 0.1, 0.8, 0.3, 0.5], [0.2, 0.7, 0.1, 0.6, 0.9])).astype(int)
    frame = pandas.DataFrame(bits, columns=list("abcde"))
    other = frame[list("dbeac")].assign(more=7)
    rbm = harmonium.train(frame, hidden=3, epochs=5, held_out=other, seed=1)
    rbm.save(tmp_path / "m.safetensors")
    for model in (rbm, pickle.loads(pickle.dumps(rbm)), harmonium.Rbm.load(tmp_path / "m.safetensors")):
        assert model.log_likelihood(other).mean == model.log_likelihood(frame).mean
        assert (model.mean_hidden(other) == model.mean_hidden(bits)).all()
        assert (model.free_energy(other) == model.free_energy(frame)).all()
        with pytest.raises(ValueError, match="no column 'c', which the model needs; its columns are a, b, d, e"):
            model.free_energy(frame[list("abde")])
    holes = frame[list("dbeac")].astype(float)
    holes.iloc[3, 0] = np.nan
    filled = rbm.impute(holes)
    assert (filled[4:] == holes.to_numpy()[4:]).all() and filled[3, 0] in (0, 1)
    run = harmonium.runs.train(data=frame, test_data=other, hidden=3, epochs=5, seed=1, out=tmp_path / "run")
    assert run.evaluate().mean == pytest.approx(run.model.log_likelihood(bits).mean, abs=1e-9)
    assert run.model.log_likelihood(other).mean == run.model.log_likelihood(frame).mean
    other.to_csv(tmp_path / "other.csv", index=False)
    features = tmp_path / "features.npy"
    command_line("transform", run.folder, tmp_path / "other.csv", "--out", features)
    assert np.allclose(np.load(features), run.model.mean_hidden(frame), atol=1e-5)


def test_columns_of_a_frame_weigh_and_label_test_data(tmp_path):
    random = np.random.default_rng(1)
    n = 300
    frame = pandas.DataFrame({"q": random.choice(["x", "y", "z"], n), "r": random.integers(0, 2, n)})
    frame["w"], frame["vote"] = random.integers(0, 4, n), np.where(random.random(n) < 0.7, frame["q"], "y")
    train, test = frame[:200], frame[200:]
    given = dict(categories="auto", hidden=3, epochs=5, seed=1, weights="w", labels="vote")
    of_frames = harmonium.runs.train(data=train, test_data=test, out=tmp_path / "frames", **given)
    for name, part in (("train", train), ("test", test)):
        part.to_csv(tmp_path / f"{name}.csv", index=False)
    paths = dict(data=tmp_path / "train.csv", test_data=tmp_path / "test.csv")
    of_files = harmonium.runs.train(**paths, out=tmp_path / "files", **given)
    assert of_frames.model == of_files.model
    assert of_frames.evaluate().mean == pytest.approx(of_files.evaluate().mean, abs=1e-12)
    alike = of_frames.model.log_likelihood(test[["q", "r"]], labels=test["vote"]).mean
    assert abs(of_frames.evaluate().mean - alike) > 1e-6
    weighted = of_frames.model.log_likelihood(test[["q", "r"]], labels=test["vote"], weights=test["w"]).mean
    assert of_frames.evaluate().mean == pytest.approx(weighted, abs=1e-9)
    swept = harmonium.sweep(
        tmp_path / "sweep", data=train, vary={"hidden": [2, 3]}, score="log_likelihood", validation=50,
        evaluate_every=5, categories="auto", epochs=5, weights="w", labels="vote",
    )
    assert len(swept.table) == 2


def test_conditional_means_of_a_frame_go_by_names():
    frame = pandas.DataFrame({"a": ["x", "y", "z", "x"] * 20, "b": [0, 1, 1, 0] * 20, "c": ["u", "v", "v", "v"] * 20})
    rbm = harmonium.train(frame, categories="auto", hidden=3, epochs=20)
    means = rbm.conditional_mean(frame, ["a", "c"])
    assert (rbm.conditional_mean(frame[["c", "b", "a"]].assign(d=1), ["a", "c"]) == means).all()
    with pytest.raises(ValueError, match="visible has no column 'b'"):
        rbm.conditional_mean(frame[["a", "c"]], ["a"])
    with pytest.raises(ValueError, match="clamped names the column 'd', but must name columns of a, b, c"):
        rbm.conditional_mean(frame, ["a", "d"])
