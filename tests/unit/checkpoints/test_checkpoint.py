"""What a checkpoint file may say, and settings that contradict each other."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from torch import nn

from conftest import CONF, Run
from i2i.checkpoints.allowed_classes import check_targets, entries
from i2i.checkpoints.checkpoint import (
    Checkpoint,
    checkpoint_file,
    read_checkpoint,
    same_weights,
)
from i2i.config.checks import validate_config, validate_networks
from i2i.errors import SettingError

SAVED_GROUPS = ("model", "generator", "discriminator", "gan_loss", "optimizer", "scheduler")
PRESETS = [path for group in SAVED_GROUPS for path in (CONF / group).glob("*.yaml")]
NODES = [yaml.safe_load(path.read_text()) for path in PRESETS]
NAMED = sorted({value for key, value in entries(NODES) if key == "_target_"})
assert len(NAMED) >= 8, f"presets under {CONF} name only {NAMED}"


def saved(**changes: Any) -> dict[str, Any]:
    """The content of a checkpoint."""
    network = {"_target_": "i2i.generators.unet.UNetGenerator"}
    config = {"model": {"generator": network}, "generator": network}
    config |= {"dataset": {"name": "pairs"}, "metrics": {}}
    content = {"i2i": {"config": config}, "state_dict": {"w": torch.ones(2)}, "global_step": 7}
    return content | changes


# ---- the file ----


def test_a_run_folder_means_its_best_checkpoint_else_its_last(tmp_path: Path) -> None:
    folder = tmp_path / "checkpoints"
    folder.mkdir()
    (folder / "last.ckpt").touch()
    assert checkpoint_file(tmp_path) == folder / "last.ckpt"
    (folder / "best.ckpt").touch()
    assert checkpoint_file(tmp_path) == folder / "best.ckpt"
    assert checkpoint_file(str(folder / "last.ckpt")) == folder / "last.ckpt"


def test_a_home_folder_is_understood(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "a.ckpt").touch()
    assert checkpoint_file("~/a.ckpt") == tmp_path / "a.ckpt"


def test_a_path_without_a_checkpoint_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"checkpoint=.*nowhere: found nothing there"):
        checkpoint_file(tmp_path / "nowhere")
    with pytest.raises(
        SettingError, match=r"a folder without checkpoints/best\.ckpt and last\.ckpt"
    ):
        checkpoint_file(tmp_path)


def test_a_checkpoint_is_read_back(tmp_path: Path) -> None:
    torch.save(saved(), tmp_path / "a.ckpt")
    read = read_checkpoint(tmp_path / "a.ckpt")
    assert read.path == tmp_path / "a.ckpt"
    assert read.step == 7
    assert read.config == saved()["i2i"]["config"]
    assert torch.equal(read.weights["w"], torch.ones(2))


def test_a_file_cut_short_is_named(tmp_path: Path) -> None:
    file = tmp_path / "cut.ckpt"
    torch.save(saved(state_dict={"w": torch.rand(5000)}), file)
    file.write_bytes(file.read_bytes()[:-4000])
    with pytest.raises(SettingError, match=r"cut\.ckpt: found a file that was cut short; expected"):
        read_checkpoint(file)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ({"state_dict": {}}, "a checkpoint of something else"),
        ({"i2i": "0.1"}, "a checkpoint of something else"),
        ([1, 2], "other data"),
    ],
)
def test_a_file_of_another_program_is_named(tmp_path: Path, content: Any, found: str) -> None:
    torch.save(content, tmp_path / "foreign.ckpt")
    with pytest.raises(SettingError, match=rf"foreign\.ckpt: found {found}"):
        read_checkpoint(tmp_path / "foreign.ckpt")


@pytest.mark.parametrize(("bad", "good"), [("best", "last"), ("last", "best")])
@pytest.mark.parametrize("kind", ["torn", "empty", "foreign", "flipped"])
def test_a_whole_checkpoint_beside_a_bad_one_is_offered(
    tmp_path: Path, kind: str, bad: str, good: str
) -> None:
    one, other = tmp_path / f"{bad}.ckpt", tmp_path / f"{good}.ckpt"
    torch.save(saved(state_dict={"w": torch.ones(9)}), one)
    torch.save(saved(global_step=12), other)
    content = one.read_bytes()
    ones = torch.ones(9).numpy().tobytes()
    if kind == "foreign":
        torch.save({"weights": torch.ones(2)}, one)
    else:
        damaged = {"torn": content[:700], "empty": b"", "flipped": content.replace(ones, bytes(36))}
        one.write_bytes(damaged[kind])
    offer = f"Beside it resume={other} is whole (step 12)."
    with pytest.raises(SettingError) as caught:
        read_checkpoint(one, "resume")
    assert str(caught.value).startswith(f"resume={one}: found ")
    assert str(caught.value).endswith(offer)
    other.write_bytes(content[:700])
    with pytest.raises(SettingError) as caught:
        read_checkpoint(one, "resume")
    assert "Beside it" not in str(caught.value)


@pytest.mark.parametrize(
    "content",
    [
        saved(i2i={}),
        saved(i2i={"config": {}}),
        saved(i2i={"config": {"model": {}}}),
        {k: v for k, v in saved().items() if k != "state_dict"},
    ],
    ids=["no-config", "empty-config", "no-generator", "no-weights"],
)
def test_a_checkpoint_with_parts_missing_is_named(tmp_path: Path, content: dict) -> None:
    torch.save(content, tmp_path / "partial.ckpt")
    with pytest.raises(SettingError, match=r"partial\.ckpt"):
        read_checkpoint(tmp_path / "partial.ckpt")


# ---- what it may name ----


def test_entries_are_found_at_any_depth() -> None:
    node = {"_target_": "a", "b": [{"_target_": "c", "d": {"e": ({"_target_": "f"},)}}], "g": 1}
    assert [value for key, value in entries(node) if key == "_target_"] == ["a", "c", "f"]
    assert [key for key, _ in entries(node) if key] == [
        "_target_",
        "b",
        *["_target_", "d", "e", "_target_", "g"],
    ]


@pytest.mark.parametrize("target", NAMED)
def test_what_the_presets_name_is_allowed(target: str) -> None:
    check_targets({"model": {"part": [{"_target_": target}]}}, "checkpoint=x")


@pytest.mark.parametrize(
    "target",
    [
        "os.mkdir",
        "torch.load",  # of torch, and no network
        "torch.nn.functional.relu",  # a function
        "torch.nn.init.constant_",
        "torch.optim.swa_utils.get_ema_multi_avg_fn",
        "torch.nn.NoSuchLayer",
        "torch.nn.no_such_module.Layer",
        "torch.nn",
        "i2i.commands.launch.launch",
        "i2i.run_folder.write_text",
        "i2i.files.archive.Archive",  # a class that is no part of a model
        "i2i.checkpoints.checkpoint.importlib.import_module",
        "i2ievil.Network",
        "builtins.eval",
        "${a}",
        "",
        3,
        None,
    ],
)
def test_everything_else_is_refused_by_name(target: Any) -> None:
    node = {"_target_": "torch.nn.ReLU", "inside": [{"_target_": target}]}
    with pytest.raises(SettingError) as caught:
        check_targets(node, "checkpoint=x (model)")
    assert "checkpoint=x (model)" in str(caught.value)
    assert f"_target_: {target};" in str(caught.value)


def call_to(path: Path) -> dict[str, str]:
    """A node whose instantiation leaves a trace."""
    return {"_target_": "os.mkdir", "path": str(path)}


@pytest.mark.parametrize("hidden", ["dataset", "metrics", "interpolation"])
def test_no_part_of_a_strangers_configuration_runs_code(
    train: Run, command: Callable[..., int], tmp_path: Path, hidden: str
) -> None:
    """The data set and the metrics are built from the file too, not only the model.

    And a string becomes a node where Hydra resolves it.
    """
    last = train("trainer.max_steps=1") / "checkpoints" / "last.ckpt"
    marker = tmp_path / "it_ran"
    content = torch.load(last, weights_only=True)
    config = content["i2i"]["config"]
    if hidden == "dataset":
        config["dataset"]["source"] = call_to(marker)
    elif hidden == "metrics":
        config["metrics"]["inception_weights"] = call_to(marker)
    else:
        config["model"]["lambda_l1"] = f"${{oc.create:{{_target_:os.mkdir,path:'{marker}'}}}}"
    torch.save(content, tmp_path / "stranger.ckpt")
    code = command("evaluate", f"checkpoint={tmp_path / 'stranger.ckpt'}", "trainer=cpu")
    assert not marker.exists()
    assert code == 1


# ---- the weights ----


def test_weights_of_another_architecture_are_told_by_shape_and_by_name() -> None:
    model = nn.Sequential(nn.Linear(2, 3), nn.ReLU())
    fitting = Checkpoint(Path("x"), {}, dict(model.state_dict()), 0)
    same_weights(model, fitting, "checkpoint=x")
    wider = Checkpoint(Path("x"), {}, dict(nn.Sequential(nn.Linear(2, 4)).state_dict()), 0)
    with pytest.raises(
        SettingError, match=r"2 differ; 0\.bias is \(4,\) in the file.*\(3,\) for 0\.bias"
    ):
        same_weights(model, wider, "checkpoint=x")
    fewer = Checkpoint(Path("x"), {}, {"0.weight": torch.ones(3, 2)}, 0)
    with pytest.raises(SettingError, match=r"1 differ; 0\.bias is absent in the file"):
        same_weights(model, fewer, "checkpoint=x")
    more = Checkpoint(Path("x"), {}, dict(model.state_dict()) | {"z": torch.ones(1)}, 0)
    with pytest.raises(SettingError, match=r"z is \(1,\) in the file.*no such weight for z"):
        same_weights(model, more, "checkpoint=x")


# ---- combinations ----


def run_config(accumulate: int = 1, batch_size: int = 1, **trainer: Any) -> dict[str, Any]:
    options = {"max_steps": -1, "max_epochs": 2, "accelerator": "cpu", "precision": "32-true"}
    return {
        "trainer": options | trainer,
        "dataset": {"batch_size": batch_size},
        "model": {"accumulate": accumulate},
    }


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"max_epochs": None, "max_steps": 1},
        {"max_epochs": -1, "max_steps": 1},
        {"max_steps": None},
        {"precision": "bf16-mixed"},
        {"precision": "16-mixed", "accelerator": "gpu"},
        {"precision": None},
        {"precision": 32},
        {"accumulate": 4, "batch_size": 4},
        {"gradient_clip_val": None},
    ],
    ids=str,
)
def test_settings_that_go_together(options: dict) -> None:
    validate_config(run_config(**options))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_epochs": -1}, r"trainer\.max_steps, trainer\.max_epochs: found no end of training"),
        ({"max_epochs": None, "max_steps": None}, "no end of training"),
        (
            {"max_epochs": 0, "max_steps": 0},
            r"trainer\.max_steps=0: found 0; expected a whole number",
        ),
        ({"gradient_clip_val": 0.5}, r"trainer\.gradient_clip_val=0\.5.*model\.clip_g"),
        ({"accumulate_grad_batches": 2}, r"trainer\.accumulate_grad_batches=2.*model\.accumulate"),
        ({"precision": "16-mixed"}, r"trainer\.precision=16-mixed.*bf16-mixed"),
        ({"precision": 16}, r"trainer\.precision=16: found float16 on the CPU"),
        (
            {"precision": "bf16-true"},
            r"trainer\.precision=bf16-true: found weights and averages in half precision; expected "
            r"32-true, bf16-mixed or 16-mixed\. Use trainer\.precision=bf16-mixed;",
        ),
        ({"precision": "16-true"}, r"precision=16-true: found weights.*Use .*=16-mixed;"),
        ({"precision": "64-true"}, r"precision=64-true: found float64 beside.*Use .*=32-true;"),
        ({"precision": 64}, r"trainer\.precision=64: found float64 beside"),
        ({"precision": "fp8"}, r"trainer\.precision=fp8: found 'fp8'; expected 32-true, bf16"),
        ({"accumulate": 3, "batch_size": 2}, r"model\.accumulate=3.*dataset\.batch_size=2"),
        (
            {"strategy": "fsdp"},
            r"trainer\.strategy=fsdp: found sharded.*expected auto or ddp\. .*54 M",
        ),
    ],
    ids=str,
)
def test_settings_that_contradict_each_other(options: dict, message: str) -> None:
    with pytest.raises(SettingError, match=message):
        validate_config(run_config(**options))


class Halves(nn.Module):
    """A network that needs multiples of 32 pixels."""

    divisor = 32


@pytest.mark.parametrize("size", [32, 256, [32, 64]])
def test_sizes_that_the_generator_divides(size: Any) -> None:
    validate_networks({"dataset": {"image_size": size}}, Halves())


@pytest.mark.parametrize(
    ("size", "found", "advice"),
    [
        (48, "48 x 48", 64),
        (10, "10 x 10", 32),
        ([64, 40], "64 x 40", 64),
        ([70, 64], "70 x 64", 64),
    ],
)
def test_sizes_that_it_does_not(size: Any, found: str, advice: int) -> None:
    with pytest.raises(SettingError) as caught:
        validate_networks({"dataset": {"image_size": size}}, Halves())
    text = str(caught.value)
    assert f"dataset.image_size={size}: found {found} pixels" in text
    assert "multiples of 32 for Halves" in text
    assert f"Use dataset.image_size={advice}," in text


def test_cuda_graphs_are_refused_before_anything_is_built() -> None:
    config = run_config(accelerator="cpu") | {"speed": {"cuda_graphs": True}}
    with pytest.raises(SettingError, match="cuda_graphs=true: found training on a CPU"):
        validate_config(config)


def test_blocks_are_looked_for_before_data_is_read() -> None:
    flat = nn.Sequential(nn.Conv2d(3, 3, 3, padding=1))
    flat.divisor = 1
    config = {"dataset": {"image_size": 32}, "speed": {"checkpoint_activations": True}}
    with pytest.raises(SettingError, match="which names no blocks"):
        validate_networks(config, flat)


def test_exported_weights_are_told_from_a_run(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").touch()
    with pytest.raises(SettingError, match=r"resume=.* found exported weights alone; expected"):
        read_checkpoint(tmp_path, "resume")
