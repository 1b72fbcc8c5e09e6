"""Which files stand for a set when its content is looked into."""

from collections import Counter
from types import SimpleNamespace

import numpy as np
import pytest

from i2i.data.index.pair_list import PairFiles
from i2i.data.reading import content_checks as content
from i2i.data.reading.content_checks import check_labels, from_all_over
from i2i.errors import SettingError
from i2i.labels.palette import ClassPalette

PALETTE = ClassPalette({"black": [0, 0, 0], "white": [255, 255, 255]})


def pairs(count: int) -> list[PairFiles]:
    return [PairFiles(str(number), None, None) for number in range(count)]


def reader(stray: str, seen: Counter) -> SimpleNamespace:
    """Labels are black but for one, which is grey."""

    def label_picture(pair: PairFiles) -> tuple[np.ndarray, bool]:
        seen[pair.name] += 1
        return np.full((2, 2, 3), 100 * (pair.name == stray), np.uint8), False

    return SimpleNamespace(
        label_picture=label_picture, classes=PALETTE, label_files="colours", on_error="raise"
    )


@pytest.mark.parametrize(("count", "most"), [(7, 3), (3, 7), (100, 10), (0, 4)])
def test_never_one_twice_and_always_the_same(count: int, most: int) -> None:
    names = [pair.name for pair in from_all_over(pairs(count), most)]
    assert len(names) == len(set(names)) == min(count, most)
    assert names == [pair.name for pair in from_all_over(pairs(count), most)]


def test_a_fault_that_comes_back_every_so_many_files_is_met() -> None:
    """Even places 100 apart would see none of the files 50, 150, 250 and so on, or nothing else."""
    names = [int(pair.name) for pair in from_all_over(pairs(12_800), 128)]
    for period in (2, 4, 10):
        met = [sum(name % period == phase for name in names) for phase in range(period)]
        assert min(met) > 128 / period / 3


def test_all_labels_of_a_small_split_and_some_of_a_large_one(monkeypatch) -> None:
    monkeypatch.setattr(content, "MOST_LABELS", 20)
    monkeypatch.setattr(content, "SPREAD_LABELS", 7)
    with pytest.raises(SettingError, match=r"here: found .*13"):
        check_labels(reader("13", Counter()), pairs(20), "here")
    seen: Counter = Counter()
    check_labels(reader("none", seen), pairs(21), "here")
    assert len(seen) == 7 and set(seen.values()) == {1}
    left_out = next(str(number) for number in range(21) if str(number) not in seen)
    check_labels(reader(left_out, Counter()), pairs(21), "here")
    with pytest.raises(SettingError, match="here"):
        check_labels(reader(next(iter(seen)), Counter()), pairs(21), "here")
