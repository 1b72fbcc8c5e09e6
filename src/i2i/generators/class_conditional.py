"""A generator of nothing but a code and a class: residual blocks with class-conditional norms."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from i2i.blocks import add_spectral_norm, make_norm
from i2i.errors import setting_error
from i2i.weight_init import init_glorot

LEAST_START = 4  # pixels of the smallest feature maps


class ConditionalNorm(nn.Module):
    """A norm whose scale and shift are learnt for each class (Dumoulin et al. 2017, Eq. 5).

    Without classes it has one scale and one shift.
    """

    def __init__(self, norm: str, channels: int, n_labels: int):
        super().__init__()
        self.norm = make_norm(norm, channels, "generator.norm", affine=n_labels == 0)
        if n_labels:
            self.scale = nn.Linear(n_labels, channels, bias=False)  # added to 1
            self.shift = nn.Linear(n_labels, channels, bias=False)

    def forward(self, x: Tensor, label: Tensor | None) -> Tensor:
        """Normalises (B, C, H, W); the label is one-hot, (B, n), or None without classes."""
        x = self.norm(x)
        if label is None:
            return x
        scale, shift = 1 + self.scale(label), self.shift(label)  # (B, C) each
        return x * scale[:, :, None, None] + shift[:, :, None, None]


class UpBlock(nn.Module):
    """Doubles the size: two convolutions beside a 1 x 1 one (Miyato et al. 2018, App. B.4)."""

    def __init__(self, channels: int, norm: str, n_labels: int):
        super().__init__()
        self.norms = nn.ModuleList(ConditionalNorm(norm, channels, n_labels) for _ in range(2))
        self.convs = nn.ModuleList(nn.Conv2d(channels, channels, 3, 1, 1) for _ in range(2))
        self.beside = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor, label: Tensor | None) -> Tensor:
        h = double(F.relu(self.norms[0](x, label)))
        h = self.convs[1](F.relu(self.norms[1](self.convs[0](h), label)))
        return self.beside(double(x)) + h  # (B, C, 2 H, 2 W)


def double(x: Tensor) -> Tensor:
    """Each pixel four times: (B, C, H, W) to (B, C, 2 H, 2 W)."""
    return F.interpolate(x, scale_factor=2.0, mode="nearest")


class ClassConditionalGenerator(nn.Module):
    """G(z, y): a dense layer, blocks that double the size, and a convolution.

    The residual generator of Miyato et al. 2018, App. B.4, Table 3, with the class-conditional
    batch norm of Miyato and Koyama 2018, Sec. 4. Instead of, or beside, the norm the label can be
    given with the code, as in Mirza and Osindero 2014, Sec. 3.2.

    Attributes:
        latent: Numbers of the code z.
        n_labels: Classes; 0: it is told none.
    """

    checkpointed = (UpBlock,)

    def __init__(
        self,
        image_size: int | Sequence[int],  # pixels
        out_channels: int,
        n_labels: int,  # classes; 0: G is told none
        latent: int = 128,  # numbers of the code z
        base_channels: int = 256,  # feature maps of all layers
        n_ups: int | None = None,  # blocks; None: as many as leave 4 pixels or more at the start
        norm: str = "batch",
        label_in: str = "norm",  # or code: beside z; or both
    ):
        """Builds the layers.

        Raises:
            SettingError: The image size does not fit the blocks, the code has no number, or the
                place of the label is none.
        """
        super().__init__()
        require_inputs(latent, label_in)
        sides = [image_size] * 2 if isinstance(image_size, int) else list(image_size)
        n_ups = fitting_ups(sides) if n_ups is None else n_ups
        require_halves(sides, n_ups)
        self.latent, self.n_labels, self.label_in = latent, n_labels, label_in
        self.start = [side // 2**n_ups for side in sides]
        c, in_norms = base_channels, 0 if label_in == "code" else n_labels
        beside = 0 if label_in == "norm" else n_labels
        self.dense = nn.Linear(latent + beside, c * self.start[0] * self.start[1])
        self.blocks = nn.ModuleList(UpBlock(c, norm, in_norms) for _ in range(n_ups))
        self.last_norm = make_norm(norm, c, "generator.norm")
        self.to_image = nn.Conv2d(c, out_channels, 3, 1, 1)
        init_glorot(self, 1.0)
        for module in self.modules():
            if isinstance(module, ConditionalNorm) and in_norms:  # scale 1, shift 0 for every class
                nn.init.zeros_(module.scale.weight)
                nn.init.zeros_(module.shift.weight)
        if norm == "spectral":
            add_spectral_norm(self)

    def forward(self, z: Tensor, label: Tensor | None = None) -> Tensor:
        """Makes images.

        Args:
            z: Codes, (B, latent).
            label: Classes as floats of 0 and 1, (B, n_labels); None without classes.

        Returns:
            (B, out_channels, H, W) in [-1, 1].

        Raises:
            SettingError: There is a picture in the place of a code.
        """
        if z.ndim != 2 or z.shape[1] != self.latent:
            raise setting_error(
                "generator=class_conditional", f"an input of shape {tuple(z.shape)}",
                f"codes, (B, {self.latent})",
                "Use it with model=cgan, which makes pictures of codes, or another generator.",
            )  # fmt: skip
        known = [] if label is None or self.label_in == "norm" else [label]
        x = self.dense(torch.cat([z, *known], 1)).unflatten(1, (-1, *self.start))
        in_norms = None if self.label_in == "code" else label
        for block in self.blocks:
            x = block(x, in_norms)  # (B, base_channels, start * 2^(i+1), ...)
        return torch.tanh(self.to_image(F.relu(self.last_norm(x))))


def require_inputs(latent: int, label_in: str) -> None:
    """Refuses a code without numbers, and a place of the label that there is not.

    Raises:
        SettingError: It is one.
    """
    if latent < 1:
        raise setting_error(
            f"generator.latent={latent}", "a code without numbers: one picture for each class",
            "1 or more", "Leave generator.latent out for 128.",
        )  # fmt: skip
    if label_in not in ("norm", "code", "both"):
        raise setting_error(
            f"generator.label_in={label_in}", repr(label_in), "norm, code or both", "Name one."
        )


def fitting_ups(sides: Sequence[int]) -> int:
    """How often both sides can be halved and keep 4 pixels."""
    n = 0
    while all(side % 2 ** (n + 1) == 0 and side // 2 ** (n + 1) >= LEAST_START for side in sides):
        n += 1
    return n


def require_halves(sides: Sequence[int], n_ups: int) -> None:
    """Refuses an image that so many doublings do not give.

    Raises:
        SettingError: A side is no multiple of 2^n_ups.
    """
    if n_ups < 0 or any(side % 2**n_ups for side in sides):
        raise setting_error(
            f"generator.n_ups={n_ups}", f"images of {' x '.join(map(str, sides))} pixels",
            f"multiples of {2 ** max(n_ups, 0)}, and n_ups of 0 or more",
            f"Use generator.n_ups={fitting_ups(sides)}, or another dataset.image_size.",
        )  # fmt: skip
