import pytest
import torch

from i2i.errors import SettingError
from i2i.images.quantise import to_uint8

LEVELS = torch.arange(256, dtype=torch.uint8)


@pytest.mark.parametrize("shape", [(256,), (1, 1, 16, 16), (4, 4, 4, 4)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_every_level_survives_the_round_trip(shape, dtype):
    images = LEVELS.reshape(shape).to(dtype) / 127.5 - 1
    assert torch.equal(to_uint8(images), LEVELS.reshape(shape))


def test_the_other_usual_way_to_minus_one_and_one_survives_too():
    images = (LEVELS.float() / 255 - 0.5) / 0.5
    assert torch.equal(to_uint8(images), LEVELS)


@pytest.mark.parametrize(
    ("value", "level"),
    [(-1.0, 0), (1.0, 255), (-3.0, 0), (1.2, 255), (float("inf"), 255), (float("-inf"), 0)]
    + [(0.0, 128)]  # half way between 127 and 128
    + [((k + 0.51) / 127.5 - 1, k + 1) for k in (0, 100, 254)]
    + [((k + 0.49) / 127.5 - 1, k) for k in (0, 100, 254)],
)
def test_values_go_to_the_nearest_level_inside_the_range(value, level):
    assert to_uint8(torch.tensor(value)).item() == level


def test_a_half_goes_to_the_even_level():
    halves = torch.tensor([(2 * k + 1) / 255 - 1 for k in range(255)])
    products = (halves + 1) * 127.5
    exact = products.frac() == 0.5
    assert exact.sum() > 50
    assert (to_uint8(halves)[exact] % 2 == 0).all()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_narrow_floats_are_widened_before_they_are_scaled(dtype):
    images = torch.tensor([-1.0, -0.25, 0.3, 1.0], dtype=dtype)
    assert torch.equal(to_uint8(images), to_uint8(images.float()))


def test_nan_is_an_error_that_names_the_image():
    images = torch.zeros(3, 1, 2, 2)
    images[1, 0, 0, 1] = float("nan")
    with pytest.raises(SettingError, match=r"^b\.png: found 1 NaN of 12 values; expected"):
        to_uint8(images, ["a.png", "b.png", "c.png"])
    with pytest.raises(SettingError, match=r"^images: found 1 NaN"):
        to_uint8(images)


def test_eight_bit_images_are_refused():
    with pytest.raises(TypeError, match=r"float images in \[-1, 1\], not torch\.uint8"):
        to_uint8(LEVELS)
