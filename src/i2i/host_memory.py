"""What the C library does with memory that this process gave back."""

import ctypes

_MMAP_THRESHOLD, _TRIM_THRESHOLD = -3, -1  # the parameters' numbers in glibc's malloc.h
LARGEST = 2**31 - 1  # bytes; what the call takes


def keep_freed_memory(largest: int = LARGEST, kept: int = LARGEST) -> None:
    """Lets freed memory stay with the process, for the next tensors of the same sizes.

    Otherwise large blocks go back to the system, which clears each of their pages when they are
    asked for again.

    Args:
        largest: Bytes from which on a block is got from the system, and goes back there.
        kept: Bytes that may lie free.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # glibc has it, macOS and musl do not
    if mallopt is not None:
        mallopt(_MMAP_THRESHOLD, largest)
        mallopt(_TRIM_THRESHOLD, kept)
