"""Whether an exported network makes the pictures of the one it was made of."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from i2i.errors import setting_error
from i2i.images.quantise import to_uint8
from i2i.inference.translator import Translator
from i2i.sharing.pixels import one_hot
from i2i.sharing.portable import Portable
from i2i.sharing.trial import Trial

Run = Callable[[Mapping[str, Tensor]], Tensor]
MOST_LEVELS = 1  # by which rounding may differ
UNDECIDED = 2 / 127.5  # two classes that are nearer to each other may change places


@dataclass
class Parity:
    """How far two networks are from each other.

    Attributes:
        levels: The largest difference of 8-bit pictures.
        pictures: How many were compared.
        sizes: Height and width of each size, in pixels.
    """

    levels: int = 0
    pictures: int = 0
    sizes: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """The largest difference, such as "1 level"."""
        return f"{self.levels} level{'' if self.levels == 1 else 's'}"

    def add(self, made: Tensor, expected: Tensor, size: str) -> None:
        """Compares pictures of bytes of one shape.

        Raises:
            SettingError: The shapes differ.
        """
        if made.shape != expected.shape:
            raise setting_error(
                "the exported network", f"an output of shape {tuple(made.shape)}",
                f"{tuple(expected.shape)}, as the model's", "Please report this network.",
            )  # fmt: skip
        apart = (made.int() - expected.int()).abs()
        self.levels = max(self.levels, int(apart.max()))
        self.pictures += len(made)
        self.sizes += () if size in self.sizes else (size,)

    def require(self, form: str) -> None:
        """Refuses a network that makes other pictures.

        Raises:
            SettingError: It does.
        """
        if self.levels > MOST_LEVELS:
            raise setting_error(
                f"format={form}",
                f"pictures that differ from the model's by {self.words} of 255",
                f"{MOST_LEVELS} at most", "Nothing was written. Try another format or opset, and "
                "please report this network with the versions of the packages.",
            )  # fmt: skip


def compared(portable: Portable, run: Run, trials: Iterable[Trial]) -> Parity:
    """Runs a model and what was exported of it on the same pictures, with the same noise.

    Args:
        portable: What was exported.
        run: The exported file.
        trials: The pictures.
    """
    found, translator = Parity(), portable.translator
    for trial in trials:
        x = trial.inputs(translator, portable.divisor)
        picture = trial.pixels(portable.divisor) if portable.pixels else x
        made = run(portable.feed(picture, trial.names))
        y = translator(x.to(translator.device), trial.names).cpu()
        height, width = x.shape[-2:]
        if not portable.pixels:
            made, expected = to_uint8(made, trial.names), to_uint8(y, trial.names)
        else:
            expected = to_uint8(translator.task.output_picture(x, y), trial.names)
            expected = expected.permute(0, 2, 3, 1)
            if one_hot(translator.task, "target"):
                first, second = y.topk(2, 1).values.unbind(1)
                near = (first - second < UNDECIDED)[..., None]
                made = torch.where(near, expected, made)
        found.add(made, expected, f"{height} x {width}")
    return found


def same_translators(
    one: Translator, two: Translator, trials: Iterable[Trial], found: Parity
) -> None:
    """Compares a model with what was loaded again of it, and adds to what was found."""
    for trial in trials:
        x = trial.inputs(one, one.divisor)
        made, expected = (way(x.to(way.device), trial.names).cpu() for way in (two, one))
        size = " x ".join(map(str, x.shape[-2:]))
        found.add(to_uint8(made, trial.names), to_uint8(expected, trial.names), size)
