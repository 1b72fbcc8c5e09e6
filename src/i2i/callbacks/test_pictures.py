"""Pictures of the test split that several runs can be compared by."""

import math
from pathlib import Path
from typing import Any

import numpy as np
from lightning.pytorch import Callback, LightningModule, Trainer

from i2i.callbacks.samples import row_of
from i2i.data.batch_sampler import images_of_a_pass
from i2i.errors import setting_error
from i2i.images.image_io import write_png
from i2i.images.rgb import rgb_of_tensor
from i2i.metrics.shown import Shown

COLUMNS = ("input", "output", "target")


class TestPictures(Callback):
    """Writes input, output and target of the same test images in every run of a data set.

    Which ones follows from the number of images alone, whatever the number of processes, and each
    process writes those that it has. ``per_image.csv`` has the name and the scores of each.

    The files are ``{index:06d}_{column}.png`` in ``folder``, where a system of several routes has a
    folder for each; at most ``3 * n_images`` of them, of all routes together. A side of more than
    ``side`` pixels is shrunk to that, so that a picture has 3 * side^2 bytes at most.
    """

    __test__ = False  # for pytest, which takes the name for that of a test

    def __init__(
        self,
        folder: str,
        n_images: int = 100,  # of all routes together; 0: none
        side: int = 256,  # pixels; larger pictures are shrunk
    ):
        for name, value, least in (("n_images", n_images, 0), ("side", side, 1)):
            if type(value) is not int or value < least:
                raise setting_error(
                    f"callbacks.test_pictures.{name}={value}", repr(value),
                    f"a whole number, {least} or more", "Leave it out for the usual one.",
                )  # fmt: skip
        self.folder, self.n_images, self.side = Path(folder), n_images, side
        self.places: dict[str, set[int]] = {}  # of the images that are kept, by route

    def on_test_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        data = trainer.datamodule
        limits = (data.eval_batch_size, trainer.world_size, trainer.limit_test_batches)
        total = images_of_a_pass(data.set_size("test"), *limits)
        routes = pl_module.evaluates or pl_module.routes
        each = min(total, math.ceil(self.n_images / len(routes)))
        self.places = {route: {k * total // each for k in range(each)} for route in routes}
        if trainer.is_global_zero:
            for old in self.folder.rglob("*.png"):  # of an earlier test
                old.unlink()
        trainer.strategy.barrier()  # before another process writes

    def on_test_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: dict[str, Shown],
        batch: Any,
        *_: Any,
    ) -> None:
        for route, shown in outputs.items():
            for place, index in enumerate(shown.index.tolist()):
                if index in self.places[route]:
                    self.write(route if len(self.places) > 1 else "", shown, place, index)

    def write(self, route: str, shown: Shown, place: int, index: int) -> None:
        """Writes the pictures of one image; a second time in vain where a sampler repeats it."""
        row = row_of(shown, place)
        for column in (name for name in COLUMNS if name in row):
            picture = shrunk(rgb_of_tensor(row[column]), self.side)
            write_png(self.folder / route / f"{index:06d}_{column}.png", picture)


def shrunk(picture: np.ndarray, side: int) -> np.ndarray:
    """A picture, (H, W, 3) uint8, whose larger side has at most that many pixels."""
    import cv2

    factor = side / max(picture.shape[:2])
    if factor >= 1:
        return picture
    size = tuple(max(1, round(s * factor)) for s in picture.shape[1::-1])
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
