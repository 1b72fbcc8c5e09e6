"""Files of random VGG and AlexNet weights: the published ones cannot be downloaded everywhere."""

from pathlib import Path

import torch
from torch import nn


def random_backbone_file(path: str | Path, name: str, seed: int = 0) -> Path:
    """Writes He-normal convolutions in half precision as a state dict of ``features.*`` alone.

    Args:
        path: File to write: 5 MB for alexnet, 29 MB for vgg16, 40 MB for vgg19.
        name: A network of torchvision.
        seed: Equal seeds give equal weights.

    Returns:
        The path.
    """
    from torchvision import models

    with torch.device("meta"):
        features = getattr(models, name)(weights=None).features
    draw = torch.Generator().manual_seed(seed)
    state = {}
    for i, layer in enumerate(features):
        if isinstance(layer, nn.Conv2d):
            fan_in = layer.weight[0].numel()
            weight = torch.randn(layer.weight.shape, generator=draw) * (2 / fan_in) ** 0.5
            bias = torch.randn(layer.bias.shape, generator=draw) * 0.1
            state |= {f"features.{i}.weight": weight.half(), f"features.{i}.bias": bias.half()}
    torch.save(state, path)
    return Path(path)
