"""Pictures of other values than 8 bits from train.py to scores, translations and back."""

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
import torch
from PIL import Image
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from conftest import Run, smooth_noise

Command = Callable[..., int]
SPLITS = {"train": 6, "val": 3, "test": 4}
FOLDERS = ["dataset.a_folder='{split}/a'", "dataset.b_folder='{split}/b'"]
Write = Callable[[Path, np.ndarray], None]


def write_sides(
    root: Path, make: Callable[[np.random.Generator], dict[str, np.ndarray]], save: Write
) -> Path:
    """Two folders of pictures in each split; ``make`` gives both sides of a pair."""
    rng = np.random.default_rng(0)
    for split, count in SPLITS.items():
        for i in range(count):
            for side, image in make(rng).items():
                (root / split / side).mkdir(parents=True, exist_ok=True)
                save(root / split / side / f"{i:03d}", image)
    return root


def save_png(file: Path, image: np.ndarray) -> None:
    cv2.imwrite(f"{file}.png", image if image.ndim == 2 else image[:, :, ::-1])


def save_tif(file: Path, image: np.ndarray) -> None:
    several = image.ndim == 3
    tifffile.imwrite(
        f"{file}.tif", image, photometric="minisblack", planarconfig="contig" if several else None
    )


def twelve_bits(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Grey pictures of 0 to 4095 in uint16, of every level, and 8-bit inputs in colour."""
    b = (smooth_noise(rng, 64)[:, :, 0].astype(np.uint16) << 4) + rng.integers(0, 16, (64, 64))
    b[0, :2] = 0, 4095
    return {"a": np.repeat((255 - (b >> 4)).astype(np.uint8)[:, :, None], 3, 2),
            "b": b.astype(np.uint16)}  # fmt: skip


def hounsfield(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Floats of -1000 to 2000, and inputs of 0 to 1."""
    b = smooth_noise(rng, 64)[:, :, 0].astype(np.float32) / 256 + rng.random((64, 64)) / 1000
    return {
        "a": (1.01 - b).clip(0, 1).astype(np.float32),
        "b": (3000 * b - 1000).astype(np.float32),
    }


def five_bands(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Five bands of 14 bits in, two of floats out."""
    bands = [smooth_noise(rng, 64)[:, :, 0].astype(np.float32) / 255 for _ in range(5)]
    a = np.stack([16383 * band for band in bands], 2).astype(np.uint16)
    return {"a": a, "b": np.stack([bands[0] - bands[4], bands[1] * bands[2]], 2)}


def scikit(made: np.ndarray, true: np.ndarray, low: float, high: float) -> dict[str, float]:
    """The scores of a pair by scikit-image and numpy, of (H, W) or (H, W, C)."""
    x, y, peak = made.astype(np.float64), true.astype(np.float64), high - low
    axis = -1 if x.ndim == 3 else None
    return {
        "ssim": structural_similarity(
            x, y, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=peak,
            channel_axis=axis,
        ),
        "psnr": peak_signal_noise_ratio(y, x, data_range=peak),
        "mse": np.mean((x - y) ** 2),
        "l1": np.mean(np.abs(x - y)),
    }  # fmt: skip


def read(file: Path) -> np.ndarray:
    if file.suffix == ".tif":
        return tifffile.imread(file)
    if file.suffix == ".npy":
        return np.load(file)
    return cv2.imread(str(file), cv2.IMREAD_UNCHANGED)


CASES = {
    "12 bits": (twelve_bits, save_png, [
        "dataset.input_channels=3", "dataset.target_channels=1", "dataset.target_range=[0,4095]",
        ], ("uint16", 0, 4095, ".png"), 1e-10),
    "floats": (hounsfield, save_tif, [
        "dataset.input_channels=1", "dataset.target_channels=1",
        "dataset.target_range=[-1000,2000]",
        ], ("float32", -1000, 2000, ".tif"), 1e-6),
    "bands": (five_bands, save_tif, [
        "dataset.input_channels=5", "dataset.target_channels=2", "dataset.input_range=data",
        "dataset.target_range=[-1,1]", "dataset.input_shown=[4,2,0]",
        ], ("float32", -1, 1, ".tif"), 1e-6),
}  # fmt: skip


@pytest.mark.numeric
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_scores_are_those_of_the_translated_files(
    case: tuple, train: Run, command: Command, tmp_path: Path, capfd: pytest.CaptureFixture
) -> None:
    make, save, options, (dtype, low, high, suffix), exact = case
    root = write_sides(tmp_path / "set", make, save)
    options = [f"dataset.root={root}", *FOLDERS, *options, "model.inference=eval"]
    run = train(*options, "trainer.max_steps=3")
    assert command("evaluate", f"checkpoint={run}", f"output={tmp_path / 'scores'}") == 0
    made = tmp_path / "made"
    source = f"input={root / 'test' / 'a'}"
    assert command("translate", f"checkpoint={run}", source, f"output={made}") == 0
    files = sorted(made.iterdir())
    assert [file.name for file in files] == [f"{i:03d}{suffix}" for i in range(SPLITS["test"])]
    pairs = [(read(f), read(root / "test" / "b" / f.name)) for f in files]
    assert all(x.dtype == y.dtype == dtype and x.shape == y.shape for x, y in pairs)
    assert all(low <= x.min() < x.max() <= high for x, _ in pairs)
    expected = [scikit(x, y, low, high) for x, y in pairs]
    content = json.loads((tmp_path / "scores" / "metrics.json").read_text())
    for name in expected[0]:
        mean = np.mean([scores[name] for scores in expected])
        assert content["scores"][name] == pytest.approx(mean, rel=exact, abs=exact), name
    assert content["units"]["l1"] == (f"{low}-{high}" if low >= 0 else f"{low} to {high}")
    assert dtype in content["protocol"]["images"]
    assert f"over the peak {high - low} of" in content["protocol"]["psnr"]
    tested = json.loads((run / "test_metrics.json").read_text())
    assert tested["protocol"]["l1"] == content["protocol"]["l1"]


@pytest.fixture(scope="module")
def deep_run(train_once: Run, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A run on 12 bits, without dropout and norms, and its data set."""
    root = write_sides(tmp_path_factory.mktemp("deep") / "set", twelve_bits, save_png)
    options = [f"dataset.root={root}", *FOLDERS, *CASES["12 bits"][2]]
    options += ["generator=resnet6", "generator.norm=none", "model.inference=eval"]
    return train_once(*options, "trainer.max_steps=1", "baselines=false"), root


@pytest.mark.numeric
def test_each_format_holds_what_it_can(
    deep_run: tuple[Path, Path], command: Command, tmp_path: Path, capfd: pytest.CaptureFixture
) -> None:
    run, root = deep_run
    options = [f"checkpoint={run}", f"input={root / 'test' / 'a' / '000.png'}"]
    made = {}
    for name in ("whole.png", "whole.tif", "whole.npy", "low.jpg", "low.webp"):
        capfd.readouterr()
        assert command("translate", *options, f"output={tmp_path / name}") == 0
        made[name] = read(tmp_path / name)
        said = capfd.readouterr().out
        deep = name.startswith("whole")
        assert ("in the target's values: uint16, 0 to 4095" in said) == deep
        assert ("in 8 bits: 0 is 0 and 4095 is 255" in said) != deep
    assert made["whole.png"].dtype == np.uint16 and made["whole.png"].max() > 255
    for name in ("whole.tif", "whole.npy"):
        assert np.array_equal(made[name], made["whole.png"]), name
    levels = np.rint(made["whole.png"] * (255 / 4095))
    for name in ("low.jpg", "low.webp"):
        assert made[name].dtype == np.uint8
        grey = made[name] if made[name].ndim == 2 else made[name].mean(2)
        assert np.abs(grey - levels).mean() < 3, name


@pytest.mark.numeric
def test_tiles_are_written_in_the_same_values(
    deep_run: tuple[Path, Path], command: Command, tmp_path: Path
) -> None:
    run, root = deep_run
    large = np.tile(cv2.imread(str(root / "test" / "a" / "000.png")), (4, 5, 1))
    cv2.imwrite(str(tmp_path / "large.png"), large)
    for name, tile in (("whole", "null"), ("tiles", "256"), ("bands", "256")):
        options = [f"checkpoint={run}", f"input={tmp_path / 'large.png'}", f"tile={tile}"]
        suffix = ".npy" if name == "bands" else ".png"
        assert command("translate", *options, f"output={tmp_path / name}{suffix}") == 0
    whole, tiles, bands = (read(tmp_path / n) for n in ("whole.png", "tiles.png", "bands.npy"))
    assert tiles.dtype == np.uint16 and tiles.shape == whole.shape == (256, 320)
    assert np.array_equal(tiles, bands)
    assert np.abs(tiles.astype(int) - whole).max() <= 1


def test_a_format_that_holds_no_floats_is_refused(
    train: Run, command: Command, tmp_path: Path, capfd: pytest.CaptureFixture
) -> None:
    make, save, options, *_ = CASES["bands"]
    root = write_sides(tmp_path / "set", make, save)
    run = train(f"dataset.root={root}", *FOLDERS, *options, "trainer.max_steps=1")
    source = [f"checkpoint={run}", f"input={root / 'test' / 'a'}", f"output={tmp_path / 'o'}"]
    capfd.readouterr()
    assert command("translate", *source, "output_format=png") == 1
    assert "output_format=png: found pictures of 2 channels (float32, -1 to 1)" in (
        capfd.readouterr().err
    )
    assert not (tmp_path / "o").exists()
    assert command("translate", *source, "output_format=npy") == 0
    assert np.load(tmp_path / "o" / "000.npy").shape == (64, 64, 2)


def test_a_run_goes_on_with_the_values_that_it_found(train: Run, tmp_path: Path) -> None:
    """Those of the checkpoint, and not those that the files would give again."""
    root = write_sides(tmp_path / "set", twelve_bits, save_png)
    options = [f"dataset.root={root}", *FOLDERS, "dataset.target_channels=1"]
    run = train(*options, "dataset.target_range=data", "trainer.max_steps=1")
    checkpoint = run / "checkpoints" / "last.ckpt"
    content = torch.load(checkpoint, weights_only=True)
    found = content["i2i"]["config"]["dataset"]["found"]
    assert found["input"] == {"type": "uint8", "low": 0, "high": 255}
    assert found["target"]["type"] == "uint16"
    assert 0 <= found["target"]["low"] < 200 and 3800 < found["target"]["high"] <= 4095
    found["target"]["high"] += 1000.0
    torch.save(content, checkpoint)
    train(*options, f"resume={run}", "trainer.max_steps=2")
    again = torch.load(checkpoint, weights_only=True)
    assert again["global_step"] == 2
    assert again["i2i"]["config"]["dataset"]["found"] == found


SAVED = {
    "png": lambda file, image: cv2.imwrite(f"{file}.png", image[:, :, ::-1]),
    "tif": lambda file, image: tifffile.imwrite(f"{file}.tif", image, photometric="rgb"),
    "webp": lambda file, image: Image.fromarray(image).save(f"{file}.webp", lossless=True),
    "npy": lambda file, image: np.save(f"{file}.npy", image),
}


def test_the_same_pictures_in_other_formats_give_the_same_losses(
    train: Run, tmp_path: Path
) -> None:
    losses = {}
    for name, save in SAVED.items():
        rng = np.random.default_rng(0)
        for split, count in SPLITS.items():
            (tmp_path / name / split).mkdir(parents=True)
            for i in range(count):
                b = smooth_noise(rng, 64)
                save(tmp_path / name / split / f"{i:03d}", np.concatenate([255 - b, b], axis=1))
        run = train(f"dataset.root={tmp_path / name}", "trainer.max_steps=3", folder=f"run_{name}")
        lines = (run / "metrics.csv").read_text().splitlines()
        keys = lines[0].split(",")
        columns = [
            i for i, key in enumerate(keys) if key.startswith(("train/d/", "train/g/", "val/"))
        ]
        losses[name] = [[line.split(",")[i] for i in columns] for line in lines]
    assert losses["png"][0] and len(losses["png"]) > 3
    assert all(found == losses["png"] for found in losses.values())


def test_each_way_has_the_values_of_the_side_that_it_makes(
    train: Run, command: Command, tmp_path: Path
) -> None:
    root = write_sides(tmp_path / "set", twelve_bits, save_png)
    options = [f"dataset.root={root}", *FOLDERS, *CASES["12 bits"][2], "generator=resnet6"]
    run = train(*options, "model=cyclegan", "model.lambda_identity=0", "trainer.max_steps=1")
    units = json.loads((run / "test_metrics.json").read_text())["units"]
    assert units["AtoB/l1"] == units["BtoA/reconstruction_l1"] == "0-4095"
    assert units["BtoA/l1"] == units["AtoB/reconstruction_l1"] == "0-255"
    for route, side, dtype, shape in (
        ("AtoB", "a", np.uint16, (64, 64)), ("BtoA", "b", np.uint8, (64, 64, 3))
    ):  # fmt: skip
        source, made = root / "test" / side / "000.png", tmp_path / route
        paths = [f"checkpoint={run}", f"input={source}", f"output={made}/"]
        assert command("translate", *paths, f"route={route}") == 0
        picture = read(made / "000.png")
        assert picture.dtype == dtype and picture.shape == shape


def test_another_data_set_is_scored_in_the_values_of_training(
    deep_run: tuple[Path, Path], command: Command, tmp_path: Path, capfd: pytest.CaptureFixture
) -> None:
    run, root = deep_run
    options = [f"checkpoint={run}", "dataset=folder", f"dataset.root={root}", *FOLDERS]
    options += ["dataset.target_channels=1", "dataset.image_size=64", "dataset.num_workers=0"]
    assert command("evaluate", *options, f"output={tmp_path / 'a'}") == 0
    assert command("evaluate", f"checkpoint={run}", f"output={tmp_path / 'b'}") == 0
    one, two = (json.loads((tmp_path / n / "metrics.json").read_text()) for n in "ab")
    assert one["scores"] == two["scores"] and one["units"]["l1"] == "0-4095"
    capfd.readouterr()
    assert command("evaluate", *options, "dataset.target_range=[0,1000]") == 1
    assert "dataset.target_range=[0, 1000]: found another range than" in capfd.readouterr().err
