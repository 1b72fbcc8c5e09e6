"""Pictures of the test split that several runs can be compared by."""

from typing import Any

from lightning.pytorch import LightningModule, Trainer

from i2i.callbacks.kept_pictures import KeptPictures
from i2i.metrics.shown import Shown


class TestPictures(KeptPictures):
    """Writes pictures of test images; ``per_image.csv`` has the name and the scores of each."""

    __test__ = False  # for pytest, which takes the name for that of a test
    setting = "callbacks.test_pictures"

    def __init__(
        self,
        folder: str,
        n_images: int = 100,  # of all routes together; 0: none
        side: int = 256,  # pixels; larger pictures are shrunk
    ):
        super().__init__(folder, n_images, side)

    def on_test_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.begin(trainer, pl_module, "test", trainer.limit_test_batches)

    def on_test_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: dict[str, Shown], *_: Any
    ) -> None:
        self.keep(outputs)
