"""Data for several tests."""

import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest


@pytest.fixture(scope="session")
def digits():
    """scikit-learn's 8 x 8 digits, grey levels from 0 to 1, (1797, 64)."""
    from sklearn.datasets import load_digits

    return load_digits().data / 16.0


@pytest.fixture(scope="session")
def bits(digits):
    """The digits as 0 and 1."""
    return (digits > 0.5).astype(np.float64)


@pytest.fixture(scope="session")
def command_line():
    """Runs the program `harmonium` that HARMONIUM names, or that was built beside this package."""
    built = Path(__file__).parents[2] / "target" / "release" / "harmonium"
    program = os.environ.get("HARMONIUM") or shutil.which("harmonium") or built
    if not Path(program).exists():
        pytest.skip("the program harmonium is missing: run cargo build --release")

    def run(*arguments):
        done = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.fixture(scope="session")
def n_mutants():
    """The number of damaged files and states of a test; HARMONIUM_MUTANTS=5000 for a thorough search."""
    return int(os.environ.get("HARMONIUM_MUTANTS", 200))
