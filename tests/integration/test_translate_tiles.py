"""Large pictures in tiles, through the command."""

import json
import subprocess
import sys
from collections.abc import Callable
from itertools import combinations
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from conftest import LABEL_COLOURS, Run, labelled_options, smooth_noise

Command = Callable[..., int]
SHORT = ["trainer.max_steps=1", "dataset.batch_size=2"]
RESNET = ["generator=resnet6", "generator.n_blocks=1", "generator.base_channels=2"]
TILES = ["tile=96", "overlap=40"]  # twice the receptive-field radius of one block


def strengthen(run_dir: Path) -> Path:
    """Makes the generator's weights so large that an error of a tile is many levels."""
    file = run_dir / "checkpoints" / "last.ckpt"
    content = torch.load(file, weights_only=True)
    generator = torch.Generator().manual_seed(0)
    for name, weight in content["state_dict"].items():
        if name.startswith("generator") and weight.ndim == 4:
            noise = torch.randn(weight.shape, generator=generator)
            weight.copy_(noise * 1.5 / weight[0].numel() ** 0.5)
    torch.save(content, file)
    return file


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """Larger than a tile, and no multiple of anything."""
    folder = tmp_path / "photos"
    folder.mkdir()
    image = smooth_noise(np.random.default_rng(0), 210)[:151, :203]
    cv2.imwrite(str(folder / "a.png"), image)
    return folder / "a.png"


@pytest.fixture
def translated(command: Command, photo: Path, tmp_path: Path) -> Callable[..., np.ndarray]:
    """Translates a picture, or the photograph, and reads the result."""

    def run(checkpoint: Path, folder: str, *options: str, file: Path = photo) -> np.ndarray:
        base = [f"checkpoint={checkpoint}", f"input={file}", f"output={tmp_path / folder}"]
        assert command("translate", *base, *options) == 0
        return read_rgb(tmp_path / folder / f"{file.stem}.png")

    return run


def read_rgb(path: Path) -> np.ndarray:
    return cv2.imread(str(path))[:, :, ::-1]


def gap(a: np.ndarray, b: np.ndarray) -> int:
    assert a.shape == b.shape
    return int(np.abs(a.astype(int) - b.astype(int)).max())


@pytest.mark.parametrize("norm", ["none", "batch"])
def test_tiles_give_the_untiled_picture(
    norm: str, train: Run, translated: Callable, capfd: pytest.CaptureFixture
) -> None:
    run_dir = train(*RESNET, f"generator.norm={norm}", "model.inference=eval", *SHORT)
    checkpoint = strengthen(run_dir)
    whole = translated(checkpoint, "whole")
    assert whole.shape == (151, 203, 3) and whole.std() > 20
    capfd.readouterr()
    assert gap(translated(checkpoint, "tiles", *TILES), whole) <= 1
    assert "Warning: tile" not in capfd.readouterr().out
    assert gap(translated(checkpoint, "narrow", "tile=96", "overlap=4"), whole) > 1


def test_pictures_within_a_tile_are_translated_as_without(
    train: Run, translated: Callable, tmp_path: Path
) -> None:
    run_dir = train("model.inference=paper", *SHORT)
    translated(run_dir, "whole"), translated(run_dir, "tile", "tile=256")
    files = [tmp_path / folder / "a.png" for folder in ("whole", "tile")]
    assert files[0].read_bytes() == files[1].read_bytes()


def test_samples_in_tiles(
    train: Run, translated: Callable, command: Command, photo: Path, tmp_path: Path,
    capfd: pytest.CaptureFixture,
) -> None:  # fmt: skip
    """Noise from (seed, name, sample, place); the diversity is that of the PNGs, in L1 alone."""
    run_dir = train(*RESNET, "generator.dropout=0.5", *SHORT)
    checkpoint = strengthen(run_dir)
    one = translated(checkpoint, "one", *TILES)
    out, base = tmp_path / "three", [f"checkpoint={checkpoint}", f"input={photo}", *TILES]
    weights = tmp_path / "alexnet.pth"
    from torchvision.models import alexnet

    torch.save(alexnet(weights=None).features.state_dict(prefix="features."), weights)
    options = [f"output={out}", "samples=3", f"lpips_weights={weights}"]
    capfd.readouterr()
    assert command("translate", *base, *options) == 0
    text = capfd.readouterr().out
    pictures = [read_rgb(out / f"a_{k}.png") for k in range(3)]
    assert np.array_equal(pictures[0], one)
    gaps = [np.abs(a.astype(int) - b.astype(int)).mean() for a, b in combinations(pictures, 2)]
    assert min(gaps) > 1
    found = json.loads((out / "diversity.json").read_text())
    assert found["mean"] == {"l1": pytest.approx(np.mean(gaps), rel=1e-9)}
    assert "without LPIPS. tile=96: found a.png, which is translated in tiles" in text
    assert "Warning: tile=96: the generator normalises" in text and "a larger tile helps" in text


def test_batch_statistics_of_tiles_are_warned_of(
    train: Run, translated: Callable, capfd: pytest.CaptureFixture
) -> None:
    run_dir = train(*RESNET, "generator.norm=batch", *SHORT)
    translated(run_dir, "paper", *TILES)
    assert "model.inference=eval makes them alike" in capfd.readouterr().out
    translated(run_dir, "eval", *TILES, "model.inference=eval")
    assert "Warning: tile" not in capfd.readouterr().out


@pytest.mark.parametrize("task", ["colorization", "inpainting", "super_resolution"])
def test_tasks_in_tiles(
    task: str, train: Run, translated: Callable, photo: Path, tmp_path: Path
) -> None:
    network = [*RESNET, "generator.norm=none", "model.inference=eval"]
    data = [f"task={task}", "dataset=photos", f"dataset.root={tmp_path / 'set'}", *SHORT]
    (tmp_path / "set").mkdir()
    for i in range(10):
        image = smooth_noise(np.random.default_rng(i), 64)
        cv2.imwrite(str(tmp_path / "set" / f"{i}.png"), image)
    checkpoint = strengthen(train(*network, *data))
    whole = translated(checkpoint, "whole")
    scale = 4 if task == "super_resolution" else 1
    assert whole.shape == (151 * scale, 203 * scale, 3)
    assert gap(translated(checkpoint, "tiles", *TILES), whole) <= 1
    if task == "inpainting":
        mask = np.random.default_rng(0).integers(0, 2, (151, 203)).astype(np.uint8) * 255
        cv2.imwrite(str(tmp_path / "mask.png"), mask)
        option = f"mask={tmp_path / 'mask.png'}"
        tiles = translated(checkpoint, "masked tiles", option, *TILES)
        assert gap(tiles, translated(checkpoint, "masked", option)) <= 1
        assert np.array_equal(tiles[mask == 0], read_rgb(photo)[mask == 0])


@pytest.mark.parametrize("direction", ["AtoB", "BtoA"])
def test_one_hot_labels_in_tiles(
    direction: str, train: Run, translated: Callable, labelled_root: Path, tmp_path: Path
) -> None:
    """As input, they are checked and cut; as output, scores are blended and not colours."""
    data = [*labelled_options(labelled_root), f"dataset.direction={direction}", *SHORT]
    network = [*RESNET, "generator.norm=none", "model.inference=eval", "gan_loss=none"]
    checkpoint = strengthen(train(*data, *network, "dataset.label_as=onehot"))
    if direction == "AtoB":
        whole, tiles = (translated(checkpoint, f, *o) for f, o in (("w", []), ("t", TILES)))
        colours = {tuple(c) for c in tiles.reshape(-1, 3).tolist()}
        assert len(colours) >= 2 and colours <= set(LABEL_COLOURS.values())
        assert (whole != tiles).any(2).mean() < 1e-4  # ties aside
        return
    rows = [np.concatenate([read_rgb(f)] * 3, 1) for f in labelled_root.glob("test/label/*.png")]
    label = tmp_path / "label.png"
    cv2.imwrite(str(label), np.concatenate(rows)[:150, :, ::-1])
    whole, tiles = (translated(checkpoint, f, *o, file=label) for f, o in (("w", []), ("t", TILES)))
    assert gap(whole, tiles) <= 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["tile=90"], "tile=90: found 90; expected pixels, a multiple of 4 for this generator, at"),
        (["tile=big"], "tile=big: found 'big'"),
        (["tile=96", "overlap=49"], "overlap=49: found 49; expected pixels, 0 to 48 with tile=96"),
    ],
)
def test_what_cannot_be_done_is_refused_in_words(
    options: list[str], message: str, train: Run, command: Command, photo: Path, tmp_path: Path,
    capfd: pytest.CaptureFixture,
) -> None:  # fmt: skip
    run_dir, out = train(*RESNET, *SHORT), tmp_path / "out"
    base = [f"checkpoint={run_dir}", f"input={photo}", f"output={out}"]
    assert command("translate", *base, *options) == 1
    assert message in capfd.readouterr().err
    assert not list(out.glob("*"))


CHILD = """
import sys
from pathlib import Path
import cv2, numpy as np, torch
from i2i.inference.files_to_translate import Job
from i2i.inference.tiled_files import write_in_tiles
from i2i.images.reading import Reading
from i2i.data.tasks.task import Task
from i2i.inference.tiles import Tiling
from i2i.inference.translator import Translator

torch.manual_seed(0)
network = torch.nn.Conv2d(3, 3, 3, padding=1)
network.divisor = 1
translator = Translator(network, Task(), "input", "eval", 0)
file = Path(sys.argv[1])
image = Reading().read(file)
job = Job(file, "a", [file.with_name("out.png")])
write_in_tiles(translator, image, None, job, [("a", None)], Tiling(256, 64, 4))
status = Path("/proc/self/status").read_text()
print(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")))
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from /proc")
def test_memory_grows_by_the_picture_in_8_bits(tmp_path: Path) -> None:
    """Peak of two processes: 9 times the pixels cost no more than the input and its file."""
    peaks, rng = {}, np.random.default_rng(0)
    for side in (1024, 3072):
        file = tmp_path / f"{side}" / "in.png"
        file.parent.mkdir()
        coarse = rng.integers(0, 256, (8, 8, 3)).astype(np.uint8)
        cv2.imwrite(str(file), cv2.resize(coarse, (side, side), interpolation=cv2.INTER_CUBIC))
        command = [sys.executable, "-c", CHILD, str(file)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        peaks[side] = int(done.stdout.split()[-1]) * 1024
        assert cv2.imread(str(file.with_name("out.png"))).shape == (side, side, 3)
    pixels = 3072**2 - 1024**2
    bands = 256 * (3072 - 1024) * 3 * 4 * 2  # rows of tiles in floats: they grow with the width
    # A row of tiles stays in floats until it is written, as 16 bits ask for it: the row, what is
    # put together of it, and its copies. The whole picture in floats would be far more.
    assert peaks[3072] - peaks[1024] < 3 * pixels + 2 * file.stat().st_size + 4 * bands
