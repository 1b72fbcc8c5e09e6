"""Tables of test pictures, read back from what W&B keeps offline."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from i2i.comparison.run_test import read_tests
from i2i.images.image_io import write_png
from i2i.labels.label_pictures import LabelPictures
from i2i.labels.palette import ClassPalette
from i2i.loggers.wandb import make_wandb_logger
from i2i.loggers.wandb_pictures import tables_of
from wandb_file import read_run


def make_run(folder: Path, routes: tuple[str, ...] = ("",)) -> None:
    """Three tested images, of which two have pictures, for each route."""
    for route in routes:
        name = f"per_image_{route}.csv" if route else "per_image.csv"
        (folder / name).write_text("name,index,l1,ssim\na,0,1.5,0.5\nb/c,1,2.5,\nd,2,3.5,0.25\n")
        for index in (0, 2):
            for level, column in enumerate(("input", "output", "target")):
                picture = np.full((4, 6, 3), 40 * level + index, np.uint8)
                file = folder / "test_pictures" / route / f"{index:06d}_{column}.png"
                write_png(file, picture)


def test_a_table_has_a_row_for_each_image_with_pictures_and_all_of_its_scores(
    tmp_path: Path,
) -> None:
    make_run(tmp_path)
    tables, size = tables_of("test", read_tests(tmp_path), {})
    (table,) = tables.values()
    assert list(tables) == ["test/pictures"]
    assert table.columns == ["name", "input", "output", "target", "l1", "ssim"]
    assert [[row[0], *row[4:]] for row in table.data] == [["a", 1.5, 0.5], ["d", 3.5, 0.25]]
    levels = [[np.asarray(image.image)[0, 0, 0] for image in row[1:4]] for row in table.data]
    assert levels == [[0, 40, 80], [2, 42, 82]]
    assert size == sum(f.stat().st_size for f in tmp_path.rglob("*.png"))


def test_each_route_has_a_table(tmp_path: Path) -> None:
    make_run(tmp_path, ("AtoB", "BtoA"))
    tables, _ = tables_of("test", read_tests(tmp_path), {})
    assert list(tables) == ["test/AtoB/pictures", "test/BtoA/pictures"]


def test_the_run_says_how_large_its_tables_are(
    tmp_path: Path, capfd: pytest.CaptureFixture
) -> None:
    make_run(tmp_path)
    logger = make_wandb_logger(str(tmp_path), "p", offline=True)
    logger.log_pictures({})
    logger.experiment.finish()
    assert "W&B: test/pictures with 2 test images, 0.0 MB" in "".join(capfd.readouterr())
    found = read_run(tmp_path)
    assert found["history"][-1]["test/pictures/nrows"] == 2
    files = found["artifacts"]["run_table"]["files"]
    assert len([name for name in files if name.endswith(".png")]) == 6


def test_a_run_without_pictures_has_no_table(tmp_path: Path) -> None:
    assert tables_of("test", read_tests(tmp_path), {}) == ({}, 0)


PALETTE = ClassPalette({"sky": [10, 20, 30], "road": [200, 0, 0], "tree": [0, 200, 0]}, [0, 0, 0])


def drawn(folder: Path) -> np.ndarray:
    """A run whose input is a label map with all classes and unlabelled pixels; gives its ids."""
    make_run(folder)
    ids = np.array([[0, 1, 2, 255], [2, 2, 1, 0], [255, 0, 1, 1]], np.uint8)
    colours = {0: (10, 20, 30), 1: (200, 0, 0), 2: (0, 200, 0), 255: (0, 0, 0)}
    picture = np.array([[colours[i] for i in row] for row in ids.tolist()], np.uint8)
    write_png(folder / "test_pictures" / "000000_input.png", picture)
    return ids


def test_a_label_map_has_its_classes_as_a_mask_with_their_names(tmp_path: Path) -> None:
    ids = drawn(tmp_path)
    maps = {"": {"input": LabelPictures(PALETTE, truth=True)}}
    logger = make_wandb_logger(str(tmp_path), "p", offline=True)
    logger.log_pictures(maps)
    logger.experiment.finish()
    (table,) = tables_of("test", read_tests(tmp_path), maps)[0].values()
    _, shown, output, *_ = table.data[0]
    names = {0: "sky", 1: "road", 2: "tree", 255: "unlabelled"}
    (mask,) = shown._masks.values()
    assert mask._val["class_labels"] == names and output._masks is None
    assert np.array_equal(np.asarray(Image.open(mask._path)), ids)
    files = read_run(tmp_path)["artifacts"]["run_table"]["files"]
    assert len([f for f in files if f.endswith("mask.png")]) == 2  # one for each row
    assert len([f for f in files if f.endswith(".classes.json")]) == 1
