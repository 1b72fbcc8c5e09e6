"""Pictures too large for the generator's memory: in tiles, written row by row of tiles."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from i2i.data.tasks.task import Task
from i2i.errors import SettingError, setting_error
from i2i.images.formats.picture_formats import QUALITY, row_writer
from i2i.images.quantise import to_uint8
from i2i.inference.files_to_translate import Job, noise_name
from i2i.inference.form import IN_8_BITS, Form
from i2i.inference.receptive_field import normalises_over_the_picture, receptive_radius
from i2i.inference.samples import Picture
from i2i.inference.tiles import Tiling, blended_bands
from i2i.inference.translator import Translator
from i2i.messages import warn
from i2i.printable import printable


def make_tiling(
    tile: Any, overlap: Any, translator: Translator, channels: int, mode: str = "model.inference"
) -> Tiling | None:
    """The tiling that the options ask for, and a line where its tiles will not fit together.

    Args:
        tile: The option: pixels, or None for whole pictures.
        overlap: The option: pixels, or ``auto``: twice the generator's receptive-field radius, or
            64 where that is not finite; in any case no more than the tile allows.
        translator: Its network says what a tile may be.
        channels: Of the network's input.
        mode: The option that names the model's mode, for the line.

    Returns:
        A ``Tiling``, or None.

    Raises:
        SettingError: The generator does not take such tiles.
    """
    if tile is None:
        return None
    generator, auto = translator.network, overlap == "auto"
    tiling = Tiling(tile, 0 if auto else overlap, translator.divisor)
    everywhere = normalises_over_the_picture(generator, translator.inference)
    if everywhere:
        eval_helps = not normalises_over_the_picture(generator, "eval")
        todo = f"{mode}=eval makes them alike" if eval_helps else "a larger tile helps"
        warn(
            f"tile={tile}: the generator normalises by the mean and variance of what it "
            f"is shown, so tiles can differ in brightness; {todo}."
        )
    if auto:
        radius = (
            None if everywhere else receptive_radius(generator, tile, channels, translator.blank)
        )
        wanted = 64 if radius is None else 2 * radius
        tiling = replace(tiling, overlap=min(wanted, tiling.largest_overlap))
        print(f"overlap=auto: {tiling.overlap} pixels, {_reason(tiling, radius)}")
    return tiling


def _reason(tiling: Tiling, radius: int | None) -> str:
    """Why ``overlap=auto`` is what it is."""
    if radius is None:
        return "for want of a receptive field smaller than the tile; seams can show"
    if tiling.overlap < 2 * radius:
        return f"all that tile={tiling.tile} allows of the {2 * radius} that leave no seams"
    return "twice the radius of the generator's receptive field, which leaves no seams"


class PictureParts:
    """Parts of what ``task.encode_input`` would make of a whole picture, made from its pixels.

    Args:
        task: What the network was trained for.
        image: (H, W, C), uint8, or floats on the 0..255 scale; it is kept, not copied.
        seed: As in ``Task.encode_input``.
        mask: Likewise.

    Attributes:
        size: Height and width in pixels of what the network sees.

    Raises:
        SettingError: The task cannot use the image.
    """

    def __init__(
        self, task: Task, image: np.ndarray, seed: int, mask: np.ndarray | None = None
    ) -> None:
        self.task, self.seed = task, seed
        self.size = (image.shape[0] * task.scale, image.shape[1] * task.scale)
        self.image, self.mask = task.prepare(image, seed, mask)

    def part(self, top: int, left: int, height: int, width: int) -> Tensor:
        """Encodes a rectangle.

        Args:
            top: First row, in pixels of what the network sees.
            left: First column.
            height: May reach beyond the picture: its last row is repeated.
            width: Likewise with its last column.

        Returns:
            (1, C_in, height, width) float32.
        """
        bottom, right = min(top + height, self.size[0]), min(left + width, self.size[1])
        rows, columns = slice(top, bottom), slice(left, right)
        x = self.task.encode_part(self.image, self.seed, self.mask, rows, columns)[None]
        beyond = (0, left + width - right, 0, top + height - bottom)
        return F.pad(x, beyond, mode="replicate") if any(beyond) else x


def write_in_tiles(
    translator: Translator,
    image: np.ndarray,
    mask: np.ndarray | None,
    job: Job,
    which: Sequence[Picture],
    tiling: Tiling,
    quality: int = QUALITY,
    form: Form = IN_8_BITS,
) -> Tensor | None:
    """Translates one picture and writes one for each sample, without holding a whole one as PNG.

    Beside the picture it holds one row of tiles of each sample, in floats and as it is written; of
    samples in other formats than PNG all rows as they are written.

    Args:
        translator: On its device.
        image: (H, W, C), uint8, or floats on the 0..255 scale.
        mask: (H, W) bool, or None.
        job: Where to.
        which: For each picture the name that its noise is drawn from, and its code.
        tiling: A ``Tiling``.
        quality: 1 to 100, where the format has one.
        form: As what the samples are written.

    Returns:
        L1 of each pair of samples in levels of 255, as ``pairwise_l1`` gives it; None if there is
        one only.

    Raises:
        SettingError: A file cannot be written, the network gives NaN, or the task refuses it.
    """
    from i2i.bars import bar
    from i2i.metrics.diversity import pairwise_l1

    seed = translator.task_seed(job.name)
    parts = PictureParts(translator.task, image, seed, mask)
    samples = [picture_bands(translator, parts, one, tiling) for one in which]
    height, l1 = parts.size[0], None
    with ExitStack() as stack:
        writers = [stack.enter_context(row_writer(t, *parts.size, quality)) for t in job.targets]
        what = {"total": height, "unit": "row", "desc": printable(job.name), "leave": False}
        progress = stack.enter_context(bar(**what))
        for bands in zip(*samples, strict=True):  # each (1, C, h, W)
            for writer, band in zip(writers, bands, strict=True):
                writer.write(form.arrays(band, [job.name])[0])
            rows = bands[0].shape[-2]
            if len(bands) > 1:
                levels = [to_uint8(band[0]) for band in bands]
                of_band = pairwise_l1(levels) * rows / height
                l1 = of_band if l1 is None else l1 + of_band
            progress.update(rows)
    return l1


def picture_bands(
    translator: Translator, parts: PictureParts, which: Picture, tiling: Tiling
) -> Iterator[Tensor]:
    """One picture of an image from top to bottom, a few hundred rows at a time.

    In paper mode the noise of a tile is drawn from (seed, name, position of the tile), and batch
    statistics are those of the tile. All tiles have one code.

    Args:
        translator: On its device.
        parts: ``PictureParts`` of the image.
        which: The name that the picture's noise is drawn from, and its code.
        tiling: A ``Tiling``.

    Yields:
        (1, C, h, W) in [-1, 1] on the CPU.
    """
    noise, z = which

    def generate(top: int, left: int, height: int, width: int) -> Tensor:
        x = parts.part(top, left, height, width).to(translator.device)
        return translator(x, [noise_name(noise, 0, "tile", top, left)], z)

    for top, y_hat in blended_bands(generate, parts.size, tiling):
        pictures = []  # from left to right, so that the task's floats are those of a tile too
        for left in range(0, parts.size[1], tiling.tile):
            y = y_hat[..., left : left + tiling.tile]
            x = parts.part(top, left, *y.shape[-2:]).to(translator.device)
            pictures.append(translator.task.output_picture(x, y).cpu())
        yield torch.cat(pictures, -1)


def no_distance(tiling: Tiling, file: Path) -> SettingError:
    """Why LPIPS was not measured on a picture translated in tiles."""
    return setting_error(
        f"tile={tiling.tile}", f"{file.name}, which is translated in tiles",
        "pictures that LPIPS can be shown whole", "Leave tile out to measure it.",
    )  # fmt: skip
