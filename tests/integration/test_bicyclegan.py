"""BicycleGAN from the command line: training, scores, samples, codes of a file, and walks."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from bit_for_bit import two_epochs_and_one_and_one
from conftest import TINY_UNET, Run

Command = Callable[..., int]
NETWORKS = [
    "model=bicyclegan", *TINY_UNET, "model.encoder.base_channels=2", "model.encoder.n_downs=4",
    "model.encoder.latent=3",
]  # fmt: skip


@pytest.fixture(scope="module")
def run_dir(train_once: Run) -> Path:
    """Two steps, with weights of the code that show in a picture of 8 bits."""
    found = train_once(*NETWORKS, "dataset.batch_size=2", "trainer.max_steps=2")
    file = found / "checkpoints" / "last.ckpt"
    content = torch.load(file, weights_only=True)
    for name, weight in content["state_dict"].items():
        if name.startswith("generator.") and weight.ndim == 4:
            weight.mul_(5)
    for name in ("last", "best"):
        torch.save(content, found / "checkpoints" / f"{name}.ckpt")
    return found


@pytest.fixture
def translated(
    command: Command, run_dir: Path, pairs_root: Path, tmp_path: Path
) -> Callable[..., dict[str, np.ndarray]]:
    """Translates the input half of the test pictures, and reads what was written, by name."""

    def run(folder: str, *options: str) -> dict[str, np.ndarray]:
        base = [f"checkpoint={run_dir}", f"input={pairs_root / 'test'}", "side_by_side=true"]
        out = tmp_path / folder
        code = command("translate", *base, f"output={out}", "accelerator=cpu", *options)
        assert code == 0
        return {file.stem: cv2.imread(str(file)) for file in sorted(out.glob("*.png"))}

    return run


def test_training_scores_and_logs_all_terms(run_dir: Path) -> None:
    with (run_dir / "metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    terms = {k.removeprefix("train/") for k, v in rows[0].items() if k.count("/") == 2 and v}
    terms = {term for term in terms if not term.startswith("health/")}
    g = {f"g/{name}" for name in ("gan_encoded", "gan_drawn", "l1", "kl", "latent")}
    d = {f"d/{kind}_{way}" for kind in ("real", "fake") for way in ("encoded", "drawn")}
    assert terms == g | d
    scores = json.loads((run_dir / "test_metrics.json").read_text())["scores"]
    assert 0 < scores["model (best.ckpt)"]["l1"] < 255
    saved = torch.load(run_dir / "checkpoints" / "last.ckpt", weights_only=True)
    assert len(saved["optimizer_states"]) == 2
    networks = {name.partition(".")[0] for name in saved["state_dict"]}
    assert networks == {"generator", "encoder", "discriminator"}
    assert saved["state_dict"]["generator.downs.1.conv.weight"].shape[1] == 4 + 3


def test_scores_are_the_same_again_and_in_other_batches(
    run_dir: Path, command: Command, tmp_path: Path
) -> None:
    found = []
    for folder, size, seed in (("a", 8, None), ("b", 1, None), ("c", 8, 9)):
        options = [f"dataset.eval_batch_size={size}", f"output={tmp_path / folder}"]
        options += [] if seed is None else [f"seed={seed}"]
        assert command("evaluate", f"checkpoint={run_dir}", "trainer=cpu", *options) == 0
        found.append(json.loads((tmp_path / folder / "metrics.json").read_text())["scores"])
    assert found[1] == pytest.approx(found[0], rel=1e-3)
    assert found[2]["l1"] != pytest.approx(found[0]["l1"], rel=1e-4)


def test_samples_have_codes_of_their_own_and_the_first_is_that_of_one(
    translated: Callable, tmp_path: Path
) -> None:
    one, three = translated("one"), translated("three", "samples=3")
    assert len(one) == 5 and len(three) == 15
    for name, picture in one.items():
        samples = [three[f"{name}_{k}"] for k in range(3)]
        assert np.array_equal(samples[0], picture)
        assert not any(np.array_equal(samples[0], other) for other in samples[1:])
    found = json.loads((tmp_path / "three" / "diversity.json").read_text())
    assert found["consecutive"]["l1"]["n"] == 5 * 2 and found["mean"]["l1"] > 0.5
    codes = [row["codes"] for row in found["per_image"]]
    assert np.shape(codes) == (5, 3, 3) and len(np.unique(codes)) == 45
    # A code of the record gives the picture that it was drawn for.
    name, code = found["per_image"][1]["name"], codes[1][2]
    (tmp_path / "z.json").write_text(json.dumps(code))
    again = translated("again", f"z={tmp_path / 'z.json'}")
    assert np.array_equal(again[name], three[f"{name}_2"])


def test_a_walk_ends_at_the_first_two_samples(translated: Callable) -> None:
    two, walk = translated("two", "samples=2"), translated("walk", "walk=4")
    assert len(walk) == 20
    for name in {name.rpartition("_")[0] for name in two}:
        assert np.array_equal(walk[f"{name}_0"], two[f"{name}_0"])
        assert np.array_equal(walk[f"{name}_3"], two[f"{name}_1"])
        assert not np.array_equal(walk[f"{name}_1"], walk[f"{name}_2"])


def test_all_tiles_of_a_picture_have_one_code(
    translated: Callable, tmp_path: Path, capfd: pytest.CaptureFixture
) -> None:
    """Of a flat picture all tiles inside are alike."""
    flat = np.full((64, 512, 3), 90, np.uint8)
    cv2.imwrite(str(tmp_path / "flat.png"), flat)
    options = [f"input={tmp_path / 'flat.png'}", "side_by_side=false", "tile=128", "overlap=0"]
    whole, again = translated("tiles", *options, "samples=2"), translated("one", *options)
    assert np.array_equal(whole["flat_0"], again["flat"])
    assert not np.array_equal(whole["flat_0"], whole["flat_1"])
    tiles = [whole["flat_0"][:, k : k + 128] for k in range(0, 512, 128)]
    assert all(np.array_equal(tiles[0], tile) for tile in tiles)
    found = json.loads((tmp_path / "tiles" / "diversity.json").read_text())
    assert np.shape(found["per_image"][0]["codes"]) == (2, 3)


REFUSED = {
    "z=none.json": "z=none.json: found no such file",
    "z=two.json": "z=two.json: found codes of 2 numbers; expected codes of 3",
    "z=text.json": "z=text.json: found no JSON",
    "z=three.json samples=2": "samples=2: found z=three.json beside it",
    "walk=1": "walk=1: found 1; expected a whole number, 2 or more",
}


def test_what_cannot_be_done_is_refused_in_words(
    command: Command, run_dir: Path, pairs_root: Path, tmp_path: Path,
    capfd: pytest.CaptureFixture,
) -> None:  # fmt: skip
    for name, text in (("two", "[1, 2]"), ("three", "[1, 2, 3]"), ("text", "code")):
        (tmp_path / f"{name}.json").write_text(text)
    base = [f"checkpoint={run_dir}", f"input={pairs_root / 'test'}", f"output={tmp_path / 'out'}"]
    for options, words in REFUSED.items():
        capfd.readouterr()
        assert command("translate", *base, "side_by_side=true", *options.split()) == 1, options
        assert words in capfd.readouterr().err
        assert not (tmp_path / "out").exists()


TRAINING = {
    "model.encoder.latent=0": "model.encoder.latent=0: found a code without numbers",
    "model.encoder.latent=-1": "model.encoder.latent=-1: found -1",
    "generator.latent=5": "generator.latent=5: found model.encoder.latent=3 beside it",
    "generator.latent_at=middle": "generator.latent_at=middle: found 'middle'; expected all or",
    "model.encoder.n_downs=7": "dataset.image_size: found 64 x 64 pixels; expected at least 128",
    "model.encoder.norm=bach": "model.encoder.norm=bach: found 'bach'",
    "model.lambda_kl=-1": "model.lambda_kl=-1: found -1",
    "gan_loss=none": "gan_loss=none: found no adversarial objective",
    "dataset.pairing=unpaired": "dataset.pairing=unpaired: found model=BicycleGAN",
}


def test_options_that_do_not_fit_are_refused_at_the_start(
    command: Command, tiny: list[str], tmp_path: Path, capfd: pytest.CaptureFixture
) -> None:
    base = [*tiny, *NETWORKS, f"hydra.run.dir={tmp_path / 'run'}", "trainer.max_steps=1"]
    for option, words in TRAINING.items():
        capfd.readouterr()
        assert command("train", *base, option) == 1, option
        assert words in capfd.readouterr().err
        assert not list((tmp_path / "run").glob("*")), option


def test_another_system_gives_no_code(
    command: Command, tiny: list[str], tmp_path: Path, capfd: pytest.CaptureFixture
) -> None:
    base = [*tiny, *TINY_UNET, f"hydra.run.dir={tmp_path / 'run'}", "trainer.max_steps=1"]
    assert command("train", *base, "generator.latent=8") == 1
    assert "generator.latent=8: found a system that gives it no code" in capfd.readouterr().err
    assert command("train", *base, "generator.latent_at=input") == 1
    assert "generator.latent_at=input: found a model that gives" in capfd.readouterr().err


def test_the_code_can_stand_beside_the_input_alone(train: Run) -> None:
    run_dir = train(*NETWORKS, "generator.latent_at=input", "trainer.max_steps=1")
    saved = torch.load(run_dir / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]
    widths = [saved[f"generator.downs.{k}.conv.weight"].shape[1] for k in range(3)]
    assert widths == [3 + 3, 4, 8]


@pytest.mark.slow
def test_two_epochs_are_one_and_one_bit_for_bit(train: Run) -> None:
    options = [*NETWORKS, "dataset.batch_size=2"]
    two_epochs_and_one_and_one(train, *options)


def test_a_residual_generator_has_the_code_beside_its_input(
    train: Run, command: Command, pairs_root: Path, tmp_path: Path
) -> None:
    run_dir = train(
        "model=bicyclegan", "generator=resnet9", "generator.n_blocks=1", "model.encoder.latent=2",
        "model.encoder.base_channels=2", "trainer.max_steps=1",
    )  # fmt: skip
    saved = torch.load(run_dir / "checkpoints" / "last.ckpt", weights_only=True)
    assert saved["state_dict"]["generator.layers.1.weight"].shape[1] == 5
    base = [f"checkpoint={run_dir}", f"input={pairs_root / 'test'}", "side_by_side=true"]
    assert command("translate", *base, f"output={tmp_path / 'out'}", "walk=2") == 0
    assert len(list((tmp_path / "out").glob("*.png"))) == 10
