"""Pictures too large for the generator's memory: in tiles, written row by row of tiles."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from i2i.inference.files_to_translate import Job, noise_name


def make_tiling(tile: Any, overlap: Any, model: Any) -> Any:
    """The tiling that the options ask for, and a line where its tiles will not fit together.

    Args:
        tile: The option: pixels, or None for whole pictures.
        overlap: The option: pixels.
        model: Its generator says what a tile may be.

    Returns:
        A ``Tiling``, or None.

    Raises:
        SettingError: The generator does not take such tiles.
    """
    if tile is None:
        return None
    from i2i.inference.receptive_field import normalises_over_the_picture
    from i2i.inference.tiles import Tiling

    tiling = Tiling(tile, overlap, model.generator.divisor)
    if normalises_over_the_picture(model.generator, model.inference):
        eval_helps = not normalises_over_the_picture(model.generator, "eval")
        todo = "model.inference=eval makes them alike" if eval_helps else "a larger tile helps"
        print(
            f"Warning: tile={tile}: the generator normalises by the mean and variance of what it "
            f"is shown, so tiles can differ in brightness; {todo}."
        )
    return tiling


def write_in_tiles(model: Any, image: Any, mask: Any, job: Job, tiling: Any) -> float | None:
    """Translates one picture and writes a PNG for each sample, without holding a whole one.

    Beside the picture in 8 bits it holds one row of tiles of each sample, in floats and 8 bits.

    Args:
        model: On its device.
        image: (H, W, C), uint8, or floats on the 0..255 scale.
        mask: (H, W) bool, or None.
        job: Where to.
        tiling: A ``Tiling``.

    Returns:
        Mean pairwise L1 of the samples in levels of 255; None if there is one only.

    Raises:
        SettingError: A file cannot be written, the network gives NaN, or the task refuses it.
    """
    from tqdm import tqdm

    from i2i.data.tasks.picture_window import PictureParts
    from i2i.images.png_writer import PngWriter
    from i2i.metrics.diversity import mean_pairwise_l1
    from i2i.seeds import stable_seed

    parts = PictureParts(model.task, image, stable_seed(model.seed, "task", job.name), mask)
    samples = [picture_bands(model, parts, job.name, k, tiling) for k in range(len(job.targets))]
    height, l1 = parts.size[0], 0.0
    with ExitStack() as stack:
        writers = [stack.enter_context(PngWriter(t, *parts.size)) for t in job.targets]
        progress = stack.enter_context(tqdm(total=height, unit="row", desc=job.name, leave=False))
        for bands in zip(*samples, strict=True):  # each (1, 1 or 3, h, W) uint8
            for writer, band in zip(writers, bands, strict=True):
                writer.write(band[0].permute(1, 2, 0).numpy())
            rows = bands[0].shape[-2]
            if len(bands) > 1:
                l1 += mean_pairwise_l1([band[0] for band in bands]) * rows / height
            progress.update(rows)
    return l1 if len(samples) > 1 else None


def picture_bands(model: Any, parts: Any, name: str, k: int, tiling: Any) -> Iterator[Any]:
    """Sample k of a picture from top to bottom, a few hundred rows at a time.

    In paper mode the noise of a tile is drawn from (seed, name, position of the tile), and batch
    statistics are those of the tile.

    Args:
        model: On its device.
        parts: ``PictureParts`` of the image.
        name: Of the image.
        k: Number of the sample.
        tiling: A ``Tiling``.

    Yields:
        uint8 (1, 1 or 3, h, W) on the CPU.
    """
    import torch

    from i2i.images.quantise import to_uint8
    from i2i.inference.tiles import blended_bands

    def generate(top: int, left: int, height: int, width: int) -> Any:
        x = parts.part(top, left, height, width).to(model.device)
        return model.translate(x, [noise_name(name, k, "tile", top, left)])

    for top, y_hat in blended_bands(generate, parts.size, tiling):
        pictures = []  # from left to right, so that the task's floats are those of a tile too
        for left in range(0, parts.size[1], tiling.tile):
            y = y_hat[..., left : left + tiling.tile]
            x = parts.part(top, left, *y.shape[-2:]).to(model.device)
            pictures.append(to_uint8(model.task.output_picture(x, y), [name]).cpu())
        yield torch.cat(pictures, -1)


def no_distance(tiling: Any, file: Path) -> Exception:
    """Why LPIPS was not measured on a picture translated in tiles."""
    from i2i.errors import setting_error

    return setting_error(
        f"tile={tiling.tile}", f"{file.name}, which is translated in tiles",
        "pictures that LPIPS can be shown whole", "Leave tile out to measure it.",
    )  # fmt: skip
