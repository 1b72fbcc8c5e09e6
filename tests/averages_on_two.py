"""One of two processes whose backward passes reach two halves of the weights in other orders.

Saves its own gradients and what ``averaged_gradients`` makes of them. Arguments: rank, folder.
"""

import sys

import torch
import torch.distributed as dist
from torch import nn

from i2i.cluster import strategy
from i2i.cluster.strategy import averaged_gradients


def main(rank: int, folder: str) -> None:
    """Takes four passes."""
    dist.init_process_group("gloo", f"file://{folder}/meet", rank=rank, world_size=2)
    strategy.MESSAGE = 100
    torch.manual_seed(0)
    halves = [nn.Linear(9, 7), nn.Linear(9, 7)]
    order = halves if rank else halves[::-1]
    parameters = [p for half in halves for p in half.parameters()]
    torch.manual_seed(rank + 1)
    found = []
    for _ in range(4):
        x = torch.randn(5, 9)
        own = torch.autograd.grad(sum(half(x).square().sum() for half in order), parameters)
        for parameter in parameters:
            parameter.grad = None
        with averaged_gradients(parameters):
            sum(half(x).square().sum() for half in order).backward()
        found.append([list(own), [p.grad for p in parameters]])
    torch.save(found, f"{folder}/{rank}.pt")
    dist.destroy_process_group()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
