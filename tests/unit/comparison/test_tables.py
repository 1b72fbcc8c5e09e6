"""The table and the picture of a sweep's runs, from folders made by hand."""

import contextlib
import csv
import json
import os
import struct
import zlib
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from omegaconf import OmegaConf

from i2i.commands.multirun import CompareRuns, compare_runs, comparing
from i2i.comparison.picture import CELL, heading, picture, read_pictures
from i2i.comparison.tables import compare, find_runs
from i2i.errors import SettingError
from i2i.images.grid import GAP
from i2i.images.image_io import write_png
from i2i.images.reading import Reading
from i2i.run_folder import CEILING

COPIED = {"ssim": 0.25, "psnr": 11.5}


def make_run(
    folder: Path,
    *options: str,
    label: str | None = None,
    ssim: float | str | None = 0.5,
    n: int = 4,
    others: dict[str, dict] | None = None,
    **further: float,
) -> Path:
    """What a finished run leaves behind, as far as it is compared; without scores for ssim=None."""
    (folder / ".hydra").mkdir(parents=True)
    OmegaConf.save(OmegaConf.create(list(options)), folder / ".hydra" / "overrides.yaml")
    config = {"label": label, "dataset": {"name": "camvid", "root": "${data_dir}"}}
    OmegaConf.save(OmegaConf.create(config), folder / "config.yaml")
    if ssim is not None:
        scores = {"model (last.ckpt)": {"ssim": ssim, "psnr": 20.0, **further}}
        scores |= {"input copied": COPIED} if others is None else others
        content = {"checkpoint": "x/last.ckpt", "n_images": n, "scores": scores}
        content["units"] = {"psnr": "dB"}
        (folder / "test_metrics.json").write_text(json.dumps(content))
    return folder


def paint(folder: Path, level: int, x: int = 10, y: int = 200, count: int = 2, size: int = 64):
    """Test pictures of one grey each: input, output, target; those of row i are i brighter."""
    for i in range(count):
        for kind, value in (("input", x), ("output", level), ("target", y)):
            image = np.full((size, size, 3), value + i, np.uint8)
            write_png(folder / "samples" / "test" / f"{i:03d}_{kind}.png", image)


def rows_of(folder: Path) -> dict[str, dict[str, str]]:
    with (folder / "comparison.csv").open() as file:
        return {row["variant"]: row for row in csv.DictReader(file)}


def test_runs_are_named_by_what_differs(tmp_path: Path) -> None:
    for i, (generator, loss) in enumerate(
        [("unet", "vanilla"), ("unet", "lsgan"), ("r9", "lsgan")]
    ):
        make_run(tmp_path / str(i), f"generator={generator}", f"gan_loss={loss}", "seed=3")
    assert [run.name for run in find_runs(tmp_path)] == [
        "generator=unet, gan_loss=vanilla", "generator=unet, gan_loss=lsgan",
        "generator=r9, gan_loss=lsgan",
    ]  # fmt: skip


def test_a_label_stands_for_the_options(tmp_path: Path) -> None:
    """Of two runs with one label the differing option is told too; of others it is not."""
    make_run(tmp_path / "0", "variant=l1", "generator=unet", label="L1")
    make_run(tmp_path / "1", "variant=l1", "generator=encoder_decoder", label="L1")
    make_run(tmp_path / "2", "variant=gan", "generator=unet", label="GAN")
    names = [run.name for run in find_runs(tmp_path)]
    assert names == ["L1, generator=unet", "L1, generator=encoder_decoder", "GAN"]


def test_a_resumed_run_keeps_its_name(tmp_path: Path) -> None:
    of_vgg = "reconstruction.perceptual.weights_file='/v'"
    make_run(tmp_path / "0", "seed=1", "resume=/a/b", "dataset.root='/d'", of_vgg)
    make_run(tmp_path / "1", "seed=2")
    assert [run.name for run in find_runs(tmp_path)] == ["seed=1", "seed=2"]


def test_namesakes_and_single_runs_are_named_by_their_folder(tmp_path: Path) -> None:
    for name in ("2", "10"):
        make_run(tmp_path / "a" / name, "seed=1")
    assert [run.name for run in find_runs(tmp_path / "a")] == ["2", "10"]
    make_run(tmp_path / "b" / "run")
    assert [run.name for run in find_runs(tmp_path / "b")] == ["run"]
    assert [run.name for run in find_runs(tmp_path / "b" / "run")] == ["run"]


def test_jobs_come_in_their_order(tmp_path: Path) -> None:
    for i in (0, 2, 10, 1):
        make_run(tmp_path / str(i), f"seed={i}")
    assert [run.folder.name for run in find_runs(tmp_path)] == ["0", "1", "2", "10"]


def test_table_has_a_row_a_run_then_baselines_and_the_ceiling_once(tmp_path: Path) -> None:
    others = {CEILING: {"mean_iou": 0.625}, "input copied": COPIED}
    make_run(tmp_path / "0", "x=1", ssim=0.5, others=others, mean_iou=0.375, zeta=1.0)
    nearly = {CEILING: {"mean_iou": 0.625}, "input copied": COPIED | {"ssim": 0.250001}}
    make_run(tmp_path / "1", "x=2", ssim=0.123456789, others=nearly, mean_iou=0.25, fid=31.5)
    text = compare(tmp_path)
    rows = rows_of(tmp_path)
    assert list(rows) == ["x=1", "x=2", "input copied", CEILING]
    assert float(rows["x=2"]["ssim"]) == 0.123456789
    assert (rows["x=2"]["run"], rows["x=2"]["n"], rows["x=2"]["split"]) == ("1", "4", "test")
    assert (rows["x=1"]["data"], rows["x=1"]["checkpoint"]) == ("camvid", "last.ckpt")
    assert (rows["x=1"]["fid"], rows["x=2"]["zeta"], rows[CEILING]["ssim"]) == ("", "", "")
    lines = text.splitlines()
    assert lines[0] == f"Runs of {tmp_path.name}: test split of camvid, n = 4, last.ckpt"
    assert lines[2] == "| variant | ssim | psnr (dB) | mean_iou | zeta | fid |"
    assert lines[4] == "| x=1 | 0.5000 | 20.0000 | 0.3750 | 1.0000 | - |"
    assert lines[6] == "| input copied | 0.2500 | 11.5000 | - | - | - |"
    assert lines[7] == f"| {CEILING} | - | - | 0.6250 | - | - |"
    assert len(lines) == 8
    assert (tmp_path / "comparison.md").read_text() == text


def test_means_over_seeds_stand_in_a_second_table(tmp_path: Path) -> None:
    made = {("unet", 0): 0.5, ("unet", 1): 0.6, ("r9", 0): 0.7, ("r9", 1): None}
    for i, ((generator, seed), ssim) in enumerate(made.items()):
        make_run(tmp_path / str(i), f"generator={generator}", f"seed={seed}", ssim=ssim)
    lines = compare(tmp_path).splitlines()
    start = lines.index("Means over seeds (standard deviation):")
    assert lines[start + 2 : start + 6] == [
        "| variant | seeds with scores | ssim | psnr (dB) |",
        "|---|---:|---:|---:|",
        "| generator=unet (2 seeds) | 2 of 2 | 0.5500 (0.0707) | 20.0000 (0.0000) |",
        "| generator=r9 (2 seeds) | 1 of 2 | 0.7000 | 20.0000 |",
    ]


def test_seeds_of_one_variant_share_a_name_in_the_table_of_numbers(tmp_path: Path) -> None:
    for i, generator in enumerate(("unet", "unet", "r9")):
        make_run(tmp_path / str(i), f"generator={generator}", f"seed={i}")
    compare(tmp_path)
    assert {row["run"]: row["seeds_of"] for row in rows_of(tmp_path).values()} == {
        "0": "generator=unet (2 seeds)", "1": "generator=unet (2 seeds)", "2": "", "": "",
    }  # fmt: skip


def test_seeds_of_other_data_and_seeds_trained_twice_have_means_of_their_own(
    tmp_path: Path,
) -> None:
    for i, (seed, n) in enumerate([(0, 4), (1, 4), (0, 5), (1, 5), (0, 5), (1, 5)]):
        make_run(tmp_path / str(i), f"seed={seed}", n=n)
    lines = compare(tmp_path).splitlines()
    start = lines.index("Means over seeds (standard deviation):")
    assert [line.split("|")[1].strip() for line in lines[start + 4 : start + 7]] == [
        "all runs (2 seeds) [camvid, 4 test images]",
        "all runs (2 seeds) [1] [camvid, 5 test images]",
        "all runs (2 seeds) [2] [camvid, 5 test images]",
    ]


def test_a_run_by_itself_is_called_as_its_folder(tmp_path: Path) -> None:
    make_run(tmp_path / "one")
    assert "| one | 0.5000 |" in compare(tmp_path / "one")
    assert rows_of(tmp_path / "one")["one"]["run"] == "one"


def test_a_picture_of_an_earlier_comparison_goes(
    tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    make_run(tmp_path / "0")
    (tmp_path / "comparison.png").write_text("of other runs")
    compare_runs(tmp_path)
    assert not (tmp_path / "comparison.png").exists()
    assert f"Comparison: {tmp_path}/comparison.html, .md and .csv\n" in capsys.readouterr().out


def test_baselines_of_other_data_are_told_apart(tmp_path: Path) -> None:
    make_run(tmp_path / "0", "size=64", n=4)
    make_run(tmp_path / "1", "size=128", n=5, others={"input copied": {"ssim": 0.75}})
    text = compare(tmp_path)
    assert list(rows_of(tmp_path))[2:] == ["input copied [size=64]", "input copied [size=128]"]
    assert "| variant | n | ssim |" in text  # not in the title, which all share
    assert "| size=128 | 5 | 0.5000 |" in text


def test_a_run_without_scores_is_listed_as_such(tmp_path: Path) -> None:
    make_run(tmp_path / "0", "x=1")
    make_run(tmp_path / "1", "x=2", ssim=None)
    make_run(tmp_path / "2", "x=3")
    (tmp_path / "2" / "test_metrics.json").write_text('{"scores"')
    make_run(tmp_path / "3", "x=4", ssim=None)
    (tmp_path / "3" / "config.yaml").unlink()
    text = compare(tmp_path)
    assert "| x=2 | - | - |" in text
    assert "- x=2 (1): no test_metrics.json: the run failed, was stopped" in text
    assert "- x=3 (2): test_metrics.json cannot be read" in text
    assert "- x=4 (3): no test_metrics.json" in text
    assert rows_of(tmp_path)["x=2"]["ssim"] == ""
    assert "n = 4" in text.splitlines()[0]


def test_infinities_and_nan_come_back(tmp_path: Path) -> None:
    make_run(tmp_path / "0", "x=1", ssim="nan", psnr="inf")
    assert "| 0 | nan | inf |" in compare(tmp_path)


def test_a_folder_without_runs_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=rf"{tmp_path}: found no run"):
        compare(tmp_path)


def test_picture_has_a_column_a_run_between_input_and_target(tmp_path: Path) -> None:
    for i, level in enumerate((50, 90)):
        paint(make_run(tmp_path / str(i), f"x={i}"), level)
    make_run(tmp_path / "2", "x=2", ssim=None)  # no pictures: no column
    compare(tmp_path)
    grid = Reading().read(tmp_path / "comparison.png")
    top = grid.shape[0] - 2 * (CELL + GAP) - GAP
    assert grid.shape[1] == 4 * (CELL + GAP) + GAP  # 64 pixels are enlarged to 128
    for row in range(2):
        for column, level in enumerate((10, 50, 90, 200)):
            y, x = top + GAP + row * (CELL + GAP), GAP + column * (CELL + GAP)
            assert (grid[y : y + CELL, x : x + CELL] == level + row).all(), (row, column)
    for column in range(4):  # each column has a heading, dark on white
        x = GAP + column * (CELL + GAP)
        assert grid[:top, x : x + CELL].min() < 100
    assert (grid[:, :GAP] == 255).all()


def test_headings_are_those_of_their_columns(tmp_path: Path) -> None:
    paint(tmp_path / "0", 50, count=1)
    grid = picture({"L1+cGAN": read_pictures(tmp_path / "0")})
    for column, name in enumerate(("input", "L1+cGAN", "target")):
        head, x = heading(name, CELL), GAP + column * (CELL + GAP)
        assert np.array_equal(grid[: len(head), x : x + CELL], head)
    assert not np.array_equal(heading("input", CELL), heading("target", CELL))


def test_long_headings_are_wrapped_and_nothing_is_cut_off() -> None:
    one, long = heading("input", CELL), heading("generator=encoder_decoder, gan_loss=wgan-gp", CELL)
    assert long.shape[1] == one.shape[1] == CELL and len(long) > 1.8 * len(one)
    unbreakable = heading("x" * 60, CELL)
    assert len(unbreakable) > 2 * len(one)
    assert (unbreakable[:, -1] == 255).all()
    whole = heading("x" * 60, 20 * CELL)
    assert (unbreakable < 128).sum() == pytest.approx((whole < 128).sum(), rel=0.05)


def test_runs_of_other_images_get_a_block_of_their_own(tmp_path: Path) -> None:
    for i in range(2):
        paint(tmp_path / str(i), 50 + i)
    paint(tmp_path / "2", 70, x=99, size=256)
    grid = picture({name: read_pictures(tmp_path / name) for name in "012"})
    assert grid.shape[1] == max(4 * (CELL + GAP), 3 * (256 + GAP)) + GAP
    assert grid.shape[0] > 2 * (CELL + GAP) + 2 * (256 + GAP)
    assert 99 in grid and 70 in grid and 50 in grid and 51 in grid


def test_without_pictures_there_is_a_table_all_the_same(tmp_path: Path) -> None:
    make_run(tmp_path / "0", "x=1")
    compare(tmp_path)
    written = ["comparison.csv", "comparison.html", "comparison.md"]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["0", *written]


def test_a_sweep_ends_with_the_comparison(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    make_run(tmp_path / "0", "x=1")
    compare_runs(tmp_path)
    printed = capsys.readouterr().out
    assert "| 0.5000 |" in printed and f"Comparison: {tmp_path}/comparison.html" in printed


def test_a_failed_comparison_only_says_so(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    compare_runs(tmp_path / "nothing")
    printed = capsys.readouterr().out
    assert printed.count("The runs were not compared") == 1
    assert f"python src/compare.py {tmp_path}" in printed


DAMAGED = {  # what is written into a run's folder, and what its row says
    "torn yaml": (".hydra/overrides.yaml", "- a: [", "overrides.yaml cannot be read (no plain"),
    "code": (".hydra/overrides.yaml", "!!python/object/apply:os.system [x]", "(the tag"),
    "alias": ("config.yaml", "a: &a [x]\nb: [*a, *a]", "config.yaml cannot be read (an alias)"),
    "no list": (".hydra/overrides.yaml", "a: 1", "no list of options but dict"),
    "no text": (".hydra/overrides.yaml", "- 1\n- [2]", "no list of options"),
    "no mapping": ("config.yaml", "- 1", "a configuration that is no mapping of names but list"),
    "no data": ("config.yaml", "dataset: 3", "a node 'dataset' that is no mapping"),
    "large": ("config.yaml", "a" * 400_000, "400,000 bytes, more than 300,000"),
    "deep": ("test_metrics.json", "[" * 100_000, "test_metrics.json cannot be read (no JSON"),
    "list": ("test_metrics.json", "[]", "a record that is no mapping"),
    "score": ("test_metrics.json", '{"scores": {"model": {"ssim": [1]}}}', "no number but list"),
    "row": ("test_metrics.json", '{"scores": {"model": 1}, "n_images": 1}', "scores that is no"),
    "n": ("test_metrics.json", '{"scores": {}, "n_images": "nan"}', "test_metrics.json cannot be"),
    "column": (
        "test_metrics.json", '{"scores": {"model": {"run": 1}}, "n_images": 1}', "called 'run'",
    ),
    "picture": ("samples/test/000_output.png", "x", "its pictures are left out: image '"),
    "bomb": ("samples/test/000_target.png", "BOMB", "an image of 60000 x 60000 pixels, more than"),
    "bytes": ("config.yaml", "\udcff\udcfe", "bytes that are no UTF-8"),
}  # fmt: skip


@pytest.mark.parametrize("kind", DAMAGED)
def test_a_damaged_record_is_a_note_in_its_row_and_spoils_nothing_else(
    kind: str, tmp_path: Path
) -> None:
    name, text, note = DAMAGED[kind]
    for i in range(3):
        paint(make_run(tmp_path / str(i), f"x={i}"), 50 + i)
    clean = compare(tmp_path)
    file = tmp_path / "1" / name
    content = text.encode("utf-8", "surrogateescape")
    file.write_bytes(png_claiming(60_000, 60_000) if text == "BOMB" else content)
    damaged = compare(tmp_path)
    rows = rows_of(tmp_path)
    assert note in next(row for row in rows.values() if row["run"] == "1")["note"]
    assert len(rows) == 4
    others = [line for line in clean.splitlines() if line.startswith(("| x=0", "| x=2"))]
    assert len(others) == 2 and all(line in damaged for line in others)
    assert (tmp_path / "comparison.png").is_file()


def png_claiming(height: int, width: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


def test_a_pruned_run_with_a_damaged_record_is_a_run_without_scores(tmp_path: Path) -> None:
    for i, text in enumerate(
        ("{", '{"state": "pruned"}', '{"state": "pruned", "values": {"1": null}}')
    ):
        make_run(tmp_path / str(i), f"x={i}", ssim=None)
        (tmp_path / str(i) / "pruning.json").write_text(text)
    notes = [row["note"] for row in rows_of_compared(tmp_path)]
    assert all(note.startswith("no test_metrics.json") for note in notes)
    assert all("pruning.json cannot be read" in note for note in notes)


def rows_of_compared(folder: Path) -> list[dict[str, str]]:
    compare(folder)
    return list(rows_of(folder).values())


def test_terminal_commands_are_shown_as_text(tmp_path: Path) -> None:
    evil = "\x1b]0;x\x07\x9b2J\u202e"
    make_run(tmp_path / "a\x1b[2J", f"key{evil}={evil}|b", label=f"L{evil}\n| c |", **{evil: 1.0})
    make_run(tmp_path / "b", "key=1")
    text = compare(tmp_path)
    content = text + (tmp_path / "comparison.csv").read_text()
    assert all(c.isprintable() or c == "\n" for c in content)
    assert "\\x1b]0;x" in text and "a\\x1b[2J" in content
    assert len([line for line in text.splitlines() if line.startswith("| L")]) == 1


def test_links_in_a_sweep_are_neither_followed_nor_written_through(tmp_path: Path) -> None:
    make_run(tmp_path / "sweep" / "0", "x=1")
    make_run(tmp_path / "elsewhere", "x=2")
    (tmp_path / "sweep" / "1").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "sweep" / "up").symlink_to(tmp_path)
    (tmp_path / "mine.txt").write_text("mine")
    for name in ("comparison.md", "comparison.csv", "comparison.md.part"):
        (tmp_path / "sweep" / name).symlink_to(tmp_path / "mine.txt")
    compare(tmp_path / "sweep")
    assert (tmp_path / "mine.txt").read_text() == "mine"
    assert [r["run"] for r in rows_of(tmp_path / "sweep").values() if r["run"]] == ["0"]


def test_a_folder_that_cannot_be_read_has_a_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The refusal is made, since an administrator may read everything."""
    for i in range(2):
        make_run(tmp_path / str(i), f"x={i}")
    scandir = os.scandir

    def deny(path: object) -> object:
        if str(path).endswith("/1"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", deny)
    rows = rows_of_compared(tmp_path)
    assert [(r["run"], r["note"]) for r in rows if r["run"]] == [
        ("0", ""), ("1", "a folder that cannot be read (Permission denied)"),
    ]  # fmt: skip


def test_names_without_utf_8_and_of_255_bytes(tmp_path: Path) -> None:
    odd, long = b"caf\xe9".decode("utf-8", "surrogateescape"), "x" * 255
    try:
        for name in (odd, long, "²"):
            make_run(tmp_path / name, "seed=1")
    except (OSError, UnicodeError):
        pytest.skip("a file system that takes UTF-8 only")
    print(compare(tmp_path).encode("utf-8"))
    assert {r["run"] for r in rows_of(tmp_path).values()} >= {"caf\\udce9", long, "²"}


@pytest.mark.parametrize("error", [None, RuntimeError("the second job failed")])
def test_a_sweep_is_compared_whether_a_job_failed_or_not(
    tmp_path: Path, error: Exception | None
) -> None:
    parts = {
        "launcher": SimpleNamespace(_target_="x.BasicLauncher"),
        "sweeper": OmegaConf.create({"_target_": "x.BasicSweeper", "params": None}),
        "sweep": SimpleNamespace(dir=tmp_path),
        "overrides": SimpleNamespace(task=["x=1,2"]),
    }
    config = SimpleNamespace(hydra=SimpleNamespace(**parts))
    with contextlib.suppress(RuntimeError), comparing():
        CompareRuns().on_multirun_start(config)
        make_run(tmp_path / "0", "x=1")
        make_run(tmp_path / "1", "x=2")
        assert not (tmp_path / "comparison.md").exists()
        if error:
            raise error
    assert set(rows_of(tmp_path)) >= {"x=1", "x=2"}


def test_runs_on_other_images_are_told_before_the_table(tmp_path: Path) -> None:
    make_run(tmp_path / "0", "x=1", n=4)
    make_run(tmp_path / "1", "x=2", n=5)
    make_run(tmp_path / "2", "x=3", ssim=None)
    lines = compare(tmp_path).splitlines()
    assert lines[2].startswith("These runs were tested on 2 different sets of images")
    assert "camvid, 4 test images: x=1; camvid, 5 test images: x=2." in lines[2]
    assert lines[4].startswith("| variant | n |")


def test_runs_of_several_folders_are_compared_once_each(tmp_path: Path) -> None:
    make_run(tmp_path / "a" / "0", "x=1", ssim=0.5)
    make_run(tmp_path / "a" / "1", "x=2", ssim=0.25)
    make_run(tmp_path / "b", "x=3", ssim=0.75)
    folders = [tmp_path / "a", tmp_path / "a" / "1", tmp_path / "b"]
    compare(*folders, output=tmp_path / "new" / "out")
    rows = rows_of(tmp_path / "new" / "out")
    assert [(name, row["run"]) for name, row in rows.items() if row["run"]] == [
        ("x=1", "a/0"), ("x=2", "a/1"), ("x=3", "b"),
    ]  # fmt: skip
    assert not (tmp_path / "a" / "comparison.md").exists()
