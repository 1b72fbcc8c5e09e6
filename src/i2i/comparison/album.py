"""Pictures that go into a page: each once, and small enough that all of them fit."""

import base64
import hashlib
from pathlib import Path

import numpy as np

from i2i.errors import SettingError
from i2i.files.ordinary import Unreadable, read_bytes
from i2i.images.reading import Reading

# Bytes of all pictures. base64 makes 28 MB of them; the page and comparison.png are 50 MB at most.
BUDGET = 21_000_000
MOST_FILE = 16_000_000  # bytes of one picture's file
MOST_SIDE = 4096  # pixels of a picture that is read
# Largest side in pixels and WebP's quality, from the best to the smallest: the first that fits.
STEPS = (
    (512, 95),
    (512, 85),
    (256, 85),
    (256, 78),
    (256, 70),
    (192, 60),
    (128, 60),
    (96, 50),
    (64, 40),
)
SAMPLE = 24  # pictures that a step is judged by before all are encoded
FEW = 256  # colours; a picture of so few, such as a label map, is kept to the pixel
LOSSLESS = 101  # for OpenCV's WebP


class Album:
    """Collects files, and encodes them once all are known.

    Attributes:
        files: By number, one file of each content.
        side: Pixels of the largest side that a picture may have, once encoded.
        quality: Of WebP, once encoded.
        damaged: Why files were left out.
    """

    def __init__(self, budget: int = BUDGET) -> None:
        self.budget = budget
        self.files: list[Path] = []
        self.damaged: list[str] = []
        self.side, self.quality = STEPS[0]
        self._numbers: dict[bytes, int] = {}

    def add(self, file: Path | None) -> int | None:
        """The number of a picture; None where it is missing or cannot be read."""
        if file is None:
            return None
        try:
            digest = digest_of(file)
        except Unreadable as error:
            self.damaged.append(f"{file.name} cannot be read ({error})")
            return None
        if digest not in self._numbers:
            self._numbers[digest] = len(self.files)
            self.files.append(file)
        return self._numbers[digest]

    def encoded(self) -> list[str | None]:
        """All pictures as WebP in base64, by number; None where one is damaged."""
        stride = max(1, len(self.files) // SAMPLE)
        sample = [self._decoded(file) for file in self.files[::stride]]
        for self.side, self.quality in STEPS:
            sizes = [len(webp(p, self.side, self.quality)) for p in sample if p is not None]
            if sizes and sum(sizes) / len(sizes) * len(self.files) > self.budget:
                continue
            found = self._all()
            if sum(len(data or b"") for data in found) <= self.budget:
                break
        return [None if data is None else base64.b64encode(data).decode() for data in found]

    def _all(self) -> list[bytes | None]:
        pictures = map(self._decoded, self.files)
        return [None if p is None else webp(p, self.side, self.quality) for p in pictures]

    def _decoded(self, file: Path) -> np.ndarray | None:
        try:
            picture = Reading(3, MOST_SIDE**2).read(file)
        except SettingError as error:
            if str(error) not in self.damaged:
                self.damaged.append(str(error))
            return None
        return picture if picture.dtype == np.uint8 else picture.round().astype(np.uint8)


def digest_of(file: Path) -> bytes:
    """What tells the content of a picture's file; raises as ``read_bytes`` does."""
    return hashlib.sha256(read_bytes(file, MOST_FILE)).digest()


def webp(picture: np.ndarray, side: int, quality: int) -> bytes:
    """A picture as a file of WebP.

    Args:
        picture: (H, W, 3) uint8 RGB.
        side: Pixels that its larger side may have.
        quality: 1 to 100; a picture of few colours that is not shrunk is kept to the pixel.
    """
    import cv2

    factor = side / max(picture.shape[:2])
    if factor < 1:
        size = tuple(max(1, round(s * factor)) for s in picture.shape[1::-1])
        picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    elif few_colours(picture):
        quality = LOSSLESS
    options = [cv2.IMWRITE_WEBP_QUALITY, quality]
    _, data = cv2.imencode(".webp", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), options)
    return data.tobytes()


def few_colours(picture: np.ndarray) -> bool:
    """Whether a picture, (H, W, 3) uint8, has at most 256 colours."""
    packed = picture.astype(np.uint32) @ np.array([65536, 256, 1], np.uint32)
    return len(np.unique(packed[::4])) <= FEW and len(np.unique(packed)) <= FEW
