"""scikit-learn's `BernoulliRBM` in single precision (it takes the precision of its data)."""
import numpy as np
from sklearn.neural_network import BernoulliRBM

from . import Session, Unsupported


class Peer(Session):
    """`fit(n_iter=0)` sets the model up and `_fit` is what `fit` then calls for each mini-batch, so this
    is `fit`, but for a loop that can be stopped: `partial_fit` would turn everything into f64.
    Like `fit` it takes the examples in the order of the data; its chains are as many as the batch."""

    packages = ("scikit-learn",)

    def __init__(self, job):
        if job["chains"] != job["batch"] or job["gibbs_steps"] != 1:
            raise Unsupported("has one chain for each example of a batch, and one Gibbs step")
        if job["centering"] or job["averaging"]:
            raise Unsupported("has neither centring nor averaging")
        self.data = np.load(job["data"])
        self.batch = job["batch"]
        self.model = BernoulliRBM(
            job["hidden"],
            learning_rate=job["learning_rate"],
            batch_size=job["batch"],
            n_iter=0,
            random_state=job["seed"],
        ).fit(self.data)
        self.rng = np.random.RandomState(job["seed"])
        self.at = 0

    def train(self, updates):
        for _ in range(updates):
            if self.at + self.batch > len(self.data):
                self.at = 0
            self.model._fit(self.data[self.at : self.at + self.batch], self.rng)
            self.at += self.batch

    def parameters(self):
        model = self.model
        return model.components_.T, model.intercept_visible_, model.intercept_hidden_
