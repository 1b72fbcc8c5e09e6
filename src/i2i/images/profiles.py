"""Embedded ICC profiles: colours as they were meant, in sRGB."""

import io
from functools import lru_cache
from typing import Any

import numpy as np

from i2i.errors import first_line
from i2i.images.formats.header import Damaged

MODES = {1: "L", 3: "RGB", 4: "CMYK"}  # by channels
STEPS = 17  # of a channel, for the look whether a profile is sRGB
SAME = 1  # levels of 255 that an sRGB profile may differ from this one by


def in_srgb(image: np.ndarray, profile: bytes) -> np.ndarray:
    """Converts a picture by its profile (perceptual intent, as Pillow's default is).

    Args:
        image: (H, W, 1), (H, W, 3) or 4 inks of which 255 is all, uint8 or uint16 (no inks).
        profile: As it is embedded.

    Returns:
        (H, W, 1 or 3) of the same type; the same array where the profile is sRGB within a level.

    Raises:
        Damaged: The profile cannot be used for this picture; says why.
    """
    change = _transform(profile, MODES[image.shape[2]])
    if change is None:
        return image
    if image.dtype == np.uint16:
        return _deep(image, profile)
    from PIL import Image, ImageCms

    mode = MODES[image.shape[2]]
    plane = image[:, :, 0] if mode == "L" else image
    shown = ImageCms.applyTransform(Image.fromarray(np.ascontiguousarray(plane), mode), change)
    colours = np.array(shown)
    return colours[:, :, 1:2] if mode == "L" else colours  # grey stays grey: its three are equal


def inks_as_seen(image: np.ndarray) -> np.ndarray:
    """Colours of four inks without a profile, as Pillow mixes them, (H, W, 3) uint8."""
    from PIL import Image

    return np.array(Image.fromarray(np.ascontiguousarray(image), "CMYK").convert("RGB"))


@lru_cache(maxsize=16)
def _transform(profile: bytes, mode: str) -> Any:
    """The way from a profile to sRGB; None where it changes no level by more than one."""
    from PIL import Image, ImageCms

    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        space = source.profile.xcolor_space.strip()
        change = ImageCms.buildTransform(source, _srgb(), mode, "RGB")
    except (ImageCms.PyCMSError, OSError, ValueError) as error:
        raise Damaged(f"a colour profile that cannot be used ({first_line(error, 80)})") from error
    expected = {"L": "GRAY", "RGB": "RGB", "CMYK": "CMYK"}[mode]
    if space != expected:
        raise Damaged(f"a colour profile of {space} in a picture of {expected}")
    if mode == "CMYK":
        return change
    levels = np.linspace(0, 255, 256 if mode == "L" else STEPS).astype(np.uint8)
    ways = [levels] if mode == "L" else np.meshgrid(levels, levels, levels)
    probe = np.stack([way.ravel() for way in ways], axis=1)[np.newaxis]
    shown = ImageCms.applyTransform(
        Image.fromarray(probe[:, :, 0] if mode == "L" else probe, mode), change
    )
    farthest = np.abs(np.array(shown).astype(int) - probe).max()
    return None if farthest <= SAME else change


@lru_cache(maxsize=1)
def _srgb() -> Any:
    from PIL import ImageCms

    return ImageCms.createProfile("sRGB")


def _deep(image: np.ndarray, profile: bytes) -> np.ndarray:
    """The same for 16 bits, which Pillow's part of the same library (Little CMS) does not take."""
    from imagecodecs import cms_transform
    from PIL import ImageCms

    grey = image.shape[2] == 1
    shown = cms_transform(
        np.ascontiguousarray(image[:, :, 0] if grey else image),
        profile,
        ImageCms.ImageCmsProfile(_srgb()).tobytes(),
        colorspace="gray" if grey else "rgb",
        outcolorspace="rgb",
    )
    return shown[:, :, 1:2] if grey else shown
