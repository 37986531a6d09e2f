"""Training on the processes of an MPI job, by mpi4py."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import harmonium

SCRIPT = Path(__file__).parent / "on_ranks.py"

needs_mpi = pytest.mark.skipif(
    shutil.which("mpirun") is None
    or subprocess.run([sys.executable, "-c", "from mpi4py import MPI"], capture_output=True).returncode != 0,
    reason="needs mpi4py and mpirun",
)


def on_ranks(n, *arguments):
    environment = {
        **os.environ,
        "OMPI_ALLOW_RUN_AS_ROOT": "1",
        "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
        "OMPI_MCA_rmaps_base_oversubscribe": "1",
    }
    command = ["mpirun", "-n", str(n), sys.executable, "-m", "mpi4py", str(SCRIPT), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment)


@needs_mpi
@pytest.mark.parametrize("n", [2, 3])
def test_every_rank_gets_the_model_of_one_process(n):
    alone = subprocess.run([sys.executable, str(SCRIPT), "--alone"], capture_output=True, text=True, check=True)
    together = on_ranks(n)
    assert together.returncode == 0, together.stderr
    found = sorted(together.stdout.split("\n")[:-1])
    assert found == [alone.stdout.strip().replace("0", str(rank), 1) for rank in range(n)]


@needs_mpi
def test_ranks_with_other_data_are_refused():
    ended = on_ranks(2, "--other-data")
    assert ended.returncode != 0 and "rank 1 has other data or settings than rank 0" in ended.stderr


def test_a_communicator_is_one_of_mpi4py():
    with pytest.raises(TypeError, match="comm must be a communicator of mpi4py"):
        harmonium.train(np.eye(4), hidden=2, epochs=1, comm="world")
    with pytest.raises(TypeError, match="comm must be a communicator of mpi4py"):
        harmonium.Trainer(np.eye(4), hidden=2, comm=4)
