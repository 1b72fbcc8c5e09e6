"""Trains on an accelerator that is not there, and tells what would make it wait.

The tensors are fake ones (shape, type and device, no numbers) on a device of torch's PrivateUse1
type, which does for an accelerator on machines without any: backward through fake CUDA tensors
needs a GPU. Lightning's whole loop runs. An operation on tensors of two devices is an error there;
so is each read of a number that only the device could know (``.item()``, ``bool``, ``nonzero``),
for which a GPU would have to be waited. Copies from one side to the other are counted here. Two of
the three steps are logged, each of which may copy its losses back once, as the end of the epoch may
what it has seen of them.

Prints a line for each case. To be run as a program: the device is the whole process's.
"""

from collections.abc import Iterator
from typing import Any

import torch
from lightning.pytorch import Trainer
from lightning.pytorch.accelerators import CPUAccelerator
from lightning.pytorch.strategies import SingleDeviceStrategy
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode
from torch.utils import backend_registration
from torch.utils._python_dispatch import TorchDispatchMode

from i2i.discriminators.multiscale import MultiscaleDiscriminator
from i2i.generators.unet import UNetGenerator
from i2i.losses.feature_matching import FeatureMatching
from i2i.losses.gan import HingeGAN, LeastSquaresGAN, NoGAN, VanillaGAN, WassersteinGP
from i2i.losses.pan import PAN
from i2i.losses.reconstruction import L1, SSIM
from i2i.systems.pix2pix import Pix2Pix
from i2i.training.speed import Speed
from unit.training.test_adversarial import make_model

DEVICE = "pretended"
STEPS = 3


class Backend(backend_registration._DummyBackendModule):
    """What torch asks of a device's module."""

    def is_available(self) -> bool:
        return False  # else new tensors would be made by kernels of the device

    def get_amp_supported_dtype(self) -> list[torch.dtype]:
        return [torch.bfloat16]


class Copies(TorchDispatchMode):
    """Notes what is copied from one side to the other; a number that came back is there to read."""

    def __init__(self) -> None:
        super().__init__()
        self.up: list[tuple[int, ...]] = []
        self.back = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is torch.ops.aten._local_scalar_dense.default and args[0].device.type == "cpu":
            return 0.0
        out = func(*args, **(kwargs or {}))
        sources = {a.device.type for a in args if isinstance(a, Tensor)}
        target = out.device.type if isinstance(out, Tensor) else None
        if sources == {"cpu"} and target == DEVICE:
            self.up.append(tuple(out.shape))
        self.back += DEVICE in sources and target == "cpu"
        return out


class NoAccelerator(CPUAccelerator):
    """Prepares nothing."""

    def setup_device(self, device: torch.device) -> None:
        pass


class There(SingleDeviceStrategy):
    """The model is on the device already: fake weights cannot be moved."""

    def model_to_device(self) -> None:
        self.model._device = self.root_device

    def teardown(self) -> None:
        pass


class Watched(Pix2Pix):
    """Laid out from the start."""

    def to(self, *args: Any, **options: Any) -> Any:
        return self


class Showing(Watched):
    """Shows the losses as they are: Lightning then waits for each."""

    def write_terms(self, players: Any) -> None:
        self.log_dict(players["g"], prog_bar=True, logger=False)


class Batches:
    """Pairs of two images; of no known length, as Lightning would read it from a tensor."""

    def __iter__(self) -> Iterator[dict[str, Any]]:
        while True:
            x, y = torch.rand(2, 3, 64, 64), torch.rand(2, 3, 64, 64)
            yield {"input": x, "target": y, "name": ["a", "b"], "index": torch.arange(2)}


class Reads(L1):
    """Waits for the device."""

    def __call__(self, y_hat: Tensor, y: Tensor) -> Tensor:
        value = super().__call__(y_hat, y)
        return value / value.item()


class Mixes(L1):
    """Multiplies by a mask on the other device."""

    def __call__(self, y_hat: Tensor, y: Tensor) -> Tensor:
        return super().__call__(y_hat * torch.ones(y.shape), y)


class Copying(L1):
    """Reads a number by the one way that raises no error: Copies has to see it."""

    def __call__(self, y_hat: Tensor, y: Tensor) -> Tensor:
        value = super().__call__(y_hat, y)
        value.detach().cpu()
        return value


def unet() -> nn.Module:
    return UNetGenerator(3, 3, 4, n_downs=5)


EVERYTHING = {"l1": L1(), "ssim": SSIM(), "pan": PAN(), "feature_matching": FeatureMatching()}
CASES: dict[str, dict[str, Any]] = {
    "vanilla": {"gan_loss": VanillaGAN(), "norm": "batch"},
    "lsgan": {"gan_loss": LeastSquaresGAN(), "accumulate": 2, "clip_g": 1.0, "clip_d": 1.0},
    "hinge": {"gan_loss": HingeGAN(), "norm": "spectral", "ema_decay": 0.9},
    "wgan-gp": {"gan_loss": WassersteinGP(r1=1.0), "norm": "layer", "n_critic": 2},
    "none": {"gan_loss": NoGAN(), "reconstruction": {"l1": L1()}},
    "terms": {"gan_loss": VanillaGAN(), "reconstruction": EVERYTHING},
    "multiscale": {"discriminator": MultiscaleDiscriminator, "generator": unet},
    "checkpoints": {
        "gan_loss": WassersteinGP(), "generator": unet, "norm": "layer",
        "speed": Speed(channels_last=True, checkpoint_activations=True),
    },
    "diffaugment": {
        "gan_loss": VanillaGAN(r1=1.0), "diffaugment": ("color", "translation", "cutout"),
    },
    "reads": {"reconstruction": {"l1": Reads()}},
    "mixes": {"reconstruction": {"l1": Mixes()}},
    "copies": {"reconstruction": {"l1": Copying()}},
    "shows": {"system": Showing},
}  # fmt: skip


def built(options: dict[str, Any]) -> Pix2Pix:
    """A tiny model on the device, its weights as NHWC."""
    options = {"speed": Speed(channels_last=True), **options}
    with torch.device(DEVICE, 0):
        if "generator" in options:
            options["generator"] = options["generator"]()
        discriminator = options.pop("discriminator", None)
        system = options.pop("system", Watched)
        model = make_model(options.pop("norm", "instance"), **options)
        if discriminator:
            model.discriminator = discriminator(3, 3, 4, n_layers=2, n_scales=2)
        for module in model.modules():
            if isinstance(module, nn.Conv2d | nn.ConvTranspose2d) and "weight" in vars(module):
                weight = torch.empty(module.weight.shape)
                weight = weight.contiguous(memory_format=torch.channels_last)
                module.weight = nn.Parameter(weight)
    model.__class__ = system
    return model


def duplicate(tensor: Tensor, memo: dict[int, Any]) -> Tensor:
    """A copy as ``deepcopy`` makes it; torch can make none of a fake tensor of the CPU."""
    return tensor.clone() if tensor.device.type == "cpu" else Tensor.__deepcopy__(tensor, memo)


def main() -> None:
    """Fits every case."""
    backend_registration._setup_privateuseone_for_python_backend(DEVICE, Backend())
    FakeTensorMode.__deepcopy__ = lambda mode, memo: mode  # the average is a copy of the network
    FakeTensor.__deepcopy__ = duplicate  # Lightning copies the start value of what is shown
    for name, options in CASES.items():
        with FakeTensorMode(), torch.autograd.set_multithreading_enabled(False):
            model = built(options)
            trainer = Trainer(
                max_steps=STEPS, accelerator=NoAccelerator(), strategy=There(f"{DEVICE}:0"),
                logger=False, enable_checkpointing=False, enable_progress_bar=False,
                enable_model_summary=False, num_sanity_val_steps=0, limit_val_batches=0,
                log_every_n_steps=2,
            )  # fmt: skip
            try:
                with Copies() as copies:
                    trainer.fit(model, Batches())
            except Exception as error:
                print(f"\n{name}: {type(error).__name__}: {str(error).splitlines()[0]}")
                continue
        steps, batches = trainer.global_step, model.batches_seen
        fused = all(o.optimizer.defaults["fused"] for o in model.optimizers())
        images = copies.up.count((2, 3, 64, 64))
        print(
            f"\n{name}: {steps} steps, {batches} batches, {images} images up, "
            f"{len(copies.up) - images - batches} other copies up, {copies.back} back"
            + ", fused" * fused,
            flush=True,
        )  # fmt: skip


if __name__ == "__main__":
    main()
