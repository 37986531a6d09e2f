"""Weights of examples."""

import pickle

import numpy as np
import pytest

import harmonium
from harmonium import BernoulliRBM

BITS = (np.add.outer(np.arange(60) ** 2, 3 * np.arange(7)) % 5 < 2).astype(float)
WEIGHTS = 0.1 + np.arange(60) % 7
SETTINGS = dict(hidden=5, epochs=3, batch_size=20, chains=20)


def parameters(rbm):
    return np.concatenate([rbm.weights.ravel(), rbm.hidden_bias, rbm.visible_bias])


def test_equal_weights_change_no_bit_and_others_do():
    plain = harmonium.train(BITS, **SETTINGS)
    equal = harmonium.train(BITS, weights=np.full(60, 0.3), **SETTINGS)
    weighted = harmonium.train(BITS, weights=WEIGHTS, **SETTINGS)
    assert (parameters(plain) == parameters(equal)).all()
    assert (parameters(plain) != parameters(weighted)).any()
    expected = np.average(BITS, axis=0, weights=WEIGHTS)
    assert np.allclose(weighted.data_mean, expected, atol=1e-4)


def test_examples_of_weight_0_are_left_out():
    weights = WEIGHTS * (np.arange(60) % 3 > 0)
    rows = weights > 0
    one = harmonium.train(BITS, weights=weights, **SETTINGS)
    other = harmonium.train(BITS[rows], weights=list(weights[rows]), **SETTINGS)
    assert (parameters(one) == parameters(other)).all()


def test_the_command_line_gives_the_same_bits(tmp_path):
    data, weights = tmp_path / "x.npy", tmp_path / "w.npy"
    np.save(data, BITS)
    np.save(weights, WEIGHTS)
    run = harmonium.runs.train(data=data, weights=weights, out=tmp_path / "run", **SETTINGS)
    here = harmonium.train(BITS, weights=WEIGHTS, **SETTINGS)
    assert (parameters(run.model) == parameters(here)).all()


def test_the_estimator_takes_weights():
    def fitted(weights, **settings):
        return BernoulliRBM(5, random_state=0, n_iter=3, **settings).fit(
            BITS, sample_weight=weights
        )

    plain = fitted(None).components_
    assert (fitted(np.ones(60)).components_ == plain).all()
    assert (fitted(2.5).components_ == plain).all()
    assert (fitted(WEIGHTS).components_ != plain).any()
    fraction = dict(early_stopping=True, validation_fraction=0.2)
    weights = WEIGHTS * (np.arange(60) % 3 > 0)
    stopped = fitted(weights, **fraction)
    rows = weights > 0
    other = BernoulliRBM(5, random_state=0, n_iter=3, **fraction)
    other.fit(BITS[rows], sample_weight=weights[rows])
    assert (stopped.components_ == other.components_).all()
    assert stopped.history_[0]["validation_score"] == other.history_[0]["validation_score"]


def test_chunks_take_weights_and_pickles_go_on():
    whole, parts, plain = (BernoulliRBM(5, random_state=0) for _ in range(3))
    for chunk in range(3):
        rows = slice(20 * chunk, 20 * chunk + 20)
        whole.partial_fit(BITS[rows], sample_weight=WEIGHTS[rows])
        parts = pickle.loads(pickle.dumps(parts))
        parts.partial_fit(BITS[rows], sample_weight=WEIGHTS[rows])
        plain.partial_fit(BITS[rows])
    assert (whole.components_ == parts.components_).all()
    assert (whole.components_ != plain.components_).any()


@pytest.mark.parametrize(
    "weights, message",
    [
        (WEIGHTS[:5], "holds 5 weights, but must hold one for each of the 60 examples"),
        (np.zeros(60), "all weights are zero, but at least one must be above 0"),
        (-WEIGHTS, "the weight of example 0 is -0.1, but must be a finite number of at least 0"),
        (WEIGHTS * np.nan, "the weight of example 0 is NaN, but must be"),
        (WEIGHTS * np.inf, "the weight of example 0 is inf, but must be"),
        (np.ones((60, 2)), "has the shape (60, 2), but must have one number for each example"),
    ],
)
def test_bad_weights_are_refused(weights, message):
    with pytest.raises(ValueError) as error:
        harmonium.train(BITS, weights=weights, **SETTINGS)
    assert message in str(error.value)
    model = BernoulliRBM(5, n_iter=1)
    for method in [model.fit, model.partial_fit]:
        with pytest.raises(ValueError) as error:
            method(BITS, sample_weight=weights)
        assert message in str(error.value)
        assert not hasattr(model, "components_")


@pytest.mark.parametrize("missing", [None, "marginal"])
def test_scores_take_weights(missing):
    model = BernoulliRBM(5, n_iter=3, random_state=0, missing=missing).fit(BITS)
    whole = np.arange(60) % 7 % 4  # some rows are left out
    rows = np.repeat(np.arange(60), whole)
    copies = model.log_likelihood(BITS[rows])
    for of_weights in (
        model.log_likelihood(BITS, sample_weight=whole),
        model.rbm_.log_likelihood(BITS, weights=list(whole)),
    ):
        assert of_weights.mean == pytest.approx(copies.mean, abs=1e-9)
        assert of_weights.independent == pytest.approx(copies.independent, abs=1e-9)
        assert of_weights.standard_error > copies.standard_error
    assert model.score(BITS, sample_weight=whole) == pytest.approx(model.score(BITS[rows]), abs=1e-9)
    assert model.score(BITS, sample_weight=2.5) == pytest.approx(model.score(BITS), abs=1e-12)
    assert model.score(BITS, None, whole) != pytest.approx(model.score(BITS), abs=1e-6)
    for bad, said in [
        (whole[1:], "59"),
        (-whole, "at least 0"),
        (whole * 0, "above 0"),
        (np.full(60, np.nan), "finite"),
    ]:
        with pytest.raises(ValueError, match=said):
            model.score(BITS, sample_weight=bad)
