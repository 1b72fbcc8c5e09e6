"""Pictures in the forms that metrics take."""

from collections.abc import Sequence
from functools import cached_property

from torch import Tensor

from i2i.images.picture_kind import PictureKind
from i2i.images.quantise import to_uint8


class Pictures:
    """The pictures of one side of a batch.

    Args:
        images: (B, C, H, W) in [-1, 1].
        kind: What they are in their files.
        names: One an image, for errors.
    """

    def __init__(
        self, images: Tensor, kind: PictureKind, names: Sequence[str] | None = None
    ) -> None:
        self.images, self.kind, self.names = images.detach(), kind, names

    @cached_property
    def levels(self) -> Tensor:
        """All channels in 8 bits, uint8 (B, C, H, W)."""
        return to_uint8(self.images, self.names)

    @cached_property
    def seen(self) -> Tensor:
        """The channels that are shown in 8 bits, uint8 (B, 1 or 3, H, W)."""
        return self.kind.seen(self.levels)

    @cached_property
    def values(self) -> Tensor:
        """All channels as files hold them: uint8 where these have 8 bits, else float64."""
        plain = self.kind.values.plain
        return self.levels if plain else self.kind.values.of(self.images, self.names)
