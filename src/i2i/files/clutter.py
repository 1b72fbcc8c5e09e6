"""Names that an operating system or a tool leaves beside somebody's files: these are not data."""

import re
from fnmatch import translate

# Compared in lower case. Hidden names (".DS_Store", "._a.png", ".ipynb_checkpoints") come before.
FOLDERS_AND_FILES = (
    "__macosx", "icon\r",  # archives made by macOS, and its icons of folders
    "thumbs.db", "ehthumbs*.db", "desktop.ini", "$recycle.bin", "system volume information",
    "@eadir", "@synoresource", "*@synoeastream", "*@synoresource", "#recycle", "#snapshot",
    "@recycle", "@recently-snapshot", "lost+found",  # disks in a network, and Linux's
    "network trash folder", "temporary items", "zbthumbnail.info",
    "__pycache__", "*~", "~$*", "#*#",  # of Python, editors and offices
)  # fmt: skip

CLUTTER = re.compile("|".join(map(translate, FOLDERS_AND_FILES)))  # one look at each of many names


def is_clutter(name: str) -> bool:
    """Whether a file or folder of this name is hidden, or was put there by a system or a tool.

    Args:
        name: Without the folders above it.
    """
    if name.startswith("."):
        return True
    return CLUTTER.match(name.lower()) is not None
