"""Pictures of what the model makes."""

from pathlib import Path
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.loggers import TensorBoardLogger
from torch import Tensor

from i2i.data.batches import size
from i2i.images.grid import image_grid
from i2i.images.image_io import write_png
from i2i.images.rgb import rgb_of_tensor
from i2i.metrics.shown import Shown


def row_of(shown: Shown, place: int) -> dict[str, Tensor]:
    """The pictures of one sample by column, (1 or 3, H, W) on the CPU."""
    columns = {"input": shown.source, "output": shown.made, "back": shown.back}
    columns["target"] = shown.real if shown.y_index is None else None
    return {
        name: pictures[place].detach().float().cpu()
        for name, pictures in columns.items()
        if pictures is not None
    }


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
        columns: What stands in its columns, for messages.
    """

    def __init__(
        self,
        folder: str,
        n_images: int = 8,  # rows
    ):
        self.folder, self.n_images = Path(folder), n_images
        self.rows: dict[str, list[dict[str, Tensor]]] = {}  # by route: pictures by column
        self.seen, self.stride = 0, 1  # images of this pass; one in that many is kept
        self.last_picture: Path | None = None
        self.columns = ""

    def on_validation_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.rows, self.seen, self.stride = {}, 0, 1

    on_test_epoch_start = on_validation_epoch_start

    def on_validation_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: dict[str, Shown],
        batch: Any,
        *_: Any,
    ) -> None:
        if not trainer.is_global_zero:
            return
        for place in range(size(batch)):
            if self.seen % self.stride == 0:
                for route, shown in outputs.items():
                    self.rows.setdefault(route, []).append(row_of(shown, place))
            self.seen += 1
            kept = next(iter(self.rows.values()))
            if len(kept) == 2 * self.n_images:  # every second one, from now on too
                self.rows = {route: rows[::2] for route, rows in self.rows.items()}
                self.stride *= 2

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

    def chosen(self, route: str) -> list[dict[str, Tensor]]:
        """Rows of a route, spread over the split; (1 or 3, H, W) in [-1, 1] by column."""
        rows = self.rows.get(route, [])
        count = min(self.n_images, len(rows))
        return [rows[i * len(rows) // count] for i in range(count)]

    def write_all(self, trainer: Trainer, name: str, split: str) -> None:
        """Writes the grid of each route; the name of one alone needs no route."""
        for route in reversed(self.rows):
            suffix = f"_{route}" if len(self.rows) > 1 else ""
            self.write(trainer, self.chosen(route), name + suffix, split, suffix)

    def write(
        self,
        trainer: Trainer,
        rows: list[dict[str, Tensor]],
        name: str,
        split: str,
        suffix: str = "",
    ) -> None:
        """Writes the grid as a PNG and hands it to every logger that takes pictures."""
        if not rows:
            return
        grid = image_grid([[rgb_of_tensor(image) for image in row.values()] for row in rows])
        self.columns = " | ".join(rows[0]).capitalize()
        self.folder.mkdir(parents=True, exist_ok=True)
        self.last_picture = self.folder / f"{name}.png"
        write_png(self.last_picture, grid)
        for logger in trainer.loggers:
            if hasattr(logger, "log_image"):
                logger.log_image(f"{split}/samples{suffix}", [grid], step=trainer.global_step)
            elif isinstance(logger, TensorBoardLogger):
                logger.experiment.add_image(
                    f"{split}/samples{suffix}", grid, trainer.global_step, dataformats="HWC"
                )
