"""The fast ways to compute a step give the plain way's losses; skipped where there is no GPU."""

import csv
import math
from collections.abc import Iterator

import pytest
import torch

from conftest import Run

pytestmark = pytest.mark.gpu

LOSSES = {
    "vanilla": ["gan_loss=vanilla"],
    "wgan-gp": ["gan_loss=wgan-gp", "model.n_critic=2", "discriminator.norm=instance"],
}
FAST = {
    "auto": ["speed=auto"],
    "compile": ["speed=auto", "speed.compile=true"],
    "max": ["speed=max"],
    "checkpointing": ["speed=auto", "speed.checkpoint_activations=true"],
}


@pytest.fixture(autouse=True)
def no_compiled_code_of_others() -> Iterator[None]:
    """Each test compiles its own networks."""
    torch.compiler.reset()
    yield
    torch.compiler.reset()


def losses(train: Run, folder: str, *options: str) -> list[dict[str, float]]:
    """The terms of each step."""
    run_dir = train(
        "trainer=gpu", "trainer.devices=1", "generator.norm=batch", "trainer.max_steps=8",
        "optimizer.generator.lr=1e-5", "trainer.log_every_n_steps=1",
        *options, folder=folder,
    )  # fmt: skip
    with (run_dir / "metrics.csv").open() as file:
        rows = [r for r in csv.DictReader(file) if any(v for k, v in r.items() if "train/g/" in k)]
    return [
        {k: float(v) for k, v in row.items() if v and k.startswith(("train/d/", "train/g/"))}
        for row in rows
    ]


@pytest.mark.slow
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("way", FAST)
@pytest.mark.parametrize(("precision", "share"), [("32-true", 5e-3), ("bf16-mixed", 5e-2)])
def test_losses_are_those_of_the_plain_way(
    train: Run, way: str, loss: str, precision: str, share: float
) -> None:
    """At a small learning rate, where rounding does not grow.

    float32 convolutions are TF32 on a GPU (10 bits, 1e-3); bfloat16 has 8 bits (4e-3). The bounds
    leave a factor of five to ten for the depth of the networks.
    """
    plain = losses(train, "plain", *LOSSES[loss], "speed=eager", "trainer.precision=32-true")
    fast = losses(train, "fast", *LOSSES[loss], *FAST[way], f"trainer.precision={precision}")
    assert len(plain) == len(fast) == 8
    for one, two in zip(plain, fast, strict=True):
        assert one.keys() == two.keys()
        for name, value in one.items():
            assert math.isfinite(two[name])
            assert two[name] == pytest.approx(value, rel=share, abs=share), name


def test_a_run_goes_on_in_the_other_layout(train: Run) -> None:
    """Weights and averages saved as NCHW go on as NHWC under a fused optimizer."""
    options = ["trainer=gpu", "trainer.devices=1", "trainer.precision=32-true"]
    run_dir = train(*options, "speed=eager", "trainer.max_epochs=1", folder="run")
    train(*options, "trainer.max_epochs=2", "speed=auto", f"resume={run_dir}", folder="run")
    last = torch.load(run_dir / "checkpoints" / "last.ckpt", weights_only=True, map_location="cpu")
    assert all(t.isfinite().all() for t in last["state_dict"].values() if t.is_floating_point())
