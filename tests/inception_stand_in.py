"""A file of random Inception weights: the published ones cannot be downloaded everywhere.

It has the layout of the published file, so it goes through the same loading code.
"""

import io
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from i2i.metrics import evaluator


def random_weights_file(path: str | Path, seed: int = 0) -> Path:
    """Writes He-normal convolutions and batch norms near the identity as a state dict.

    Args:
        path: File to write, 96 MB.
        seed: Equal seeds give equal weights.

    Returns:
        The path.
    """
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    class Unloaded(FeatureExtractorInceptionV3):
        def load_state_dict(self, state, *args, **kwargs):
            """The constructor insists on a file; here it gets an empty one."""

    empty = io.BytesIO()
    torch.save({}, empty)
    empty.seek(0)
    with torch.device("meta"):  # no default initialisation
        network = Unloaded("unloaded", ["2048"], feature_extractor_weights_path=empty)
    network.to_empty(device="cpu")
    draw = torch.Generator().manual_seed(seed)
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            fan_in = layer.weight[0].numel()
            layer.weight.normal_(0.0, (2 / fan_in) ** 0.5, generator=draw)
        elif isinstance(layer, nn.BatchNorm2d):
            layer.weight.uniform_(0.9, 1.1, generator=draw)
            layer.bias.normal_(0.0, 0.1, generator=draw)
            layer.running_mean.normal_(0.0, 0.1, generator=draw)
            layer.running_var.uniform_(0.8, 1.25, generator=draw)
            layer.num_batches_tracked.zero_()
        elif isinstance(layer, nn.Linear):
            layer.weight.normal_(0.0, 0.01, generator=draw)
            layer.bias.zero_()
    torch.save(network.state_dict(), path)
    return Path(path)


def put_in_place(monkeypatch: pytest.MonkeyPatch, extractor: Any) -> None:
    """Makes every evaluator take this extractor, whatever weights it asks for."""
    monkeypatch.setattr(evaluator, "find_weights", lambda path: path)
    monkeypatch.setattr(evaluator, "load_inception", lambda path, device: extractor)
