"""Outputs of translate.py: one file, formats, what stands there, and errors of one file."""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from conftest import Run

Command = Callable[..., int]


@pytest.fixture(scope="module")
def run_dir(train_once: Run) -> Path:
    return train_once("trainer.max_steps=1", "model.inference=eval")


@pytest.fixture(scope="module")
def inpainting_dir(train_once: Run) -> Path:
    return train_once("trainer.max_steps=1", "task=inpainting", "task.mask=boxes", folder="inpaint")


def picture(file: Path, height: int = 64, width: int = 64) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    image = np.random.default_rng(0).integers(0, 256, (height, width, 3)).astype(np.uint8)
    cv2.imwrite(str(file), image)
    return file


@contextmanager
def one_thread() -> Iterator[None]:
    """Some networks' last bits depend on the number of threads."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def files_of(folder: Path) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


@pytest.fixture
def translate(command: Command, run_dir: Path, capfd: pytest.CaptureFixture) -> Callable:
    """Returns the exit code, what was printed, and what was complained of."""

    def run(*options: str, checkpoint: Path = run_dir) -> tuple[int, str, str]:
        capfd.readouterr()
        code = command("translate", f"checkpoint={checkpoint}", *options)
        return code, *capfd.readouterr()

    return run


def test_one_file_becomes_the_file_that_is_named(translate: Callable, tmp_path: Path) -> None:
    source = picture(tmp_path / "a.png")
    code, out, _ = translate(f"input={source}", f"output={tmp_path / 'o.png'}")
    assert code == 0 and "1 images written" in out
    assert Image.open(tmp_path / "o.png").format == "PNG"
    options = [f"input={source}", f"output={tmp_path / 'new' / 'o.jpg'}"]
    assert translate(*options, "quality=30")[0] == 0
    assert Image.open(tmp_path / "new" / "o.jpg").format == "JPEG"
    assert files_of(tmp_path) == ["a.png", "new/o.jpg", "o.png"]
    pixels = [cv2.imread(str(tmp_path / name)).astype(int) for name in ("o.png", "new/o.jpg")]
    assert 0 < np.abs(pixels[0] - pixels[1]).mean() < 20


@pytest.mark.parametrize("output_format", ["jpg", "webp", "tif"])
def test_tiles_and_samples_in_other_formats(
    output_format: str, translate: Callable, tmp_path: Path
) -> None:
    picture(tmp_path / "in" / "deep" / "a.png", 200, 140)
    code, *_ = translate(
        f"input={tmp_path / 'in'}", f"output={tmp_path / 'o'}", f"output_format={output_format}",
        "tile=128", "overlap=32",
    )  # fmt: skip
    assert code == 0
    assert files_of(tmp_path / "o") == [f"deep/a.{output_format}"]
    assert cv2.imread(str(tmp_path / "o" / "deep" / f"a.{output_format}")).shape == (200, 140, 3)


def test_what_is_there_is_refused_before_anything_is_computed(
    translate: Callable, tmp_path: Path
) -> None:
    for name in ("a", "b", "c"):
        picture(tmp_path / "in" / f"{name}.png")
    base = [f"input={tmp_path / 'in'}", f"output={tmp_path / 'out'}"]
    assert translate(*base)[0] == 0
    made = {p: p.read_bytes() for p in (tmp_path / "out").iterdir()}
    (tmp_path / "out" / "b.png").write_bytes(b"mine")
    (tmp_path / "out" / "c.png").unlink()
    code, _, err = translate(*base, checkpoint=tmp_path / "nowhere.ckpt")
    assert code == 1 and "a.png', which is there already (2 of 3 are)" in err
    assert files_of(tmp_path / "out") == ["a.png", "b.png"]
    code, out, _ = translate(*base, "overwrite=skip")
    assert code == 0 and "1 images written" in out and "2 were there already" in out
    assert (tmp_path / "out" / "b.png").read_bytes() == b"mine"
    assert translate(*base, "overwrite=true")[0] == 0
    assert {p: p.read_bytes() for p in (tmp_path / "out").iterdir()} == made


def test_a_pair_is_noticed_and_its_half_is_taken(translate: Callable, tmp_path: Path) -> None:
    pair = picture(tmp_path / "pairs" / "a.png", 64, 128)
    half = tmp_path / "halves" / "a.png"
    half.parent.mkdir()
    cv2.imwrite(str(half), cv2.imread(str(pair))[:, :64])
    out = tmp_path / "out"
    code, _, err = translate(f"input={pair}", f"output={out}")
    assert code == 1 and not out.exists()
    assert "pairs/a.png': found 64 x 128 pixels, the shape of the side-by-side files" in err
    assert "side_by_side=true takes the left half" in err
    assert translate(f"input={pair}", f"output={out}/1.png", "side_by_side=true")[0] == 0
    assert translate(f"input={half}", f"output={out}/2.png")[0] == 0
    assert translate(f"input={pair}", f"output={out}/3.png", "side_by_side=false")[0] == 0
    shown = [cv2.imread(str(out / f"{k}.png")) for k in (1, 2, 3)]
    assert np.array_equal(shown[0], shown[1]) and shown[2].shape == (64, 128, 3)


def test_every_error_of_one_file_may_cost_it_alone(
    translate: Callable, inpainting_dir: Path, tmp_path: Path
) -> None:
    """Unreadable, too small, without a mask, with one of another size, not writable, a bomb."""
    folder, masks = tmp_path / "in", tmp_path / "masks"
    for name in ("good", "maskless", "wide_mask", "large"):
        picture(folder / f"{name}.png")
    picture(folder / "large.png", 80, 80)
    (folder / "torn.png").write_bytes((folder / "good.png").read_bytes()[:200])
    (folder / "text.jpg").write_text("not an image")
    (folder / "gone.png").symlink_to(tmp_path / "nothing")
    hole = np.zeros((64, 64), np.uint8)
    hole[20:40, 20:40] = 255
    for name in ("good", "large", "torn", "text", "gone"):
        (masks / name).parent.mkdir(exist_ok=True)
        cv2.imwrite(str(masks / f"{name}.png"), hole)
    cv2.imwrite(str(masks / "wide_mask.png"), np.pad(hole, 1))
    base = [f"input={folder}", f"output={tmp_path / 'out'}", f"mask={masks}"]
    code, out, _ = translate(
        *base, "on_error=skip", "max_megapixels=0.005", checkpoint=inpainting_dir
    )
    assert code == 0 and "1 images written" in out and "6 left out" in out
    assert files_of(tmp_path / "out") == ["good.png"]
    text = [line for line in out.splitlines() if "Left out, as on_error=skip asks" in line]
    for name in ("maskless", "wide_mask", "large", "torn", "text", "gone"):
        assert [line for line in text if f"/{name}." in line], name
    picture(tmp_path / "tiny.png", 5, 5)
    options = [f"input={tmp_path / 'tiny.png'}", f"output={tmp_path / 'out2'}"]
    code, out, err = translate(*options, "on_error=skip", checkpoint=inpainting_dir)
    assert re.search(r"Warning: .*tiny\.png.*a picture of 5 x 5 pixels", out)
    assert code == 1 and "no image that can be translated (1 left out)" in err
    assert not (tmp_path / "out2").exists() or files_of(tmp_path / "out2") == []
    code, _, err = translate(*options, checkpoint=inpainting_dir)
    assert code == 1 and "tiny.png" in err and not (tmp_path / "out2").exists()


def test_an_error_in_the_middle_says_how_to_go_on(
    translate: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from i2i.inference import translation

    for name in ("a", "b", "c"):
        picture(tmp_path / "in" / f"{name}.png")
    base = [f"input={tmp_path / 'in'}", f"output={tmp_path / 'out'}"]
    make = translation.make_samples

    def fails(model: object, group: Sequence, which: object) -> object:
        if any(read.job.name == "b" for read in group):
            raise RuntimeError("CUDA out of memory. Tried to allocate 99 GiB")
        return make(model, group, which)

    monkeypatch.setattr(translation, "make_samples", fails)
    code, _, err = translate(*base)
    assert code == 1 and "in/b.png': found too little memory for it" in err and "tile=" in err
    assert re.search(
        r"\([12] of 3 images were written; overwrite=skip goes on with the rest\.\)", err
    )
    (tmp_path / "out" / "c.png").unlink(missing_ok=True)  # it may have been written meanwhile
    code, out, _ = translate(*base, "overwrite=skip", "on_error=skip")
    assert re.search(r"Warning: .*b\.png.* Left out, as on_error=skip asks", out)
    assert code == 0 and "1 images written" in out and "1 left out, 1 were there already" in out
    code, out, _ = translate(*base, "overwrite=skip", "on_error=skip")
    assert code == 0 and "0 images written" in out and "1 left out, 2 were there already" in out
    monkeypatch.undo()
    assert translate(*base, "overwrite=skip")[0] == 0
    assert files_of(tmp_path / "out") == ["a.png", "b.png", "c.png"]


@pytest.mark.parametrize("start", ["fork", "spawn"])
def test_several_processes_write_the_same_pictures(
    start: str, translate: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With noise, in another format, one of them damaged; a second command goes on."""
    monkeypatch.setattr("i2i.inference.in_processes.START", start)
    for number in range(5):
        picture(tmp_path / "in" / "below" / f"{number}.png", 64, 64 + 8 * number)
    (tmp_path / "in" / "torn.png").write_bytes((tmp_path / "in/below/0.png").read_bytes()[:200])
    base = [f"input={tmp_path / 'in'}", "model.inference=paper", "output_format=tif"]
    with one_thread():
        assert translate(*base, f"output={tmp_path / '1'}", "on_error=skip")[0] == 0
    several = [*base, f"output={tmp_path / '2'}", "workers=2"]
    code, _, err = translate(*several)
    assert code == 1 and "torn.png" in err and "images were written; overwrite=skip goes on" in err
    code, out, _ = translate(*several, "on_error=skip", "overwrite=skip")
    assert code == 0 and "1 left out" in out and re.search("Warning: .*torn.png.* Left out", out)
    assert files_of(tmp_path / "1") == files_of(tmp_path / "2")
    for name in files_of(tmp_path / "1"):
        assert (tmp_path / "1" / name).read_bytes() == (tmp_path / "2" / name).read_bytes()


def test_names_without_utf_8_and_of_255_bytes(translate: Callable, tmp_path: Path) -> None:
    odd = b"caf\xe9.png".decode("utf-8", "surrogateescape")
    names = [odd, f"{'x' * 251}.png", "a [b], 'c'={d}.png"]
    source = picture(tmp_path / "in" / "z.png").read_bytes()
    try:
        for name in names:
            (tmp_path / "in" / name).write_bytes(source)
    except (OSError, UnicodeError):
        pytest.skip("a file system without such names")
    code, *_ = translate(f"input={tmp_path / 'in'}", f"output={tmp_path / 'out'}")
    assert code == 0
    assert files_of(tmp_path / "out") == sorted([*names, "z.png"])
    options = [f"input={tmp_path / 'in'}", f"output={tmp_path / 'two'}", "samples=1"]
    assert translate(*options, "output_format=webp", "on_error=skip")[0] == 0


@pytest.mark.parametrize(
    ("options", "found"),
    [
        (["on_error=ignore"], "on_error=ignore: found 'ignore'; expected raise or skip"),
        (["output_format=bmp"], "output_format=bmp: found 'bmp'"),
        (["quality=80"], "quality=80: found the format png"),
        (["overwrite=maybe"], "overwrite=maybe: found 'maybe'"),
        (["side_by_side=half"], "side_by_side=half: found 'half'; expected true, false or null"),
        (["max_megapixels=0"], "max_megapixels=0: found 0"),
        (["workers=0"], "workers=0: found 0; expected a whole number from 1"),
        (["workers=1.5"], "workers=1.5: found 1.5; expected a whole number"),
        (["workers=2", "tile=64"], "workers=2: found tile=64, for which one picture is held"),
        (["workers=2", "samples=3"], "workers=2: found samples=3, for which all samples"),
    ],
)
def test_what_cannot_be_done_is_refused_and_nothing_is_made(
    options: list[str], found: str, translate: Callable, tmp_path: Path
) -> None:
    picture(tmp_path / "in" / "a.png")
    base = [f"input={tmp_path / 'in'}", f"output={tmp_path / 'out'}"]
    code, _, err = translate(*base, *options)
    assert code == 1 and found in err
    assert files_of(tmp_path) == ["in/a.png"] and not (tmp_path / "out").exists()
