"""How the files of a data set are read, and what a network is shown of them, by its options."""

from collections.abc import Mapping
from typing import Any

from i2i.data.option_checks import background_for
from i2i.data.reading.pair_reader import ROLES, PairReader
from i2i.data.reading.picture_values import PictureValues
from i2i.data.tasks.label_map import task_of
from i2i.data.tasks.task import PhotoTask, Task
from i2i.images.pixel_limit import DEFAULT_MEGAPIXELS, pixel_limit
from i2i.images.reading import Reading
from i2i.images.transparency import DEFAULT_BACKGROUND
from i2i.images.values import BY_TYPE
from i2i.labels.id_map import id_map_of
from i2i.labels.palette import ClassPalette, palette_of

OF_READER = (
    "direction", "label_side", "label_as", "label_files", "photo_side", "on_error", "sizes"
)  # fmt: skip


def reader_of(
    options: Mapping[str, Any],
    values: PictureValues,
    classes: ClassPalette | None,
    single: bool = False,
) -> PairReader:
    """How files are read.

    Args:
        options: Of the data set, by the names that ``Splits`` has for them; what is absent has its
            default.
        values: Which stored values are black and white.
        classes: Of the label map, if any.
        single: Whether each file shows one picture.

    Raises:
        SettingError: An option has no such value.
    """
    megapixels = options.get("max_megapixels", DEFAULT_MEGAPIXELS)
    most_pixels = pixel_limit(megapixels, "dataset.max_megapixels")
    channels = options["input_channels"], options["target_channels"]
    background = background_for(options.get("background", DEFAULT_BACKGROUND), channels)
    readings = {
        role: Reading(n, most_pixels, background, values.of(role), role)
        for role, n in zip(ROLES, channels, strict=True)
    }
    chosen = {key: options[key] for key in OF_READER if key in options}
    label_files = options.get("label_files", "colours")
    mapped = id_map_of(options.get("id_map"), label_files, classes)
    photo = {"photo_of": chosen.pop("photo_side", None)}
    known = readings | photo | {"classes": classes, "single": single, "id_map": mapped}
    return PairReader(**chosen, **known)


def understood_task(
    options: Mapping[str, Any],
    classes: ClassPalette | Mapping[str, Any] | None,
    task: PhotoTask | None,
) -> Task:
    """What a network is shown, of options alone: no file is touched.

    Args:
        options: As in ``reader_of``.
        classes: Of the label map, if any.
        task: Makes the pairs from photographs; None for the two sides as they are.

    Raises:
        SettingError: The options do not go together.
    """
    values = PictureValues(
        options.get("input_range", BY_TYPE), options.get("target_range", BY_TYPE),
        options.get("input_shown"), options.get("target_shown"), options.get("found"),
    )  # fmt: skip
    reader = reader_of(options, values, palette_of(classes))
    found = task_of(reader, task)
    values.check(reader, task, options.get("pairing") == "labelled")
    found.kinds = values.kinds()
    return found
