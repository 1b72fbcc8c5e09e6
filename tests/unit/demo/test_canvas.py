"""Pictures to and from the sheet, from browsers that may send anything."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from i2i.demo.canvas import PREFIX, as_png, drawn, sheet
from i2i.demo.drawing import Drawing
from i2i.demo.uploads import Limits
from i2i.errors import SettingError

LIMITS = Limits(10_000, 1_000)
PEN = Drawing({"pen": (0, 0, 0), "eraser": (255, 254, 16)}, (255, 254, 16), (8, 12))


def of(data: bytes) -> dict[str, str]:
    return {"png": PREFIX + base64.b64encode(data).decode()}


def encoded(size: tuple[int, int], kind: str = "PNG") -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size).save(file, kind)
    return file.getvalue()


def test_a_picture_comes_back_as_it_went() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (20, 30, 3)).astype(np.uint8)
    found = drawn({"png": as_png(picture)}, LIMITS)
    assert np.array_equal(found[:, :, :3], picture) and (found[:, :, 3] == 255).all()


def test_the_sheet_has_the_colours_as_browsers_write_them() -> None:
    found = sheet(PEN)
    assert found["colours"] == [["pen", "#000000"], ["eraser", "#fffe10"]]
    assert found["paper"] == "#fffe10" and found["size"] == [8, 12]
    assert np.array_equal(drawn(found, LIMITS)[:, :, :3], PEN.empty()) and found["behind"] == ""
    assert sheet(None) is None


def test_a_hole_is_drawn_on_an_empty_sheet_over_the_picture() -> None:
    over = Drawing({"hole": (255, 0, 255, 255), "picture": (0, 0, 0, 0)}, (0, 0, 0, 0), (8, 12))
    picture = np.random.default_rng(0).integers(0, 256, (20, 30, 3)).astype(np.uint8)
    found = sheet(over, picture, "a")
    assert found["colours"] == [["hole", "#ff00ffff"], ["picture", "#00000000"]]
    assert found["size"] == [20, 30] and not drawn(found, LIMITS).any()
    assert np.array_equal(drawn({"png": found["behind"]}, LIMITS)[:, :, :3], picture)
    nothing = sheet(over)
    assert nothing["behind"] == "" and drawn(nothing, LIMITS).shape == (8, 12, 4)


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (None, "no picture"),
        ({"png": 5}, "no picture"),
        ({"png": "http://example.org/x.png"}, "no picture"),
        ({"png": PREFIX + "?"}, "cannot be decoded"),
        (of(b"text"), "cannot be decoded"),
        (of(encoded((8, 8))[:40]), "cannot be decoded"),
        (of(encoded((8, 8), "JPEG")), "JPEG of 8 x 8"),
        (of(encoded((50, 41))), "PNG of 50 x 41 pixels"),
        ({"png": PREFIX + "A" * 200_000}, "200,022 characters"),
    ],
    ids=["nothing", "number", "address", "letters", "text", "cut", "jpeg", "large", "long"],
)  # fmt: skip
def test_what_is_no_drawing_is_refused_in_words(value: object, found: str) -> None:
    with pytest.raises(SettingError, match=f"the drawing: found .*{found}"):
        drawn(value, LIMITS)
