"""Missing values: NaN and masked arrays."""

import pickle
import warnings

import numpy as np
import pytest

import harmonium
from harmonium import BernoulliRBM, CategoricalRBM, Rbm

BITS = np.repeat(np.arange(120) // 3 % 2, 3).reshape(120, 3).astype(float)
HOLES = np.zeros(BITS.shape, bool)
HOLES[1::4, 2] = HOLES[2::5, 0] = True
NAN = np.where(HOLES, np.nan, BITS)
SETTINGS = dict(hidden=4, epochs=300, batch_size=20, learning_rate=0.3)


def parameters(rbm):
    return np.concatenate([rbm.weights.ravel(), rbm.hidden_bias, rbm.visible_bias])


@pytest.mark.parametrize("missing", ["absent", "marginal"])
def test_nan_and_masked_arrays_are_holes(missing):
    rbm = harmonium.train(NAN, missing=missing, **SETTINGS)
    spins = np.where(HOLES, np.nan, 2 * BITS - 1)
    masked = np.ma.masked_array(np.where(HOLES, 7, BITS).astype(int), HOLES)
    for X, more in [(NAN.astype(np.float32), {}), (masked, {}), (NAN.tolist(), {}), (spins, dict(spins=True))]:
        again = harmonium.train(X, missing=missing, **SETTINGS, **more)
        assert (parameters(again) == parameters(rbm)).all(), type(X)
    assert rbm.missing == missing and pickle.loads(pickle.dumps(rbm)).missing == missing
    assert (rbm.impute(NAN) == BITS).all()
    assert (rbm.impute(masked) == BITS).all()
    means = rbm.impute(NAN, expected=True)
    assert (means[~HOLES] == BITS[~HOLES]).all()
    assert (np.abs(means - BITS)[HOLES] < 0.2).all() and (means != BITS)[HOLES].all()


def test_the_command_line_gives_the_same_bits(tmp_path):
    np.save(tmp_path / "x.npy", NAN)
    np.save(tmp_path / "whole.npy", BITS)
    np.save(tmp_path / "m.npy", HOLES)
    for data in [dict(data=tmp_path / "x.npy"), dict(data=tmp_path / "whole.npy", missing_mask=tmp_path / "m.npy")]:
        out = tmp_path / f"run{len(data)}"
        run = harmonium.runs.train(**data, missing="marginal", out=out, **SETTINGS)
        here = harmonium.train(NAN, missing="marginal", **SETTINGS)
        assert (parameters(run.model) == parameters(here)).all()
        assert run.model.missing == "marginal"


def test_a_file_keeps_what_a_hole_is(tmp_path):
    rbm = harmonium.train(NAN, missing="absent", **SETTINGS)
    rbm.save(tmp_path / "model.safetensors")
    assert Rbm.load(tmp_path / "model.safetensors").missing == "absent"


@pytest.mark.parametrize("missing", ["absent", "marginal"])
def test_the_estimator_learns_from_holes_and_fills_them(missing):
    model = BernoulliRBM(4, n_iter=100, missing=missing, random_state=0).fit(NAN)
    masked = np.ma.masked_array(BITS, HOLES)
    again = BernoulliRBM(4, n_iter=100, missing=missing, random_state=0).fit(masked)
    assert (again.components_ == model.components_).all()
    assert (model.impute(NAN) == BITS).all()
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(NAN, columns=list("abc"))
    of_frame = BernoulliRBM(4, n_iter=100, missing=missing, random_state=0).fit(frame)
    assert (of_frame.components_ == model.components_).all()
    assert list(of_frame.feature_names_in_) == list("abc")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert (of_frame.impute(frame) == BITS).all()


def test_without_the_setting_both_ways_are_named():
    ways = 'missing="absent".*missing="marginal"'
    for X in [NAN, np.ma.masked_array(BITS, HOLES)]:
        with pytest.raises(ValueError, match=f"(?s){ways}"):
            harmonium.train(X, **SETTINGS)
        with pytest.raises(ValueError, match=f"(?s){ways}"):
            BernoulliRBM(4, n_iter=1).fit(X)
    with pytest.raises(ValueError, match=r"X: example 1, unit 2 is missing \(53 other values are missing\)"):
        harmonium.train(NAN, **SETTINGS)
    with pytest.raises(ValueError, match="has no example with a value"):
        harmonium.train([[np.nan, np.nan]], missing="absent")
    with pytest.warns(UserWarning, match="example 0 has no value at all and is left out"):
        harmonium.train([[np.nan, np.nan], [0.0, 1.0]], missing="absent", hidden=2, epochs=1)
    with pytest.raises(ValueError, match="missing is lost, but must be"):
        harmonium.train(BITS, missing="lost", **SETTINGS)


def test_holes_are_refused_where_they_cannot_be_used():
    rbm = harmonium.train(BITS, hidden=2, epochs=1)
    for call in [rbm.mean_hidden, rbm.free_energy, rbm.pseudo_likelihood]:
        with pytest.raises(ValueError, match="NaN"):
            call(NAN)
    assert rbm.missing is None and rbm.impute(NAN).shape == BITS.shape


def test_a_log_likelihood_sums_out_what_a_row_does_not_know():
    rbm = harmonium.train(BITS, hidden=2, epochs=1)
    row = BITS[:1].astype(float)
    both = np.concatenate([row, row])
    both[:, 2] = 0, 1
    log_z = rbm.log_likelihood(BITS).log_z
    expected = np.logaddexp.reduce(-rbm.free_energy(both)) - log_z
    row[0, 2] = np.nan
    assert abs(rbm.log_likelihood(row).mean - expected) < 1e-6
    # A mask says the same.
    assert rbm.log_likelihood(np.ma.masked_invalid(row)).mean == rbm.log_likelihood(row).mean


def test_rows_without_any_value_do_not_count():
    """ln p of nothing is 0, which would raise a mean."""
    X = NAN.copy()
    X[[3, 7]] = np.nan
    model = BernoulliRBM(3, n_iter=2, missing="marginal", random_state=0).fit(NAN)
    expected = model.log_likelihood(np.delete(X, [3, 7], axis=0)).mean
    said = f"2 of {len(X)} examples have no value at all and are left out: 3, 7"
    for score in (lambda: model.rbm_.log_likelihood(X).mean, lambda: model.score(X)):
        with pytest.warns(UserWarning, match=said):
            assert score() == pytest.approx(expected, abs=1e-12)
    assert len(model.rbm_.free_energy(X)) == len(X)


def test_a_state_that_looks_like_a_missing_value_is_noted():
    X = np.array([[1, 2], [-99, 3], [2, -99], [3, 1]] * 5)
    with pytest.warns(UserWarning, match="column 1 has a state -99, and 1 other column does") as caught:
        CategoricalRBM(2, n_iter=1).fit(X)
    assert caught[0].filename == __file__


def test_held_out_data_may_have_weights():
    weights = np.arange(40) % 3 / 2.0
    def metrics(held_out):
        found = []
        harmonium.train(BITS, held_out=held_out, hidden=3, epochs=2, callback=found.append)
        return found[-1]

    of_pair = metrics((BITS[:40], weights))
    whole = metrics(BITS[:40])
    repeated = metrics(np.repeat(BITS[:40], (2 * weights).astype(int), axis=0))
    gap = "free_energy_gap"
    assert of_pair[gap] == pytest.approx(repeated[gap], rel=1e-9)
    assert of_pair[gap] != whole[gap]
    with pytest.raises(ValueError, match="weights, but must hold one for each"):
        metrics((BITS[:40], weights[:7]))


def test_masked_bytes_are_grey_levels_as_without_a_mask():
    rng = np.random.default_rng(0)
    X = rng.choice(np.array([0, 60, 250], np.uint8), (200, 4))
    hidden = np.ma.masked_array(X, rng.random(X.shape) < 0.1)
    with pytest.warns(UserWarning, match="grey levels"):
        model = BernoulliRBM(2, n_iter=2, missing="marginal", binarization="stochastic", random_state=0)
        model.fit(hidden)
    assert model.grey_levels_ == 255 and model.data_mean_.max() <= 1
    filled = model.impute(hidden, expected=True)
    assert filled[~hidden.mask].tolist() == X[~hidden.mask].tolist()
    assert 20 < filled[hidden.mask].mean() < 200


def test_scores_of_rows_that_lack_values_are_left_out_or_refused(capsys):
    X = np.repeat([[0.0, 0.0, 1.0], [1.0, 1.0, 0.0]], 30, axis=0)
    X[::7, 1] = np.nan
    for missing in ("absent", "marginal"):
        model = BernoulliRBM(2, n_iter=2, missing=missing, verbose=1, random_state=0)
        model.fit(X)
        assert "Iteration 2, time = " in capsys.readouterr().out
        with pytest.raises(ValueError, match="set early_stopping=False"):
            model.set_params(early_stopping=True).fit(X)
        with pytest.raises(ValueError, match="partial_fit takes whole rows only"):
            model.partial_fit(X[:1])


@pytest.mark.parametrize("name", ["rbm.npz", "rbm.h5"])
def test_files_of_arrays_keep_what_a_missing_value_is(tmp_path, name):
    if name.endswith(".h5"):
        pytest.importorskip("h5py")
    rbm = harmonium.Rbm(np.eye(3, 2), np.zeros(3), np.ones(2), missing="absent", missing_value=-9)
    harmonium.io.write_model(tmp_path / name, rbm)
    again = harmonium.io.read_model(tmp_path / name)
    assert (again.missing, again.missing_value) == ("absent", -9)


def test_a_number_stands_for_missing_values():
    marked = np.where(HOLES, -9, BITS.astype(int))
    settings = dict(missing="marginal", **SETTINGS)
    model = harmonium.train(NAN, **settings)
    for X in [marked, marked.astype(np.int8), marked.astype(float), np.where(HOLES & (BITS > 0), np.nan, marked)]:
        found = harmonium.train(X, missing_value=-9, **settings)
        assert (parameters(found) == parameters(model)).all() and found.missing_value == -9
    np.testing.assert_array_equal(found.impute(marked), model.impute(NAN))
    again = pickle.loads(pickle.dumps(found))
    assert again.missing_value == -9 and (parameters(again) == parameters(found)).all()
    with pytest.raises(ValueError, match="missing_value is NaN, but must be a finite number"):
        harmonium.train(marked, missing_value=np.nan, **settings)
    with pytest.raises(ValueError, match="name it by missing_value"):
        harmonium.train(marked, **settings)


def test_zeros_that_a_sparse_matrix_does_not_store_are_missing():
    sparse = pytest.importorskip("scipy.sparse")
    stars = np.random.default_rng(0).integers(0, 4, (60, 5))
    nan = np.where(stars == 0, np.nan, stars)
    settings = dict(categories="auto", missing="absent", **SETTINGS)
    model = harmonium.train(nan, **settings)
    for X in [sparse.csr_matrix(stars), sparse.csc_matrix(stars.astype(float)), stars, stars.astype(np.uint8)]:
        found = harmonium.train(X, missing_value=0, **settings)
        assert (parameters(found) == parameters(model)).all() and found.columns == model.columns
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            np.testing.assert_array_equal(found.predict_ratings(X), model.predict_ratings(nan))


def test_what_rows_lack_is_summed_out():
    X = NAN[:20]
    model = harmonium.train(NAN, missing="marginal", **SETTINGS)
    energies = model.free_energy(X)
    for row, energy in zip(X, energies):
        holes = np.flatnonzero(np.isnan(row))
        all_rows = np.repeat(row[np.newaxis], 2 ** len(holes), axis=0)
        all_rows[:, holes] = (np.arange(2 ** len(holes))[:, np.newaxis] >> np.arange(len(holes))) & 1
        assert energy == pytest.approx(-np.log(np.exp(-model.free_energy(all_rows)).sum()), abs=1e-4)
    with pytest.raises(ValueError, match="Rbm.impute fills them; free_energy and predict_proba sum them out"):
        model.mean_hidden(X)
    absent = harmonium.train(NAN, missing="absent", **SETTINGS)
    np.testing.assert_array_equal(absent.mean_hidden(X), absent.mean_hidden(np.nan_to_num(X)))
    with pytest.raises(ValueError, match="NaN"):
        absent.free_energy(X)
    labels = np.arange(len(NAN)) % 2
    classifier = harmonium.train(NAN, labels=labels, missing="marginal", **SETTINGS)
    p = classifier.predict_proba(X)
    np.testing.assert_allclose(p.sum(axis=1), 1)
    whole = ~np.isnan(X).any(axis=1)
    np.testing.assert_allclose(p[whole], classifier.predict_proba(X[whole]), rtol=1e-4)


@pytest.mark.parametrize("kind", [BernoulliRBM, CategoricalRBM])
def test_the_model_decides_what_a_score_is_and_not_the_rows(kind, tmp_path):
    """One cell without a value must not change the measure: folds of a search are compared by it."""
    masked = np.ma.masked_array(BITS, HOLES)
    for trained_on in (NAN, BITS):
        model = kind(3, n_iter=2, missing="marginal", random_state=0).fit(trained_on)
        model.save(tmp_path / "model.safetensors")
        for same in (model, pickle.loads(pickle.dumps(model)), kind.load(tmp_path / "model.safetensors")):
            for X in (BITS, NAN, masked):
                assert same.score(X) == model.log_likelihood(X).mean
        assert model.score(BITS) != model.score_samples(BITS).mean()
    for missing in (None, "absent"):
        model = kind(3, n_iter=2, missing=missing, random_state=0).fit(BITS)
        assert model.score(BITS) == model.score_samples(BITS).mean()
        for X in (NAN, masked):
            with pytest.raises(ValueError, match="fill what is missing by impute") as refused:
                model.score(X)
            # Rows of which values are absent have none.
            assert ("log_likelihood sums it out" in str(refused.value)) == (missing is None)
    # After whole chunks, which the parameter allows only without it.
    model = kind(3, n_iter=2, missing="marginal", random_state=0).fit(NAN).set_params(missing=None).partial_fit(BITS)
    assert model.score(BITS) == model.score_samples(BITS).mean()


def test_folds_with_and_without_missing_values_have_one_measure():
    model_selection = pytest.importorskip("sklearn.model_selection")
    X = BITS.copy()
    X[3, 2] = np.nan  # in the first of three folds
    model = BernoulliRBM(3, n_iter=2, missing="marginal", random_state=0)
    folds = model_selection.KFold(3)
    scores = model_selection.cross_val_score(model, X, cv=folds, error_score="raise")
    expected = [model.fit(X[train]).log_likelihood(X[test]).mean for train, test in folds.split(X)]
    assert scores.tolist() == expected


class Hurried(BernoulliRBM):
    """An estimator whose log-likelihoods take no time, and are no use."""

    def log_likelihood(self, X, **options):
        budget = dict(method="ais", n_chains=2, schedule="linear:1", burn_in=0)
        return super().log_likelihood(X, **options, **budget)


def test_a_score_by_a_doubtful_log_z_warns():
    model = Hurried(3, n_iter=20, missing="marginal", random_state=0).fit(NAN)
    with pytest.warns(UserWarning, match="score is a doubtful log-likelihood: .*n_chains, schedule") as found:
        assert np.isfinite(model.score(NAN))
    assert found[0].filename == __file__
