"""Warnings are plain lines, each said once."""

import io
import sys

import pytest

from i2i.messages import begin_anew, say, warn


def test_a_warning_is_a_plain_line_said_once(
    capsys: pytest.CaptureFixture, recwarn: pytest.WarningsRecorder
) -> None:
    for text in ("a.png is odd", "a.png is odd", "b.png is odd\x1b[31m"):
        warn(text)
    found = capsys.readouterr()
    assert found.out == "Warning: a.png is odd\nWarning: b.png is odd\\x1b[31m\n"
    assert found.err == "" and not recwarn.list


def test_a_line_is_one_piece_whoever_else_prints(monkeypatch: pytest.MonkeyPatch) -> None:
    pieces: list[str] = []
    stream = io.StringIO()
    monkeypatch.setattr(stream, "write", pieces.append)
    monkeypatch.setattr(sys, "stdout", stream)
    say("a.png is odd")
    assert [piece for piece in pieces if piece] == ["a.png is odd\n"]


def test_the_next_job_of_a_process_says_it_again(capsys: pytest.CaptureFixture) -> None:
    warn("a.png is odd")
    begin_anew()
    warn("a.png is odd")
    assert capsys.readouterr().out == 2 * "Warning: a.png is odd\n"


def test_nothing_speaks_by_pythons_warnings() -> None:
    """Which would show a place in the source beside plain lines."""
    from pathlib import Path

    import i2i

    for file in Path(i2i.__file__).parent.rglob("*.py"):
        text = file.read_text()
        assert "rank_zero_warn" not in text and "warnings.warn(" not in text, file
