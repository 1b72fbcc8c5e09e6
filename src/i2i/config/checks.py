"""Checks on a resolved configuration, before a network is built or a file is read."""

import re
from collections.abc import Mapping
from typing import Any

from i2i.config.numbers import require_numbers, require_optimizers
from i2i.data.paired_transforms import as_size
from i2i.errors import setting_error
from i2i.training.precision import validate_precision

DURATION = re.compile(r"\d+(:\d\d){3}")


def on_gpu(accelerator: str) -> bool:
    """Whether training will run on a GPU here."""
    import torch

    return accelerator in ("gpu", "cuda") or (accelerator == "auto" and torch.cuda.is_available())


def validate_config(config: Mapping[str, Any]) -> None:
    """Checks what can be checked before a network is built or a file is read.

    Args:
        config: The resolved configuration of a training run.

    Raises:
        SettingError: Two settings contradict each other, or one is out of range.
    """
    require_numbers(config)
    require_choices(config)
    validate_trainer(config["trainer"])
    validate_speed(config)
    validate_saving(config)
    require_optimizers(config)
    accumulate, batch_size = config["model"]["accumulate"], config["dataset"]["batch_size"]
    if accumulate > batch_size:
        raise setting_error(
            f"model.accumulate={accumulate}", f"more parts than dataset.batch_size={batch_size}",
            "at most the batch size", "A batch is worked on in that many parts.",
        )  # fmt: skip


def require_choices(config: Mapping[str, Any]) -> None:
    """Checks the options of a run that stand by themselves.

    Raises:
        SettingError: One is none of its choices, or needs another one.
    """
    scored = config.get("test_checkpoint", "best")
    if scored not in ("best", "last"):
        raise setting_error(
            f"test_checkpoint={scored}", repr(scored), "best or last",
            "Name which checkpoint is scored at the end.",
        )  # fmt: skip
    if config.get("seed", 0) is None:
        raise setting_error("seed=null", "no seed", "a whole number", "Use seed=0.")
    channels = config.get("init_channels") or {}
    asked = [f"init_channels.{side}" for side, order in channels.items() if order is not None]
    asked += ["init_players"] if config.get("init_players", "all") != "all" else []
    if asked and not config.get("init_from"):
        raise setting_error(
            asked[0], "no run to start from", "init_from=RUN_OR_FILE beside it",
            f"Add init_from=, or leave {asked[0]} out.",
        )  # fmt: skip


def validate_trainer(trainer: Mapping[str, Any]) -> None:
    """Checks the trainer's settings against what two optimizers by hand allow.

    Args:
        trainer: Its node.

    Raises:
        SettingError: It has no end, or a setting that does nothing or harm here.
    """
    if (trainer.get("max_steps") or -1) <= 0 and (trainer.get("max_epochs") or -1) <= 0:
        raise setting_error(
            "trainer.max_steps, trainer.max_epochs", "no end of training", "one of them above 0",
            "Set trainer.max_steps=39000, say.",
        )  # fmt: skip
    limit = trainer.get("max_time")
    if limit is not None and not isinstance(limit, Mapping) and not DURATION.fullmatch(str(limit)):
        raise setting_error(
            f"trainer.max_time={limit}", repr(limit), "days, hours, minutes and seconds",
            "Write +trainer.max_time=00:12:00:00 for twelve hours.",
        )  # fmt: skip
    for unit in ("steps", "epochs"):
        least, most = trainer.get(f"min_{unit}") or 0, trainer.get(f"max_{unit}") or -1
        if 0 < most < least:
            raise setting_error(
                f"trainer.min_{unit}={least}", f"more than trainer.max_{unit}={most}",
                "at most as many", f"Raise trainer.max_{unit}, or leave trainer.min_{unit} out.",
            )  # fmt: skip
    for refused, instead in (
        ("gradient_clip_val", "model.clip_g and model.clip_d"),
        ("accumulate_grad_batches", "model.accumulate"),
    ):
        if trainer.get(refused) is not None:
            raise setting_error(
                f"trainer.{refused}={trainer[refused]}", "a setting for one optimizer",
                "a setting for each player", f"Use {instead}.",
            )  # fmt: skip
    if "fsdp" in str(trainer.get("strategy")):
        raise setting_error(
            f"trainer.strategy={trainer['strategy']}", "sharded weights, which are not offered",
            "auto or ddp", "The networks are small (54 M parameters, 218 MB): every GPU holds them "
            "whole. Use trainer=ddp; model.accumulate saves memory.",
        )  # fmt: skip
    validate_precision(trainer.get("precision"))
    if str(trainer.get("precision")) in ("16-mixed", "16") and not on_gpu(trainer["accelerator"]):
        raise setting_error(
            f"trainer.precision={trainer['precision']}", "float16 on the CPU",
            "32-true or bf16-mixed",
            "Use trainer.precision=bf16-mixed.",
        )  # fmt: skip


# What ``resume=``, ``evaluate`` and ``translate`` look for in a run folder, by who writes it.
FILES = {"last": "last", "often": "last", "best": "best"}
# How it is written, and Lightning's own choice where an option is taken away.
WAYS = {
    "enable_version_counter": (False, True), "save_last": (None, None), "save_top_k": (1, 1),
    "save_weights_only": (False, False),
}  # fmt: skip


def validate_saving(config: Mapping[str, Any]) -> None:
    """Checks that a run saves what it can be resumed and scored from, under the names for that.

    Args:
        config: The resolved configuration.

    Raises:
        SettingError: It saves elsewhere, under other names or in part, or nothing at all.
    """
    callbacks = config.get("callbacks")
    if callbacks is not None and not callbacks.get("last"):
        raise setting_error(
            "callbacks.last", "none", "the checkpoint that a run goes on from",
            "Leave callbacks.last=null out; presets of your own have `defaults: [default]`.",
        )  # fmt: skip
    for name, file in FILES.items():
        if not (node := (callbacks or {}).get(name)):
            continue
        place = f"{config.get('run_dir')}/checkpoints"
        ways = WAYS | {"dirpath": (place, None), "filename": (file, None)}
        ways |= {"monitor": (None, None)} if file == "last" else {}
        for key, (wanted, without) in ways.items():
            if (found := node.get(key, without)) != wanted and (found or wanted):
                option = f"callbacks.{name}.{key}"
                raise setting_error(
                    f"{option}={found}", f"another way to save {file}.ckpt", f"{wanted}, with "
                    "which resume=, evaluate and translate find it whole", f"Leave {option} out. "
                    "For further files: +callbacks.mine={_target_: "
                    "lightning.pytorch.callbacks.ModelCheckpoint, ...}",
                )  # fmt: skip


def validate_speed(config: Mapping[str, Any]) -> None:
    """Checks what a precision and ``speed`` ask of the machine.

    Raises:
        SettingError: The machine has no such thing.
    """
    import torch

    from i2i.cluster.devices import processes_of

    trainer, speed = config["trainer"], config.get("speed") or {}
    gpu = on_gpu(trainer["accelerator"])
    precision = str(trainer.get("precision"))
    there = gpu and torch.cuda.is_available()  # a GPU that is not there is another error
    if there and precision.startswith("bf16") and not torch.cuda.is_bf16_supported(False):
        raise setting_error(
            f"trainer.precision={precision}", "a GPU without bfloat16", "one that has it (Ampere, "
            "2020, or newer)", "Add trainer.precision=16-mixed or 32-true.",
        )  # fmt: skip
    if not speed.get("cuda_graphs"):
        return
    if not gpu:
        raise setting_error(
            "speed.cuda_graphs=true", "training on a CPU", "a GPU",
            "Add speed.cuda_graphs=false, or trainer=gpu.",
        )  # fmt: skip
    if (devices := processes_of(trainer)) > 1:
        raise setting_error(
            "speed.cuda_graphs=true", f"{devices} GPUs", "one: batch norm's exchange between "
            "processes has not been tried inside a graph", "Add speed.cuda_graphs=false.",
        )  # fmt: skip


# Height and width that each preset under conf/discriminator needs, in pixels.
LEAST_SIZES = {
    "patch286": 96, "multiscale": 1, "dcgan": 64, "global": 32, "patch70": 24, "patch16": 6,
    "pixel": 1,
}  # fmt: skip


def validate_networks(config: Mapping[str, Any], *networks: Any) -> None:
    """Checks the image size against what generators can halve and discriminators can score.

    Args:
        config: The resolved configuration of a training run.
        networks: Generators say their ``divisor``, discriminators their ``least_size``.

    Raises:
        SettingError: Height or width is not a multiple of the one, or below the other.
    """
    size = config["dataset"]["image_size"]
    divisors = {network: network.divisor for network in networks if hasattr(network, "divisor")}
    for network, divisor in divisors.items():
        validate_generator(size, divisor, type(network).__name__)
        if (config.get("speed") or {}).get("checkpoint_activations"):
            from i2i.training.checkpointing import require_blocks

            require_blocks(network)
    for network in networks:
        validate_discriminator(size, max(divisors.values(), default=1), network)


def validate_generator(size: Any, divisor: int, name: str) -> None:
    """Checks that images can be halved as often as a generator does.

    Args:
        size: ``dataset.image_size``: pixels, or height and width.
        divisor: Pixels.
        name: Of the generator's class.

    Raises:
        SettingError: Height or width is not a multiple of ``divisor``.
    """
    height, width = as_size(size)
    if height % divisor or width % divisor:
        raise setting_error(
            f"dataset.image_size={size}", f"{height} x {width} pixels",
            f"multiples of {divisor} for {name}",
            f"Use dataset.image_size={max(round(height / divisor), 1) * divisor}, or a generator "
            "that halves less often (generator.n_downs for the U-Net; resnet9 takes multiples of "
            "4). Evaluation and translation take any size.",
        )  # fmt: skip


def validate_discriminator(size: Any, divisor: int, discriminator: Any) -> None:
    """Checks that images give the discriminator something to score.

    Args:
        size: ``dataset.image_size``: pixels, or height and width.
        divisor: Pixels; the sizes that the generator takes are multiples of it.
        discriminator: See ``validate_networks``.

    Raises:
        SettingError: Height or width is below its ``least_size``.
    """
    height, width = as_size(size)
    least = getattr(discriminator, "least_size", 1)
    if min(height, width) < least:
        fitting = [name for name, needs in LEAST_SIZES.items() if needs <= min(height, width)]
        raise setting_error(
            f"dataset.image_size={size}", f"{height} x {width} pixels",
            f"at least {least} x {least} for {type(discriminator).__name__}, which has no score "
            "for smaller images",
            f"Use a discriminator that fits (discriminator={' or '.join(fitting)}), or "
            f"dataset.image_size={-(-least // divisor) * divisor}.",
        )  # fmt: skip
