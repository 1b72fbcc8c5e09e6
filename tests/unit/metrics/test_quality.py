import math

import numpy as np
import pytest
import torch
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from i2i.errors import SettingError
from i2i.images.quantise import to_uint8
from i2i.metrics import quality

SHAPES = [(3, 64, 64), (3, 37, 90), (1, 48, 48), (3, 11, 11), (1, 12, 31)]


def pair(photographs, shape, n=3):
    channels, height, width = shape
    target = photographs(n, height, width, channels, seed=1)
    noise = torch.randn(target.shape, generator=torch.Generator().manual_seed(2))
    return to_uint8(target + 0.2 * noise), to_uint8(target)


@pytest.mark.parametrize("shape", SHAPES)
def test_ssim_equals_scikit_image(photographs, shape):
    output, target = pair(photographs, shape)
    expected = [
        structural_similarity(
            x.permute(1, 2, 0).numpy(),
            y.permute(1, 2, 0).numpy(),
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
            data_range=255,
            channel_axis=-1,
        )
        for x, y in zip(output, target, strict=True)
    ]
    values = quality.ssim(output, target)
    assert values.dtype == torch.float64
    assert 0.05 < min(expected) < max(expected) < 0.99  # the pairs are not trivial
    assert values.tolist() == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("shape", SHAPES)
def test_psnr_equals_scikit_image(photographs, shape):
    output, target = pair(photographs, shape)
    expected = [
        peak_signal_noise_ratio(y.numpy(), x.numpy(), data_range=255)
        for x, y in zip(output, target, strict=True)
    ]
    assert quality.psnr(output, target).tolist() == pytest.approx(expected, abs=1e-10)


def test_errors_are_counted_in_levels():
    target = torch.full((2, 1, 12, 12), 100, dtype=torch.uint8)
    output = target.clone()
    output[0] += 10
    output[1, 0, 0, :4] = 0  # 4 of 144 pixels are 100 levels off
    assert quality.l1(output, target).tolist() == [10.0, 400 / 144]
    assert quality.mse(output, target).tolist() == [100.0, 40000 / 144]
    expected = [20 * math.log10(255 / 10), 10 * math.log10(255**2 * 144 / 40000)]
    assert quality.psnr(output, target).tolist() == pytest.approx(expected, abs=1e-12)


def test_differences_do_not_wrap_around_at_eight_bits():
    black, white = torch.zeros(1, 3, 16, 16).byte(), torch.full((1, 3, 16, 16), 255).byte()
    assert quality.l1(black, white).item() == 255.0
    assert quality.mse(black, white).item() == 255.0**2
    assert quality.psnr(black, white).item() == 0.0
    # two flat images: covariances are 0, so SSIM is C1 / (255^2 + C1)
    c1 = 2.55**2
    assert quality.ssim(black, white).item() == pytest.approx(c1 / (255**2 + c1), rel=1e-9)


def test_equal_images_have_the_best_values(photographs):
    images = to_uint8(photographs(2))
    assert quality.ssim(images, images).tolist() == pytest.approx([1.0, 1.0], abs=1e-15)
    assert quality.psnr(images, images).tolist() == [math.inf, math.inf]
    assert quality.mse(images, images).tolist() == quality.l1(images, images).tolist() == [0.0, 0.0]


@pytest.mark.parametrize("metric", [quality.ssim, quality.psnr, quality.mse, quality.l1])
def test_a_value_does_not_depend_on_the_batch_or_the_threads(photographs, metric):
    output, target = pair(photographs, (3, 256, 200), n=3)
    together = metric(output, target)
    alone = [metric(output[i : i + 1], target[i : i + 1]).item() for i in range(3)]
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1 if threads > 1 else 2)
        again = metric(output, target)
    finally:
        torch.set_num_threads(threads)
    assert together.tolist() == alone == again.tolist()
    assert np.unique(alone).size == 3


def test_the_metrics_of_the_presets_are_these_functions(photographs):
    output, target = pair(photographs, (3, 37, 90))
    for name in ("ssim", "psnr", "mse", "l1"):
        metric = getattr(quality, name.upper())()
        assert torch.equal(metric(output, target), getattr(quality, name)(output, target))
        best, worse = (getattr(quality, name)(x, target)[0].item() for x in (target, output))
        assert metric.more_is_better == (best > worse)


def test_images_smaller_than_the_window_are_refused():
    images = torch.zeros(1, 3, 10, 64, dtype=torch.uint8)
    with pytest.raises(SettingError, match=r"images of 10 x 64 pixels; expected at least 11 x 11"):
        quality.ssim(images, images)


def test_pairs_of_two_shapes_and_floats_are_refused():
    images = torch.zeros(1, 3, 16, 16, dtype=torch.uint8)
    with pytest.raises(ValueError, match=r"not output \(1, 3, 16, 16\) and target \(1, 1, 16, 16"):
        quality.l1(images, images[:, :1])
    with pytest.raises(TypeError, match=r"uint8 images, or two in float64, not torch\.float32"):
        quality.mse(images.float(), images)
