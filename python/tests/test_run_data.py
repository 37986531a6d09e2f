"""Runs of arrays and frames: their data are files in their folders."""

import os

import numpy as np
import pytest

import harmonium
from harmonium import runs

SETTINGS = {"hidden": 4, "epochs": 3, "batch_size": 10}
RNG = np.random.default_rng(0)
BITS = RNG.integers(0, 2, (60, 6))
LABELS = np.array(["a b", 'say "c"', "d"])[RNG.integers(0, 3, 60)]


def holes():
    found = BITS.astype(float)
    found[3, 2] = np.nan
    return found


@pytest.mark.parametrize(
    ["data", "keywords"],
    [
        (BITS, {}),
        (BITS.tolist(), {}),
        (RNG.random((60, 6), "float32"), {}),
        (BITS.reshape(60, 2, 3), {}),
        (2 * BITS - 1, {"spins": True}),
        (RNG.integers(0, 17, (60, 6)), {"grey_levels": 16}),
        (holes(), {"missing": "marginal"}),
        (BITS, {"labels": LABELS, "weights": RNG.random(60)}),
        (BITS, {"labels": np.arange(60) % 3}),
        (BITS, {"labels": [None, "a", "b;c, d", "e\tf", *LABELS[4:]]}),
        (np.array(["red", "blue"])[BITS], {"categories": "auto"}),
    ],
)
def test_a_run_of_an_array_has_the_bits_of_train(data, keywords, tmp_path):
    run = runs.train(data, out=tmp_path / "run", report=False, **keywords, **SETTINGS)
    here = harmonium.train(data, **keywords, **SETTINGS)
    assert run.model == here and run.model.classes == here.classes
    assert run.model.image_shape == here.image_shape
    # The folder is all that it needs.
    assert runs.resume(tmp_path / "run", epochs=4, report=False).n_epochs == 4


def test_a_file_of_the_same_array_gives_the_same_bits(tmp_path):
    np.save(tmp_path / "bits.npy", BITS)
    one = runs.train(str(tmp_path / "bits.npy"), out=tmp_path / "file", report=False, **SETTINGS)
    other = runs.train(data=BITS, out=tmp_path / "array", report=False, **SETTINGS)
    assert one.model == other.model


def test_a_frame_has_labels_weights_and_test_data(tmp_path):
    pandas = pytest.importorskip("pandas")
    colours = np.array(["red", "green", "blue"])[RNG.integers(0, 3, 60)]
    frame = pandas.DataFrame({"colour": colours, "sweet": BITS[:, 0].astype(bool), "kind": LABELS})
    test = frame[(frame.colour != "red") & (frame.kind != "d")]
    run = runs.train(
        frame,
        labels="kind",
        test_data=test.drop(columns="kind"),
        test_labels=test["kind"],
        categories="auto",
        out=tmp_path / "run",
        **SETTINGS,
    )
    here = harmonium.train(frame.drop(columns="kind"), labels=frame["kind"], categories="auto", **SETTINGS)
    assert run.model == here and run.model.classes == here.classes
    assert run.model.columns == here.columns
    assert len(run.metrics["error_test"]) == 3
    assert run.evaluate().mixing is None  # fewer than 100 rows: the test data


def test_values_beside_a_file_become_files(tmp_path):
    np.save(tmp_path / "bits.npy", BITS)
    beside = {"labels": LABELS, "weights": RNG.random(60)}
    run = runs.train(tmp_path / "bits.npy", out=tmp_path / "run", **beside, **SETTINGS)
    assert run.model == harmonium.train(BITS, **beside, **SETTINGS)


def test_a_run_that_does_not_begin_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="hidden"):
        runs.train(BITS, hidden=0, out="run")
    with pytest.raises(ValueError, match="hidden"):
        runs.train(BITS, hidden=0)
    with pytest.raises(TypeError, match="^test_data holds values, but data is .*: give both as paths"):
        runs.train("shifter", test_data=BITS, out="run")
    with pytest.raises(TypeError, match="^missing_mask holds values, but must be a path"):
        runs.train(BITS, missing_mask=BITS == 1, out="run")
    assert os.listdir() == ["runs"] and os.listdir("runs") == []


def test_names_of_rows_are_those_of_files(tmp_path, monkeypatch):
    """`id` would be ignored: what is refused has a remedy that works."""
    pandas = pytest.importorskip("pandas")
    polars = pytest.importorskip("polars")
    monkeypatch.chdir(tmp_path)
    frame = pandas.DataFrame(BITS, columns=list("abcdef")).assign(user=[f"u{row}" for row in range(60)])
    for data in (frame, polars.from_pandas(frame), BITS):
        for categories in (None, "auto"):
            given = dict(id="user", categories=categories, **SETTINGS)
            with pytest.raises(TypeError, match=r"^id names a column of a file.*ignore=\['user'\]; or give.*path"):
                runs.train(data, out="run", **given)
            with pytest.raises(TypeError, match="^id names a column of a file"):
                harmonium.sweep("sweep", data=data, vary={"momentum": [0.0]}, **given)
    assert os.listdir() == []
    frame.to_csv("table.csv", index=False)
    of_file = runs.train("table.csv", id="user", out="file", report=False, **SETTINGS)
    of_frame = runs.train(frame, ignore=["user"], out="frame", report=False, **SETTINGS)
    swept = harmonium.sweep("swept", data=frame, ignore=["user"], vary={"momentum": [0.0, 0.5]}, report=False, **SETTINGS)
    assert of_frame.model == of_file.model and swept.load().n_visible == 6


def test_a_run_stays_as_it_is_when_another_wants_its_folder(tmp_path):
    run = runs.train(BITS, out=tmp_path / "run", **SETTINGS)
    for data in (1 - BITS, "shifter"):
        with pytest.raises(ValueError, match=r"continue it with harmonium\.runs\.resume\(.*out=$"):
            runs.train(data, out=tmp_path / "run", **SETTINGS)
    assert runs.resume(run, epochs=4).n_epochs == 4


def test_a_run_that_was_moved_brings_its_data(tmp_path):
    values = {"labels": LABELS, "weights": RNG.random(60), "test_data": 1 - BITS, "test_labels": LABELS}
    first = runs.train(BITS, out=tmp_path / "first", **values, **SETTINGS)
    first.folder.rename(tmp_path / "second")
    moved = runs.Run(tmp_path / "second")
    assert moved.settings["data"] == str(tmp_path / "second" / "data" / "train.packed")
    assert moved.evaluate().verdict == "exact"
    longer = runs.resume(moved, epochs=5, report=False)
    same = runs.train(BITS, out=tmp_path / "third", **values, **{**SETTINGS, "epochs": 3})
    assert longer.model == runs.resume(same, epochs=5, report=False).model
    # Other data in their place are noticed.
    other = longer.folder / "data" / "train.packed"
    harmonium.pack(1 - BITS, other)
    with pytest.raises(ValueError, match="SHA-256"):
        runs.resume(longer, epochs=6)


def test_a_run_without_a_folder_is_in_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = {runs.train(BITS, **SETTINGS).name for _ in range(2)}
    assert {run.name for run in runs.list()} == found and len(found) == 2


def test_evaluate_gives_and_keeps_what_the_command_gives(tmp_path):
    data = RNG.integers(0, 2, (300, 1)) ^ (RNG.random((300, 24)) < 0.1)
    run = runs.train(data, out=tmp_path / "run", hidden=24, epochs=3)
    assert run.likelihood is None
    found = run.evaluate(n_chains=20, schedule="linear:50", burn_in=20)
    assert found.reverse_start == "the chains of the run" and found.independent < 0
    assert run.likelihood == found == runs.Run(tmp_path / "run").likelihood
    level = "99 % interval" if found.is_believable else "interval"
    assert f" by the {level} of log Z" in str(found)
    with pytest.raises(ValueError, match="^split is validation.*was trained without validation"):
        run.evaluate(split="validation")
    with pytest.raises(ValueError, match="n_chains is 1"):
        run.evaluate(n_chains=1)


def test_the_words_of_scikit_learn_name_ours():
    for name, meant in {"n_components": "hidden", "random_state": "seed", "n_iter": "epochs"}.items():
        for train in (harmonium.train, runs.train):
            with pytest.raises(TypeError, match=f"^{name} is not known; did you mean {meant}"):
                train(BITS, **{name: 3})


def test_a_model_knows_the_number_of_its_examples(tmp_path):
    import pickle

    rbm = harmonium.train(BITS, **SETTINGS)
    expected = rbm.log_likelihood(BITS, n_examples=60).independent
    rbm.save(tmp_path / "model.safetensors")
    for known in (rbm, harmonium.load(tmp_path / "model.safetensors"), pickle.loads(pickle.dumps(rbm))):
        assert known.n_examples == 60 and known.log_likelihood(BITS).independent == expected
    assert harmonium.train(holes(), missing="marginal", **SETTINGS).n_examples is None


def test_a_model_of_another_class_names_the_class_that_loads_it(tmp_path):
    pytest.importorskip("sklearn")
    kinds = {
        "BernoulliRBM": {},
        "RBMClassifier": {"labels": LABELS},
        "CategoricalRBM": {"categories": 3},
        "Rbm": {"labels": LABELS, "categories": 3},
    }
    for kind, keywords in kinds.items():
        path = tmp_path / f"{kind}.safetensors"
        harmonium.train(BITS, **keywords, **SETTINGS).save(path)
        for other in ("BernoulliRBM", "RBMClassifier", "CategoricalRBM"):
            if other != kind:
                with pytest.raises(ValueError, match=f"load it by (harmonium.)?{kind}.load$"):
                    getattr(harmonium, other).load(path)
        getattr(harmonium, kind).load(path)


def test_estimators_are_exchanged_or_say_how(tmp_path):
    pipeline = pytest.importorskip("sklearn.pipeline")
    from sklearn.neural_network import BernoulliRBM as Theirs

    model = harmonium.BernoulliRBM(3, n_iter=1, random_state=0).fit(BITS)
    harmonium.export_model(model, tmp_path / "model.npz")
    assert harmonium.import_model(tmp_path / "model.npz") == model.rbm_
    theirs = Theirs(3, n_iter=1).fit(BITS)
    with pytest.raises(TypeError, match=r"BernoulliRBM\.from_sklearn\(estimator\)\.rbm_"):
        harmonium.import_model(theirs)
    with pytest.raises(ValueError, match=r"BernoulliRBM\.from_sklearn\(joblib\.load\(path\)\)"):
        harmonium.import_model("theirs.joblib")
    with pytest.raises(TypeError, match=r"^it is a Pipeline.*give pipeline\['bernoullirbm'\]$"):
        harmonium.BernoulliRBM.from_sklearn(pipeline.make_pipeline(theirs))


def test_the_module_of_runs_shows_what_is_for_users():
    assert dir(runs) == sorted(runs.__all__)
