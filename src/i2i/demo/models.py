"""The models of a page, and what each makes of a picture."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from PIL import Image

from i2i.checkpoints.saved_translations import load_translations
from i2i.demo.uploads import Taken, Way, for_screen
from i2i.errors import SettingError
from i2i.images.pixel_limit import LARGEST_LIMIT
from i2i.inference.translation import reading_of
from i2i.inference.translations import Translations
from i2i.inference.translator import Translator
from i2i.sharing.model import Model
from i2i.sharing.pictures import as_read

AS_TRAINED = "as trained"


@dataclass(frozen=True)
class Asked:
    """What a visitor asks for.

    Attributes:
        route: One of the first model's.
        attributes: In place of a route, 0 or 1 by name.
        seed: Of the noise.
        samples: Pictures, where there is noise.
        mode: ``paper``, ``eval`` or ``AS_TRAINED``.
    """

    route: str
    attributes: Mapping[str, int] | None = None
    seed: int = 0
    samples: int = 1
    mode: str = AS_TRAINED

    @property
    def inference(self) -> str | None:
        """The mode as the model takes it."""
        return None if self.mode == AS_TRAINED else self.mode


@dataclass(frozen=True)
class Answer:
    """What a model made of a picture; no pictures where it could not, as the words say.

    Attributes:
        pictures: One or several samples.
        words: About them.
        given: What the network was shown, as a picture, (H, W, 3) uint8.
    """

    pictures: Sequence[Image.Image]
    words: str
    given: np.ndarray | None = None


@dataclass(frozen=True)
class Entry:
    """A model of the page.

    Attributes:
        name: Unlike the others'.
        run: Its folder.
        model: Translates.
        translations: What it translates with.
    """

    name: str
    run: Path
    model: Model
    translations: Translations

    def way(self, route: str) -> Way:
        """The input of a route, without a drawing."""
        translator = self.translations.asked(route or None)
        return Way(translator, translator.seen(self.translations.dataset))

    @property
    def may_have_noise(self) -> bool:
        """Whether some mode gives several pictures of one."""
        routes = self.translations.changed("paper").routes.values()
        return any(translator.has_noise for translator in routes)

    def answer(self, taken: Taken, asked: Asked) -> Answer:
        """Translates a picture."""
        begun = perf_counter()
        try:
            named = asked.attributes is None and len(self.model.routes) > 1
            route = asked.route if named else None
            changed = self.translations.changed(asked.inference, asked.seed)
            translator = changed.asked(route, asked.attributes)
            samples = asked.samples if translator.has_noise else 1
            made = self.model.translate(
                taken.stored, route, asked.seed, samples, mode=asked.inference, name=taken.name,
                side_by_side=False, returns="pil", attributes=asked.attributes, mask=taken.hole,
            )  # fmt: skip
        except SettingError as error:
            return Answer((), str(error))
        pictures = made if samples > 1 else [made]
        width, height = pictures[0].size
        words = f"{width} x {height} in {perf_counter() - begun:.2f} s"
        if samples < asked.samples:
            words += f"; one picture, since there is no noise in mode {translator.inference}"
        dataset = translator.seen(self.translations.dataset)
        return Answer(pictures, words, given(taken, translator, dataset))


def load_all(checkpoints: Sequence[str], device: str) -> list[Entry]:
    """Loads the models of a page.

    Args:
        checkpoints: Run folders or files.
        device: Where they compute.

    Raises:
        SettingError: One cannot be used.
    """
    found = [load_translations(path) for path in checkpoints]
    files = [checkpoint.path for _, checkpoint in found]
    names = distinct([Path(path) for path in checkpoints])
    return [
        Entry(name, run_of(file), Model(translations, device, LARGEST_LIMIT / 1e6), translations)
        for name, file, (translations, _) in zip(names, files, found, strict=True)
    ]


def run_of(file: Path) -> Path:
    """The folder of the run that a checkpoint is of."""
    return file.parent.parent if file.parent.name == "checkpoints" else file.parent


def distinct(paths: Sequence[Path]) -> list[str]:
    """Short names of paths that tell them apart: as many of their last parts as that takes."""
    parts = [path.expanduser().absolute().parts for path in paths]
    if len(set(parts)) < len(parts):  # one of them twice
        return [f"{own[-1]} ({k})" for k, own in enumerate(parts, 1)]
    names = [own[-1] for own in parts]
    n = 1
    while len(set(names)) < len(names):
        n += 1
        names = ["/".join(own[-n:]) for own in parts]
    return names


def given(taken: Taken, translator: Translator, dataset: dict[str, Any]) -> np.ndarray:
    """What a network is shown of a picture that it has translated, (H, W, 3) uint8.

    A task turns it grey, makes a hole in it, or enlarges it; else it is the picture.

    Args:
        taken: The picture.
        translator: Of the route, with the seed that was asked for.
        dataset: The options of the data set, as the route sees them.
    """
    task = translator.task
    if task.of_sides:
        return taken.shown
    image = as_read(taken.stored, reading_of(dataset, LARGEST_LIMIT))
    x = task.encode_input(image, translator.task_seed(taken.name), taken.hole)
    return for_screen(task.input_picture(x[None])[0])


def beside(shown: np.ndarray, made: Image.Image) -> Image.Image:
    """The input at the size of an output."""
    return Image.fromarray(shown).resize(made.size, Image.Resampling.NEAREST)
