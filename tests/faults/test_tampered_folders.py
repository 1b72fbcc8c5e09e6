"""Run folders that a stranger wrote: nothing in them runs, and nothing is written outside."""

import json
import os
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from conftest import run_command, run_training
from faults.test_command_lines import alarm, tree

CANARY = "pwned"


def evil(canary: Path) -> dict[str, Any]:
    """A node that makes a folder where it is instantiated."""
    return {"_target_": "os.mkdir", "path": str(canary)}


class Reduces:
    """Makes a folder where it is unpickled."""

    def __init__(self, canary: Path):
        self.canary = canary

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str]]:
        return os.mkdir, (str(self.canary),)


def in_config(key: str, value: Any) -> Callable[[Path, Path], None]:
    """Puts a value into the checkpoint's configuration; a function of the canary makes one."""

    def tamper(run: Path, canary: Path) -> None:
        for name in ("last", "best"):
            file = run / "checkpoints" / f"{name}.ckpt"
            content = torch.load(file, weights_only=True)
            node, (*above, last) = content["i2i"]["config"], key.split("/")
            for word in above:
                node = node.setdefault(word, {})
            node[last] = value(canary) if callable(value) else value
            torch.save(content, file)

    return tamper


def in_checkpoint(**values: Any) -> Callable[[Path, Path], None]:
    """Replaces what a checkpoint holds."""

    def tamper(run: Path, canary: Path) -> None:
        for name in ("last", "best"):
            file = run / "checkpoints" / f"{name}.ckpt"
            content = torch.load(file, weights_only=True)
            content |= {k: v(canary) if callable(v) else v for k, v in values.items()}
            torch.save(content, file)

    return tamper


def in_file(name: str, text: str | Callable[[Path], str]) -> Callable[[Path, Path], None]:
    """Writes a file into the run's folder."""

    def tamper(run: Path, canary: Path) -> None:
        (run / name).parent.mkdir(exist_ok=True)
        (run / name).write_text(text if isinstance(text, str) else text(canary))

    return tamper


def link(name: str) -> Callable[[Path, Path], None]:
    """Puts a link to a file outside at a name that a command writes."""

    def tamper(run: Path, canary: Path) -> None:
        (run / name).unlink(missing_ok=True)
        os.symlink(canary.parent / "precious", run / name)

    return tamper


def pickled(run: Path, canary: Path) -> None:
    """A checkpoint that is a pickle with code."""
    for name in ("last", "best"):
        (run / "checkpoints" / f"{name}.ckpt").write_bytes(pickle.dumps({"i2i": Reduces(canary)}))


def saved_object(run: Path, canary: Path) -> None:
    """A checkpoint of torch.save with an object in it."""
    for name in ("last", "best"):
        torch.save({"i2i": Reduces(canary)}, run / "checkpoints" / f"{name}.ckpt")


def folder_link(run: Path, canary: Path) -> None:
    """The folder of the checkpoints stands elsewhere."""
    shutil.move(run / "checkpoints", canary.parent / "elsewhere")
    os.symlink(canary.parent / "elsewhere", run / "checkpoints")


def nested(depth: int) -> dict[str, Any]:
    """Nodes below one another."""
    node: dict[str, Any] = {}
    for _ in range(depth):
        node = {"a": node}
    return node


def tagged(canary: Path) -> str:
    """YAML that calls a function where tags are followed."""
    return f"!!python/object/apply:os.mkdir ['{canary}']\n"


BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{b}: &{b} [*{a},*{a},*{a},*{a},*{a},*{a},*{a},*{a},*{a}]\n"
    for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)
KINDS: dict[str, Callable[[Path, Path], None]] = {
    "generator class": in_config("model/generator/_target_", "os.system"),
    "generator node": in_config("model/generator", evil),
    "extra part of the model": in_config("model/extra", evil),
    "top generator": in_config("generator/_target_", "os.system"),
    "loss": in_config("reconstruction/x", evil),
    "loss of the model": in_config("model/reconstruction/x", evil),
    "optimizer": in_config("model/optimizer_g/_target_", "builtins.exec"),
    "metric": in_config("metrics/x", evil),
    "data set": in_config("dataset/_target_", "subprocess.run"),
    "source": in_config("dataset/source", evil),
    "source by address": in_config(
        "dataset/source", {"_target_": "i2i.files.archive.Archive", "url": "http://127.0.0.1:9/x"}
    ),
    "data folder": in_config("dataset/root", lambda canary: str(canary)),
    "augmentation": in_config("dataset/augmentation/further", lambda canary: [evil(canary)]),
    "callback": in_config("callbacks/x", evil),
    "callback class": in_config("callbacks/samples/_target_", "os.mkdir"),
    "callback folder": in_config("callbacks/samples/folder", lambda canary: str(canary)),
    "checkpoint folder": in_config("callbacks/last/dirpath", lambda canary: str(canary)),
    "logger": in_config("logger/x", evil),
    "logger folder": in_config("logger/csv/folder", lambda canary: str(canary)),
    "trainer class": in_config("trainer/_target_", "os.system"),
    "trainer plugin": in_config("trainer/plugins", lambda canary: [evil(canary)]),
    "trainer folder": in_config("trainer/default_root_dir", lambda canary: str(canary)),
    "hydra": in_config("hydra", lambda canary: {"run": {"dir": str(canary)}}),
    "hydra preset": in_config("presets/hydra", "evil"),
    "preset by path": in_config("presets/generator", "../../evil"),
    "preset with options": in_config("presets/generator", "unet hydra.run.dir=x"),
    "interpolation": in_config("label", "${oc.env:HOME}"),
    "interpolation in a key": in_config("model/${oc.env:HOME}", 1),
    "checkpoint name": in_config("callbacks/last/filename", "../../../outside/pwned"),
    "no run folder": in_config("run_dir", None),
    "deep configuration": in_config("model/x", nested(300)),
    "long text": in_config("label", "x" * 10**6),
    "deep network": in_config("model/generator/n_downs", 16000),
    "trainer of another type": in_config("trainer", [1]),
    "seed of another type": in_config("model/seed", "x"),
    "words for numbers": in_config("model/ema_decay", "x"),
    "sparse weights": in_checkpoint(state_dict={"x": torch.eye(2).to_sparse()}),
    "no weights": in_checkpoint(state_dict=None),
    "run folder": in_config("run_dir", lambda canary: str(canary)),
    "cache folder": in_config("metrics/cache_dir", lambda canary: str(canary)),
    "workers": in_config("dataset/num_workers", 100_000),
    "devices": in_config("trainer/devices", 100_000),
    "giant network": in_config("model/generator/base_channels", 2**14),
    "endless network": in_config("model/generator/n_downs", 10**9),
    "configuration of another type": in_config("model", [1, 2]),
    "dataset of another type": in_config("dataset/image_size", {"a": 1}),
    "weights of another type": in_checkpoint(state_dict={"generator": "x"}),
    "step of another type": in_checkpoint(global_step="five"),
    "notes of another type": in_checkpoint(i2i={"config": 3}),
    "no notes": in_checkpoint(i2i=None),
    "no loops": in_checkpoint(loops=None),
    "loops of another type": in_checkpoint(loops={"fit_loop": {"epoch_progress": "x"}}),
    "deep loops": in_checkpoint(loops=nested(300)),
    "callbacks of another type": in_checkpoint(callbacks=[1]),
    "no optimizers": in_checkpoint(optimizer_states=[]),
    "emptied optimizers": in_checkpoint(optimizer_states=[{"state": {}, "param_groups": []}] * 2),
    "optimizers of another type": in_checkpoint(optimizer_states={"a": 1}),
    "schedules of another type": in_checkpoint(lr_schedulers=[3, {"last_epoch": "x"}]),
    "version of another type": in_checkpoint(**{"pytorch-lightning_version": [1]}),
    "precision of another type": in_checkpoint(MixedPrecision=3),
    "data of another type": in_checkpoint(PairedDataModule=3),
    "pickle": pickled,
    "object": saved_object,
    "old overrides": in_file(
        ".hydra/overrides.yaml", lambda c: f"- +callbacks.x={{_target_: os.mkdir, path: '{c}'}}\n"
    ),
    "tagged overrides": in_file(".hydra/overrides.yaml", tagged),
    "tagged configuration": in_file("config.yaml", tagged),
    "bomb": in_file("config.yaml", BOMB),
    "scores": in_file("test_metrics.json", json.dumps({"scores": [1], "n_images": {}})),
    "terminal": in_file(
        "test_metrics.json",
        '{"scores": {"model \\u001b[31m": {"ssim\\u001b]0;x": 1}}, "n_images": 1}',
    ),
    "pruning": in_file("pruning.json", '{"state": [], "values": 3}'),
    "metrics.csv": in_file("metrics.csv", "step,a\nfive,x\n\x00\n"),
    "link config.yaml": link("config.yaml"),
    "link code_version.json": link("code_version.json"),
    "link metrics.csv": link("metrics.csv"),
    "link lock": link(".lock"),
    "link checkpoint": link("checkpoints/last.ckpt"),
    "link checkpoints": folder_link,
}  # fmt: skip
FEW = ("callback", "old overrides", "object", "link config.yaml")


@pytest.fixture(scope="module")
def run(tiny: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run_training(tiny, tmp_path_factory.mktemp("own") / "run", "trainer.max_steps=2")


@pytest.mark.parametrize(
    "kind", [k if k in FEW else pytest.param(k, marks=pytest.mark.faults) for k in KINDS]
)
def test_nothing_runs_and_nothing_is_written_outside(
    kind: str, run: Path, tmp_path: Path, capsys: pytest.CaptureFixture, pairs_root: Path
) -> None:
    theirs = tmp_path / "theirs"
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_text("kept")
    shutil.copytree(run, theirs)
    KINDS[kind](theirs, outside / CANARY)
    before = tree(outside)
    commands = {
        "train": [f"resume={theirs}", "trainer.max_steps=3"],
        "evaluate": [f"checkpoint={theirs}", f"output={tmp_path}/scores", "trainer=cpu"],
        "translate": [f"checkpoint={theirs}", f"input={pairs_root}/test", f"output={tmp_path}/out",
                      "side_by_side=true"],
    }  # fmt: skip
    for name, words in commands.items():
        with alarm(60):
            run_command(name, *words, cwd=tmp_path)
        told = capsys.readouterr()
        assert "Traceback" not in told.err
        assert "\x1b]" not in told.out + told.err
    compare(theirs)
    told = capsys.readouterr()
    assert "\x1b" not in told.out
    assert not (outside / CANARY).exists()
    assert tree(outside) == before


def compare(folder: Path) -> None:
    """The table of a sweep's folder, as ``python src/compare.py`` makes it."""
    from i2i.comparison.tables import compare as table
    from i2i.errors import SettingError

    try:
        print(table(folder.parent))
    except SettingError as error:
        print(error)
