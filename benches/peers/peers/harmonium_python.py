"""harmonium from Python, by the class that has scikit-learn's interface: whole calls of `fit`, setting up
and the conversion of its data to bits included, which no other peer is timed for."""
import numpy as np
from harmonium import BernoulliRBM

from . import Session


class Peer(Session):
    packages = ("harmonium",)

    def __init__(self, job):
        self.job = job
        self.data = np.load(job["data"])

    def train(self, updates):
        """A `fit` from the start: whole epochs over the part of the data that comes nearest to this number of
        updates, setting up and the conversion of the data to bits included."""
        job = self.job
        in_epoch = len(self.data) // job["batch"]
        epochs = max(1, round(updates / in_epoch))
        examples = max(1, round(updates / epochs)) * job["batch"]
        self.model = BernoulliRBM(
            job["hidden"],
            learning_rate=job["learning_rate"],
            batch_size=job["batch"],
            n_iter=epochs,
            random_state=job["seed"],
            n_gibbs_steps=job["gibbs_steps"],
            n_chains=job["chains"],
            n_jobs=job["threads"],
        ).fit(self.data[:examples])
        self.trained = epochs * min(examples, len(self.data))

    def timed(self, updates):
        """Seconds for exactly this number of updates, by proportion."""
        seconds = super().timed(updates)
        return seconds * updates * self.job["batch"] / self.trained

    def parameters(self):
        model = self.model
        return model.components_.T, model.intercept_visible_, model.intercept_hidden_
