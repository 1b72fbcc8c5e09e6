"""What the convolutional discriminators share: stages of convolution, norm and LeakyReLU."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from i2i.blocks import add_spectral_norm, leaky_relu_after, make_norm, needs_bias
from i2i.discriminators.output import DiscriminatorOutput
from i2i.weight_init import init_normal


class StagedDiscriminator(nn.Module):
    """A chain of stages, then a convolution to one channel of logits.

    The first stage and the last convolution have no norm (Isola et al. 2017, App. 6.1.2), except
    for the spectral one, which all convolutions have (Miyato et al. 2018, Sec. 2.1) unless
    ``spectral_ends`` is False.

    Attributes:
        least_size: Pixels; the smallest height and width that give a logit.
    """

    checkpointed = (nn.Sequential,)

    def __init__(
        self,
        input_channels: int,
        target_channels: int,
        widths: Sequence[int],  # feature maps, one number a stage
        strides: Sequence[int],  # one number a stage, and the last convolution's
        kernel: int,  # pixels, 4 or 1
        padding: int,  # pixels on each side of every convolution's input
        norm: str,  # batch, instance, layer, spectral or none
        conditional: bool,  # False: the input image is not shown (GAN instead of cGAN)
        spectral_ends: bool = True,  # False: no spectral norm on the first and last convolution
        score_bias: bool = True,  # whether the last convolution has a bias
        score_padding: int | None = None,  # of the last convolution; None: that of the others
        small_start: bool = True,  # weights from N(0, 0.02); False: as PyTorch draws them
    ):
        super().__init__()
        self.conditional = conditional
        width = target_channels + (input_channels if conditional else 0)
        stages = []
        for i, (wider, stride) in enumerate(zip(widths, strides[:-1], strict=True)):
            normed = i > 0
            bias = needs_bias(norm) if normed else True
            layers = [nn.Conv2d(width, wider, kernel, stride, padding, bias=bias)]
            if normed:
                layers.append(make_norm(norm, wider, "discriminator.norm"))
            stages.append(nn.Sequential(*layers, leaky_relu_after(norm if normed else "none")))
            width = wider
        self.stages = nn.ModuleList(stages)
        last = padding if score_padding is None else score_padding
        self.score = nn.Conv2d(width, 1, kernel, strides[-1], last, bias=score_bias)
        self.least_size = 1
        for stride, pad in zip(reversed(strides), [last] + [padding] * len(stages), strict=True):
            self.least_size = max(1, (self.least_size - 1) * stride + kernel - 2 * pad)
        if small_start:
            init_normal(self)
        if norm == "spectral":
            add_spectral_norm(self if spectral_ends else self.stages[1:])

    def forward(self, x: Tensor, y: Tensor) -> DiscriminatorOutput:
        """Scores the pairs (x, y).

        Args:
            x: Input images, (B, input_channels, H, W) in [-1, 1].
            y: Real or made images, (B, target_channels, H, W) in [-1, 1].

        Returns:
            One scale: logits (B, 1, h, w) and one feature map a stage.
        """
        h = torch.cat([x, y], dim=1) if self.conditional else y  # (B, C_in + C_out, H, W)
        features = []
        for stage in self.stages:
            h = stage(h)
            features.append(h)
        return DiscriminatorOutput([self.score(h)], [features])
