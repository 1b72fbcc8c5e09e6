"""What one call of ``Model.translate`` asks for, checked; NumPy's numbers are as good as others."""

import operator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from i2i.data.tasks.inpainting import Inpainting
from i2i.data.tasks.label_map import LabelTask
from i2i.errors import setting_error
from i2i.inference.samples import Samples, require_choice_of, understand_samples
from i2i.inference.tiled_files import make_tiling
from i2i.inference.translations import Translations
from i2i.inference.translator import Translator

Returns = Literal["pil", "array", "ids"]
LARGEST_SEED = 2**32 - 1  # as of translate.py


@dataclass(frozen=True)
class Asked:
    """What one call asks for.

    Attributes:
        translator: Of the route, with the seed and the mode that are asked for.
        dataset: The options of the data set, as the route sees them.
        samples: Pictures of each picture.
        tiling: How large ones are cut; None translates all as a whole.
        side_by_side: As in ``Model.translate``.
        returns: Likewise.
        most_pixels: Of a picture.
    """

    translator: Translator
    dataset: dict[str, Any]
    samples: Samples
    tiling: Any
    side_by_side: bool | None
    returns: Returns | None
    most_pixels: int


def understood(
    translations: Translations, most_pixels: int, *, route: Any, attributes: Any, seed: Any,
    samples: Any, mode: Any, mask: Any, tile: Any, overlap: Any, side_by_side: Any, name: Any,
    returns: Any,
) -> Asked:  # fmt: skip
    """Checks the arguments of ``Model.translate``, which says what they are.

    Raises:
        SettingError: One has no such value, or the model cannot do what it asks for.
    """
    seed = None if seed is None else seed_of(seed)
    translator = translations.changed(mode, seed, "mode").asked(route, attributes)
    dataset = translator.seen(translations.dataset)
    todo = "Leave samples out for one picture of each."
    chosen = understand_samples(whole("samples", samples, "a whole number, 1 or more", todo))
    require_choice_of(chosen, translator, "mode")
    if tile is not None:
        tile = whole("tile", tile, "pixels, or None", "Leave tile out for whole pictures.")
    if not isinstance(overlap, str) or overlap != "auto":
        overlap = whole("overlap", overlap, "pixels, or 'auto'", "Leave overlap out.")
        if tile is None:
            raise setting_error(
                f"overlap={overlap}", "no tile", "tile, in pixels, beside it",
                "Or leave overlap out.",
            )  # fmt: skip
    tiling = make_tiling(tile, overlap, translator, dataset["input_channels"], "mode")
    if side_by_side is not None and not isinstance(side_by_side, bool | np.bool_):
        raise setting_error(
            f"side_by_side={side_by_side!r:.60}", a(side_by_side), "True, False or None",
            "Leave side_by_side out for pictures that hold the input alone.",
        )  # fmt: skip
    if name is not None and not isinstance(name, str):
        raise setting_error(
            f"name={name!r:.60}", a(name), "a text or None", "Write str(...) around it."
        )
    if mask is not None and not isinstance(translator.task, Inpainting):
        raise setting_error(
            "mask", "a model whose task is not inpainting", "no mask",
            "Leave mask out, or load a model that was trained with task=inpainting.",
        )  # fmt: skip
    require_form(returns, translator)
    return Asked(translator, dataset, chosen, tiling, side_by_side, returns, most_pixels)


def seed_of(seed: Any) -> int:
    """A seed, which translate.py takes too.

    Raises:
        SettingError: It is none.
    """
    words = "a whole number from 0 to 2^32 - 1, or None for the run's"
    number = whole("seed", seed, words, "Leave seed out for 0.")
    if not 0 <= number <= LARGEST_SEED:
        raise setting_error(f"seed={number}", str(number), words, "Leave seed out for 0.")
    return number


def whole(name: str, value: Any, expected: str, todo: str) -> int:
    """A whole number, whoever's; true and false are none.

    Raises:
        SettingError: It is no such number.
    """
    truth = isinstance(value, bool) or str(getattr(value, "dtype", "")).endswith("bool")
    try:
        number = None if truth else operator.index(value)
    except TypeError:
        number = None
    if number is None:
        raise setting_error(f"{name}={value!r:.60}", a(value), expected, todo)
    return number


def a(value: Any) -> str:
    """What kind of thing a value is."""
    return f"a value of type {type(value).__name__}"


def require_form(returns: Any, translator: Translator) -> None:
    """Refuses a form of pictures that the model does not give.

    Raises:
        SettingError: There is no such form, or class ids of a model that makes no label maps.
    """
    to_labels = isinstance(translator.task, LabelTask) and translator.task.role == "target"
    allowed = ("pil", "array", "ids") if to_labels else ("pil", "array")
    if returns is None or (isinstance(returns, str) and returns in allowed):
        return
    raise setting_error(
        f"returns={returns}", "a model whose targets are no label maps"
        if isinstance(returns, str) and returns == "ids" else repr(returns),
        f"one of {', '.join(allowed)}", "Leave returns out.",
    )  # fmt: skip
