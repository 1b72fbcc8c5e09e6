"""Pictures of the same images of a split in every run of a data set."""

import math
from pathlib import Path
from typing import Any

import numpy as np
from lightning.pytorch import Callback, LightningModule, Trainer

from i2i.callbacks.samples import row_of
from i2i.comparison.run_test import COLUMNS
from i2i.data.batch_sampler import images_of_a_pass
from i2i.errors import setting_error
from i2i.images.image_io import write_png
from i2i.images.rgb import rgb_of_tensor
from i2i.labels.label_pictures import LabelPictures
from i2i.metrics.shown import Shown


class KeptPictures(Callback):
    """Writes input, output, the way back where there is one, and target of some images of a pass.

    Which ones follows from the number of images alone, whatever the number of processes, and each
    process writes those that it has.

    The files are ``{index:06d}_{column}.png`` in ``folder``, where a system of several routes has a
    folder for each; at most ``4 * n_images`` of them, of all routes together. A side of more than
    ``side`` pixels is shrunk to that, so that a picture has 3 * side^2 bytes at most.

    Attributes:
        setting: What the options are called in errors.
        places: Of the images that are kept, by route.
        label_maps: Which columns are label maps, by route; "" for the only one.
    """

    setting = ""

    def __init__(self, folder: str, n_images: int, side: int):
        self.require(n_images=(n_images, 0), side=(side, 1))
        self.folder, self.n_images, self.side = Path(folder), n_images, side
        self.places: dict[str, set[int]] = {}
        self.label_maps: dict[str, dict[str, LabelPictures]] = {}

    def require(self, **options: tuple[Any, int]) -> None:
        """Refuses options, each a value and its least one, that mean nothing.

        Raises:
            SettingError: One does.
        """
        for name, (value, least) in options.items():
            if type(value) is not int or value < least:
                raise setting_error(
                    f"{self.setting}.{name}={value}", repr(value),
                    f"a whole number, {least} or more", "Leave it out for the usual one.",
                )  # fmt: skip

    def begin(
        self, trainer: Trainer, pl_module: LightningModule, split: str, limit: float | int
    ) -> None:
        """Chooses the images of a pass, and removes the pictures of an earlier one.

        Args:
            trainer: Of the run.
            pl_module: The system.
            split: What is gone through.
            limit: Batches of it, or a share.
        """
        data = trainer.datamodule
        limits = (data.eval_batch_size, trainer.world_size, limit)
        total = images_of_a_pass(data.set_size(split), *limits)
        routes = pl_module.evaluates or pl_module.routes
        each = min(total, math.ceil(self.n_images / len(routes)))
        self.places = {route: {k * total // each for k in range(each)} for route in routes}
        if trainer.is_global_zero:
            for old in self.folder.rglob("*.png"):
                old.unlink()
        trainer.strategy.barrier()  # before another process writes

    def keep(self, outputs: dict[str, Shown]) -> None:
        """Writes what a batch has of the chosen images."""
        for route, shown in outputs.items():
            name = route if len(self.places) > 1 else ""
            self.label_maps[name] = shown.label_maps
            for place, index in enumerate(shown.index.tolist()):
                if index in self.places[route]:
                    self.write(self.folder / name, shown, place, index)

    def write(self, folder: Path, shown: Shown, place: int, index: int) -> None:
        """Writes the pictures of one image; a second time in vain where a sampler repeats it."""
        row, labels = row_of(shown, place), shown.label_maps
        for column in (name for name in COLUMNS if name in row):
            picture = shrunk(rgb_of_tensor(row[column]), self.side, column in labels)
            write_png(folder / f"{index:06d}_{column}.png", picture)


def shrunk(picture: np.ndarray, side: int, of_classes: bool = False) -> np.ndarray:
    """A picture, (H, W, 3) uint8, whose larger side has at most that many pixels.

    Args:
        picture: The picture.
        side: Pixels.
        of_classes: Whether it is a label map, whose colours do not mix.
    """
    import cv2

    factor = side / max(picture.shape[:2])
    if factor >= 1:
        return picture
    size = tuple(max(1, round(s * factor)) for s in picture.shape[1::-1])
    way = cv2.INTER_NEAREST if of_classes else cv2.INTER_AREA
    return cv2.resize(picture, size, interpolation=way)
