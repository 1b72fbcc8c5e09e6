"""Text from files and names, made safe for a terminal, a table and a log."""


def printable(text: object, lines: bool = False) -> str:
    r"""Shows what does not print as its escape: ``\x1b`` instead of the start of a colour.

    Names of files, and what a stranger's files hold, may carry terminal commands, directions of
    writing, or bytes that are no UTF-8; the last could not be printed at all.

    Args:
        text: Anything that has a text.
        lines: Whether line ends stay.
    """
    return "".join(
        c if c.isprintable() or (lines and c == "\n") else c.encode("unicode_escape").decode()
        for c in str(text)
    )
