"""The canvas of the built-in scenes, on which photograph and class map are painted as one.

Metres with the eye above the origin: x to the right, y up from the road, z ahead.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

# The colours of Cityscapes (Cordts et al. 2016); "pavement", "grass", "tree" and "pedestrian" are
# its "sidewalk", "terrain", "vegetation" and "person".
PALETTE: dict[str, tuple[int, int, int]] = {
    "sky": (70, 130, 180),
    "building": (70, 70, 70),
    "road": (128, 64, 128),
    "pavement": (244, 35, 232),
    "grass": (152, 251, 152),
    "tree": (107, 142, 35),
    "car": (0, 0, 142),
    "pedestrian": (220, 20, 60),
    "pole": (153, 153, 153),
    "sign": (220, 220, 0),
    "traffic light": (250, 170, 30),
}
CLASS_INDEX = {name: index for index, name in enumerate(PALETTE)}
EYE_HEIGHT = 1.6  # metres
HAZE, HAZE_LENGTH = (196.0, 206.0, 216.0), 110.0  # colour of the air, metres to 1/e of clearness
Polygon = np.ndarray  # (n, 2) columns and rows in pixels
Pair = tuple[np.ndarray, np.ndarray]
Window = tuple[slice, slice]  # rows and columns
Shader = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class Camera:
    """A pinhole camera that looks along the street; ``horizon`` and ``centre`` in pixels."""

    size: int
    horizon: float
    centre: float

    @property
    def focal(self) -> float:
        return float(self.size)

    def last_row(self, x: float) -> int:
        """One past the lowest row in which the line at x metres on the ground is in the picture."""
        away = self.centre if x < 0 else self.size - self.centre
        return min(self.size, int(self.horizon + EYE_HEIGHT * away / abs(x)) + 2)

    def project(self, points: np.ndarray) -> Polygon:
        """From (n, 3) metres, all ahead of the camera."""
        scale = self.focal / points[:, 2]
        column, row = points[:, 0] * scale, (EYE_HEIGHT - points[:, 1]) * scale
        return np.stack([column + self.centre, row + self.horizon], axis=1)


@dataclass(frozen=True)
class Solid:
    """Flat faces in the order of painting, in metres around a foot point.

    Attributes:
        corners: (n, 3) of all faces, one after the other.
        ends: Where each face's corners end.
        share: (faces, 1), how much of the thing's own colour a face takes.
        added: (faces, 3), the colour that is added to that.
    """

    corners: np.ndarray
    ends: tuple[int, ...]
    share: np.ndarray
    added: np.ndarray


class Canvas:
    """One picture of four channels, (size, size, 4) float32: RGB in [0, 255] and the class index.

    A shape is filled into all four at once, so photograph and label agree to the pixel.
    """

    def __init__(self, camera: Camera) -> None:
        self.camera = camera
        self.picture = np.zeros((camera.size, camera.size, 4), np.float32)

    def solid(
        self,
        name: str,
        solid: Solid,
        foot: tuple[float, float],
        colour: Sequence[float] = (0, 0, 0),
        scale: float = 1.0,
    ) -> None:
        """Paints a solid that stands at ``foot`` (x, z), seen through haze."""
        x, z = foot
        outline = self.camera.project(solid.corners * scale + (x, 0.0, z))
        if not all(side.stop > side.start for side in self.window(outline)):
            return  # out of the picture
        own = np.minimum(solid.share * np.array(colour, np.float32) + solid.added, 255)
        seen = (own - HAZE) * math.exp(-z / HAZE_LENGTH) + HAZE
        fixed, start = (outline * 16 + 0.5).astype(np.int32), 0
        for end, (red, green, blue) in zip(solid.ends, seen.tolist(), strict=True):
            value = (red, green, blue, CLASS_INDEX[name])
            cv2.fillPoly(self.picture, [fixed[start:end]], value, shift=4)
            start = end

    def window(self, points: Polygon) -> Window:
        """The rows and columns around the points, in so far as they are in the picture."""
        size = self.camera.size
        (left, top), (right, bottom) = points.min(0).tolist(), points.max(0).tolist()
        rows = slice(min(max(int(top) - 1, 0), size), min(max(int(bottom) + 2, 0), size))
        return rows, slice(min(max(int(left) - 1, 0), size), min(max(int(right) + 2, 0), size))

    def shaded(self, window: Window, name: str, shader: Shader) -> None:
        """Paints the pixels of a window that ``shader`` calls its own.

        Args:
            window: Rows and columns.
            name: The class.
            shader: From columns (1, w) and rows (h, 1), both float32, to colours (3, h, w) and
                the mask (h, w) of the pixels to paint.
        """
        rows = np.arange(window[0].start, window[0].stop, dtype=np.float32)[:, None]
        columns = np.arange(window[1].start, window[1].stop, dtype=np.float32)[None]
        if not (rows.size and columns.size):
            return
        colour, inside = shader(columns, rows)
        classes = np.full(inside.shape, CLASS_INDEX[name], np.float32)
        painted = cv2.merge([*colour.astype(np.float32, copy=False), classes])
        cv2.copyTo(painted, inside.view(np.uint8), self.picture[window])

    def developed(self, rng: np.random.Generator, gain: Sequence[float]) -> Pair:
        """Puts lens, exposure and sensor noise on the photograph.

        Args:
            rng: Makes the noise.
            gain: The exposure of each channel.

        Returns:
            Photograph and label colours, both (size, size, 3) uint8 RGB.
        """
        size = self.camera.size
        *photo, classes = cv2.split(self.picture)
        axis = np.linspace(-1, 1, size, dtype=np.float32) ** 2
        vignette = 1 - 0.13 * (axis[:, None] + axis)
        noise = rng.standard_normal((size, size), np.float32) * 2.2
        exposed = [
            cv2.GaussianBlur(channel, (3, 3), 0.5) * (vignette * g) + noise
            for channel, g in zip(photo, gain, strict=True)
        ]
        index = classes.astype(np.uint8)
        table = np.array(list(PALETTE.values()), np.uint8)
        label = [table[:, channel][index] for channel in range(3)]
        developed = cv2.merge([np.clip(np.rint(c), 0, 255).astype(np.uint8) for c in exposed])
        return developed, cv2.merge(label)


def fill(plane: np.ndarray, shape: Polygon, value: float | Sequence[float]) -> None:
    """Fills a polygon without smoothing its edge, at sixteenths of a pixel."""
    cv2.fillPoly(plane, [(shape * 16 + 0.5).astype(np.int32)], value, shift=4)


def planar(colour: Sequence[float] | np.ndarray) -> np.ndarray:
    """A colour as (3, 1, 1), to go with images (h, w): much faster in NumPy than channels last."""
    return np.asarray(colour, np.float32).reshape(3, 1, 1)


def hazed(colour: np.ndarray, distance: float | np.ndarray) -> np.ndarray:
    """Mixes the colour of the air into (3, h, w); ``distance`` in metres, any shape that fits."""
    clear = np.exp(-np.asarray(distance, np.float32) / HAZE_LENGTH)
    return (colour - planar(HAZE)) * clear + planar(HAZE)


def over(under: np.ndarray, colour: np.ndarray, cover: np.ndarray) -> np.ndarray:
    """Lays a colour, (3, 1, 1) or (3, h, w), over an image where ``cover`` (h, w) is 1."""
    return under + (colour - under) * cover


def stripe(place: np.ndarray, period: float, width: float, step: np.ndarray | float) -> np.ndarray:
    """Coverage in [0, 1] of a stripe in the middle of each period; ``step`` is the pixel's size."""
    phase = place / period
    off_centre = np.abs(phase - np.floor(phase) - 0.5) * period  # np.mod is many times slower
    return ramp(width / 2 - off_centre, step)


def ramp(inside: np.ndarray, step: np.ndarray | float) -> np.ndarray:
    """Coverage in [0, 1] of what lies ``inside`` metres behind an edge."""
    return unit_clip(inside / step + 0.5)


def unit_clip(values: np.ndarray) -> np.ndarray:
    """Limits to [0, 1]; much faster than ``np.clip`` on small arrays."""
    return np.minimum(np.maximum(values, 0), 1)


@lru_cache(maxsize=1)
def noise_tiles() -> dict[str, np.ndarray]:
    """Noise of unit variance that wraps round, (256, 256), the same in every scene."""
    rng = np.random.Generator(np.random.PCG64(20161121))
    cycles = np.fft.fftfreq(256)[:, None] * 256
    rate = np.hypot(cycles, cycles.T)
    spectra = {
        "sand": np.exp(-((rate / 90) ** 2)),
        "leaf": np.where(rate > 12, 1 / np.maximum(rate, 12), 0) * np.exp(-((rate / 75) ** 2)),
        "cloud": np.where(rate < 60, 1 / np.maximum(rate, 2.5) ** 1.7, 0),
    }
    tiles = {}
    for name, spectrum in spectra.items():
        tile = np.fft.ifft2(np.fft.fft2(rng.standard_normal((256, 256))) * spectrum).real
        tiles[name] = ((tile - tile.mean()) / tile.std()).astype(np.float32)
    return tiles


def sampled(tile: str, columns: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Looks a tile up at real-valued places, all above -4096, nearest neighbour."""
    across = (columns + 4096).astype(np.int32) & 255
    down = (rows + 4096).astype(np.int32) & 255
    return noise_tiles()[tile].ravel().take(down * 256 + across)
