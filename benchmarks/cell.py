"""One cell of the training table: what is trained, and how Lightning trains it.

Random batches stand ready on the device, so that the loops are compared and nothing else.
"""

import logging
import os
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate
from lightning.pytorch import Callback, seed_everything
from omegaconf import DictConfig

from i2i.commands.launch import quieten
from i2i.config.resolvers import register
from i2i.resources import root_dir

ENDLESS = 1_000_000  # steps; the stopwatch ends the run


@dataclass(frozen=True)
class Cell:
    """One cell of the table."""

    generator: str  # a preset
    objective: str  # vanilla or wgan-gp; lsgan for cyclegan
    batch: int  # images
    size: int  # pixels
    device: str = "cpu"  # or cuda
    base_channels: int = 64
    n_critic: int = 1  # critic updates per step, under wgan-gp
    options: tuple[str, ...] = ()  # of Hydra; the variant
    warmup: int = 1  # steps before the measured ones, the first included
    seconds: float = 1.5  # measured at least
    least: int = 2  # blocks measured at least
    block: int = 1  # steps per block
    in_turns: bool = False  # whether it takes turns with the bare loop, block by block
    system: str = "pix2pix"  # or cyclegan

    @property
    def batches_a_step(self) -> int:
        """Batches that one generator update uses up."""
        return self.n_critic if self.objective == "wgan-gp" else 1

    def now(self) -> float:
        """Seconds on the clock, once the device is done."""
        if self.device == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter()


class InMemory:
    """A loader that hands out the same batches for ever."""

    def __init__(self, batches: list[dict[str, Any]]):
        self.batches = batches

    def __len__(self) -> int:
        return 10 * ENDLESS

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for index in range(len(self)):
            yield self.batches[index % len(self.batches)]


def random_batch(cfg: DictConfig, batch: int, size: int, device: str) -> dict[str, Any]:
    """Pairs of noise in [-1, 1]."""
    channels = {"input": cfg.dataset.input_channels, "target": cfg.dataset.target_channels}
    images = {k: (torch.rand(batch, c, size, size) * 2 - 1).to(device) for k, c in channels.items()}
    return images | {
        "name": [str(i) for i in range(batch)],
        "index": torch.arange(batch, device=device),
    }


def composed(cell: Cell) -> DictConfig:
    """The configuration of a cell, from ``conf/`` as a user's command line would make it."""
    quieten()
    register()
    os.environ["I2I_ROOT"] = str(root_dir())
    options = [
        "run_dir=.", f"model={cell.system}", f"generator={cell.generator}",
        f"gan_loss={cell.objective}",
        f"generator.base_channels={cell.base_channels}",
        f"discriminator.base_channels={cell.base_channels}", "trainer.max_epochs=-1",
        f"trainer.max_steps={ENDLESS}", "trainer.limit_val_batches=0",
        "trainer.enable_progress_bar=false",
    ]  # fmt: skip
    if not any(option.startswith("trainer=") for option in cell.options):
        options.append(f"trainer={'gpu' if cell.device == 'cuda' else 'cpu'}")
    if cell.generator == "unet" and cell.size < 256:
        options.append(f"generator.n_downs={cell.size.bit_length() - 1}")
    if cell.objective == "wgan-gp":
        options.append(f"model.n_critic={cell.n_critic}")
    with initialize_config_dir(str(root_dir() / "conf"), version_base="1.3"):
        return compose("config", [*options, *cell.options])


def fit(cfg: DictConfig, data: Any, callback: Callback) -> Any:
    """Trains a cell's model, with nothing around it; returns the trainer.

    Args:
        cfg: The cell's configuration.
        data: A list of batches, which come again and again, or a data module.
        callback: Measures, and ends the run.
    """
    warnings.filterwarnings("ignore", module="lightning")  # no validation loader, no srun
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    seed_everything(cfg.seed, verbose=False)
    model = instantiate(cfg.model)
    trainer = instantiate(
        cfg.trainer, callbacks=[callback], logger=False, enable_checkpointing=False
    )
    trainer.fit(model, InMemory(data) if isinstance(data, list) else data)
    return trainer
