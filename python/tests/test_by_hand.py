"""Programs that lean on scikit-learn's `BernoulliRBM`: arrays set by hand, methods that begin with an
underscore, odd types of data; and what the estimator says while it learns."""

import copy
import pickle
import subprocess
import sys
import warnings

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.neural_network import BernoulliRBM as TheirRBM

from harmonium import BernoulliRBM

PARAMETERS = ["components_", "intercept_hidden_", "intercept_visible_"]


@pytest.fixture
def theirs(digits):
    """scikit-learn's estimator, with parameters that float32 holds."""
    theirs = TheirRBM(12, n_iter=2, random_state=0).fit(digits)
    for name in PARAMETERS:
        setattr(theirs, name, getattr(theirs, name).astype(np.float32).astype(float))
    return theirs


def by_hand(theirs):
    """Ours with their parameters, set as a user sets them."""
    ours = BernoulliRBM(12, random_state=0)
    for name in PARAMETERS:
        setattr(ours, name, getattr(theirs, name).copy(order="K"))
    return ours


def packed(array):
    """The same numbers, off their boundaries."""
    record = np.zeros(array.shape, dtype=[("byte", "u1"), ("number", array.dtype)])
    record["number"] = array
    return record["number"]


@pytest.mark.parametrize(
    "form",
    [
        np.asfortranarray,
        np.float32,
        np.float16,
        packed,
        lambda array: packed(np.float32(array)),
        lambda array: array.astype(">f8"),
        lambda array: np.repeat(array, 2, axis=1)[:, ::2],
    ],
)
def test_a_change_is_seen_in_an_array_of_any_form(digits, theirs, form):
    ours = by_hand(theirs)
    ours.components_ = form(theirs.components_)
    kept = ours.rbm_
    assert ours.rbm_ is kept
    # One number of the first, the last and another block of those that are compared at once.
    for at in [(0, 0), (11, 63), (7, 5)]:
        ours.components_[at] += 1
        assert (ours.rbm_.weights == np.float32(ours.components_).T).all() and ours.rbm_ is not kept
        kept = ours.rbm_
        assert ours.rbm_ is kept
    ours.components_[3, 3] = np.nan
    with pytest.raises(ValueError, match="nan|NaN|finite"):
        ours.transform(digits)


def test_arrays_set_by_hand_do_all_that_a_fit_does(digits, bits, theirs):
    ours = by_hand(theirs)
    np.testing.assert_allclose(ours.transform(digits), theirs.transform(digits), rtol=1e-6)
    stochastic = ours.score_samples(digits, method="stochastic")
    np.testing.assert_allclose(stochastic, theirs.score_samples(digits), rtol=1e-6)
    assert np.isfinite(ours.score(digits))
    assert ours.gibbs(bits[:3]).shape == (3, 64) and ours.gibbs(bits[0]).shape == (64,)
    assert ours.sample(5, n_gibbs_steps=2).shape == (5, 64)
    assert ours.reconstruct(bits[:2]).shape == (2, 64)
    assert list(ours.get_feature_names_out())[-1] == "bernoullirbm11"
    assert (ours.to_sklearn().transform(digits) == theirs.transform(digits)).all()
    again = pickle.loads(pickle.dumps(ours))
    assert (again.transform(digits) == ours.transform(digits)).all()
    for estimator in (ours, again):
        estimator.set_params(learning_rate=0.01).partial_fit(digits[:10])
        change = np.abs(estimator.components_ - theirs.components_).max()
        assert 0 < change < 0.02 and estimator.h_samples_.shape == (10, 12)
    assert (ours.components_ == again.components_).all()
    # As in scikit-learn, whatever is left out starts at 0.
    alone = BernoulliRBM(12, learning_rate=1e-9, random_state=0)
    alone.components_ = theirs.components_
    assert np.abs(alone.partial_fit(digits[:10]).intercept_visible_).max() < 1e-8


def test_a_change_in_place_is_seen(digits, theirs):
    ours, X = by_hand(theirs), digits[:3]
    kept = ours.rbm_
    assert ours.rbm_ is kept, "the model is made once"
    held = ours.components_
    for name in PARAMETERS:
        for holder in (ours, theirs):
            getattr(holder, name).flat[1] += 1
        np.testing.assert_allclose(ours.transform(X), theirs.transform(X), rtol=1e-6)
        np.testing.assert_allclose(ours.free_energy(X), theirs._free_energy(X), rtol=1e-6)
    # Also through another name, and through the array of which it is a view.
    ours.components_ = held[:]
    ours.components_.flags.writeable = False
    before = ours.transform(X)
    held[:] = 0
    assert (ours.transform(X) != before).all()
    # A read-only array that is unlocked is looked at again.
    held.flags.writeable = False
    ours.components_ = held
    before = ours.transform(X)
    held.flags.writeable = True
    held += 1
    assert (ours.transform(X) != before).all()
    with pytest.raises(ValueError, match="read-only"):
        ours.fit(digits).components_[0, 0] = 1
    lists = BernoulliRBM(2)
    lists.components_, lists.intercept_hidden_, lists.intercept_visible_ = [[1, 2]], [0], [0, 0]
    before = lists.transform([[0.0, 1.0]])
    lists.components_[0][1] = 3
    assert lists.transform([[0.0, 1.0]]) > before


def test_arrays_that_do_not_fit_are_named(digits, theirs):
    for name, value, message in [
        ("components_", np.zeros(3), r"components_ has the shape \(3,\), but must have two axes"),
        ("intercept_hidden_", np.zeros(3), r"intercept_hidden_ has the shape \(3,\), .* \(12,\)"),
        ("intercept_visible_", np.zeros((64, 1)), r"intercept_visible_ has the shape .* \(64,\)"),
    ]:
        ours = by_hand(theirs)
        setattr(ours, name, value)
        with pytest.raises(ValueError, match=message):
            ours.transform(digits)
    with pytest.raises(AttributeError, match="intercept_hidden_"):
        del ours.intercept_hidden_
        ours.transform(digits)


def test_copies_do_not_lock_and_pickles_do_not_forget(digits):
    ours = BernoulliRBM(8, random_state=0).partial_fit(digits[:10])
    ours.components_ = np.zeros_like(ours.components_)
    again = pickle.loads(pickle.dumps(ours))
    shallow = copy.copy(ours)
    assert ours.components_.flags.writeable and shallow.components_ is ours.components_
    for estimator in (again, shallow, ours):
        estimator.set_params(learning_rate=1e-9).partial_fit(digits[:10])
        assert np.abs(estimator.components_).max() < 1e-6, "the trainer went on from its own"
    again = pickle.loads(pickle.dumps(ours))
    assert not again.components_.flags.writeable and not ours.components_.flags.writeable


def test_the_methods_under_their_names_give_the_same_bits(digits, theirs):
    ours, both = by_hand(theirs), lambda: (np.random.RandomState(7), np.random.RandomState(7))
    for v in (digits[:20], digits[0], digits[:20].astype(np.float32), digits[:20].astype(int)):
        np.testing.assert_allclose(ours._mean_hiddens(v), theirs._mean_hiddens(v), rtol=2e-6)
        one, other = both()
        h = theirs._sample_hiddens(v, other)
        assert (ours._sample_hiddens(v, one) == h).all()
        for h in (h, h.astype(float), theirs._mean_hiddens(v)):
            assert (ours._sample_visibles(h, one) == theirs._sample_visibles(h, other)).all()
    np.testing.assert_allclose(ours._free_energy(digits), theirs._free_energy(digits), rtol=1e-6)
    generator = np.random.default_rng(0)
    assert ours._sample_hiddens(digits[:2], generator).dtype == bool


def odd_inputs(digits):
    X = digits[:40]
    yield "longdouble", X.astype(np.longdouble)
    yield "half", X.astype(np.float16)
    yield "objects", X.astype(object)
    yield "numeric strings", (X > 0.5).astype(int).astype(str)
    yield "bytes", (X > 0.5).astype(int).astype("S1")
    yield "words", np.full((3, 64), "dark")
    yield "strings and numbers", np.array([[0.5] * 63 + ["1"]] * 3, dtype=object)
    yield "complex", X.astype(complex)
    yield "dates", X.astype("M8[s]")
    yield "none", np.where(X > 0.9, None, X)
    yield "one row", X[0]
    yield "three axes", X.reshape(40, 8, 8)
    yield "lists", X.tolist()
    yield "booleans", X > 0.5
    yield "big-endian", X.astype(">f8")
    yield "NaN", np.where(X > 0.9, np.nan, X)
    yield "other width", X[:, :60]


def odd_frames(digits):
    pandas = pytest.importorskip("pandas")
    X = digits[:40]
    bits = pandas.DataFrame((X > 0.5).astype(int))
    yield "categories of numbers", bits.astype("category")
    yield "categories of words", pandas.DataFrame(np.where(X > 0.5, "a", "b")).astype("category")
    yield "strings", bits.astype(str)
    yield "one column of strings", bits.assign(**{"0": bits[0].astype(str)}).drop(columns=[0])
    yield "nullable", bits.astype("Int64")
    yield "nullable floats", pandas.DataFrame(X).astype("Float32")
    yield "booleans", bits.astype(bool)
    yield "mixed", bits.astype({0: float, 1: np.float32, 2: bool})
    yield "missing", bits.astype("Int64").mask(bits == 1)


def outcome(call):
    """What a call returns, or the kind of its error."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return call()
        except (ValueError, TypeError) as error:
            return type(error)


@pytest.mark.parametrize("inputs", [odd_inputs, odd_frames])
def test_data_of_odd_types_are_taken_or_refused_as_in_scikit_learn(digits, theirs, inputs):
    for kind, X in inputs(digits):
        for name in ("transform", "fit", "partial_fit"):
            expected, found = (outcome(lambda: getattr(e, name)(X)) for e in (theirs, by_hand(theirs)))
            is_refused = isinstance(expected, type)
            assert isinstance(found, type) == is_refused, (kind, name, expected, found)
            if name == "transform" and not is_refused:
                assert found.dtype == expected.dtype, kind
                np.testing.assert_allclose(found, expected, rtol=2e-6, err_msg=kind)
            if name != "transform":
                theirs = copy.deepcopy(theirs)


def test_every_fit_has_a_history(digits):
    held = []
    for settings in [
        {},
        dict(callback=held.append),
        dict(early_stopping=True),
        dict(verbose=1),
        dict(n_iter=0),
    ]:
        rbm = BernoulliRBM(4, random_state=0, **{"n_iter": 3, **settings}).fit(digits)
        assert [epoch["epoch"] for epoch in rbm.history_] == list(range(1, rbm.n_iter_ + 1))
        assert all(epoch["seconds"] > 0 and epoch["updates"] > 0 for epoch in rbm.history_)
        has_scores = "callback" in settings or "early_stopping" in settings
        assert all(("pseudo_likelihood" in epoch) == has_scores for epoch in rbm.history_)
    rbm.set_params(n_iter=2).fit(digits)
    assert len(rbm.history_) == 2


def test_an_estimator_that_learns_is_not_fitted(digits):
    seen = []

    def callback(metrics):
        with pytest.raises(NotFittedError):
            rbm.transform(digits)
        seen.append(metrics)

    rbm = BernoulliRBM(4, n_iter=2, verbose=1, random_state=0, callback=callback)
    assert len(rbm.fit(digits).fit(digits[:, :9]).transform(digits[:, :9])) == 1797
    assert len(seen) == 4
    with pytest.raises(NotFittedError):
        BernoulliRBM().rbm_


def test_every_method_warns_of_values_outside_in_the_same_words(digits, theirs):
    sparse = pytest.importorskip("scipy.sparse")
    ours = by_hand(theirs)
    message = r"^X has values outside \[0, 1\]: row 1, feature 3 is 7. They are taken as they are"
    for kind in (np.array, lambda x: x.astype(int), sparse.csr_array, lambda x: x.astype("f4")):
        X = (digits[:20] > 0.5).astype(float)
        X[1, 3] = 7
        X = kind(X)
        methods = "transform score_samples score free_energy gibbs reconstruct fit partial_fit".split()
        for name in [*methods, "_mean_hiddens", "_free_energy"]:
            with pytest.warns(UserWarning, match=message) as caught:
                getattr(by_hand(theirs), name)(X)
            assert len(caught) == 1 and caught[0].filename == __file__, name
    with pytest.warns(UserWarning, match=message.replace("7", "-0.5")):
        X = digits[:20].copy()
        X[1, 3] = -0.5
        ours.transform(X)


def test_a_type_checker_knows_the_attributes(tmp_path):
    pytest.importorskip("mypy")
    path = tmp_path / "typed.py"
    path.write_text(
        "from harmonium import BernoulliRBM\n"
        "rbm = BernoulliRBM(2).fit([[0, 1]])\n"
        "reveal_type(rbm.components_)\nreveal_type(rbm.history_)\nreveal_type(rbm.rbm_)\n"
        "reveal_type(BernoulliRBM.load('model.safetensors').n_features_in_)\n"
        "rbm.components_ = rbm.components_ * 2\n"
    )
    command = [sys.executable, "-m", "mypy", "--strict", "--ignore-missing-imports", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert "Success" in done.stdout or "Revealed" in done.stdout and "error" not in done.stdout
    for kind in ("floating", "list[", "Rbm", "int"):
        assert kind in done.stdout, done.stdout
