"""Pictures of what the model makes."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.loggers import TensorBoardLogger
from torch import Tensor

from i2i.images.grid import image_grid
from i2i.images.image_io import write_png
from i2i.images.rgb import rgb_of_tensor
from i2i.labels.label_pictures import LabelPictures
from i2i.labels.palette import UNLABELLED
from i2i.metrics.shown import Shown

Row = dict[str, Tensor]  # pictures by column, (1 or 3, H, W) on the CPU


def row_of(shown: Shown, place: int) -> Row:
    """The pictures of one sample by column."""
    return {name: kept(pictures, place) for name, pictures in shown.columns().items()}


def kept(pictures: Tensor, place: int) -> Tensor:
    """One picture of a batch on the CPU."""
    return pictures[place].detach().float().cpu()


class Rows:
    """A row for each of a few samples from all over a split, however many there will be."""

    def __init__(self, n: int) -> None:
        self.n, self.rows = n, []
        self.seen, self.stride = 0, 1  # one sample in that many is kept

    def add(self, shown: Shown) -> None:
        """Keeps what stands at the right distance."""
        for place in range(len(shown.index)):
            if self.seen % self.stride == 0:
                self.rows.append(row_of(shown, place))
            self.seen += 1
            if len(self.rows) == 2 * self.n:  # every second one, from now on too
                self.rows, self.stride = self.rows[::2], 2 * self.stride

    def chosen(self) -> list[Row]:
        """At most n rows, spread over the split."""
        count = min(self.n, len(self.rows))
        return [self.rows[i * len(self.rows) // count] for i in range(count)]

    @property
    def title(self) -> str:
        """What stands in a row."""
        return " | ".join(self.rows[0]).capitalize()


class RowsOfClasses:
    """A row for each class, of pictures that have no source; one row of all without classes."""

    title = "A row for each class"

    def __init__(self, n: int) -> None:
        self.n, self.made = n, {}

    def add(self, shown: Shown) -> None:
        """Keeps the first n pictures of each class."""
        labels = [0] * len(shown.index) if shown.label is None else shown.label.tolist()
        for place, label in enumerate(labels):
            label = tuple(label) if isinstance(label, list) else label  # attributes
            row = self.made.setdefault(label, {})
            if len(row) < self.n:
                row[f"output_{len(row)}"] = kept(shown.made_seen, place)

    def chosen(self) -> list[Row]:
        """The rows by class; those that are shorter than others are as they are."""
        return [self.made[label] for label in sorted(self.made)]


class SampleGrid(Callback):
    """Writes rows of images from all over a split, and logs them.

    A row is input | output | target; where something translates back, also the input that comes
    back, before the target; where the true answer is not known, there is no target. A system of
    several routes gets a grid for each.

    The same images at each validation; under DDP those of process 0. At test each picture also
    gets a file of its own, ``test/{000,001,...}_{input,output,target}.png``, from which the runs of
    a sweep are put side by side.

    Attributes:
        last_picture: The file that was written last, of the main route.
        columns: What stands in its rows, for messages.
    """

    def __init__(
        self,
        folder: str,
        n_images: int = 8,  # rows
    ):
        self.folder, self.n_images = Path(folder), n_images
        self.rows: dict[str, Rows | RowsOfClasses] = {}  # of this pass, by route
        self.label_maps: dict[str, dict[str, LabelPictures]] = {}  # which columns are, by route
        self.last_picture: Path | None = None
        self.columns = ""

    def on_validation_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.rows = {}

    on_test_epoch_start = on_validation_epoch_start

    def on_validation_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: dict[str, Shown], *_: Any
    ) -> None:
        if not trainer.is_global_zero:
            return
        for route, shown in outputs.items():
            if route not in self.rows:
                self.rows[route] = (RowsOfClasses if shown.x is None else Rows)(self.n_images)
            self.rows[route].add(shown)
            self.label_maps[route] = shown.label_maps

    on_test_batch_end = on_validation_batch_end

    def on_validation_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.write_all(trainer, f"val_step_{trainer.global_step:07d}", "val")

    def on_test_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if not trainer.is_global_zero:  # the files are those of process 0
            return
        self.write_all(trainer, "test", "test")
        for old in (self.folder / "test").glob("*.png"):  # of an earlier, longer test
            old.unlink()
        for i, row in enumerate(self.chosen(next(iter(self.rows), ""))):  # of the main route
            for column, image in row.items():
                write_png(self.folder / "test" / f"{i:03d}_{column}.png", rgb_of_tensor(image))

    def chosen(self, route: str) -> list[Row]:
        """Rows of a route."""
        return self.rows[route].chosen() if route in self.rows else []

    def write_all(self, trainer: Trainer, name: str, split: str) -> None:
        """Writes the grid of each route; the name of one alone needs no route."""
        for route in reversed(self.rows):
            suffix = f"_{route}" if len(self.rows) > 1 else ""
            if rows := self.chosen(route):
                self.columns = self.rows[route].title
                self.write(trainer, rows, name + suffix, f"{split}/samples{suffix}", route)

    def write(
        self,
        trainer: Trainer,
        rows: list[Row],
        name: str,
        key: str,
        route: str,
    ) -> None:
        """Writes the grid as a PNG and hands it to every logger that takes pictures."""
        pictures = [{c: rgb_of_tensor(image) for c, image in row.items()} for row in rows]
        grid = image_grid([list(row.values()) for row in pictures])
        labels = self.label_maps[route]
        self.folder.mkdir(parents=True, exist_ok=True)
        self.last_picture = self.folder / f"{name}.png"
        write_png(self.last_picture, grid)
        for logger in trainer.loggers:
            if labels and hasattr(logger, "log_label_maps"):
                ids, names = classes_of(pictures, labels)
                logger.log_label_maps(key, grid, ids, names, trainer.global_step)
            elif hasattr(logger, "log_image"):
                logger.log_image(key, [grid], step=trainer.global_step)
            elif isinstance(logger, TensorBoardLogger):
                logger.experiment.add_image(key, grid, trainer.global_step, dataformats="HWC")


def classes_of(
    rows: list[dict[str, np.ndarray]], labels: Mapping[str, LabelPictures]
) -> tuple[np.ndarray, dict[int, str]]:
    """The class of each pixel of a grid, 255 beside its label maps; and the classes' names.

    Args:
        rows: Pictures by column, (H, W, 3) uint8.
        labels: Which columns are label maps.
    """

    def ids(column: str, picture: np.ndarray) -> np.ndarray:
        if column not in labels:
            return np.full_like(picture, UNLABELLED)
        return labels[column].ids(picture)[..., None].repeat(3, 2)

    grid = image_grid([[ids(column, picture) for column, picture in row.items()] for row in rows])
    return grid[..., 0], next(iter(labels.values())).names
