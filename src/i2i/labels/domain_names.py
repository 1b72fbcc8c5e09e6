"""Names of domains, classes and attributes, which folders and files are called by."""

from collections.abc import Sequence

from i2i.errors import setting_error
from i2i.printable import printable

NOT_IN_FILES = frozenset('/\\:*?"<>|')  # on one system or another
LONGEST = 100  # characters


def require_domains(names: Sequence[object], found: str = "") -> tuple[str, ...]:
    """Refuses names that are no two different ones, or that no file could have.

    They come from a command line, from folders or out of a stranger's checkpoint, and name files of
    samples, scores and made pictures: none may lead out of the folder that these belong in.

    Args:
        names: By number.
        found: What they are for, for the error.

    Raises:
        SettingError: They are.
    """
    known = tuple(map(str, names))
    listed = printable(f"dataset.domains=[{','.join(known)}]")[:300]
    if len(known) < 2 or len(set(known)) < len(known):
        raise setting_error(
            listed, f"{len(set(known))} domain(s) in {len(known)} names",
            f"two different ones or more{found}", "For example dataset.domains=[satellite,relief].",
        )  # fmt: skip
    for name in known:
        if not could_name_a_file(name):
            raise setting_error(
                listed, f"the name '{printable(name)[:LONGEST]}'",
                f"up to {LONGEST} characters that print, without {' '.join(sorted(NOT_IN_FILES))} "
                "and without a dot at the beginning or the end",
                "Rename the domain and its folder.",
            )  # fmt: skip
    return known


def could_name_a_file(name: str) -> bool:
    """Whether a file, in whatever folder, can be called so on every system."""
    edges = name.strip() == name and not name.startswith(".") and not name.endswith(".")
    short = 0 < len(name) <= LONGEST
    return edges and short and name.isprintable() and not NOT_IN_FILES & set(name)
