"""``resume=``: which options a run goes on with, and that a stranger's file brings no others."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from hydra import compose, initialize_config_dir
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from conftest import CONF, ROOT
from i2i.checkpoints import rebuilt
from i2i.checkpoints.resume import last_checkpoint, with_earlier_options
from i2i.config.plain_config import presets
from i2i.config.resolvers import register
from i2i.errors import SettingError


@pytest.fixture(autouse=True)
def _as_the_commands_do(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("I2I_ROOT", str(ROOT))
    register()
    before = HydraConfig.instance().cfg
    yield
    HydraConfig.instance().cfg = before


def composed(argv: list[str]) -> DictConfig:
    """What the main command makes of a command line."""
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return compose("config", ["run_dir=x", *argv], return_hydra_config=True)


def configuration(options: list[str], root: str = "/data/pairs") -> dict[str, Any]:
    """What a run of these options keeps in its checkpoint."""
    options = [*options, f"dataset.root={root}"] if root else options
    cfg = composed(options)
    HydraConfig.instance().set_config(cfg)
    named = presets(cfg)
    plain = {key: node for key, node in cfg.items() if key != "hydra"}
    return OmegaConf.to_container(OmegaConf.create(plain), resolve=True) | {"presets": named}


def save(file: Path, config: dict[str, Any]) -> Path:
    """A checkpoint without weights."""
    file.parent.mkdir(parents=True, exist_ok=True)
    content = {"i2i": {"config": config, "processes": 1}, "state_dict": {}, "global_step": 1}
    torch.save(content, file)
    return file


def make_run(folder: Path, options: list[str] = [], **changes: Any) -> Path:  # noqa: B006
    """The folder of a run of these options; ``changes`` are what a stranger made of it."""
    save(folder / "checkpoints" / "last.ckpt", configuration(options) | changes)
    return folder


def values(argv: list[str]) -> dict[str, object]:
    """What Hydra reads; the last value of a key."""
    parsed = OverridesParser.create().parse_overrides(argv)
    return {override.key_or_group: override.value() for override in parsed}


def test_the_checkpoint_of_a_run_is_its_last(tmp_path: Path) -> None:
    (tmp_path / "checkpoints").mkdir()
    for name in ("best", "last"):
        (tmp_path / "checkpoints" / f"{name}.ckpt").touch()
    assert last_checkpoint(tmp_path) == tmp_path / "checkpoints" / "last.ckpt"
    assert last_checkpoint(tmp_path / "checkpoints" / "best.ckpt").name == "best.ckpt"


def test_a_run_without_a_checkpoint_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"resume=.*nothing: found nothing there"):
        last_checkpoint(tmp_path / "nothing")
    with pytest.raises(SettingError, match=r"a folder without checkpoints/last\.ckpt"):
        last_checkpoint(tmp_path)
    with pytest.raises(SettingError, match="resume="):
        with_earlier_options([f"resume={tmp_path}"])


@pytest.mark.parametrize(
    "argv",
    [[], ["generator=unet"], ["resume=null"], ["resume="], ["-m", "seed=1,2"], ["seed=3"]],
    ids=str,
)
def test_nothing_changes_where_nothing_is_resumed(argv: list[str]) -> None:
    assert with_earlier_options(list(argv)) == argv


OPTIONS = [
    [],
    ["generator=resnet9", "generator.n_blocks=2", "gan_loss=wgan-gp", "seed=3"],
    ["experiments=first_run"],
    ["experiments=table1_losses", "trainer.max_steps=3"],
    ["experiments=pan_inpainting", "trainer=ddp", "speed=eager"],
    ["experiments=spade_labels2street"],
    ["experiments=table2_generators", "experiments/variants_table2=unet_l1"],
    ["+trainer.profiler=simple", "label=1e3", "+trainer.max_time={hours:2}"],
    ["~callbacks.throughput", "callbacks.often.every_n_train_steps=5", "~logger.wandb"],
    ["optimizer.discriminator.lr=4e-4", "optimizer.generator.betas=[0.0,0.9]"],
    ["+optimizer.generator.weight_decay=0.1", "optimizer.generator._target_=torch.optim.AdamW"],
    ["reconstruction=[l1,pan]", "reconstruction.pan.weight=3", "metrics=[pairwise,lpips]"],
    ["reconstruction=none", "metrics=[ssim]", "metrics.seed=5", "task=inpainting"],
    ["dataset=camvid", "dataset.label_as=onehot", "dataset.image_size=[64,128]"],
    ["augmentation.further=[{_target_:albumentations.Blur,p:0.5}]", "generator.norm=none"],
    ["~generator.dropout", "scheduler=constant", "model.ema_decay=0.999", "trainer.devices=1"],
]


@pytest.mark.parametrize("options", OPTIONS, ids=" ".join)
def test_a_run_goes_on_with_its_own_options_folder_and_data(
    tmp_path: Path, options: list[str]
) -> None:
    if any("variants_table2" in o for o in options):
        name = sorted((ROOT / "experiments" / "variants_table2").glob("*.yaml"))[-1].stem
        options = [options[0], f"experiments/variants_table2={name}"]
    saved = configuration(options)
    run = tmp_path / "run"
    save(run / "checkpoints" / "last.ckpt", saved)
    again = composed(with_earlier_options([f"resume={run}"]))
    assert (again.hydra.run.dir, again.hydra.mode) == (str(run), RunMode.RUN)
    HydraConfig.instance().set_config(again)
    plain = OmegaConf.to_container(
        OmegaConf.create({k: v for k, v in again.items() if k != "hydra"}), resolve=True
    )
    assert plain.pop("resume") == str(run)
    plain["presets"] = presets(again)
    del saved["resume"]
    assert plain["dataset"].pop("source") is None  # the run had a folder of its own
    del saved["dataset"]["source"]
    assert plain == saved


def test_what_is_typed_comes_last(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", ["seed=3", "trainer.max_epochs=1"])
    typed = [f"resume={run}", "trainer.max_epochs=2", "dataset.root=/new", "hydra.run.dir=/else"]
    argv = with_earlier_options(typed)
    assert argv[-len(typed) :] == typed
    read = values(argv)
    assert (read["trainer.max_epochs"], read["seed"]) == (2, 3)
    assert (read["dataset.root"], read["hydra.run.dir"]) == ("/new", "/else")


def test_another_preset_keeps_the_values_that_it_has_too(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", ["trainer.max_steps=7", "generator.n_downs=6"])
    again = composed(with_earlier_options([f"resume={run}", "trainer=ddp", "generator=resnet9"]))
    assert (again.trainer.strategy, again.trainer.max_steps) == ("ddp", 7)
    assert "n_downs" not in again.generator


def test_values_that_follow_others_go_on_following_them(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", ["optimizer.generator.lr=1e-3"])
    again = composed(with_earlier_options([f"resume={run}", "optimizer.generator.lr=1e-5"]))
    assert again.optimizer.discriminator.lr == 1e-5


@pytest.mark.parametrize("inside", ["", "checkpoints/last.ckpt"])
def test_a_checkpoint_means_its_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, inside: str
) -> None:
    run = make_run(tmp_path / "run", ["seed=3"])
    monkeypatch.chdir(tmp_path)
    for typed in (os.path.join("run", inside), str(run / inside), f"'{run / inside}'"):
        read = values(with_earlier_options([f"resume={typed}"]))
        assert (read["seed"], read["hydra.run.dir"]) == (3, str(run))


def test_a_checkpoint_outside_of_a_run_brings_its_options_too(tmp_path: Path) -> None:
    copy = save(tmp_path / "copy.ckpt", configuration(["seed=3"]))
    read = values(with_earlier_options([f"resume={copy}"]))
    assert read["seed"] == 3
    assert "hydra.run.dir" not in read


@pytest.mark.parametrize("name", ["with space", "a=b,c", "{x}", "o'brien", "12-00-00", "ü"])
def test_paths_that_need_quotes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """They come from the working directory, not from what was typed."""
    run = tmp_path / name / "run"
    saved = configuration([], root="")
    saved["dataset"]["root"] = f"/data/{name}"
    save(run / "checkpoints" / "last.ckpt", saved)
    monkeypatch.chdir(tmp_path / name)
    read = values(with_earlier_options(["resume=run"]))
    assert (read["hydra.run.dir"], read["dataset.root"]) == (str(run), f"/data/{name}")


@pytest.mark.parametrize("options", OPTIONS[:3] + OPTIONS[7:9], ids=" ".join)
def test_the_whole_command_may_be_typed_again(tmp_path: Path, options: list[str]) -> None:
    """As a queue does that starts a stopped job again: the same line, and resume=."""
    run = make_run(tmp_path / "run", options)
    once = composed(options)
    again = composed(with_earlier_options([*options, f"resume={run}"]))
    for key in ("generator", "gan_loss", "trainer", "callbacks", "optimizer"):
        assert again[key] == once[key]
    assert again.hydra.run.dir == str(run)


def test_another_experiment_is_refused(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", ["experiments=first_run"])
    with_earlier_options([f"resume={run}", "experiments=first_run"])
    with pytest.raises(SettingError, match="init_from="):
        with_earlier_options([f"resume={run}", "experiments=pan_inpainting"])


# ---- what a stranger may have written ----


def tampered(run: Path, key: str, value: Any) -> None:
    """The folder of a run in whose configuration a value, by its dotted key, is another one."""
    config = configuration([])
    *above, last = key.split(".")
    node = config
    for word in above:
        node = node[word]
    node[last] = value
    save(run / "checkpoints" / "last.ckpt", config)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("dataset.num_workers", 5000), ("dataset.cache_gb", 1e9), ("metrics.cache_gb", 1e9),
        ("metrics.cache_dir", "/etc"), ("trainer.num_nodes", 64), ("trainer.devices", 5000),
        ("trainer.devices", [0] * 5000), ("trainer._target_", "os.system"),
        ("trainer.plugins", [{"_target_": "os.system", "command": "x"}]),
        ("callbacks.x", {"_target_": "torch.hub.load", "repo_or_dir": "/evil"}),
        ("callbacks.last._target_", "os.mkdir"), ("logger.csv._target_", "os.mkdir"),
        ("logger.x", {"_target_": "subprocess.run", "args": ["x"]}),
        ("hydra", {"run": {"dir": "/evil"}, "launcher": {"_target_": "os.system"}}),
        ("unknown", {"_target_": "os.system"}), ("dataset.source", {"url": "http://evil"}),
        ("trainer.a b=c", 1), ("run_dir", "/evil"), ("presets.hydra/launcher", "submitit_slurm"),
    ],
)  # fmt: skip
def test_what_a_file_may_not_ask_for_is_not_taken(
    tmp_path: Path, key: str, value: Any, capsys: pytest.CaptureFixture
) -> None:
    tampered(tmp_path / "run", key, value)
    try:
        words = with_earlier_options([f"resume={tmp_path / 'run'}"])
    except SettingError as error:
        assert "resume=" in str(error)
        return
    text = " ".join(words)
    for evil in ("evil", "system", "5000", "os.", "subprocess", "1e9", "1000000000", "64", "slurm"):
        assert evil not in text.replace(str(tmp_path), "").replace("resume", "")
    assert "_target_" not in text


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("generator._target_", "os.system"), ("optimizer.generator._target_", "builtins.exec"),
        ("reconstruction.x", {"_target_": "i2i.files.download.download"}),
        ("seed", "${oc.env:HOME}"), ("label", "${oc.decode:x}"), ("callbacks.x", "${hydra:job}"),
        ("project", "a${b"), ("dataset.augmentation._target_", "os.system"),
        ("presets.generator", "../../evil"), ("presets.generator", "a=b"), ("presets", None),
        ("presets.generator", "no_such_preset"), ("presets.a b", "c"), ("presets.generator", {}),
        ("augmentation.further", [{"_target_": "os.system"}]), ("metrics.x", {"_target_": "os.x"}),
        ("speed._target_", "os.system"), ("task", {"_target_": "os.system"}),
    ],
)  # fmt: skip
def test_what_no_run_writes_is_refused(tmp_path: Path, key: str, value: Any) -> None:
    tampered(tmp_path / "run", key, value)
    with pytest.raises(SettingError, match="resume="):
        with_earlier_options([f"resume={tmp_path / 'run'}"])


def test_what_was_not_taken_is_said(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    callback = "+callbacks.x={_target_:lightning.pytorch.callbacks.ModelSummary}"
    run = make_run(tmp_path / "run", ["dataset.num_workers=3", callback])
    argv = with_earlier_options([f"resume={run}"])
    told = capsys.readouterr().out
    assert "Not taken from the checkpoint: dataset.num_workers=3, callbacks.x" in told
    assert composed(argv).dataset.num_workers is None


def test_nothing_of_the_run_folder_but_the_checkpoint_is_read(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", ["seed=3"])
    (run / ".hydra").mkdir()
    (run / ".hydra" / "overrides.yaml").write_text("- +callbacks.x={_target_: os.system}\n")
    (run / "config.yaml").write_text("dataset: {root: /evil}\n")
    text = " ".join(with_earlier_options([f"resume={run}"]))
    assert "callbacks.x" not in text
    assert "evil" not in text


def test_more_processes_than_the_machine_has_are_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rebuilt.os, "cpu_count", lambda: 4)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 0)
    assert [rebuilt.too_many(n) for n in (4, 5, [0, 1], "4", True, 1.5)] == [
        False, True, False, False, True, True
    ]  # fmt: skip
