"""Trains on the ranks of an MPI job and prints the SHA-256 of the model: `mpiexec -n 2 python -m mpi4py on_ranks.py`."""

import sys

import numpy as np
from mpi4py import MPI

import harmonium

comm = MPI.COMM_WORLD if "--alone" not in sys.argv else None
data = (np.add.outer(np.arange(150) ** 2, 3 * np.arange(270)) % 7 < 3).astype(np.uint8)
if "--other-data" in sys.argv and comm.Get_rank() == 1:
    data[0, 0] ^= 1
epochs = []
rbm = harmonium.train(
    data,
    hidden=200,
    epochs=4,
    batch_size=40,
    momentum=0.5,
    averaging="exponential:1",
    held_out=data[:20],
    # Any rank may end the training.
    callback=lambda metrics: epochs.append(metrics) or (len(epochs) == 3 and (comm is None or comm.Get_rank() == 1)),
    threads=1,
    comm=comm,
)
rank = 0 if comm is None else comm.Get_rank()
sys.stdout.write(f"{rank} {len(rbm.history)} {rbm.sha256()}\n")
