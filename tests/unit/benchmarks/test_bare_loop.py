"""The loop that speeds are compared with computes what our own module computes.

Both run in float64. They are two programs (cross entropy here, softplus there; one mean here, a
mean over scales there), so that their float32 results differ by rounding, which Adam and two
players amplify by an amount that depends on the processor.
"""

import copy
from functools import partial
from typing import Any

import pytest
import torch
from lightning.pytorch import Callback, Trainer
from torch.utils.data import DataLoader

from benchmarks.bare_loop import OBJECTIVES, BareLoop
from i2i.discriminators.patchgan import PatchDiscriminator
from i2i.generators.unet import UNetGenerator
from i2i.losses.gan import VanillaGAN, WassersteinGP
from i2i.seeds import stable_seed
from i2i.systems.pix2pix import Pix2Pix
from i2i.training.schedules import Constant

STEPS = 3
ADAM = {"lr": 2e-3, "betas": (0.5, 0.9)}
LOSSES = {"vanilla": VanillaGAN(), "wgan-gp": WassersteinGP()}
# Rounding to float64 is 1e-16, which three steps amplify about a thousandfold. A term, a weight or
# an order of updates that is wrong shows in the first digits.
TOLERANCE = 1e-10
WEIGHT = {"vanilla": 0.5, "wgan-gp": 1.0}  # of D, as the presets have it


pytestmark = pytest.mark.usefixtures("float64")


class Terms(Callback):
    """Keeps the weighted terms of every generator step."""

    def __init__(self) -> None:
        self.rows: list[dict[str, float]] = []

    def on_train_batch_end(self, trainer: Trainer, *_: Any) -> None:
        if trainer.global_step > len(self.rows):
            found = trainer.callback_metrics.items()
            self.rows.append(
                {k.removeprefix("train/"): v.item() for k, v in found if "train/lr" not in k}
            )


def lightning_run(model: Pix2Pix, pairs: list[dict[str, Any]]) -> list[dict[str, float]]:
    terms = Terms()
    trainer = Trainer(
        max_steps=STEPS, max_epochs=-1, accelerator="cpu", devices=1, logger=False,
        enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False,
        log_every_n_steps=1, callbacks=[terms],
    )  # fmt: skip
    trainer.fit(model, DataLoader(pairs, batch_size=2))
    return terms.rows


def bare_run(loop: BareLoop, pairs: list[dict[str, Any]], n_critic: int) -> list[dict[str, float]]:
    """The noise of batch i is seeded as the module seeds it."""
    rows = []
    batches = list(DataLoader(pairs, batch_size=2))
    for index in range(STEPS * n_critic):
        torch.manual_seed(stable_seed(0, "noise", index, 0))
        terms = loop.on_batch(batches[index % len(batches)])
        if "g/l1" in terms:
            rows.append({name: value.item() for name, value in terms.items()})
    return rows


@pytest.mark.parametrize(
    ("objective", "n_critic"), [("vanilla", 1), ("wgan-gp", 1), ("wgan-gp", 2)]
)
def test_three_steps_have_the_losses_of_the_lightning_module(objective: str, n_critic: int) -> None:
    assert objective in OBJECTIVES
    random = torch.Generator().manual_seed(1)
    images = torch.rand(6, 2, 3, 32, 32, generator=random) * 2 - 1
    pairs = [
        {"input": x, "target": y, "name": str(i), "index": i} for i, (x, y) in enumerate(images)
    ]
    torch.manual_seed(0)
    generator = UNetGenerator(3, 3, 4, n_downs=5)  # dropout and batch norm included
    discriminator = PatchDiscriminator(3, 3, 4, norm="layer")
    loop = BareLoop(
        copy.deepcopy(generator), copy.deepcopy(discriminator), objective, ADAM, ADAM, n_critic
    )
    adam = partial(torch.optim.Adam, **ADAM)
    model = Pix2Pix(
        generator, discriminator, LOSSES[objective], discriminator_weight=WEIGHT[objective],
        optimizer_g=adam, optimizer_d=adam, scheduler=Constant, n_critic=n_critic, seed=0,
    )  # fmt: skip
    ours, bare = lightning_run(model, pairs), bare_run(loop, pairs, n_critic)
    assert len(ours) == len(bare) == STEPS
    for row, other in zip(ours, bare, strict=True):
        assert other == pytest.approx(row, rel=TOLERANCE, abs=TOLERANCE)
    assert ours[0]["g/l1"] != ours[-1]["g/l1"]  # something was learnt
