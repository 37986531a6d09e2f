"""Features of `harmonium.BernoulliRBM` for a logistic regression, by its settings: the figures of the guide's page on Python.

    python benches/features/digits.py

trains 100 units on 70 % of scikit-learn's digits, with three seeds, and prints the mean accuracy on the others. It takes
a minute.
"""

import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split

from harmonium import BernoulliRBM

DRAWN = {"binarization": "stochastic"}
SMOOTH = {"centering": True, "schedule": "cosine", "averaging": "tail:0.1"}
SETTINGS = {
    "defaults": {"learning_rate": 0.06},
    "drawn bits": {**DRAWN, "learning_rate": 0.06},
    "centred, cosine, averaged": {**SMOOTH, "learning_rate": 0.06},
    "all of these": {**DRAWN, **SMOOTH, "learning_rate": 0.2},
}


def accuracy(settings, seed):
    images, digits = load_digits(return_X_y=True)
    train, test, of_train, of_test = train_test_split(images / 16, digits, test_size=0.3, random_state=seed)
    rbm = BernoulliRBM(100, random_state=seed, **settings).fit(train)
    classifier = LogisticRegression(C=10, max_iter=1000).fit(rbm.transform(train), of_train)
    return classifier.score(rbm.transform(test), of_test)


for n_iter in [20, 100]:
    for name, settings in SETTINGS.items():
        found = [accuracy({**settings, "n_iter": n_iter}, seed) for seed in range(3)]
        print(f"{n_iter} epochs, {name}: {np.mean(found):.3f}")
