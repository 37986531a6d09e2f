"""The PyTorch loop with its large products in bfloat16; parameters, probabilities and draws stay in float32."""
import torch

from .torch_loop import Peer as Loop


class Peer(Loop):
    @staticmethod
    def of_products(x):
        return x.bfloat16()

    @staticmethod
    def inputs(bias, states, weights):
        return torch.mm(states.bfloat16(), weights).float().add_(bias)

    @staticmethod
    def product(left, right):
        return torch.mm(left.bfloat16(), right.bfloat16()).float()

    def add_product(self, to, left, right, alpha):
        to.add_(self.product(left, right), alpha=alpha)
