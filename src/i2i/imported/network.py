"""Which of the field's networks a state dict is of, by its tensors alone, and its weights."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from i2i.errors import SettingError, setting_error
from i2i.imported import layers
from i2i.imported.layers import Layer
from i2i.imported.state_file import ADVICE, COUNTER

NORMS = {
    "batch": "batch norm", "instance": "instance norm",
    "instance_affine": "instance norm with scale and shift", "none": "no norm",
}  # fmt: skip
NAMES = {
    "unet": "U-Net generator", "resnet": "ResNet generator", "patch": "PatchGAN discriminator",
    "pixel": "discriminator of single pixels",
}  # fmt: skip
WHOLE = "Give the whole state dict of one network, as its training wrote it."
STATISTICS = ("running_mean", "running_var", COUNTER)
BLOCK = re.compile(r"model\.(\d+)\.conv_block\.1\.weight")
LEVEL = re.compile(r"model\.model\.1\.model((?:\.3\.model)*)\.1\.weight")
STAGE = re.compile(r"model\.\d+\.weight")
LARGEST = 2**14  # channels


@dataclass
class Network:
    """A network that a file holds.

    Attributes:
        kind: unet, resnet, patch or pixel.
        preset: The preset of this package that builds it, of ``generator`` or ``discriminator``.
        options: Those of the preset that follow from the tensors.
        inputs: Channels that go in.
        outputs: Channels that come out; 1 of a discriminator.
        dropout: Whether it has some; None where no tensor says.
        weights: By the names of this package's network, complete.
        dropped: Names of tensors that no layer has a use for: statistics of instance norms.
        n_parameters: Numbers that were learnt.
    """

    kind: str
    preset: str
    options: dict[str, Any]
    inputs: int
    outputs: int
    dropout: bool | None = None
    weights: dict[str, Tensor] = field(default_factory=dict)
    dropped: list[str] = field(default_factory=list)
    n_parameters: int = 0

    @property
    def generates(self) -> bool:
        """Whether it makes pictures; a discriminator does not."""
        return self.kind in ("unet", "resnet")

    @property
    def norm(self) -> str:
        """One of ``NORMS``."""
        return self.options["norm"]

    def words(self) -> str:
        """What it is, in a line."""
        own = self.options
        base, through = own["base_channels"], f"{self.inputs} -> {self.outputs}"
        size = {
            "unet": f" of {own.get('n_downs')} halvings",
            "resnet": f" of {own.get('n_blocks')} blocks",
            "patch": f" of {own.get('n_layers')} strided convolutions",
            "pixel": "",
        }[self.kind]
        dropout = ", dropout" if self.dropout else ""
        norm = NORMS[self.norm]
        return f"{NAMES[self.kind]}{size}, {base} channels, {through}, {norm}{dropout}"


def recognised(state: Mapping[str, Tensor], setting: str, norm: str | None = None) -> Network:
    """Recognises a network by names and shapes, and takes over its weights.

    Args:
        state: See ``state_file``.
        setting: What the file is called in errors.
        norm: What its norms are, where the tensors alone leave that open: ``batch`` whose running
            statistics were not kept, or ``instance_affine``. None takes what they say.

    Raises:
        SettingError: It is none of the four networks, or lacks or has tensors that this one has not
            or has, or has some of other shapes.
    """
    kind = kind_of(state)
    if kind is None:
        raise foreign(state, setting)
    try:
        network, plan = ARCHITECTURES[kind](state)
    except KeyError as missing:
        raise setting_error(
            setting, f"a {NAMES[kind]} without the tensor {missing.args[0]}",
            "all tensors of one network", WHOLE,
        ) from missing  # fmt: skip
    if not 0 < max(network.options["base_channels"], network.inputs) <= LARGEST:
        raise foreign(state, setting)
    network.options["norm"] = norm_of(state, plan, setting, norm)
    take_over(network, plan, state, setting)
    return network


def kind_of(state: Mapping[str, Tensor]) -> str | None:
    """Which of the four networks the names look like; None where they look like none."""
    if any(LEVEL.fullmatch(name) for name in state):
        return "unet"
    if any(BLOCK.fullmatch(name) for name in state):
        return "resnet"
    if "net.0.weight" in state and "net.5.weight" in state:
        return "pixel"
    if "model.0.weight" in state and any(STAGE.fullmatch(name) for name in state):
        return "patch"
    return None


def foreign(state: Mapping[str, Tensor], setting: str) -> SettingError:
    """The error of a network that is none of the four."""
    first = ", ".join(f"{name} {tuple(value.shape)}" for name, value in list(state.items())[:2])
    return setting_error(
        setting, f"{tensors(len(state))} of another network ({first})",
        "a U-Net or ResNet generator, or a PatchGAN or pixel discriminator, of "
        "pytorch-CycleGAN-and-pix2pix", ADVICE,
    )  # fmt: skip


def side(state: Mapping[str, Tensor], name: str, dimension: int) -> int:
    """The size of a weight in one dimension; 0 where it has fewer."""
    shape = state[name].shape
    return shape[dimension] if len(shape) == 4 else 0


def as_unet(state: Mapping[str, Tensor]) -> tuple[Network, list[Layer]]:
    """A U-Net, whose depth is that of its blocks in blocks."""
    depths = [found[1].count(".3.model") for name in state if (found := LEVEL.fullmatch(name))]
    n_downs = max(5, max(depths) + 2)
    base, inputs = (side(state, "model.model.0.weight", d) for d in (0, 1))
    outputs = side(state, "model.model.3.weight", 1)
    # Dropout stands in the blocks of full width but the innermost one, which changes no name.
    noisy = list(range(2, n_downs - 3))
    options = {"n_downs": n_downs, "base_channels": base, "dropout_layers": noisy}
    preset = "unet128" if n_downs == 7 else "unet"
    plan = layers.unet(n_downs, base, inputs, outputs)
    return Network("unet", preset, options, inputs, outputs), plan


def as_resnet(state: Mapping[str, Tensor]) -> tuple[Network, list[Layer]]:
    """A ResNet generator, whose blocks are counted."""
    blocks = {int(found[1]) for name in state if (found := BLOCK.fullmatch(name))}
    n_blocks, first = len(blocks), min(blocks)
    dropout = state.get(f"model.{first}.conv_block.5.weight") is None
    base, inputs = (side(state, "model.1.weight", d) for d in (0, 1))
    outputs = side(state, f"model.{n_blocks + 17}.weight", 0)
    options = {"n_blocks": n_blocks, "base_channels": base}
    preset = "resnet6" if n_blocks == 6 else "resnet9"
    plan = layers.resnet(n_blocks, base, inputs, outputs, dropout)
    return Network("resnet", preset, options, inputs, outputs, dropout), plan


def as_patch(state: Mapping[str, Tensor]) -> tuple[Network, list[Layer]]:
    """A PatchGAN, whose convolutions are counted."""
    number = sum(bool(STAGE.fullmatch(name)) and value.ndim == 4 for name, value in state.items())
    base, inputs = (side(state, "model.0.weight", d) for d in (0, 1))
    n_layers = max(1, number - 2)
    options = {"n_layers": n_layers, "base_channels": base}
    return Network("patch", "patch70", options, inputs, 1), layers.patch(n_layers, base, inputs)


def as_pixel(state: Mapping[str, Tensor]) -> tuple[Network, list[Layer]]:
    """A discriminator of single pixels."""
    base, inputs = (side(state, "net.0.weight", d) for d in (0, 1))
    return Network("pixel", "pixel", {"base_channels": base}, inputs, 1), layers.pixel(base, inputs)


ARCHITECTURES: dict[str, Callable[[Mapping[str, Tensor]], tuple[Network, list[Layer]]]] = {
    "unet": as_unet, "resnet": as_resnet, "patch": as_patch, "pixel": as_pixel
}  # fmt: skip


def norm_of(
    state: Mapping[str, Tensor], plan: Sequence[Layer], setting: str, asked: str | None
) -> str:
    """What the norms are: batch norm learns a scale, instance norm leaves biases beside it.

    Raises:
        SettingError: Something else was asked for, or there is a scale without running statistics
            and nobody said whose.
    """
    norms = [layer.theirs for layer in plan if layer.is_norm]
    beside = [layer.theirs for layer in plan if layer.bias is None]
    if any(f"{name}.weight" in state for name in norms):
        if not any(f"{name}.running_mean" in state for name in norms):
            if asked in ("batch", "instance_affine"):
                return asked
            raise setting_error(
                setting, "norms with a scale and a shift, and without running statistics",
                "those of a batch norm beside them", "Say what they are: norm=batch, which then "
                "works with the statistics of each picture only (model.inference=paper), or "
                "norm=instance_affine.",
            )  # fmt: skip
        its = "batch"
    elif any(f"{name}.bias" in state for name in beside) or any(
        f"{name}.running_mean" in state for name in norms
    ):
        its = "instance"
    else:
        its = "none"
    if asked not in (None, its):
        raise setting_error(
            f"norm={asked}",
            f"{NORMS[its]}, by the tensors of {setting}",
            f"norm={its}",
            "Leave norm out.",
        )
    return its


def take_over(
    network: Network, plan: Sequence[Layer], state: Mapping[str, Tensor], setting: str
) -> None:
    """Fills in the weights.

    Raises:
        SettingError: Names or shapes are not exactly those of the network.
    """
    left = dict(state)
    missing, misshapen = [], []
    zeros = network.norm == "none"  # ours has biases there, theirs has neither norm nor bias

    def take(name: str, ours: str, shape: tuple[int, ...], otherwise: Tensor | None = None) -> None:
        value = left.pop(name, otherwise)
        if value is None:
            missing.append(name)
        elif tuple(value.shape) != shape:
            misshapen.append(f"{name} is {tuple(value.shape)} and not {shape}")
        else:
            network.weights[ours] = value

    for layer in plan:
        theirs, ours, of_one = layer.theirs, layer.ours, (layer.outputs,)
        if not layer.is_norm:
            take(f"{theirs}.weight", f"{ours}.weight", layer.shape)
            if layer.bias or (layer.bias is None and network.norm in ("instance", "none")):
                fill = torch.zeros(of_one) if zeros and layer.bias is None else None
                take(f"{theirs}.bias", f"{ours}.bias", of_one, fill)
        elif network.norm in ("batch", "instance_affine"):
            take(f"{theirs}.weight", f"{ours}.weight", of_one)
            take(f"{theirs}.bias", f"{ours}.bias", of_one)
            if network.norm == "batch":
                kept = any(name.endswith(".running_mean") for name in state)
                mean, var = (None, None) if kept else (torch.zeros(of_one), torch.ones(of_one))
                take(f"{theirs}.running_mean", f"{ours}.running_mean", of_one, mean)
                take(f"{theirs}.running_var", f"{ours}.running_var", of_one, var)
                take(f"{theirs}.{COUNTER}", f"{ours}.{COUNTER}", (), torch.tensor(0))
        else:
            names = [name for s in STATISTICS if (name := f"{theirs}.{s}") in left]
            network.dropped += [name for name in names if left.pop(name) is not None]
    require_exact(network, missing, list(left), misshapen, setting)
    learnt = [value for name, value in state.items() if not name.endswith(STATISTICS)]
    network.n_parameters = sum(value.numel() for value in learnt)


def tensors(number: int) -> str:
    """So many tensors."""
    return "1 tensor" if number == 1 else f"{number} tensors"


def require_exact(
    network: Network, missing: list[str], surplus: list[str], misshapen: list[str], setting: str
) -> None:
    """Refuses a state dict that differs from that of the network in a name or a shape.

    Raises:
        SettingError: It does.
    """
    found = [f"{tensors(len(missing))} missing, such as {missing[0]}"] if missing else []
    found += [f"{len(surplus)} too many, such as {surplus[0]}"] if surplus else []
    found += [f"{len(misshapen)} of another shape: {misshapen[0]}"] if misshapen else []
    if found:
        raise setting_error(
            setting, f"another network ({'; '.join(found)})",
            f"exactly the tensors of a {network.words()}", WHOLE,
        )  # fmt: skip
