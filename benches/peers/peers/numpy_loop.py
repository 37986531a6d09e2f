"""PCD in plain NumPy, single precision: matrix products by BLAS, everything else in place."""
import numpy as np

from . import Session


class Peer(Session):
    packages = ("numpy",)

    def __init__(self, job):
        self.job = job
        self.data = np.load(job["data"])
        self.is_grey = job["binarize"] == "stochastic"
        self.rng = np.random.Generator(np.random.SFC64(job["seed"]))
        n_visible, n_hidden = self.data.shape[1], job["hidden"]
        batch, chains = job["batch"], job["chains"]
        self.mean = self.data.mean(axis=0)
        p = self.mean.clip(0.001, 0.999)
        self.weights = self.rng.standard_normal((n_visible, n_hidden), np.float32) * np.float32(0.01)
        self.visible_bias = np.log(p / (1 - p))
        self.hidden_bias = np.zeros(n_hidden, np.float32)
        # The mini-batch above, the chains below, so that one product serves both.
        self.v = np.empty((batch + chains, n_visible), np.float32)
        self.p = np.empty((batch + chains, n_hidden), np.float32)
        self.h = np.zeros((chains, n_hidden), np.float32)
        self.gradient = np.empty_like(self.weights)
        self.uniform = np.empty(max(batch, chains) * max(n_visible, n_hidden), np.float32)
        self.offsets = np.full(n_hidden, 0.5, np.float32)
        self.average = [x.copy() for x in self.current()]
        self.batches = iter(())
        self.done = 0

    def current(self):
        return self.weights, self.visible_bias, self.hidden_bias

    def parameters(self):
        return self.average if self.job["averaging"] else self.current()

    def train(self, updates):
        for _ in range(updates):
            self.update(self.next_batch())

    def next_batch(self):
        chosen = next(self.batches, None)
        if chosen is None:
            size = self.job["batch"]
            order = self.rng.permutation(len(self.data))
            self.batches = iter(order[: len(order) // size * size].reshape(-1, size))
            chosen = next(self.batches)
        return chosen

    def draw(self, p, out):
        """Bits that are 1 with probability p."""
        u = self.uniform[: p.size].reshape(p.shape)
        self.rng.random(out=u, dtype=np.float32)
        np.less(u, p, out=out)

    def update(self, chosen):
        job, v, p, weights = self.job, self.v, self.p, self.weights
        batch, chains, sweeps = job["batch"], job["chains"], job["gibbs_steps"]
        np.take(self.data, chosen, axis=0, out=v[:batch], mode="clip")  # "clip" writes without a copy
        if self.is_grey:
            self.draw(v[:batch], v[:batch])
        for sweep in range(sweeps):
            mean_field(self.h, weights.T, self.visible_bias, out=v[batch:])
            self.draw(v[batch:], v[batch:])
            rows = slice(0 if sweep == sweeps - 1 else batch, None)
            mean_field(v[rows], weights, self.hidden_bias, out=p[rows])
            self.draw(p[batch:], self.h)
        hidden_mean = p[:batch].mean(axis=0)
        p[batch:] *= -batch / chains  # the negative phase: one product takes the difference
        gradient = np.matmul(v.T, p, out=self.gradient)
        gradient /= batch
        of_visible = v[:batch].mean(axis=0) - v[batch:].mean(axis=0)
        of_hidden = p.sum(axis=0) / batch
        if job["centering"]:
            self.offsets += 0.01 * (hidden_mean - self.offsets)
            gradient -= np.outer(self.mean, of_hidden)
            gradient -= np.outer(of_visible, self.offsets)
            of_visible -= gradient @ self.offsets
            of_hidden -= self.mean @ gradient
        for parameter, step in zip(self.current(), (gradient, of_visible, of_hidden)):
            step *= job["learning_rate"]
            parameter += step
        self.done += 1
        if job["averaging"]:  # exponential, over this number of epochs; at first the mean of all
            share = max(1 / self.done, job["batch"] / (job["averaging"] * len(self.data)))
            for mean, parameter in zip(self.average, self.current()):
                mean += np.float32(share) * (parameter - mean)


def mean_field(x, weights, bias, out):
    """The logistic function of x·weights + bias, by the hyperbolic tangent, which NumPy has in SIMD."""
    np.matmul(x, weights, out=out)
    out += bias
    out *= 0.5
    np.tanh(out, out=out)
    out *= 0.5
    out += 0.5
