"""Which files stand for a set when its content is looked into."""

from collections import Counter
from types import SimpleNamespace

import numpy as np
import pytest

from i2i.data import content
from i2i.data.content import check_labels, evenly
from i2i.data.pair_list import PairFiles
from i2i.data.palette import ClassPalette
from i2i.errors import SettingError

PALETTE = ClassPalette({"black": [0, 0, 0], "white": [255, 255, 255]})


def pairs(count: int) -> list[PairFiles]:
    return [PairFiles(str(number), None, None) for number in range(count)]


def reader(stray: str, seen: Counter) -> SimpleNamespace:
    """Labels are black but for one, which is grey."""

    def label_picture(pair: PairFiles) -> tuple[np.ndarray, bool]:
        seen[pair.name] += 1
        return np.full((2, 2, 3), 100 * (pair.name == stray), np.uint8), False

    return SimpleNamespace(label_picture=label_picture, classes=PALETTE, label_files="colours")


@pytest.mark.parametrize(("count", "most"), [(7, 3), (3, 7), (100, 10)])
def test_evenly_spaced(count: int, most: int) -> None:
    names = [int(pair.name) for pair in evenly(pairs(count), most)]
    gaps = set(np.diff([*names, count]))
    assert names[0] == 0 and len(names) == min(count, most) and max(gaps) - min(gaps) <= 1


def test_all_labels_of_a_small_split_and_some_of_a_large_one(monkeypatch) -> None:
    monkeypatch.setattr(content, "MOST_LABELS", 20)
    monkeypatch.setattr(content, "SPREAD_LABELS", 7)
    with pytest.raises(SettingError, match=r"here: found .*13"):
        check_labels(reader("13", Counter()), pairs(20), "here")
    seen: Counter = Counter()
    check_labels(reader("13", seen), pairs(21), "here")
    assert sorted(map(int, seen)) == [0, 3, 6, 9, 12, 15, 18]
    with pytest.raises(SettingError, match="here"):
        check_labels(reader("12", Counter()), pairs(21), "here")
