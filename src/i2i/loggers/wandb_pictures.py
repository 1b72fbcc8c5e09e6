"""The test pictures of a run as tables of W&B, which join over the runs by the pictures' names."""

from pathlib import Path
from typing import Any

from i2i.comparison.run_test import Tested, read_tests

COLUMNS = ("input", "output", "target")


def tables_of(run_dir: Path) -> tuple[dict[str, Any], int]:
    """A table for each route: name, input, output, target, and each score of that image.

    Only images whose pictures were kept are in it (``callbacks.test_pictures``), the same ones in
    all runs of a data set.

    Args:
        run_dir: The run's folder, after its test.

    Returns:
        ``wandb.Table`` by the key to log it under, and the bytes of all pictures.
    """
    tests = read_tests(run_dir)
    named = {
        f"test/{route}/pictures" if route else "test/pictures": t for route, t in tests.items()
    }
    files = [f for test in tests.values() for row in test.pictures.values() for f in row.values()]
    tables = {key: table_of(test) for key, test in named.items() if test.pictures}
    return tables, sum(file.stat().st_size for file in files)


def table_of(test: Tested) -> Any:
    """The table of one route."""
    import wandb

    shown = [c for c in COLUMNS if any(c in row for row in test.pictures.values())]
    table = wandb.Table(columns=["name", *shown, *test.scores])
    for index, files in sorted(test.pictures.items()):
        pictures = [wandb.Image(str(files[c])) if c in files else None for c in shown]
        scores = [values.get(index) for values in test.scores.values()]
        table.add_data(test.names.get(index, str(index)), *pictures, *scores)
    return table
