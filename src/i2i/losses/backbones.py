"""The frozen ImageNet classifiers that perceptual losses and LPIPS look through, loaded safely."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from i2i.errors import setting_error
from i2i.files.weights import PublishedWeights

URLS = {  # torchvision's IMAGENET1K_V1; the digits in a name open the file's sha256
    "vgg19": "https://download.pytorch.org/models/vgg19-dcbb9e9d.pth",
    "vgg16": "https://download.pytorch.org/models/vgg16-397923af.pth",
    "alexnet": "https://download.pytorch.org/models/alexnet-owt-7be5be79.pth",
}
# ImageNet's mean and deviation for images in [-1, 1]: 2 * 0.485 - 1 = -0.03, 2 * 0.229 = 0.458.
# They are the constants of LPIPS's scaling layer too.
SHIFT = (-0.030, -0.088, -0.188)
SCALE = (0.458, 0.448, 0.450)


@dataclass(frozen=True)
class Asker:
    """Who needs a backbone, in the words of its errors.

    Attributes:
        setting: The option that asked for it.
        file: The option that names a weights file.
        without: How to do without it, to follow "or".
    """

    setting: str
    file: str
    without: str


def asking_loss(preset: str) -> Asker:
    """The asker for a term of ``reconstruction``."""
    setting = f"reconstruction.{preset}"
    return Asker(
        setting,
        f"{setting}.weights_file",
        f"leave {preset} out of reconstruction=[...] to train without it",
    )


class HiddenMaps:
    """Some hidden maps of a frozen classifier. Not an nn.Module: nothing saves or trains it.

    Attributes:
        network: The layers up to the last one asked for.
        smallest: Least height and width of an image, in pixels.
    """

    def __init__(
        self, features: nn.Sequential, layers: Sequence[str], asker: Asker, scaled: bool = True
    ):
        """Cuts the classifier off after the last layer asked for.

        Args:
            features: From load_backbone.
            layers: Names of ReLU layers, relu1_1 being the first one before the first pooling.
            asker: For errors.
            scaled: Whether images are shifted and scaled by ImageNet's statistics.

        Raises:
            SettingError: The classifier has no such layer.
        """
        places = relu_layers(features)
        for layer in layers:
            if layer not in places:
                raise setting_error(
                    f"{asker.setting}.layers", repr(layer), "some of " + ", ".join(places),
                    "Name one of these layers.",
                )  # fmt: skip
        self.asker, self.scaled = asker, scaled
        self.taps = [places[layer] for layer in layers]
        self.network = features[: max(self.taps) + 1]
        self.smallest = _smallest_side(self.network)

    def to(self, device: torch.device | str) -> "HiddenMaps":
        """Moves the network in place."""
        self.network.to(device)
        return self

    def __call__(self, images: Tensor) -> list[Tensor]:
        """Computes the maps in float32 whatever autocast is around.

        Args:
            images: (B, C, H, W) in [-1, 1]; one channel is repeated to three.

        Returns:
            (B, C_i, H_i, W_i), one a layer, in the order asked for.

        Raises:
            SettingError: The images have neither 1 nor 3 channels, or are too small.
        """
        self._check(images)
        with torch.autocast(images.device.type, enabled=False):
            x = images.float().expand(-1, 3, -1, -1)
            if self.scaled:
                x = (x - x.new_tensor(SHIFT).view(-1, 1, 1)) / x.new_tensor(SCALE).view(-1, 1, 1)
            maps = {}
            for i, layer in enumerate(self.network):
                x = layer(x)
                if i in self.taps:
                    maps[i] = x
        return [maps[i] for i in self.taps]

    def _check(self, images: Tensor) -> None:
        _, channels, height, width = images.shape
        if channels not in (1, 3):
            raise setting_error(
                self.asker.setting, f"images of {channels} channels",
                "1 or 3 channels, which is what an ImageNet classifier takes",
                f"Use images of 1 or 3 channels, or {self.asker.without}.",
            )  # fmt: skip
        if min(height, width) < self.smallest:
            raise setting_error(
                self.asker.setting, f"images of {height} x {width} pixels",
                f"at least {self.smallest} x {self.smallest}, which its last layer needs",
                f"Use larger images, or {self.asker.without}.",
            )  # fmt: skip


def load_backbone(
    name: str,
    weights_file: str | None,
    device: torch.device | str,
    *,
    asker: Asker | None = None,
) -> nn.Sequential:
    """Builds the convolutional part of torchvision's classifier from a weights file.

    Nothing in the file is run, and torch's random state is left as it was, so that a run draws the
    same numbers with and without this network.

    Args:
        name: vgg19, vgg16 or alexnet.
        weights_file: A state dict saved with torch.save, whole or of the ``features.*`` layers
            alone, in any float type; None for the published one, from torch hub's cache or the web.
        device: Where the network goes.
        asker: For errors; None for the loss "perceptual".

    Returns:
        The layers ``features``, float32, frozen, in evaluation mode.

    Raises:
        SettingError: The name is unknown; the file is missing, no checkpoint or one of another
            network; or the published weights cannot be had.
    """
    asker = asker or asking_loss("perceptual")
    if name not in URLS:
        raise setting_error(
            f"{asker.setting}.network", repr(name), "one of " + ", ".join(URLS), "Name one of them."
        )
    published = PublishedWeights(
        url=URLS[name],
        sha256=URLS[name].removesuffix(".pth").rpartition("-")[2],
        what=f"{name} weights of torchvision (ImageNet)",
        option=asker.file,
        expected=f"weights of torchvision's {name} (a state dict, whole or of features.* alone)",
        without=asker.without,
    )
    file, prefix = published.find(weights_file), "features."
    state = {
        key.removeprefix(prefix): value.float()
        for key, value in published.read(file).items()
        if key.startswith(prefix)
    }
    from torchvision import models

    # On the meta device nothing is drawn or allocated, not even the large layers at the end.
    with torch.random.fork_rng(devices=[]), torch.device("meta"):
        features = getattr(models, name)(weights=None).features
    with published.fitting(file):
        features.load_state_dict(state, assign=True)
    return features.requires_grad_(False).eval().to(device)


def relu_layers(features: nn.Sequential) -> dict[str, int]:
    """Places of the ReLU layers by name: relu2_1 is the first one after the first pooling."""
    places, block, n = {}, 1, 0
    for i, layer in enumerate(features):
        if isinstance(layer, nn.MaxPool2d):
            block, n = block + 1, 0
        elif isinstance(layer, nn.ReLU):
            n += 1
            places[f"relu{block}_{n}"] = i
    return places


def _smallest_side(network: nn.Sequential) -> int:
    """Walks back from one pixel of the last map to the image that it needs."""
    side = 1
    for layer in reversed(network):
        if isinstance(layer, nn.Conv2d | nn.MaxPool2d):
            kernel, stride, padding = (
                v if isinstance(v, int) else v[0]
                for v in (layer.kernel_size, layer.stride, layer.padding)
            )
            side = max(1, (side - 1) * stride + kernel - 2 * padding)
    return side
