"""A run folder around imported weights: the configuration of a run, and one checkpoint."""

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from i2i.config.composing import composed
from i2i.config.plain_words import quoted, value_text
from i2i.errors import in_words, setting_error

# Where each file's network stands in a system.
PLACES = {
    "pix2pix": {"file": "generator", "file_D": "discriminator"},
    "cyclegan": {
        "file": "generator.there", "file_back": "generator.back",
        "file_D": "discriminator.there", "file_D_back": "discriminator.back",
    },
}  # fmt: skip
NO_SET = {"pix2pix": "folder", "cyclegan": "folders"}  # where nobody named a data set
JUDGES = ("file_D", "file_D_back")
CHOSEN = ("generator", "discriminator", "model", "dataset")  # groups
CHECKPOINT = "last.ckpt"


def write_run(found: Any, typed: Sequence[str], output: Path) -> tuple[list[str], Sequence[str]]:
    """Writes the checkpoint, config.yaml, code_version.json and import.json.

    Args:
        found: What was read; see ``import_weights``.
        typed: The options of the run that were typed, in Hydra's grammar.
        output: The run folder, which exists.

    Returns:
        The networks whose weights are not there, and the routes that translate.

    Raises:
        SettingError: The options do not fit the networks, or the folder cannot be written.
    """
    from omegaconf import OmegaConf

    from i2i.checkpoints.saved_model import load_model
    from i2i.files.saving import save_whole, writing
    from i2i.inference.description import described
    from i2i.run_folder import code_version, write_json, write_text

    options = options_of(found, typed, output)
    with in_words("options"):
        config = configuration(found, options, output)
    found.assumed.append(f"gan_loss={config['presets']['gan_loss']}")
    absent = absent_networks(found)
    content = content_of(found, config, absent)
    require_fit(content, config, found, output)
    file = output / "checkpoints" / CHECKPOINT
    with writing(file):
        file.parent.mkdir(exist_ok=True)
    save_whole(content, file)
    write_text(output / "config.yaml", OmegaConf.to_yaml(OmegaConf.create(config)))
    write_json(output / "code_version.json", code_version())
    write_json(output / "import.json", record(found, absent))
    model, _ = load_model(str(output), {})  # what was written can be used
    content["i2i"]["translates"] = described(model)
    save_whole(content, file)
    return absent, model.routes


def options_of(found: Any, typed: Sequence[str], output: Path) -> list[str]:
    """The options of a training run that would have these networks.

    Args:
        found: What was read.
        typed: What was typed; it comes last, and a group that was typed is not chosen here.
        output: The run folder.
    """
    first, named = found.networks["file"], {option.partition("=")[0] for option in typed}
    own = first.options | {"dropout": found.dropout}
    chosen = [f"generator={first.preset}", f"model={found.system}", "logger=csv"]
    values = [f"generator.{name}={value_text(value)}" for name, value in own.items()]
    if (judge := found.networks.get("file_D") or found.networks.get("file_D_back")) is not None:
        chosen.append(f"discriminator={judge.preset}")
        values += [f"discriminator.{n}={value_text(value)}" for n, value in judge.options.items()]
    if found.published:
        chosen.append(f"dataset={found.published.dataset}")
        if "dataset" not in named:
            values.append(f"dataset.direction={found.published.direction}")
    elif "dataset" not in named:  # of no particular set, which has the network's channels
        chosen.append(f"dataset={NO_SET[found.system]}")
        values += [f"dataset.input_channels={first.inputs}"]
        values += [f"dataset.target_channels={first.outputs}"]
    chosen = [option for option in chosen if option.partition("=")[0] not in named]
    return [*chosen, *values, f"run_dir={quoted(str(output))}", *typed]


def configuration(found: Any, options: Sequence[str], output: Path) -> dict[str, Any]:
    """The resolved configuration of a run with these options, as a checkpoint keeps it."""
    from omegaconf import OmegaConf

    from i2i.config.pairing import settle_pairing
    from i2i.config.plain_config import plain_config
    from i2i.config.run_name import record_of

    cfg = copy.deepcopy(composed("config", tuple(options)))
    settle_pairing(cfg)
    if OmegaConf.is_missing(cfg.dataset, "root") and not cfg.dataset.get("pairs"):
        cfg.dataset.root = f"{cfg.data_dir}/{cfg.dataset.name}"  # translating needs none
    config = plain_config(cfg)
    config["presets"] |= presets_of(options)
    config["record"] = record_of(config, [], output, {})
    return config


def presets_of(options: Sequence[str]) -> dict[str, Any]:
    """The presets of a run that this command chose, or that follow, among those of its options."""
    groups = dict(option.partition("=")[::2] for option in options)
    chosen = {group: groups[group] for group in CHOSEN if group in groups}
    if "gan_loss" not in groups and groups["model"] == "cyclegan":
        chosen["gan_loss"] = "lsgan"
    return {"trainer": "auto", "logger": "csv", "callbacks": "default"} | chosen


def absent_networks(found: Any) -> list[str]:
    """The networks of the system whose weights are in no file; both of a kind by their kind."""
    places = PLACES[found.system]
    absent = [place for option, place in places.items() if option not in found.networks]
    judges = [place for option, place in places.items() if option in JUDGES]
    if all(place in absent for place in judges):
        return ["discriminator", *(place for place in absent if place not in judges)]
    return absent


def content_of(found: Any, config: dict[str, Any], absent: list[str]) -> dict[str, Any]:
    """What the checkpoint holds: weights as float32, the configuration, and no training."""
    weights = {
        f"{PLACES[found.system][option]}.{name}": value
        for option, network in found.networks.items()
        for name, value in network.weights.items()
    }
    noted = {"format": 1, "config": config, "absent": absent, "batches_seen": 0, "images_seen": 0}
    return {"state_dict": weights, "global_step": 0, "epoch": 0, "i2i": noted}


def require_fit(content: dict[str, Any], config: dict[str, Any], found: Any, output: Path) -> None:
    """Refuses options that make other networks than those of the files.

    Raises:
        SettingError: A side of the data has other channels, or a weight another name or shape.
    """
    from hydra.utils import instantiate

    from i2i.checkpoints.checkpoint import Checkpoint
    from i2i.checkpoints.saved_model import require_fitting, saved_task

    first = found.networks["file"]
    for side, has in (("input", first.inputs), ("target", first.outputs)):
        if (channels := config["dataset"][f"{side}_channels"]) != has:
            raise setting_error(
                f"dataset.{side}_channels={channels}", f"{channels} channels in the data set",
                f"{has}, as the network of {found.files['file']}",
                "Choose the data set that the network was trained on (dataset=, task=), or set "
                f"dataset.{side}_channels={has}.",
            )  # fmt: skip
    noted = content["i2i"]
    made = Checkpoint(
        output, config, content["state_dict"], 0, absent=noted["absent"]
    )  # fmt: skip
    task = saved_task(config["dataset"])

    def make() -> Any:
        return instantiate(config["model"], _partial_=True)(config=config, task=task)

    require_fitting(make, made, f"file={found.files['file']}")


def record(found: Any, absent: list[str]) -> dict[str, Any]:
    """What was imported, for import.json."""
    files = {
        option: {
            "file": str(found.files[option].absolute()), "sha256": found.hashes[option],
            "network": network.words(), "parameters": network.n_parameters,
            "dropped": network.dropped,
        }
        for option, network in found.networks.items()
    }  # fmt: skip
    model = found.published
    return {
        "from": "pytorch-CycleGAN-and-pix2pix",
        "published": None if model is None else f"{model.system}/{model.name}",
        "files": files, "assumed": found.assumed, "absent": absent,
    }  # fmt: skip
