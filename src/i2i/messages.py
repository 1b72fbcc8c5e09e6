"""What a run tells its user, once, whatever the number of processes."""

import os
import sys

from i2i.printable import printable

RANKS = ("RANK", "LOCAL_RANK", "SLURM_PROCID", "JSM_NAMESPACE_RANK")  # as Lightning reads them


def say(text: str) -> None:
    """Prints a line; not through logging, whose level and handlers a run may have changed."""
    if is_first_process():
        # In one piece: another thread or process that prints stands before it or behind it.
        print(printable(text, lines=True) + "\n", end="", flush=True)


def is_first_process() -> bool:
    """Whether this is the process that speaks for all.

    Who has not imported Lightning, which takes seconds and 250 MB, has its rank in the environment.
    """
    lightning = sys.modules.get("lightning.fabric.utilities.rank_zero")
    if (only := getattr(lightning, "rank_zero_only", None)) is not None:
        return only.rank == 0
    return int(next((os.environ[key] for key in RANKS if key in os.environ), 0)) == 0


def say_once(text: str, kind: str | None = None) -> None:
    """Prints a line unless it, or one of its kind, was printed in this job before."""
    if (key := kind or text) not in _said:
        _said.add(key)
        say(text)


def warn(text: str) -> None:
    """Prints a line on something that may be wrong, once, and stops nothing.

    Python's warnings would show the place in the source too, which tells a user nothing.
    """
    say_once(f"Warning: {text}")


def begin_anew() -> None:
    """Lets the next job of a process, such as of a sweep, say what an earlier one has said."""
    _said.clear()


_said: set[str] = set()
