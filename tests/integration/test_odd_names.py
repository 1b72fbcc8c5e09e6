"""Names without UTF-8, of 255 bytes, and with terminal commands: in data sets and run folders."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import TINY_UNET, run_training

ODD = [b"caf\xe9".decode("utf-8", "surrogateescape"), "x" * 251, "a\x1b[2Jb", "画像 [1], 'x'={y}"]


@pytest.fixture
def odd_root(pairs_root: Path, tmp_path: Path) -> Path:
    root = tmp_path / "data"
    for split in ("train", "val", "test"):
        (root / split).mkdir(parents=True)
        for source, name in zip(sorted((pairs_root / split).iterdir()), ODD, strict=False):
            try:
                shutil.copy(source, root / split / f"{name}.png")
            except (OSError, UnicodeError):
                pytest.skip("a file system without such names")
    return root


def test_a_run_is_trained_scored_and_compared(
    odd_root: Path, tiny: list[str], tmp_path: Path, command: Callable[..., int],
    capfd: pytest.CaptureFixture,
) -> None:  # fmt: skip
    from i2i.comparison.tables import compare

    run_dir = tmp_path / "runs" / "a"
    run_dir.parent.mkdir()
    options = [*tiny, *TINY_UNET, f"dataset.root={odd_root}", "trainer.max_steps=1"]
    run_training(options, run_dir, "label='[1] x'")
    out = tmp_path / "scores"
    assert command("evaluate", f"checkpoint={run_dir}", f"output={out}", "trainer=cpu") == 0
    text = (out / "per_image.csv").read_text(encoding="utf-8")
    assert "caf\\udce9" in text and "x" * 251 in text and "画像 [1], 'x'={y}" in text
    assert "| [1] x |" in compare(tmp_path / "runs") or "| 0." in compare(tmp_path / "runs")
    told = capfd.readouterr()
    assert "\x1b[2J" not in told.out + told.err and "Traceback" not in told.err


def test_a_damaged_file_of_such_a_name_is_named(
    odd_root: Path, tiny: list[str], tmp_path: Path, command: Callable[..., int],
    capfd: pytest.CaptureFixture,
) -> None:  # fmt: skip
    for file in (odd_root / "train").iterdir():
        file.write_bytes(file.read_bytes()[:-9])
    options = [*tiny, *TINY_UNET, f"dataset.root={odd_root}", f"hydra.run.dir={tmp_path / 'run'}"]
    capfd.readouterr()
    assert command("train", *options) == 1
    err = capfd.readouterr().err
    assert "4 damaged file(s)" in err and "caf\\udce9.png" in err and "a\\x1b[2Jb.png" in err
    assert "\x1b[2J" not in err and "Traceback" not in err
