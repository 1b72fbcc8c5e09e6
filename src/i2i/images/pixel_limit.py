"""How many pixels a picture may have."""

from numbers import Real
from typing import Any

from i2i.errors import setting_error

# A header of 100 bytes may claim a billion pixels, for which 3 GB are taken before the first one
# comes. The largest real picture seen in this field has 100 million.
DEFAULT_MEGAPIXELS = 268
MOST_PIXELS = DEFAULT_MEGAPIXELS * 1_000_000
LARGEST_LIMIT = 1 << 30  # what OpenCV scales at all


def pixel_limit(megapixels: Any, setting: str) -> int:
    """Pixels that a picture may have.

    Args:
        megapixels: The option, in millions.
        setting: Its name.

    Raises:
        SettingError: It is no number above 0, or more than OpenCV takes.
    """
    most = LARGEST_LIMIT / 1e6
    number = isinstance(megapixels, Real) and not isinstance(megapixels, bool)
    if not number or not 0 < megapixels <= most:
        raise setting_error(
            f"{setting}={megapixels}", repr(megapixels), f"millions of pixels, up to {most:,.1f}",
            f"Leave {setting} out for the default.",
        )  # fmt: skip
    return int(megapixels * 1e6)
