"""The form in which pictures are written."""

import numpy as np
import pytest
import torch

from i2i.errors import SettingError
from i2i.images.picture_kind import PictureKind
from i2i.images.values import Values
from i2i.inference.form import Form, channels_of, default_format, form_of, in_words
from i2i.inference.outputs import Output
from i2i.inference.translator import exchanged

PLAIN, DEEP = PictureKind(), PictureKind(Values("uint16", 0, 4095))
FLOATS = PictureKind(Values("float32", -1, 1), (4, 2, 0))


@pytest.mark.parametrize(
    ("kind", "channels", "background", "expected"),
    [
        (PLAIN, 3, None, "png"), (PLAIN, 1, None, "png"), (DEEP, 3, None, "png"),
        (FLOATS, 3, None, "tif"), (DEEP, 5, None, "tif"), (PLAIN, 2, None, "tif"),
        (DEEP, 4, "white", "tif"), (DEEP, 4, "keep", "png"),
        (PictureKind(Values("int16", 0, 9)), 1, None, "tif"),
    ],
)  # fmt: skip
def test_the_default_holds_the_values(kind, channels, background, expected) -> None:
    assert default_format(kind, channels, background) == expected


@pytest.mark.parametrize("suffix", [".png", ".tif", ".npy", ".jpg", ".webp"])
@pytest.mark.parametrize(("kind", "channels"), [(PLAIN, 3), (DEEP, 1), (FLOATS, 5)])
def test_a_format_keeps_values_or_gets_8_bits(kind, channels, suffix, tmp_path) -> None:
    output, pictures = Output(tmp_path, suffix=suffix), torch.linspace(-1, 1, 5 * 2 * 3 * 4)
    pictures = pictures.view(2, 5, 3, 4)[:, :channels]
    if kind is FLOATS and suffix == ".png":
        with pytest.raises(SettingError, match=r"output_format=png.*5 channels \(float32, -1 to"):
            form_of(kind, channels, output)
        return
    form = form_of(kind, channels, output)
    arrays = form.arrays(pictures)
    lossy = suffix in (".jpg", ".webp")
    if kind is PLAIN or lossy:
        assert arrays.dtype == np.uint8
    else:
        assert arrays.dtype == kind.values.type
    shown = kind.seen(pictures) if lossy else pictures
    assert arrays.shape == (2, 3, 4, shown.shape[1])
    ends = (0, 255) if arrays.dtype == np.uint8 else kind.values.ends
    expected = (shown.numpy().transpose(0, 2, 3, 1) + 1) / 2 * (ends[1] - ends[0]) + ends[0]
    assert arrays == pytest.approx(expected, abs=0.501 if arrays.dtype != np.float32 else 1e-6)
    assert bool(in_words(form, output)) == (kind is not PLAIN)
    if lossy and kind is FLOATS:
        assert "in 8 bits of channels 4, 2, 0: -1 is 0 and 1 is 255" in in_words(form, output)


def test_the_other_way_has_the_values_of_the_other_side() -> None:
    node = {
        "direction": "AtoB", "input_channels": 5, "target_channels": 1, "input_range": [0, 1],
        "target_range": "type", "input_shown": [4], "target_shown": None, "image_size": 4,
        "found": {"input": "a", "target": "b"},
    }  # fmt: skip
    other = exchanged(node)
    assert (other["input_channels"], other["target_channels"]) == (1, 5)
    assert (other["input_range"], other["target_range"]) == ("type", [0, 1])
    assert (other["input_shown"], other["target_shown"]) == (None, [4])
    assert other["found"] == {"input": "b", "target": "a"} and other["image_size"] == 4
    assert exchanged(other) == node


@pytest.mark.parametrize(
    ("node", "channels"),
    [({"direction": "AtoB", "target_channels": 5}, 5),
     ({"direction": "AtoB", "target_channels": 9, "label_side": "B"}, 3),
     ({"direction": "BtoA", "target_channels": 1, "label_side": "B"}, 1),
     ({"direction": "AtoB", "target_channels": 2, "task": {"_target_": "x"}}, 3)],
)  # fmt: skip
def test_label_maps_and_tasks_make_colours(node: dict, channels: int) -> None:
    assert channels_of(node) == channels


def test_plain_pictures_are_the_levels_of_before() -> None:
    pictures = torch.rand(1, 3, 4, 4) * 2 - 1
    assert Form().arrays(pictures).tolist() == (
        (pictures + 1).mul(127.5).round().byte().permute(0, 2, 3, 1).tolist()
    )
