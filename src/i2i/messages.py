"""What a run tells its user, once, whatever the number of processes."""

from i2i.printable import printable


def say(text: str) -> None:
    """Prints a line; not through logging, whose level and handlers a run may have changed."""
    # Takes seconds to import, and 250 MB: those who have nothing to say do without.
    from lightning.fabric.utilities.rank_zero import rank_zero_only

    rank_zero_only(print)(printable(text, lines=True), flush=True)


def warn(text: str) -> None:
    """Prints a line on something that may be wrong, once, and stops nothing.

    Python's warnings would show the place in the source too, which tells a user nothing.
    """
    if text not in _warned:
        _warned.add(text)
        say(f"Warning: {text}")


_warned: set[str] = set()
