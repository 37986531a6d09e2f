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
