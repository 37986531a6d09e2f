"""Labels and the classifier."""

import pickle
import warnings

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score, train_test_split

from checks import assert_all_pass
import harmonium
from harmonium import BernoulliRBM, CategoricalRBM, Rbm, RBMClassifier

ROWS = (np.add.outer(np.arange(60) ** 2, 3 * np.arange(7)) % 5 < 2).astype(float)
NAMES = np.array(["ant", "bee", "cat"])[np.arange(60) % 3]
SETTINGS = dict(hidden=5, epochs=4, batch_size=20, objective="hybrid:0.1", chains=20)


def parameters(rbm):
    return np.concatenate([rbm.weights.ravel(), rbm.hidden_bias, rbm.visible_bias])


def p_by_hand(rbm, rows):
    """p(y | v) and p(h | v) by the sum over all hidden states and labels."""
    n_classes = len(rbm.classes)
    states = (np.arange(2**rbm.n_hidden)[:, None] >> np.arange(rbm.n_hidden) & 1).astype(float)
    visible = np.concatenate(
        [np.repeat(rows, n_classes, 0), np.tile(np.eye(n_classes), (len(rows), 1))], axis=1
    )
    x = visible @ rbm.weights.astype(float) + rbm.hidden_bias
    weights = np.exp((visible @ rbm.visible_bias)[:, None] + x @ states.T)
    weights = weights.reshape(len(rows), n_classes, -1)
    joint = weights / weights.sum(axis=(1, 2), keepdims=True)
    return joint.sum(axis=2), joint.sum(axis=1) @ states


@pytest.fixture(scope="module")
def rbm():
    return harmonium.train(ROWS, labels=NAMES, **SETTINGS)


def test_probabilities_are_those_of_enumeration(rbm):
    p, means = p_by_hand(rbm, ROWS[:9])
    assert rbm.classes == ["ant", "bee", "cat"] and rbm.n_visible == 10
    np.testing.assert_allclose(rbm.predict_proba(ROWS[:9]), p, rtol=1e-6)
    np.testing.assert_allclose(rbm.predict_log_proba(ROWS[:9]), np.log(p), rtol=1e-5)
    for dtype in ["float32", "float64"]:
        found = rbm.mean_hidden(ROWS[:9], dtype=dtype)
        np.testing.assert_allclose(found, means, rtol=1e-5)
        assert found.dtype == dtype


@pytest.mark.parametrize(
    "labels, classes",
    [
        (np.arange(60) % 3, [0, 1, 2]),
        (np.where(np.arange(60) % 4, np.arange(60) % 3, np.nan), [0, 1, 2]),
        ([None, "b", "", "a"] * 15, ["a", "b"]),
        (np.arange(60) % 2 == 0, [False, True]),
        (["10", "9"] * 30, [9, 10]),
        ([0.5, 2] * 30, [0.5, 2.0]),
    ],
)
def test_labels_may_be_numbers_texts_or_unknown(labels, classes):
    rbm = harmonium.train(ROWS, labels=labels, **SETTINGS)
    assert rbm.classes == classes
    assert [type(label) for label in rbm.classes] == [type(label) for label in classes]
    assert rbm.predict_proba(ROWS).shape == (60, len(classes))


def test_unknown_labels_are_summed_out_and_known_ones_count(rbm):
    unknown = NAMES.astype(object)
    unknown[::3] = None
    other = harmonium.train(ROWS, labels=unknown, classes=["ant", "bee", "cat"], **SETTINGS)
    assert (parameters(other) != parameters(rbm)).any()


def test_a_short_last_mini_batch_learns_nothing_from_the_one_before():
    rows = np.repeat([[0.0, 0], [1, 1]], 50, axis=0)
    settings = dict(hidden=8, epochs=400, objective="discriminative", learning_rate=2.0)
    rbm = harmonium.train(rows, labels=rows[:, 0], batch_size=96, **settings)
    # The gradient vanishes as p(y | v) nears 1.
    assert np.abs(rbm.weights).max() < 3


def test_the_names_of_classes_change_no_bit(rbm):
    numbers = harmonium.train(ROWS, labels=np.arange(60) % 3, **SETTINGS)
    assert (parameters(numbers) == parameters(rbm)).all()


def test_series_of_pandas_and_frames_are_labels_and_data(rbm):
    pandas = pytest.importorskip("pandas")
    for labels in [pandas.Series(NAMES, name="animal"), pandas.Series(NAMES).astype("category")]:
        assert (parameters(harmonium.train(ROWS, labels=labels, **SETTINGS)) == parameters(rbm)).all()
    people = pandas.DataFrame({"colour": ["red", "blue", "green"] * 20, "tall": [True, False] * 30})
    model = harmonium.train(people, labels=NAMES, categories="auto", **SETTINGS)
    assert model.sites == [3, 1, 3] and model.predict_proba(people).shape == (60, 3)
    assert model.sample(4, label="bee", gibbs_steps=5).shape == (4, 2)
    again = pickle.loads(pickle.dumps(model))
    assert again.classes == model.classes and again.columns == model.columns
    assert (again.predict_proba(people) == model.predict_proba(people)).all()


def test_held_out_data_have_labels_and_weights():
    callback = []
    settings = dict(SETTINGS, callback=callback.append)
    weights = np.arange(1.0, 61.0)
    harmonium.train(ROWS[::2], labels=NAMES[::2], held_out=(ROWS, NAMES, weights), **settings)
    metrics = callback[-1]
    assert 0 <= metrics["error_train"] <= 1 and metrics["log_loss_test"] > 0
    with pytest.raises(ValueError, match="held_out has no labels, but the data have"):
        harmonium.train(ROWS, labels=NAMES, held_out=ROWS, **SETTINGS)


def test_files_and_pickles_keep_the_classes(rbm, tmp_path, command_line):
    path = tmp_path / "model.safetensors"
    rbm.save(path)
    for other in [Rbm.load(path), pickle.loads(pickle.dumps(rbm))]:
        assert other == rbm and other.classes == rbm.classes
        assert (other.predict_proba(ROWS) == rbm.predict_proba(ROWS)).all()
    np.save(tmp_path / "x.npy", ROWS.astype(np.uint8))
    command_line("predict", path, tmp_path / "x.npy", "--out", tmp_path / "p.npy")
    np.testing.assert_allclose(np.load(tmp_path / "p.npy"), rbm.predict_proba(ROWS), rtol=1e-12)
    for name in ["model.npz", "model.h5"]:
        with pytest.raises(ValueError, match="only a .safetensors file holds"):
            rbm.save(tmp_path / name)


def test_methods_of_all_visible_units_are_refused(rbm):
    wide = np.concatenate([ROWS, np.eye(3)[np.arange(60) % 3]], axis=1)
    for rows in [ROWS, wide]:
        for method in ["free_energy", "pseudo_likelihood", "reconstruct", "gibbs", "impute"]:
            with pytest.raises(ValueError, match=f"{method} is of all visible units"):
                getattr(rbm, method)(rows)
        with pytest.raises(ValueError, match="start is of all visible units"):
            rbm.sample(3, start=rows)
    for method in ["mean_hidden", "predict_proba"]:
        with pytest.raises(ValueError, match="visible is 10 wide, but"):
            getattr(rbm, method)(wide)
    plain = harmonium.train(ROWS, hidden=5, epochs=1)
    with pytest.raises(ValueError, match="the model has no classes"):
        plain.predict_proba(ROWS)


def test_samples_are_of_the_label():
    rows = np.repeat([[0.0, 0, 0], [1, 1, 1]], 50, axis=0)
    rbm = harmonium.train(rows, labels=rows[:, 0], hidden=4, epochs=400, learning_rate=0.3)
    for label in [0, 1]:
        samples = rbm.sample(200, label=label)
        assert samples.shape == (200, 3) and abs(samples.mean() - label) < 0.1
    assert rbm.sample(50, label=1, clamp={1: 0}, gibbs_steps=5)[:, 1].sum() == 0
    with pytest.raises(ValueError, match="must have one of"):
        rbm.sample(1, label=2)


def test_the_log_likelihood_is_that_of_rows_and_labels(rbm):
    found = rbm.log_likelihood(ROWS, labels=NAMES)
    wide = Rbm(rbm.weights, rbm.visible_bias, rbm.hidden_bias, columns=[1] * 7 + [3])
    states = np.concatenate([ROWS, np.arange(60)[:, None] % 3], axis=1)
    assert found.mean == pytest.approx(wide.log_likelihood(states.astype(int)).mean, rel=1e-12)
    with pytest.raises(ValueError, match="labels are missing, but the model has classes"):
        rbm.log_likelihood(ROWS)
    with pytest.raises(ValueError, match="labels must be known"):
        rbm.log_likelihood(ROWS, labels=[None] * 60)


@pytest.mark.parametrize(
    "change, message",
    [
        (dict(labels=NAMES[:5]), "the number of labels is 5, but must be one for each of the 60 examples"),
        (dict(labels=["one"] * 60), "labels must be of 2 to 255 different classes"),
        (dict(labels=NAMES, classes=["ant", "bee"]), 'has the label "cat", but must have one of'),
        (dict(labels=NAMES, classes="ant"), "classes is 'ant', but must be a list of labels"),
        (dict(labels=NAMES[:, None]), "must have one value for each example"),
        (dict(classes=["ant", "bee"]), "classes are given, but have no effect without labels"),
        (dict(), "objective is hybrid:0.1, but must be generative"),
    ],
)
def test_bad_labels_are_refused(change, message):
    with pytest.raises(ValueError) as error:
        harmonium.train(ROWS, **{**SETTINGS, **change})
    assert message in str(error.value)


# The estimator


@pytest.mark.filterwarnings("ignore")
def test_every_check_of_scikit_learn_passes():
    assert_all_pass(RBMClassifier())


def test_digits_are_classified_far_better_than_by_logistic_regression(digits):
    y = load_digits().target
    X_train, X_test, y_train, y_test = train_test_split(
        digits, y, test_size=0.3, random_state=0, stratify=y
    )
    linear = LogisticRegression(max_iter=5000).fit(X_train, y_train).score(X_test, y_test)
    model = RBMClassifier(random_state=0).fit(X_train, y_train)
    # 540 test images: a standard error of 0.6 %.
    assert model.score(X_test, y_test) > max(linear + 0.008, 0.97)
    features = model.transform(X_test)
    assert features.shape == (540, 256) and features.min() >= 0 and features.max() <= 1


@pytest.mark.filterwarnings("ignore:X has values outside")
def test_bits_are_drawn_from_intensities_alone():
    grey = np.round(255 * (0.2 + 0.6 * ROWS)).astype(np.uint8)
    grey[0, 0] = 255
    for rows, chosen in [(ROWS, "stochastic"), (3 * ROWS - 1, None)]:
        model = RBMClassifier(5, n_iter=2, random_state=0).fit(rows, NAMES)
        assert model.binarization_ == chosen
    with pytest.warns(UserWarning, match="grey levels"):
        model = RBMClassifier(5, n_iter=2, random_state=0).fit(grey, NAMES)
    assert (model.binarization_, model.grey_levels_) == ("stochastic", 255)
    np.testing.assert_allclose(
        model.predict_proba(grey), model.rbm_.predict_proba(grey / 255), rtol=1e-5
    )


def fitted(y=NAMES, weights=None, **params):
    params = {"n_components": 5, "n_iter": 5, "random_state": 0, **params}
    return RBMClassifier(**params).fit(ROWS, y, sample_weight=weights)


def test_predictions_have_the_type_of_y():
    for y in [NAMES, np.arange(60) % 3, np.arange(60) % 2 == 0, np.array(["10", "9"] * 30)]:
        model = fitted(y)
        assert model.classes_.tolist() == sorted(set(y.tolist()))
        assert model.predict(ROWS).dtype == y.dtype
        np.testing.assert_array_equal(
            model.predict(ROWS), model.classes_[model.predict_proba(ROWS).argmax(axis=1)]
        )


def test_names_that_stand_for_missing_values_elsewhere_are_classes():
    model = fitted(np.array(["NA", "none"] * 30))
    assert set(model.predict(ROWS)) <= {"NA", "none"} and model.rbm_.classes == ["NA", "none"]


def test_the_estimator_is_the_trained_model():
    model = fitted(learning_rate=0.5, objective="discriminative")
    settings = dict(hidden=5, epochs=5, batch_size=16, learning_rate=0.5)
    rbm = harmonium.train(ROWS, labels=NAMES, objective="discriminative", **settings)
    assert (model.components_.T.astype(np.float32) == rbm.weights).all()
    np.testing.assert_allclose(model.predict_proba(ROWS), rbm.predict_proba(ROWS), rtol=1e-12)
    assert model.components_.shape == (5, 10) and model.n_features_in_ == 7
    np.testing.assert_allclose(model.transform(ROWS), rbm.mean_hidden(ROWS), rtol=1e-6)


def test_class_weights_are_weights_of_rows():
    weights = np.where(NAMES == "bee", 3.0, 1.0)
    by_class = fitted(class_weight={"bee": 3}).components_
    assert (by_class == fitted(weights=weights).components_).all()
    assert (by_class != fitted().components_).any()
    few = np.where(np.arange(60) < 6, "few", "many")
    balanced = fitted(few, class_weight="balanced").components_
    assert (balanced == fitted(few, class_weight={"few": 5, "many": 5 / 9}).components_).all()
    half = fitted(class_weight={"bee": 3}, weights=np.arange(1.0, 61.0)).components_
    assert (half == fitted(weights=weights * np.arange(1.0, 61.0)).components_).all()


@pytest.mark.parametrize(
    "params, y, message",
    [
        (dict(class_weight={"dog": 1}), NAMES, "class_weight names the class 'dog'"),
        (dict(class_weight="even"), NAMES, "class_weight is 'even'"),
        (dict(objective="hybrid"), NAMES, "objective is hybrid"),
        (dict(), ["one"] * 60, "y has 1 class"),
        (dict(), np.arange(60) + 0.5, "Unknown label type"),
        (dict(), [None, "a"] * 30, "y has rows without a class, None"),
    ],
)
def test_what_cannot_be_learned_is_named(params, y, message):
    with pytest.raises(ValueError, match=message):
        fitted(y, **params)


def test_early_stopping_watches_the_log_loss(digits):
    y = load_digits().target
    model = RBMClassifier(
        64, n_iter=100, early_stopping=True, n_iter_no_change=3, random_state=0
    ).fit(digits, y)
    scores = [metrics["validation_score"] for metrics in model.history_]
    assert 3 < len(scores) == model.n_iter_ < 100
    from harmonium._estimator.inputs import split

    held_out = split(model, len(y))[1]
    log_p = model.predict_log_proba(digits[held_out])
    assert log_p[np.arange(len(held_out)), y[held_out]].mean() == pytest.approx(max(scores))


def test_files_and_pickles_of_the_estimator(tmp_path):
    model = fitted()
    path = tmp_path / "model.safetensors"
    model.save(path)
    for other in [RBMClassifier.load(path), pickle.loads(pickle.dumps(model))]:
        assert (other.predict_proba(ROWS) == model.predict_proba(ROWS)).all()
        assert (other.predict(ROWS) == model.predict(ROWS)).all()
        assert other.get_params()["objective"] == model.objective
    for cls in [BernoulliRBM, CategoricalRBM]:
        with pytest.raises(ValueError, match="load it by RBMClassifier.load"):
            cls.load(path)
    BernoulliRBM(3, n_iter=1).fit(ROWS).save(path)
    with pytest.raises(ValueError, match="load it by BernoulliRBM.load"):
        RBMClassifier.load(path)


def test_it_works_in_searches_and_prints_its_loss(capsys):
    grid = GridSearchCV(RBMClassifier(5, n_iter=3, random_state=0), {"learning_rate": [0.1, 1.0]}, cv=2)
    grid.fit(ROWS, NAMES)
    assert cross_val_score(RBMClassifier(5, n_iter=3), ROWS, NAMES, cv=2).shape == (2,)
    fitted(verbose=1)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 5 and lines[4].startswith("[RBMClassifier] Iteration 5, log-loss = ")


def test_the_result_does_not_depend_on_threads():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        one, two = (fitted(n_jobs=n) for n in [1, 3])
    assert (one.components_ == two.components_).all()
    samples = [model.sample(5, label="bee", random_state=1, n_gibbs_steps=3) for model in (one, two)]
    assert (samples[0] == samples[1]).all()


OBJECTIVES = ["discriminative", "generative", "hybrid:0.1"]


def chunks_of(X, y, size, epochs):
    order = np.random.RandomState(0)
    for _ in range(epochs):
        rows = order.permutation(len(X))
        yield from ((X[part], y[part]) for part in np.split(rows, range(size, len(rows), size)))


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_many_chunks_classify_digits_as_a_fit_does(digits, objective):
    y = load_digits().target
    X_train, X_test, y_train, y_test = train_test_split(
        digits, y, test_size=0.3, random_state=0, stratify=y
    )
    rate = {"generative": 0.1}.get(objective, 1.0)
    model = RBMClassifier(128, objective=objective, learning_rate=rate, random_state=0)
    whole = RBMClassifier(128, objective=objective, learning_rate=rate, n_iter=30, random_state=0)
    for X, labels in chunks_of(X_train, y_train, 16, 30):
        model.partial_fit(X, labels, classes=np.arange(10))
    of_fit = whole.fit(X_train, y_train).score(X_test, y_test)
    # A constant rate without an average costs some points.
    assert model.score(X_test, y_test) > of_fit - 0.04 and of_fit > 0.88
    assert model.components_.shape == (128, 74) and model.data_mean_.shape == (74,)
    assert model.data_mean_[64:].sum() == pytest.approx(1)


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_chunks_teach_the_same_bits_on_threads_and_after_a_pickle(objective):
    params = dict(objective=objective, random_state=0, n_components=70)
    one, two = (RBMClassifier(n_jobs=n, **params) for n in [1, 3])
    parts = RBMClassifier(**params)
    for first in [0, 20, 41]:
        X, y = ROWS[first : first + 20], NAMES[first : first + 20]
        for model in [one, two]:
            model.partial_fit(X, y, classes=["ant", "bee", "cat"])
        parts = pickle.loads(pickle.dumps(parts.partial_fit(X, y, classes=["cat", "ant", "bee"])))
    for other in [two, parts]:
        assert (other.components_ == one.components_).all()
        assert (other.h_samples_ == one.h_samples_).all()
        assert (other.predict_proba(ROWS) == one.predict_proba(ROWS)).all()


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_a_chunk_continues_a_fit_or_a_file_and_may_lack_classes(tmp_path, objective):
    model = fitted(objective=objective)
    before = model.components_
    model.save(tmp_path / "model.safetensors")
    for fitted_one in [model, RBMClassifier.load(tmp_path / "model.safetensors")]:
        bees = NAMES == "bee"
        p = fitted_one.predict_proba(ROWS[bees])[:, 1].mean()
        for _ in range(10):
            fitted_one.partial_fit(ROWS[bees], NAMES[bees])
        assert fitted_one.predict_proba(ROWS[bees])[:, 1].mean() > p
        assert (fitted_one.components_ != before).any()
    # Another objective goes on from the parameters, with chains of its own.
    for other in OBJECTIVES:
        model.set_params(objective=other).partial_fit(ROWS, NAMES)
        assert np.isfinite(model.components_).all()


def test_weights_of_a_chunk_are_those_of_its_classes_and_rows():
    def learned(weights=None, **params):
        model = RBMClassifier(5, random_state=0, **params)
        return model.partial_fit(ROWS, NAMES, np.unique(NAMES), weights).components_

    weights = np.where(NAMES == "bee", 3.0, 1.0)
    assert (learned(class_weight={"bee": 3}) == learned(weights)).all()
    assert (learned(weights) != learned()).any()


@pytest.mark.parametrize(
    "y, classes, params, message",
    [
        (NAMES, None, {}, "classes must be passed on the first call to partial_fit"),
        (None, ["ant", "bee"], {}, "requires y to be passed"),
        (NAMES, ["ant", "bee"], {}, "y has the class 'cat' in row 2, but must have those"),
        (NAMES, ["ant"], {}, "classes has 1 class"),
        (NAMES, np.unique(NAMES), dict(class_weight="balanced"), 'class_weight is "balanced", but a chunk'),
        ([None, "ant"] * 30, ["ant", "bee"], {}, "y has rows without a class, None"),
        ([np.nan, 1.0] * 30, [0, 1], {}, "y has rows without a class, nan: leave them out"),
        (np.array([np.nan, "ant"] * 30, object), ["ant", "bee"], {}, "y has rows without a class, nan"),
        (np.ma.masked_array([0, 1] * 30, [0, 1] * 30), [0, 1], {}, "y is masked in some rows"),
        (NAMES, ["ant", "bee", "cat", None], {}, "classes has None, but must have classes alone: leave it out"),
        (NAMES, [0, 1, np.nan], {}, "classes has nan, but must have classes alone"),
        (NAMES, ["ant", "bee", np.nan], {}, "classes has nan, but must have classes alone"),
        (NAMES, np.ma.masked_array([0, 1, 2], [0, 0, 1]), {}, "classes has a masked value, but must have"),
    ],
)
def test_chunks_that_cannot_be_learned_are_named(y, classes, params, message):
    model = RBMClassifier(3, random_state=0, **params)
    with pytest.raises(ValueError, match=message):
        model.partial_fit(ROWS, y, classes=classes)
    # It is as before: another first chunk begins.
    assert not hasattr(model, "classes_")
    model.set_params(class_weight=None).partial_fit(ROWS, NAMES, np.unique(NAMES))
    with pytest.raises(ValueError, match="is not the same as before"):
        model.partial_fit(ROWS, NAMES, classes=["ant", "bee"])
    assert model.classes_.tolist() == ["ant", "bee", "cat"]


def test_masked_classes_are_refused():
    y = np.ma.masked_array(np.arange(60) % 3, np.arange(60) == 4)
    with pytest.raises(ValueError, match="y is masked in some rows"):
        RBMClassifier(2, n_iter=1).fit(ROWS, y)


def test_what_trains_on_missing_values_is_named():
    X = np.tile([[0.0, 1.0], [1.0, 0.0]], (20, 1))
    y = X[:, 0] > 0.5
    X[3, 1] = np.nan
    with pytest.raises(ValueError, match=r'contains NaN.\nharmonium.train\(X, labels=y, missing="marginal"\) trains'):
        RBMClassifier().fit(X, y)
    with pytest.raises(ValueError, match=r'contains NaN.\nharmonium.train\(X, labels=y, missing="marginal"\) trains'):
        RBMClassifier(4, n_iter=1).fit(np.nan_to_num(X), y).predict(X)
    rbm = harmonium.train(X, labels=y, missing="marginal", hidden=4, epochs=3)
    assert rbm.predict_proba(X).shape == (40, 2)
