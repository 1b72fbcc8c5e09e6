"""What src/dashboard.py reads out of a folder of runs."""

from pathlib import Path

import pytest

from compared_runs import log, make_run, paint
from i2i.commands.dashboard import of_folder

GRID = "val_step_0000010"


@pytest.mark.parametrize(
    ("routes", "tables", "grids"),
    [
        ([""], ["test/pictures"], ["val/samples"]),
        (
            ["AtoB", "to_B"],
            ["test/AtoB/pictures", "test/to_B/pictures"],
            ["val/samples_AtoB", "val/samples_to_B"],
        ),
    ],
)
def test_panels_are_of_the_pictures_that_runs_have_logged(
    tmp_path: Path, routes: list[str], tables: list[str], grids: list[str]
) -> None:
    run = make_run(tmp_path / "0", "x=1", per_image={f"{r}/l1".strip("/"): [1.0] for r in routes})
    log(run, [{"step": 1, **{f"val/{r}/l1".replace("//", "/"): 3 for r in routes}}])
    paint(run, 90, 1)
    for route in filter(None, routes):
        (run / "test_pictures" / route).mkdir()
        for file in (run / "test_pictures").glob("*.png"):
            (run / "test_pictures" / route / file.name).write_bytes(file.read_bytes())
    if routes != [""]:
        for file in (run / "test_pictures").glob("*.png"):
            file.unlink()
    (run / "samples").mkdir()
    for route in routes:
        (run / "samples" / f"{GRID}{f'_{route}' if route else ''}.png").touch()
    found = of_folder(tmp_path)
    assert (list(found.tables), list(found.grids)) == (tables, grids)


def test_pictures_of_validations_have_a_panel_too(tmp_path: Path) -> None:
    run = make_run(tmp_path / "0", "x=1", per_image={"l1": [1.0]})
    paint(run, 90, 1)
    (run / "test_pictures").rename(run / "val_pictures")
    assert list(of_folder(tmp_path).tables) == ["val/pictures"]
