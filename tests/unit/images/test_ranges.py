"""Pixels become tensors without loss."""

import numpy as np
import pytest
import torch

from i2i.images.ranges import to_float, to_planes, unit_range


def test_ends_and_middle_of_the_scale() -> None:
    tensor = to_float(np.array([[[0.0], [127.5], [255.0]]], dtype=np.float32))
    assert tensor.flatten().tolist() == [-1.0, 0.0, 1.0]


def test_every_8_bit_value_survives_the_round_trip() -> None:
    image = np.arange(256, dtype=np.uint8).reshape(16, 16, 1)
    back = ((to_float(image) + 1) * 127.5).round().to(torch.uint8)
    assert np.array_equal(back[0].numpy(), image[:, :, 0])


def test_layout_is_channels_first_float32_and_contiguous() -> None:
    image = np.zeros((2, 3, 3), dtype=np.uint8)
    image[1, 2] = (0, 255, 0)
    tensor = to_float(image[:, ::-1])  # a view with a negative stride, as a flip leaves behind
    assert tensor.shape == (3, 2, 3) and tensor.dtype == torch.float32 and tensor.is_contiguous()
    assert tensor[:, 1, 0].tolist() == [-1.0, 1.0, -1.0]


def test_the_image_is_not_changed() -> None:
    image = np.full((1, 1, 1), 51.0, dtype=np.float32)
    to_float(image)
    assert image.item() == 51.0


@pytest.mark.parametrize(
    ("image", "found"),
    [
        (np.zeros((4, 4), dtype=np.uint8), r"\(4, 4\)"),
        (np.zeros((4, 4, 1), dtype=np.uint16), "uint16"),
    ],
)
def test_other_arrays_are_refused(image: np.ndarray, found: str) -> None:
    with pytest.raises(ValueError, match=found):
        to_float(image)


def test_every_level_is_the_quotient_of_floats() -> None:
    levels = torch.arange(256, dtype=torch.uint8).reshape(2, 4, 32)
    quotient = levels.float().div(torch.tensor(127.5)).sub(1.0)
    assert torch.equal(unit_range(levels), quotient)
    assert torch.equal(unit_range(levels.permute(2, 0, 1)), quotient.permute(2, 0, 1))


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_planes_are_a_copy_of_any_view(channels: int) -> None:
    image = np.random.default_rng(0).integers(0, 256, (9, 14, channels), dtype=np.uint8)
    for view in (image, image[2:7, 3:11], image[::-1, ::-1], image.swapaxes(0, 1)):
        planes = to_planes(view)
        assert planes.is_contiguous()
        assert np.array_equal(planes.numpy(), view.transpose(2, 0, 1))
        assert not np.shares_memory(planes.numpy(), image)
