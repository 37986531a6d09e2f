"""The update of the package `rbms` in a bare loop: its own `train` also writes to a file at every update.

Its gradient is divided by its norm, so a learning rate is the length of a step, and is its own
affair: the default of `rbms train`, 0.01, stands whatever the job says. So does its centring.
"""
import numpy as np
import torch
from rbms.bernoulli_bernoulli.classes import BBRBM
from rbms.dataset.dataset_class import RBMDataset
from rbms.training.pcd import fit_batch_pcd

from . import Session, Unsupported
from .torch_loop import batches, torch_details

RATE = 0.01


def dataset(data):
    """What the package wants to know of examples."""
    n = len(data)
    return RBMDataset(
        data=data,
        labels=np.zeros(n),
        weights=np.ones(n),
        names=np.arange(n),
        dataset_name="peers",
        is_binary=True,
        device="cpu",
    )


class Peer(Session):
    packages = ("rbms",)

    def __init__(self, job):
        if job["averaging"]:
            raise Unsupported("has no averaging")
        self.job = job
        torch.set_num_threads(job["threads"])
        torch.manual_seed(job["seed"])
        self.data = dataset(np.load(job["data"]))
        self.is_grey = job["binarize"] == "stochastic"
        self.model = BBRBM.init_parameters(job["hidden"], self.data, torch.device("cpu"), torch.float32)
        self.model.init_grad()
        self.chains = self.model.init_chains(job["chains"])
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=RATE, maximize=True)
        self.batches = batches(len(self.data), job["batch"])

    @torch.no_grad()
    def train(self, updates):
        for _ in range(updates):
            chosen = next(self.batches)
            v = self.data.data[chosen]
            if self.is_grey:
                v = torch.bernoulli(v)
            self.chains, _ = fit_batch_pcd(
                batch=(v, self.data.weights[chosen]),
                parallel_chains=self.chains,
                params=self.model,
                gibbs_steps=self.job["gibbs_steps"],
                beta=1.0,
            )
            self.optimizer.step()

    def parameters(self):
        return [x.numpy() for x in self.model.parameters()]

    def details(self):
        return torch_details()
