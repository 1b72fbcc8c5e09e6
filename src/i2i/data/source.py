"""Where a data set comes from that is not there yet."""

from pathlib import Path
from typing import Protocol


class PairSource(Protocol):
    """Where a data set comes from when it is not there yet: a download, or the built-in drawing."""

    def prepare(self, root: Path) -> None:
        """Makes sure that ``root`` holds the whole data set."""
