"""Stored values to [-1, 1] and back, by hand."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from i2i.errors import SettingError
from i2i.images.picture_kind import PictureKind, understand_shown
from i2i.images.quantise import to_uint8
from i2i.images.ranges import to_float
from i2i.images.reading import Reading
from i2i.images.values import Values, ends_of, on_one_scale, understand_range

TYPES = ["uint8", "int8", "uint16", "int16", "uint32", "int32", "float32"]


@pytest.mark.parametrize("dtype", TYPES)
def test_a_type_has_its_own_black_and_white(dtype: str) -> None:
    expected = (0, 1) if dtype == "float32" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    assert ends_of(dtype) == expected
    image = np.array([*expected, expected[0]], dtype).reshape(1, 3, 1)
    scaled = on_one_scale(image, "type")
    assert scaled.dtype == (np.uint8 if dtype == "uint8" else np.float32)
    assert scaled.ravel().tolist() == [0, 255, 0]


def test_eight_bits_are_left_alone() -> None:
    image = np.arange(256, dtype=np.uint8).reshape(16, 16, 1)
    assert on_one_scale(image, "type") is image and on_one_scale(image, (0.0, 255.0)) is image
    assert on_one_scale(image, (0.0, 100.0)).dtype == np.float32


@pytest.mark.numeric
@pytest.mark.parametrize(
    ("dtype", "ends"),
    [("uint16", (0, 4095)), ("uint16", (100, 3000)), ("int16", (-1000, 2000)),
     ("float32", (-1000, 2000)), ("float64", (-0.5, 0.5)), ("uint8", (10, 90)),
     ("int32", (-70000, 70000))],
)  # fmt: skip
def test_numbers_are_scaled_and_clipped(dtype: str, ends: tuple[float, float]) -> None:
    low, high = ends
    span = high - low
    inside = np.linspace(low, high, 50)
    values = np.concatenate([inside, [low - span / 20, high + span / 20]]).astype(dtype)
    expected = np.clip((values.astype(np.float64) - low) / span, 0, 1) * 255
    found = on_one_scale(values.reshape(2, 26, 1), ends)
    assert found.dtype == np.float32 and found.min() == 0 and found.max() == 255
    assert found.ravel() == pytest.approx(expected, abs=2e-5)


@pytest.mark.numeric
@pytest.mark.parametrize(
    "values",
    [Values("uint16", 0, 65535), Values("uint16", 0, 4095), Values("int16", -1000, 2000),
     Values("uint8", 0, 200), Values("int8", -128, 127), Values()],
)  # fmt: skip
def test_every_whole_value_comes_back(values: Values) -> None:
    stored = np.arange(values.low, values.high + 1).astype(values.type).reshape(1, -1, 1)
    x = to_float(on_one_scale(stored, values.ends))
    back = values.stored(x)
    assert back.dtype == values.type
    assert np.array_equal(back.ravel(), stored.ravel())
    grid = values.of(x)
    assert torch.equal(grid.double().ravel(), torch.from_numpy(stored.astype(np.float64)).ravel())


@pytest.mark.numeric
def test_floats_come_back_as_float32() -> None:
    values = Values("float32", -1000, 2000)
    stored = np.linspace(-1000, 2000, 999, dtype=np.float32).reshape(1, -1, 1)
    back = values.stored(to_float(on_one_scale(stored, values.ends)))
    assert back.dtype == np.float32
    assert back.ravel() == pytest.approx(stored.ravel(), abs=4e-4)
    ends = torch.tensor([-3.0, -1.0, 0.0, 1.0, 7.0, float("inf")])
    assert values.stored(ends).tolist() == [-1000, -1000, 500, 2000, 2000, 2000]
    assert values.of(ends).dtype == torch.float64


def test_values_beyond_a_type_are_not_written() -> None:
    assert Values("uint8", -10, 300).stored(torch.tensor([-1.0, 1.0])).tolist() == [0, 255]
    assert Values("uint16", 0.5, 10.5).stored(torch.tensor([-1.0, 1.0])).tolist() == [1, 10]


def test_plain_values_are_the_levels_of_before() -> None:
    x = torch.randn(2, 3, 5, 5, generator=torch.Generator().manual_seed(0))
    assert Values().plain and not Values("uint8", 0, 254).plain
    assert torch.equal(Values().of(x), to_uint8(x))


def test_nan_is_named_in_any_type() -> None:
    images = torch.zeros(2, 1, 3, 3)
    images[1, 0, 0, 0] = float("nan")
    for values in (Values(), Values("float32", 0, 1)):
        with pytest.raises(SettingError, match=r"^b\.png: found 1 NaN"):
            values.of(images, ["a.png", "b.png"])


@pytest.mark.parametrize(
    ("asked", "found"),
    [([0, 1, 2], "3 values"), ([1], "1 values"), ([5, 5], "no two numbers in order"),
     ([9, 2], "no two numbers"), ([0, float("inf")], "no two numbers"), ([True, 2], "no two"),
     ("typ", "no two numbers"), (7, "no two numbers"), (["a", "b"], "no two numbers")],
)  # fmt: skip
def test_ranges_that_are_none(asked: Any, found: str) -> None:
    with pytest.raises(SettingError, match=rf"dataset\.input_range=.*found {found}.*\[0,4095\]"):
        understand_range(asked, "input_range")


def test_ranges() -> None:
    assert understand_range([0, 4095], "input_range") == (0.0, 4095.0)
    assert [understand_range(word, "input_range") for word in ("type", "data")] == ["type", "data"]


@pytest.mark.parametrize(
    "saved", [("uint12", 0, 1), ("uint8", 5, 5), ("uint8", 0, float("nan")), ("object", 0, 1)]
)
def test_what_a_stranger_writes_as_values_is_refused(saved: tuple) -> None:
    with pytest.raises(SettingError, match="the values of a data set"):
        Values(*saved)


@pytest.mark.parametrize(
    ("asked", "channels", "shown"),
    [(None, 1, None), (None, 3, None), (None, 2, (0,)), (None, 5, (0, 1, 2)),
     ([4, 2, 0], 5, (4, 2, 0)), ([1], 2, (1,)), ([2, 1, 0], 3, (2, 1, 0))],
)  # fmt: skip
def test_the_channels_that_are_shown(asked: Any, channels: int, shown: Any) -> None:
    assert understand_shown(asked, channels, "input_shown") == shown
    pictures = torch.arange(channels).float().view(1, channels, 1, 1).expand(2, -1, 4, 4)
    seen = PictureKind(shown=shown).seen(pictures)
    assert seen[0, :, 0, 0].tolist() == list(shown or range(channels))


@pytest.mark.parametrize("asked", [[0, 1], [5], [-1], [0, 1, 2, 3], 0, "rgb", [True], [1.0]])
def test_channels_that_are_not_there(asked: Any) -> None:
    with pytest.raises(SettingError, match=r"dataset\.target_shown=.*5 channels.*0 to 4"):
        understand_shown(asked, 5, "target_shown")


def test_a_file_of_other_channels_is_named_with_the_option(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.zeros((4, 6, 5), np.uint16))
    assert Reading(5).read(tmp_path / "a.npy").shape == (4, 6, 5)
    words = r"a\.npy'.*5 channels; expected 3.*dataset\.target_channels=5"
    with pytest.raises(SettingError, match=words):
        Reading(3, side="target").read(tmp_path / "a.npy")


def test_floats_that_are_not_from_0_to_1_are_refused_by_type(tmp_path: Path) -> None:
    image = np.linspace(-1000, 2000, 24, dtype=np.float32).reshape(4, 6)
    np.save(tmp_path / "a.npy", image)
    words = r"a\.npy'.*float32 values from -1000 to 2000.*dataset\.target_range=\[low,high\]"
    with pytest.raises(SettingError, match=words):
        Reading(1, side="target").read(tmp_path / "a.npy")
    found = Reading(1, values=(-1000.0, 2000.0)).read(tmp_path / "a.npy")
    assert found[:, :, 0] == pytest.approx((image + 1000) * (255 / 3000), abs=1e-4)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_numbers_that_are_none_are_named(value: float, tmp_path: Path) -> None:
    image = np.zeros((4, 6), np.float32)
    image[1, 2] = value
    np.save(tmp_path / "a.npy", image)
    for values in ("type", (-1.0, 1.0)):
        with pytest.raises(SettingError, match=r"a\.npy'.*1 of 24 values"):
            Reading(1, values=values).read(tmp_path / "a.npy")


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [(0, 4095, "0-4095"), (-1000, 2000, "-1000 to 2000"), (0, 2**32 - 1, "0-4294967295"),
     (0.0123456789, 1 / 3, "0.0123457-0.333333"), (-1e30, 1e30, "-1e+30 to 1e+30")],
)  # fmt: skip
def test_ends_are_said_in_six_digits_and_whole_ones_in_full(
    low: float, high: float, said: str
) -> None:
    assert Values("float32", low, high).span == said
    words = said if low < 0 else said.replace("-", " to ")
    assert str(Values("float32", low, high)) == f"float32, {words}"
