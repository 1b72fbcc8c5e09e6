"""Every preset of a generator that translates pictures, as small as it can be, for exports."""

import numpy as np
import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf
from torch import Tensor, nn

from conftest import CONF

GENERATORS = sorted(p.stem for p in CONF.glob("generator/*.yaml") if p.stem != "class_conditional")
SMALL = {"base_channels": 4, "n_blocks": 1, "n_local_blocks": 1, "hidden_channels": 8}


def generator(name: str) -> nn.Module:
    """A preset with other weights than it begins with: its pictures use all of [-1, 1]."""
    node = OmegaConf.load(CONF / "generator" / f"{name}.yaml")
    small = {key: value for key, value in SMALL.items() if key in node}
    node = OmegaConf.merge(node, small, {"in_channels": 3, "out_channels": 3})
    torch.manual_seed(0)
    network = instantiate(node)
    x = torch.rand(2, 3, 2 * network.divisor, 2 * network.divisor) * 2 - 1
    with torch.no_grad():
        for _ in range(20):
            made = network(x)  # running statistics
        last = [m for m in network.modules() if isinstance(m, nn.Conv2d | nn.ConvTranspose2d)][-1]
        gain = 0.7 / made.atanh().std()
        last.weight *= gain
    return network


def as_input(pictures: np.ndarray) -> Tensor:
    return torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 127.5 - 1
