"""Embedded profiles are converted to sRGB, as Pillow's ImageCms does it."""

import io
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms

from i2i.images.stored import read_stored

pytestmark = pytest.mark.numeric
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
IMAGE = np.random.default_rng(0).integers(0, 256, (16, 24, 3), dtype=np.uint8)


def tags(profile: bytes) -> dict[bytes, int]:
    """Places of the entries in a profile's table of tags (ICC.1:2010, 7.3)."""
    count = int.from_bytes(profile[128:132], "big")
    places = range(132, 132 + 12 * count, 12)
    return {profile[at : at + 4]: at for at in places}


def with_exchanged_primaries() -> bytes:
    """A profile whose red is green and whose green is red."""
    found, places = bytearray(SRGB), tags(SRGB)
    red, green = (slice(places[name] + 4, places[name] + 12) for name in (b"rXYZ", b"gXYZ"))
    found[red], found[green] = found[green], found[red]
    return bytes(found)


def grey_of_gamma(gamma: float) -> bytes:
    """A profile of grey: header, white point and a curve of one exponent (ICC.1:2010, 10.5)."""
    curve = b"curv" + bytes(4) + (1).to_bytes(4, "big") + round(gamma * 256).to_bytes(2, "big")
    white = SRGB[slice(*_place(SRGB, b"wtpt"))]
    table = (2).to_bytes(4, "big")
    at = 128 + 4 + 24
    table += b"wtpt" + at.to_bytes(4, "big") + len(white).to_bytes(4, "big")
    table += b"kTRC" + (at + len(white)).to_bytes(4, "big") + len(curve).to_bytes(4, "big")
    body = table + white + curve + bytes(2)
    header = bytearray(SRGB[:128])
    header[:4], header[16:20] = (128 + len(body)).to_bytes(4, "big"), b"GRAY"
    return bytes(header) + body


def _place(profile: bytes, name: bytes) -> tuple[int, int]:
    at = tags(profile)[name]
    start, size = (int.from_bytes(profile[at + k : at + k + 4], "big") for k in (4, 8))
    return start, start + size


EXCHANGED, GREY = with_exchanged_primaries(), grey_of_gamma(1.8)


def by_pillow(image: Image.Image, profile: bytes) -> np.ndarray:
    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    shown = ImageCms.profileToProfile(
        image, source, ImageCms.createProfile("sRGB"), outputMode="RGB"
    )
    return np.array(shown)


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif"])
def test_colours_by_their_profile(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    options = {"lossless": True} if suffix == "webp" else {}
    Image.fromarray(IMAGE).save(path, icc_profile=EXCHANGED, **options)
    stored = Image.open(path).convert("RGB")
    found = read_stored(path)
    assert np.array_equal(found, by_pillow(stored, EXCHANGED))
    exchanged = np.array(stored)[:, :, [1, 0, 2]]
    assert np.abs(found.astype(int) - exchanged).max() <= 2  # which is what the profile means


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif"])
def test_srgb_leaves_every_level_alone(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(IMAGE).save(path, icc_profile=SRGB)
    assert np.array_equal(read_stored(path), np.array(Image.open(path)))


@pytest.mark.parametrize("suffix", ["jpg", "png", "tif"])
def test_grey_by_its_profile(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(IMAGE[:, :, 0]).save(path, icc_profile=GREY)
    stored = np.array(Image.open(path))
    found = read_stored(path)
    assert found.shape == (16, 24, 1)
    light = (stored / 255) ** 1.8  # which sRGB's curve makes levels of again (IEC 61966-2-1)
    curve = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    assert np.abs(found[:, :, 0] - 255 * curve).max() <= 2
    assert np.array_equal(found[:, :, 0], by_pillow(Image.open(path), GREY)[:, :, 1])


@pytest.mark.parametrize("name", ["a.png", "a.tif"])
def test_16_bits_by_their_profile(tmp_path: Path, name: str) -> None:
    import imagecodecs

    deep = np.random.default_rng(1).integers(0, 65536, (16, 24, 3), dtype=np.uint16)
    if name == "a.tif":
        tifffile.imwrite(tmp_path / name, deep, photometric="rgb", iccprofile=EXCHANGED)
    else:
        plain = imagecodecs.png_encode(deep)
        small = io.BytesIO()
        Image.fromarray(IMAGE).save(small, "png", icc_profile=EXCHANGED)
        data = small.getvalue()
        start = data.index(b"iCCP") - 4
        chunk = data[start : start + 12 + int.from_bytes(data[start : start + 4], "big")]
        (tmp_path / name).write_bytes(plain[:33] + chunk + plain[33:])  # behind IHDR
    found = read_stored(tmp_path / name)
    assert found.dtype == np.uint16
    shown = by_pillow(Image.fromarray(np.rint(deep / 257).astype(np.uint8)), EXCHANGED)
    assert np.abs(found / 257 - shown).max() < 2.5
    assert len(np.unique(found)) > 1000  # it did not go through 8 bits


def test_alpha_is_no_colour(tmp_path: Path) -> None:
    image = np.dstack([IMAGE, np.full((16, 24), 255, np.uint8)])
    Image.fromarray(image).save(tmp_path / "a.png", icc_profile=EXCHANGED)
    assert np.array_equal(
        read_stored(tmp_path / "a.png"), by_pillow(Image.fromarray(IMAGE), EXCHANGED)
    )
    kept = read_stored(tmp_path / "a.png", background="keep")
    assert kept.shape == (16, 24, 4) and (kept[:, :, 3] == 255).all()


@pytest.mark.parametrize("profile", [b"no profile at all", SRGB[:200], GREY])
def test_a_profile_that_cannot_be_used_is_said_and_ignored(
    tmp_path: Path, profile: bytes, monkeypatch, capsys
) -> None:
    Image.fromarray(IMAGE).save(tmp_path / "a.png", icc_profile=profile)
    for _ in range(2):
        assert np.array_equal(read_stored(tmp_path / "a.png"), IMAGE)
    said = capsys.readouterr()
    assert len(said.out.splitlines()) == 1 and "a.png' has a colour profile" in said.out
    assert not said.err
