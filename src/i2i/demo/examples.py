"""Pictures to begin with: a folder's, else those of the run's test, else the data set's."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from i2i.errors import setting_error
from i2i.inference.files_to_translate import images_below
from i2i.inference.side_by_side import input_side


def find_examples(
    asked: Path | None, run: Path, route: str, dataset: Mapping[str, Any], photos: bool = False
) -> list[Path]:
    """The files of the examples of a route, in order; none where there are none.

    Args:
        asked: A folder; None: what the run or the data set has.
        run: The folder of the run.
        route: One of the model's.
        dataset: The options of the data set, as the route sees them.
        photos: Whether those of the run or the data set are to be the photographs that a task makes
            inputs from, as targets are.

    Raises:
        SettingError: The folder that is asked for is none, or cannot be read.
    """
    if asked is not None:
        if not asked.is_dir():
            raise setting_error(
                f"examples={asked}", "a file" if asked.exists() else "nothing there",
                "a folder of pictures", "Name another folder, or leave examples out.",
            )  # fmt: skip
        return images_below(asked, f"examples={asked}")
    return of_the_test(run, route, "target" if photos else "input") or of_the_data_set(dataset)


def of_the_test(run: Path, route: str, column: str) -> list[Path]:
    """What ``callbacks.test_pictures`` kept of inputs, or of targets."""
    folder = run / "test_pictures"
    own = folder / route
    return sorted((own if route and own.is_dir() else folder).glob(f"*_{column}.png"))


def of_the_data_set(dataset: Mapping[str, Any]) -> list[Path]:
    """The input side of the test split, where it lies in folders."""
    side, splits = input_side(dataset), dataset.get("splits") or {}
    pattern = dataset.get(f"{side.lower()}_folder") or dataset.get("a_folder")
    if not (dataset.get("root") and pattern and splits.get("test")):
        return []
    domains = dataset.get("domains") or ["", ""]
    domain = domains[0 if side == "A" else 1]
    folder = Path(str(dataset["root"])) / str(pattern).format(split=splits["test"], domain=domain)
    return images_below(folder, f"dataset.root={dataset['root']}") if folder.is_dir() else []


def evenly(files: list[Path], most: int) -> list[Path]:
    """At most that many of the files, from all over the list."""
    n = min(most, len(files))
    return [files[k * len(files) // n] for k in range(n)]
