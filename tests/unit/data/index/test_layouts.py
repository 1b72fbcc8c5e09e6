"""A set that is laid out otherwise is told the options that read it, and these do read it."""

import shlex
from pathlib import Path

import numpy as np
import pytest
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate

from conftest import CONF, ROOT, Told
from i2i.config.domains import settle_domains
from i2i.config.plain_words import plain_words
from i2i.config.resolvers import register
from i2i.data.datamodule import PairedDataModule
from i2i.data.index.layouts import how_to_read
from i2i.errors import SettingError
from i2i.images.image_io import write_png

SPLITS = ("train", "val", "test")


@pytest.fixture(autouse=True)
def place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("I2I_ROOT", str(ROOT))


def lay(root: Path, names: str, width: int = 8) -> None:
    """Pictures of 8 x width; a{1,2} is a1 and a2, a{1..9} nine of them."""
    spread = [""]
    for part in names.replace("}", "{").split("{"):
        first, dots, last = part.partition("..")
        numbers = range(int(first), int(last) + 1) if dots else ()
        words = [*map(str, numbers)] if dots else part.split(",")
        spread = [begun + word for begun in spread for word in words]
    for name in spread:
        write_png(root / f"{name}.png", np.full((8, width, 3), 200, np.uint8))


def build(*options: str) -> PairedDataModule:
    register()
    preset = [] if any(o.startswith("dataset=") for o in options) else ["dataset=folder"]
    words = plain_words(["dataset.num_workers=0", *preset, *options])
    with initialize_config_dir(str(CONF), version_base="1.3"):
        cfg = compose("config", ["run_dir=run", *words])
    settle_domains(cfg)
    return instantiate(cfg.dataset)


def counts(data: PairedDataModule) -> tuple[str, ...]:
    return tuple(data.counted(split) for split in SPLITS)


def advised(message: str) -> list[str]:
    """What stands after "type", as a shell would split it."""
    assert ": type " in message, message
    return shlex.split(message.rpartition(": type ")[2])


# name: pictures, their width, options that are typed first, counts of train, val and test
LAYOUTS = {
    "splits under other names": ("{training,valid,Testing}/{1..9}", 16, [], ("9", "9", "9")),
    "no val": ("{train,test}/{1..20}", 16, [], ("18", "2", "20")),
    "pairs in the root": ("{1..20}", 16, [], ("16", "2", "2")),
    "photographs in the root": ("{1..20}", 8, [], ("16", "2", "2")),
    "photographs in splits": ("{training,val,test}/{1..9}", 8, [], ("9", "9", "9")),
    "trainA and trainB without pairs": ("{train,test}{A/a1,A/a2,B/b3}{0..9}", 8, [],
                                        ("19 + 9", "1 + 1", "20 + 10")),
    "trainA and trainB of pairs": ("{train,test}{A,B}/{1..20}", 8, [], ("18", "2", "20")),
    "A and B above the splits": ("{A,B}/{train,val,test}/{1..9}", 8, [], ("9", "9", "9")),
    "sides above the splits, no test": ("{photo,map}/{train,val}/{1..20}", 8, [],
                                        ("18", "20", "2")),
    "A and B above the splits, without pairs": ("{x,y}/{train,test}/{x,y}{1..20}", 8, [], None),
    "two folders without splits": ("{input,target}/{1..20}", 8, [], ("16", "2", "2")),
    "two folders without pairs or splits": ("{horse/a1,horse/a2,zebra/b3}{0..9}", 8, [],
                                            ("17 + 8", "1 + 1", "2 + 1")),
    "two folders where side-by-side ones were said": (
        "{train,val,test}/{1..9}", 16,
        ["dataset.a_folder='{split}/a'", "dataset.b_folder='{split}/b'"], ("9", "9", "9")),
    "other names of the sides": (
        "{train,val,test}/{rgb,depth}/{1..9}", 8,
        ["dataset.a_folder='{split}/a'", "dataset.b_folder='{split}/b'"], ("9", "9", "9")),
    "names that follow a rule": ("{train,val,test}/{a/1_a,a/2_a,a/3_a,b/1_b,b/2_b,b/3_b}", 8,
                                 ["dataset.a_folder='{split}/A'", "dataset.b_folder='{split}/B'"],
                                 ("3", "3", "3")),
    "classes without splits": ("{cat/1,cat/2,dog/1,dog/3,ape/1,ape/2,ape/3}{0..9}", 8, [],
                               ("24 + 16 + 16", "3 + 2 + 2", "3 + 2 + 2")),
    "classes": ("{training,val,test}/{cat/1,cat/2,dog/3,ape/1,ape/2,ape/3}{0..9}", 8, [],
                ("30 + 20 + 10",) * 3),
    "domains": ("{training,val,test}/{red,green,blue}/{1..9}", 8, ["dataset.pairing=labelled"],
                ("9 + 9 + 9",) * 3),
    "a folder in the archive": ("archive-1.0/{train,val,test}/{1..9}", 16, [], ("9", "9", "9")),
}  # fmt: skip


@pytest.mark.parametrize("name", LAYOUTS)
def test_the_options_that_a_message_names_read_the_set(name: str, tmp_path: Path) -> None:
    pictures, width, options, right = LAYOUTS[name]
    root = tmp_path / "my set"
    lay(root, pictures, width)
    with pytest.raises(SettingError) as caught:
        counts(build(f"dataset.root={root}", *options))
    typed = advised(str(caught.value))
    assert typed, "no option"
    keys = {option.partition("=")[0] for option in typed}
    kept = [o for o in (f"dataset.root={root}", *options) if o.partition("=")[0] not in keys]
    found = counts(build(*kept, *typed))
    if right is None:
        assert "0" not in found and len(found) == 3
    else:
        assert found == right


def test_two_sides_in_one_folder_are_recognised(tmp_path: Path) -> None:
    lay(tmp_path, "{train,val,test}/{cat,dog,ape}_{in,out}", 9)
    with pytest.raises(SettingError, match="odd width") as caught:
        counts(build(f"dataset.root={tmp_path}"))
    typed = advised(str(caught.value))
    assert "dataset.pair_by='(.*)_(in|out)'" in typed
    assert counts(build(f"dataset.root={tmp_path}", *typed)) == ("3", "3", "3")


@pytest.mark.parametrize(
    ("pictures", "right"),
    [
        ("{train,val,test}/{1..9}", ("9",) * 3),
        ("{train,val,test}/{a,b}/{1..9}", ("9",) * 3),
        ("{train,val,test}/{cat/1,cat/2,dog/3,ape/1,ape/2,ape/3}{0..9}", ("30 + 20 + 10",) * 3),
    ],
)
def test_images_of_odd_width_are_told_what_else_they_may_be(
    pictures: str, right: tuple, tmp_path: Path
) -> None:
    lay(tmp_path, pictures, 9)
    with pytest.raises(SettingError, match="odd width") as caught:
        counts(build(f"dataset.root={tmp_path}"))
    typed = advised(str(caught.value))
    assert counts(build(f"dataset.root={tmp_path}", *typed)) == right


def test_images_that_are_no_wider_than_high_are_hardly_two_sides(
    tmp_path: Path, told: Told
) -> None:
    lay(tmp_path, "{train,val,test}/{cat/1,cat/2,dog/3,ape/1,ape/2,ape/3}{0..9}", 8)
    with told("8 x 8 becomes two sides of 8 x 4") as caught:
        build(f"dataset.root={tmp_path}").files("train")
    typed = advised(caught[0])
    assert counts(build(f"dataset.root={tmp_path}", *typed)) == ("30 + 20 + 10",) * 3


def test_a_table_in_the_root_is_named(tmp_path: Path) -> None:
    lay(tmp_path, "pictures/{a,b}{1..3}")
    (tmp_path / "notes.csv").write_text("name,what\n")
    rows = [f"pictures/a{n}.png;pictures/b{n}.png;train\n" for n in range(1, 4)]
    (tmp_path / "pairs list.csv").write_text("Input;Target;Split\n" + "".join(rows))
    with pytest.raises(SettingError, match="A table of pairs lies in it: type") as caught:
        counts(build(f"dataset.root={tmp_path}"))
    typed = advised(str(caught.value))
    assert counts(build(f"dataset.root={tmp_path}", *typed)) == ("3", "0", "0")


def test_nothing_is_advised_where_nothing_is_recognised(tmp_path: Path) -> None:
    assert how_to_read(tmp_path) is None
    (tmp_path / "notes.txt").write_text("x")
    assert how_to_read(tmp_path) is None
    assert how_to_read(tmp_path / "gone") is None
