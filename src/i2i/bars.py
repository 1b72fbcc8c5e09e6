"""Bars on stderr that say how far something is."""

import sys
from typing import Any

from tqdm import tqdm


def bar(items: Any = None, **options: Any) -> tqdm:
    """A bar that moves in a terminal; where nobody watches, it is drawn once in 10 s.

    Args:
        items: What to go through; None: ``update`` is called.
        options: Of ``tqdm``.
    """
    every = 0.2 if sys.stderr.isatty() else 10.0  # seconds
    return tqdm(items, mininterval=every, maxinterval=every, **options)
