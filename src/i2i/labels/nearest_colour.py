"""Which colour of a palette a pixel stands for, in an exact picture and in one from a JPEG file."""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

NEAR = 32  # levels; a pixel of a JPEG so close to a colour (its farthest channel) is sure of it
# Side in pixels of the square that a class fills somewhere if it really is there, by how much the
# edges have suffered: unsure pixels for each pair of neighbours of different classes. CamVid's
# labels have at most 0.0003 at quality 95 and 0.016 at 90 with full chroma, 0.3 or more with halved
# chroma, and 0.15 or more with that or blended edges in the colours of Cityscapes.
CORES = ((0.002, 2), (0.02, 3), (np.inf, 5))
REACH = 3  # pixels; how far an unsure pixel looks for a class that is sure
AWAY = 1e6  # more than any two colours differ by, squared
NEIGHBOURS = 3  # sure pixels of a class in 3 x 3, itself included, that make it no speckle
BAND = 256  # rows of a picture that are worked on at once, to bound what that takes


def _by_bands(function: Callable[..., np.ndarray]) -> Callable[..., np.ndarray]:
    """The function of a picture, (H, W, 3), that gives (H, W), worked out band by band."""

    @functools.wraps(function)
    def banded(image: np.ndarray, *options: Any) -> np.ndarray:
        tops = range(0, max(len(image), 1), BAND)
        return np.concatenate([function(image[top : top + BAND], *options) for top in tops])

    return banded


@_by_bands
def nearest_colour(image: np.ndarray, table: np.ndarray) -> np.ndarray:
    """Finds the nearest colour (Euclidean, in RGB) of each pixel; the first of equally near ones.

    Args:
        image: (H, W, 3), uint8, or floats on the 0..255 scale.
        table: The colours, (n, 3) uint8, all different, at most 256.

    Returns:
        Rows of the table, (H, W) uint8.
    """
    flat = image.reshape(-1, 3)
    if image.dtype == np.uint8:
        near, known = _equal_colour(flat, table)
        if known.all():
            return near.reshape(image.shape[:2])
    else:
        near, known = np.zeros(len(flat), np.uint8), np.zeros(len(flat), bool)
    planes = np.array(flat[~known].T, np.float32, order="C")
    best = np.full(planes.shape[1], -np.inf, np.float32)
    found = np.zeros(planes.shape[1], np.uint8)
    for row, colour in enumerate(table):
        score = _closeness(planes, colour)
        np.copyto(found, row, where=score > best)
        np.maximum(best, score, out=best)
    near[~known] = found
    return near.reshape(image.shape[:2])


@_by_bands
def farther_than(image: np.ndarray, table: np.ndarray, tolerance: float) -> np.ndarray:
    """Finds the pixels whose largest channel difference to every colour exceeds a tolerance.

    Args:
        image: (H, W, 3), uint8, or floats on the 0..255 scale.
        table: The colours, (n, 3) uint8.
        tolerance: Levels.

    Returns:
        (H, W) bool.
    """
    if image.dtype == np.uint8 and _equal_colour(image.reshape(-1, 3), table)[1].all():
        return np.zeros(image.shape[:2], bool)
    planes = np.array(np.moveaxis(image, 2, 0), np.float32, order="C")
    least = np.full(image.shape[:2], np.inf, np.float32)
    for colour in table.astype(np.float32):
        gaps = (np.abs(plane - level) for plane, level in zip(planes, colour, strict=True))
        np.minimum(least, functools.reduce(np.maximum, gaps), out=least)
    return least > tolerance


def decode_jpeg(image: np.ndarray, table: np.ndarray, ids: np.ndarray) -> np.ndarray:
    """Tells the classes in a label picture that went through JPEG, without making up any.

    The nearest colour is wrong at edges: JPEG mixes the colours of both sides there, above all
    where chroma is stored at half size (4:2:0), and a mixture can be the colour of a third class.
    Such mixtures form bands along edges. So a class counts only if it fills a square somewhere, of
    5 x 5 pixels where the edges show such damage, less in files of high quality; that costs classes
    whose every part is thinner. Of the classes that count, a pixel takes the one of the nearest
    colour among those that are sure within 3 pixels; where none is sure, the nearest colour of all.

    Args:
        image: (H, W, 3) uint8.
        table: The colours, (n, 3) uint8.
        ids: The class of each row of the table, (n,) uint8; several rows may share one.

    Returns:
        (H, W) uint8, values of ``ids``.
    """
    import cv2

    row = nearest_colour(image, table)
    sure = cv2.absdiff(np.ascontiguousarray(image), table[row]).max(2) <= NEAR
    near = ids[row]
    masks = {c: ((near == c) & sure).astype(np.uint8) for c in np.unique(near[sure])}
    core = _core(near, sure)
    kept = [c for c, mask in masks.items() if _fills_square(mask, core)]
    if not kept:  # a picture of a few pixels, or all noise: the one class that is most of it
        return np.full(near.shape, np.bincount(near.ravel()).argmax(), np.uint8)
    planes = np.array(np.moveaxis(image, 2, 0), np.float32, order="C")
    best = np.full(near.shape, -np.inf, np.float32)
    out = np.empty_like(near)
    around = np.ones((2 * REACH + 1, 2 * REACH + 1), np.uint8)
    for c in kept:
        score = functools.reduce(np.maximum, (_closeness(planes, t) for t in table[ids == c]))
        absent = cv2.dilate(_without_speckles(masks[c]), around) == 0
        np.subtract(score, AWAY, out=score, where=absent)
        np.copyto(out, c, where=score > best)
        np.maximum(best, score, out=best)
    return out


def _closeness(planes: np.ndarray, colour: np.ndarray) -> np.ndarray:
    """|p|^2 - |p - c|^2, exact for whole levels; |p|^2 is the same for all colours.

    ``planes`` is (3, ...) float32.
    """
    red, green, blue = (float(level) for level in colour)
    score = planes[0] * (2 * red)
    score += planes[1] * (2 * green)
    score += planes[2] * (2 * blue)
    score -= red * red + green * green + blue * blue
    return score


def _equal_colour(flat: np.ndarray, table: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows of the table that (n, 3) uint8 pixels equal, and whether they equal any."""
    codes, weights = flat.astype(np.int32), np.array([1 << 16, 1 << 8, 1], np.int32)
    codes, known = codes @ weights, table.astype(np.int32) @ weights
    order = np.argsort(known)
    place = np.searchsorted(known[order], codes).clip(max=len(table) - 1)
    return order[place].astype(np.uint8), known[order][place] == codes


def _core(near: np.ndarray, sure: np.ndarray) -> int:
    edges = np.count_nonzero(near[1:] != near[:-1]) + np.count_nonzero(near[:, 1:] != near[:, :-1])
    damage = np.count_nonzero(~sure) / max(edges, 1)
    return next(side for most, side in CORES if damage <= most)


def _fills_square(mask: np.ndarray, side: int) -> bool:
    import cv2

    square = np.ones((side, side), np.uint8)
    return bool(cv2.erode(mask, square, borderType=cv2.BORDER_CONSTANT, borderValue=0).any())


def _without_speckles(mask: np.ndarray) -> np.ndarray:
    import cv2

    count = cv2.boxFilter(mask, -1, (3, 3), normalize=False, borderType=cv2.BORDER_CONSTANT)
    return mask & (count >= NEIGHBOURS)
