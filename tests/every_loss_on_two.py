"""Trains on two CPU processes and compares all their weights after every update.

Started without arguments it starts its second process itself. Prints a line for each objective.
"""

from functools import partial
from typing import Any

import torch
import torch.distributed as dist
from lightning.pytorch import Callback, Trainer

from i2i.cluster.strategy import PlayersDDP
from i2i.losses.gan import HingeGAN, LeastSquaresGAN, NoGAN, VanillaGAN, WassersteinGP
from i2i.losses.pan import PAN
from i2i.losses.reconstruction import L1
from unit.systems.test_bicyclegan import make_model as make_bicyclegan
from unit.systems.test_classifier import make_model as make_classifier
from unit.systems.test_cyclegan import make_model as make_cyclegan
from unit.systems.test_discogan import make_model as make_discogan
from unit.training.test_adversarial import Pairs, make_model

CASES: dict[str, dict[str, Any]] = {
    "vanilla": {"gan_loss": VanillaGAN()},
    "lsgan": {"gan_loss": LeastSquaresGAN()},
    "hinge": {"gan_loss": HingeGAN()},
    "wgan-gp": {"gan_loss": WassersteinGP()},
    "r1": {"gan_loss": VanillaGAN(r1=10.0)},
    "pan": {"gan_loss": VanillaGAN(), "reconstruction": {"pan": PAN()}},
    "none": {"gan_loss": NoGAN(), "reconstruction": {"l1": L1()}},
    "parts": {"gan_loss": WassersteinGP(), "accumulate": 2},
    "cyclegan": {"ema_decay": 0.5, "pool_size": 1},
    "bicyclegan": {"ema_decay": 0.5},
    "discogan": {"first_batches": 2},
    "classifier": {"norm": "instance"},
}
MAKE = {  # the others are pix2pix
    "cyclegan": make_cyclegan,
    "bicyclegan": make_bicyclegan,
    "discogan": make_discogan,
    "classifier": partial(make_classifier, channels=3),
}


def everywhere(value: torch.Tensor) -> list[torch.Tensor]:
    """The value of both processes."""
    found = [torch.empty_like(value) for _ in range(2)]
    dist.all_gather(found, value.contiguous())
    return found


class SplitPairs(Pairs):
    """Each process its own pairs."""

    def train_dataloader(self) -> torch.utils.data.DataLoader:
        mine = [p | {"label": p["index"] % 3} for p in self.pairs[dist.get_rank() :: 2]]
        return torch.utils.data.DataLoader(mine, self.batch_size)


class Compare(Callback):
    """Counts the batches after which all weights of both processes have the same bits."""

    def on_train_start(self, trainer: Trainer, pl_module: Any) -> None:
        self.equal = self.batches = 0
        self.other_data = True
        self.before = [p.detach().clone() for p in pl_module.generator.parameters()]

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        pairs = [everywhere(p.detach()) for p in pl_module.parameters()]
        self.equal += all(torch.equal(one, two) for one, two in pairs)
        one, two = everywhere(batch["input"])
        self.other_data &= not torch.equal(one, two)
        self.batches += 1
        self.moved = any(
            not torch.equal(a, b)
            for a, b in zip(self.before, pl_module.generator.parameters(), strict=True)
        )


def main() -> None:
    """Fits every case."""
    for name, options in CASES.items():
        model = MAKE[name](**options) if name in MAKE else make_model("instance", **options)
        if dist.is_initialized() and dist.get_rank() == 1:
            with torch.no_grad():  # process 0's weights have to arrive
                next(model.parameters()).add_(1.0)
        compare = Compare()
        trainer = Trainer(
            max_steps=2, accelerator="cpu", devices=2, strategy=PlayersDDP(), logger=False,
            callbacks=[compare], enable_checkpointing=False, enable_progress_bar=False,
            enable_model_summary=False, num_sanity_val_steps=0, limit_val_batches=0,
            use_distributed_sampler=False,
        )  # fmt: skip
        trainer.fit(model, SplitPairs(8, batch_size=2))
        words = [f"{compare.batches} updates"]
        words += ["equal after each"] * (compare.equal == compare.batches)
        words += ["other data"] * compare.other_data + ["moved"] * compare.moved
        if dist.get_rank() == 0:  # the other would write into the same line
            print(f"\nrank 0: {name} {', '.join(words)}", flush=True)


if __name__ == "__main__":
    main()
