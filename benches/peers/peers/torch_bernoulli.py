"""The PyTorch loop with `torch.bernoulli`, as most people write it."""
import torch

from .torch_loop import Peer as Loop


class Peer(Loop):
    bits = staticmethod(torch.bernoulli)
