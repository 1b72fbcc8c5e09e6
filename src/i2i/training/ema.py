"""A running average of the generator's weights."""

import copy

import torch
from torch import nn
from torch.optim.swa_utils import get_ema_multi_avg_fn


class EMA(nn.Module):
    """Exponential moving average of a network (Karras et al. 2018, Sec. 5; Yazici et al. 2019).

    weights <- decay * weights + (1 - decay) * new weights, after each generator step; buffers
    (running statistics) are copied.
    """

    def __init__(self, network: nn.Module, decay: float):
        super().__init__()
        self.network = copy.deepcopy(network).requires_grad_(False)
        self.average = get_ema_multi_avg_fn(decay)

    @torch.no_grad()
    def update(self, network: nn.Module) -> None:
        """Takes one step towards the network's present weights."""
        self.average(list(self.network.parameters()), list(network.parameters()), None)
        if mine := list(self.network.buffers()):
            torch._foreach_copy_(mine, list(network.buffers()))
