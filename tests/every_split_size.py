"""One of several processes that train, score and show splits of few images, one after another.

Arguments: a folder, in which the pairs are made, and the sizes of the splits (train, val, test),
each as three digits. The environment is what Lightning gives to the processes of a run. Prints a
line for each combination: what was scored, or why it was refused. All processes print the same.
"""

import os
import sys
import warnings
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from lightning.pytorch import Callback, LightningModule, Trainer

from conftest import write_pairs
from evaluators import pairwise
from i2i.callbacks.samples import SampleGrid
from i2i.callbacks.scoring import Scoring
from i2i.commands.report import baselines
from i2i.data.batch_sampler import images_of_a_pass
from i2i.data.datamodule import PairedDataModule
from i2i.data.paired_transforms import PairedTransform
from i2i.errors import SettingError
from i2i.metrics.scorer import Scorer
from i2i.training.trainer import build_trainer
from unit.training.test_adversarial import make_model

SIZE = 32  # pixels


class Passes(Callback):
    """Counts the validations that this process came through."""

    def __init__(self) -> None:
        self.ended = 0

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.ended += 1


def data(root: Path, sizes: tuple[int, int, int]) -> PairedDataModule:
    """The first images of each split."""
    splits = {
        split: f"{split}{n}" for split, n in zip(("train", "val", "test"), sizes, strict=True)
    }
    return PairedDataModule(
        name="few", root=root, direction="AtoB", input_channels=3, target_channels=3,
        a_folder="{split}", splits=splits, image_size=SIZE,
        augmentation=PairedTransform(image_size=SIZE), batch_size=1, eval_batch_size=1,
        num_workers=0, seed=0,
    )  # fmt: skip


def trial(root: Path, sizes: tuple[int, int, int], processes: int, **options: Any) -> str:
    """Trains two epochs, with a validation after each, and tests."""
    few = data(root, sizes)
    few.check_batches(processes)
    scorer, passes = Scorer(pairwise()), Passes()
    scoring = Scoring({"AtoB": scorer})
    for split in ("val", "test"):
        share = options.get(f"limit_{split}_batches", 1.0)
        seen = images_of_a_pass(few.set_size(split), few.eval_batch_size, processes, share)
        scorer.evaluator.check_size(split, seen)
    trainer = build_trainer(
        "cpu", processes, strategy="ddp" if processes > 1 else "auto", max_epochs=2,
        callbacks=[scoring, SampleGrid(str(root / "samples")), passes], logger=False,
        enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False,
        num_sanity_val_steps=0, log_every_n_steps=1, **options,
    )  # fmt: skip
    model = make_model("batch")
    trainer.fit(model, few)
    trainer.test(model, few, verbose=False)
    found = baselines(trainer, model, few, scoring.scorers)
    passes_of_a_run = (scoring.results["val"], scoring.results["test"])
    results = [result["AtoB"] for result in passes_of_a_run] + [found["AtoB"]["input copied"]]
    words = [f"{result.n_images}:{result.values['l1']:.6f}" for result in results]
    return f"steps {trainer.global_step} passes {passes.ended} scores {' '.join(words)}"


def main(folder: Path, combinations: list[str]) -> None:
    """Tries every combination."""
    warnings.simplefilter("ignore")
    processes, rank = int(os.environ["WORLD_SIZE"]), int(os.environ["LOCAL_RANK"])
    for combination in combinations:
        sizes, _, options = combination.partition(",")
        settings = dict(word.split("=") for word in options.split(",") if word)
        settings = {name: float(value) for name, value in settings.items()}
        try:
            said = trial(folder, tuple(map(int, sizes)), processes, **settings)
        except SettingError as error:
            said = f"refused {error}"
        print(f"{rank} {combination} {said}", flush=True)
    if dist.is_initialized():
        dist.destroy_process_group()


def make_splits(root: Path) -> None:
    """Folders train1 to train4, and so on; those of n images are the first n of each."""
    for seed, split in enumerate(("train", "val", "test")):
        for n in range(1, 5):
            write_pairs(root, {f"{split}{n}": n}, SIZE, seed)


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(Path(sys.argv[1]), sys.argv[2:])
