"""Profiles of reading and scoring: own times that add up, a pair."""

import math

import pytest

from benchmarks import profile_host
from benchmarks.profile_host import main, page, profiled


def busy() -> None:
    for _ in range(4):
        sum(math.sqrt(i) for i in range(20_000))


def test_calls_and_times_are_those_of_a_pair_and_add_up() -> None:
    whole, rows = profiled(busy, pairs=2)
    calls = {name: count for name, count, _ in rows}
    assert calls["built-in method builtins.sum"] == 2  # four in all
    assert sum(ms for *_, ms in rows) == pytest.approx(whole)
    assert len(rows) <= profile_host.TOP + 1


def test_reading_is_shown_before_and_after(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(profile_host.PAIRS, "data", 16)
    text = page("data")
    before, after = text.split("## ")[1:]
    assert before.startswith("before: Pillow and torchvision: ")
    assert "| method 'decode' of 'ImagingDecoder' objects | 1.0 |" in before
    assert "| imdecode | 1.0 |" in after and "ImagingDecoder" not in after


@pytest.mark.parametrize("words", [[], ["dta"], ["data", "evaluation"], ["data", "top=3"]])
def test_other_words_are_refused(words: list[str]) -> None:
    with pytest.raises(SystemExit, match="expected data or evaluation"):
        main(words)
