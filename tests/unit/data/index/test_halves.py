"""Files that are read as two sides beside each other, and look like something else."""

from pathlib import Path

import pytest

from i2i.data.index.halves import warn_of_doubtful_halves

WIDE, SQUARE = [(8, 16)] * 8, [(8, 8)] * 8
NUMBERS = [f"{n:02}" for n in range(8)]
DOUBTFUL = {
    "suffixes": ([f"{n}_{s}" for n in NUMBERS for s in ("photo", "label")], WIDE,
                 "yet the names come in twos. If these are the two sides, set "
                 "\"dataset.pair_by='(.*)_(label|photo)'\"."),
    "suffixes of squares": ([f"{n}_{s}" for n in NUMBERS for s in "AB"], SQUARE,
                            "set \"dataset.pair_by='(.*)_(A|B)'\"."),
    "prefixes": ([f"{s}_{n}" for n in NUMBERS for s in ("in", "out")], WIDE,
                 "set \"dataset.pair_by='(in|out)_(.*)'\"."),
    "classes": ([f"{c}/{c}{n}" for n in NUMBERS for c in ("cat", "dog")], WIDE,
                "yet they lie in folders (cat, dog), as classes do. If each is one picture: "),
    "two folders": ([f"{c}/{n}" for n in NUMBERS for c in ("x", "y")], WIDE,
                    "\"dataset.a_folder='{split}/x'\" and \"dataset.b_folder='{split}/y'\""),
    "squares": (NUMBERS, SQUARE, "8 x 8 becomes two sides of 8 x 4"),
}  # fmt: skip


@pytest.mark.parametrize(("names", "sizes", "said"), DOUBTFUL.values(), ids=DOUBTFUL)
def test_what_speaks_against_halves_is_said_once(
    names: list[str], sizes: list, said: str, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    for _ in range(2):
        warn_of_doubtful_halves(tmp_path, names, sizes)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1 and lines[0].startswith(f"Warning: dataset.root='{tmp_path}': each")
    assert said in lines[0]


@pytest.mark.parametrize(
    "names", [NUMBERS, [f"day/{n}" for n in NUMBERS], ["a_1", "b_2", "c_1", "d_2"], ["x_1", "x_2"]],
    ids=["numbers", "one folder", "no twos", "a number"],
)  # fmt: skip
def test_wide_pictures_of_one_kind_are_halves(
    names: list[str], tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    warn_of_doubtful_halves(tmp_path, names, WIDE)
    assert capsys.readouterr().out == ""
