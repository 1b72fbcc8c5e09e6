"""Scores and pictures from the checkpoint alone, against scikit-image and torch-fidelity."""

import csv
import json
import math
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from conftest import TINY_UNET, Run, write_pairs

Command = Callable[..., int]


@pytest.fixture(scope="module")
def trained(train_once: Run, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A tiny run (batch norm, dropout noise, EMA) on 64 x 64 pairs, 24 of them for test."""
    root = tmp_path_factory.mktemp("data") / "pairs64"
    write_pairs(root, {"train": 6, "val": 4, "test": 24}, size=64, seed=5)
    run_dir = train_once(
        f"dataset.root={root}", "trainer.max_steps=6", "model.ema_decay=0.5", *TINY_UNET,
        folder="trained",
    )  # fmt: skip
    return run_dir, root


def split_sides(root: Path, split: str, folder: Path) -> tuple[Path, Path]:
    """Writes the halves of side-by-side pairs into two folders: inputs (A) and targets (B)."""
    for side in ("input", "target"):
        (folder / side).mkdir(parents=True)
    for file in sorted((root / split).glob("*.png")):
        image = cv2.imread(str(file))
        half = image.shape[1] // 2
        cv2.imwrite(str(folder / "input" / file.name), image[:, :half])
        cv2.imwrite(str(folder / "target" / file.name), image[:, half:])
    return folder / "input", folder / "target"


def test_scores_equal_independent_ones_on_the_written_pngs(
    trained: tuple[Path, Path], command: Command, tmp_path: Path, inception_file: Path
) -> None:
    """The whole chain: what evaluate prints is what the PNGs of translate score."""
    import torch_fidelity

    run_dir, root = trained
    inputs, targets = split_sides(root, "test", tmp_path / "sides")
    out, made = tmp_path / "scores", tmp_path / "made"
    code = command(
        "evaluate", f"checkpoint={run_dir}", f"output={out}", "trainer=cpu", "metrics=full",
        f"metrics.inception_weights={inception_file}", "metrics.kid_subset_size=12",
    )  # fmt: skip
    assert code == 0
    assert command("translate", f"checkpoint={run_dir}", f"input={inputs}", f"output={made}") == 0
    scores = json.loads((out / "metrics.json").read_text())["scores"]
    per_image = {r["name"]: r for r in csv.DictReader((out / "per_image.csv").open())}
    assert len(per_image) == 24
    ssim, psnr = [], []
    for file in sorted(targets.glob("*.png")):
        y, y_hat = cv2.imread(str(file)), cv2.imread(str(made / file.name))
        ssim.append(
            structural_similarity(
                y, y_hat, channel_axis=2, data_range=255, gaussian_weights=True, sigma=1.5,
                use_sample_covariance=False,
            )
        )  # fmt: skip
        psnr.append(peak_signal_noise_ratio(y, y_hat, data_range=255))
        assert float(per_image[file.stem]["ssim"]) == pytest.approx(ssim[-1], abs=1e-4)
        assert float(per_image[file.stem]["psnr"]) == pytest.approx(psnr[-1], abs=1e-3)
    assert scores["ssim"] == pytest.approx(np.mean(ssim), abs=1e-4)
    assert scores["psnr"] == pytest.approx(np.mean(psnr), abs=1e-3)
    reference = torch_fidelity.calculate_metrics(
        input1=str(made), input2=str(targets), fid=True, kid=True, kid_subset_size=12, rng_seed=0,
        feature_extractor_weights_path=str(inception_file), cuda=False, verbose=False,
        save_cpu_ram=True, cache=False,
    )  # fmt: skip
    fid = reference["frechet_inception_distance"]
    kid = reference["kernel_inception_distance_mean"]
    assert fid > 0.01
    assert scores["fid"] == pytest.approx(fid, rel=1e-3)
    assert scores["kid"] == pytest.approx(kid, rel=1e-3)


def test_protocol_stands_beside_the_scores(
    trained: tuple[Path, Path], command: Command, tmp_path: Path, inception_file: Path
) -> None:
    run_dir, _ = trained
    out = tmp_path / "scores"
    options = ["trainer=cpu", "metrics=full", f"metrics.inception_weights={inception_file}"]
    assert command("evaluate", f"checkpoint={run_dir}", f"output={out}", *options) == 0
    result = json.loads((out / "metrics.json").read_text())
    assert result["scores"].keys() >= {"ssim", "psnr", "mse", "l1", "fid", "kid", "kid_spread"}
    assert result["protocol"]["n_real"] == result["protocol"]["n_fake"] == 24
    assert result["protocol"]["kid_subset_size"] == 12
    assert len(result["checkpoint_sha256"]) == 64
    assert result["step"] == 6 and result["split"] == "test"
    assert math.isfinite(result["scores"]["kid_spread"])


def test_training_and_evaluate_say_the_same(
    trained: tuple[Path, Path], command: Command, tmp_path: Path
) -> None:
    run_dir, _ = trained
    assert (
        command("evaluate", f"checkpoint={run_dir}", f"output={tmp_path / 'e'}", "trainer=cpu") == 0
    )
    evaluated = json.loads((tmp_path / "e" / "metrics.json").read_text())["scores"]
    at_the_end = json.loads((run_dir / "test_metrics.json").read_text())["scores"]
    assert evaluated == at_the_end["model (best.ckpt)"]


def test_scores_of_a_run_in_mixed_precision_are_those_of_evaluate(
    train: Run, command: Command, tmp_path: Path
) -> None:
    """Networks are scored in float32, whatever they are trained in."""
    run_dir = train("trainer.precision=bf16-mixed", "trainer.max_steps=2", "generator.norm=batch")
    at_the_end = json.loads((run_dir / "test_metrics.json").read_text())
    out = tmp_path / "e"
    assert command("evaluate", f"checkpoint={run_dir}", f"output={out}", "trainer=cpu") == 0
    evaluated = json.loads((out / "metrics.json").read_text())
    assert evaluated["scores"] == at_the_end["scores"]["model (best.ckpt)"]
    assert "float32" in evaluated["protocol"]["precision"]
    assert evaluated["protocol"] == at_the_end["protocol"]


def test_single_values_go_over_the_saved_ones(
    trained: tuple[Path, Path], command: Command, tmp_path: Path
) -> None:
    """Another folder as test split, at another size; everything else is the checkpoint's."""
    run_dir, root = trained
    options = ["dataset.splits.test=val", "dataset.image_size=128", "trainer=cpu"]
    assert command("evaluate", f"checkpoint={run_dir}", f"output={tmp_path / 'e'}", *options) == 0
    result = json.loads((tmp_path / "e" / "metrics.json").read_text())
    assert result["n_images"] == 4
    assert (result["root"], result["image_size"]) == (str(root), 128)


def test_missing_inception_weights_stop_evaluate_and_not_training(
    trained: tuple[Path, Path], command: Command, train: Run, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture,
) -> None:  # fmt: skip
    """Without a network: evaluate names the two ways out; training says it once and goes on."""
    from i2i.errors import setting_error
    from i2i.files import download

    def no_network(*_: object, setting: str, by_hand: str, **__: object) -> Path:
        raise setting_error(setting, "no network", "one", by_hand)

    monkeypatch.setattr(download, "fetch_file", no_network)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "empty"))
    run_dir, root = trained
    capfd.readouterr()
    assert command("evaluate", f"checkpoint={run_dir}", "trainer=cpu", "metrics=full") == 1
    text = capfd.readouterr().err
    assert "metrics.inception_weights=FILE" in text and "download" in text
    again = train("metrics=full", f"dataset.root={root}", "trainer.max_epochs=1", folder="fid")
    assert capfd.readouterr().out.count("Warning: No Inception weights: going on without FID") == 1
    assert "val/ssim" in (again / "metrics.csv").read_text()
    assert "fid" not in (again / "metrics.csv").read_text()


def test_translate_keeps_names_sizes_and_folders(
    trained: tuple[Path, Path], command: Command, tmp_path: Path
) -> None:
    run_dir, _ = trained
    rng = np.random.default_rng(0)
    source = tmp_path / "source"
    sizes = {"a.png": (64, 64), "deep/er/b.jpg": (70, 131), "deep/c.PNG": (31, 64)}
    for name, size in sizes.items():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        picture = rng.integers(0, 256, (*size, 3)).astype(np.uint8)
        (source / name).write_bytes(cv2.imencode(Path(name).suffix.lower(), picture)[1].tobytes())
    (source / "notes.txt").write_text("not an image")
    out = tmp_path / "out"
    assert command("translate", f"checkpoint={run_dir}", f"input={source}", f"output={out}") == 0
    written = {p.relative_to(out).as_posix() for p in out.rglob("*") if p.is_file()}
    assert written == {"a.png", "deep/er/b.png", "deep/c.png"}
    for name, size in sizes.items():
        assert cv2.imread(str((out / name).with_suffix(".png"))).shape[:2] == size
    one = tmp_path / "one"
    assert (
        command("translate", f"checkpoint={run_dir}", f"input={source / 'a.png'}", f"output={one}")
        == 0
    )
    assert (one / "a.png").read_bytes() == (out / "a.png").read_bytes()


def test_translate_uses_the_mode_and_seed_asked_for(
    trained: tuple[Path, Path], command: Command, tmp_path: Path
) -> None:
    run_dir, root = trained
    inputs, _ = split_sides(root, "val", tmp_path / "sides")
    results = {}
    for label, options in {
        "again": [], "same": [], "seed": ["seed=7"], "eval": ["model.inference=eval"],
        "eval7": ["model.inference=eval", "seed=7"],
    }.items():  # fmt: skip
        out = tmp_path / label
        assert (
            command(
                "translate", f"checkpoint={run_dir}", f"input={inputs}", f"output={out}", *options
            )
            == 0
        )
        results[label] = [p.read_bytes() for p in sorted(out.glob("*.png"))]
        assert len(results[label]) == 4
    assert results["again"] == results["same"]
    assert results["again"] != results["seed"]
    assert results["again"] != results["eval"]
    assert results["eval"] == results["eval7"]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"input": "nowhere"}, "input="),
        ({"checkpoint": "nowhere"}, "checkpoint="),
        ({"output": "__input__"}, "overwrite"),
        ({"model.inference": "test"}, "model.inference"),
    ],
)
def test_translate_refuses(
    trained: tuple[Path, Path], command: Command, tmp_path: Path, capfd: pytest.CaptureFixture,
    change: dict[str, str], named: str,
) -> None:  # fmt: skip
    run_dir, root = trained
    inputs, _ = split_sides(root, "val", tmp_path / "sides")
    before = {p: p.read_bytes() for p in inputs.iterdir()}
    options = {"checkpoint": str(run_dir), "input": str(inputs), "output": str(tmp_path / "o")}
    options |= {k: str(inputs) if v == "__input__" else v for k, v in change.items()}
    capfd.readouterr()
    assert command("translate", *[f"{k}={v}" for k, v in options.items()]) == 1
    assert named in capfd.readouterr().err
    assert before == {p: p.read_bytes() for p in inputs.iterdir()}


def test_grey_to_colour_and_two_folders_from_another_directory(
    command: Command, tiny: list[str], tmp_path: Path
) -> None:
    """1 channel in, 3 out, non-square; evaluated from elsewhere with a relative data root."""
    rng = np.random.default_rng(1)
    for split, count in {"train": 3, "val": 2, "test": 3}.items():
        for side, channels in (("grey", 1), ("colour", 3)):
            (tmp_path / "set" / split / side).mkdir(parents=True)
            for i in range(count):
                picture = rng.integers(0, 256, (64, 128, channels)).astype(np.uint8)
                cv2.imwrite(str(tmp_path / "set" / split / side / f"{i}.png"), picture)
    options = [o for o in tiny if not o.startswith("dataset.root=")]
    code = command(
        "train", *options, *TINY_UNET, "dataset.root=set", "dataset.a_folder='{split}/grey'",
        "dataset.b_folder='{split}/colour'", "dataset.input_channels=1", "trainer.max_steps=2",
        "dataset.image_size=[64,128]", f"hydra.run.dir={tmp_path / 'run'}",
    )  # fmt: skip
    assert code == 0
    elsewhere, out = tmp_path / "elsewhere", tmp_path / "scores"
    elsewhere.mkdir()
    options = [f"checkpoint={tmp_path / 'run'}", f"output={out}", "trainer=cpu"]
    assert command("evaluate", *options, cwd=elsewhere) == 0
    assert json.loads((out / "metrics.json").read_text())["n_images"] == 3
    grid = cv2.imread(str(next((out / "samples").glob("*.png"))))
    assert grid.shape[1] == 3 * 128 + 4 * 4
