"""The InceptionV3 of FID, KID and Inception Score: torch-fidelity's, loaded safely."""

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn

from i2i.errors import setting_error
from i2i.files.download import file_sha256
from i2i.files.weights import PublishedWeights

FEATURES = "2048"  # the pooled layer, torch-fidelity's name and size
LOGITS = "logits_unbiased"  # the 1008 class scores without the last layer's bias
RESIZE = "bilinear to 299 x 299 as in TensorFlow 1, without antialiasing (torch-fidelity)"
PUBLISHED = PublishedWeights(
    url="https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/"
    "weights-inception-2015-12-05-6726825d.pth",
    sha256="6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2",
    what="Inception weights for FID and KID",
    option="metrics.inception_weights",
    expected="weights of torch-fidelity's InceptionV3 (a state dict of 95,628,359 bytes)",
    without="type metrics=pairwise to do without FID and KID",
    n_bytes=95_628_359,
)
find_weights = PUBLISHED.find  # the file of a path; None for the published one


class InceptionOutput(NamedTuple):
    """What one pass gives; float32 on the CPU."""

    features: Tensor  # (B, 2048), for FID and KID
    logits: Tensor  # (B, 1008), for the Inception Score


class InceptionFeatures:
    """Features of 8-bit images. Not an nn.Module, so that no checkpoint or optimizer sees it.

    Attributes:
        name: What the features are, for the protocol.
        sha256: Digest of the weights file.
    """

    def __init__(self, network: nn.Module, sha256: str):
        self.network = network.eval().requires_grad_(False)
        self.sha256 = sha256
        published = "" if sha256 == PUBLISHED.sha256 else ", weights other than the published ones"
        self.name = f"torch-fidelity InceptionV3 2015-12-05, {FEATURES} features{published}"

    def to(self, device: torch.device | str) -> "InceptionFeatures":
        """Moves the network in place."""
        self.network.to(device)
        return self

    @torch.no_grad()
    def __call__(self, images: Tensor) -> InceptionOutput:
        """Computes features and logits in float32, whatever autocast or TF32 setting is around.

        Args:
            images: uint8 (B, C, H, W); one channel is repeated to three.

        Returns:
            Features and logits of each image, from one pass.

        Raises:
            SettingError: The images have neither 1 nor 3 channels.
        """
        channels = images.shape[1]
        if channels not in (1, 3):
            raise setting_error(
                "metrics.distribution=true",
                f"images of {channels} channels",
                "1 or 3 channels, which is what Inception takes",
                "Type metrics=pairwise to do without FID and KID.",
            )
        device = next(self.network.parameters()).device
        images = images.to(device).expand(-1, 3, -1, -1)
        with full_float32(device):
            features, logits = self.network(images)
        return InceptionOutput(features.float().cpu(), logits.float().cpu())


def load_inception(path: str | os.PathLike[str], device: torch.device | str) -> InceptionFeatures:
    """Builds torch-fidelity's feature extractor from a weights file.

    The features equal those of ``torch_fidelity.calculate_metrics`` with
    ``feature_extractor_weights_path=path``. Nothing in the file is run, and torch's random state is
    left as it was, so that a run draws the same numbers with and without FID.

    Args:
        path: State dict saved with torch.save.
        device: Where the network goes.

    Returns:
        The extractor, in evaluation mode.

    Raises:
        SettingError: The file is no checkpoint, or one of another network.
    """
    path = Path(path)
    # The constructor reads a file without weights_only; it gets what was read safely, from memory.
    safe = io.BytesIO()
    torch.save(PUBLISHED.read(path), safe)
    safe.seek(0)
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    with PUBLISHED.fitting(path), torch.random.fork_rng(devices=[]):
        network = FeatureExtractorInceptionV3(
            "inception-v3-compat", [FEATURES, LOGITS], feature_extractor_weights_path=safe
        )
    return InceptionFeatures(network.to(device), file_sha256(path))


@contextmanager
def full_float32(device: torch.device) -> Iterator[None]:
    """Autocast off, and cuDNN kept from rounding to TF32 and from choosing kernels by the clock.

    GPU and CPU then agree, and neither a run's precision nor ``trainer.benchmark`` changes what it
    is measured with.
    """
    cudnn = torch.backends.cudnn
    before = cudnn.conv.fp32_precision, cudnn.benchmark, cudnn.deterministic
    cudnn.conv.fp32_precision, cudnn.benchmark, cudnn.deterministic = "ieee", False, True
    try:
        with torch.autocast(device.type, enabled=False):
            yield
    finally:
        cudnn.conv.fp32_precision, cudnn.benchmark, cudnn.deterministic = before
