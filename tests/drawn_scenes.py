"""The drawn scenes as a small set, for the tests of what makes and draws them."""

from pathlib import Path

SMALL = {"n_train": 3, "n_val": 1, "n_test": 2, "size": 64}


def contents(root: Path) -> dict[str, bytes]:
    """All files below a folder, by their paths."""
    return {str(f.relative_to(root)): f.read_bytes() for f in root.rglob("*") if f.is_file()}
