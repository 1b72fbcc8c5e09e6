"""What is exported: one route's generator with all that it is told, called with tensors alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.export import Dim

from i2i.blocks import beside
from i2i.errors import setting_error
from i2i.inference.translator import Translator
from i2i.sharing.explicit import Explicit
from i2i.sharing.pixels import FromPixels, ToPixels, one_hot, require_pixels

PICTURE, LABEL, CODE, KEEP = "picture", "label", "z", "keep"
OUTPUT = "translation"


@dataclass(frozen=True)
class Given:
    """One input of an exported network.

    Attributes:
        name: ``picture``, ``label``, ``z``, ``keep1`` and so on.
        dtype: Of its tensor.
        shape: One entry a dimension: a number, or how many of what: (1, "batch"), (256, "rows").
        words: What it is.
    """

    name: str
    dtype: torch.dtype
    shape: tuple[int | tuple[int, str], ...]
    words: str

    @property
    def sides(self) -> list[int | str]:
        """The shape in words: numbers, ``batch``, ``32*rows``."""
        return [
            side if isinstance(side, int) else f"{side[0]}*{side[1]}".removeprefix("1*")
            for side in self.shape
        ]

    @property
    def described(self) -> str:
        """Type and shape: ``uint8 (batch, 32*rows, 32*columns, 3)``."""
        return f"{str(self.dtype).removeprefix('torch.')} ({', '.join(map(str, self.sides))})"

    def size(self, **sides: int) -> tuple[int, ...]:
        """The shape for numbers of ``batch``, ``rows`` and ``columns``; these count divisors."""
        return tuple(s if isinstance(s, int) else s[0] * sides[s[1]] for s in self.shape)


class Portable(nn.Module):
    """A generator that is called with tensors alone and says what they are.

    Attributes:
        translator: What it is made of, which it gives the same pictures as.
        given: Its inputs, in order.
        pixels: Whether pictures are bytes, (B, H, W, C), instead of (B, C, H, W) in [-1, 1].
        divisor: What height and width must be multiples of, in pixels.
        least: How many divisors these are at least.
        label: Names of the label's numbers and what they are here; empty where there is none.
    """

    def __init__(
        self, translator: Translator, channels: int, pixels: bool = False, label_input: bool = False
    ) -> None:
        """Makes the exported form of a translator.

        Args:
            translator: Of the route, on any device.
            channels: Of the network's input, without those of labels and codes.
            pixels: Pictures go in and come out as bytes.
            label_input: The label is an input, not part of the network.

        Raises:
            SettingError: There is no label, or the pictures cannot be bytes.
        """
        super().__init__()
        self.translator, self.pixels = translator, pixels
        if label_input and translator.label is None:
            raise setting_error(
                "label=input", "a network that is told no label",
                "one that is, as StarGAN's (model=stargan)", "Leave label out.",
            )  # fmt: skip
        if pixels:
            require_pixels(translator.task)
            self.before, self.after = FromPixels(translator.task), ToPixels(translator.task)
        label = () if translator.label is None else translator.label
        self.label_input = label_input
        self.register_buffer("label", torch.tensor(label, dtype=torch.float32), persistent=False)
        d = translator.network.divisor
        sample = [torch.zeros(1, channels + len(label), d, d)]
        sample += [torch.zeros(1, translator.latent)] if translator.latent else []
        self.explicit = Explicit(replace(translator, label=None), sample)
        self.divisor, self.least = self.explicit.divisor, self.explicit.least
        self.given = tuple(self.inputs(channels, len(label)))

    def inputs(self, channels: int, n_labels: int) -> list[Given]:
        """What it is called with."""
        d, one = self.divisor, (1, "batch")
        if self.pixels:
            channels = 3 if one_hot(self.translator.task, "input") else channels
            shape = (one, (d, "rows"), (d, "columns"), channels)
            found = [Given(PICTURE, torch.uint8, shape, "levels from 0 to 255")]
        else:
            shape = (one, channels, (d, "rows"), (d, "columns"))
            found = [Given(PICTURE, torch.float32, shape, "numbers in [-1, 1]")]
        if self.label_input:
            found.append(Given(LABEL, torch.float32, (one, n_labels), "0 or 1 for each name"))
        if self.translator.latent:
            code = (one, self.translator.latent)
            found.append(Given(CODE, torch.float32, code, "a code, drawn from N(0, 1)"))
        for i, mask in enumerate(self.explicit.masks, 1):
            shape = (one, mask.channels, (mask.height, "rows"), (mask.width, "columns"))
            words = f"dropout: true with probability {1 - mask.p:g}, where a feature is kept"
            found.append(Given(f"{KEEP}{i}", torch.bool, shape, words))
        return found

    def forward(self, *inputs: Tensor) -> Tensor:
        """Translates.

        Args:
            inputs: Those of ``given``, in order.

        Returns:
            (B, C_out, H, W) in [-1, 1], or with ``pixels`` (B, H, W, C) uint8.
        """
        named = dict(zip((given.name for given in self.given), inputs, strict=True))
        x = self.before(named[PICTURE]) if self.pixels else named[PICTURE]
        if self.label_input:
            x = beside(x, named[LABEL])
        elif len(self.label):
            x = beside(x, self.label[None].expand(x.shape[0], -1))
        keep = [named[given.name] for given in self.given if given.name.startswith(KEEP)]
        codes = [named[CODE]] if self.translator.latent else []
        y = self.explicit([x, *codes], keep)
        return self.after(y) if self.pixels else y

    def sample(self, batch: int, rows: int, columns: int) -> tuple[Tensor, ...]:
        """Inputs of some size, all zero or false."""
        sizes = [given.size(batch=batch, rows=rows, columns=columns) for given in self.given]
        kinds = zip(self.given, sizes, strict=True)
        return tuple(torch.zeros(size, dtype=given.dtype) for given, size in kinds)

    def dynamic(self) -> dict[str, tuple[dict[int, Dim], ...]]:
        """Which sizes are free, for ``torch.export``."""
        sides = {name: Dim(name, min=self.least) for name in ("rows", "columns")}
        sides["batch"] = Dim("batch", min=1)
        found = []
        for given in self.given:
            free = {i: s for i, s in enumerate(given.shape) if not isinstance(s, int)}
            found.append({i: n * sides[s] if n > 1 else sides[s] for i, (n, s) in free.items()})
        return {"inputs": tuple(found)}

    def feed(self, picture: Tensor, names: Sequence[str]) -> Mapping[str, Tensor]:
        """The inputs that make the pictures that the translator makes for these names.

        Args:
            picture: As ``given`` says.
            names: One a picture.
        """
        height, width = picture.shape[1:3] if self.pixels else picture.shape[2:]
        drawn = self.explicit.drawn(self.translator.seed, names, height, width)
        found = {PICTURE: picture} | {f"{KEEP}{i}": mask for i, mask in enumerate(drawn, 1)}
        if self.label_input:
            found[LABEL] = self.label[None].repeat(len(names), 1)
        if self.translator.latent:
            found[CODE] = self.translator.codes(names).cpu()
        return {given.name: found[given.name] for given in self.given}
