"""Hundreds of picture files, each with what is right to make of it: an oracle a class of fault.

Nothing here reads a picture by the code that is tested. All upright pictures have SIZE.
"""

import io
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

SIZE = (12, 20)  # height and width in pixels
SEED = 20261114
JPEG_OFF = 3  # levels between two decoders of JPEG, at most

# Reads a file by other means than the project, or says None: (H, W, 3) from 0 to 255.
Reference = Callable[[bytes], np.ndarray | None]


@dataclass(frozen=True)
class Case:
    """A file and its oracle: exactly one of the last three.

    Attributes:
        kind: Class of fault.
        name: Of the file, which no other case has.
        data: What is in it, or what makes that where it takes long.
        right: The picture as RGB from 0 to 255, (H, W, 3).
        refused: A pattern that the words of the refusal have.
        either: May be read, as this reader reads it and no other way, or be refused.
        within: Levels that a value of ``right`` may be off: rounding, or lossy compression.
        asked: Whether it is the options that do not fit the file, which is whole: nothing says that
            such files may be left out.
    """

    kind: str
    name: str
    data: bytes | Callable[[], bytes]
    right: np.ndarray | None = None
    refused: str | None = None
    either: Reference | None = None
    within: float = 0.51
    asked: bool = False

    @property
    def stem(self) -> str:
        return self.name.rpartition(".")[0]

    def content(self) -> bytes:
        """The file's bytes."""
        return self.data if isinstance(self.data, bytes) else self.data()


class Cases:
    """Collects cases under numbered names."""

    def __init__(self) -> None:
        self.found: list[Case] = []

    def add(
        self,
        kind: str,
        suffix: str,
        data: bytes | Callable[[], bytes],
        right: np.ndarray | None = None,
        *,
        refused: str | None = None,
        either: Reference | None = None,
        within: float = 0.51,
        asked: bool = False,
        name: str | None = None,
    ) -> None:
        """Adds one; ``name`` is what stands before the suffix, instead of kind and number."""
        assert sum(oracle is not None for oracle in (right, refused, either)) == 1
        number = sum(case.kind == kind for case in self.found)
        stem = f"{kind.replace(' ', '-')}-{number:02d}" if name is None else name
        right = None if right is None else in_colours(right)
        assert right is None or right.shape == (*SIZE, 3), (kind, right.shape)
        found = Case(kind, stem + suffix, data, right, refused, either, within, asked)
        self.found.append(found)


def in_colours(image: np.ndarray) -> np.ndarray:
    """(H, W, 3) float64 of grey or colours."""
    image = np.asarray(image, np.float64)
    image = image[:, :, None] if image.ndim == 2 else image
    return np.repeat(image, 3, axis=2) if image.shape[2] == 1 else image


def noise(rng: np.random.Generator, channels: int = 3, most: int = 256) -> np.ndarray:
    """Random samples, (H, W, C), or (H, W) for one channel."""
    shape = SIZE if channels == 1 else (*SIZE, channels)
    return rng.integers(0, most, shape).astype(np.uint8 if most <= 256 else np.uint16)


def photograph(rng: np.random.Generator) -> np.ndarray:
    """Smooth colours, which lossy formats keep."""
    coarse = Image.fromarray(rng.integers(0, 256, (3, 4, 3)).astype(np.uint8))
    return np.array(coarse.resize(SIZE[::-1], Image.Resampling.BICUBIC))


def by_pillow(data: bytes) -> np.ndarray | None:
    """What Pillow reads, where it does without complaint."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            image.load()
            return in_colours(np.array(image.convert("RGB")))
    except Exception:
        return None


def by_numpy(data: bytes) -> np.ndarray | None:
    """What numpy reads of 8-bit arrays."""
    try:
        found = np.load(io.BytesIO(data), allow_pickle=False)
        found = found if isinstance(found, np.ndarray) else found[found.files[0]]
        return in_colours(found) if found.dtype == np.uint8 else in_colours(found * 0 - 1)
    except Exception:
        return None


def known(right: np.ndarray) -> Reference:
    """This picture, whatever the file says."""
    return lambda data: in_colours(right)


class Canary:
    """Makes a file where it is unpickled."""

    def __init__(self, place: str) -> None:
        self.place = place

    def __reduce__(self) -> tuple[Callable[..., None], tuple[Path]]:
        return Path.touch, (Path(self.place),)


def pickled(place: str) -> bytes:
    """A pickle that leaves a mark where it is read; the place is below the working folder."""
    return pickle.dumps(np.array([[Canary(place)]], dtype=object))


def all_cases() -> list[Case]:
    """Every case, always the same."""
    from faults import damaged_pictures, kinds_of_files, kinds_of_pixels

    cases = Cases()
    kinds = (*damaged_pictures.KINDS, *kinds_of_pixels.KINDS, *kinds_of_files.KINDS)
    for number, make in enumerate(kinds):
        make(cases, np.random.default_rng((SEED, number)))
    names = [case.name for case in cases.found]
    assert len(set(names)) == len(names)
    return cases.found
