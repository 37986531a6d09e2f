"""What a model holds, what it can be asked, where it is kept, and how it is shown."""

import os
import pickle
import re
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

import harmonium
from harmonium import Rbm, Trainer, runs, train

AGREEING = Rbm([[20.0], [20.0]], [-10.0, -10.0], [-20.0])  # two units that agree


def model(n_visible=12, n_hidden=5, scale=1.0, **about):
    rng = np.random.RandomState(3)
    arrays = (rng.normal(0, scale, shape) for shape in [(n_visible, n_hidden), n_visible, n_hidden])
    return Rbm(*arrays, **about)


def conditional(rbm, row, mask):
    """p(v = 1 | given units) from all states."""
    n = rbm.n_visible
    states = (np.arange(2**n)[:, np.newaxis] >> np.arange(n)) & 1
    states = states[(states[:, mask] == row[mask]).all(axis=1)]
    logs = -rbm.free_energy(states)
    masses = np.exp(logs - logs.max())
    return (masses[:, np.newaxis] * states).sum(axis=0) / masses.sum()


def test_no_write_to_a_parameter_is_lost():
    rbm = model()
    for name in ["weights", "visible_bias", "hidden_bias"]:
        array = getattr(rbm, name)
        assert array is getattr(rbm, name), "made once"
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 7
    assert pickle.loads(pickle.dumps(rbm)) == rbm


def test_parameters_may_lie_off_their_boundaries():
    def packed(array):
        record = np.zeros(array.shape, dtype=[("byte", "u1"), ("number", array.dtype)])
        record["number"] = array
        return record["number"]

    mean = np.linspace(0, 1, 12)
    for kind in [np.float32, np.float64]:
        parts = [part.astype(kind) for part in (model().weights, model().visible_bias, model().hidden_bias, mean)]
        rbm = Rbm(*map(packed, parts))
        assert rbm == model() and (rbm.data_mean == mean.astype(np.float32)).all()
        assert Rbm.initial(4, packed(parts[3]), 10, 0) == Rbm.initial(4, parts[3], 10, 0)


def test_the_mean_of_visible_units_takes_probabilities():
    rbm, h = model(), np.random.RandomState(0).uniform(size=(9, 5))
    expected = 1 / (1 + np.exp(-(rbm.visible_bias + h @ rbm.weights.T)))
    np.testing.assert_allclose(rbm.mean_visible(h), expected, atol=2e-6)
    bits = (h > 0.5).astype(int)
    assert (rbm.mean_visible(bits) == rbm.mean_visible(bits.astype(float))).all()
    for wrong in [h + 1, -h]:
        with pytest.raises(ValueError, match="bits or probabilities"):
            rbm.mean_visible(wrong)


@pytest.mark.parametrize("form", [list, np.array, lambda mask: np.flatnonzero(mask)])
def test_the_conditional_mean_is_exact_for_few_free_units(form):
    rbm, mask = model(), np.array([True, False, False, True] * 3)
    rows = np.random.RandomState(1).randint(0, 2, (6, 12))
    found = rbm.conditional_mean(rows, form(mask))
    for mean, row in zip(found, rows):
        np.testing.assert_allclose(mean, conditional(rbm, row, mask), atol=1e-9)
    unknown = np.where(mask, rows, np.nan)
    assert (rbm.conditional_mean(unknown, mask) == found).all(), "free values do not count"
    spins = Rbm(rbm.weights, rbm.visible_bias, rbm.hidden_bias, spins=True)
    assert (spins.conditional_mean(2 * rows - 1, mask) == found).all()


def test_the_conditional_mean_is_an_average_over_draws_for_many_free_units():
    """The chains of 200 equal rows are independent: five standard errors of their mean."""
    rbm, mask = model(16, 17, 0.4), np.arange(16) < 2  # more hidden units than are summed over
    rows = np.tile(np.arange(16) % 2, (200, 1))
    means = rbm.conditional_mean(rows, mask, gibbs_steps=200)
    expected, error = conditional(rbm, rows[0], mask), means.std(axis=0) / np.sqrt(200)
    assert (np.abs(means.mean(axis=0) - expected) <= 5 * error + 1e-6).all()
    assert (means[:, :2] == rows[:, :2]).all()
    for threads in [1, 2]:
        again = rbm.conditional_mean(rows, mask, gibbs_steps=200, threads=threads)
        assert (again == means).all()
    assert (rbm.conditional_mean(rows, mask, gibbs_steps=200, seed=1) != means).any()


def test_samples_keep_clamped_units():
    assert AGREEING.sample(50, gibbs_steps=10, clamp={0: 1}).all()
    assert not AGREEING.sample(50, gibbs_steps=10, clamp=[0, np.nan]).any()
    rbm = model(image_shape=(3, 4))
    image = np.full((3, 4), np.nan)
    image[1] = [1, 0, 1, 1]
    samples = rbm.sample(4000, gibbs_steps=30, clamp=image)
    assert samples.dtype == bool and (samples[:, 4:8] == [1, 0, 1, 1]).all()
    expected = conditional(rbm, np.nan_to_num(image.ravel()), ~np.isnan(image.ravel()))
    np.testing.assert_allclose(samples.mean(axis=0), expected, atol=5 * 0.5 / np.sqrt(4000))
    spins = Rbm(AGREEING.weights, AGREEING.visible_bias, AGREEING.hidden_bias, spins=True)
    assert (spins.sample(5, gibbs_steps=10, clamp={1: -1}) == -1).all()
    assert AGREEING.sample(0, clamp={0: 1}).shape == (0, 2)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: AGREEING.sample(2, clamp={2: 1}), "clamp names the units [2], but must name units from 0 to 1"),
        (lambda: AGREEING.sample(2, clamp={0: 0.5}), "the value 0.5, but given units must be bits, 0 or 1"),
        (lambda: AGREEING.sample(2, clamp=[1]), "clamp has 1 values, but must have one for each of the 2"),
        (lambda: AGREEING.sample(2, clamp={0: 1}, start=[[0, 1]]), "start is given, but must be left out"),
        (lambda: AGREEING.conditional_mean([[1]], [True]), "visible has the shape (1, 1), but must have (n, 2)"),
        (lambda: AGREEING.conditional_mean([[1, 0]], [True]), "clamped has 1 values"),
        (lambda: AGREEING.conditional_mean([[1, 0]], [5]), "clamped names the units [5]"),
        (lambda: model(image_shape=(5, 5)), "image_shape is 5 x 5, but must have 12 pixels"),
    ],
)
def test_errors_of_given_units_name_the_value_and_the_rule(call, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        call()


def test_images_are_rows_and_keep_their_shape(tmp_path):
    images = np.random.RandomState(0).randint(0, 2, (40, 3, 4))
    rbm = train(images, hidden=4, epochs=2, batch_size=20)
    assert rbm == train(images.reshape(40, 12), hidden=4, epochs=2, batch_size=20)
    assert rbm.image_shape == (3, 4)
    rows = images.reshape(40, 12)
    assert (rbm.mean_hidden(images) == rbm.mean_hidden(rows)).all()
    assert (rbm.gibbs(images) == rbm.gibbs(rows)).all()
    assert rbm.log_likelihood(images) == rbm.log_likelihood(rows)
    rbm.save(tmp_path / "model.safetensors")
    for copy in [Rbm.load(tmp_path / "model.safetensors"), pickle.loads(pickle.dumps(rbm))]:
        assert copy == rbm and copy.image_shape == (3, 4)
    with pytest.raises(ValueError, match="has 4 dimensions, but must have 2, .* or 3"):
        train(images[np.newaxis], hidden=2)


def test_initial_gives_the_number_of_hidden_units(bits):
    first = train(bits, hidden=7, epochs=1)
    assert train(bits, initial=first, epochs=1).n_hidden == 7
    online = Trainer.online(bits, initial=first, chains=5, epochs=9)
    assert online.rbm.n_hidden == 7


def test_a_batch_is_at_most_the_data():
    with pytest.warns(RuntimeWarning, match="each mini-batch has all 4 training examples, as batch_size is 9"):
        few = train(np.eye(4), hidden=2, epochs=3, batch_size=9)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert train(np.eye(4), hidden=2, epochs=3, batch_size=4) == few


def test_a_trained_model_has_its_history(bits):
    seen = []
    rbm = train(bits, hidden=4, epochs=5, batch_size=50, callback=lambda metrics: seen.append(metrics))
    assert rbm.history == seen and [metrics["epoch"] for metrics in seen] == [1, 2, 3, 4, 5]
    quiet = train(bits, hidden=4, epochs=5, batch_size=50)
    assert quiet == rbm, "metrics do not change the parameters"
    timeless = [{**m, "seconds": 0, "samples_per_second": 0} for m in rbm.history]
    assert [{**m, "seconds": 0, "samples_per_second": 0} for m in quiet.history] == timeless
    assert model().history == []


# Files


@pytest.mark.parametrize("ending", ["safetensors", "npz", "h5", "hdf5"])
def test_the_ending_is_the_format(tmp_path, ending):
    if ending.startswith("h"):
        pytest.importorskip("h5py")
    path, rbm = tmp_path / f"model.{ending}", model(grey_levels=16)
    rbm.save(path)
    first = {"npz": b"PK", "h5": b"\x89H", "hdf5": b"\x89H"}.get(ending)
    assert first is None or path.read_bytes()[:2] == first
    assert Rbm.load(path) == rbm and Rbm.load(path).grey_levels == 16
    other = model(n_hidden=3, data_mean=np.linspace(0, 1, 12), image_shape=(3, 4))
    other.save(path)
    again = Rbm.load(path)
    assert again == other and again.grey_levels is None and again.image_shape == (3, 4), "a new file"
    assert (again.data_mean == other.data_mean).all()


@pytest.mark.parametrize("ending", ["npz", "h5"])
def test_the_content_is_the_format_whatever_the_name(tmp_path, ending):
    if ending == "h5":
        pytest.importorskip("h5py")
    model().save(tmp_path / f"model.{ending}")
    for name in ["model", "model.safetensors", "other.npz", "other.h5"]:
        (tmp_path / name).write_bytes((tmp_path / f"model.{ending}").read_bytes())
        assert Rbm.load(tmp_path / name) == model()
        kind = {"npz": "a .npz file", "h5": "an HDF5 file"}[ending]
        for load in [Rbm.load_with_settings, harmonium.BernoulliRBM.load]:
            with pytest.raises(ValueError, match=f"{name}: it is {kind}, which holds no settings"):
                load(tmp_path / name)
    run = runs.train(data="shifter", hidden=2, epochs=1, out=tmp_path / f"run.{ending}", report=False)
    assert Rbm.load(run.folder) == run.model


def test_the_file_of_an_estimator_has_its_parameters():
    estimator = harmonium.BernoulliRBM(2, n_iter=1, random_state=0).fit(np.eye(4))
    for name in ["model.npz", "model.h5", "model.pt"]:
        with pytest.raises(ValueError, match=r"but must end in \.safetensors, as .*`rbm_\.save` writes"):
            estimator.save(name)


def test_other_endings_are_refused(tmp_path):
    for name in ["model.npy", "model.csv", "model.pt"]:
        with pytest.raises(ValueError, match=r"must end in \.safetensors, \.npz, \.h5 or \.hdf5"):
            model().save(tmp_path / name)
        assert not (tmp_path / name).exists()
    with pytest.raises(ValueError, match="only a .safetensors file holds settings"):
        model().save(tmp_path / "model.npz", settings={"epochs": 3})


def test_a_wrong_file_gives_the_error_of_its_kind(tmp_path):
    for name, text in [("a.npz", ".npz"), ("a.h5", "HDF5"), ("a.safetensors", "safetensors")]:
        if name == "a.h5":
            pytest.importorskip("h5py")
        path = tmp_path / name
        with pytest.raises(FileNotFoundError):
            Rbm.load(path)
        path.write_bytes(b"neither of them, and long enough to be read")
        with pytest.raises((ValueError, OSError), match=f"a{re.escape(path.suffix)}.*{re.escape(text)}"):
            Rbm.load(path)


# Runs


def test_a_run_is_started_stopped_resumed_listed_and_reported(tmp_path, bits):
    np.save(tmp_path / "bits.npy", bits.astype(np.uint8))
    settings = dict(data=tmp_path / "bits.npy", hidden=6, batch_size=50, seed=3)
    seen = []
    run = runs.train(**settings, epochs=4, out=tmp_path / "runs" / "a", callback=seen.append)
    assert run.state == "done" and run.records == seen and run.n_epochs == 4 and run.name == "a"
    assert run.metrics["epoch"].tolist() == [1, 2, 3, 4]
    assert run.metrics["free_energy_test"].dtype == float and np.isnan(run.metrics["free_energy_test"]).all()
    assert run.settings["hidden"] == 6 and (run.folder / "report.html").exists()
    assert run.model == train(bits, hidden=6, batch_size=50, seed=3, epochs=4)
    assert run.model.history == run.records and run.likelihood is None

    part = runs.train(**settings, epochs=4, out=tmp_path / "runs" / "b", callback=lambda m: m["epoch"] == 2)
    assert part.state == "stopped" and len(part.records) == 2
    assert Rbm.load(part) == part.model != run.model
    with pytest.warns(RuntimeWarning, match="planned for") as caught:
        longer = runs.resume(part, epochs=6)
    assert caught[0].filename == __file__
    assert longer.state == "done" and len(longer.records) == 6
    part = runs.train(**settings, epochs=4, out=tmp_path / "runs" / "c", stop_after="1epochs", report=False)
    assert runs.resume(part.folder).model == run.model

    (tmp_path / "runs" / "d").mkdir()
    (tmp_path / "runs" / "d" / "config.toml").write_text("hiden = 3")
    with pytest.warns(RuntimeWarning, match="config.toml"):
        found = runs.list(tmp_path / "runs")
    assert [(run.name, run.state) for run in found] == [("a", "done"), ("b", "done"), ("c", "done")]
    page = harmonium.report(found, out=tmp_path / "all.html")
    assert page.read_text().startswith("<!DOCTYPE html>") and found[0].report().exists()
    assert "hidden units" in found[0]._repr_html_() and "done" in repr(found[0])
    pandas = pytest.importorskip("pandas")
    frame = found[0].to_pandas()
    assert isinstance(frame, pandas.DataFrame) and list(frame.index) == [1, 2, 3, 4]


@pytest.mark.skipif(sys.platform != "linux", reason="names of files are text elsewhere")
def test_the_folder_of_a_run_may_have_any_name(tmp_path):
    folder = tmp_path / os.fsdecode(b"a\xff")
    run = runs.train(data="shifter", hidden=2, epochs=1, out=folder)
    assert run.folder == folder and run.state == "done" and runs.resume(run, epochs=2).n_epochs == 2
    assert [run.folder for run in runs.list(tmp_path)] == [folder]


@pytest.mark.parametrize(
    "wrong", [{"image_shape": (float("nan"), 3)}, {"epochs": 10**400}, {"data": Path(os.fsdecode(b"a\xff.npy"))}]
)
def test_settings_that_no_file_can_hold_are_refused(tmp_path, wrong):
    with pytest.raises(ValueError, match="^settings: "):
        runs.train(**{"data": "shifter", "hidden": 2, "epochs": 1, **wrong}, out=tmp_path / "a")
    assert not (tmp_path / "a").exists()


def test_a_report_is_an_html_file_on_a_run_and_replaces_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    settings = dict(data="shifter", hidden=2, epochs=1)
    one, other = (runs.train(**settings, seed=seed, out=f"{seed}") for seed in range(2))
    with pytest.raises(harmonium.SettingError, match="runs is empty, but must be at least one run"):
        harmonium.report([])
    Path("x.csv").write_text("mine")
    with pytest.raises(harmonium.SettingError, match="out is x.csv, but must be a file that ends in .html"):
        harmonium.report(one, out="x.csv")
    Path("report.html").write_text("mine")
    for out in [None, "report.html"]:
        with pytest.raises(FileExistsError, match="^report.html exists already; .* with overwrite=True"):
            harmonium.report([one, other], out)
    assert Path("report.html").read_text() == "mine"
    assert harmonium.report([one, other], overwrite=True) == Path("report.html")
    assert Path("report.html").read_text().startswith("<!DOCTYPE html>")
    assert harmonium.report(one) == one.folder / "report.html" == one.report(), "it is renewed"


def test_a_run_without_records_has_an_empty_frame(tmp_path):
    pytest.importorskip("pandas")
    settings = dict(data="shifter", hidden=2, epochs=2, batch_size=10, report=False)
    run = runs.train(**settings, out=tmp_path / "a", stop_after="1updates")
    frame = run.to_pandas()
    assert run.records == [] and len(frame) == 0 and frame.index.name == "epoch"


def test_a_run_names_wrong_settings_and_folders(tmp_path):
    with pytest.raises(TypeError, match="hiden"):
        runs.train(data="shifter", hiden=3, out=tmp_path / "a")
    for name, meant in [("pateince", "patience"), ("calback", "callback"), ("tim_budget", "time_budget")]:
        with pytest.raises(TypeError, match=f"^{name} is not known; did you mean {meant}\\?$"):
            runs.train(data="shifter", **{name: 3}, out=tmp_path / "a")
    with pytest.raises(harmonium.SettingError, match="patience is 3, but must be left out without early_stop"):
        runs.train(data="shifter", patience=3, hidden=2, epochs=1, out=tmp_path / "a")
    with pytest.raises(ValueError, match="does not hold a run"):
        runs.Run(tmp_path)
    with pytest.raises(ZeroDivisionError):
        runs.train(data="shifter", hidden=2, epochs=9, out=tmp_path / "b", callback=lambda m: 1 / 0)
    assert runs.Run(tmp_path / "b").state == "stopped"


# What is shown


def test_notebooks_show_models_and_log_likelihoods():
    rbm = train(np.random.RandomState(0).randint(0, 2, (40, 3, 4)), hidden=4, epochs=2, batch_size=20)
    html = rbm._repr_html_()
    assert "images of 3 x 4" in html and "data:image/png;base64," in html and "2 epochs, 4 updates" in html
    assert "data:image" not in model()._repr_html_()
    exact = rbm.log_likelihood(np.eye(12))._repr_html_()
    assert "exact" in exact and "<svg" not in exact
    score = model().log_likelihood(np.eye(12), method="ais", n_chains=20, schedule="linear:20", burn_in=5)
    assert "<svg" in score._repr_html_() and score.verdict in score._repr_html_()


def test_plots_need_matplotlib_and_say_so(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match="plots need matplotlib: pip install matplotlib"):
        model(image_shape=(3, 4)).plot_filters()


def test_plots_are_drawn():
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    from matplotlib import pyplot

    rbm = train(np.random.RandomState(0).randint(0, 2, (40, 3, 4)), hidden=4, epochs=3, batch_size=20)
    assert rbm.plot_filters(1).images[0].get_array().shape == (3, 4)
    assert rbm.plot_samples(6, gibbs_steps=2).get_title() == "samples after 2 sweeps"
    _, ax = pyplot.subplots()
    assert rbm.plot_history(ax=ax) is ax and ax.get_xlabel() == "epoch"
    assert len(rbm.plot_history(["weight_norm", "flip_rate"]).lines) == 3
    pyplot.close("all")
    for call, message in [
        (model().plot_filters, "does not know the shape of its images"),
        (lambda: model().plot_filters(image_shape=(5, 5)), "must have 12 pixels"),
        (model().plot_history, "has no history"),
        (lambda: rbm.plot_history(["nats"]), "'nats' is not a metric of this history"),
    ]:
        with pytest.raises(ValueError, match=message):
            call()


def test_tempered_samples_have_the_shares_of_the_modes():
    # All on with probability 0.7, else all off: chains by themselves stay where they begin.
    rbm = Rbm(np.full((6, 1), 12.0), np.full(6, -6.0), [-36.0 + np.log(0.7 / 0.3)])
    kwargs = {"gibbs_steps": 2000, "seed": 1}
    samples = rbm.sample(1000, method="pt", **kwargs)
    assert samples.dtype == bool and samples.shape == (1000, 6)
    assert abs(samples.all(axis=1).mean() - 0.7) < 0.1
    assert (rbm.sample(1000, method="pt", threads=1, **kwargs) == samples).all()
    with pytest.warns(UserWarning, match="too few round trips"):
        rbm.sample(10, method="pt", gibbs_steps=2)
    for given in ({"start": [[0] * 6]}, {"clamp": {0: 1}}):
        with pytest.raises(ValueError, match="must be gibbs with start"):
            rbm.sample(2, method="pt", **given)
    with pytest.raises(ValueError, match="the ladder of a run is in its folder"):
        rbm.sample(2, method="ptt")
    with pytest.raises(ValueError, match="did you mean gibbs"):
        rbm.sample(2, method="gibs")
