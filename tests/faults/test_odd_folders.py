"""What stands in a folder beside pictures, links, names, and label files with odd ids."""

import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from conftest import Run
from faults.odd_pictures import SEED, SIZE
from faults.test_command_lines import alarm
from faults.test_odd_pictures import FOUR_PARTS, data_of
from i2i.errors import SettingError
from i2i.labels.palette import ClassPalette

NFC, NFD = "caf\u00e9", "cafe\u0301"
needs_links = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="links and pipes of POSIX")


def picture(file: Path, level: int = 90) -> Path:
    """A flat picture."""
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((*SIZE, 3), level, np.uint8)).save(file)
    return file


def pairs(root: Path, *names: str) -> Path:
    """Good pairs; the level of side A is told by the name's place."""
    for i, name in enumerate(names):
        picture(root / "train" / "A" / f"{name}.png", 100 + 10 * i)
        picture(root / "train" / "B" / f"{name}.png")
    return root


def names_of(root: Path, **options: Any) -> list[str]:
    with alarm(60):
        return [pair.name for pair in data_of(root, **options).files("train")[0]]


def refusal(root: Path, **options: Any) -> str:
    """The words of a folder that cannot be used, in four parts."""
    with alarm(60), pytest.raises(SettingError) as error:
        data = data_of(root, **options)
        data.files("train")
        data.check_content(["train"])
        for i in range(data.set_size("train")):
            data.dataset("train")[i]
    assert FOUR_PARTS.fullmatch(str(error.value))
    return str(error.value)


@pytest.fixture(scope="module")
def run(train_once: Run) -> Path:
    return train_once(
        "trainer.max_steps=1", "generator=resnet6", "generator.n_blocks=1", "model.inference=eval",
        "generator.base_channels=2",
    )  # fmt: skip


@pytest.fixture
def translated(
    command: Callable[..., int], run: Path, tmp_path: Path, capfd: pytest.CaptureFixture
) -> Callable[..., tuple[int, set[str], str, str]]:
    """Translates a folder: the exit code, the files that were written, and what was said."""

    def translate(source: Path, *options: str) -> tuple[int, set[str], str, str]:
        capfd.readouterr()
        words = [f"checkpoint={run}", f"input={source}", f"output={tmp_path / 'out'}"]
        with alarm(60):
            code = command("translate", *words, "accelerator=cpu", *options)
        told = capfd.readouterr()
        files = {
            p.relative_to(tmp_path / "out").as_posix() for p in (tmp_path / "out").rglob("*.png")
        }
        assert "Traceback" not in told.err
        return code, files, told.out, told.err

    return translate


# What systems and tools put into folders, and none of which is anybody's data.
CLUTTER = (
    ".DS_Store", "._good.png", ".hidden.png", ".ipynb_checkpoints/good-checkpoint.png",
    "__MACOSX/good.png", "__MACOSX/._good.png", "Thumbs.db", "desktop.ini", "@eaDir/good.png",
    ".git/objects/x.png", "Icon\r", ".AppleDouble/good.png", ".~lock.a.png#",
)  # fmt: skip


def test_what_a_system_or_a_tool_leaves_is_no_data(
    tmp_path: Path, translated: Callable, capfd: pytest.CaptureFixture
) -> None:
    root = pairs(tmp_path / "data", "good")
    for name in CLUTTER:
        for side in "AB":
            file = root / "train" / side / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(b"not a picture")
    assert names_of(root) == ["good"]
    told = capfd.readouterr()
    assert "passed over" not in told.out + told.err
    code, files, out, _ = translated(root / "train" / "A")
    assert (code, files) == (0, {"good.png"}) and "passed over" not in out


def test_what_is_not_read_is_counted(
    tmp_path: Path, translated: Callable, capfd: pytest.CaptureFixture
) -> None:
    root = pairs(tmp_path / "data", "good", "deep/good")
    for name in ("a.svg", "deep/b.TXT", "c.txt", "d.heic", "README", "png"):
        for side in "AB":
            (root / "train" / side / name).write_text("x")
    assert names_of(root) == ["deep/good", "good"]
    out = capfd.readouterr().out
    assert out.count("6 other files passed over") == 2, out  # once a folder
    for kind in ("1 .svg", "2 .txt", "1 .heic"):
        assert kind in out
    code, files, out, _ = translated(root / "train" / "A")
    assert (code, files) == (0, {"good.png", "deep/good.png"})
    assert "6 other files passed over" in out and "2 .txt" in out


@needs_links
def test_links_are_followed_once(tmp_path: Path, translated: Callable) -> None:
    root = pairs(tmp_path / "data", "good")
    elsewhere = pairs(tmp_path / "elsewhere", "one", "two")
    for side in "AB":
        folder, away = root / "train" / side, elsewhere / "train" / side
        (folder / "linked.png").symlink_to(away / "one.png")
        (folder / "more").symlink_to(away, target_is_directory=True)
        (folder / "again").symlink_to(folder, target_is_directory=True)
        (folder / "above").symlink_to(root, target_is_directory=True)
        (away / "back").symlink_to(folder, target_is_directory=True)
    assert names_of(root) == ["good", "linked", "more/one", "more/two"]
    code, files, *_ = translated(root / "train" / "A")
    assert code == 0 and files == {"good.png", "linked.png", "more/one.png", "more/two.png"}


def dead(file: Path) -> None:
    file.symlink_to(file.parent / "nowhere")


def looping(file: Path) -> None:
    other = file.with_name("other-" + file.name)
    file.symlink_to(other)
    other.symlink_to(file)


def pipe(file: Path) -> None:
    os.mkfifo(file)


def endless(file: Path) -> None:
    file.symlink_to("/dev/zero")


def secret(file: Path) -> None:
    picture(file)
    file.chmod(0)


ODD = {
    "dead link": dead, "links in a circle": looping, "pipe": pipe, "endless device": endless,
    "no permission": secret,
}  # fmt: skip


@needs_links
@pytest.mark.parametrize("kind", ODD)
def test_what_is_no_file_is_refused_or_left_out(
    kind: str, tmp_path: Path, translated: Callable
) -> None:
    if kind == "no permission" and os.geteuid() == 0:
        pytest.skip("an administrator may read everything")
    root = pairs(tmp_path / "data", "good", "odd", "other-odd")
    for name in ("odd", "other-odd"):
        (root / "train" / "A" / f"{name}.png").unlink()
    ODD[kind](root / "train" / "A" / "odd.png")
    if kind != "links in a circle":
        picture(root / "train" / "A" / "other-odd.png")
    assert "odd" in refusal(root)
    data = data_of(root, "skip")
    left = {pair.name for pair in data.files("train")[0]}
    assert left == {"good"} | ({"other-odd"} - ({"other-odd"} if "circle" in kind else set()))
    assert data.skipped("train") == 3 - len(left)
    code, files, _, err = translated(root / "train" / "A")
    assert code == 1 and "odd" in err
    code, files, out, _ = translated(root / "train" / "A", "on_error=skip", "overwrite=true")
    assert code == 0 and files == {f"{name}.png" for name in left}
    assert f"{3 - len(left)} left out" in out


def test_unicode_forms_of_a_name_are_one(tmp_path: Path) -> None:
    picture(tmp_path / "train" / "A" / f"{NFC}.png", 50)
    picture(tmp_path / "train" / "B" / f"{NFD}.png", 200)
    sample = data_of(tmp_path).dataset("train")[0]
    assert sample["input"].mean().item() == pytest.approx(50 / 127.5 - 1, abs=1e-5)
    assert sample["target"].mean().item() == pytest.approx(200 / 127.5 - 1, abs=1e-5)


def test_two_forms_of_one_name_in_a_folder_are_never_exchanged(tmp_path: Path) -> None:
    root = pairs(tmp_path, "good", NFC, NFD)
    if len(list((root / "train" / "A").iterdir())) < 3:
        pytest.skip("a file system that knows one form only")
    picture(root / "train" / "B" / f"{NFC}.png", 201)
    picture(root / "train" / "B" / f"{NFD}.png", 202)
    data = data_of(root)
    try:
        samples = [data.dataset("train")[i] for i in range(data.set_size("train"))]
    except SettingError as error:
        assert FOUR_PARTS.fullmatch(str(error))
    else:
        seen = {tuple(levels(s)) for s in samples}
        assert seen == {(100, 90), (110, 201), (120, 202)}
    (root / "train" / "B" / f"{NFD}.png").unlink()
    assert "caf" in refusal(root)  # one of side A has nobody


def levels(sample: dict[str, Any]) -> list[int]:
    """The levels of both sides of a flat pair."""
    return [round((sample[side].mean().item() + 1) * 127.5) for side in ("input", "target")]


def test_names_that_differ_in_case_are_two(tmp_path: Path, translated: Callable) -> None:
    root = pairs(tmp_path / "data", "name", "NAME", "Name")
    if len(list((root / "train" / "A").iterdir())) < 3:
        pytest.skip("a file system that knows one case only")
    data = data_of(root)
    found = {s["name"]: s["input"] for s in map(data.dataset("train").__getitem__, range(3))}
    for i, name in enumerate(("name", "NAME", "Name")):
        assert found[name].mean().item() == pytest.approx((100 + 10 * i) / 127.5 - 1, abs=1e-5)
    code, files, *_ = translated(root / "train" / "A")
    assert code == 0 and files == {"name.png", "NAME.png", "Name.png"}


def test_one_name_with_two_suffixes_is_refused(tmp_path: Path) -> None:
    root = pairs(tmp_path, "good")
    picture(root / "train" / "A" / "good.bmp")
    assert "good.bmp" in refusal(root)


COLOURS = {"sky": (1, 2, 3), "road": (200, 0, 0)}


def masks(root: Path, *ids: int) -> Path:
    """Pairs whose side B holds these values, each in stripes of its own."""
    rng = random.Random(SEED)
    for i in range(5):
        values = [rng.choice(ids) for _ in range(SIZE[1] - len(ids))]
        mask = np.tile(np.array([*ids, *values], np.uint8), (SIZE[0], 1))
        picture(root / "train" / "A" / f"{i}.png", 200)
        (root / "train" / "B").mkdir(exist_ok=True)
        Image.fromarray(mask).save(root / "train" / "B" / f"{i}.png")
    return root


def as_ids(**options: Any) -> dict[str, Any]:
    classes = ClassPalette(COLOURS)
    return {"label_side": "B", "label_files": "ids", "label_as": "onehot", "classes": classes,
            "target_channels": 2, **options}  # fmt: skip


@pytest.mark.parametrize("ids", [(0, 255), (1, 2), (0, 128), (3, 7)], ids=str)
def test_ids_that_are_not_the_classes_are_refused_or_mapped(
    ids: tuple[int, int], tmp_path: Path
) -> None:
    root = masks(tmp_path, *ids)
    words = refusal(root, **as_ids())
    assert "dataset.id_map" in words
    mapped = {value: i for i, value in enumerate(ids)}
    data = data_of(root, **as_ids(id_map=mapped))
    data.check_content(["train"])
    sample = data.dataset("train")[0]["target"].numpy()
    stored = np.array(Image.open(root / "train" / "B" / "0.png"))
    for i, value in enumerate(ids):
        assert ((sample[i] > 0) == (stored == value)).all()


@pytest.mark.parametrize("ids", [(0, 1), (0, 1, 2, 3, 4), (1, 2, 7)], ids=str)
def test_ids_are_never_trained_as_nearly_black_pictures(
    ids: tuple[int, ...], tmp_path: Path
) -> None:
    words = refusal(masks(tmp_path, *ids))
    assert "dataset.label_files=ids" in words
