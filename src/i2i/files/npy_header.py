"""The header of a .npy file, read by one thread at a time."""

from typing import IO

import numpy as np
from numpy.lib import format as npy

from i2i.thread_lock import thread_lock

_READERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}

# NumPy reads a header with ast.literal_eval. Before Python 3.13, all threads share one counter of
# depth in there. Two of them at once can end in a SystemError for a sound file (python/cpython,
# issue 106905).
_ONE_AT_A_TIME = thread_lock()


def read_npy_header(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Shape, whether columns come first, and type; the file is left where the values begin.

    Raises:
        KeyError: The version is one that only arrays of records with unusual names have.
        ValueError: It is no header of a .npy file.
    """
    read = _READERS[npy.read_magic(file)]
    with _ONE_AT_A_TIME:
        return read(file)
