"""bfloat16 on the CPU: the networks run in it; weights, losses and scores stay float32."""

import csv
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from conftest import TINY_UNET, Run
from i2i.systems.pix2pix import Pix2Pix

LOSSES = {"vanilla": ["gan_loss=vanilla"], "wgan-gp": ["gan_loss=wgan-gp", "model.n_critic=2"]}
TERMS = {
    "vanilla": {"real", "fake", "gan", "l1"},
    "wgan-gp": {"real", "fake", "penalty", "gan", "l1"},
}


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[tuple[torch.dtype, dict[str, torch.Tensor]]]:
    """The dtype of G's images, and the terms, of every loss that a run computes."""
    found: list[tuple[torch.dtype, dict[str, torch.Tensor]]] = []

    original = Pix2Pix.terms

    def terms_of(self: Pix2Pix, player: str, batch: dict, made: dict) -> dict[str, torch.Tensor]:
        terms = original(self, player, batch, made)
        found.extend((image.dtype, terms) for image in made.values())
        return terms

    monkeypatch.setattr(Pix2Pix, "terms", terms_of)
    return found


def tensors(state: Any) -> list[torch.Tensor]:
    """Every tensor below a node."""
    if isinstance(state, torch.Tensor):
        return [state]
    parts = state.values() if isinstance(state, dict) else state
    return [
        t for part in parts if isinstance(part, dict | list | torch.Tensor) for t in tensors(part)
    ]


@pytest.mark.parametrize("loss", LOSSES)
def test_bf16_training_keeps_weights_and_losses_in_float32(
    train: Run, seen: list[tuple[torch.dtype, dict]], loss: str
) -> None:
    run_dir = train(
        *LOSSES[loss], "trainer.precision=bf16-mixed", "trainer.max_steps=2", "model.ema_decay=0.9",
        "callbacks.health=null",  # at a validation it asks D in float32
    )  # fmt: skip
    assert {dtype for dtype, _ in seen} == {torch.bfloat16}
    assert {name for _, terms in seen for name in terms} == TERMS[loss]
    for _, terms in seen:
        for name, value in terms.items():
            assert value.dtype == torch.float32 and value.isfinite(), name
    last = torch.load(run_dir / "checkpoints" / "last.ckpt", weights_only=True)
    assert last["global_step"] == 2
    state = tensors(last["state_dict"]) + tensors(last["optimizer_states"])
    assert len(state) > 20
    floating = [t for t in state if t.is_floating_point()]
    assert {t.dtype for t in floating} == {torch.float32}
    assert all(t.isfinite().all() for t in floating)
    with (run_dir / "metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    logged = [float(v) for row in rows for k, v in row.items() if v and k.startswith("train/")]
    assert logged and all(math.isfinite(value) for value in logged)
    scores = json.loads((run_dir / "test_metrics.json").read_text())["scores"]
    assert all(0 <= row["l1"] <= 255 for row in scores.values())


@pytest.mark.parametrize("loss", LOSSES)
def test_bf16_losses_are_near_those_of_float32(
    train: Run, seen: list[tuple[torch.dtype, dict]], loss: str
) -> None:
    """The first terms of each player, from the same weights, images and noise."""
    first: dict[str, dict[str, float]] = {}
    for precision in ("32-true", "bf16-mixed"):
        seen.clear()
        train(
            *LOSSES[loss], f"trainer.precision={precision}", "trainer.max_steps=1", folder=precision
        )
        first[precision] = {}
        for _, terms in seen:
            first[precision] = {k: v.item() for k, v in terms.items()} | first[precision]
    assert first["32-true"].keys() == TERMS[loss]
    assert first["bf16-mixed"] == pytest.approx(first["32-true"], rel=0.05, abs=0.02)
    assert first["bf16-mixed"] != first["32-true"]


def test_translation_is_float32_whatever_the_training(
    train: Run, command: Callable[..., int], tmp_path: Path, pairs_root: Path
) -> None:
    """The precision belongs to the training; translate of a bf16 run needs no option."""
    run_dir = train("trainer.precision=bf16-mixed", "trainer.max_steps=1")
    source, out = pairs_root / "val", tmp_path / "out"
    assert (
        command(
            "translate",
            f"checkpoint={run_dir}",
            f"input={source}",
            f"output={out}",
            "side_by_side=false",
        )
        == 0
    )
    assert len(list(out.glob("*.png"))) == len(list(source.glob("*.png"))) > 0


def test_float16_without_a_gpu_is_refused_by_the_default_trainer_too(
    command: Callable[..., int], tiny: list[str], tmp_path: Path, capfd: pytest.CaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """``trainer=auto`` becomes the CPU there; what was asked for is not swapped in silence."""
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    code = command(
        "train", *tiny, *TINY_UNET, "trainer.accelerator=auto", "trainer.precision=16-mixed",
        "trainer.max_steps=1", f"hydra.run.dir={tmp_path / 'run'}",
    )  # fmt: skip
    assert code == 1
    assert "trainer.precision=16-mixed" in capfd.readouterr().err
