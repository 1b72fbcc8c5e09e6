"""How a step is computed, as opposed to what it computes."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from i2i.errors import setting_error


@dataclass(frozen=True)
class Speed:
    """Ways to compute the same step faster or in less memory; results move by rounding only.

    Attributes:
        channels_last: Keeps images and weights as NHWC in memory, which is what the tensor cores of
            a GPU work on. ``auto`` is True there, False on a CPU: slower there in float32.
        fused: One kernel for the whole optimizer step, where there is one, but for float16.
            ``auto`` is True.
        compile: Fuses the networks' forward and backward with torch.compile; the first steps take a
            minute or more. Gradient penalties stay uncompiled: a second backward cannot be.
        cuda_graphs: Replays the networks' kernels without launching each one from Python; helps
            where the GPU waits for launches, at batch 1. With ``compile`` or without.
        checkpoint_activations: Keeps only what goes into each stage of the generator and computes
            the rest again in the backward pass (Chen et al. 2016, "Training deep nets with
            sublinear memory cost"): less memory, about a third more time in G.
    """

    channels_last: bool | str = "auto"
    fused: bool | str = "auto"
    compile: bool = False
    cuda_graphs: bool = False
    checkpoint_activations: bool = False

    def __post_init__(self) -> None:
        """Checks the values.

        Raises:
            SettingError: One is no such choice, or two contradict each other.
        """
        for name, value in vars(self).items():
            choices = (True, False, "auto") if name in ("channels_last", "fused") else (True, False)
            if not any(value is choice or value == choice == "auto" for choice in choices):
                raise setting_error(
                    f"speed.{name}={value}", repr(value),
                    " or ".join(str(c).lower() for c in choices), "Type one of them.",
                )  # fmt: skip
        if self.checkpoint_activations and (self.compile or self.cuda_graphs):
            other = "compile" if self.compile else "cuda_graphs"
            raise setting_error(
                "speed.checkpoint_activations=true", f"speed.{other}=true beside it", "one of them",
                "torch.compile chooses by itself what it computes again; leave one out.",
            )  # fmt: skip

    def wants_channels_last(self, device: torch.device) -> bool:
        """What ``channels_last`` means there."""
        return device.type == "cuda" if self.channels_last == "auto" else bool(self.channels_last)

    def optimizer_options(self, scaled: bool) -> dict[str, bool]:
        """Further arguments for an optimizer's constructor.

        Args:
            scaled: Whether gradients are scaled (float16). A fused optimizer would divide them by
                the scale inside its step, after they were clipped.
        """
        return {"fused": True} if self.fused and not scaled else {}

    def compiled(self, network: nn.Module, device: torch.device) -> Callable[..., Any]:
        """The network's forward pass, compiled as asked for; the network itself stays as it is.

        Raises:
            SettingError: CUDA graphs without a GPU.
        """
        if self.cuda_graphs and device.type != "cuda":
            raise setting_error(
                "speed.cuda_graphs=true", f"training on {device.type}", "a GPU",
                "Add speed.cuda_graphs=false, or trainer=gpu.",
            )  # fmt: skip
        if self.compile:
            mode = "reduce-overhead" if self.cuda_graphs else "default"
            return torch.compile(network, mode=mode)
        return torch.compile(network, backend="cudagraphs") if self.cuda_graphs else network


def make_optimizer(
    make: Callable[..., Optimizer], parameters: list[nn.Parameter], options: dict[str, bool]
) -> Optimizer:
    """Makes an optimizer, without the options that its class or these parameters do not take.

    Args:
        make: The class, or a partial of it; what it says itself of ``fused`` or ``foreach`` stands.
        parameters: To optimise.
        options: Of ``Speed.optimizer_options``.
    """
    if {"fused", "foreach", "capturable"} & set(getattr(make, "keywords", {})):
        options = {}
    try:
        return make(parameters, **options)
    except (TypeError, RuntimeError):
        if not options:
            raise
        return make(parameters)


def match_layouts(optimizer: Optimizer) -> None:
    """Lays the optimizer's averages out in memory as its parameters are.

    Those from a checkpoint may be NCHW where the weights are NHWC by now, or the other way round; a
    fused step takes them together.
    """
    for parameter, state in optimizer.state.items():
        for name, value in state.items():
            same_shape = isinstance(value, torch.Tensor) and value.shape == parameter.shape
            if same_shape and value.stride() != parameter.stride():
                layout = torch.empty_like(parameter, dtype=value.dtype)
                state[name] = layout.copy_(value)
