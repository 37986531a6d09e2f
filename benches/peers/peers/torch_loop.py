"""PCD in PyTorch on the CPU: no autograd, persistent chains, updates in place."""
import numpy as np
import torch

from . import Session


class Peer(Session):
    packages = ("torch",)

    def __init__(self, job):
        self.job = job
        torch.set_num_threads(job["threads"])
        torch.manual_seed(job["seed"])
        self.data = torch.from_numpy(np.load(job["data"]))
        self.is_grey = job["binarize"] == "stochastic"
        n_visible, n_hidden = self.data.shape[1], job["hidden"]
        self.mean = self.data.mean(0)
        self.weights = 0.01 * torch.randn(n_visible, n_hidden)
        self.visible_bias = torch.logit(self.mean.clamp(0.001, 0.999))
        self.hidden_bias = torch.zeros(n_hidden)
        self.h = torch.zeros(job["chains"], n_hidden)
        self.offsets = torch.full((n_hidden,), 0.5)
        self.average = [x.clone() for x in self.current()]
        self.batches = batches(len(self.data), job["batch"])
        self.done = 0

    def current(self):
        return self.weights, self.visible_bias, self.hidden_bias

    def parameters(self):
        chosen = self.average if self.job["averaging"] else self.current()
        return [x.numpy() for x in chosen]

    @torch.inference_mode()
    def train(self, updates):
        for _ in range(updates):
            self.update(self.next_batch())

    def next_batch(self):
        batch = self.data[next(self.batches)]
        return self.bits(batch) if self.is_grey else batch

    @staticmethod
    def bits(p):
        """Uniform numbers below p: on a CPU several times as fast as `torch.bernoulli`."""
        return torch.rand_like(p).lt_(p)

    inputs = staticmethod(torch.addmm)
    product = staticmethod(torch.mm)

    @staticmethod
    def of_products(x):
        """The number format of the large products' factors."""
        return x

    @staticmethod
    def add_product(to, left, right, alpha):
        to.addmm_(left, right, alpha=alpha)

    def update(self, v):
        job, weights = self.job, self.weights
        factors = self.of_products(weights)
        p = self.inputs(self.hidden_bias, v, factors).sigmoid_()
        for _ in range(job["gibbs_steps"]):
            v_model = self.bits(self.inputs(self.visible_bias, self.h, factors.T).sigmoid_())
            p_model = self.inputs(self.hidden_bias, v_model, factors).sigmoid_()
            self.h = self.bits(p_model)
        rate = job["learning_rate"]
        of_visible = v.mean(0) - v_model.mean(0)
        of_hidden = p.mean(0) - p_model.mean(0)
        if job["centering"]:
            self.offsets.lerp_(p.mean(0), 0.01)
            gradient = self.product(v.T, p).div_(len(v))
            self.add_product(gradient, v_model.T, p_model, -1 / len(v_model))
            gradient.addr_(self.mean, of_hidden, alpha=-1).addr_(of_visible, self.offsets, alpha=-1)
            of_visible -= gradient @ self.offsets
            of_hidden -= self.mean @ gradient
            weights.add_(gradient, alpha=rate)
        else:
            self.add_product(weights, v.T, p, rate / len(v))
            self.add_product(weights, v_model.T, p_model, -rate / len(v_model))
        self.visible_bias.add_(of_visible, alpha=rate)
        self.hidden_bias.add_(of_hidden, alpha=rate)
        self.done += 1
        if job["averaging"]:  # exponential, over this number of epochs; at first the mean of all
            share = max(1 / self.done, job["batch"] / (job["averaging"] * len(self.data)))
            for mean, parameter in zip(self.average, self.current()):
                mean.lerp_(parameter, share)

    def details(self):
        return torch_details()


def batches(n, size):
    """The examples of whole mini-batches, in a new order each epoch, without end."""
    while True:
        yield from torch.randperm(n).split(size)[: n // size]


def torch_details():
    """What PyTorch says of its kernels; threadpoolctl does not see the BLAS that is linked in."""
    lines = (line.strip(" -") for line in torch.__config__.show().splitlines())
    library = [line for line in lines if "MKL" in line and "Build settings" not in line]
    return {"cpu_capability": torch.backends.cpu.get_cpu_capability(), "libraries": library}
