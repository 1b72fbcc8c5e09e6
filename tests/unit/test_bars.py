"""Bars are drawn seldom where nobody watches."""

import io

import pytest

from i2i import bars


class Terminal(io.StringIO):
    """What a bar is drawn on."""

    def __init__(self, watched: bool):
        super().__init__()
        self.watched = watched

    def isatty(self) -> bool:
        return self.watched


@pytest.mark.parametrize(("watched", "fewest", "most"), [(True, 40, 52), (False, 2, 7)])
def test_a_bar_is_drawn_often_in_a_terminal_alone(
    monkeypatch: pytest.MonkeyPatch, watched: bool, fewest: int, most: int
) -> None:
    """Fifty steps of a second each, by a clock that the test moves."""
    now, stderr = [0.0], Terminal(watched)
    monkeypatch.setattr("sys.stderr", stderr)
    shown = bars.bar(total=50, unit="image", file=stderr)
    shown._time = lambda: now[0]
    shown.start_t = shown.last_print_t = 0.0
    for _ in range(50):
        now[0] += 1.0
        shown.update(1)
    shown.close()
    assert fewest <= stderr.getvalue().count("/50") <= most
    assert "50/50" in stderr.getvalue()
