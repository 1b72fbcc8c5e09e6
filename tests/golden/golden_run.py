"""Ten pix2pix steps on eight pairs of 64 x 64: the losses that a refactor must not move."""

from functools import partial
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import LightningDataModule, Trainer
from torch.utils.data import DataLoader

from i2i.discriminators.patchgan import PatchDiscriminator
from i2i.generators.unet import UNetGenerator
from i2i.losses.gan import VanillaGAN
from i2i.systems.pix2pix import Pix2Pix
from i2i.training.schedules import LinearDecay

FILE = Path(__file__).with_name("losses_cpu.csv")
COLUMNS = ("d/real", "d/fake", "g/gan", "g/l1")


class Pairs(LightningDataModule):
    """Smooth random targets; the input is the negative."""

    def train_dataloader(self) -> DataLoader:
        """Eight pairs in batches of two."""
        random = torch.Generator().manual_seed(1)
        pairs = []
        for index in range(8):
            coarse = torch.rand(1, 3, 4, 4, generator=random) * 2 - 1
            y = torch.nn.functional.interpolate(coarse, 64, mode="bilinear")[0]
            pairs.append({"input": -y, "target": y, "name": str(index), "index": index})
        return DataLoader(pairs, batch_size=2)


class Recorded(Pix2Pix):
    """Keeps the terms of every step."""

    rows: list[list[float]]

    def write_terms(self, players: dict[str, Any]) -> None:
        self.rows.append([players[c[0]][c[2:]].item() for c in COLUMNS])


def golden_losses() -> list[list[float]]:
    """Runs the ten steps; one row a step, in the order of COLUMNS."""
    torch.manual_seed(0)
    adam = partial(torch.optim.Adam, lr=2e-4, betas=(0.5, 0.999))
    model = Recorded(
        UNetGenerator(3, 3, 8, n_downs=6), PatchDiscriminator(3, 3, 8), VanillaGAN(),
        optimizer_g=adam, optimizer_d=adam, scheduler=LinearDecay,
    )  # fmt: skip
    model.rows = []
    Trainer(
        max_steps=10, accelerator="cpu", logger=False, enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False,
    ).fit(model, Pairs())  # fmt: skip
    return model.rows
