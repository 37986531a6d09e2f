"""Damaged or enormous input ends in an exception or in the right result, never in a crash.

Each test runs this file as a program, since a crash would end the tests."""

import os
import re
import subprocess
import sys

import numpy as np
import pytest

scipy_sparse = pytest.importorskip("scipy.sparse")

# What may be refused although `dense` reads it: parts of a sparse matrix that are no vectors or do not fit
# (the last two are scipy's), and types of numbers that the library does not take.
REFUSAL = re.compile(
    "X is a damaged sparse matrix: its (data|indices|indptr) (is not an array|has the shape)"
    "|X has the type (object|complex64), but must hold booleans, whole or floating-point numbers"
    "|indices and data should have the same size"
    "|unsupported data types in input"
)


def dense(X):
    """A CSR matrix as an array, without scipy; an exception if its parts do not fit."""
    n_rows, n_columns = X.shape
    indptr, indices, data = (list(part) for part in (X.indptr, X.indices, X.data))
    assert len(indptr) == n_rows + 1 and indptr[0] == 0 and indptr[-1] <= min(len(indices), len(data))
    array = np.zeros((n_rows, n_columns))
    for n in range(n_rows):
        assert indptr[n] <= indptr[n + 1]
        for at in range(indptr[n], indptr[n + 1]):
            assert 0 <= indices[at] < n_columns
            array[n, indices[at]] += data[at]
    return array


def random_csr(rng, density):
    """A CSR matrix of 30 x 12 random numbers, by any version of scipy."""
    return scipy_sparse.csr_array(rng.random((30, 12)) * (rng.random((30, 12)) < density))


def mutated(rng):
    """A CSR matrix with one or two faults in its parts, some of which do no harm."""
    X = random_csr(rng, density=0.3)
    X.indices = X.indices.astype(rng.choice(["int32", "int64"]))
    X.indptr = X.indptr.astype(X.indices.dtype)
    for _ in range(rng.integers(1, 3)):
        name = rng.choice(["indptr", "indices", "data"])
        part = np.atleast_1d(getattr(X, name))
        kind = rng.integers(8)
        if kind < 4 and part.size:
            odd = [-1, -(2**31), 2**31 - 1, 2**40, 13, 12, 11, 0, 1, part.size, part.size + 1]
            part = part.copy() if part.dtype == object else part.astype("f8" if name == "data" else "i8")
            part.flat[rng.integers(part.size)] = odd[rng.integers(len(odd))]
        elif kind == 4:
            part = part[: rng.integers(part.size + 1)]
        elif kind == 5:
            part = np.concatenate([part, part[: rng.integers(5)]])
        elif kind == 6:
            types = "float32 uint64 int8 bool object U5 complex64 >i8 >f4 longdouble".split()
            part = part.astype(types[rng.integers(len(types))])
        else:
            shapes = [part.reshape(1, -1), part.reshape(-1, 1), part[::-1], part[::2], None, part.tolist()]
            part = shapes[rng.integers(len(shapes))]
        setattr(X, name, part)
    if rng.random() < 0.1:
        X._shape = (int(rng.integers(0, 40)), int(rng.integers(1, 20)))
    return X


def packed(array):
    """The same numbers in a record with a byte before each."""
    record = np.zeros(array.shape, dtype=[("byte", "u1"), ("number", array.dtype)])
    record["number"] = array
    return record["number"]


def off_by_a_byte(array):
    """The same numbers one byte beyond their boundary."""
    if array.dtype.hasobject:
        return array
    buffer = np.zeros(array.nbytes + 1, dtype="u1")
    moved = np.frombuffer(buffer.data, dtype=array.dtype, offset=1, count=array.size)
    moved = moved.reshape(array.shape)
    moved[...] = array
    return moved


def reshaped(rng):
    """An array of odd type, order and strides."""
    X = (rng.random((30, 12)) < 0.4).astype(float)
    if rng.random() < 0.5:
        X *= 0.5
    types = "f4 f8 >f4 >f8 f2 g u1 i1 >i2 u8 ? c8 O U3 M8[s] V4".split()
    X = np.asarray(X).astype(types[rng.integers(len(types))])
    changes = [
        lambda X: X[::-1],
        lambda X: X[:, ::-1],
        lambda X: np.repeat(X, 2, axis=0)[::2],
        lambda X: np.repeat(X, 3, axis=1)[:, 1::3],
        np.asfortranarray,
        lambda X: np.broadcast_to(X[:1], X.shape),
        lambda X: np.broadcast_to(X[:, :1], X.shape),
        lambda X: np.lib.stride_tricks.as_strided(X, (len(X) // 2, X.shape[1]), X.strides),
        packed,
        off_by_a_byte,
        lambda X: X[:0],
        lambda X: X[:, :0],
        lambda X: X[0],
        lambda X: X.reshape(len(X), 1, -1),
        lambda X: X.reshape(1, 1, *X.shape),
        lambda X: X.view(np.recarray) if X.dtype.names else X,
        lambda X: np.broadcast_to(X[:1, :1], (10**7, 10**6)),
        lambda X: np.broadcast_to(X[:1, :1], (1, 2**33)),
    ]
    for _ in range(rng.integers(1, 4)):
        change = changes[rng.integers(len(changes))]
        if X.ndim == 2 and X.size <= 10**6 and X.size > 0:
            X = change(X)
    if rng.random() < 0.5:
        X.flags.writeable = False
    return X


def trained(X):
    """The weights of a model trained on data."""
    from harmonium import Trainer

    trainer = Trainer(X, hidden=3, epochs=1, batch_size=10, as_numbers=True)
    trainer.run()
    return trainer.model.weights.tolist()


def results(X):
    """What the model and the trainer make of data: numbers, or an exception."""
    from harmonium import Rbm

    rng = np.random.default_rng(0)
    rbm = Rbm(rng.normal(size=(12, 3)), np.zeros(12), np.zeros(3))
    found = []
    for compute in [
        lambda: rbm.mean_hidden(X).tolist(),
        lambda: rbm.free_energy(X).tolist(),
        lambda: rbm.gibbs(X).tolist(),
        lambda: trained(X),
        lambda: rbm.log_likelihood(X).mean,
    ]:
        try:
            found.append(compute())
        except (ValueError, TypeError, MemoryError, ArithmeticError) as error:
            found.append(error)
    return found


def check_alike(X, plain):
    for one, other in zip(results(X), results(plain) if plain is not None else [None] * 9):
        if isinstance(one, Exception):
            assert str(one), repr(one)
            is_refused = plain is None or isinstance(other, Exception)
            assert is_refused or REFUSAL.match(str(one)), (X, one, other)
        else:
            assert one == other, (X, one, other)


def sparse_mutants():
    for seed in range(500):
        X = mutated(np.random.default_rng(seed))
        try:
            plain = dense(X)
        except Exception:
            plain = None
        check_alike(X, plain)


def array_mutants():
    for seed in range(500):
        X = reshaped(np.random.default_rng(seed))
        is_huge = X.size > 10**6
        try:
            plain = None if is_huge else np.ascontiguousarray(X, dtype=X.dtype.newbyteorder("="))
        except Exception:
            plain = None
        check_alike(X, plain)


def other_formats():
    """The other formats lead scipy out of its arrays, too."""
    for kind, part, wrong in [
        ("csc", "indptr", np.full(13, 10**9)),
        ("csc", "indices", np.full(400, -5)),
        ("csc", "data", np.zeros(2)),
        ("bsr", "indptr", np.full(31, 10**9)),
        ("bsr", "indices", np.full(400, 10**7)),
        ("bsr", "data", np.zeros((1, 1, 1))),
        ("coo", "row", np.full(9, 10**9)),
        ("coo", "data", np.zeros(2)),
        ("dia", "offsets", np.zeros(1, dtype=int)),
    ]:
        X = random_csr(np.random.default_rng(1), density=0.9).asformat(kind)
        if part == "row":
            X.coords = (np.full_like(X.coords[0], 10**9), X.coords[1])
        else:
            setattr(X, part, wrong)
        for error in results(X):
            assert isinstance(error, ValueError), (kind, part, error)
            assert "X is a damaged sparse matrix: its " in str(error), error


def enormous():
    """Enormous numbers, in 3 GB of address space."""
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (3 * 10**9, 3 * 10**9))
    from harmonium import BernoulliRBM, Rbm, Trainer

    rbm = Rbm(np.zeros((400, 300)), np.zeros(400), np.zeros(300))
    X = np.eye(400)
    entries = np.ones(4), np.array([0, 3, 7, 2**31 - 2]), np.array([0, 1, 2, 3, 4])
    wide = scipy_sparse.csr_array(entries, shape=(4, 2**31 - 1))
    for compute, keyword in [
        (lambda: rbm.sample(10**9), "number"),
        (lambda: rbm.sample(2**62), "number"),
        (lambda: Rbm.initial(2**40, np.full(400, 0.5), 10, 0), "hidden"),
        (lambda: Rbm.initial(2**63, np.full(400, 0.5), 10, 0), "hidden"),
        (lambda: Trainer(X, hidden=100_000, chains=32_767), "chains or hidden"),
        (lambda: Trainer.online(X, hidden=100_000, chains=32_767), "chains or hidden"),
        (
            lambda: Trainer(X, hidden=40, algorithm="pt", temperatures=1000, chains=9000),
            "temperatures or chains",
        ),
        (lambda: rbm.log_likelihood(X, method="ais", n_chains=10**6), "n_chains"),
        (lambda: Trainer(wide, hidden=4), None),
        (lambda: Trainer.online(wide, hidden=4), None),
        (lambda: BernoulliRBM(4).fit(wide), None),
        (lambda: Trainer(np.broadcast_to(0.5, (10**6, 10**6))), None),
        (lambda: rbm.mean_hidden(np.broadcast_to(0.5, (10**8, 400))), None),
        (lambda: rbm.gibbs(np.broadcast_to(1, (10**8, 400))), None),
    ]:
        try:
            compute()
        except MemoryError as error:
            text = str(error)
            assert "ulimit -v" in text or "does not grant" in text, text
            assert text.endswith(f"; lower {keyword}") if keyword else "lower" not in text, text
        else:
            raise AssertionError(f"no MemoryError that names {keyword}")


@pytest.mark.parametrize("name", ["sparse_mutants", "array_mutants", "other_formats", "enormous"])
def test_no_input_ends_the_interpreter(name):
    environment = {**os.environ, "RAYON_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, "-W", "ignore", __file__, name]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]


if __name__ == "__main__":
    globals()[sys.argv[1]]()
