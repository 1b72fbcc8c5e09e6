"""The pictures that are made of each image: with which noise, and which codes."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from i2i.errors import setting_error
from i2i.files.ordinary import Unreadable
from i2i.files.records import kind, read_json
from i2i.inference.files_to_translate import noise_name
from i2i.inference.translator import Translator

Picture = tuple[str, Tensor | None]  # what its noise is drawn from, and its code, (1, n)


@dataclass(frozen=True)
class Samples:
    """How many pictures there are of an image, and what tells them apart.

    Attributes:
        drawn: Pictures whose noise and codes are drawn from (seed, name, number).
        z: The option ``z``, a file; None: codes are drawn.
        codes: What that file holds, one code a picture.
        walk: Pictures on the straight line from one code to another; None: no such walk.
    """

    drawn: int = 1
    z: str | None = None
    codes: tuple[tuple[float, ...], ...] = ()
    walk: int | None = None

    @property
    def number(self) -> int:
        """Pictures of an image."""
        return self.walk or len(self.codes) or self.drawn

    @property
    def measured(self) -> bool:
        """Whether it is measured how much they differ: where chance alone tells them apart."""
        return self.drawn > 1

    def of(self, translator: Translator, name: str) -> list[Picture]:
        """For each picture of an image the name that its noise is drawn from, and its code.

        Codes that are chosen have the noise of the first picture, so that they alone differ.

        Args:
            translator: On its device.
            name: Of the image.

        Returns:
            Names, and codes of (1, n), or None where the network is given none.
        """
        names = [noise_name(name, k) for k in range(self.drawn)]
        if not translator.latent:
            return [(one, None) for one in names]
        codes = self.chosen(translator, name)
        if codes is None:
            return list(zip(names, translator.codes(names).split(1), strict=True))
        return [(name, code) for code in codes.split(1)]

    def chosen(self, translator: Translator, name: str) -> Tensor | None:
        """The codes of the file, or those of the walk, (number, n); None where all are drawn."""
        if not self.codes and self.walk is None:
            return None
        codes = torch.tensor(self.codes, device=translator.device)
        if self.walk is None:
            return codes
        missing = [noise_name(name, k) for k in range(2 - len(self.codes))]
        start, end = [*codes, *(translator.codes(missing) if missing else ())]
        shares = torch.linspace(0, 1, self.walk, device=translator.device)
        return torch.lerp(start, end, shares[:, None])


def codes_of(which: Sequence[Picture]) -> list[list[float]] | None:
    """The codes of pictures as plain numbers; None where the network is given none."""
    codes = [z[0].tolist() for _, z in which if z is not None]
    return codes or None


def understand_samples(samples: Any, z: Any = None, walk: Any = None) -> Samples:
    """What ``samples=``, ``z=`` and ``walk=`` ask for.

    Args:
        samples: A number of pictures.
        z: A JSON file of one code, or of one for each picture: a list of numbers, or of such lists.
        walk: A number of pictures on the way from one code to another. They are those of the file;
            where it holds one, the way leads from there to the code of the first sample, and
            without a file from the code of the first sample to that of the second.

    Raises:
        SettingError: A number is none, the file holds no codes, or they do not go together.
    """
    require_number("samples", samples, 1, "samples=1 makes one picture of each image.")
    if walk is not None:
        require_number("walk", walk, 2, "Leave walk out for pictures of single codes.")
    others = [f"{name}={value}" for name, value in (("z", z), ("walk", walk)) if value is not None]
    if samples > 1 and others:
        raise setting_error(
            f"samples={samples}", f"{others[0]} beside it, which says which codes there are",
            "one of them", f"Leave samples out, or {others[0].partition('=')[0]}.",
        )  # fmt: skip
    codes = () if z is None else read_codes(Path(str(z)).expanduser(), f"z={z}")
    if walk is not None and len(codes) > 2:
        raise setting_error(
            f"z={z}", f"{len(codes)} codes for a walk", "its two ends, or the first of them",
            "Leave the others out of the file, or leave out walk for a picture of each.",
        )  # fmt: skip
    return Samples(samples, None if z is None else str(z), codes, walk)


def require_number(option: str, value: Any, least: int, todo: str) -> None:
    """Refuses a number of pictures that is none.

    Raises:
        SettingError: It is no whole number of ``least`` or more.
    """
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise setting_error(
            f"{option}={value}", repr(value), f"a whole number, {least} or more", todo
        )


def read_codes(file: Path, setting: str) -> tuple[tuple[float, ...], ...]:
    """The codes of a file, one or more, all of one length.

    Args:
        file: JSON; a list of numbers is one code, a list of such lists are several.
        setting: The option, for errors.

    Raises:
        SettingError: It cannot be read, or holds something else.
    """
    try:
        found = read_json(file)
        if not isinstance(found, list) or not found:
            raise Unreadable(f"{kind(found)}, or an empty list")
        rows = found if isinstance(found[0], list) else [found]
        codes = tuple(tuple(map(number_of_a_code, row)) for row in map(list_of_numbers, rows))
        if len(set(map(len, codes))) > 1:
            raise Unreadable("codes of different lengths")
    except Unreadable as error:
        raise setting_error(
            setting, str(error), "a JSON file of one code, [0.3, -1.2, ...], or of a list of codes",
            "diversity.json of samples=2 or more lists the codes that were drawn.",
        ) from error  # fmt: skip
    return codes


def list_of_numbers(row: Any) -> Sequence[Any]:
    """A code, which must be a list with something in it."""
    if not isinstance(row, list) or not row:
        raise Unreadable(f"a code that is no list of numbers but {kind(row)}")
    return row


def number_of_a_code(value: Any) -> float:
    """A number of a code, which float32 must be able to hold."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e30:
        raise Unreadable(f"a code with {value!r:.40}, which is no number to calculate with")
    return float(value)


def require_choice_of(
    samples: Samples, translator: Translator, mode: str = "model.inference"
) -> None:
    """Refuses what a model cannot make: several pictures that are one, and codes that do not fit.

    Args:
        samples: What is asked for.
        translator: The model's.
        mode: The option that names its mode, for errors.

    Raises:
        SettingError: The model always gives the same picture, takes no code, or another one.
    """
    chosen = f"z={samples.z}" if samples.codes else f"walk={samples.walk}"
    if (samples.codes or samples.walk) and not translator.latent:
        raise setting_error(
            chosen, "a model that is given no code", "one that draws codes, as BicycleGAN does",
            f"Leave {chosen.partition('=')[0]} out, or name a checkpoint of model=bicyclegan.",
        )  # fmt: skip
    if samples.codes and (length := len(samples.codes[0])) != translator.latent:
        raise setting_error(
            chosen, f"codes of {length} numbers", f"codes of {translator.latent}, as this model's",
            "diversity.json of samples=2 or more lists the codes that were drawn.",
        )  # fmt: skip
    if samples.drawn > 1 and not translator.has_noise:
        raise always_the_same(samples.drawn, translator, mode)


def always_the_same(drawn: int, translator: Translator, mode: str) -> Exception:
    """Why there is but one picture of an image."""
    if translator.inference == "eval":
        return setting_error(
            f"samples={drawn}", f"{mode}=eval, which turns the noise (dropout) off",
            f"samples=1, or {mode}=paper", f"Add {mode}=paper.",
        )  # fmt: skip
    return setting_error(
        f"samples={drawn}", "a generator without dropout: all samples would be equal",
        "samples=1, or a generator with noise",
        "Leave samples out, or train with dropout in the generator.",
    )  # fmt: skip
