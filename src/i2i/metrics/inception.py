"""The InceptionV3 of FID, KID and Inception Score: torch-fidelity's, loaded safely."""

import hashlib
import io
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from i2i.errors import SettingError, setting_error

SETTING = "metrics.inception_weights"
FEATURES = "2048"  # the pooled layer, torch-fidelity's name and size
LOGITS = "logits_unbiased"  # the 1008 class scores without the last layer's bias
PUBLISHED_BYTES = 95_628_359
PUBLISHED_SHA256 = "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2"
RESIZE = "bilinear to 299 x 299 as in TensorFlow 1, without antialiasing (torch-fidelity)"


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
        published = "" if sha256 == PUBLISHED_SHA256 else ", weights other than the published ones"
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


def find_weights(path: str | None) -> Path:
    """Finds the weights file: the given one, else torch hub's cached one, else downloads it.

    Args:
        path: A file of torch-fidelity's layout; None for the published weights of 2015-12-05.

    Returns:
        A path that exists; where ``path`` is None, with the published size and sha256.

    Raises:
        SettingError: ``path`` is no file; or the published weights cannot be had, or the cached
            file is damaged.
    """
    if path is not None:
        file = Path(path).expanduser()
        if not file.is_file():
            found = "a folder" if file.is_dir() else "no such file"
            raise _weights_error(file, found)
        return file
    from torch_fidelity.feature_extractor_inceptionv3 import URL_INCEPTION_V3

    from i2i.files.download import fetch_file

    cache = Path(torch.hub.get_dir()) / "checkpoints"
    return fetch_file(
        URL_INCEPTION_V3,
        cache / os.path.basename(URL_INCEPTION_V3),
        n_bytes=PUBLISHED_BYTES,
        sha256=PUBLISHED_SHA256,
        what="Inception weights for FID and KID",
        setting=f"{SETTING}=null",
        by_hand=f"download it in a browser where there is a network, then put it into that folder "
        f"or type {SETTING}=FILE; metrics=pairwise does without FID and KID",
        waits=(1.0,),  # training goes on without the file, so it does not wait long for it
    )


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
    state = _read_tensors(path)
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    # The constructor reads a file without weights_only; it gets what was read safely, from memory.
    safe = io.BytesIO()
    torch.save(state, safe)
    safe.seek(0)
    try:
        with torch.random.fork_rng(devices=[]):
            network = FeatureExtractorInceptionV3(
                "inception-v3-compat", [FEATURES, LOGITS], feature_extractor_weights_path=safe
            )
    except RuntimeError as error:
        raise _weights_error(path, _mismatch(error)) from error
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return InceptionFeatures(network.to(device), digest)


def _read_tensors(path: Path) -> Mapping[str, Any]:
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch.load has a dozen kinds; all mean that this is no such file
        found = f"a file that does not load as weights ({type(error).__name__})"
        raise _weights_error(path, found) from error
    if not isinstance(state, Mapping):
        raise _weights_error(path, f"a saved {type(state).__name__}")
    other = [key for key, value in state.items() if not isinstance(value, Tensor)]
    if other:
        raise _weights_error(path, f"a checkpoint with entries that are no tensors ({other[0]!r})")
    return state


def _mismatch(error: RuntimeError) -> str:
    """The first line of load_state_dict's long list that says what does not fit."""
    lines = str(error).splitlines()
    return "weights of another network: " + " ".join(lines[1:2] or lines[:1]).strip()[:160]


def _weights_error(path: Path, found: str) -> SettingError:
    return setting_error(
        f"{SETTING}='{path}'",
        found,
        f"weights of torch-fidelity's InceptionV3 (a state dict of {PUBLISHED_BYTES:,} bytes)",
        f"Give another file, type {SETTING}=null to download it, or metrics=pairwise to do "
        "without FID and KID.",
    )


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
