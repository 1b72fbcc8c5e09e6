"""The folder patterns of a data set: which sides they name, and what keeps these apart."""

from collections.abc import Sequence
from typing import NamedTuple

from i2i.errors import setting_error
from i2i.labels.domain_names import require_domains


class Folder(NamedTuple):
    """A folder pattern of one side, and the option that it comes from."""

    pattern: str
    key: str


def folders_of_sides(
    a_folder: str, b_folder: str | None, domains: Sequence[str] | None
) -> tuple[Folder, ...]:
    """Returns the folders of sides A and B, of all domains, or of the only files.

    Args:
        a_folder: ``dataset.a_folder``.
        b_folder: ``dataset.b_folder``.
        domains: ``dataset.domains``: what replaces ``{domain}`` in ``a_folder``; without it what
            the two sides are called.

    Raises:
        SettingError: ``{domain}`` and ``domains`` do not go together, or there are less than two.
    """
    if isinstance(domains, str):
        raise setting_error(
            f"dataset.domains={domains}", "one word", "a list of names",
            "For example dataset.domains=[satellite,relief].",
        )  # fmt: skip
    if "{domain}" not in a_folder:
        if domains is not None and len(domains) != 2:
            raise setting_error(
                f"dataset.domains={list(domains)}", f"{len(domains)} names for two sides, and "
                f"dataset.a_folder='{a_folder}'", "two, or {domain} in the folder",
                "Leave dataset.domains out, or say \"dataset.a_folder='{split}/{domain}'\".",
            )  # fmt: skip
        b = () if b_folder is None else (Folder(b_folder, "b_folder"),)
        return (Folder(a_folder, "a_folder"), *b)
    if b_folder is not None:
        raise setting_error(
            f"dataset.b_folder='{b_folder}'", "a second folder", "none beside "
            f"dataset.a_folder='{a_folder}'", "Set dataset.b_folder=null.",
        )  # fmt: skip
    names = require_domains(domains or (), f", for dataset.a_folder='{a_folder}'")
    return tuple(Folder(a_folder.replace("{domain}", name), "domains") for name in names)


def check_patterns(a_folder: str, b_folder: str | None, n_splits: int) -> None:
    """Makes sure that the folder patterns keep the splits, and the two sides, apart.

    Args:
        a_folder: ``dataset.a_folder``.
        b_folder: ``dataset.b_folder``.
        n_splits: How many splits the patterns serve.

    Raises:
        SettingError: If two splits or both sides would be read from one folder.
    """
    for key, pattern in (("a_folder", a_folder), ("b_folder", b_folder)):
        if pattern is not None and "{split}" not in pattern and n_splits > 1:
            raise setting_error(
                f"dataset.{key}='{pattern}'",
                f"one folder for {n_splits} splits",
                "a pattern with {split} in it",
                f"For example \"dataset.{key}='{{split}}/{pattern}'\".",
            )
    if a_folder == b_folder:
        raise setting_error(
            f"dataset.b_folder='{b_folder}'",
            "the folder of side A",
            "another folder",
            "For side-by-side images set dataset.b_folder=null.",
        )
