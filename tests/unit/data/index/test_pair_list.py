"""Compact pairs are the pairs they stand for."""

import pickle
from pathlib import Path

import pytest

from i2i.data.index.pair_list import PairFiles, PairList

NAMES = ["a", "sub/b.5", "ü", "z\udcff"]  # the last is no UTF-8 on the disk
PAIRS = [
    PairFiles("a", Path("/r/A/a.png"), Path("/r/B/a.jpg")),
    PairFiles("sub/b.5", Path("/r/A/sub/b.5.PNG"), Path("/r/B/sub/b.5.jpg")),
    PairFiles("ü", Path("/r/A/ü.png"), Path("/r/B/ü.jpeg")),
    PairFiles("z\udcff", Path("/r/A/z\udcff.png"), Path("/r/B/z\udcff.jpg")),
]


@pytest.fixture
def pairs() -> PairList:
    suffixes_a, suffixes_b = [".png", ".PNG", ".png", ".png"], [".jpg", ".jpg", ".jpeg", ".jpg"]
    return PairList(NAMES, Path("/r/A"), iter(suffixes_a), Path("/r/B"), iter(suffixes_b))


def test_it_reads_like_a_list(pairs: PairList) -> None:
    assert len(pairs) == 4 and list(pairs) == PAIRS and pairs == PAIRS
    assert [pairs[i] for i in (-1, 0, 2)] == [PAIRS[3], PAIRS[0], PAIRS[2]]
    assert pairs[1:] == PAIRS[1:] and pairs[:1] == PAIRS[:1]
    assert pairs != PAIRS[:3] and pairs != [*PAIRS[:3], PAIRS[0]]
    for index in (4, -5):
        with pytest.raises(IndexError):
            pairs[index]


def test_one_folder_has_no_side_b() -> None:
    assert PairList(["a"], Path("/r"), [".png"]) == [PairFiles("a", Path("/r/a.png"), None)]
    assert len(PairList()) == 0 and not PairList()


def test_parts_of_parts(pairs: PairList) -> None:
    pairs.skipped = 7
    part = pairs.subset([3, 1, 0])
    assert part == [PAIRS[3], PAIRS[1], PAIRS[0]] and part.skipped == 0
    assert part.subset([2, 0]) == [PAIRS[0], PAIRS[3]]
    assert pairs == PAIRS and pairs.skipped == 7


def test_it_can_be_sent_to_a_worker(pairs: PairList) -> None:
    assert pickle.loads(pickle.dumps(pairs.subset([2, 1]))) == [PAIRS[2], PAIRS[1]]


def test_a_file_takes_few_bytes() -> None:
    """20 bytes of name and suffixes; a ``PairFiles`` takes about a kilobyte."""
    pairs = PairList([f"{i:018}" for i in range(5000)], Path("/r"), [".jpg"] * 5000)
    assert len(pickle.dumps(pairs)) / 5000 < 40
