"""A small convolutional classifier for pictures of any size."""

from torch import Tensor, nn

from i2i.blocks import make_norm, needs_bias
from i2i.errors import setting_error


def conv_norm_relu(in_channels: int, out_channels: int, stride: int, norm: str) -> nn.Sequential:
    """3 x 3 convolution, norm, ReLU."""
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 3, stride, 1, bias=needs_bias(norm)),
        make_norm(norm, out_channels, "classifier.norm"), nn.ReLU(),
    )  # fmt: skip


class SmallClassifier(nn.Module):
    """3 x 3 convolutions that halve H and W a few times, the mean over space, one linear layer.

    Pairs of small convolutions, twice as wide after each halving, as in Simonyan and Zisserman
    2015, Sec. 2, with strides instead of pooling (Springenberg et al. 2015), batch norm, and a mean
    over space before the linear layer (Lin et al. 2014, Sec. 3.2).
    """

    def __init__(
        self,
        in_channels: int,
        n_classes: int,  # domains, classes or attributes
        base_channels: int = 32,  # feature maps at full size; doubled at each halving
        n_downs: int = 3,  # halvings of H and W
        norm: str = "batch",  # or any other of ``i2i.blocks``
        dropout: float = 0.0,  # of the features before the linear layer
    ):
        """Builds the layers; weights begin as PyTorch draws them.

        Raises:
            SettingError: ``n_downs`` is below 0, or the norm is unknown.
        """
        super().__init__()
        if n_downs < 0:
            raise setting_error(
                f"classifier.n_downs={n_downs}", str(n_downs), "0 or more", "Use 3."
            )
        c = base_channels
        layers = [conv_norm_relu(in_channels, c, 1, norm)]
        for _ in range(n_downs):
            layers += [conv_norm_relu(c, 2 * c, 2, norm), conv_norm_relu(2 * c, 2 * c, 1, norm)]
            c = 2 * c
        self.layers = nn.Sequential(*layers)
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(c, n_classes))

    def forward(self, x: Tensor) -> Tensor:
        """Says what pictures are of.

        Args:
            x: (B, in_channels, H, W) in [-1, 1].

        Returns:
            Logits (B, n_classes).
        """
        h = self.layers(x)  # (B, c, H / 2^n_downs, W / 2^n_downs), rounded up
        return self.head(h.mean((2, 3)))  # (B, n_classes)
