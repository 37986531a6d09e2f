"""log Z is a property of the model: it does not depend on the examples that are scored."""

import dataclasses
import pickle

import numpy as np
import pytest

from harmonium import BernoulliRBM, Rbm, train

# It takes a fraction of a second, and is believable for the models of this file.
BUDGET = dict(method="ais", n_chains=100, schedule="linear:500", burn_in=100)
OF_BIAS = "σ(b), as the model does not say what it was trained on"


@pytest.fixture(scope="module")
def rbm():
    rng = np.random.RandomState(1)
    return Rbm(rng.normal(0, 0.5, (30, 12)), rng.normal(0, 1, 30), rng.normal(0, 1, 12))


@pytest.fixture(scope="module")
def rows():
    return (np.random.RandomState(2).uniform(size=(200, 30)) < 0.3).astype(int)


def of_log_z(score):
    """All fields about log Z."""
    fields = dataclasses.asdict(score)
    for name in ["mean", "standard_error", "low", "high", "mixing"]:
        del fields[name]
    return fields


@pytest.mark.parametrize("options", [{}, {"base_data": "uniform"}, {"start": np.eye(30)}])
def test_the_rows_that_are_scored_do_not_change_log_z(rbm, rows, options):
    scores = [
        rbm.log_likelihood(X, **BUDGET, **options)
        for X in [rows, rows[:1], 1 - rows, rows * 0.5, np.zeros((3, 30)), rbm.sample(50)]
    ]
    for score in scores[1:]:
        assert of_log_z(score) == of_log_z(scores[0])  # bits, not tolerances
    assert len({score.mean for score in scores}) == len(scores)
    exact = rbm.log_likelihood(rows, method="exact")
    assert scores[0].is_believable and scores[0].log_z_low < exact.log_z < scores[0].log_z_high
    assert scores[0].mean == pytest.approx(exact.mean + exact.log_z - scores[0].log_z, abs=1e-9)


def test_the_base_is_chosen_and_named(rbm, rows):
    exact = rbm.log_likelihood(rows, method="exact")
    found = {}
    for base_data, origin in [
        (None, OF_BIAS),
        ("uniform", "uniform"),
        (rows, "mean of base_data"),
        (rows * 0.25, "mean of base_data"),
    ]:
        score = rbm.log_likelihood(rows, base_data=base_data, **BUDGET)
        assert score.base == origin
        assert score.log_z == pytest.approx(exact.log_z, abs=0.2)
        found[score.log_z] = origin
    assert len(found) == 4, "other bases give other chains"


def test_a_trained_model_is_annealed_from_the_mean_of_its_data(bits, tmp_path):
    rbm = train(bits, hidden=8, epochs=3)
    without = Rbm(rbm.weights, rbm.visible_bias, rbm.hidden_bias)
    from_its_mean = without.log_likelihood(bits, base_data=rbm.data_mean[np.newaxis], **BUDGET)
    rbm.save(tmp_path / "model.safetensors")
    for known in [rbm, Rbm.load(tmp_path / "model.safetensors")]:
        score = known.log_likelihood(bits[:5], **BUDGET)
        assert score.base.startswith("mean of the training data, from the model")
        assert score.log_z == from_its_mean.log_z
    score = without.log_likelihood(bits[:5], **BUDGET)
    assert score.base == OF_BIAS and score.log_z != from_its_mean.log_z
    estimator = BernoulliRBM(8, random_state=0).fit(bits)
    assert "training data" in estimator.log_likelihood(bits[:5], **BUDGET).base


def test_each_side_is_an_estimate_within_its_interval(rbm, rows):
    score = rbm.log_likelihood(rows, **BUDGET)
    for side in [score.forward, score.reverse, score.witness]:
        assert isinstance(side, tuple) and len(side) == 3
        log_z, low, high = side
        assert low < log_z < high < low + 1
    assert len({score.forward, score.reverse, score.witness}) == 3
    assert score.estimate == "bennett" and score.method == "ais" and score.ess > 50
    assert "a mode that no run reached" in score.caveat
    assert score.low < score.mean < score.high
    assert score.mean - score.low == pytest.approx(score.log_z_high - score.log_z)
    # The interval of log Z is of 99 %, and contains the 95 % intervals of both sides.
    for _, low, high in [score.forward, score.reverse]:
        assert score.log_z_low < low and high < score.log_z_high
    exact = rbm.log_likelihood(rows)
    assert exact.estimate == "enumeration" and exact.verdict == exact.method == "exact"
    for name in ["base", "reverse_start", "forward", "reverse", "witness", "ess", "caveat"]:
        assert getattr(exact, name) is None, name


def test_reverse_chains_start_from_the_rows_of_start():
    """Two modes have weights 99 % and 1 %, and no sweep crosses from one to the other; the base is near
    the first."""
    pattern = np.where(np.random.RandomState(0).uniform(size=100) < 0.5, 1.0, -1.0)
    weights, b = 6.0 * pattern, -3.0 * pattern
    # log Z of the half with the hidden unit off, and of the half with it on at c = 0; c gives that half
    # a weight of 1 %.
    of_off, of_on = np.logaddexp(0, b).sum(), np.logaddexp(0, b + weights).sum()
    rbm = Rbm(weights[:, np.newaxis], b, [of_off - of_on - np.log(99)])
    log_z = of_off + np.log(100 / 99)
    heavy, light = [(pattern < 0).astype(int)], [(pattern > 0).astype(int)]
    assert rbm.log_likelihood(heavy, method="exact").log_z == pytest.approx(log_z, rel=1e-6)
    base_data = heavy * 99 + light
    right, wrong = (
        rbm.log_likelihood(heavy, base_data=base_data, start=start, **BUDGET)
        for start in [base_data, light]
    )
    assert right.reverse[0] == pytest.approx(log_z, abs=0.1)
    assert abs(wrong.reverse[0] - log_z) > 1
    assert right.is_believable and not wrong.is_believable and "reverse" in wrong.reasons[0]
    assert right.witness == wrong.witness, "the witness has no reverse chains"
    assert right.reverse_start == "the rows of start"


def test_independent_units_are_scored_if_the_number_of_examples_is_known(bits):
    rbm = train(bits, hidden=4, epochs=2)
    score = rbm.log_likelihood(bits[:7])
    assert score == rbm.log_likelihood(bits[:7], n_examples=len(bits))
    parts = rbm.weights, rbm.visible_bias, rbm.hidden_bias, rbm.data_mean
    assert Rbm(*parts).log_likelihood(bits[:7]).independent is None
    rates = (bits.sum(axis=0) + 1) / (len(bits) + 2)
    expected = np.where(bits[:7], np.log(rates), np.log(1 - rates)).sum(axis=1).mean()
    assert score.independent == pytest.approx(expected, abs=1e-4)
    estimator = BernoulliRBM(4, random_state=0).fit(bits)
    found = estimator.log_likelihood(bits[:7], n_examples=len(bits))
    assert found.independent == pytest.approx(expected, abs=1e-4)
    assert np.isnan(rbm.log_likelihood(bits[:1]).standard_error), "one row has no standard error"
    without = Rbm(rbm.weights, rbm.visible_bias, rbm.hidden_bias)
    with pytest.raises(ValueError, match="n_examples is 9, but must be None"):
        without.log_likelihood(bits, n_examples=9)


def test_exact_is_said_of_log_z_alone_where_sums_over_what_rows_lack_are_annealed(rows):
    """A row that lacks more than 12 bits is annealed by a model of more than 16 hidden units; log Z stays exact."""
    rng = np.random.RandomState(1)
    wide = Rbm(rng.normal(0, 0.5, (16, 17)), rng.normal(0, 1, 16), rng.normal(0, 1, 17))
    X = rows[:6, :16].astype(float)
    whole = wide.log_likelihood(X)
    assert whole.observed is None and str(whole).endswith(", exact")
    X[4, 3] = np.nan
    few = wide.log_likelihood(X)
    assert few.observed == {"n_examples": 6, "n_given": 6, "n_annealed": 0, "annealing_error": 0.0}
    assert str(few).endswith(", exact") and few.low == few.high == few.mean
    X[:2, :14] = np.nan
    some = wide.log_likelihood(X)
    assert (some.method, some.verdict, some.log_z) == ("exact", "exact", whole.log_z)
    assert some.observed["n_annealed"] == 2 and some.observed["annealing_error"] > 0
    assert some.mean - some.low == pytest.approx(2.576 * some.observed["annealing_error"])
    what = "log Z exact; ln p of what rows have is by annealing for 2 of 6 rows, which errs low on average"
    assert str(some).endswith(f" by the 99 % interval of annealing, {what}")
    html = some._repr_html_()
    assert what in html and "by that of annealing" in html and "by that of" not in few._repr_html_()
    both = wide.log_likelihood(X, **BUDGET)
    assert f"interval of log Z and annealing, log Z {both.verdict}" in str(both)
    many = dataclasses.replace(some, observed={**some.observed, "n_given": 202})
    assert str(many).endswith(f"{what} (6 of 202 rows are scored, as annealing takes time)")


def test_a_wrong_start_of_annealing_is_named(rbm, rows):
    for options, message in [
        ({"base_data": "mean"}, 'base_data is mean, but must be rows or "uniform"'),
        ({"base_data": rows[:, :3]}, "base_data is 3 wide, but the model has 30 visible units"),
        ({"base_data": rows * 5.0}, "is 5, but must be from 0 to 1"),
        ({"base_data": rows[:0]}, "at least one row"),
        ({"start": rows[:, :4]}, "start is 4 wide, but the model has 30 visible units"),
        ({"start": rows[:0]}, "start has no rows"),
        ({"start": rows * 0.5}, "start has other values than 0 and 1"),
    ]:
        with pytest.raises(ValueError, match=message):
            rbm.log_likelihood(rows, **BUDGET, **options)


def test_log_z_by_parallel_tempering_says_how_its_states_moved(rbm, rows):
    exact = rbm.log_likelihood(rows, method="exact")
    score = rbm.log_likelihood(rows, method="pt", n_chains=100, burn_in=100)
    assert (score.method, score.estimate, score.verdict) == ("pt", "ladder", "believable")
    assert score.log_z_low < exact.log_z < score.log_z_high
    assert score.base == "uniform"  # σ(b) may be one mode alone
    assert score.ladder["round_trips"] > 1 and min(score.ladder["swap_rates"]) > 0.1
    assert score.forward is None and score.ess is None
    assert exact.ladder is None and exact.base is None
    with pytest.raises(ValueError, match="pt without the models that training passed through"):
        rbm.log_likelihood(rows, method="ptt")
    with pytest.raises(ValueError, match="start"):
        rbm.log_likelihood(rows, method="pt", start=rows)


def test_modes_with_the_wrong_mass_are_named():
    # 40 units that agree: the data are all on or all off as often, the model is off.
    weight = np.full((40, 1), 4.0)
    lost = Rbm(weight, np.full(40, -2.0), [-80.0 - 9.0])
    right = Rbm(weight, np.full(40, -2.0), [-80.0])
    rng = np.random.RandomState(3)
    on = rng.uniform(size=(400, 1)) < 0.5
    rows = (on ^ (rng.uniform(size=(400, 40)) < 1 / (1 + np.exp(2.0)))).astype(int)
    found = lost.log_likelihood(rows).mixing
    assert [warning["name"] for warning in found["warnings"]][0] == "wrong_masses"
    assert found["model"]["clusters"] == pytest.approx([0, 1], abs=0.02) or found["model"][
        "clusters"
    ] == pytest.approx([1, 0], abs=0.02)
    assert "cluster" in lost.log_likelihood(rows)._repr_html_()
    right_names = {warning["name"] for warning in right.log_likelihood(rows).mixing["warnings"]}
    assert "wrong_masses" not in right_names
    assert right.log_likelihood(rows[:20]).mixing is None


def test_an_estimator_says_what_independent_units_have(tmp_path):
    rows = (np.add.outer(np.arange(90) ** 2, 3 * np.arange(7)) % 5 < 2).astype(float)
    rates = (90 * rows.mean(axis=0) + 1) / 92  # Laplace's rule
    expected = (rows @ np.log(rates) + (1 - rows) @ np.log(1 - rates)).mean()
    model = BernoulliRBM(4, n_iter=3, random_state=0).fit(rows)
    chunks = BernoulliRBM(4, random_state=0)
    for chunk in np.split(rows, 3):
        chunks.partial_fit(chunk)
    copies = [pickle.loads(pickle.dumps(model)), chunks, pickle.loads(pickle.dumps(chunks))]
    model.save(tmp_path / "m.safetensors")
    copies.append(BernoulliRBM.load(tmp_path / "m.safetensors"))
    for estimator in [model, *copies]:
        found = estimator.log_likelihood(rows)
        assert found.independent == pytest.approx(expected, abs=1e-5)
        assert str(found).endswith(f"; independent units: {found.independent:.3f}")
    # Of rows that lack values the rates do not follow from a mean and a number.
    holes = rows.copy()
    holes[3, 2] = np.nan
    partly = BernoulliRBM(4, n_iter=3, missing="marginal", random_state=0).fit(holes)
    assert partly.log_likelihood(rows).independent is None


def test_a_model_that_is_worse_than_independent_units_is_named():
    rows = np.random.default_rng(0).integers(0, 2, (300, 8)).astype(float)
    model = BernoulliRBM(4, n_iter=1, random_state=0).fit(rows)
    assert not model.log_likelihood(rows).is_worse_than_independent
    model.components_ = np.full((4, 8), 3.0)
    said = "the model is worse than independent units: its log-likelihood is .* theirs -5.5.*learning_rate"
    for score in (model.log_likelihood, model.set_params(missing="marginal").score):
        with pytest.warns(UserWarning, match=said) as caught:
            score(rows)
        assert caught[0].filename == __file__
    found = model.rbm_.log_likelihood(rows)
    assert found.is_worse_than_independent
    assert "exact; the model is worse than independent units, -5.5" in str(found)
