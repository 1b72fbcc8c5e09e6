"""Converts the official Cityscapes downloads (Cordts et al. 2016) to photo and label folders.

    python -m i2i.data.cityscapes --official DIR --output DIR --size 256

DIR holds the folders leftImg8bit and gtFine, to which leftImg8bit_trainvaltest.zip and
gtFine_trainvaltest.zip unpack. Made are OUTPUT/{train,val}/photo/NAME.png and
OUTPUT/{train,val}/label/NAME.png, for dataset=cityscapes_official; the test split has no public
labels.
"""

import argparse
import itertools
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from i2i.data.paired_transforms import resize_image
from i2i.errors import SettingError, setting_error
from i2i.files.beside import beside, fresh, take_away
from i2i.files.file_lock import exclusive
from i2i.files.walk import files_below
from i2i.images.image_io import write_png
from i2i.labels.palette import UNLABELLED

# The 19 classes of the benchmark, in the order of their train ids: official id and colour, as in
# the table of labels of cityscapesScripts.
CLASSES: dict[str, tuple[int, tuple[int, int, int]]] = {
    "road": (7, (128, 64, 128)),
    "sidewalk": (8, (244, 35, 232)),
    "building": (11, (70, 70, 70)),
    "wall": (12, (102, 102, 156)),
    "fence": (13, (190, 153, 153)),
    "pole": (17, (153, 153, 153)),
    "traffic light": (19, (250, 170, 30)),
    "traffic sign": (20, (220, 220, 0)),
    "vegetation": (21, (107, 142, 35)),
    "terrain": (22, (152, 251, 152)),
    "sky": (23, (70, 130, 180)),
    "person": (24, (220, 20, 60)),
    "rider": (25, (255, 0, 0)),
    "car": (26, (0, 0, 142)),
    "truck": (27, (0, 0, 70)),
    "bus": (28, (0, 60, 100)),
    "train": (31, (0, 80, 100)),
    "motorcycle": (32, (0, 0, 230)),
    "bicycle": (33, (119, 11, 32)),
}
MOST_OFFICIAL_ID = 33
SPLITS = ("train", "val")
ENDINGS = {"leftImg8bit": "_leftImg8bit.png", "gtFine": "_gtFine_labelIds.png"}  # by download

Files = dict[str, dict[str, Path]]  # split -> NAME -> file


def train_ids(official: np.ndarray, name: str) -> np.ndarray:
    """Turns official ids, 0..33, into train ids, 0..18, and 255 for all other classes.

    Args:
        official: (H, W) uint8.
        name: Of the file, for the error.

    Returns:
        (H, W) uint8.

    Raises:
        SettingError: There is an id above 33.
    """
    wrong = np.unique(official[official > MOST_OFFICIAL_ID])
    if len(wrong):
        raise setting_error(
            f"label '{name}'", f"the ids {', '.join(map(str, wrong[:8]))}",
            f"official ids, 0 to {MOST_OFFICIAL_ID}", "Unpack gtFine_trainvaltest.zip anew.",
        )  # fmt: skip
    table = np.full(256, UNLABELLED, np.uint8)
    for train_id, (official_id, _) in enumerate(CLASSES.values()):
        table[official_id] = train_id
    return table[official]


def convert(official: Path, output: Path, size: tuple[int, int] = (256, 256)) -> dict[str, int]:
    """Makes the data set.

    Everything is written to a folder beside ``output`` that gets its name when it is whole.
    Photographs are shrunk by area averaging, ids take the nearest pixel.

    Args:
        official: Folder with the two downloads, unpacked.
        output: Folder to make; must not be there, or be empty.
        size: (height, width) in pixels; the files have 1024 x 2048.

    Returns:
        Number of pairs of each split.

    Raises:
        SettingError: A download is missing or incomplete, a file is damaged, or ``output`` has
            something in it or cannot be written.
    """
    output = Path(os.path.abspath(output))
    photos, labels = (find_files(official, part) for part in ENDINGS)
    _refuse_unpaired(photos, labels)
    staging = beside(output, "converting")
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        with exclusive(beside(output, "lock"), "cityscapes"):
            _refuse_occupied(output)  # in here: another process may have made it meanwhile
            try:
                fresh(staging)
                for split in SPLITS:
                    _convert_split(split, photos, labels, staging / split, size)
                os.replace(staging, output)
            finally:
                take_away(staging)
    except OSError as error:
        raise setting_error(
            f"--output '{output}'", f"a folder that cannot be written ({error.strerror or error})",
            "free space and write permission", "Mend that, or name another; then run this again.",
        ) from error  # fmt: skip
    return {split: len(photos[split]) for split in SPLITS}


def find_files(official: Path, part: str) -> Files:
    """Finds the images of one download.

    Args:
        official: The folder that holds it.
        part: leftImg8bit or gtFine.

    Raises:
        SettingError: There are no train or no val images, or a folder cannot be read.
    """
    ending, files = ENDINGS[part], {}
    for split in SPLITS:
        top = official / part / split
        walked = files_below(top, f"--official '{official}'") if os.path.isdir(top) else ()
        found = sorted(top / city / name for city, name in walked if name.endswith(ending))
        files[split] = {path.name.removesuffix(ending): path for path in found}
        if not found:
            inside = sorted(os.listdir(official)) if os.path.isdir(official) else []
            raise setting_error(
                f"--official '{official}'",
                f"nothing like {part}/{split}/CITY/*{ending} in it (it holds: "
                f"{', '.join(inside[:8]) or 'nothing'})",
                "the two official downloads, unpacked",
                f"Fetch {part}_trainvaltest.zip at cityscapes-dataset.com (registration), unzip it "
                "there, and leave its folders as they are.",
            )
    return files


def write_label(file: Path, ids: np.ndarray) -> None:
    """Writes class ids, (H, W) uint8, as palette PNG: values are the ids, colours the official."""
    from PIL import Image

    levels = [level for _, colour in CLASSES.values() for level in colour]
    image = Image.fromarray(ids).convert("P")
    image.putpalette(levels + [0] * (768 - len(levels)))  # unlabelled, 255, is black
    image.save(file)


def _refuse_occupied(output: Path) -> None:
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise setting_error(
            f"--output '{output}'", "something there already", "a folder that is new or empty",
            "Name another one, or delete it; if it is the converted set, it can be used.",
        )  # fmt: skip


def _refuse_unpaired(photos: Files, labels: Files) -> None:
    sides = (("photographs", photos, labels), ("labels", labels, photos))
    for split, (kind, one, other) in itertools.product(SPLITS, sides):
        alone = sorted(one[split].keys() - other[split].keys())
        if alone:
            named = ", ".join(alone[:3]) + (", ..." if len(alone) > 3 else "")
            raise setting_error(
                f"'{one[split][alone[0]].parents[2]}'",
                f"{len(alone)} of {len(one[split])} {kind} of {split} without counterpart "
                f"({named})",
                "a photograph and a label of each name",
                "Unpack the official archives anew; one is incomplete.",
            )


def _convert_split(
    split: str, photos: Files, labels: Files, folder: Path, size: tuple[int, int]
) -> None:
    for side in ("photo", "label"):
        (folder / side).mkdir(parents=True)

    def make(name: str) -> None:
        photo = _decoded(photos[split][name], "RGB")
        ids = train_ids(_decoded(labels[split][name], "L"), name)
        if photo.shape[:2] != ids.shape:
            shapes = f"a photograph of {photo.shape[:2]} and a label of {ids.shape}"
            raise setting_error(f"'{name}'", shapes, "the same size", "Fetch the archives anew.")
        write_png(folder / "photo" / f"{name}.png", resize_image(photo, size, label=False))
        small = resize_image(ids[:, :, None], size, label=True)[:, :, 0]
        write_label(folder / "label" / f"{name}.png", small)

    names = sorted(photos[split])
    with ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1)) as pool:
        try:
            for done, _ in enumerate(pool.map(make, names), start=1):
                if done % 500 == 0 or done == len(names):
                    print(f"cityscapes: {split}: {done} of {len(names)}", flush=True)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _decoded(file: Path, mode: str) -> np.ndarray:
    from PIL import Image

    try:
        with Image.open(file) as image:
            if image.mode == mode:
                return np.asarray(image)
            found = f"a {image.format} of mode {image.mode}"
    except (OSError, SyntaxError, ValueError) as error:
        found = f"a damaged file ({error})"
    raise setting_error(f"'{file}'", found, f"a whole PNG of mode {mode}", "Unpack it anew.")


def _size(text: str) -> tuple[int, int]:
    sides = [int(side) if side.isdecimal() else 0 for side in text.split("x")]
    if len(sides) > 2 or min(sides) < 1:
        expected = "pixels, or HEIGHTxWIDTH"
        raise setting_error(f"--size {text}", "that value", expected, "Say 256 or 512x1024.")
    return sides[0], sides[-1]


def main(arguments: Sequence[str] | None = None) -> None:
    """Reads the command line, converts, and prints what was made."""
    parser = argparse.ArgumentParser("python -m i2i.data.cityscapes", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--official", type=Path, required=True, help="folder of the downloads")
    parser.add_argument("--output", type=Path, required=True, help="folder to make")
    parser.add_argument("--size", default="256", help="pixels, or HEIGHTxWIDTH")
    given = parser.parse_args(arguments)
    try:
        made = convert(given.official, given.output, _size(given.size))
    except SettingError as error:
        raise SystemExit(str(error)) from error
    counts = " and ".join(f"{count} {split} pairs" for split, count in made.items())
    print(f"cityscapes: {counts} in {given.output}; dataset=cityscapes_official uses them")


if __name__ == "__main__":
    main()
