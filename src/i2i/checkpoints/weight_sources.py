"""What ``init_from=`` takes weights from: a run, or a file with those of one generator."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from i2i.checkpoints.checkpoint import Checkpoint, read_checkpoint
from i2i.errors import setting_error
from i2i.files.ordinary import Unreadable
from i2i.files.records import mapping, read_json
from i2i.files.safetensors_file import safetensors_file
from i2i.imported.network import kind_of, recognised
from i2i.imported.state_file import absent, is_checkpoint, read_content, state_dicts, state_of

KEY = "init_from"
EXPECTED_HERE = "a run folder, a .ckpt file, or a generator alone (.pth, .safetensors)"
SIDES = (("input_channels", "in_channels"), ("target_channels", "out_channels"))


@dataclass
class Source(Checkpoint):
    """A checkpoint, or one made of a file that holds a generator alone.

    Attributes:
        words: What it is, of such a file; "" of a checkpoint.
    """

    words: str = ""


def networks_of(model: Any) -> list[str]:
    """The names of a system's networks, generator and discriminator first."""
    further = (name for player in model.players for name in player.networks)
    return list(dict.fromkeys(["generator", "discriminator", *further]))


def read_source(path: str, model: Any) -> Source:
    """Reads what a run starts from.

    Args:
        path: A run folder or a checkpoint; a folder of ``src/export.py``; or a file of torch.save
            or of safetensors with the weights of one generator, by the names of the network that
            starts from it, or by those of pytorch-CycleGAN-and-pix2pix.
        model: What the weights are for.

    Raises:
        SettingError: Nothing of that kind is there, or it cannot be used.
    """
    typed = Path(path).expanduser()
    file = safetensors_file(typed) or typed
    setting = f"{KEY}={file}"
    if not file.exists():
        raise setting_error(setting, "nothing there", EXPECTED_HERE, "Correct the path.")
    if file.is_dir() and not (file / "checkpoints").is_dir() and state_dicts(file):
        raise absent(file, setting)
    if file.is_file() and file.suffix != ".ckpt":
        content = read_content(file, setting)
        if not is_checkpoint(content):
            return of_state(file, content, setting, model)
    return Source(**vars(read_checkpoint(path, KEY)))


def of_state(file: Path, content: Any, setting: str, model: Any) -> Source:
    """What a file of one network holds, as a source.

    Args:
        file: It.
        content: What it holds, which is to be looked at.
        setting: What it is called in errors.
        model: The system that starts from it.

    Raises:
        SettingError: It is no generator.
    """
    noted = beside(file)
    route = noted["route"] if noted.get("route") in model.routes else model.routes[0]
    own = model.translator(route).network.state_dict()
    whole = {name for name, value in own.items() if not value.is_floating_point()}
    state, words = state_of(content, setting, whole), "a generator alone"
    data = {side: noted.get(key) or model.config["dataset"][side] for side, key in SIDES}
    if state.keys() != own.keys() and kind_of(state) is not None:
        network = recognised(state, setting)
        if not network.generates:
            raise setting_error(
                setting, f"a {network.words()}", "a generator",
                "Give the generator's file, such as latest_net_G.pth. src/import_weights.py makes "
                "of both a run to start from (file= and file_D=).",
            )  # fmt: skip
        state, words = network.weights, network.words()
        data = {"input_channels": network.inputs, "target_channels": network.outputs}
    return of_generator(file, state, model, data, words, route)


def of_generator(
    file: Path, weights: Mapping[str, Tensor], model: Any, data: Mapping[str, Any], words: str,
    route: str,
) -> Source:  # fmt: skip
    """The weights of one network, as a source that lacks all others.

    Args:
        file: Where they are from.
        weights: By the names in the network.
        model: The system that starts from them.
        data: The channels of both sides.
        words: What they are.
        route: The system's route that they translate on.
    """
    place = place_of(model, route)
    network, _, child = place.partition(".")
    missing = [name for name in networks_of(model) if name != network]
    if child:
        siblings = [name for name, _ in getattr(model, network).named_children() if name != child]
        missing += [f"{network}.{name}" for name in siblings]
    named = {f"{place}.{name}": value for name, value in weights.items()}
    config = {"dataset": dict(data)}
    return Source(file, config, named, step=0, absent=missing, words=words)


def place_of(model: Any, route: str) -> str:
    """The name of the network that translates on a route, such as ``generator.there``."""
    network = model.translator(route).network
    name = next(name for name, module in model.named_modules() if module is network)
    return name.replace("ema.network", "generator", 1)  # its average starts from it, too


def beside(file: Path) -> dict[str, Any]:
    """What ``config.json`` says of an exported network: its ``route``, and channels of its sides.

    Args:
        file: The weights, in the same folder.

    Returns:
        ``route``, a text, ``in_channels`` and ``out_channels``, numbers, as far as it has them;
        they stand there by themselves or with the network's options.
    """
    try:
        found = mapping(read_json(file.with_name("config.json")), "a record")
    except Unreadable:
        return {}
    options = found.get("generator")
    values = {**(options if isinstance(options, Mapping) else {}), **found}
    kinds = {"route": str, "in_channels": int, "out_channels": int}
    return {key: values[key] for key, kind in kinds.items() if type(values.get(key)) is kind}
