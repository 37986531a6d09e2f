"""The default settings suit the data."""

import doctest

import numpy as np
import pytest

import harmonium
from harmonium import BernoulliRBM, Rbm, Trainer, train

FEW = np.random.RandomState(0).randint(0, 2, (50, 4))


def test_four_columns_of_fifty_rows_need_no_setting():
    rbm = train(FEW)
    assert (rbm.n_visible, rbm.n_hidden) == (4, 16)
    assert np.isfinite(rbm.log_likelihood(FEW).mean)
    assert rbm != train(FEW, seed=1)


def test_settings_left_to_the_data_are_numbers_in_the_trainer():
    def of(data, **settings):
        found = Trainer(data, **settings).settings
        return tuple(found[name] for name in ["hidden", "epochs", "batch_size", "chains"])

    assert of(FEW) == of(FEW, hidden=None, epochs=None, chains=None) == (16, 5000, 50, 128)
    assert of(np.tile(FEW, (20, 9))) == (36, 455, 96, 128)
    assert of(FEW, batch_size=200, hidden=3, epochs=2) == (3, 2, 50, 200)
    assert of(FEW, algorithm="cd", updates=7) == (16, None, 50, None)
    online = Trainer.online(FEW, batch_size=10)
    assert online.settings["hidden"] == 16 and online.hidden_states.shape == (128, 16)


def test_a_batch_has_at_most_all_examples():
    all_of_them, more = (train(FEW, epochs=20, chains=60, batch_size=n) for n in [50, 1000])
    assert more == all_of_them
    assert more != train(FEW, epochs=20, chains=60, batch_size=49)


def test_the_defaults_are_as_documented():
    found = doctest.testmod(harmonium._harmonium)
    assert found.attempted >= 3 and found.failed == 0
    settings = harmonium.default_settings()
    expected = dict(batch_size=96, learning_rate=0.2, schedule="cosine", centering=True)
    expected.update(averaging="tail:0.1", hidden=None, epochs=None, chains=None)
    assert expected.items() <= settings.items()


@pytest.mark.parametrize(
    "params, of_grey, of_bits",
    [
        ({}, ("683a3e64f80955fb", "f5d4a28973b17b00"), ("e147d1ebff7691b2", "df8807955ac87e16")),
        (
            dict(batch_size=50, n_chains=20, n_gibbs_steps=2, momentum=0.5, weight_decay=0.001)
            | dict(centering=True, schedule="linear", averaging="tail:0.3", shuffle=True),
            ("792d34445c56678d", "63b83499aac71c42"),
            ("5694dd9410413935", "96bf33a74b3ab483"),
        ),
    ],
)
def test_the_estimator_keeps_its_own_defaults(digits, bits, params, of_grey, of_bits):
    """The `rbm_.sha256()[:16]` do not follow the library's defaults."""
    for X, (fitted, went_on) in [(digits, of_grey), (bits, of_bits)]:
        rbm = BernoulliRBM(16, n_iter=2, random_state=3, **params).fit(X)
        assert rbm.rbm_.sha256()[:16] == fitted
        assert rbm.partial_fit(X[:30]).rbm_.sha256()[:16] == went_on


def test_settings_missing_in_a_file_keep_the_estimators_defaults(tmp_path):
    rbm = Rbm(np.zeros((4, 3)), np.zeros(4), np.zeros(3))
    settings = {"epochs": None, "updates": 9, "chains": 128, "batch_size": 96}
    rbm.save(tmp_path / "model.safetensors", settings=settings)
    estimator = BernoulliRBM.load(tmp_path / "model.safetensors")
    assert (estimator.n_iter, estimator.n_chains, estimator.batch_size) == (10, 128, 96)
    assert estimator.partial_fit(FEW).h_samples_.shape == (128, 3)
    # The file records the number of chains, whatever the library's default.
    for n_chains, found in [(None, None), (7, 7)]:
        BernoulliRBM(3, n_chains=n_chains, random_state=0).fit(FEW).save(tmp_path / "model.safetensors")
        assert Rbm.load_with_settings(tmp_path / "model.safetensors")[1]["chains"] == (n_chains or 10)
        assert BernoulliRBM.load(tmp_path / "model.safetensors").n_chains == found
