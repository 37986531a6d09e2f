"""`harmonium.sweep`: the sweeps of the command line, from Python."""

import inspect
import signal
import threading
import warnings

import numpy as np
import pytest

import harmonium
from harmonium import SettingError, Sweep, runs, sweep
from harmonium._harmonium import run_setting_table, setting_table

PAIRS = np.array([[0, 0, 1], [1, 1, 0]] * 60)
SHORT = {"hidden": 4, "epochs": 5, "batch_size": 10}


def test_a_table_has_the_points_best_first_and_pandas_takes_it(tmp_path):
    found = sweep(
        tmp_path / "one",
        data=PAIRS,
        vary={"learning_rate": [1e-6, np.float64(0.3)], "hidden": "2..8:log:3"},
        seeds=2,
        epochs=20,
        batch_size=10,
    )
    assert found.names == ["learning_rate", "hidden"]
    assert [row["rank"] for row in found.table] == list(range(1, 7))
    scores = [row["log_likelihood"] for row in found.table]
    assert scores == sorted(scores, reverse=True)
    assert found.best_values["learning_rate"] == 0.3 and found.best_score == scores[0]
    assert found.best.settings["hidden"] == found.best_values["hidden"]
    assert found.best.folder == tmp_path / "one" / "runs" / found.table[0]["runs"][0]
    assert found.load() == found.best.model
    assert all(row["standard_error"] > 0 and len(row["runs"]) == 2 for row in found.table)
    assert found.settings["epochs"] == 20 and "hidden" not in found.settings
    assert "0.3" in found._repr_html_() and "of 6 choices" in repr(found)
    assert (found.folder / "report.html").exists()
    pytest.importorskip("pandas")
    frame = found.to_pandas()
    assert frame.loc[1, "learning_rate"] == 0.3 and len(frame) == 6
    assert Sweep(found.folder).table == found.table
    # A tenth of the examples are set aside, and the model is that of a run alone.
    alone = runs.train(
        data=tmp_path / "one" / "data.packed",
        out=tmp_path / "alone",
        **{**SHORT, "epochs": 20, **found.best_values},
        validation=12,
    )
    assert alone.model == found.load()


def test_ctrl_c_stops_all_runs_and_resume_goes_on(tmp_path):
    vary = {"learning_rate": [0.01, 0.1, 0.3]}
    settings = {**SHORT, "epochs": 400}
    whole = sweep(tmp_path / "whole", data=PAIRS, vary=vary, report=False, **settings)
    timer = threading.Timer(0.1, lambda: signal.raise_signal(signal.SIGINT))
    timer.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            sweep(tmp_path / "stopped", data=PAIRS, vary=vary, **{**settings, "epochs": 100_000})
    finally:
        timer.join()
    assert (tmp_path / "stopped" / "sweep.toml").exists()
    # A callback stops it, too.
    stopped = sweep(
        tmp_path / "called", data=PAIRS, vary=vary, threads=1, callback=lambda run: True, **settings
    )
    states = [row["state"] for row in stopped.table]
    assert states.count("waiting") >= 1 and states[0] == "done"
    heard = []
    found = stopped.resume(callback=heard.append)
    assert found.table == whole.table
    assert heard[-1]["runs_done"] == 3 and set(heard[-1]["values"]) == {"learning_rate"}


def test_labels_and_weights_are_arrays_beside_an_array(tmp_path):
    labels = ["left", "right"] * 60
    found = sweep(
        tmp_path / "labels",
        data=PAIRS,
        labels=labels,
        weights=np.ones(120),
        vary={"learning_rate": [0.1]},
        score="error_test",
        objective="discriminative",
        **SHORT,
    )
    assert found.metric == "error_test" and found.load().classes == ["left", "right"]


def test_what_cannot_be_swept_is_told(tmp_path):
    with pytest.raises(ValueError, match="keeps in its folder; give the folder"):
        sweep(data=PAIRS)
    with pytest.raises(SettingError, match="learning_rate is 0, but must be above 0"):
        sweep(tmp_path / "a", data=PAIRS, vary={"learning_rate": [0, 0.1]})
    with pytest.raises(SettingError, match="vary is lerning_rate.*did you mean learning_rate"):
        sweep(tmp_path / "a", data=PAIRS, vary={"lerning_rate": [0.1]})
    with pytest.raises(SettingError, match="search is grit"):
        sweep(tmp_path / "a", data=PAIRS, search="grit")
    with pytest.raises(ValueError, match="does not hold a sweep"):
        Sweep(tmp_path)
    with pytest.raises(ZeroDivisionError):
        sweep(tmp_path / "b", data=PAIRS, callback=lambda run: 1 / 0, **SHORT)
    with pytest.raises(ValueError, match="already holds a sweep"):
        sweep(tmp_path / "b", data=PAIRS[:30], **SHORT)
    # Its data are as they were.
    assert len(harmonium.read(tmp_path / "b" / "data.packed")) == 120


def test_keywords_are_those_of_runs():
    parameters = inspect.signature(sweep).parameters
    settings = {row["name"] for row in [*setting_table(), *run_setting_table()]}
    assert settings < set(parameters)
    assert "{settings}" not in inspect.getdoc(sweep)
    for name in set(parameters) - settings - {"folder"}:
        with pytest.raises(TypeError, match=f"^{name}x is not known; did you mean {name}\\?$"):
            sweep(data="bars-and-stripes:3", **{f"{name}x": 5})


def test_halving_of_scikit_learn_searches_among_estimators(digits):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from sklearn.experimental import enable_halving_search_cv  # noqa: F401
    from sklearn.model_selection import HalvingGridSearchCV

    rbm = harmonium.BernoulliRBM(n_components=16, batch_size=20, random_state=0)
    grid = {"learning_rate": [1e-6, 0.05, 0.1]}
    search = HalvingGridSearchCV(rbm, grid, resource="n_iter", max_resources=9, min_resources=3, cv=2)
    search.fit(digits[:300])
    assert search.best_params_["learning_rate"] > 1e-6 and search.n_iterations_ == 2
    assert search.best_estimator_.n_iter == 9
