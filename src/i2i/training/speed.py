"""How a step is computed, as opposed to what it computes."""

from collections.abc import Callable, Sequence
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
        cuda_graphs: Replays the compiled networks' kernels without launching each one from Python;
            helps where the GPU waits for launches, at batch 1. Needs ``compile``, one GPU.
        checkpoint_activations: Keeps only what goes into each block of both networks and computes
            the rest again in the backward pass (see ``i2i.training.checkpointing``): less memory,
            about a third more time.
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

        if self.cuda_graphs and not self.compile:
            raise setting_error(
                "speed.cuda_graphs=true", "speed.compile=false beside it", "compiled networks",
                "Use speed=max, or speed.compile=true too: by itself a graph copies all weights "
                "before each replay.",
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

    def compiled(self, network: nn.Module) -> Callable[..., Any]:
        """The network's forward pass, compiled as asked for; the network itself stays as it is."""
        if not self.compile:
            return network
        # Else dropout would have noise of the compiler's own, and a run be another run.
        options = {"fallback_random": True}
        return torch.compile(
            network, options=options | ({"triton.cudagraphs": True} if self.cuda_graphs else {})
        )


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


def settle(optimizer: Optimizer) -> None:
    """Gives what a checkpoint brought the form that this run's step takes.

    ``load_state_dict`` brings the choice of kernels of the run that saved, too, and averages that
    lie in memory as its weights lay; a fused step takes weights and averages together.
    """
    for group in optimizer.param_groups:
        for choice in {"fused", "foreach"} & group.keys():
            group[choice] = optimizer.defaults[choice]
        on_device = bool(group.get("fused") or group.get("capturable"))
        for parameter in group["params"]:
            state = optimizer.state.get(parameter, {})
            for name, value in state.items():
                if not isinstance(value, torch.Tensor):
                    continue
                if name == "step":
                    state[name] = value.to(parameter.device if on_device else "cpu")
                elif value.shape == parameter.shape and value.stride() != parameter.stride():
                    layout = torch.empty_like(parameter, dtype=value.dtype)
                    state[name] = layout.copy_(value)


def require_moments(weights: Sequence[nn.Parameter], state: Any) -> None:
    """Refuses what a checkpoint keeps for an optimizer where it does not fit the weights.

    torch loads averages of any shape, and its fused kernels read past the end of small ones.

    Args:
        weights: Those that the optimizer steps.
        state: The optimizer's state dict.

    Raises:
        SettingError: A tensor has neither one number nor the shape of its weight.
    """
    moments = state.get("state") if isinstance(state, dict) else None
    fits = isinstance(moments, dict)
    for place, kept in (moments or {}).items() if fits else ():
        known = isinstance(place, int) and 0 <= place < len(weights) and isinstance(kept, dict)
        fits = fits and known and all(
            (value.numel() == 1 and value.ndim == 0) or value.shape == weights[place].shape
            for value in kept.values() if isinstance(value, torch.Tensor)
        )  # fmt: skip
    if not fits:
        raise setting_error(
            "resume", "a checkpoint whose optimizers do not fit its weights", "one per player",
            "Use another checkpoint of the run, or begin a new one from its weights: init_from=.",
        )  # fmt: skip
