"""Maps of class ids: pictures whose values are numbers of classes."""

from pathlib import Path

import numpy as np

from i2i.errors import setting_error
from i2i.files.ordinary import Unreadable, read_bytes
from i2i.images.formats.by_pillow import pillow
from i2i.images.formats.header import Damaged, as_file, in_a_few_words
from i2i.images.formats.known import format_of
from i2i.images.orientation import upright
from i2i.images.pixel_limit import MOST_PIXELS
from i2i.images.stored import MOST_FILE, decoded, image_error

MOST_ID = 255


def read_ids(path: Path, most_pixels: int = MOST_PIXELS) -> np.ndarray:
    """Reads a map of class ids: the numbers of a palette, or whole numbers in one channel.

    Args:
        path: The file, of any format that keeps every value.
        most_pixels: As in ``read_stored``.

    Returns:
        (H, W) uint8.

    Raises:
        SettingError: If the file is missing, damaged, or holds something else.
    """
    try:
        data = read_bytes(path, MOST_FILE)
        header, image = decoded(data, most_pixels)
        numbers = _palette_numbers(data)
        ids = image if numbers is None else numbers[:, :, np.newaxis]
    except (Unreadable, Damaged) as error:
        raise image_error(path, str(error)) from error
    name, lossy = format_of(data).name, format_of(data).name == "JPEG"
    if lossy or ids.shape[2] != 1 or ids.dtype.kind not in "ui":
        found = f"a {name} of {ids.shape[2]} channels of {ids.dtype}"
    elif not 0 <= ids.min() <= ids.max() <= MOST_ID:
        found = f"a {name} with ids from {ids.min()} to {ids.max()}"
    else:
        return upright(ids, header.orientation)[:, :, 0].astype(np.uint8)
    raise setting_error(
        f"image '{path}'",
        found,
        f"a palette, or one channel of whole numbers from 0 to {MOST_ID}, which are class ids, as "
        "dataset.label_files=ids says, in a format that keeps them (PNG, TIFF, npy)",
        "Set dataset.label_files=colours if the labels are colours.",
    )


def _palette_numbers(data: bytes) -> np.ndarray | None:
    """What stands in place of colours in a picture with a palette, (H, W); None without one."""
    if format_of(data).name not in ("PNG", "GIF", "BMP"):
        return None
    with in_a_few_words("damaged image data"), pillow().open(as_file(data)) as image:
        if image.mode != "P":
            return None
        return np.array(image, dtype=np.uint8)
