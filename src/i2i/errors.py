"""The one way this project tells a user what is wrong."""

from i2i.printable import printable


class SettingError(ValueError):
    """A setting, file or data set cannot be used as asked.

    The commands print its text alone, without a traceback, and exit with code 1.
    """


def setting_error(setting: str, found: str, expected: str, todo: str) -> SettingError:
    """Builds the error with the four parts every message of this project has.

    Args:
        setting: The option or file at fault, as the user would type it (``dataset.root=data``).
        found: What is there instead.
        expected: What would have been right.
        todo: The next thing to type or to change.

    Returns:
        The error, for the caller to raise; what does not print, of odd file names, is escaped.
    """
    text = f"{setting}: found {found}; expected {expected}. {todo}"
    return SettingError(printable(text, lines=True))
