"""What scikit-learn expects of an estimator, and comparisons with its own class."""

import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.neural_network import BernoulliRBM as TheirRBM
from sklearn.pipeline import make_pipeline

from checks import assert_all_pass
from harmonium import BernoulliRBM
from harmonium._estimator.inputs import split


@pytest.mark.filterwarnings("ignore")
def test_every_check_passes_and_none_is_expected_to_fail():
    assert_all_pass(BernoulliRBM())


def test_parameters_attributes_and_methods_match_scikit_learn(digits):
    theirs = TheirRBM(5, n_iter=1, random_state=0).fit(digits)
    ours = BernoulliRBM(5, n_iter=1, random_state=0).fit(digits)
    params = ours.get_params()
    assert theirs.get_params().items() <= params.items()
    for name in vars(theirs):
        assert hasattr(ours, name), name
    for name in ["components_", "intercept_hidden_", "intercept_visible_", "h_samples_"]:
        theirs_, ours_ = getattr(theirs, name), getattr(ours, name)
        assert (ours_.shape, ours_.dtype) == (theirs_.shape, theirs_.dtype), name
    public = [name for name in dir(theirs) if not name.startswith("_")]
    assert [name for name in public if not hasattr(ours, name)] == []
    assert list(ours.get_feature_names_out()) == list(theirs.get_feature_names_out())


def shifted_digits():
    """The data of scikit-learn's example of RBM features: each digit, also moved by one pixel."""
    from scipy.ndimage import convolve
    from sklearn.datasets import load_digits
    from sklearn.preprocessing import minmax_scale

    X, y = load_digits(return_X_y=True)
    kernels = np.zeros((4, 3, 3))
    kernels[[0, 1, 2, 3], [0, 1, 1, 2], [1, 0, 2, 1]] = 1
    moved = [[convolve(x.reshape(8, 8), k, mode="constant").ravel() for x in X] for k in kernels]
    return minmax_scale(np.concatenate([X, *moved]), feature_range=(0, 1)), np.tile(y, 5)


def test_features_of_digits_classify_as_well_as_in_scikit_learn():
    X, y = shifted_digits()
    X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.2, random_state=0)

    def accuracy(rbm):
        rbm.set_params(learning_rate=0.06, n_iter=10, n_components=100, random_state=0)
        classifier = LogisticRegression(solver="newton-cg", tol=1e-3, C=6000)
        return make_pipeline(rbm, classifier).fit(X_train, y_train).score(X_test, y_test)

    theirs, ours = accuracy(TheirRBM()), accuracy(BernoulliRBM())
    # 1,797 test images: a standard error of 0.6 % each.
    assert ours > 0.91 and ours > theirs - 0.015, (ours, theirs)


def test_digits_are_learned_as_in_scikit_learn(digits):
    """scikit-learn's own test expects about -21 after 7 epochs with 64 hidden units."""
    settings = dict(n_components=64, learning_rate=0.1, batch_size=10, n_iter=7, random_state=9)
    ours = BernoulliRBM(**settings).fit(digits)
    scores = [ours.score_samples(digits, method="stochastic").mean(), ours.score(digits)]
    assert min(scores) > -22
    theirs = BernoulliRBM.from_sklearn(TheirRBM(**settings).fit(digits))
    assert ours.score(digits) > theirs.score(digits) - 0.5


@pytest.mark.parametrize("strength", [0.01, 0.3, 2.0])
@pytest.mark.parametrize("shape", [(64, 20), (70, 130)])
def test_a_model_gives_the_same_numbers_in_scikit_learn(strength, shape):
    n_visible, n_hidden = shape
    rng = np.random.RandomState(n_hidden)
    X = rng.uniform(size=(50, n_visible)) * (rng.uniform(size=(50, n_visible)) < 0.4)
    X[:10] = X[:10] > 0
    theirs = TheirRBM(n_hidden, random_state=7, n_iter=1).fit(X)
    theirs.components_ = rng.normal(0, strength, (n_hidden, n_visible))
    theirs.intercept_hidden_ = rng.normal(0, 1, n_hidden)
    theirs.intercept_visible_ = rng.normal(0, 1, n_visible)
    ours = BernoulliRBM.from_sklearn(theirs)
    # Rounded to float32, so that the test compares formulas and not the rounding of weights.
    for name in ["components_", "intercept_hidden_", "intercept_visible_"]:
        setattr(theirs, name, getattr(theirs, name).astype(np.float32).astype(np.float64))
    np.testing.assert_allclose(ours.transform(X), theirs.transform(X), rtol=1e-6)
    np.testing.assert_allclose(ours.free_energy(X), theirs._free_energy(X), rtol=1e-6)
    stochastic = ours.score_samples(X, method="stochastic")
    # Earlier versions of scikit-learn round ln(1 + x) to the precision of 1.
    np.testing.assert_allclose(stochastic, theirs.score_samples(X), rtol=1e-6, atol=1e-13)
    back = ours.to_sklearn()
    for name in ["components_", "intercept_hidden_", "intercept_visible_", "h_samples_"]:
        assert (getattr(back, name) == getattr(ours, name)).all()
    np.testing.assert_allclose(back.transform(X), theirs.transform(X), rtol=1e-5)


def test_the_exact_score_is_the_sum_of_all_that_scikit_learn_may_draw(digits):
    ours = BernoulliRBM(16, random_state=0).fit(digits)
    X, rbm = digits[:5], ours.rbm_
    one_by_one = [rbm.pseudo_likelihood(X, units=[unit] * 5) / 64 for unit in range(64)]
    np.testing.assert_allclose(ours.score_samples(X), np.sum(one_by_one, axis=0), rtol=1e-9)
    assert (ours.score_samples(X) == ours.score_samples(X)).all()
    with pytest.raises(ValueError, match="method is 'all', but must be"):
        ours.score_samples(X, method="all")


def test_partial_fit_divides_by_its_number_of_rows(digits):
    settings = dict(n_components=8, batch_size=10, n_chains=50, random_state=0, learning_rate=1.0)
    few, many = (BernoulliRBM(**settings).partial_fit(digits[:4]) for _ in range(2))
    assert few.partial_fit(digits[:4]) is few
    many.partial_fit(np.tile(digits[:4], (30, 1)))
    # p(h | v) is rounded otherwise in more rows.
    assert np.abs(few.components_ - many.components_).mean() < 0.01
    assert np.abs(few.components_).mean() > 0.05
    # A difference of two means of probabilities is at most 1. scikit-learn divides the sum over all
    # 50 chains by the 4 rows.
    rate, settings = 0.01, dict(n_components=8, random_state=0, learning_rate=0.01, batch_size=50)
    theirs, ours = TheirRBM(**settings), BernoulliRBM(**settings)
    assert theirs.partial_fit(digits[:4]) is None
    assert np.abs(theirs.intercept_hidden_).max() > 4 * rate
    assert np.abs(ours.partial_fit(digits[:4]).intercept_hidden_).max() <= rate


def test_partial_fit_learns_and_continues_after_fit(digits):
    rbm = BernoulliRBM(32, batch_size=50, random_state=0).fit(digits)
    fitted = rbm.score(digits)
    for _ in range(10):
        for chunk in np.array_split(digits, 36):
            rbm.partial_fit(chunk)
    assert rbm.score(digits) > fitted + 0.5
    # It continues from attributes that a user sets.
    rbm.components_ = np.zeros_like(rbm.components_)
    rbm.partial_fit(digits[:50])
    assert np.abs(rbm.components_).max() < 0.2


def test_partial_fit_uses_the_current_parameters(digits):
    def steps(**change):
        rbm = BernoulliRBM(8, random_state=0, momentum=0.5).partial_fit(digits[:10])
        before = rbm.components_
        rbm.set_params(**change).partial_fit(digits[:10])
        return np.abs(rbm.components_ - before).max()

    assert steps() > 0.01
    # The momentum of the step before is still there.
    assert 1e-4 < steps(learning_rate=1e-9) < steps()
    assert steps(learning_rate=1e-9, momentum=0.0) < 1e-8
    rbm = BernoulliRBM(8, random_state=0).partial_fit(digits[:10])
    for change in [dict(n_chains=25), dict(batch_size=50, n_chains=None), dict(centering=True)]:
        rbm.set_params(**change).partial_fit(digits[:10])
        assert rbm.h_samples_.shape == (rbm.n_chains or rbm.batch_size, 8)
    with pytest.raises(ValueError, match="momentum is 5"):
        rbm.set_params(momentum=5.0).partial_fit(digits[:10])
    assert rbm.transform(digits[:10]).shape == (10, 8)
    rbm.set_params(momentum=0.0, batch_size=10).fit(digits)
    rbm.set_params(batch_size=20).partial_fit(digits[:5])
    assert rbm.h_samples_.shape == (20, 8)
    rbm.h_samples_ = np.full((20, 8), 0.5)
    with pytest.raises(ValueError, match="h_samples_ .* not probabilities"):
        rbm.partial_fit(digits[:5])


def test_a_bad_chunk_changes_nothing(digits):
    settings = dict(n_components=8, momentum=0.9, random_state=0)
    one, other = (BernoulliRBM(**settings).partial_fit(digits[:10]) for _ in range(2))
    for bad in [np.full_like(digits, np.nan), digits[:, :5], digits[0]]:
        with pytest.raises(ValueError):
            one.partial_fit(bad)
    one.partial_fit(digits[:10])
    other.partial_fit(digits[:10])
    assert (one.components_ == other.components_).all()


def test_an_error_in_a_callback_keeps_what_was_learned(digits):
    def callback(metrics):
        return 1 / (metrics["epoch"] - 2)

    rbm = BernoulliRBM(8, random_state=0, callback=lambda metrics: callback(metrics) and False)
    with pytest.raises(ZeroDivisionError):
        rbm.fit(digits)
    assert rbm.n_iter_ == 2 and rbm.transform(digits).shape == (1797, 8)


def test_restarted_chains_draw_other_numbers(digits):
    rbm = BernoulliRBM(64, random_state=0, learning_rate=1e-9).fit(digits)
    states = rbm.h_samples_
    drawn = []
    for _ in range(3):
        rbm.h_samples_ = states.copy()
        drawn.append(rbm.partial_fit(digits[:10]).h_samples_)
    assert (drawn[0] != drawn[1]).any() and (drawn[1] != drawn[2]).any()


def test_a_failed_call_keeps_what_was_learned(digits):
    from harmonium import DivergedError

    rbm = BernoulliRBM(8, random_state=0).fit(digits)
    features = rbm.transform(digits)
    for change, X in [
        (dict(learning_rate=-1.0), digits[:, :9]),
        (dict(learning_rate=1e6), digits),
        (dict(learning_rate=1e6), digits * 1e30),
        (dict(), np.full_like(digits, np.nan)),
    ]:
        for learn in [rbm.fit, rbm.partial_fit]:
            rbm.set_params(**{"learning_rate": 0.1, **change})
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    learn(X)
            except (ValueError, DivergedError):
                pass
            else:
                assert learn == rbm.partial_fit and change, "one step may be survived"
                rbm = BernoulliRBM(8, random_state=0).fit(digits)
            assert (rbm.transform(digits) == features).all(), (change, learn)


def test_large_random_states_and_batches(digits):
    rbm = BernoulliRBM(4, n_iter=1, random_state=2**40, batch_size=10**6).fit(digits)
    assert rbm.score_samples(digits, method="stochastic").shape == (1797,)
    assert rbm.h_samples_.shape == (32_767, 4)
    assert rbm.gibbs(digits[0]).shape == (64,)
    assert rbm.sample(0).shape == (0, 64)


def test_attributes_that_a_user_sets_are_used(digits):
    rbm = BernoulliRBM(4, random_state=0, n_iter=1).fit(digits)
    with pytest.raises(ValueError, match="read-only"):
        rbm.components_[:] = 0
    rbm.components_ = np.zeros_like(rbm.components_)
    rbm.intercept_hidden_ = np.array([0.0, 1.0, -1.0, 30.0])
    np.testing.assert_allclose(
        rbm.transform(digits[:1]), [1 / (1 + np.exp(-rbm.intercept_hidden_))], rtol=1e-12
    )


def test_clone_keeps_the_parameters_alone(digits):
    rbm = BernoulliRBM(4, centering=True, schedule="linear", random_state=3).fit(digits)
    copy = clone(rbm)
    assert copy.get_params() == rbm.get_params()
    assert not hasattr(copy, "components_")
    assert (copy.fit(digits).components_ == rbm.components_).all()


def test_output_can_be_a_frame(digits):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(digits, columns=[f"pixel{i}" for i in range(64)])
    rbm = BernoulliRBM(4, random_state=0).set_output(transform="pandas").fit(frame)
    assert list(rbm.feature_names_in_) == list(frame.columns)
    features = rbm.transform(frame)
    assert list(features.columns) == [f"bernoullirbm{j}" for j in range(4)]
    with pytest.raises(ValueError, match="feature names"):
        rbm.transform(frame.rename(columns={"pixel0": "other"}))


def test_extras_are_neutral_unless_given(digits):
    plain = BernoulliRBM(8, random_state=0).fit(digits).components_
    for extra in [
        dict(n_gibbs_steps=3),
        dict(n_chains=7),
        dict(momentum=0.5),
        dict(weight_decay=0.01),
        dict(centering=True),
        dict(schedule="cosine"),
        dict(averaging="exponential:1"),
        dict(binarization="stochastic"),
        dict(binarization="threshold:0.5"),
        dict(shuffle=True),
    ]:
        other = BernoulliRBM(8, random_state=0, **extra).fit(digits).components_
        assert not np.array_equal(other, plain), extra
    same = BernoulliRBM(
        8, random_state=0, n_gibbs_steps=1, n_chains=10, momentum=0.0, shuffle=False, n_jobs=1
    )
    assert (same.fit(digits).components_ == plain).all()


def test_each_parameter_out_of_range_is_named(digits):
    for params, message in [
        (dict(n_components=0), "n_components is 0"),
        (dict(n_components=8.0), "n_components is 8.0"),
        (dict(n_components=10**6), "n_components is 1000000"),
        (dict(n_iter=-1), "n_iter is -1"),
        (dict(n_iter="many"), "n_iter is 'many'"),
        (dict(batch_size=None), "batch_size is None"),
        (dict(learning_rate=np.nan), "learning_rate is nan"),
        (dict(learning_rate="fast"), 'learning_rate is "fast"'),
        (dict(schedule=1000), "schedule is 1000"),
        (dict(n_chains=0), "n_chains is 0"),
        (dict(callback=3), "callback is 3"),
        (dict(early_stopping="no"), "early_stopping is 'no'"),
        (dict(learning_rate=-1.0), "learning_rate is -1"),
        (dict(batch_size=0), "batch_size is 0"),
        (dict(n_gibbs_steps=0), "n_gibbs_steps is 0"),
        (dict(momentum=1.0), "momentum is 1"),
        (dict(schedule="steps"), "schedule is steps"),
        (dict(averaging="some"), "averaging is some"),
        (dict(binarization="median"), "binarization is median"),
        (dict(n_jobs=0), "n_jobs is 0"),
        (dict(early_stopping=True, validation_fraction=1.0), "validation_fraction is 1.0"),
        (dict(random_state=-1), "random_state is -1"),
    ]:
        with pytest.raises((ValueError, TypeError), match=message):
            BernoulliRBM(**params).fit(digits)


def test_early_stopping_keeps_the_best_epoch(digits):
    rbm = BernoulliRBM(
        16, n_iter=200, learning_rate=0.5, early_stopping=True, n_iter_no_change=3, random_state=0
    ).fit(digits)
    assert 4 <= rbm.n_iter_ < 200
    scores = [metrics["validation_score"] for metrics in rbm.history_]
    assert len(scores) == rbm.n_iter_ and max(scores[:-3]) == max(scores)
    held_out = digits[split(rbm, len(digits))[1]]
    assert rbm.score(held_out) == pytest.approx(max(scores), rel=1e-12)
    assert len(held_out) == 180


def test_a_callback_gets_the_metrics_of_each_epoch_and_may_stop(digits, capsys):
    seen = []

    def callback(metrics):
        seen.append(metrics)
        return metrics["epoch"] == 3

    rbm = BernoulliRBM(8, n_iter=10, verbose=1, callback=callback, random_state=0).fit(digits)
    assert [metrics["epoch"] for metrics in seen] == [1, 2, 3] and rbm.n_iter_ == 3
    assert seen == rbm.history_
    assert seen[2]["pseudo_likelihood"] > seen[0]["pseudo_likelihood"]
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    for epoch, line in enumerate(lines, start=1):
        head, score, seconds = line.split(" = ")
        assert head == f"[BernoulliRBM] Iteration {epoch}, pseudo-likelihood"
        assert -40 < float(score.split(",")[0]) < -15 and seconds.endswith("s")


def test_samples_look_like_the_data(bits):
    settings = dict(n_iter=60, batch_size=50, centering=True, random_state=0)
    settings.update(n_gibbs_steps=5, n_chains=100, schedule="linear")
    rbm = BernoulliRBM(64, **settings).fit(bits)
    samples = rbm.sample(500, n_gibbs_steps=200, random_state=1)
    assert samples.shape == (500, 64) and samples.dtype == bool
    assert (samples == rbm.sample(500, n_gibbs_steps=200, random_state=1)).all()
    assert (samples != rbm.sample(500, n_gibbs_steps=200, random_state=2)).any()
    assert np.abs(samples.mean(axis=0) - bits.mean(axis=0)).max() < 0.15
    stays = rbm.sample(4, n_gibbs_steps=0, start=bits[:2])
    assert (stays == np.tile(bits[:2], (2, 1))).all()
    error = ((rbm.reconstruct(bits) - bits) ** 2).mean()
    assert error < 0.6 * bits.var(axis=0).mean()
    step = rbm.gibbs(bits[:100])
    assert step.dtype == bool and (step != rbm.gibbs(bits[:100])).any()
    assert (step != bits[:100]).mean() < 0.25


def test_the_log_likelihood_is_exact_or_has_a_verdict(bits):
    rbm = BernoulliRBM(10, batch_size=50, random_state=0).fit(bits)
    exact = rbm.log_likelihood(bits)
    assert exact.verdict == exact.method == "exact" and exact.low == exact.high == exact.mean
    logs = -rbm.free_energy(bits) - exact.log_z
    assert exact.mean == pytest.approx(logs.mean(), rel=1e-9)
    assert exact.standard_error == pytest.approx(logs.std(ddof=1) / len(bits) ** 0.5, rel=1e-6)
    ais = rbm.log_likelihood(bits, method="ais", schedule="adaptive:2000")
    assert ais.is_believable and ais.low - 0.1 < exact.mean < ais.high + 0.1
    doubtful = rbm.log_likelihood(bits, method="ais", n_chains=4, schedule="linear:20", burn_in=1)
    assert not doubtful.is_believable and doubtful.reasons and doubtful.remedies


def test_no_warning_for_data_in_range_and_one_for_others(digits):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        BernoulliRBM(4, random_state=0).fit(digits).transform(digits)
    with pytest.warns(UserWarning, match=r"outside \[0, 1\]: row 0, feature 2 is 5") as caught:
        BernoulliRBM(4, random_state=0).fit(digits * 16)
    assert len(caught) == 1


def test_no_epochs_leave_the_first_parameters(digits):
    rbm = BernoulliRBM(4, n_iter=0, random_state=0).fit(digits)
    assert rbm.n_iter_ == 0 and 0 < np.abs(rbm.components_).max() < 0.1
    assert rbm.transform(digits).shape == (1797, 4)


def test_training_that_diverges_says_so(digits):
    from harmonium import DivergedError

    with pytest.raises(DivergedError, match="try a smaller learning_rate"):
        BernoulliRBM(4, learning_rate=1e5, random_state=0).fit(digits)


def test_values_beyond_0_and_1_are_warned_of_once_for_a_fitted_model():
    scaler = pytest.importorskip("sklearn.preprocessing").MinMaxScaler
    X = np.random.default_rng(0).random((40, 3))
    model = BernoulliRBM(2, n_iter=1, random_state=0).fit(X)
    with pytest.warns(UserWarning, match=r"MinMaxScaler\(clip=True\)"):
        model.transform(X + 0.5)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.transform(X + 0.5)
        clipped = scaler(clip=True).fit(X)
        model.fit(clipped.transform(X)).transform(clipped.transform(X + 0.5))
    with pytest.warns(UserWarning, match="outside"):
        model.fit(X).transform(X + 0.5)  # another model


def test_an_estimator_draws_what_its_model_draws():
    pyplot = pytest.importorskip("matplotlib.pyplot")
    pyplot.switch_backend("agg")
    X = np.random.default_rng(0).integers(0, 2, (40, 6))
    model = BernoulliRBM(2, n_iter=3, random_state=0).fit(X)
    assert model.plot_filters(1, image_shape=(2, 3)).images[0].get_array().shape == (2, 3)
    assert model.plot_samples(4, gibbs_steps=2, image_shape=(2, 3)).get_title() == "samples after 2 sweeps"
    with pytest.raises(ValueError, match="early_stopping=True, or with a callback"):
        model.plot_history()
    model = BernoulliRBM(2, n_iter=3, random_state=0, early_stopping=True).fit(X)
    labels = [text.get_text() for text in model.plot_history().get_legend().get_texts()]
    assert "pseudo-likelihood, training" in labels and "validation score" in labels
    assert len(model.rbm_.history) == len(model.history_) and model.rbm_.plot_history().lines
    model.components_ = model.components_ + 1
    assert model.rbm_.history == []
    pyplot.close("all")
