"""Scores of pictures in the values of their files, against scikit-image."""

import numpy as np
import pytest
import torch
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from torch import Tensor

from i2i.images.picture_kind import PictureKind
from i2i.images.quantise import to_uint8
from i2i.images.values import Values
from i2i.metrics import quality
from i2i.metrics.evaluator import PairEvaluator
from i2i.metrics.image_metric import ImageMetric

KINDS = [
    Values("uint16", 0, 65535), Values("uint16", 0, 4095), Values("int16", -1000, 2000),
    Values("float32", -1000, 2000), Values("float32", 0, 1), Values("float32", 1e5, 1e5 + 10),
]  # fmt: skip


class Largest(ImageMetric):
    """Of a user who has never heard of other values."""

    more_is_better, unit, protocol = False, "0-255", "in levels"

    def __call__(self, output: Tensor, target: Tensor) -> Tensor:
        assert output.dtype == target.dtype == torch.uint8
        return (output.double() - target.double()).abs().amax((1, 2, 3))


class Channels(Largest):
    """Counts what it is shown."""

    takes = "seen"

    def __call__(self, output: Tensor, target: Tensor) -> Tensor:
        assert output.dtype == torch.uint8
        return torch.full((len(output),), float(output.shape[1]))


def evaluator(**more: ImageMetric) -> PairEvaluator:
    own = {"ssim": quality.SSIM(), "psnr": quality.PSNR(), "mse": quality.MSE(), "l1": quality.L1()}
    return PairEvaluator(**own, **more)


def scikit(made: np.ndarray, true: np.ndarray, peak: float) -> dict[str, float]:
    """Of (C, H, W) in float64."""
    return {
        "ssim": structural_similarity(
            made, true, gaussian_weights=True, sigma=1.5, use_sample_covariance=False,
            data_range=peak, channel_axis=0,
        ),
        "psnr": peak_signal_noise_ratio(true, made, data_range=peak),
        "mse": float(np.mean((made - true) ** 2)),
        "l1": float(np.mean(np.abs(made - true))),
    }  # fmt: skip


@pytest.mark.numeric
@pytest.mark.parametrize("values", KINDS, ids=str)
@pytest.mark.parametrize("channels", [1, 5])
def test_scores_in_own_values_are_those_of_scikit_image(
    photographs, channels: int, values: Values
) -> None:
    target = torch.cat([photographs(3, 24, 40, 1, seed=s) for s in range(channels)], 1)
    noise = torch.randn(target.shape, generator=torch.Generator().manual_seed(2))
    output, kind = (target + 0.2 * noise).clamp(-1.1, 1.1), PictureKind(values)
    found = evaluator()
    found.start("test")
    found.update(torch.arange(3), list("abc"), output, target, kinds=(kind, PictureKind()))
    result = found.compute()
    sides = [values.stored(side).astype(np.float64) for side in (output, target)]
    far = values.low > values.peak  # where scikit-image itself loses digits
    for row, made, true in zip(result.per_image, *sides, strict=True):
        for name, expected in scikit(made, true, values.peak).items():
            assert row[name] == pytest.approx(expected, rel=1e-10, abs=1e-6 if far else 1e-10), name
    assert result.units["l1"] == values.span
    assert str(values) in result.protocol["l1"] and str(values) in result.protocol["images"]
    assert f"the peak {values.peak:.12g}" in result.protocol["psnr"]
    assert f"range {values.peak:.12g}" in result.protocol["ssim"]


def test_eight_bits_say_what_they_said_before(photographs) -> None:
    found = evaluator()
    found.start("test")
    found.update(torch.arange(2), ["a", "b"], photographs(2, seed=1), photographs(2, seed=2))
    result = found.compute()
    assert result.units == {"psnr": "dB", "mse": "0-255 squared", "l1": "0-255"}
    assert result.protocol["images"].startswith("8 bit, rounded; one value per image")
    assert result.protocol["mse"] == "squared levels of 255"
    assert result.protocol["l1"] == "levels of 255"
    assert result.protocol["psnr"].startswith("dB over the peak 255; infinite")
    assert result.protocol["ssim"].endswith("K1 0.01, K2 0.03, range 255")


def test_a_metric_that_knows_no_other_values_goes_on_with_8_bits(photographs) -> None:
    target = torch.cat([photographs(2, 16, 16, 1, seed=s) for s in range(5)], 1)
    output = (target + 0.1).clamp(-1, 1)
    kind = PictureKind(Values("uint16", 0, 65535), (4, 2, 0))
    found = evaluator(mine=Largest(), seen=Channels())
    found.start("test")
    found.update(torch.arange(2), ["a", "b"], output, target, kinds=(kind, PictureKind()))
    result = found.compute()
    levels = (to_uint8(output).double() - to_uint8(target).double()).abs().amax((1, 2, 3))
    assert [row["mine"] for row in result.per_image] == levels.tolist()
    assert result.units["mine"] == "0-255" and result.protocol["mine"] == "in levels"
    assert result.values["seen"] == 3
    assert result.protocol["shown_channels"] == "4, 2, 0"
    assert result.values["l1"] > 1000


def test_what_comes_back_is_scored_in_the_values_of_the_source(photographs) -> None:
    made, source, back = (photographs(2, 16, 16, seed=s) for s in (1, 2, 3))
    kinds = PictureKind(Values("uint16", 0, 65535)), PictureKind(Values("float32", 0, 1))
    found = evaluator()
    found.start("test")
    found.update(torch.arange(2), ["a", "b"], made, made.flip(0), back=(back, source), kinds=kinds)
    result = found.compute()
    expected = (back - source).abs().double().mean().item() / 2
    assert result.values["reconstruction_l1"] == pytest.approx(expected, rel=1e-5)
    assert result.units["reconstruction_l1"] == "0-1" and result.units["l1"] == "0-65535"


@pytest.mark.numeric
def test_a_value_does_not_depend_on_the_batch(photographs) -> None:
    values, x, y = KINDS[3], photographs(4, 40, 60, seed=1), photographs(4, 40, 60, seed=2)
    x, y = values.of(x), values.of(y)
    for measure in (quality.SSIM(), quality.PSNR(), quality.MSE(), quality.L1()):
        metric = measure.measuring(values)
        alone = torch.cat([metric(x[i : i + 1], y[i : i + 1]) for i in range(4)])
        assert torch.equal(metric(x, y), alone)
