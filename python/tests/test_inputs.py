"""All containers of numbers give the same result, and sparse matrices are never copied to dense ones."""

import resource

import numpy as np
import pytest

from harmonium import BernoulliRBM, Rbm, Trainer, train

scipy_sparse = pytest.importorskip("scipy.sparse")


def learned(X, **params):
    return BernoulliRBM(8, batch_size=50, random_state=0, **params).fit(X).components_


def test_every_type_and_order_of_bits_trains_alike(bits):
    expected = learned(bits)
    reversed_ = bits[:, ::-1].copy()[:, ::-1]
    for X in [
        *(bits.astype(t) for t in "float32 bool uint8 int8 uint16 int32 int64 uint64".split()),
        bits.astype(np.float16),
        bits.astype(">f8"),
        np.asfortranarray(bits),
        np.repeat(bits, 2, axis=0)[::2],
        reversed_,
        scipy_sparse.csr_matrix(bits),
        scipy_sparse.csc_array(bits),
        scipy_sparse.coo_array(bits),
        bits.tolist(),
    ]:
        kind = getattr(X, "dtype", type(X))
        assert (learned(X) == expected).all(), kind


def test_every_container_of_numbers_gives_the_same(digits):
    pandas, polars = pytest.importorskip("pandas"), pytest.importorskip("polars")
    rbm = BernoulliRBM(8, random_state=0).fit(digits)
    names = [f"pixel{i}" for i in range(64)]
    for X in [
        scipy_sparse.csr_array(digits),
        scipy_sparse.lil_matrix(digits),
        pandas.DataFrame(digits, columns=names),
        polars.DataFrame(digits, schema=names),
        np.asfortranarray(digits),
    ]:
        again = BernoulliRBM(8, random_state=0).fit(X)
        assert (again.components_ == rbm.components_).all(), type(X)
        assert (again.transform(X) == rbm.transform(digits)).all(), type(X)
        assert (again.score_samples(X) == rbm.score_samples(digits)).all(), type(X)
        assert (again.partial_fit(X).components_ != rbm.components_).any()
    # One entry comes twice and out of order.
    entries = np.array([0.25, 0.5, 0.25]), np.array([3, 1, 3]), np.array([0, 3])
    doubled = scipy_sparse.csr_array(entries, shape=(1, 64))
    dense = doubled.toarray()
    assert dense[0, 3] == 0.5 and not doubled.has_canonical_format
    assert (rbm.transform(doubled) == rbm.transform(dense)).all()
    assert not doubled.has_canonical_format, "the user's matrix was changed"


def test_float32_is_kept(digits):
    single = digits.astype(np.float32)
    rbm = BernoulliRBM(8, random_state=0).fit(single)
    assert rbm.components_.dtype == rbm.transform(single).dtype == np.float32
    double = BernoulliRBM(8, random_state=0).fit(digits)
    assert double.transform(digits).dtype == np.float64
    assert (double.components_ == rbm.components_).all(), "grey levels of 16 are exact"
    np.testing.assert_allclose(rbm.transform(single), double.transform(digits), atol=1e-5)


def test_a_sparse_matrix_is_never_dense():
    """40,000 x 20,000 would take 6.4 GB as float64 and 3.2 GB as float32."""
    rng = np.random.RandomState(0)
    # Halved, since a unit that is drawn twice in a row adds up.
    entries = rng.uniform(size=80_000) / 2, rng.randint(20_000, size=80_000), np.arange(0, 80_001, 2)
    X = scipy_sparse.csr_array(entries, shape=(40_000, 20_000))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    rbm = BernoulliRBM(2, n_iter=1, batch_size=1000, random_state=0).fit(X)
    features = rbm.transform(X)
    megabytes = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    assert megabytes < 400, f"{megabytes:.0f} MB"
    assert features.shape == (40_000, 2)


def test_hundreds_of_thousands_of_features_can_be_learned():
    """The sum of their first weights alone exceeds the usual fixed-point range of a unit."""
    rng = np.random.RandomState(0)
    entries = rng.uniform(size=6000) / 2, rng.randint(250_000, size=6000), np.arange(0, 6001, 20)
    X = scipy_sparse.csr_array(entries, shape=(300, 250_000))
    rbm = BernoulliRBM(16, n_iter=3, random_state=0).fit(X)
    assert rbm.components_.shape == (16, 250_000)
    again = BernoulliRBM(16, n_iter=0, random_state=0).fit(X)
    assert rbm.score(X) > again.score(X) + 1


def test_wrong_data_are_refused_as_in_scikit_learn(digits):
    rbm = BernoulliRBM(4, random_state=0).fit(digits)
    broken = digits.copy()
    broken[3, 5] = np.nan
    for X, message in [
        (broken, "NaN"),
        (broken.astype(np.float32), "NaN"),
        (scipy_sparse.csr_matrix(broken), "NaN"),
        (np.where(np.isnan(broken), np.inf, broken), "infinity"),
        (digits[:, :50], "64 features"),
        (digits[0], "2D array"),
        (digits[:0], "minimum of 1"),
        (digits.astype(complex), "[Cc]omplex"),
    ]:
        with pytest.raises(ValueError, match=message):
            rbm.transform(X)
        if X.shape != (1797, 50):
            with pytest.raises(ValueError, match=message):
                rbm.fit(X)
    with pytest.raises(ValueError, match="finite, also as a float32"):
        rbm.transform(digits * 1e300)


def test_the_library_itself_says_what_is_wrong():
    model = Rbm(np.zeros((3, 2)), np.zeros(3), np.zeros(2))
    for call, error, message in [
        (lambda: model.mean_hidden([0, 1, 1]), ValueError, "1 dimensions, but must have 2"),
        (lambda: model.mean_hidden([[0, 1]]), ValueError, "2 visible units"),
        (lambda: model.mean_hidden([["A", "C", "G"]]), ValueError, "sequences or columns, but the model was trained on num"),
        (lambda: model.mean_hidden([[0, np.nan, 1]]), ValueError, "example 0, unit 1 is NaN"),
        (lambda: model.mean_hidden([[0, 1, 1]], dtype="float16"), TypeError, "dtype is float16"),
        (lambda: model.mean_visible([[0, 1.5]]), ValueError, "must hold bits or probabilities"),
        (lambda: model.mean_visible([[0, 1, 1]]), ValueError, "2 hidden units"),
        (lambda: model.sample(2, start=[[0, 1]]), ValueError, "3 visible units"),
        (lambda: model.pseudo_likelihood([[0, 1, 1]], units=[3]), ValueError, "a unit below 3"),
        (lambda: model.log_likelihood([[0, 1, 1]], method="guess"), ValueError, "method is guess"),
        (lambda: model.log_likelihood([[0, 1, 7.0]]), ValueError, "from 0 to 1; divide grey"),
        (lambda: Rbm(np.zeros((3, 2)), np.zeros(2), np.zeros(2)), ValueError, "visible_bias is 2"),
        (lambda: Rbm(np.full((1, 1), np.nan), [0.0], [0.0]), ValueError, "must be finite"),
        (lambda: Rbm.load("nowhere.safetensors"), FileNotFoundError, "cannot read"),
        (lambda: train(np.eye(3), hiden=3), TypeError, "did you mean hidden"),
        (lambda: train(np.eye(3), hidden="many"), TypeError, "hidden is \"many\", but must be a whole"),
        (lambda: train(np.eye(3), hidden=3, batch_size=0), ValueError, "batch_size is 0"),
        (lambda: train(np.eye(3) * 7.0, hidden=3), ValueError, "from 0 to 1; divide grey levels"),
        (lambda: train(np.eye(3), hidden=3, batch_size=1, threads=0), ValueError, "threads is 0"),
        (lambda: train(np.eye(3), hidden=3, threads=5000), ValueError, "from 1 to 1024"),
        (lambda: train(np.eye(3), learning_rate=np.nan), ValueError, "learning_rate is nan"),
        (lambda: train(np.eye(3), held_out=np.eye(4), batch_size=1), ValueError, "held_out has 4"),
        (lambda: model.sample(2, start=np.zeros((0, 3))), ValueError, "start has no rows"),
        (lambda: model.mean_visible(np.zeros((2, 0))), ValueError, "0 wide"),
        (lambda: model.mean_hidden(broken_csr()), ValueError, "damaged sparse matrix: its indices has 900"),
        (lambda: model.mean_hidden(scipy_sparse.csr_array(np.eye(3) * 1j)), TypeError, "complex"),
        (lambda: done_trainer().update_on(np.eye(3)), ValueError, "data of its own"),
        (lambda: online_trainer().run(), ValueError, "no data of its own"),
        (lambda: [online_trainer().update_on(np.eye(3)) for _ in range(2)], None, ""),
        (lambda: [t.update_on(np.eye(3)) for t in [online_trainer()] * 2], ValueError, "1 updates are"),
    ]:
        if error is None:
            call()
            continue
        with pytest.raises(error, match=message):
            call()


def test_no_rows_give_no_rows():
    model, none = Rbm(np.zeros((3, 2)), np.zeros(3), np.zeros(2)), np.zeros((0, 3))
    for found, shape in [
        (model.mean_hidden(none), (0, 2)),
        (model.mean_visible(np.zeros((0, 2))), (0, 3)),
        (model.free_energy(none), (0,)),
        (model.pseudo_likelihood(none), (0,)),
        (model.gibbs(none), (0, 3)),
        (model.reconstruct(none), (0, 3)),
        (model.sample(0), (0, 3)),
    ]:
        assert found.shape == shape


def broken_csr():
    matrix = scipy_sparse.csr_array(np.eye(3))
    matrix.indices[1] = 900
    return matrix


def done_trainer():
    return Trainer(np.eye(3), hidden=2, batch_size=1, epochs=1)


def online_trainer():
    return Trainer.online(np.eye(3), hidden=np.int64(2), chains=2, binarize="none", updates=1)
