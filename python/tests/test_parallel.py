"""Processes, threads and Ctrl-C."""

import os
import subprocess
import sys
import textwrap
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import joblib
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline

from harmonium import BernoulliRBM, Rbm


def test_a_search_over_parameters_in_two_processes(digits):
    grid = {"n_components": [4, 16], "learning_rate": [1e-6, 0.1]}
    rbm = BernoulliRBM(random_state=0, n_iter=3)
    search = GridSearchCV(rbm, grid, n_jobs=2, cv=3).fit(digits)
    assert search.best_params_ == {"n_components": 16, "learning_rate": 0.1}
    alone = GridSearchCV(rbm, grid, cv=3).fit(digits)
    assert (search.cv_results_["mean_test_score"] == alone.cv_results_["mean_test_score"]).all()


def test_a_pipeline_is_searched_and_stored(digits, tmp_path):
    from sklearn.datasets import load_digits

    y = load_digits().target
    steps = [("rbm", BernoulliRBM(random_state=0)), ("logistic", LogisticRegression(max_iter=200))]
    search = GridSearchCV(Pipeline(steps), {"rbm__n_components": [4, 32]}, n_jobs=2, cv=2)
    search.fit(digits, y)
    assert search.best_params_ == {"rbm__n_components": 32}
    joblib.dump(search.best_estimator_, tmp_path / "pipeline")
    again = joblib.load(tmp_path / "pipeline")
    assert (again.predict(digits) == search.best_estimator_.predict(digits)).all()


def test_four_threads_train_at_once(digits):
    alone = [BernoulliRBM(16, random_state=seed).fit(digits).components_ for seed in range(4)]
    with ThreadPoolExecutor(4) as pool:
        fits = pool.map(lambda seed: BernoulliRBM(16, random_state=seed).fit(digits), range(4))
        together = [rbm.components_ for rbm in fits]
    for one, other in zip(alone, together):
        assert (one == other).all()


def test_other_threads_run_while_one_trains(bits):
    X = np.tile(bits, (20, 4))
    ticks, done = [], threading.Event()

    def tick():
        while not done.is_set():
            ticks.append(time.monotonic())
            time.sleep(0.002)

    other = threading.Thread(target=tick)
    other.start()
    begin = time.monotonic()
    BernoulliRBM(300, batch_size=200, n_iter=3, random_state=0).fit(X)
    seconds = time.monotonic() - begin
    done.set()
    other.join()
    assert seconds > 0.1
    # If the lock were held throughout, there would be one or two ticks.
    assert len([t for t in ticks if t > begin]) > 10 * seconds


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_has_its_own_threads(digits):
    expected = BernoulliRBM(8, random_state=0).fit(digits).components_
    code = """
        import copy, os, sys
        import numpy as np
        from harmonium import BernoulliRBM
        X = np.load(sys.argv[1])
        def work():
            rbm = BernoulliRBM(256, random_state=0).fit(X).partial_fit(X[:600])
            rbm = copy.deepcopy(rbm).partial_fit(X[:10])
            rbm.rbm_.mean_visible(np.zeros((600, 256)))
            rbm.sample(3, start=X[:600] > 0.5, n_gibbs_steps=1)
            rbm.transform(X), rbm.score(X[:50])
            return rbm.components_
        first = work()
        child = os.fork()
        again = work()
        same = bool((again == first).all())
        if child == 0:
            os._exit(0 if same else 1)
        _, status = os.waitpid(child, 0)
        sys.exit(0 if same and status == 0 else 1)
    """
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "X.npy")
        np.save(path, digits)
        command = [sys.executable, "-W", "ignore", "-c", textwrap.dedent(code), path]
        assert subprocess.run(command, timeout=60).returncode == 0
    assert expected.shape == (8, 64)


INTERRUPTED = """
    import os, signal, sys, threading, time
    import numpy as np
    from harmonium import BernoulliRBM, Trainer
    X = (np.random.RandomState(0).uniform(size=(5000, 400)) < 0.3).astype(np.float32)
    sent = []
    def interrupt():
        time.sleep(1.0)
        sent.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)
    threading.Thread(target=interrupt).start()
    rbm = BernoulliRBM(200, n_iter=1_000_000, batch_size=100, random_state=0)
    try:
        rbm.fit(X)
    except KeyboardInterrupt:
        late = time.monotonic() - sent[0]
        assert late < 1.0, late
        # It keeps what it learned, which is more than nothing.
        assert rbm.n_iter_ > 0 and np.abs(rbm.components_).max() > 0.1
        assert rbm.transform(X[:5]).shape == (5, 200)
        rbm.partial_fit(X[:100])
        print("stopped")
"""


def test_ctrl_c_stops_within_a_second_and_keeps_what_was_learned():
    command = [sys.executable, "-c", textwrap.dedent(INTERRUPTED)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.stdout.strip() == "stopped", done.stderr


LONG = """
    import os, pickle, signal, threading, time
    import numpy as np
    from harmonium import BernoulliRBM, Trainer
    X = (np.random.RandomState(0).uniform(size=(500, 100)) < 0.3).astype(np.float32)
    sent = []
    def interrupt():
        sent.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)
    def stopped(call):
        threading.Timer(0.5, interrupt).start()
        try:
            call()
        except KeyboardInterrupt:
            late = time.monotonic() - sent[-1]
            assert late < 1.0, late
            return True
    trainer = Trainer(X, hidden=50, gibbs_steps=1_000_000, epochs=1)
    before = trainer.rbm, trainer.hidden_states
    assert stopped(trainer.run)
    # It is as it was before the update.
    assert trainer.updates == 0 and trainer.rbm == before[0]
    assert (trainer.hidden_states == before[1]).all()
    online = Trainer.online(X, hidden=50, gibbs_steps=1_000_000)
    before = pickle.dumps(online)
    assert stopped(lambda: online.update_on(X[:50]))
    assert pickle.dumps(online) == before
    assert stopped(lambda: BernoulliRBM(50, n_gibbs_steps=1_000_000).fit(X))
    print("stopped")
"""


def test_ctrl_c_stops_within_a_long_update_and_leaves_the_trainer_as_it_was():
    command = [sys.executable, "-W", "ignore", "-c", textwrap.dedent(LONG)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "stopped", done.stderr


@pytest.mark.parametrize(
    "call",
    [
        "rbm.sample(100, gibbs_steps=10**9)",
        "rbm.pseudo_likelihood(many)",
        "rbm.gibbs(np.zeros((100, 100)), gibbs_steps=10**9)",
        "rbm.log_likelihood(np.zeros((100, 100)), burn_in=10**9)",
        "rbm.log_likelihood(np.zeros((100, 100)), burn_in=1, schedule='linear:1000000')",
    ],
)
def test_ctrl_c_stops_every_long_call(call):
    code = f"""
        import os, signal, threading, time
        import numpy as np
        from harmonium import Rbm
        rbm = Rbm(np.zeros((100, 50)), np.zeros(100), np.zeros(50))
        many = np.full((200_000, 100), 0.5)
        sent = []
        def interrupt():
            sent.append(time.monotonic())
            os.kill(os.getpid(), signal.SIGINT)
        try:
            threading.Timer(0.5, interrupt).start()
            {call}
        except KeyboardInterrupt:
            late = time.monotonic() - sent[0]
            assert late < 1.0, late
            print("stopped")
    """
    command = [sys.executable, "-c", textwrap.dedent(code)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "stopped", done.stderr


def test_it_works_without_scikit_learn(digits, tmp_path):
    np.save(tmp_path / "X.npy", digits)
    code = """
        import sys
        for name in ["sklearn", "scipy", "pandas", "tqdm", "h5py"]:
            sys.modules[name] = None  # as if it were not installed
        import numpy as np
        import harmonium
        from harmonium import BernoulliRBM
        X = np.load(sys.argv[1])
        rbm = BernoulliRBM(n_components=8, random_state=0)
        assert repr(rbm) == "BernoulliRBM(n_components=8, random_state=0)", repr(rbm)
        features = rbm.fit_transform(X)
        rbm.set_params(n_iter=2).partial_fit(X[:10]).score(X)
        assert features.shape == (1797, 8) and len(rbm.get_feature_names_out()) == 8
        for bad in [X[0], X[:, :3], X[:0], np.full_like(X, np.nan)]:
            try:
                rbm.transform(bad)
            except ValueError:
                continue
            raise AssertionError(bad.shape)
        np.save(sys.argv[2], features)
    """
    command = [sys.executable, "-c", textwrap.dedent(code), tmp_path / "X.npy", tmp_path / "F.npy"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    features = BernoulliRBM(8, random_state=0).fit_transform(digits)
    assert (np.load(tmp_path / "F.npy") == features).all()


def test_a_progress_bar_is_shown_on_request(digits, capsys):
    pytest.importorskip("tqdm")
    BernoulliRBM(4, n_iter=3, progress=True, random_state=0).fit(digits)
    assert "3/3" in capsys.readouterr().err
    BernoulliRBM(4, n_iter=3, random_state=0).fit(digits)
    assert capsys.readouterr().err == ""


def test_threads_share_a_model(digits):
    rbm = Rbm(np.random.RandomState(0).normal(0, 0.1, (64, 20)), np.zeros(64), np.zeros(20))
    expected = rbm.mean_hidden(digits)
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(lambda _: rbm.mean_hidden(digits), range(20)):
            assert (found == expected).all()
