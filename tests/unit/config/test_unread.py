"""Options that nobody reads are errors that name the one that was meant."""

from collections.abc import Callable

import pytest
from omegaconf import OmegaConf

from conftest import ROOT
from i2i.config.composing import composed
from i2i.config.resolvers import register
from i2i.config.unread import absent_option, nearest, parameters
from i2i.errors import SettingError


@pytest.mark.parametrize(
    "options",
    [
        [], ["+optimizer.generator.weight_decay=0.1"], ["+trainer.profiler=simple"],
        ["+callbacks.x={_target_: lightning.pytorch.callbacks.EarlyStopping, monitor: val/ssim}"],
        ["experiments=table1_losses"], ["reconstruction=[l1,pan]", "reconstruction.pan.margin=1"],
        ["generator=spade", "logger=tensorboard", "+logger.tensorboard.prefix=a",],
        ["scheduler=constant", "~scheduler._partial_"], ["dataset.image_size=[64,128]"],
        ["dataset.background=[255,0,0]"], ["dataset.input_range=[0,4095]"],
        ["dataset.val_from_train=0.1", "trainer.max_steps=10", "seed=3", "dataset.cache_gb=0.5"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_what_some_part_takes_is_read(read: Callable[..., None], options: list[str]) -> None:
    read(*options)


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ("+optimizer.lr=1e-3", r"optimizer\.lr: found an option that no part takes; expected opt"
         r"imizer\.generator\.lr\. Did you mean optimizer\.generator\.lr\?"),
        ("+optimizer.generator.lrate=1", r"optimizer\.generator\.lrate: found an option that Adam"),
        ("+experiment=first_run", r"Did you mean experiments\?"),
        ("+generatr=resnet9", r"Did you mean generator\?"),
        ("+max_steps=3", r"Did you mean trainer\.max_steps\?"),
        ("+anything=1", r"anything: found an option that no part takes"),
        ("+model.lamda_l1=3", r"Did you mean model\.lambda_l1\?"),
        ("+dataset.batchsize=3", r"Did you mean dataset\.batch_size\?"),
        ("+callbacks.bst.monitor=x", r"callbacks\.bst\.monitor: found no part .* callbacks\.best"),
        ("+callbacks.x=3", r"callbacks\.x: found no part of callbacks called x"),
        ("+logger.csv.foo=3", r"logger\.csv\.foo: found an option that RunCSVLogger does not"),
        ("+reconstruction.l2.weight=3", r"reconstruction\.l2\.weight: found no part"),
        ("+speed.foo=1", r"speed\.foo: found an option that Speed does not have"),
        ("+augmentation.further=[{_target_: albumentations.Blur, foo: 1}]", r"further\[0\]\.foo"),
        ("trainer.max_steps=five", r"trainer\.max_steps=five: found 'five'; expected a number"),
        ("generator.n_downs=deep", r"generator\.n_downs=deep: found 'deep'; expected a number"),
        ("optimizer.generator.lr=fast", r"optimizer\.generator\.lr=fast: found 'fast'"),
        ("optimizer.generator.lr=nan", r"optimizer\.generator\.lr=nan: found no number"),
        ("model.lambda_l1=[1]", r"model\.lambda_l1=\[1\]: found \[1\]; expected a number"),
        ("optimizer.generator.betas=0.5", r"betas=0\.5: found 0\.5; expected a list, such as"),
        ("generator.norm=3", r"generator\.norm=3: found 3; expected a word, such as batch"),
        ("trainer.deterministic=1", r"deterministic=1: found 1; expected true or false"),
        ("model.n_critic={a: 1}", r"model\.n_critic=.*expected a number, such as 1"),
        ("+trainer.callbacks=[]", r"trainer\.callbacks: found an option that this command does n"),
        ("+model.task=null", r"model\.task: found an option that this command does not read"),
        ("~model", r"~model: found a configuration without it"),
        ("~gan_loss", r"~gan_loss: found a configuration without it"),
        ("~model._target_", r"~model: found a configuration without it"),
        ("model.optimizer_d=[1,2]", r"model\.optimizer_d=\[1, 2\]: found \[1, 2\]; expected the o"),
        ("model.scheduler=null", r"set scheduler=PRESET or scheduler\.OPTION="),
        ("dataset.augmentation=3", r"augmentation=3: found 3; expected the options of augmentati"),
        ("baselines=yess", r"baselines=yess: found 'yess'; expected true or false"),
    ],
)  # fmt: skip
def test_what_nobody_reads_is_told(read: Callable[..., None], option: str, told: str) -> None:
    with pytest.raises(SettingError, match=told):
        read(option)


@pytest.mark.parametrize("command", ["evaluate", "translate"])
def test_the_other_commands_refuse_too(read: Callable[..., None], command: str) -> None:
    with pytest.raises(SettingError, match=r"checkpoint: found no value; .* Add checkpoint=\.\.\."):
        read(command=command)
    given = ["checkpoint=x"] + ["input=x", "output=x"] * (command == "translate")
    read(*given, command=command)
    with pytest.raises(SettingError, match=r"seeds: .*Did you mean seed\?"):
        read(*given, "+seeds=3", command=command)
    with pytest.raises(SettingError, match=r"model\.sum_scales: found an option that no part"):
        read(*given, "+model.sum_scales=true", command=command)


def test_hydras_advice_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("I2I_ROOT", str(ROOT))
    register()

    def hydra(key: str) -> str | None:
        return absent_option(
            f"Could not override '{key}'.\nTo append to your config use +{key}=1", "config"
        )

    assert "Did you mean optimizer.generator.lr?" in hydra("optimizer.lr")
    assert "Write +optimizer.generator.weight_decay=VALUE." in hydra(
        "optimizer.generator.weight_decay"
    )
    assert "Write +trainer.profiler=VALUE." in hydra("trainer.profiler")
    assert "Did you mean trainer.max_steps?" in hydra("trainer.max_step")
    told = hydra("generator.ngf")  # the field's word, which is like no name of ours
    assert "generator.base_channels, " in told
    assert "Did you mean" not in told
    assert absent_option("Key 'x' is not in struct", "config") is None


def test_nearest_prefers_the_same_last_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("I2I_ROOT", str(ROOT))
    register()
    known = OmegaConf.to_container(composed("config"), resolve=False)
    asked = ["lr", "batch_size", "norm", "generator.dropot", "zzz"]
    assert [nearest(key, known) for key in asked] == [
        "optimizer.generator.lr", "dataset.batch_size", "generator.norm", "generator.dropout", None
    ]  # fmt: skip


def test_parameters_of_a_class_that_passes_on_are_its_bases_too() -> None:
    found = parameters("i2i.systems.pix2pix.Pix2Pix")
    assert {"lambda_l1", "n_critic", "clip_g"} <= found
    assert not {"self", "shared"} & found
    assert parameters("i2i.training.trainer.build_trainer") is None  # the call itself tells
    assert parameters("no.such.thing") is None


@pytest.mark.usefixtures("read")
def test_a_misspelt_option_is_looked_for_in_the_presets_that_were_typed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sys.argv", ["train.py", "model=cyclegan", "model.lambda_cylce=3"])
    told = absent_option("Could not override 'model.lambda_cylce'.", "config")
    assert "Did you mean model.lambda_cycle?" in told
    monkeypatch.setattr("sys.argv", ["train.py", "model=cyclegna", "model.lambda_cylce=3"])
    told = absent_option("Could not override 'model.lambda_cylce'.", "config")
    assert "model.lambda_cylce: found" in told
