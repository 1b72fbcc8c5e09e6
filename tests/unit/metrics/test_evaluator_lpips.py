"""LPIPS in a pass of the evaluator."""

import math
import warnings

import pytest
import torch

from conftest import Told
from evaluators import pairwise, ready, run_pass
from i2i.errors import SettingError
from i2i.images.quantise import to_uint8
from i2i.metrics import perceptual
from i2i.metrics.perceptual import LPIPS


class SquaredGap:
    """Stands for LPIPS: mean squared difference of images in [-1, 1]."""

    def __init__(self):
        self.devices = []

    def prepare(self, device):
        self.devices.append(device)

    def __call__(self, a, b):
        assert not torch.is_autocast_enabled("cpu")
        assert a.dtype == b.dtype == torch.float32 and a.shape[1] == b.shape[1] == 3
        assert not torch.is_grad_enabled()
        return (a - b).square().mean((1, 2, 3))


@pytest.fixture
def lpips(monkeypatch):
    """Calls of load_lpips; what it returns measures mean squared differences."""
    calls = []

    def load_lpips(*options):
        calls.append(options)
        return SquaredGap()

    monkeypatch.setattr(perceptual, "load_lpips", load_lpips)
    return calls


@pytest.mark.parametrize("channels", [1, 3])
def test_lpips_is_measured_on_the_8_bit_images(photographs, lpips, channels):
    target = photographs(5, 16, 20, channels=channels)
    output = photographs(5, 16, 20, channels=channels, seed=1)
    evaluator = ready(distribution=False, lpips=LPIPS("vgg", "w.pth"))
    assert lpips == [("vgg", "w.pth", "cpu")]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        result = run_pass(evaluator, "val", output, target)
    # levels / 127.5 - 1: the squared error in levels, scaled
    expected = [row["mse"] / 127.5**2 for row in result.per_image]
    assert [row["lpips"] for row in result.per_image] == pytest.approx(expected, rel=1e-5)
    assert result.values["lpips"] == math.fsum(r["lpips"] for r in result.per_image) / 5
    assert list(result.values) == ["ssim", "psnr", "mse", "l1", "lpips"]
    assert "vgg" in result.protocol["lpips"] and "w.pth" in result.protocol["lpips"]


def test_lpips_of_a_named_file_is_that_of_the_distance(photographs, tmp_path):
    from torchvision.models import alexnet

    from i2i.losses.lpips import LPIPSDistance

    file = tmp_path / "alexnet.pth"
    with torch.random.fork_rng():
        torch.manual_seed(0)
        torch.save(alexnet(weights=None).features.state_dict(prefix="features."), file)
    target, output = photographs(2, 48, 40), photographs(2, 48, 40, seed=1)
    evaluator = ready(distribution=False, lpips=LPIPS(weights_file=str(file)))
    result = run_pass(evaluator, "val", output, target)
    distance = LPIPSDistance("alex", str(file))
    distance.prepare("cpu")
    levels = (to_uint8(output).float(), to_uint8(target).float())
    expected = distance(*(image / 127.5 - 1 for image in levels)).tolist()
    assert [row["lpips"] for row in result.per_image] == pytest.approx(expected, rel=1e-6)
    assert min(expected) > 1e-3
    with pytest.raises(SettingError, match=r"^metrics\.lpips\.weights_file='.*none.pth': found no"):
        pairwise(lpips=LPIPS(weights_file=str(tmp_path / "none.pth"))).prepare(
            "cpu", required=False
        )
    with pytest.raises(SettingError, match=r"^metrics\.lpips: found images of 16 x 16 pixels"):
        run_pass(evaluator, "val", output[..., :16, :16], target[..., :16, :16])


def test_lpips_is_loaded_once_and_moved_then(lpips):
    metric = LPIPS()
    evaluator = ready(distribution=False, lpips=metric)
    evaluator.prepare("meta", required=False)
    assert len(lpips) == 1
    assert metric.network.network.devices == ["meta"]


def test_lpips_refuses_channels_it_does_not_know(photographs, lpips):
    images = photographs(2, 16, 16, channels=2)
    with pytest.raises(SettingError, match=r"metrics\.lpips: found images of 2 channels"):
        run_pass(ready(distribution=False, lpips=LPIPS()), "val", images, images)


def test_without_lpips_weights_training_goes_on_and_evaluation_stops(
    monkeypatch, photographs, told: Told
):
    def nowhere(*_):
        raise SettingError("metrics.lpips.weights_file=null: found no network; ...")

    monkeypatch.setattr(perceptual, "load_lpips", nowhere)
    evaluator = pairwise(lpips=LPIPS())
    with told(r"going on without LPIPS\. metrics\.lpips\.weights"):
        evaluator.prepare("cpu", required=False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        evaluator.prepare("cpu", required=False)
    images = photographs(2, 16, 16)
    result = run_pass(evaluator, "val", images, -images)
    assert list(result.values) == ["ssim", "psnr", "mse", "l1"]
    with pytest.raises(SettingError, match="weights_file=null: found no network"):
        evaluator.prepare("cpu", required=True)
    named = pairwise(lpips=LPIPS(weights_file="w.pth"))
    with pytest.raises(SettingError, match="found no network"):
        named.prepare("cpu", required=False)
