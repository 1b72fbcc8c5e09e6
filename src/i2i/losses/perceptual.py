"""The perceptual loss: images compared by what a classifier's hidden layers make of them."""

from collections.abc import Mapping

import torch
from torch import Tensor

from i2i.errors import setting_error
from i2i.losses.backbones import HiddenMaps, asking_loss, load_backbone
from i2i.losses.reconstruction import ReconstructionLoss, difference

PIX2PIXHD = {
    "relu1_1": 1 / 32,
    "relu2_1": 1 / 16,
    "relu3_1": 1 / 8,
    "relu4_1": 1 / 4,
    "relu5_1": 1.0,
}
NETWORKS = ("vgg19", "vgg16")


class Perceptual(ReconstructionLoss):
    """Weighted sum over layers of the mean absolute difference of VGG's maps.

    The feature reconstruction loss of Johnson et al. 2016 (Sec. 3.2, Eq. 2) in the form of
    pix2pixHD (Wang et al. 2018): absolute differences, five layers of VGG-19. One channel is
    repeated to three.
    """

    preset = "perceptual"
    has_demands = True

    def __init__(
        self,
        weight: float = 1.0,
        layers: Mapping[str, float] | None = None,  # layer: its weight, 0 to leave it out;
        # None for pix2pixHD's five
        network: str = "vgg19",  # or vgg16
        weights_file: str | None = None,  # None for torchvision's published weights
        imagenet_normalised: bool = True,  # shifts and scales images as VGG was trained; False
        # feeds it images in [-1, 1] as they are, as the code of pix2pixHD and of SPADE does
        required: bool = True,  # False trains without this term where the weights cannot be had
    ):
        super().__init__(weight)
        if network not in NETWORKS:
            raise setting_error(
                "reconstruction.perceptual.network", repr(network), "one of " + ", ".join(NETWORKS),
                "Name one of them.",
            )  # fmt: skip
        given = PIX2PIXHD if layers is None else layers
        checked = {name: self.checked(f"layers.{name}", value) for name, value in given.items()}
        self.layers = {name: value for name, value in checked.items() if value > 0}
        if not self.layers:
            raise setting_error(
                "reconstruction.perceptual.layers", f"{dict(given)}",
                "at least one layer with a weight above 0",
                "Give one, such as reconstruction.perceptual.layers.relu4_1=1.0.",
            )  # fmt: skip
        self.network, self.weights_file = network, weights_file
        self.imagenet_normalised, self.required = imagenet_normalised, required
        self.maps: HiddenMaps | None = None

    def prepare(self, device: torch.device | str) -> None:
        if self.maps is None:
            asker = asking_loss(self.preset)
            features = load_backbone(self.network, self.weights_file, device, asker=asker)
            self.maps = HiddenMaps(features, list(self.layers), asker, self.imagenet_normalised)
        self.maps.to(device)

    def __call__(self, y_hat: Tensor, y: Tensor) -> Tensor:
        if self.maps is None:
            raise RuntimeError("Perceptual.prepare(device) comes before the first call")
        with torch.no_grad():
            real = self.maps(y)
        pairs = zip(self.layers.values(), self.maps(y_hat), real, strict=True)
        return torch.stack([w * difference(f, r).abs().mean() for w, f, r in pairs]).sum()
