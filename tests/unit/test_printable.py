"""What a terminal is told, whoever wrote it."""

import pytest

from i2i.errors import setting_error
from i2i.printable import printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain größer 画像", "plain größer 画像"),
        ("\x1b[2J\x07", "\\x1b[2J\\x07"),
        ("a\r\nb", "a\\r\\nb"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        (b"caf\xe9".decode("utf-8", "surrogateescape"), "caf\\udce9"),
        ("\x9b31m", "\\x9b31m"),
    ],
)
def test_what_does_not_print_is_shown_as_its_escape(text: str, shown: str) -> None:
    assert printable(text) == shown
    printable(text).encode("utf-8")


def test_errors_carry_no_terminal_commands_but_keep_their_lines() -> None:
    error = setting_error("input='\x1b]0;x\x07'", "a\nb", "c", "d")
    assert str(error) == "input='\\x1b]0;x\\x07': found a\nb; expected c. d"
