"""LPIPS (Zhang et al. 2018), version 0.1: as a distance of two images, and as a loss."""

from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor

from i2i.errors import setting_error
from i2i.files.weights import load_safely
from i2i.losses.backbones import Asker, HiddenMaps, asking_loss, load_backbone
from i2i.losses.reconstruction import ReconstructionLoss

NETWORKS = {"alex": "alexnet", "vgg": "vgg16"}  # LPIPS's name: torchvision's
LAYERS = {
    "alex": ("relu1_1", "relu2_1", "relu3_1", "relu3_2", "relu3_3"),
    "vgg": ("relu1_2", "relu2_2", "relu3_3", "relu4_3", "relu5_3"),
}
EPSILON = 1e-8  # under the root of a feature's length, which may be 0


class LPIPSDistance:
    """Learned perceptual distance of two images (Sec. 3.1, Eq. 1), the linear ("lin") variant.

    The sum over five layers of the spatial mean of w . (f_a - f_b)^2, f being a layer's features
    scaled to length 1 at each pixel. The weights w are the published ones, 0 or more, which
    torchmetrics brings along. Not an nn.Module, so that no checkpoint or optimizer sees it.
    """

    def __init__(
        self,
        network: str = "alex",  # or vgg
        weights_file: str | None = None,  # of torchvision's alexnet or vgg16; None: the published
        asker: Asker | None = None,  # for errors; None for the loss "lpips"
    ):
        self.asker = asker or asking_loss("lpips")
        if network not in NETWORKS:
            raise setting_error(
                f"{self.asker.setting}.network", repr(network), "one of " + ", ".join(NETWORKS),
                "Name one of them.",
            )  # fmt: skip
        self.network, self.weights_file = network, weights_file
        self.maps: HiddenMaps | None = None
        self.linear: list[Tensor] = []

    def prepare(self, device: torch.device | str) -> None:
        """Loads the networks onto ``device``; a second call moves them.

        Raises:
            SettingError: The backbone's weights cannot be had, or are those of another network.
        """
        if self.maps is None:
            features = load_backbone(
                NETWORKS[self.network], self.weights_file, device, asker=self.asker
            )
            self.linear = linear_weights(self.network)
            self.maps = HiddenMaps(features, LAYERS[self.network], self.asker)
        self.maps.to(device)
        self.linear = [w.to(device) for w in self.linear]

    def __call__(self, a: Tensor, b: Tensor) -> Tensor:
        """Measures pairs of images; gradients go to both.

        Args:
            a: (B, C, H, W) in [-1, 1], C being 1 or 3.
            b: The same shape and range.

        Returns:
            float32 (B,), 0 or more; 0 for equal images.

        Raises:
            SettingError: The images have another number of channels or are too small.
        """
        if self.maps is None:
            raise RuntimeError("LPIPSDistance.prepare(device) comes before the first call")
        if a.shape != b.shape:
            raise ValueError(f"shapes differ: {tuple(a.shape)} and {tuple(b.shape)}")
        layers = zip(self.linear, self.maps(a), self.maps(b), strict=True)
        # Products and sums, no 1 x 1 convolution: nothing for autocast or TF32 to round.
        terms = [
            (w * (_unit_length(f) - _unit_length(g)).square()).sum(1).mean((1, 2))  # (B,)
            for w, f, g in layers
        ]
        return torch.stack(terms).sum(0)


class LPIPS(ReconstructionLoss):
    """The mean over images of LPIPSDistance."""

    preset = "lpips"
    has_demands = True

    def __init__(
        self,
        weight: float = 1.0,
        network: str = "alex",  # or vgg: closer to the usual perceptual loss
        weights_file: str | None = None,  # of torchvision's alexnet or vgg16; None: the published
        required: bool = True,  # False trains without this term where the weights cannot be had
    ):
        super().__init__(weight)
        self.required = required
        self.distance = LPIPSDistance(network, weights_file)

    def prepare(self, device: torch.device | str) -> None:
        self.distance.prepare(device)

    def __call__(self, y_hat: Tensor, y: Tensor) -> Tensor:
        return self.distance(y_hat, y.detach()).mean()


def linear_weights(network: str) -> list[Tensor]:
    """The learned weight of each channel, (C_i, 1, 1) a layer, from torchmetrics' package.

    Raises:
        SettingError: The installed torchmetrics has no such file.
    """
    folder = Path(find_spec("torchmetrics").submodule_search_locations[0])
    file = folder / "functional" / "image" / "lpips_models" / f"{network}.pth"
    todo = "Install torchmetrics again."
    state = load_safely(file, "torchmetrics", f"LPIPS's linear weights in {file}", todo)
    return [state[f"lin{i}.model.1.weight"].float().view(-1, 1, 1) for i in range(5)]


def _unit_length(features: Tensor) -> Tensor:
    return features / (features.square().sum(1, keepdim=True) + EPSILON).sqrt()
