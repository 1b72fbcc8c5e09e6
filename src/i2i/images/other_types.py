"""Files of another type than those that a network was trained on: told, or refused."""

import numpy as np

from i2i.errors import SettingError, setting_error
from i2i.images.values import BY_TYPE, WHITE, Range, ends_of, type_name, words_of

LEAST_REACHED = 0.25  # of the range that files are read by: what a type has to reach of it
MOST_OUTSIDE = 0.5  # of a file's values
LEAST_LEFT = 1.0  # level of 255 between the darkest and the lightest value


def told(file_type: str, trained: str, value_range: Range, files: str, side: str) -> str:
    """What to tell where files have another type than in training.

    Args:
        file_type: Theirs.
        trained: That of the training files.
        value_range: What they are read by; no percentiles that are not known yet.
        files: What they are called.
        side: input or target.
    """
    by_type = value_range == BY_TYPE
    ends = words_of(ends_of(file_type) if by_type else value_range)
    option = f" (dataset.{side}_range=type)" if by_type else ""
    return f"{files}: {file_type}, where training had {trained}; read by {ends}{option}"


def misfit(stored: np.ndarray, trained: str, value_range: Range, files: str) -> SettingError | None:
    """The error for a picture that cannot be what a network was trained on; None for others.

    Args:
        stored: (H, W, C) of another type than the training files.
        trained: The type of these.
        value_range: As in ``told``.
        files: What it is called.
    """
    file_type, least, most = type_name(stored.dtype), float(stored.min()), float(stored.max())
    low, high = ends_of(stored.dtype) if value_range == BY_TYPE else value_range
    span = words_of((low, high))
    reached = 1.0
    if stored.dtype.kind != "f":
        first, last = ends_of(stored.dtype)
        reached = (min(last, high) - max(first, low)) / (high - low)
    outside = float(((stored < low) | (stored > high)).mean())
    left = WHITE * (min(most, high) - max(least, low)) / (high - low)
    if reached <= LEAST_REACHED:
        found = f"{file_type}, which reaches {100 * max(reached, 0):.2g} % of {span}"
    elif outside > MOST_OUTSIDE:
        found = f"{file_type} with {100 * outside:.3g} % of the values outside of {span}"
    elif most > least and left < LEAST_LEFT:
        found = f"{file_type} from {words_of((least, most))}, {100 * left / WHITE:.2g} % of {span}"
    else:
        return None
    return setting_error(
        files, found, f"{trained}, as in training, or values that fit the range by which files "
        "are read", "Store the files in the type and the range of the training set, or use "
        "a network that was trained on such files.",
    )  # fmt: skip
