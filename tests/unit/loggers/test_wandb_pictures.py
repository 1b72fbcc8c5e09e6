"""Tables of test pictures, read back from what W&B keeps offline."""

from pathlib import Path

import numpy as np
import pytest

from i2i.images.image_io import write_png
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
    tables, size = tables_of(tmp_path)
    (table,) = tables.values()
    assert list(tables) == ["test/pictures"]
    assert table.columns == ["name", "input", "output", "target", "l1", "ssim"]
    assert [[row[0], *row[4:]] for row in table.data] == [["a", 1.5, 0.5], ["d", 3.5, 0.25]]
    levels = [[np.asarray(image.image)[0, 0, 0] for image in row[1:4]] for row in table.data]
    assert levels == [[0, 40, 80], [2, 42, 82]]
    assert size == sum(f.stat().st_size for f in tmp_path.rglob("*.png"))


def test_each_route_has_a_table(tmp_path: Path) -> None:
    make_run(tmp_path, ("AtoB", "BtoA"))
    tables, _ = tables_of(tmp_path)
    assert list(tables) == ["test/AtoB/pictures", "test/BtoA/pictures"]


def test_the_run_says_how_large_its_tables_are(
    tmp_path: Path, capfd: pytest.CaptureFixture
) -> None:
    make_run(tmp_path)
    logger = make_wandb_logger(str(tmp_path), "p", offline=True)
    logger.log_pictures()
    logger.experiment.finish()
    assert "W&B: test/pictures with 2 test images, 0.0 MB" in "".join(capfd.readouterr())
    found = read_run(tmp_path)
    assert found["history"][-1]["test/pictures/nrows"] == 2
    files = found["artifacts"]["run_table"]["files"]
    assert len([name for name in files if name.endswith(".png")]) == 6


def test_a_run_without_pictures_has_no_table(tmp_path: Path) -> None:
    assert tables_of(tmp_path) == ({}, 0)
