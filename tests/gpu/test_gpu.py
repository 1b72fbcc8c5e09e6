"""What only a CUDA device can show; skipped by name where there is none."""

import csv
import math
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from lightning.pytorch import Callback, LightningDataModule, Trainer

from bit_for_bit import assert_same
from conftest import ROOT, TINY_UNET, Run, labelled_options
from i2i.discriminators.patchgan import PatchDiscriminator
from i2i.generators.resnet import ResnetGenerator
from i2i.generators.unet import UNetGenerator
from i2i.inference.translate import translate
from i2i.losses.gan import VanillaGAN
from i2i.systems.pix2pix import Pix2Pix
from i2i.training.schedules import Constant

pytestmark = pytest.mark.gpu

GPU = ["trainer=gpu", "trainer.devices=1", "trainer.precision=32-true", "trainer.benchmark=false"]
LOSSES = {"vanilla": ["gan_loss=vanilla"], "wgan-gp": ["gan_loss=wgan-gp", "model.n_critic=2"]}
NOISY = ["dataset.image_size=64", "generator.n_downs=6"]


def load(run_dir: Path) -> dict[str, Any]:
    return torch.load(run_dir / "checkpoints" / "last.ckpt", map_location="cpu", weights_only=True)


@pytest.fixture
def deterministic(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Undoes what ``trainer.deterministic`` sets for the whole process."""
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    before = torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark
    yield
    torch.use_deterministic_algorithms(False)
    torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = before


SYSTEMS = {
    "spade": ["generator=spade", "discriminator.norm=spectral", "gan_loss=hinge",
              "reconstruction=[feature_matching]", "dataset.label_as=onehot",
              "generator.n_upsamplings=3"],
    "pix2pixhd": ["generator=pix2pixhd", "gan_loss=lsgan", "dataset.label_as=onehot",
                  "reconstruction=[feature_matching,ssim]"],
    "pan": ["reconstruction=[l1,pan]", "generator.n_downs=6"],
    "r1": ["generator=resunet", "gan_loss=hinge", "gan_loss.r1=10", "discriminator.norm=spectral"],
    "colorization": ["task=colorization", "generator=resunet", "gan_loss=wgan-gp"],
    "inpainting": ["task=inpainting", "generator.n_downs=6", "gan_loss=none"],
}  # fmt: skip


# ---- precision ----


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed", "16-mixed"])
def test_the_systems_of_the_field(
    train: Run, labelled_root: Path, precision: str, system: str
) -> None:
    run_dir = train(
        *GPU, *labelled_options(labelled_root), *SYSTEMS[system], "trainer.max_steps=3",
        f"trainer.precision={precision}", "generator.base_channels=4",
    )  # fmt: skip
    with (run_dir / "metrics.csv").open() as file:
        rows = [r for r in csv.DictReader(file) if any(v for k, v in r.items() if "train/g/" in k)]
    assert len(rows) == 3
    terms = [v for row in rows for k, v in row.items() if k.startswith(("train/d/", "train/g/"))]
    assert all(math.isfinite(float(value)) for value in terms if value)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed", "16-mixed"])
def test_a_run_of_a_few_steps(
    train: Run, monkeypatch: pytest.MonkeyPatch, precision: str, loss: str
) -> None:
    devices: set[str] = set()
    original = Pix2Pix.g_terms

    def watched(self: Pix2Pix, *images: torch.Tensor) -> dict[str, torch.Tensor]:
        terms = original(self, *images)
        devices.update(value.device.type for value in terms.values())
        assert {value.dtype for value in terms.values()} == {torch.float32}
        return terms

    monkeypatch.setattr(Pix2Pix, "g_terms", watched)
    run_dir = train(
        *GPU, *LOSSES[loss], f"trainer.precision={precision}", "trainer.max_steps=4",
        "model.ema_decay=0.9",
    )  # fmt: skip
    assert devices == {"cuda"}
    last = load(run_dir)
    assert last["global_step"] == 4
    weights = [t for t in last["state_dict"].values() if t.is_floating_point()]
    assert {t.dtype for t in weights} == {torch.float32}
    assert all(t.isfinite().all() for t in weights)
    with (run_dir / "metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    logged = [float(v) for row in rows for k, v in row.items() if v and k.startswith("train/")]
    assert logged and all(math.isfinite(value) for value in logged)
    assert (run_dir / "test_metrics.json").is_file()


class Pairs(LightningDataModule):
    """Pairs in memory."""

    def __init__(self, n: int):
        super().__init__()
        y = torch.rand(n, 3, 32, 32, generator=torch.Generator().manual_seed(3)) * 2 - 1
        self.pairs = [
            {"input": -y[i], "target": y[i], "name": str(i), "index": i} for i in range(n)
        ]

    def train_dataloader(self) -> torch.utils.data.DataLoader:
        return torch.utils.data.DataLoader(self.pairs, 1)


class Moves(Callback):
    """How far each network goes in each batch."""

    def __init__(self) -> None:
        self.before: dict[str, list[torch.Tensor]] = {}
        self.moved: dict[str, list[float]] = {"generator": [], "discriminator": []}

    def on_train_batch_start(self, trainer: Trainer, pl_module: Pix2Pix, *_: Any) -> None:
        for player in self.moved:
            network = getattr(pl_module, player)
            self.before[player] = [p.detach().double() for p in network.parameters()]

    def on_train_batch_end(self, trainer: Trainer, pl_module: Pix2Pix, *_: Any) -> None:
        for player, moved in self.moved.items():
            now = getattr(pl_module, player).parameters()
            squares = [
                (p.detach().double() - old).square().sum()
                for p, old in zip(now, self.before[player], strict=True)
            ]
            moved.append(torch.stack(squares).sum().sqrt().item())


@pytest.mark.parametrize("precision", ["32-true", "16-mixed"])
def test_clipping_is_of_the_unscaled_gradients(precision: str) -> None:
    """With SGD a network moves by lr times its clipped gradient.

    Or not at all, where the scaler found infinities. Clipping the scaled gradients would move it by
    1/scale of that.
    """
    torch.manual_seed(0)
    sgd = partial(torch.optim.SGD, lr=0.1)
    model = Pix2Pix(
        ResnetGenerator(3, 3, 4, n_blocks=1, norm="instance"),
        PatchDiscriminator(3, 3, 4, norm="instance"), VanillaGAN(), optimizer_g=sgd,
        optimizer_d=sgd, scheduler=Constant, clip_g=0.01, clip_d=0.002,
    )  # fmt: skip
    moves = Moves()
    Trainer(
        max_steps=24, accelerator="gpu", devices=1, precision=precision, callbacks=[moves],
        logger=False, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False,
    ).fit(model, Pairs(24))  # fmt: skip
    for player, limit in (("generator", 0.01), ("discriminator", 0.002)):
        moved = [m for m in moves.moved[player] if m != 0]
        assert len(moves.moved[player]) == 24
        assert moved, f"{player}: every step was left out"
        assert moved == pytest.approx([0.1 * limit] * len(moved), rel=1e-2), player


# ---- inference ----


def test_translate_on_the_gpu_equals_the_cpu_within_one_level(
    train: Run, command: Callable[..., int], tmp_path: Path, pairs_root: Path
) -> None:
    """In eval mode: the dropout noise of the two devices' generators differs."""
    run_dir = train(
        *GPU, "trainer.max_epochs=3", "generator.norm=batch", "optimizer.generator.lr=0.005",
        "model.lambda_l1=10",
    )  # fmt: skip
    pictures = {}
    for device in ("cpu", "gpu"):
        out = tmp_path / device
        code = command(
            "translate", f"checkpoint={run_dir}", f"input={pairs_root / 'test'}", f"output={out}",
            f"accelerator={device}", "model.inference=eval", "side_by_side=false",
        )  # fmt: skip
        assert code == 0
        pictures[device] = [cv2.imread(str(p)).astype(int) for p in sorted(out.glob("*.png"))]
    assert len(pictures["cpu"]) == len(pictures["gpu"]) == 5
    assert max(np.ptp(picture) for picture in pictures["cpu"]) > 10  # not one flat grey
    for a, b in zip(pictures["cpu"], pictures["gpu"], strict=True):
        assert np.abs(a - b).max() <= 1


def test_noise_on_the_gpu_depends_on_name_and_seed_only(deterministic: None) -> None:
    torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.benchmark = False
    torch.manual_seed(0)
    unet = UNetGenerator(3, 3, 4, n_downs=6).cuda()
    assert any(isinstance(m, torch.nn.Dropout) for m in unet.modules())
    x = (torch.rand(2, 3, 64, 64) * 2 - 1).cuda()
    together = translate(unet, x, ["a", "b"], "paper", 0)
    state = torch.cuda.get_rng_state()
    alone = translate(unet, x[:1], ["a"], "paper", 0)
    assert torch.equal(state, torch.cuda.get_rng_state())  # nobody else's numbers were used
    torch.rand(7, device="cuda")
    assert torch.equal(together[:1], alone)
    assert not torch.equal(alone, translate(unet, x[:1], ["b"], "paper", 0))
    assert not torch.equal(alone, translate(unet, x[:1], ["a"], "paper", 1))


# ---- resuming ----


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed", "16-mixed"])
def test_two_epochs_equal_one_and_resume_and_one(
    train: Run, deterministic: None, precision: str
) -> None:
    """With dropout noise, EMA and batch norm; the grad scaler's state goes on too."""
    options = [
        *GPU, *NOISY, f"trainer.precision={precision}", "trainer.deterministic=true",
        "scheduler=constant", "model.ema_decay=0.9", "generator.norm=batch",
    ]  # fmt: skip
    straight = train(*options, "trainer.max_epochs=2", folder="straight")
    halves = train(*options, "trainer.max_epochs=1", folder="halves")
    assert load(halves)["global_step"] == load(straight)["global_step"] // 2 > 0
    train(*options, "trainer.max_epochs=2", f"resume={halves}", folder="halves")
    one, two = load(straight), load(halves)
    for key in ("state_dict", "optimizer_states", "lr_schedulers", "global_step"):
        assert_same(one[key], two[key], key)
    if precision == "16-mixed":  # Lightning keeps the scaler under its plugin's name
        assert_same(one["MixedPrecision"], two["MixedPrecision"], "scaler")


# ---- several processes ----


def test_ddp_with_one_device_runs_on_nccl(train: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    backends: set[str] = set()
    original = Pix2Pix.g_terms

    def watched(self: Pix2Pix, *images: torch.Tensor) -> dict[str, torch.Tensor]:
        backends.add(torch.distributed.get_backend())
        return original(self, *images)

    monkeypatch.setattr(Pix2Pix, "g_terms", watched)
    run_dir = train("trainer=ddp", "trainer.devices=1", "trainer.max_steps=3")
    assert backends == {"nccl"}
    assert load(run_dir)["global_step"] == 3
    assert not torch.distributed.is_initialized()


def trail(tiny: list[str], tmp_path: Path, devices: int, batch_size: int) -> list[Path]:
    """Trains in processes of its own, each of which saves its weights after each batch."""
    run_dir = tmp_path / f"run{devices}"
    done = subprocess.run(
        [
            sys.executable, str(ROOT / "src" / "train.py"), *tiny, *TINY_UNET, "trainer=ddp",
            f"trainer.devices={devices}", f"dataset.batch_size={batch_size}",
            "generator.norm=batch", "generator.dropout=0", "discriminator.norm=batch",
            "trainer.max_steps=4",
            "+optimizer.generator.eps=1e-3", "+optimizer.discriminator.eps=1e-3",
            f"hydra.run.dir={run_dir}", "+callbacks.trail._target_=probes.WeightTrail",
            f"+callbacks.trail.folder={run_dir}/trail",
        ],
        env=os.environ | {"PYTHONPATH": str(ROOT / "tests"), "NVIDIA_TF32_OVERRIDE": "0"},
        cwd=tmp_path, timeout=280, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    files = sorted((run_dir / "trail").glob("*_rank0.pt"))
    assert len(files) == 4
    return files


@pytest.mark.slow
@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="gpu: fewer than two CUDA devices")
def test_two_gpus_stay_equal_and_share_their_batch_statistics(
    tiny: list[str], tmp_path: Path
) -> None:
    """Ranks bit for bit; and two GPUs with SyncBatchNorm are one GPU at the doubled batch.

    The tolerance is float32's: Adam's eps of 1e-3 damps gradients near zero, and TF32 is off.
    """
    two = trail(tiny, tmp_path, devices=2, batch_size=1)
    one = trail(tiny, tmp_path, devices=1, batch_size=2)

    def read(file: Path | str) -> dict[str, torch.Tensor]:
        return torch.load(file, map_location="cpu", weights_only=True)

    for file in two:
        a, b = read(file), read(str(file).replace("rank0", "rank1"))
        assert [n for n in a if not torch.equal(a[n], b[n])] == []
    first, a, b = read(one[0]), read(two[-1]), read(one[-1])
    moved = max((b[n] - first[n]).abs().max().item() for n in b)
    worst = max((a[n] - b[n]).abs().max().item() for n in b)
    assert moved > 1e-4
    assert worst < 0.02 * moved, f"weights differ by {worst} after moving by {moved}"
