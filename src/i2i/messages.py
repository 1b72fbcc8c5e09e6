"""What a run tells its user, once, whatever the number of processes."""

from lightning.fabric.utilities.rank_zero import rank_zero_only

from i2i.printable import printable


@rank_zero_only
def say(text: str) -> None:
    """Prints a line; not through logging, whose level and handlers a run may have changed."""
    print(printable(text, lines=True), flush=True)
