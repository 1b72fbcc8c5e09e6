"""What is said once of the pictures of a run, not once of each file."""

from multiprocessing import parent_process

from i2i.messages import say_once


def note_once(kind: str, text: str) -> None:
    """Says something of pictures, unless it was said before; processes that only load are silent.

    Args:
        kind: What it is about; a second text of the same kind is not said.
        text: A line.
    """
    if parent_process() is None:
        say_once(text, kind)
