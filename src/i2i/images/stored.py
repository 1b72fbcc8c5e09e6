"""Pictures in the type that their files store them in: upright, in sRGB, over a background."""

from pathlib import Path

import numpy as np

from i2i.errors import SettingError, setting_error
from i2i.files.ordinary import Unreadable, read_bytes
from i2i.images.formats.header import Damaged, Header
from i2i.images.formats.known import NAMES, format_of
from i2i.images.notes import note_once
from i2i.images.orientation import upright
from i2i.images.pixel_limit import MOST_PIXELS
from i2i.images.profiles import in_srgb, inks_as_seen
from i2i.images.transparency import DEFAULT_BACKGROUND, KEEP, Background, shown_over

MOST_FILE = 4_000_000_000  # bytes of a picture's file


class ImageError(SettingError):
    """A file cannot be read as a picture, for which ``on_error`` says what happens.

    Attributes:
        found: What is there instead, in a few words.
    """

    found = ""


def read_stored(
    path: Path, most_pixels: int = MOST_PIXELS, background: Background = DEFAULT_BACKGROUND
) -> np.ndarray:
    """Decodes a picture whole, or fails by name.

    A palette is replaced by its colours and CMYK by RGB, an embedded profile is converted to sRGB,
    what is transparent shows the background, and the picture stands upright.

    Args:
        path: The file; its content says what it is.
        most_pixels: What its header may claim.
        background: What shows through where the picture is transparent; ``keep`` gives alpha as the
            last channel of a picture that has it.

    Returns:
        (H, W, C) in the stored type: uint8, uint16, float32 and so on, in the machine's byte order.

    Raises:
        ImageError: If the file is missing, no picture of a format that is read, too large, holds
            no numbers in places, or cannot be decoded whole.
    """
    try:
        data = read_bytes(path, MOST_FILE)
        header, image = decoded(data, most_pixels)
    except (Unreadable, Damaged) as error:
        raise image_error(path, str(error)) from error
    return image if header.plain else _finished(image, header, background, path)


def decoded(data: bytes, most_pixels: int) -> tuple[Header, np.ndarray]:
    """A file's header and its whole picture, as stored.

    Raises:
        Damaged: It cannot be decoded whole, or claims too much.
    """
    known = format_of(data)
    header = known.header(data)
    large = header.too_large(most_pixels)
    if large is not None:
        raise Damaged(large)
    image = known.pixels(data, header)
    if image.dtype.kind == "f" and not np.isfinite(image).all():
        n = image.size - int(np.isfinite(image).sum())
        raise Damaged(f"{n} of {image.size} values that are no number (NaN or infinite)")
    return header, image


def image_error(path: Path, found: str) -> ImageError:
    """The error for a file that cannot be read as a picture, to be raised."""
    error = setting_error(
        f"image '{path}'", found, f"a whole picture ({NAMES})",
        "Replace the file or take it away, or leave such files out with on_error=skip "
        "(dataset.on_error=skip in training).",
    )  # fmt: skip
    made = ImageError(str(error))
    made.found = found
    return made


def _finished(image: np.ndarray, header: Header, background: Background, path: Path) -> np.ndarray:
    colours, alpha = (image[:, :, :-1], image[:, :, -1:]) if header.alpha else (image, None)
    if header.profile is not None:
        try:
            colours = in_srgb(colours, header.profile)
        except Damaged as error:
            note_once("profile", f"'{path}' has {error}: it is read without, as are others like it")
    if header.cmyk and colours.shape[2] == 4:
        colours = inks_as_seen(colours)
    if alpha is None:
        return upright(colours, header.orientation)
    if background != KEEP:
        note_once("alpha", f"'{path}' has transparency: {behind(background)}")
    both = np.concatenate([colours, alpha], axis=2)
    return upright(shown_over(both, background, header.premultiplied), header.orientation)


def behind(background: Background) -> str:
    """Says what is done with transparent pictures."""
    colour = background if isinstance(background, str) else list(background)
    return f"such pictures are shown over {colour} (dataset.background)"
