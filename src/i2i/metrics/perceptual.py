"""LPIPS on 8-bit images."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from i2i.errors import setting_error
from i2i.metrics.image_metric import ImageMetric
from i2i.metrics.inception import full_float32
from i2i.metrics.optional_network import OptionalNetwork, found_together

if TYPE_CHECKING:
    from i2i.losses.backbones import Asker
    from i2i.losses.lpips import LPIPSDistance

NETWORKS = ("alex", "vgg")
Distance = Callable[[Tensor, Tensor], Tensor]  # two float (B, 3, H, W) in [-1, 1] -> (B,)


class LPIPS(ImageMetric):
    """Learned perceptual distance (Zhang et al. 2018, Eq. 1) of each image, 0 or more.

    It is no nn.Module: its weights reach no checkpoint, optimizer or DDP.
    """

    more_is_better = False
    takes = "seen"

    def __init__(
        self,
        network: str = "alex",  # or vgg
        weights_file: str | None = None,  # a file; None: the published ones, downloaded
    ):
        if network not in NETWORKS:
            raise setting_error(
                f"metrics.lpips.network={network}", repr(network),
                f"one of {', '.join(NETWORKS)}", "Type alex, as most papers report.",
            )  # fmt: skip
        self.network = OptionalNetwork(
            lambda device: load_lpips(network, weights_file, device),
            move=lambda distance, device: distance.prepare(device),
            named=weights_file is not None,
            without="No LPIPS weights: going on without LPIPS.",
        )
        weights = weights_file or "published"
        self.protocol = f"Zhang et al. 2018, version 0.1, {network}, weights: {weights}"

    def prepare(self, device: torch.device | str, required: bool) -> bool:
        self.network.prepare(device, required)
        return self.network.network is not None

    def __call__(self, output: Tensor, target: Tensor) -> Tensor:
        return perceptual_distance(self.network.network, output, target)


def load_lpips(
    network: str,
    weights_file: str | None,
    device: torch.device | str,
    asker: "Asker | None" = None,
) -> "LPIPSDistance":
    """Loads LPIPS; with several processes all call it together, and one downloads.

    Args:
        network: ``alex`` or ``vgg``.
        weights_file: Of torchvision's network; None for the published weights, from the cache or
            downloaded.
        device: Where it runs.
        asker: Who needs it, for errors; None for the metric.

    Returns:
        The distance, ready for use.

    Raises:
        SettingError: The weights cannot be had, or the file is wrong.
    """
    from i2i.losses.backbones import Asker
    from i2i.losses.lpips import LPIPSDistance

    metric = Asker("metrics.lpips", "metrics.lpips.weights_file", "leave lpips out of metrics=")
    distance = LPIPSDistance(network, weights_file, asker or metric)

    def load() -> LPIPSDistance:
        distance.prepare(device)
        return distance

    return found_together(load)


@torch.no_grad()
def perceptual_distance(distance: Distance, output: Tensor, target: Tensor) -> Tensor:
    """Measures a distance of networks on 8-bit images: each level becomes level / 127.5 - 1.

    Args:
        distance: ``LPIPSDistance``, on the device of the images.
        output: uint8 (B, C, H, W); one channel is repeated to three.
        target: uint8, same shape.

    Returns:
        float64 (B,) on the CPU, computed in float32 whatever autocast or TF32 setting is around.

    Raises:
        SettingError: The images have neither 1 nor 3 channels.
    """
    channels = output.shape[1]
    if channels not in (1, 3):
        raise setting_error(
            "metrics.lpips", f"images of {channels} channels",
            "1 or 3 channels, which is what LPIPS takes", "Leave lpips out of metrics=.",
        )  # fmt: skip
    a, b = (
        (levels.float() / 127.5 - 1.0).expand(-1, 3, -1, -1).contiguous()
        for levels in (output, target)
    )
    with full_float32(output.device):
        return distance(a, b).cpu().double()  # Apple's GPU knows no float64
