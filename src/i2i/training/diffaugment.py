"""Differentiable augmentation of everything that a discriminator sees."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from i2i.errors import setting_error
from i2i.training.players import Player, members

JUDGE = "discriminator"  # the system's attribute that holds what judges images


class DiffAugment:
    """T of Zhao et al. 2020 ("Differentiable Augmentation for Data-Efficient GAN Training").

    D sees T(y) and T(G(x)), in its own update and in G's, whose gradient goes through T (Sec.
    3.2). Each sample of a batch has random numbers of its own, and all images of that sample share
    them: the made one, the real one, and the input that a conditional D sees beside either. The
    released code draws anew for each call of D. Sharing leaves the expectation as it is, and terms
    that compare D's features of both images stay meaningful. D's update and G's draw apart.

    A gradient penalty is that of y -> D(T(y)), with the same T and with respect to y, as in the
    released code. With several scales T comes before the first one. At validation and test nothing
    is drawn, and everything stays as it is.
    """

    def __init__(self, kinds: Sequence[str]):
        """Checks what is asked for.

        Args:
            kinds: Of ``color``, ``translation`` and ``cutout``, in the order in which they are
                applied; none leaves everything as it is.

        Raises:
            SettingError: One is none of these, or stands there twice.
        """
        asked = list(kinds) if isinstance(kinds, Sequence) and not isinstance(kinds, str) else kinds
        known = isinstance(asked, list) and all(kind in list(KINDS) for kind in asked)
        if not known or len(set(asked)) < len(asked):
            raise setting_error(
                f"model.diffaugment={asked}", "that choice",
                f"a list of {', '.join(KINDS)}, each at most once",
                f"Use 'model.diffaugment=[{','.join(KINDS)}]', or fewer of them.",
            )  # fmt: skip
        self.kinds = tuple(asked)
        self.numbers: Tensor | None = None  # (B, 7) in [0, 1), while terms are computed
        self.beside = True  # whether what D is shown beside an image is augmented, too

    def attach(self, system: nn.Module, players: Sequence[Player]) -> None:
        """Lets the discriminators of a system see augmented images from now on.

        Raises:
            SettingError: Kinds are asked for, and no discriminator learns.
        """
        if not self.kinds:
            return
        if not any(player.learns and JUDGE in player.networks for player in players):
            raise setting_error(
                f"model.diffaugment=[{','.join(self.kinds)}]", "no discriminator that learns",
                "one that sees the augmented images",
                "Use an objective such as gan_loss=lsgan, or leave model.diffaugment out.",
            )  # fmt: skip
        self.beside = system.conditions_on_pictures
        for network in members(getattr(system, JUDGE)):
            network.register_forward_pre_hook(self.before)

    @contextmanager
    def drawn(self, n: int, device: torch.device) -> Iterator[None]:
        """Draws T for the terms of a player, from the generator that the step has seeded.

        Args:
            n: Samples.
            device: Where the images are.
        """
        # As many for any kinds: cutout is the same beside translation as by itself.
        self.numbers = torch.rand(n, 7, device=device) if self.kinds else None
        try:
            yield
        finally:
            self.numbers = None

    def before(self, _: nn.Module, inputs: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor] | None:
        """What a discriminator is called with; labels, which are no pictures, stay as they are."""
        if self.numbers is None:
            return None
        condition, image = inputs
        return self(condition) if self.beside else condition, self(image)

    def __call__(self, images: Tensor) -> Tensor:
        """Augments images.

        Args:
            images: (N, C, H, W) in [-1, 1]. Where N is not that of ``drawn``, sample i has the
                numbers i of as many rounds as it takes.

        Returns:
            The same shape; colours may leave [-1, 1], and what comes in from outside is 0, grey.
        """
        rounds = -(-len(images) // len(self.numbers))
        u = self.numbers.repeat(rounds, 1)[: len(images)]
        for kind in self.kinds:
            images = KINDS[kind](images, u)
        return images


def color(images: Tensor, u: Tensor) -> Tensor:
    """Brightness, then saturation, then contrast (the order of the released code).

    Adds a number of [-0.5, 0.5]; multiplies the distance of each channel from the pixel's mean by
    one of [0, 2]; and that of each value from the picture's mean by one of [0.5, 1.5].
    """
    brightness, saturation, contrast = u[:, :3, None, None, None].unbind(1)  # each (N, 1, 1, 1)
    images = images + (brightness - 0.5)
    mean = images.mean(1, keepdim=True)
    images = (images - mean) * (2 * saturation) + mean
    mean = images.mean((1, 2, 3), keepdim=True)
    return (images - mean) * (contrast + 0.5) + mean


def translation(images: Tensor, u: Tensor) -> Tensor:
    """Moves each image by up to an eighth of its sides, whole pixels; zeros come in."""
    for dim, number in ((2, u[:, 3]), (3, u[:, 4])):
        most = int(images.shape[dim] / 8 + 0.5)
        by = (number * (2 * most + 1)).long().clamp(max=2 * most) - most  # (N,)
        images = moved(images, by, dim)
    return images


def moved(images: Tensor, by: Tensor, dim: int) -> Tensor:
    """The image whose place i along ``dim`` is place i - by of the given one, or 0."""
    side = images.shape[dim]
    source = torch.arange(side, device=images.device) - by[:, None]  # (N, side)
    source = source[:, None, :, None] if dim == 2 else source[:, None, None, :]
    inside = (source >= 0) & (source < side)
    return images.gather(dim, source.clamp(0, side - 1).expand_as(images)) * inside


def cutout(images: Tensor, u: Tensor) -> Tensor:
    """Sets a rectangle of half the height and width, somewhere in the image, to zero.

    Its centre is anywhere in the image, so that parts of it may lie outside.
    """
    cut = None
    for dim, number in ((2, u[:, 5]), (3, u[:, 6])):
        side = images.shape[dim]
        length = int(side / 2 + 0.5)
        places = side + 1 - length % 2  # an even rectangle may be centred between two pixels
        centre = (number * places).long().clamp(max=places - 1)[:, None]
        place = torch.arange(side, device=images.device) - (centre - length // 2)  # (N, side)
        within = (place >= 0) & (place < length)
        within = within[:, None, :, None] if dim == 2 else within[:, None, None, :]
        cut = within if cut is None else cut & within
    return images * ~cut


KINDS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "color": color, "translation": translation, "cutout": cutout,
}  # fmt: skip
