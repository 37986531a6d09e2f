"""The libraries that are compared, one file each.

Each file has a class `Peer(Session)`: its constructor reads the data of the job and sets up, `train`
does a number of updates, `parameters` gives the weights (V, H), visible biases (V) and hidden biases
(H). A peer lives in a process of its own (see worker.py), so it may import and set what it likes.
"""
import time

NAMES = {
    "harmonium_cli": "harmonium (CLI)",
    "harmonium_python": "harmonium (Python)",
    "numpy_loop": "NumPy loop, f32",
    "torch_loop": "PyTorch loop, f32",
    "torch_bfloat16": "PyTorch loop, products in bfloat16",
    "torch_bernoulli": "PyTorch loop with `torch.bernoulli`, f32",
    "rbms_update": "rbms, its update in a bare loop, f32",
    "rbms_train": "rbms, its own `train`, f32",
    "sklearn_f32": "scikit-learn `BernoulliRBM`, f32",
    "sklearn_f64": "scikit-learn `BernoulliRBM`, f64",
}


class Unsupported(Exception):
    """The peer has no such setting."""


class Session:
    """What all peers have in common."""

    packages = ()  # what a user installs, for versions and size on disk
    dtype = "float32"  # of the data file that it is given

    def train(self, updates):
        raise NotImplementedError

    def parameters(self):
        raise NotImplementedError

    def timed(self, updates):
        """Trains, and says for how many seconds."""
        begin = time.perf_counter()
        self.train(updates)
        return time.perf_counter() - begin

    def details(self):
        """What else is worth a line in the results."""
        return {}
