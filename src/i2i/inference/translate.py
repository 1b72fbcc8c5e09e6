"""The generator outside training: pix2pix's noise at test time, padding, and no trace left."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.dropout import _DropoutNd

from i2i.blocks import has_batch_norm
from i2i.seeds import stable_seed
from i2i.thread_lock import thread_lock

INFERENCE_MODES = ("paper", "eval")
# Threads share a network, whose mode changes, and PyTorch's random generator. Whoever changes one
# of them until a block ends holds this for as long.
ONE_AT_A_TIME = thread_lock()


@contextmanager
def paper_mode(network: nn.Module) -> Iterator[None]:
    """Dropout on, batch norm on the statistics of the batch at hand (Isola et al. 2017, Sec. 3.3).

    Modes and running statistics are afterwards what they were. Batch norms stay in eval mode
    without running statistics: they then use the batch's own, write nothing, and a SyncBatchNorm
    does not wait for other processes.
    """
    with eval_mode(network):
        norms = [m for m in network.modules() if isinstance(m, _BatchNorm)]
        statistics = [(m, m.running_mean, m.running_var) for m in norms]
        for module in network.modules():
            if isinstance(module, _DropoutNd):
                module.train()
        for norm in norms:
            norm.running_mean = norm.running_var = None
        try:
            yield
        finally:
            for norm, mean, var in statistics:
                norm.running_mean, norm.running_var = mean, var


@contextmanager
def eval_mode(network: nn.Module) -> Iterator[None]:
    """Dropout off, batch norm on its running statistics; modes are restored afterwards."""
    with ONE_AT_A_TIME:
        modes = [(module, module.training) for module in network.modules()]
        network.eval()
        try:
            yield
        finally:
            for module, training in modes:
                module.training = training


def has_noise(network: nn.Module) -> bool:
    """Whether some dropout is active in paper mode."""
    return any(isinstance(m, _DropoutNd) and m.p > 0 for m in network.modules())


def seed_noise(seed: int, device: torch.device) -> None:
    """Seeds what draws random numbers on the CPU and on one device.

    ``torch.manual_seed`` does so for every kind of device that there is and, where one is not in
    use, keeps a printed stack for it: 1.8 ms of a training step.
    """
    torch.default_generator.manual_seed(seed)
    if device.type == "cuda":
        torch.cuda.manual_seed(seed)  # of the current GPU, which is this process's
    elif device.type == "mps":
        torch.mps.manual_seed(seed)


@contextmanager
def seeded_noise(seed: int, device: torch.device) -> Iterator[None]:
    """Random numbers from one seed, without touching anybody else's."""
    devices = [device] if device.type == "cuda" else []
    with ONE_AT_A_TIME:
        apples = torch.mps.get_rng_state() if device.type == "mps" else None  # fork_rng: no room
        try:
            with torch.random.fork_rng(devices=devices):
                seed_noise(seed, device)
                yield
        finally:
            if apples is not None:
                torch.mps.set_rng_state(apples)


def pad_to_multiple(x: Tensor, divisor: int) -> Tensor:
    """Repeats the last row and column until H and W are multiples of ``divisor``."""
    bottom, right = -x.shape[-2] % divisor, -x.shape[-1] % divisor
    return F.pad(x, (0, right, 0, bottom), mode="replicate") if bottom or right else x


@torch.no_grad()
def translate(
    generator: nn.Module,
    x: Tensor,
    names: Sequence[str],
    mode: str,
    seed: int,
    call: Callable[..., Tensor] | None = None,
    beside: Sequence[Tensor] = (),
) -> Tensor:
    """Translates images as at test time; changes nothing in the generator.

    In paper mode each image goes through alone, with noise drawn from (seed, name), and on a CPU in
    both modes: its result does not depend on the batch it came in or on the process that worked on
    it. The network runs in float32 whatever precision it is trained in, so that a score in training
    is that of evaluate.

    Args:
        generator: Says its ``divisor``; smaller images are padded and cropped back.
        x: (B, C, H, W) in [-1, 1], any H and W.
        names: One an image.
        mode: ``paper`` or ``eval``.
        seed: Of the dropout noise.
        call: From padded images, and what is given beside them, to outputs, through the generator;
            None: the generator itself.
        beside: What else the call gets, (B, ...) each, such as codes or labels.

    Returns:
        (B, C_out, H, W) float32 in [-1, 1].
    """
    height, width = x.shape[-2:]
    padded = pad_to_multiple(x.float(), generator.divisor)
    made = in_mode(generator, call or generator, (padded, *beside), names, mode, seed)
    return made[..., :height, :width]


@torch.no_grad()
def in_mode(
    network: nn.Module,
    call: Callable[..., Tensor],
    inputs: Sequence[Tensor],
    names: Sequence[str],
    mode: str,
    seed: int,
) -> Tensor:
    """What a network makes as at test time, in float32; changes nothing in it.

    Args:
        network: Gets the mode.
        call: From the inputs to outputs, through the network.
        inputs: (B, ...) each.
        names: One a sample.
        mode: ``paper`` or ``eval``; see ``translate``.
        seed: Of the dropout noise.
    """
    device = inputs[0].device
    noisy = mode == "paper" and (has_noise(network) or has_batch_norm(network))
    # A CPU's kernels, and with them the last bits of a result, can depend on the number of images;
    # and it works on them one after the other anyway.
    at_once = 1 if noisy or device.type == "cpu" else max(len(names), 1)
    parts, made = zip(*(i.split(at_once) for i in inputs), strict=True), []
    running = (paper_mode if noisy else eval_mode)(network)
    with torch.autocast(device.type, enabled=False), running:
        for place, part in enumerate(parts):
            noise = stable_seed(seed, names[place]) if noisy else None
            with nullcontext() if noise is None else seeded_noise(noise, device):
                made.append(call(*part))
    return torch.cat(made)
