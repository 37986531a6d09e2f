"""The package `rbms` as `rbms train` runs it: its `train`, with an HDF5 file written at every update."""
import contextlib
import os
import pathlib
import tempfile

import h5py
import numpy as np
import torch
from rbms.io import load_params
from rbms.parser import default_args
from rbms.training.pcd import train
from rbms.training.utils import get_checkpoints

from . import Session, Unsupported
from .rbms_update import RATE, dataset
from .torch_loop import torch_details


class Peer(Session):
    packages = ("rbms",)

    def __init__(self, job):
        if job["binarize"] == "stochastic" or job["averaging"]:
            raise Unsupported("takes bits only, and has no averaging")
        self.job = job
        torch.set_num_threads(job["threads"])
        torch.manual_seed(job["seed"])
        data = np.load(job["data"])
        self.train_data, self.test_data = dataset(data), dataset(data[:1])
        self.folder = tempfile.TemporaryDirectory()
        self.file = str(pathlib.Path(self.folder.name) / "RBM.h5")

    def timed(self, updates):
        """Trains anew; the seconds are those that the package counts, without setting up."""
        job = self.job
        last = updates + 1  # it counts its initial model as update 1
        arguments = default_args | {
            "filename": self.file,
            "num_hiddens": job["hidden"],
            "batch_size": job["batch"],
            "num_chains": job["chains"],
            "gibbs_steps": job["gibbs_steps"],
            "learning_rate": RATE,
            "num_updates": last,
            "seed": job["seed"],
            "log": False,
            "device": torch.device("cpu"),
            "dtype": torch.float32,
            "train_size": 1.0,
            "test_size": 0.0,
            "training_type": "pcd",
        }
        checkpoints = get_checkpoints(last, arguments["n_save"], arguments["spacing"])
        with open(os.devnull, "w") as nowhere, contextlib.redirect_stderr(nowhere):
            train(self.train_data, self.test_data, "BBRBM", arguments, torch.float32, checkpoints)
        with h5py.File(self.file) as file:
            return float(file[f"update_{last}"]["time"][()])

    def parameters(self):
        with h5py.File(self.file) as file:
            last = max(int(key.split("_")[1]) for key in file if key.startswith("update_"))
        model = load_params(self.file, last, torch.device("cpu"), torch.float32)
        return [x.numpy() for x in model.parameters()]

    def details(self):
        return torch_details()
