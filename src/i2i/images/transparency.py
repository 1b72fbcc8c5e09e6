"""What shows through where a picture is transparent."""

from typing import Any

import numpy as np

from i2i.errors import setting_error

Background = str | tuple[int, int, int]
COLOURS = {"white": (255, 255, 255), "black": (0, 0, 0), "grey": (128, 128, 128)}
KEEP = "keep"  # alpha stays, as the last channel
DEFAULT_BACKGROUND: Background = "white"


def background_of(value: Any) -> Background:
    """Checks ``dataset.background``.

    Args:
        value: ``white``, ``black``, ``grey``, ``keep``, or [red, green, blue], 0 to 255 each.

    Returns:
        The name, or the colour as a tuple.

    Raises:
        SettingError: It is none of these.
    """
    if isinstance(value, str) and value in (*COLOURS, KEEP):
        return value
    if not isinstance(value, str | bytes) and hasattr(value, "__len__") and len(value) == 3:
        colour = tuple(value)
        if all(type(level) is int and 0 <= level <= 255 for level in colour):
            return colour
    raise setting_error(
        f"dataset.background={value}", repr(value),
        f"one of {', '.join((*COLOURS, KEEP))}, or [red, green, blue] of 0 to 255",
        f"dataset.background={DEFAULT_BACKGROUND} is the default.",
    )  # fmt: skip


def shown_over(image: np.ndarray, background: Background, premultiplied: bool) -> np.ndarray:
    """Lays a picture over a colour; what is fully transparent takes the colour and nothing else.

    Args:
        image: (H, W, 2) grey with alpha, or (H, W, 4); floats are opaque at 1.
        background: A name or a colour of 8 bits; ``keep`` leaves alpha where it is.
        premultiplied: Whether the colours were multiplied by alpha.

    Returns:
        (H, W, 1 or 3) of the same type; grey becomes RGB where the colour is no grey. With ``keep``
        (H, W, 2 or 4), not multiplied.
    """
    most = np.iinfo(image.dtype).max if image.dtype.kind in "ui" else 1.0
    colour, alpha = image[:, :, :-1].astype(np.float64), image[:, :, -1:].astype(np.float64)
    if background == KEEP:
        if not premultiplied:
            return image
        colour = np.where(alpha > 0, colour * (most / np.maximum(alpha, 1e-9)), 0)
        return np.concatenate([_as_type(colour, image.dtype, most), image[:, :, -1:]], axis=2)
    levels = COLOURS[background] if isinstance(background, str) else background
    if len(set(levels)) == 1:
        levels = levels[: colour.shape[2]]
    behind = np.array(levels, np.float64) * (most / 255)
    share = alpha / most
    seen = colour if premultiplied else colour * share
    return _as_type(seen + behind * (1 - share), image.dtype, most)


def opaque(image: np.ndarray, channels: int) -> np.ndarray:
    """Gives a picture without alpha one that hides nothing, where alpha is a channel of its set.

    Args:
        image: (H, W, C).
        channels: Of the set: 2 or 4, alpha included.

    Returns:
        (H, W, channels), grey repeated where need be; other pictures as they are.
    """
    colours = channels - 1
    if image.shape[2] == 2 and colours == 3:  # grey with alpha in a set of colours
        return np.concatenate([image[:, :, :1]] * 3 + [image[:, :, 1:]], axis=2)
    if image.shape[2] not in (1, colours):
        return image
    most = np.iinfo(image.dtype).max if image.dtype.kind in "ui" else 1
    shown = [image] * (colours // image.shape[2])
    return np.concatenate([*shown, np.full_like(image[:, :, :1], most)], axis=2)


def _as_type(values: np.ndarray, dtype: np.dtype, most: float) -> np.ndarray:
    if dtype.kind in "ui":
        values = np.rint(values)
    return np.clip(values, 0, most).astype(dtype)
