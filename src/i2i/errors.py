"""The one way this project tells a user what is wrong."""

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

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


def first_line(error: BaseException, most: int = 300) -> str:
    """The beginning of an error's text, or its kind where it has none."""
    return (str(error).strip() or type(error).__name__).splitlines()[0][:most]


@contextmanager
def in_words(
    setting: str, todo: str = "Correct what you typed last; I2I_TRACEBACK=1 shows where."
) -> Iterator[None]:
    """Lets an error that parts raise while they are built speak as one of a setting.

    Args:
        setting: The options, or the file, that the parts are built from.
        todo: What to do.

    Raises:
        SettingError: From the error, which has the traceback.
    """
    try:
        yield
    except (SettingError, OSError, MemoryError):
        raise
    except Exception as error:  # of any library that an option is handed to
        if type(error).__module__.startswith(("hydra.", "omegaconf.")):
            raise
        frame = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{type(error).__name__} in {Path(frame.filename).name}:{frame.lineno}"
        raise setting_error(
            setting, f"values that do not work together: {first_line(error)} ({place})",
            "what the parts take", todo,
        ) from error  # fmt: skip
