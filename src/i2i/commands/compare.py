"""Puts runs side by side: ``python src/compare.py RUN_OR_SWEEP... output=DIR``."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from i2i.commands.launch import launch
from i2i.config.plain_words import OPTION, flag_positions, value_text
from i2i.config.unread import require_read
from i2i.errors import setting_error
from i2i.printable import printable


def compare(cfg: Any) -> None:
    """Compares runs, prints the table and says where the files are.

    Args:
        cfg: The composed configuration.
    """
    from i2i.comparison.tables import compare as compare_runs
    from i2i.comparison.tables import files_in, find_runs
    from i2i.run_folder import require_writable

    require_read(cfg, "compare")
    folders = existing(cfg.runs)
    output = where_to(cfg.output, folders)
    require_writable(output, "output")
    if cfg.wandb:
        from i2i.loggers.wandb_comparison import require_home, send

        home = require_home(runs := find_runs(*folders))
    table = compare_runs(*folders, output=output)
    print(f"{table}\nComparison: {printable(output)}/{files_in(output)}")
    if cfg.wandb:
        send(output, runs, home)


def existing(runs: Any) -> list[Path]:
    """The folders that are asked for.

    Raises:
        SettingError: There is none, or one is no folder.
    """
    words = [runs] if isinstance(runs, str) else list(runs or ())
    if not words:
        raise setting_error(
            "python src/compare.py", "no folder", "those of runs or sweeps",
            "Name them: python src/compare.py multirun/DATE/TIME",
        )  # fmt: skip
    folders = [Path(str(word)).expanduser().absolute() for word in words]
    for word, folder in zip(words, folders, strict=True):
        if not folder.is_dir():
            raise setting_error(
                str(word), "no folder there", "the folder of a run or of a sweep",
                "Look in outputs/ and in multirun/.",
            )  # fmt: skip
    return folders


def where_to(output: Any, folders: Sequence[Path]) -> Path:
    """The folder to write into.

    Raises:
        SettingError: Nobody names one, and there are several that it could be.
    """
    if output is not None:
        return Path(str(output)).expanduser().absolute()
    if len(folders) > 1:
        raise setting_error(
            "output", "no value beside several folders", "a folder", "Add output=FOLDER."
        )
    return folders[0]


def with_folders(argv: Sequence[str]) -> list[str]:
    """The command line with its folders as the option ``runs``.

    A word is an option where it has a ``=`` and is no folder that exists, and a folder else.
    """
    flags = flag_positions(argv)
    words = [(word, i in flags or is_option(word)) for i, word in enumerate(argv)]
    folders = [word for word, other in words if not other]
    others = [word for word, other in words if other]
    return [*others, f"runs={value_text(folders)}"] if folders else others


def is_option(word: str) -> bool:
    """Whether a word of the command line is an option, and not a folder."""
    return OPTION.fullmatch(word) is not None and not Path(word).expanduser().is_dir()


def main() -> None:
    """Entry point of ``python src/compare.py`` and ``i2i-compare``."""
    sys.argv[1:] = with_folders(sys.argv[1:])
    launch(compare, "compare")
