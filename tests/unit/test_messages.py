"""Warnings are plain lines, each said once."""

import pytest

from i2i.messages import warn


def test_a_warning_is_a_plain_line_said_once(
    capsys: pytest.CaptureFixture, recwarn: pytest.WarningsRecorder
) -> None:
    for text in ("a.png is odd", "a.png is odd", "b.png is odd\x1b[31m"):
        warn(text)
    found = capsys.readouterr()
    assert found.out == "Warning: a.png is odd\nWarning: b.png is odd\\x1b[31m\n"
    assert found.err == "" and not recwarn.list


def test_nothing_speaks_by_pythons_warnings() -> None:
    """Which would show a place in the source beside plain lines."""
    from pathlib import Path

    import i2i

    for file in Path(i2i.__file__).parent.rglob("*.py"):
        text = file.read_text()
        assert "rank_zero_warn" not in text and "warnings.warn(" not in text, file
