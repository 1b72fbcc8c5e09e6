"""Pictures of what the model makes."""

from pathlib import Path
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.loggers import TensorBoardLogger
from torch import Tensor

from i2i.data.tasks.task import Task
from i2i.images.grid import image_grid
from i2i.images.image_io import write_png
from i2i.images.rgb import rgb_of_tensor

COLUMNS = ("input", "output", "target")


class SampleGrid(Callback):
    """Writes input | output | target rows of images from all over a split, and logs them.

    The same images at each validation; under DDP those of process 0. The model's task, where it
    has one, turns what the network is given and answers into pictures. At test each picture also
    gets a file of its own, ``test/{000,001,...}_{input,output,target}.png``, from which the runs of
    a sweep are put side by side.

    Attributes:
        last_picture: The file that was written last.
    """

    def __init__(
        self,
        folder: str,
        n_images: int = 8,  # rows
    ):
        self.folder, self.n_images = Path(folder), n_images
        self.rows: list[list[Tensor]] = []  # x, y_hat and y of an image, as the network has them
        self.seen, self.stride = 0, 1  # images of this pass; one in that many is kept
        self.last_picture: Path | None = None

    def on_validation_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.rows, self.seen, self.stride = [], 0, 1

    on_test_epoch_start = on_validation_epoch_start

    def on_validation_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Tensor, batch: Any, *_: Any
    ) -> None:
        if not trainer.is_global_zero:
            return
        for row in zip(batch["input"], outputs, batch["target"], strict=True):
            if self.seen % self.stride == 0:
                self.rows.append([image.detach().float().cpu() for image in row])
            self.seen += 1
            if len(self.rows) == 2 * self.n_images:  # every second one, from now on too
                self.rows, self.stride = self.rows[::2], 2 * self.stride

    on_test_batch_end = on_validation_batch_end

    def on_validation_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.write(trainer, self.pictures(pl_module), f"val_step_{trainer.global_step:07d}", "val")

    def on_test_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if not trainer.is_global_zero:  # the files are those of process 0
            return
        rows = self.pictures(pl_module)
        self.write(trainer, rows, "test", "test")
        for old in (self.folder / "test").glob("*.png"):  # of an earlier, longer test
            old.unlink()
        for i, row in enumerate(rows):
            for column, image in zip(COLUMNS, row, strict=True):
                write_png(self.folder / "test" / f"{i:03d}_{column}.png", rgb_of_tensor(image))

    def pictures(self, pl_module: LightningModule) -> list[list[Tensor]]:
        """Rows of input, output and target, (1 or 3, H, W) in [-1, 1], spread over the split."""
        task = getattr(pl_module, "task", None) or Task()
        count = min(self.n_images, len(self.rows))
        rows = []
        for i in range(count):
            x, y_hat, y = (image[None] for image in self.rows[i * len(self.rows) // count])
            shown = [
                task.input_picture(x),
                task.output_picture(x, y_hat),
                task.output_picture(x, y),
            ]
            rows.append([picture[0] for picture in shown])
        return rows

    def write(self, trainer: Trainer, rows: list[list[Tensor]], name: str, split: str) -> None:
        """Writes the grid as a PNG and hands it to every logger that takes pictures."""
        if not rows:
            return
        grid = image_grid([[rgb_of_tensor(image) for image in row] for row in rows])
        self.folder.mkdir(parents=True, exist_ok=True)
        self.last_picture = self.folder / f"{name}.png"
        write_png(self.last_picture, grid)
        for logger in trainer.loggers:
            if hasattr(logger, "log_image"):
                logger.log_image(f"{split}/samples", [grid], step=trainer.global_step)
            elif isinstance(logger, TensorBoardLogger):
                logger.experiment.add_image(
                    f"{split}/samples", grid, trainer.global_step, dataformats="HWC"
                )
