"""Times calls on one row beside scikit-learn's, in alternation: the least of many repetitions, in µs.

    .venv/bin/python benches/peers/one_row.py [--shape 784x100] [--repeats 50]

It first checks that both give the same numbers. "by hand" is an estimator whose arrays a user has set,
which are compared with copies at each call; `Rbm` is the model alone.
"""

import argparse
import timeit
import warnings

import numpy as np
from sklearn.neural_network import BernoulliRBM as TheirRBM

from harmonium import BernoulliRBM

CALLS = 100
NAMES = ["components_", "intercept_hidden_", "intercept_visible_"]


def models(n_visible, n_hidden):
    """Data, scikit-learn's estimator, ours, and ours with arrays set by hand."""
    X = (np.random.RandomState(0).uniform(size=(500, n_visible)) < 0.2).astype(float)
    theirs = TheirRBM(n_hidden, n_iter=1, random_state=0).fit(X)
    by_hand = BernoulliRBM(n_hidden, random_state=0)
    for name in NAMES:
        rounded = getattr(theirs, name).astype(np.float32).astype(float)
        setattr(theirs, name, rounded)
        setattr(by_hand, name, rounded.copy())
    return X, theirs, BernoulliRBM.from_sklearn(theirs), by_hand


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shape", default="784x100", help="visible x hidden units")
    parser.add_argument("--repeats", type=int, default=50)
    arguments = parser.parse_args()
    X, theirs, ours, by_hand = models(*map(int, arguments.shape.split("x")))
    row, rbm = X[:1], ours.rbm_
    calls = {
        "transform": [lambda e=e: e.transform(row) for e in (theirs, ours, by_hand)]
        + [lambda: rbm.mean_hidden(row, dtype="float64")],
        "free energy": [lambda: theirs._free_energy(row)]
        + [lambda e=e: e.free_energy(row) for e in (ours, by_hand)]
        + [lambda: rbm.free_energy(row)],
        "one-feature score": [lambda: theirs.score_samples(row)]
        + [lambda e=e: e.score_samples(row, method="stochastic") for e in (ours, by_hand)]
        + [lambda: rbm.pseudo_likelihood(row, units=[3])],
        "gibbs": [lambda e=e: e.gibbs(row) for e in (theirs, ours, by_hand, rbm)],
    }
    for name in ("transform", "free energy"):
        expected, *found = (call() for call in calls[name])
        for numbers in found:
            np.testing.assert_allclose(numbers, expected, rtol=1e-6)
    print(f"{arguments.shape}, one row  scikit-learn  harmonium  by hand      Rbm")
    for name, alternatives in calls.items():
        best = [np.inf] * len(alternatives)
        for _ in range(arguments.repeats):
            for index, call in enumerate(alternatives):
                best[index] = min(best[index], timeit.timeit(call, number=CALLS) / CALLS)
        print(f"{name:18}", *(f"{1e6 * seconds:11.1f}" for seconds in best), sep=" ")


if __name__ == "__main__":
    warnings.simplefilter("error")
    main()
