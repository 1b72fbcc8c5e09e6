"""The Python interface: a trained model as an object that translates pictures."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import torch

from i2i.data.tasks.label_map import LabelTask
from i2i.data.tasks.masks import checked_mask, read_mask
from i2i.errors import setting_error
from i2i.images.ids import read_ids
from i2i.images.pixel_limit import DEFAULT_MEGAPIXELS, pixel_limit
from i2i.images.reading import Reading
from i2i.inference.files_to_translate import Job
from i2i.inference.form import Form
from i2i.inference.overlapped import AHEAD, Steps, overlapped
from i2i.inference.side_by_side import part_to_translate
from i2i.inference.tiled_files import PictureParts, picture_bands
from i2i.inference.translation import AT_ONCE, Read, make_samples, reading_of
from i2i.inference.translations import Translations
from i2i.labels.id_map import colours_of_ids
from i2i.sharing.asked import Asked, Returns, understood
from i2i.sharing.pictures import (
    IN_MEMORY,
    as_read,
    is_no_picture,
    is_path,
    is_picture,
    is_pil,
    no_picture,
    one_file,
    path_of,
)


class Model:
    """A trained model, ready to translate; ``i2i.load`` makes one.

    Several threads may call it at the same time: the network works for one of them after the other.
    In ``paper`` mode PyTorch's global random generator is seeded while the network works, and set
    back to where it was.

    Attributes:
        routes: The translations that it offers, the main one first: ``AtoB``, ``BtoA``, or names of
            domains.
        dataset: The options of the data set that it was trained on.
        device: Where it computes.
    """

    def __init__(
        self,
        translations: Translations,
        device: torch.device | str = "cpu",
        max_megapixels: float = DEFAULT_MEGAPIXELS,
    ) -> None:
        self._translations, self.device = translations.to(device), torch.device(device)
        self._most_pixels = pixel_limit(max_megapixels, "max_megapixels")
        self.routes: tuple[str, ...] = tuple(translations.routes)
        self.dataset: Mapping[str, Any] = translations.dataset

    def __repr__(self) -> str:
        system, routes = self._translations.system, ", ".join(self.routes)
        return f"<i2i.Model {system} on {self.device}: {routes}>"

    def translate(
        self,
        picture: Any,
        route: str | None = None,
        seed: int | None = 0,
        samples: int = 1,
        *,
        attributes: Mapping[str, Any] | None = None,
        mode: str | None = None,
        mask: Any = None,
        tile: int | None = None,
        overlap: int | Literal["auto"] = "auto",
        side_by_side: bool | None = None,
        name: str | None = None,
        returns: Returns | None = None,
    ) -> Any:
        """Translates a picture, or one after another of several.

        The result is that of ``translate.py`` with the same seed, bit for bit. The noise of a
        picture is drawn from (seed, name) alone, so that it depends on no picture beside it.

        Args:
            picture: A path, a PIL image, or an array of (H, W) or (H, W, C) in the values of the
                data set, such as uint8 from 0 to 255; any H and W. A label map may be in the
                colours of its classes, or of class ids, (H, W). Or a list of such pictures, or an
                iterable, which is read a few pictures ahead.
            route: One of ``routes``; None: the first.
            seed: Of dropout noise and codes; None: the run's, which translate.py takes by default.
            samples: Pictures to make of each, each with other noise or another code.
            attributes: In place of a route 0 or 1 by name, of a model that knows attributes.
            mode: ``paper`` or ``eval``; None: that of the run.
            mask: Of inpainting: where to fill in. A path or a picture that is white there, or
                (H, W) bool. None draws one from (seed, name).
            tile: Pixels: larger pictures are translated in blended tiles; None: all as a whole.
            overlap: Of tiles, in pixels.
            side_by_side: Whether a picture holds input and target side by side; None refuses one
                of that shape where the model was trained on such files.
            name: What the noise depends on; None: a file's name without suffix, else "picture".
            returns: ``pil``: 8 bits of the channels that are shown; ``array``: (H, W, C) in the
                values of the targets; ``ids``: (H, W) uint8 class ids of targets that are label
                maps. None: an array of an array, else a PIL image.

        Returns:
            A picture of a picture, with ``samples`` above 1 a list of them; of a list a list, and
            of another iterable an iterator.

        Raises:
            SettingError: An option has no such value, or a picture cannot be translated.
        """
        asked = understood(
            self._translations, self._most_pixels, route=route, attributes=attributes, seed=seed,
            samples=samples, mode=mode, mask=mask, tile=tile, overlap=overlap,
            side_by_side=side_by_side, name=name, returns=returns,
        )  # fmt: skip
        if is_picture(picture):
            return self._one(asked, picture, mask, name)
        if name is not None or (mask is not None and not is_picture(mask)):
            raise setting_error(
                "name" if name is not None else "mask", "one for several pictures", "none",
                "Call translate for each picture.",
            )  # fmt: skip
        if not isinstance(picture, Iterable) or is_no_picture(picture):
            raise no_picture(picture)
        if isinstance(picture, list | tuple):  # said before any of them is translated
            for one in picture:
                if not is_picture(one):
                    raise no_picture(one)
        found = self._several(asked, iter(picture), mask)
        return list(found) if isinstance(picture, list | tuple) else found

    def _one(self, asked: Asked, picture: Any, mask: Any, name: str | None) -> Any:
        (made,) = made_of(asked, [read(asked, picture, mask, name)])
        return finished(asked, picture, made)

    def _several(self, asked: Asked, pictures: Iterator[Any], mask: Any) -> Iterator[Any]:
        on_cpu = self.device.type == "cpu"
        steps = Steps(
            lambda picture: read(asked, picture, mask, None),
            lambda group: made_of(asked, group),
            lambda picture, made: finished(asked, picture, made),
            alike=lambda found: found.image.shape, at_once=1 if on_cpu else AT_ONCE,
            n_bytes=lambda found: found.image.nbytes,
        )  # fmt: skip
        for outcome in overlapped(pictures, steps, 0 if asked.tiling else AHEAD):
            if outcome.error is not None:
                raise outcome.error
            yield outcome.value


def read(asked: Asked, picture: Any, mask: Any, name: str | None) -> Read:
    """A picture as the network's side of the data set, with its mask and the name of its noise."""
    file = path_of(picture) if is_path(picture) else IN_MEMORY
    image = input_of(asked, picture)
    image = part_to_translate(image, file, asked.dataset, asked.side_by_side)
    hole = None if mask is None else mask_of(mask, image.shape[:2], asked.most_pixels)
    return Read(Job(file, name or file.stem, []), image, hole)


def input_of(asked: Asked, picture: Any) -> np.ndarray:
    """The pixels of a picture, (H, W, C); of a map of class ids in the colours of its classes."""
    task, dataset = asked.translator.task, asked.dataset
    if isinstance(task, LabelTask) and task.role == "input":
        by_ids = dataset.get("label_files") == "ids"
        ids = None
        if is_path(picture):
            with one_file(file := path_of(picture)):
                ids = read_ids(file, asked.most_pixels) if by_ids else None
        elif np.ndim(array := np.asarray(picture)) == 2 and (by_ids or picture_of_ids(picture)):
            ids = array
        if ids is not None:
            return colours_of_ids(ids, dataset.get("id_map") if by_ids else None, task.classes)
    return as_read(picture, reading_of(dataset, asked.most_pixels))


def picture_of_ids(picture: Any) -> bool:
    """Whether a picture of one plane holds ids: not the numbers of a palette's colours."""
    return not is_pil(picture) or picture.mode == "L"


def mask_of(mask: Any, size: tuple[int, int], most_pixels: int) -> np.ndarray:
    """Where to fill in, (H, W) bool; see ``read_mask``."""
    if is_path(mask):
        with one_file(file := path_of(mask)):
            return read_mask(file, size, most_pixels)
    if isinstance(mask, np.ndarray) and mask.dtype == bool:
        return checked_mask(mask, size, "mask")
    grey = as_read(mask, Reading(1, most_pixels, background="black"), "mask")
    return checked_mask(grey[:, :, 0] > 127, size, "mask")


def made_of(asked: Asked, group: Sequence[Read]) -> list[list[torch.Tensor]]:
    """The pictures of some images of one size: (1, C, H, W) in [-1, 1] on the CPU."""
    translator, scale = asked.translator, asked.translator.task.scale
    which = [asked.samples.of(translator, found.job.name) for found in group]
    height, width = (scale * side for side in group[0].image.shape[:2])
    if asked.tiling and asked.tiling.is_needed(height, width):
        return [in_tiles(asked, found, its) for found, its in zip(group, which, strict=True)]
    columns = [made.cpu().split(1) for made in make_samples(translator, group, which)]
    return [list(row) for row in zip(*columns, strict=True)]


def in_tiles(asked: Asked, found: Read, which: Sequence[Any]) -> list[torch.Tensor]:
    """The pictures of one image, each put together from its tiles."""
    translator = asked.translator
    seed = translator.task_seed(found.job.name)
    parts = PictureParts(translator.task, found.image, seed, found.mask)
    bands = (picture_bands(translator, parts, one, asked.tiling) for one in which)
    return [torch.cat(list(rows), -2) for rows in bands]


def finished(asked: Asked, picture: Any, made: Sequence[torch.Tensor]) -> Any:
    """The pictures of one picture in the form that is asked for."""
    names = [str(picture)] if is_path(picture) else ["picture"]
    found = [in_form(asked, one, names, isinstance(picture, np.ndarray)) for one in made]
    return found[0] if asked.samples.drawn == 1 else found


def in_form(asked: Asked, made: torch.Tensor, names: Sequence[str], of_array: bool) -> Any:
    """One picture, (1, C, H, W) in [-1, 1], in the form that is asked for."""
    task = asked.translator.task
    returns = asked.returns or ("array" if of_array else "pil")
    (array,) = Form(task.kinds["target"], reduced=returns != "array").arrays(made, names)
    if returns == "array":
        return array
    if returns == "ids":
        return task.classes.decode(array)
    from PIL import Image

    return Image.fromarray(array[:, :, 0] if array.shape[2] == 1 else array)
