"""Two real training steps of a composed configuration, made tiny, with nothing around them."""

from typing import Any

import torch
from hydra import compose, initialize_config_dir
from hydra.core.hydra_config import HydraConfig
from lightning.pytorch import Callback, Trainer
from omegaconf import DictConfig, open_dict

from conftest import CONF

# The smallest networks of a preset's shape; keys that a preset does not have are left out.
SLIM = {"base_channels": 2, "n_blocks": 1, "n_local_blocks": 1, "hidden_channels": 2}
DEPTH = 5  # most halvings: sizes are multiples of 32


def composed(*options: str) -> DictConfig:
    with initialize_config_dir(str(CONF), version_base="1.3"):
        cfg = compose("config", ["run_dir=run", *options], return_hydra_config=True)
    HydraConfig.instance().set_config(cfg)
    return cfg


def slim(cfg: DictConfig, size: int) -> None:
    """Makes the networks tiny and the pictures small."""
    with open_dict(cfg):
        cfg.dataset.image_size = size
        cfg.discriminator.base_channels = 2
        for key, value in SLIM.items():
            if key in cfg.generator:
                cfg.generator[key] = value
        if "encoder" in cfg.model:
            cfg.model.encoder.base_channels = 2
        if "n_downs" in cfg.generator:
            cfg.generator.n_downs = min(cfg.generator.n_downs, DEPTH)


class Watch(Callback):
    """Which weights moved, and whether all is finite."""

    def on_train_start(self, trainer: Trainer, pl_module: Any) -> None:
        self.before = {n: p.detach().clone() for n, p in pl_module.named_parameters()}

    def on_train_end(self, trainer: Trainer, pl_module: Any) -> None:
        now = dict(pl_module.named_parameters())
        self.broken = [n for n, p in now.items() if not torch.isfinite(p).all()]
        moved = {n.split(".")[0] for n, p in now.items() if not torch.equal(p, self.before[n])}
        self.moved = moved - {"ema"}


def two_steps(model: Any, **data: Any) -> Watch:
    """Fits two generator updates with nothing around them."""
    watch = Watch()
    trainer = Trainer(
        accelerator="cpu", devices=1, max_steps=2, callbacks=[watch], logger=False,
        enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False,
        num_sanity_val_steps=0, limit_val_batches=0, use_distributed_sampler=False,
        log_every_n_steps=1,
    )  # fmt: skip
    trainer.fit(model, **data)
    assert trainer.global_step == 2
    assert watch.broken == []
    return watch
