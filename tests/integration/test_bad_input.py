"""Each mistake ends in one screen that names it, with exit code 1, and loses nothing."""

import re
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from omegaconf import OmegaConf

from conftest import TINY_UNET, Run, write_pairs

Command = Callable[..., int]


@pytest.fixture
def refused(
    command: Command, tiny: list[str], tmp_path: Path, capfd: pytest.CaptureFixture
) -> Callable[..., str]:
    """Runs a command that must fail; returns its one screen."""

    def run(name: str, *options: str) -> str:
        folder = tmp_path / "refused"
        base = [*tiny, *TINY_UNET, f"hydra.run.dir={folder}"] if name == "train" else []
        assert command(name, *base, *options) == 1
        text = capfd.readouterr().err.strip()
        assert "Traceback" not in text
        assert len(text.splitlines()) <= 25, text
        assert not list(folder.rglob("*.ckpt"))
        return text

    return run


@pytest.mark.parametrize(
    ("option", "named"),
    [
        ("trainer.max_stepss=3", "max_stepss"),
        ("generator.base_chanels=3", "base_chanels"),
        ("generatr=unet", "generatr"),
        ("generator=unett", "unett"),
        ("gan_loss=wgan", "wgan"),
        ("experiments=first_rum", "first_rum"),
        ("dataset=mapps", "mapps"),
    ],
)
def test_misspelt_option(refused: Callable[..., str], option: str, named: str) -> None:
    assert named in refused("train", option)


def test_misspelt_preset_lists_the_others(refused: Callable[..., str]) -> None:
    text = refused("train", "generator=unett")
    assert "resnet9" in text and "unet" in text


def test_empty_folder(refused: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "empty" / "train").mkdir(parents=True)
    assert "empty" in refused("train", f"dataset.root={tmp_path / 'empty'}")


def test_wrong_path(refused: Callable[..., str]) -> None:
    text = refused("train", "dataset.root=/no/such/place")
    assert "dataset.root" in text and "/no/such/place" in text


def test_truncated_jpeg_is_named_or_left_out(
    refused: Callable[..., str],
    train: Run,
    tmp_path: Path,
    capfd: pytest.CaptureFixture,
) -> None:
    root = write_pairs(tmp_path / "cut", {"train": 3, "val": 2, "test": 2})
    picture = np.random.default_rng(0).integers(0, 256, (64, 128, 3)).astype(np.uint8)
    data = cv2.imencode(".jpg", picture)[1].tobytes()
    (root / "train" / "broken.jpg").write_bytes(data[: len(data) // 2])
    assert "broken.jpg" in refused("train", f"dataset.root={root}")
    train(f"dataset.root={root}", "dataset.on_error=skip", "trainer.max_epochs=1")
    said = capfd.readouterr().out
    assert re.search(r"left out 1 of 4 pairs.*broken\.jpg", said)
    assert "3 train (1 unreadable, left out)" in said


def test_pairs_of_unequal_size(refused: Callable[..., str], tmp_path: Path) -> None:
    root = tmp_path / "two"
    for side, size in (("A", 32), ("B", 40)):
        folder = root / "train" / side
        folder.mkdir(parents=True)
        cv2.imwrite(str(folder / "one.png"), np.zeros((size, size, 3), np.uint8))
    text = refused(
        "train", f"dataset.root={root}", "dataset.a_folder='{split}/A'",
        "dataset.b_folder='{split}/B'",
        "dataset.splits.val=null", "dataset.splits.test=null",
    )  # fmt: skip
    assert "one" in text and "32" in text and "40" in text


def test_unmatched_names(refused: Callable[..., str], tmp_path: Path) -> None:
    root = tmp_path / "two"
    for side, names in (("A", "abc"), ("B", "bcd")):
        folder = root / "train" / side
        folder.mkdir(parents=True)
        for name in names:
            cv2.imwrite(str(folder / f"{name}_pic.png"), np.zeros((32, 32, 3), np.uint8))
    text = refused(
        "train", f"dataset.root={root}", "dataset.a_folder='{split}/A'",
        "dataset.b_folder='{split}/B'",
    )  # fmt: skip
    assert "a_pic" in text and "d_pic" in text and "b_pic" not in text


def test_wgan_gp_with_batch_norm(refused: Callable[..., str]) -> None:
    text = refused("train", "gan_loss=wgan-gp", "discriminator.norm=batch")
    assert "discriminator.norm=batch" in text and "discriminator.norm=layer" in text


def test_image_size_that_the_unet_does_not_divide(refused: Callable[..., str]) -> None:
    text = refused("train", "dataset.image_size=48")
    assert (
        "dataset.image_size=48" in text
        and "multiples of 64" in text
        and "generator.n_downs" in text
    )


def test_batch_larger_than_the_set(refused: Callable[..., str]) -> None:
    text = refused("train", "dataset.batch_size=9")
    assert "9" in text and "8" in text and "batch_size" in text


def test_metrics_that_the_split_is_too_small_for(refused: Callable[..., str]) -> None:
    text = refused("train", "metrics=full", "metrics.kid_subset_size=1000")
    assert "metrics.kid_subset_size" in text and "1000" in text and "4" in text


def test_gpu_options_without_a_gpu(
    refused: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert "trainer.accelerator=gpu" in refused("train", "trainer=gpu")
    assert "bf16-mixed" in refused("train", "trainer.precision=16-mixed")


@pytest.mark.parametrize(
    ("option", "instead"),
    [
        ("+trainer.gradient_clip_val=1", "model.clip_g"),
        ("+trainer.accumulate_grad_batches=2", "model.accumulate"),
    ],
)
def test_options_of_one_optimizer_name_their_replacement(
    refused: Callable[..., str], option: str, instead: str
) -> None:
    assert instead in refused("train", option)


def test_no_write_permission(
    refused: Callable[..., str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The run folder; root may write everywhere, so the refusal is made."""

    def deny(self: Path, *_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "mkdir", deny)
    text = refused("train")
    assert "refused" in text and "permission" in text.lower()


def test_run_dir_below_a_file(refused: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert "file" in refused("train", f"hydra.run.dir={tmp_path / 'file' / 'run'}")


def test_resume_from_nothing(refused: Callable[..., str], tmp_path: Path) -> None:
    assert "resume=" in refused("train", f"resume={tmp_path / 'nothing'}")


def test_checkpoint_that_is_not_one(refused: Callable[..., str], tmp_path: Path) -> None:
    text_file = tmp_path / "notes.ckpt"
    text_file.write_text("my notes")
    foreign = tmp_path / "foreign.ckpt"
    torch.save({"state_dict": {}}, foreign)
    for file in (text_file, foreign):
        text = refused("evaluate", f"checkpoint={file}")
        assert file.name in text and "i2i" in text
        assert text_file.read_text() == "my notes"


def test_checkpoint_that_would_run_code(
    refused: Callable[..., str], train: Run, tmp_path: Path
) -> None:
    """A pickled call, and a configuration that names a function."""
    marker = tmp_path / "it_ran"

    class Evil:
        def __reduce__(self) -> tuple:
            return (Path.touch, (marker,))

    torch.save({"i2i": Evil()}, tmp_path / "pickle.ckpt")
    refused(
        "translate", f"checkpoint={tmp_path / 'pickle.ckpt'}", f"input={tmp_path}", "output=out"
    )
    run_dir = train("trainer.max_steps=1", folder="good")
    content = torch.load(run_dir / "checkpoints" / "last.ckpt", weights_only=True)
    for target in ("os.system", "torch.load", "torch.hub.load", "i2i.commands.launch.launch"):
        content["i2i"]["config"]["generator"]["_target_"] = target
        torch.save(content, tmp_path / "config.ckpt")
        assert target in refused("evaluate", f"checkpoint={tmp_path / 'config.ckpt'}")
    assert not marker.exists()


def test_checkpoint_of_another_architecture(
    refused: Callable[..., str], train: Run, tmp_path: Path
) -> None:
    run_dir = train("trainer.max_steps=1", folder="good")
    content = torch.load(run_dir / "checkpoints" / "last.ckpt", weights_only=True)
    for node in (
        content["i2i"]["config"]["generator"],
        content["i2i"]["config"]["model"]["generator"],
    ):
        node["base_channels"] = 6
    torch.save(content, tmp_path / "other.ckpt")
    assert "architecture" in refused("evaluate", f"checkpoint={tmp_path / 'other.ckpt'}")
    text = refused("train", f"resume={run_dir}", "generator.base_channels=6", "trainer.max_steps=2")
    assert "architecture" in text and "generator" in text
    assert (run_dir / "checkpoints" / "last.ckpt").is_file()


def test_a_used_run_folder_is_not_mixed_with_a_new_run(
    train: Run, command: Command, tiny: list[str], capfd: pytest.CaptureFixture
) -> None:
    run_dir = train("trainer.max_steps=1")
    before = (run_dir / "metrics.csv").read_text()
    assert command("train", *tiny, *TINY_UNET, f"hydra.run.dir={run_dir}", "seed=1") == 1
    text = capfd.readouterr().err
    assert "hydra.run.dir=" in text and f"resume={run_dir}" in text
    assert (run_dir / "metrics.csv").read_text() == before


def test_a_checkpoint_away_from_its_run_goes_on_with_the_runs_options(
    train: Run, command: Callable[..., int], tmp_path: Path
) -> None:
    run_dir = train("trainer.max_steps=1", "dataset.batch_size=2", "seed=5", folder="good")
    copy = tmp_path / "copy.ckpt"
    copy.write_bytes((run_dir / "checkpoints" / "last.ckpt").read_bytes())
    new = tmp_path / "new"
    assert command("train", f"resume={copy}", "trainer.max_steps=2", f"hydra.run.dir={new}") == 0
    record = OmegaConf.load(new / "config.yaml")
    assert (record.dataset.batch_size, record.seed, record.trainer.max_steps) == (2, 5, 2)


@pytest.mark.parametrize("name", ["evaluate", "translate"])
def test_misspelt_options_of_the_other_commands(refused: Callable[..., str], name: str) -> None:
    assert "chekpoint" in refused(name, "chekpoint=x")


def test_fid_options_of_a_run_without_fid(refused: Callable[..., str], train: Run) -> None:
    run_dir = train("trainer.max_steps=1", folder="good")
    text = refused("evaluate", f"checkpoint={run_dir}", "metrics.inception_weights=w.pth")
    assert "metrics.inception_weights=w.pth" in text and "metrics=full" in text
