"""Pictures in notebooks while a model trains."""

import base64
import os
import re
import sys
import types

import numpy as np
import pytest

import harmonium
from harmonium import BernoulliRBM, DivergedError, _live, runs, train

SETTINGS = {"hidden": 6, "epochs": 4, "batch_size": 50, "seed": 3}
IMAGES = (np.random.default_rng(0).random((200, 3, 4)) < 0.4).astype(float)


class Output:
    """An output of a cell, with all pictures that it has shown."""

    def __init__(self, data):
        self.pictures = [data]

    def update(self, data, raw):
        assert raw
        self.pictures.append(data)

    @property
    def html(self):
        return self.pictures[-1]["text/html"]

    @property
    def line(self):
        return self.pictures[-1]["text/plain"]


@pytest.fixture
def outputs(monkeypatch):
    """A notebook's outputs. Nothing waits for the next picture."""
    shown = []

    def display(data, raw, display_id):
        assert raw and display_id is True
        shown.append(Output(data))
        return shown[-1]

    ipython, of_display = types.ModuleType("IPython"), types.ModuleType("IPython.display")
    ipython.get_ipython = lambda: types.SimpleNamespace(kernel=object())
    of_display.display = display
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", of_display)
    monkeypatch.setattr(_live, "_PAUSE", 0.0)
    monkeypatch.setattr(_live, "_SHARE", float("inf"))
    return shown


def curves(html):
    (svg,) = re.findall('data:image/svg[+]xml;base64,([^"]*)"', html)
    return base64.b64decode(svg).decode()


def test_one_output_is_renewed_after_each_epoch(outputs):
    rbm = train(IMAGES, **SETTINGS, live=True)
    assert rbm == train(IMAGES, **SETTINGS)
    (output,) = outputs
    # At the start, after each epoch, and at the end.
    lines = [picture["text/plain"].split("  ")[0] for picture in output.pictures]
    assert lines == ["epoch 0/4", "epoch 1/4", "epoch 2/4", "epoch 3/4", "epoch 4/4", "epoch 4/4"]
    assert f"pseudo-likelihood {rbm.history[-1]['pseudo_likelihood']:.2f}" in output.html
    assert "pseudo-likelihood" in curves(output.html)
    assert "data:image/png;base64," in output.html
    # What notebooks remove or theirs would style.
    assert not re.search("<svg|<script|<style", output.html)
    assert "background:#ffffff;color:#111827" in output.html


def test_samples_are_shown_of_images_alone(outputs):
    train(IMAGES.reshape(200, 12), **SETTINGS, live=True)
    assert "image/png" not in outputs[0].html and "svg+xml" in outputs[0].html


def test_pictures_take_their_share_of_the_time(outputs, monkeypatch):
    now, cost = [100.0], [0.0]

    def update(self, data, raw):
        now[0] += cost[0]

    monkeypatch.setattr(Output, "update", update)
    monkeypatch.setattr(_live, "_PAUSE", 0.5)
    monkeypatch.setattr(_live, "_SHARE", 0.02)
    monkeypatch.setattr(_live.time, "perf_counter", lambda: now[0])
    picture = _live.Picture()
    for cost[0], pause in [(0.0, 0.5), (0.001, 0.5), (0.1, 5.0)]:
        assert picture.is_due()
        picture.show("line", "html")
        now[0] += pause - 1e-6
        assert not picture.is_due() and picture.is_due(is_last=True)
        now[0] += 2e-6


def test_ctrl_c_in_a_notebook_keeps_the_model_and_the_picture(outputs, monkeypatch):
    def interrupt(metrics):
        if metrics["epoch"] == 2:
            raise KeyboardInterrupt

    with pytest.warns(RuntimeWarning, match="after 8 of 16 updates: this is the model as it stands"):
        rbm = train(IMAGES, **SETTINGS, live=True, callback=interrupt)
    trainer = harmonium.Trainer(IMAGES, **SETTINGS)
    trainer.run(until=8)
    assert rbm == trainer.model and len(rbm.history) == 2
    assert outputs[0].line.startswith("epoch 2/4")
    assert outputs[0].line.endswith("\nstopped by Ctrl-C after 8 updates")
    monkeypatch.setitem(sys.modules, "IPython", None)
    with pytest.raises(KeyboardInterrupt):
        train(IMAGES, **SETTINGS, live=True, callback=interrupt)


def test_the_last_picture_says_why_training_failed(outputs):
    with pytest.raises(DivergedError):
        train(IMAGES, **{**SETTINGS, "learning_rate": 1e5, "epochs": 50}, live=True)
    assert "DivergedError: " in outputs[0].html and "image/png" not in outputs[0].html


def test_a_run_shows_the_same_picture(outputs, tmp_path):
    run = runs.train(IMAGES, out=tmp_path / "run", **SETTINGS, live=True, report=False)
    train(IMAGES, **SETTINGS, live=True)
    of_run, of_call = outputs
    assert len(of_run.pictures) == 6
    assert curves(of_run.html) == curves(of_call.html)
    png = 'data:image/png;base64,[^"]*'
    assert re.findall(png, of_run.html) == re.findall(png, of_call.html) != []
    with pytest.warns(RuntimeWarning, match="planned for 24 updates"):
        runs.resume(run, epochs=6, live=True, report=False)
    assert outputs[2].pictures[0]["text/plain"].startswith("epoch 4/")
    assert outputs[2].line.startswith("epoch 6/6")


def test_a_run_that_stops_says_how_to_go_on(outputs, tmp_path):
    folder = tmp_path / "run"
    part = runs.train(IMAGES, out=folder, **SETTINGS, live=True, callback=lambda m: m["epoch"] == 2)
    assert part.state == "stopped"
    assert outputs[0].line.startswith("epoch 2/4")
    last = outputs[0].line.splitlines()[-1]
    assert last == f'stopped after 8 updates; harmonium.runs.resume("{folder}") goes on'
    with pytest.raises(DivergedError):
        runs.train(IMAGES, **{**SETTINGS, "learning_rate": 1e5}, out=tmp_path / "far", live=True)
    assert "smaller learning_rate" in outputs[1].line.splitlines()[-1]


def test_an_error_of_the_display_ends_the_run_and_is_raised(outputs, tmp_path, monkeypatch):
    def broken(*_, **__):
        raise OSError("no display")

    monkeypatch.setattr(Output, "update", broken)
    with pytest.raises(OSError, match="no display"):
        runs.train(IMAGES, out=tmp_path / "run", **SETTINGS, live=True)
    assert harmonium.runs.Run(tmp_path / "run").state == "stopped"


def test_an_estimator_shows_its_fit(outputs):
    X = IMAGES.reshape(200, 12)
    model = BernoulliRBM(6, n_iter=3, random_state=0, live=True).fit(X)
    assert outputs[0].line.startswith("epoch 3/3")
    assert "pseudo_likelihood" in model.history_[-1]
    same = BernoulliRBM(6, n_iter=3, random_state=0).fit(X)
    assert (model.components_ == same.components_).all()


def test_a_trainer_shows_itself():
    trainer = harmonium.Trainer(IMAGES, **SETTINGS)
    trainer.run(until=4)
    assert "epoch 0/4" in trainer._repr_html_()
    trainer.metrics()
    line, html = trainer.picture("a < b")
    assert line.startswith("epoch 1/4") and line.endswith("\na < b") and "a &lt; b" in html
    online = harmonium.Trainer.online(np.eye(4), hidden=2, chains=4)
    assert online._repr_html_() is None


def test_elsewhere_there_is_a_progress_bar(capsys, tmp_path):
    pytest.importorskip("tqdm")
    train(IMAGES, **SETTINGS, live=True)
    assert "4/4" in capsys.readouterr().err
    runs.train(IMAGES, out=tmp_path / "run", **SETTINGS, live=True, report=False)
    assert "4/4" in capsys.readouterr().err


CELLS = [
    """
import os, signal, threading, warnings
import numpy as np
import harmonium

images = (np.random.default_rng(0).random((2000, 8, 8)) < 0.4).astype(float)
settings = dict(hidden=20, batch_size=50, seed=3)
""",
    "rbm = harmonium.train(images, **settings, epochs=30, live=True)",
    "run = harmonium.runs.train(images, **settings, epochs=30, out='run', report=False, live=True)",
    """
warnings.simplefilter("ignore")
threading.Timer(1.0, os.kill, (os.getpid(), signal.SIGINT)).start()
part = harmonium.train(images, **settings, epochs=10**6, live=True)
""",
    """
assert rbm == run.model == harmonium.train(images, **settings, epochs=30)
assert 0 < len(part.history) < 10**6
""",
]


def test_a_real_notebook_has_one_output_a_cell_that_was_renewed(tmp_path):
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    shown = []

    class Client(nbclient.NotebookClient):
        def process_message(self, msg, cell, cell_index):
            if msg["msg_type"] in ("display_data", "update_display_data"):
                shown.append((cell_index, msg["msg_type"], msg["header"]["date"]))
            return super().process_message(msg, cell, cell_index)

    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in CELLS])
    # The kernel imports the package that is tested here.
    path = os.path.dirname(os.path.dirname(harmonium.__file__))
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([path, os.environ.get("PYTHONPATH", "")])}
    resources = {"metadata": {"path": str(tmp_path)}}
    Client(book, timeout=120, kernel_name="python3", resources=resources).execute(env=env)
    for at, line in [(1, "epoch 30/30"), (2, "epoch 30/30"), (3, "epoch ")]:
        (output,) = book.cells[at].outputs
        assert output.output_type == "display_data" and output.data["text/plain"].startswith(line)
        assert {"svg+xml", "image/png"} <= set(re.findall("svg[+]xml|image/png", output.data["text/html"]))
        kinds = [kind for cell, kind, _ in shown if cell == at]
        assert kinds[0] == "display_data" and set(kinds[1:]) == {"update_display_data"}
        # Half a second lies between two pictures, but for the last.
        dates = [date for cell, _, date in shown if cell == at][:-1]
        assert all((late - early).total_seconds() > 0.49 for early, late in zip(dates, dates[1:]))
    assert "stopped by Ctrl-C after" in book.cells[3].outputs[0].data["text/plain"]
