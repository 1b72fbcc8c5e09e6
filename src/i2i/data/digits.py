"""Real handwritten digits of 8 x 8 pixels, which scikit-learn brings: a folder per class."""

import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from i2i.data.built_in import BuiltInSet, installed, whole_number, write_png
from i2i.errors import first_line, setting_error
from i2i.files.ordinary import Unreadable, read_bytes

SPLITTING_VERSION = 1  # raise it whenever other splits come out of the same table
PACKAGE, INSIDE = "scikit-learn", "sklearn/datasets/data/digits.csv.gz"
SIDE, MOST_LEVEL, N_CLASSES = 8, 16, 10  # pixels; ink counted in a block of 4 x 4
MOST_BYTES = 10_000_000  # of the table, packed; it has 57,523


@dataclass(frozen=True)
class Digits(BuiltInSet):
    """The digits of scikit-learn's ``load_digits``, as ``{split}/{class}/NNNN.png``.

    They are the test part of "Optical Recognition of Handwritten Digits" (Alpaydin and Kaynak
    1998): 1,797 of 13 writers, 0 to 16 in each pixel, stretched to 0 to 255 here. The number of a
    file is its line in the table. Each class is divided by itself, in an order drawn from the seed.

    Attributes:
        seed: Of the splits, at least 0.
        val: Share of each class that is held out for validation, above 0.
        test: Likewise for the test.
        table: Another file of that form; None takes that of the package.

    Raises:
        SettingError: A value cannot be used.
    """

    title: ClassVar[str] = "the handwritten digits"
    seed: int = 0
    val: float = 0.15
    test: float = 0.15
    table: str | Path | None = None

    def __post_init__(self) -> None:
        whole_number("dataset.source.seed", self.seed, 0)
        for key in ("val", "test"):
            share = getattr(self, key)
            if not isinstance(share, float) or not 0 < share < 1 or self.val + self.test >= 1:
                raise setting_error(
                    f"dataset.source.{key}={share}", f"val={self.val} and test={self.test}",
                    "shares between 0 and 1 that leave something to train on",
                    f"For example dataset.source.{key}=0.15.",
                )  # fmt: skip

    @property
    def record(self) -> dict[str, Any]:
        return {"made_by": "i2i.data.digits", "version": SPLITTING_VERSION, "seed": self.seed,
                "val": self.val, "test": self.test}  # fmt: skip

    def fill(self, folder: Path) -> None:
        """Writes the pictures of each split."""
        pictures, classes = read_digits(table_file(self.table))
        for number in range(N_CLASSES):
            for split, lines in self.divided(np.flatnonzero(classes == number), number).items():
                of_class = folder / split / str(number)
                of_class.mkdir(parents=True)
                for line in lines:
                    write_png(of_class / f"{line:04d}.png", pictures[line])

    def divided(self, lines: np.ndarray, number: int) -> dict[str, np.ndarray]:
        """Divides the lines of one class into val, test and train.

        Args:
            lines: (n,) of the class.
            number: Of the class.
        """
        key = np.random.SeedSequence(self.seed, spawn_key=(number,))
        order = np.random.Generator(np.random.PCG64(key)).permutation(lines)
        n_val, n_test = (round(share * len(lines)) for share in (self.val, self.test))
        parts = np.split(order, [n_val, n_val + n_test])
        return dict(zip(("val", "test", "train"), parts, strict=True))


def table_file(given: str | Path | None) -> Path:
    """The table, which the installed package names without being imported.

    Raises:
        SettingError: The package is not installed.
    """
    if given is not None:
        return Path(given)
    return installed(PACKAGE, INSIDE, "digits", "the digits (9 MB)")


def read_digits(file: Path) -> tuple[np.ndarray, np.ndarray]:
    """Reads a table of digits.

    Returns:
        Pictures, (n, 8, 8, 1) uint8, and their classes, (n,) from 0 to 9.

    Raises:
        SettingError: It cannot be read, or is none.
    """
    try:
        text = zlib.decompressobj(wbits=31).decompress(read_bytes(file, MOST_BYTES), MOST_BYTES)
        if not text.strip():
            raise ValueError("nothing in it")
        rows = np.loadtxt(text.decode().splitlines(), delimiter=",", ndmin=2)
        levels, classes = rows[:, :-1], rows[:, -1]
        if rows.shape[1] != SIDE * SIDE + 1 or set(classes) != {*range(N_CLASSES)}:
            raise ValueError("no table of 64 pixels and ten classes")
        if (levels != levels.round()).any() or levels.min() < 0 or levels.max() > MOST_LEVEL:
            raise ValueError("levels that are not 0 to 16")
    except (Unreadable, ValueError, zlib.error, EOFError) as error:
        raise setting_error(
            f"dataset=digits, {file}", f"a file that cannot be read ({first_line(error)})",
            f"the one that {PACKAGE} brings", f"Run: pip install --force-reinstall {PACKAGE}",
        ) from error  # fmt: skip
    pictures = np.round(levels * 255 / MOST_LEVEL).astype(np.uint8)
    return pictures.reshape(-1, SIDE, SIDE, 1), classes.astype(int)
