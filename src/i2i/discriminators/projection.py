"""A discriminator that compares what it sees with a class (Miyato and Koyama 2018)."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from i2i.blocks import add_spectral_norm, make_norm
from i2i.discriminators.output import DiscriminatorOutput
from i2i.errors import setting_error
from i2i.weight_init import init_glorot


class DownBlock(nn.Module):
    """Two convolutions beside a 1 x 1 one; halves the size or keeps it (Miyato 2018, App. B.4)."""

    def __init__(self, channels: int, wider: int, norm: str, halves: bool, first: bool):
        super().__init__()
        self.halves, self.first = halves, first
        norms = ("none" if first else norm, norm)
        widths = (channels, wider)
        self.norms = nn.ModuleList(
            make_norm(n, width, "discriminator.norm")
            for n, width in zip(norms, widths, strict=True)
        )
        self.convs = nn.ModuleList(nn.Conv2d(width, wider, 3, 1, 1) for width in widths)
        self.beside = nn.Conv2d(channels, wider, 1)

    def forward(self, x: Tensor) -> Tensor:
        h = x if self.first else F.relu(self.norms[0](x))  # the picture goes in as it is
        h = self.convs[1](F.relu(self.norms[1](self.convs[0](h))))
        if self.halves:
            h, x = F.avg_pool2d(h, 2), F.avg_pool2d(x, 2)
        return h + self.beside(x)


class ProjectionDiscriminator(nn.Module):
    """D(x, y) = l(h(y)) + <V x, h(y)>, h being the sum over space (Miyato and Koyama 2018, Eq. 3).

    ``y`` is the picture and ``x`` the condition, as everywhere here: label planes, of which the
    mean over space is the label. Instead, the planes can stand beside the picture (Mirza and
    Osindero 2014), and a second head can tell the label (Odena et al. 2017, AC-GAN).

    Attributes:
        least_size: Pixels; the smallest height and width.
    """

    checkpointed = (DownBlock,)

    def __init__(
        self,
        input_channels: int,  # of the condition: the number of labels
        target_channels: int,
        base_channels: int = 128,  # feature maps of all layers
        n_downs: int = 2,  # blocks that halve the size, at least 1
        n_further: int = 2,  # blocks after them that keep it
        norm: str = "spectral",
        conditional: bool = True,  # False: D is not shown the condition
        condition: str = "projection",  # or concat: as further channels of the picture
        head: bool = False,  # whether D tells the label, too
    ):
        """Builds the blocks and the heads.

        Raises:
            SettingError: ``condition`` is neither of both, or there is no block.
        """
        super().__init__()
        if condition not in ("projection", "concat"):
            raise setting_error(
                f"discriminator.condition={condition}", repr(condition), "projection or concat",
                "Name one; discriminator.conditional=false hides the label.",
            )  # fmt: skip
        if n_downs < 1:
            raise setting_error(
                f"discriminator.n_downs={n_downs}", str(n_downs), "1 or more", "Use 1."
            )
        self.conditional = conditional
        self.concatenates = conditional and condition == "concat"
        c, seen = base_channels, target_channels + (input_channels if self.concatenates else 0)
        blocks = [DownBlock(seen if i == 0 else c, c, norm, True, i == 0) for i in range(n_downs)]
        blocks += [DownBlock(c, c, norm, False, False) for _ in range(n_further)]
        self.blocks = nn.ModuleList(blocks)
        self.score = nn.Linear(c, 1)
        projects = conditional and not self.concatenates
        self.embedding = nn.Linear(input_channels, c, bias=False) if projects else None
        self.classes = nn.Linear(c, input_channels) if head else None
        self.least_size = 2**n_downs
        init_glorot(self, 1.0)
        if norm == "spectral":
            add_spectral_norm(self)

    def forward(self, x: Tensor, y: Tensor) -> DiscriminatorOutput:
        """Scores pictures for their labels.

        Args:
            x: The condition, (B, input_channels, H, W), such as label planes.
            y: Real or made images, (B, target_channels, H, W) in [-1, 1].

        Returns:
            One scale: logits (B, 1, 1, 1) and one feature map a block; the label's logits,
            (B, input_channels), where there is a head.
        """
        h, features = torch.cat([x, y], 1) if self.concatenates else y, []
        for block in self.blocks:
            h = block(h)
            features.append(h)
        h = F.relu(h).sum((2, 3))  # (B, base_channels)
        score = self.score(h)
        if self.embedding is not None:
            score = score + (self.embedding(x.mean((2, 3))) * h).sum(1, keepdim=True)
        told = None if self.classes is None else self.classes(h)
        return DiscriminatorOutput([score[:, :, None, None]], [features], told)
