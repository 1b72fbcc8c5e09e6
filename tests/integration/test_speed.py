"""The ways to compute a step, typed as a user types them."""

import csv
from pathlib import Path

import pytest
import torch

from conftest import Run

FAST = ["speed.channels_last=true", "speed.fused=true"]


def losses(run_dir: Path) -> list[dict[str, float]]:
    """The terms of each step."""
    with (run_dir / "metrics.csv").open() as file:
        rows = [r for r in csv.DictReader(file) if any(v for k, v in r.items() if "train/g/" in k)]
    return [
        {k: float(v) for k, v in row.items() if v and k.startswith(("train/d/", "train/g/"))}
        for row in rows
    ]


@pytest.mark.parametrize("loss", [["gan_loss=vanilla"], ["gan_loss=wgan-gp", "model.n_critic=2"]])
@pytest.mark.parametrize(
    "fast", [FAST, ["speed.checkpoint_activations=true"]], ids=["fast", "small"]
)
def test_losses_are_those_of_the_plain_way(train: Run, loss: list[str], fast: list[str]) -> None:
    """At a small learning rate, where rounding does not grow."""
    options = [*loss, "trainer.max_steps=4", "trainer.log_every_n_steps=1"]
    options += ["optimizer.generator.lr=1e-5", "generator.norm=batch"]
    plain = losses(train(*options, "speed=eager", folder="plain"))
    other = losses(train(*options, *fast, folder="other"))
    assert len(plain) == len(other) == 4
    for one, two in zip(plain, other, strict=True):
        assert two == pytest.approx(one, rel=1e-3, abs=1e-4)


@pytest.mark.parametrize("first", [[], FAST], ids=["from-plain", "from-fast"])
def test_a_run_goes_on_in_another_layout(train: Run, first: list[str]) -> None:
    """Weights and averages saved as NCHW go on as NHWC, and the other way round."""
    plain = ["speed.channels_last=false", "speed.fused=false"]
    options = ["optimizer.generator.lr=1e-4", "scheduler=constant", "generator.norm=batch"]
    straight = train(*options, *plain, "trainer.max_epochs=2", folder="straight")
    train(*options, *(first or plain), "trainer.max_epochs=1", folder="halves")
    halves = train(
        "trainer.max_epochs=2", *(plain if first else FAST),
        f"resume={straight.parent / 'halves'}", folder="halves",
    )  # fmt: skip
    layout = torch.load(halves / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]
    wide = next(v for n, v in layout.items() if v.dim() == 4 and min(v.shape) > 1)
    assert wide.is_contiguous(memory_format=torch.channels_last) is (not first)
    one, two = (
        torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True)
        for folder in (straight, halves)
    )
    assert one["global_step"] == two["global_step"] > 2
    for name, value in one["state_dict"].items():
        torch.testing.assert_close(two["state_dict"][name], value, rtol=1e-2, atol=1e-3)
