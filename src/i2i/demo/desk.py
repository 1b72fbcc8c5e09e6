"""What the page does: takes pictures and has them translated. It keeps nothing of any visitor."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from i2i.demo.canvas import drawn, sheet
from i2i.demo.drawing import KINDS, drawing_of
from i2i.demo.examples import evenly, find_examples
from i2i.demo.models import Answer, Asked, Entry
from i2i.demo.uploads import Limits, Taken, Way
from i2i.errors import SettingError, first_line, setting_error
from i2i.images.stored import ImageError

LOOKED_AT = 6  # examples that tell whether inputs are line drawings
THUMBNAILS = 18


@dataclass(frozen=True)
class Route:
    """A route of the first model, with what its inputs are and look like.

    Attributes:
        way: Its input.
        examples: Their files.
        photos: Whether these are what the task makes inputs from.
        thumbnails: The places of some examples, and what they look like, (H, W, 3) uint8.
        attributes: What its pictures have, of those that the model can be asked for.
    """

    way: Way
    examples: Sequence[Path]
    photos: bool
    thumbnails: Sequence[tuple[int, np.ndarray]]
    attributes: Sequence[str]


class Desk:
    """Models side by side, and the pictures that they are shown.

    Args:
        entries: The models; the first says what inputs are like and which routes there are.
        limits: Of uploads.
        examples: A folder; None: what the run or its data set has.
        draw: As in ``drawing_of``.

    Raises:
        SettingError: There are no such examples, or there is no such way to draw.
    """

    def __init__(
        self, entries: Sequence[Entry], limits: Limits, examples: Path | None, draw: str
    ) -> None:
        self.entries, self.limits = entries, limits
        first = entries[0]
        if draw not in KINDS:
            drawing_of(first.way(first.model.routes[0]).translator, {}, draw)  # says so
        self.routes = {name: self.route(first, name, examples, draw) for name in first.model.routes}
        sizes = [np.prod(r.way.drawing.size) for r in self.routes.values() if r.way.drawing]
        self.limits = replace(limits, shrink_above=int(max([limits.shrink_above, *sizes])))

    def route(self, entry: Entry, name: str, asked: Path | None, draw: str) -> Route:
        """A route with its examples; those that cannot be read are left out."""
        way = entry.way(name)
        photos = asked is None and not way.translator.task.of_sides
        files = find_examples(asked, entry.run, name, way.dataset, photos)
        readable = self.readable(way, evenly(files, LOOKED_AT), photos)
        if asked is not None and not readable:
            raise setting_error(
                f"examples={asked}", "no picture that the model takes", "one or more",
                "Name another folder, or leave examples out.",
            )  # fmt: skip
        drawing = drawing_of(way.translator, way.dataset, draw, [t.shown for _, t in readable])
        way = replace(way, drawing=drawing)
        shown = self.readable(way, evenly(files, THUMBNAILS), photos)
        small = [(files.index(file), taken.shown) for file, taken in shown]
        numbers = zip(self.attributes, way.translator.label or (), strict=False)
        return Route(way, files, photos, small, [name for name, number in numbers if number])

    @property
    def attributes(self) -> tuple[str, ...]:
        """What pictures can be asked to have, beside the routes."""
        known = self.entries[0].translations.attributes
        return known.names if known else ()

    def with_attribute(self, chosen: Sequence[str], name: str) -> list[str]:
        """The attributes once one more is chosen, which takes those away that it excludes."""
        known = self.entries[0].translations.attributes
        rivals = {known.names[i] for i in known.rivals(name)} - {name}
        return [one for one in known.names if one == name or one in {*chosen} - rivals]

    def asked(self, route: str, chosen: Sequence[str], *further: Any) -> Asked:
        """What a visitor asks for: a route, or attributes where others than the route's are chosen.

        Args:
            route: One of the first model's.
            chosen: Attributes.
            further: Seed, samples and mode, as in ``Asked``.
        """
        if {*chosen} == {*self.routes[route].attributes}:
            return Asked(route, None, *further)
        return Asked(route, {name: int(name in chosen) for name in self.attributes}, *further)

    def readable(self, way: Way, files: Sequence[Path], photos: bool) -> list[tuple[Path, Taken]]:
        """The files that can be read, as the model takes them."""
        found = []
        for file in files:
            try:
                found.append((file, way.take(file, self.limits, photos)))
            except SettingError:
                continue
        return found

    def take(
        self, file: Path | str | None, route: str, photo: bool = False
    ) -> tuple[Taken | None, str]:
        """Reads a picture's file; None where it cannot be used, as the words say."""
        if file is None:
            return None, ""
        name = Path(file).name
        try:
            taken = self.routes[route].way.take(Path(file), self.limits, photo)
        except ImageError as error:
            most = f"a whole picture of at most {self.limits.most_pixels / 1e6:g} megapixels"
            return None, str(setting_error(name, error.found, most, "Choose another file."))
        except SettingError as error:
            return None, str(error).replace(str(file), name)  # not where the server keeps it
        except Exception as error:  # of a library that a strange file is handed to
            return None, f"{name} cannot be used: {first_line(error)}"
        return taken, taken.words

    def example(self, route: str, place: int | None = None) -> tuple[Taken | None, str]:
        """An example by its place, or by chance; None, without words, where there is none."""
        found = self.routes[route]
        if not found.examples:
            return None, ""
        file = random.choice(found.examples) if place is None else found.examples[place]
        return self.take(file, route, found.photos)

    def sheet(self, route: str, taken: Taken | None = None) -> Any:
        """What the sheet shows; None where nothing is drawn."""
        drawing = self.routes[route].way.drawing
        if taken is None:
            return sheet(drawing)
        return sheet(drawing, taken.shown, taken.name)

    def input_of(self, taken: Taken | None, value: Any, route: str) -> Taken | None:
        """What is to be translated: what was drawn, else what was taken, with the hole in it.

        Raises:
            SettingError: The drawing is none.
        """
        way = self.routes[route].way
        if way.drawing is None:
            return taken
        sheet = drawn(value, self.limits)
        if way.drawing.over:
            hole = sheet[:, :, 3] > 0
            return replace(taken, hole=hole) if taken is not None and hole.any() else taken
        picture = way.drawing.snapped(np.ascontiguousarray(sheet[:, :, :3]))
        name = str(value.get("name", "drawing"))
        if taken is not None and name == taken.name and np.array_equal(picture, taken.shown):
            return taken  # as it was uploaded, in its own values
        return Taken(picture, picture, "drawing")

    def answers(self, taken: Taken, asked: Asked) -> list[Answer]:
        """What each model makes of a picture."""
        return [entry.answer(taken, asked) for entry in self.entries]
