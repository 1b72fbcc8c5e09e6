"""Several outputs for one input, their diversity, and masks, through the command."""

import json
from collections.abc import Callable
from itertools import combinations
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from conftest import Run

Command = Callable[..., int]


@pytest.fixture(scope="module")
def run_dir(train_once: Run) -> Path:
    return train_once("trainer.max_steps=2", "model.inference=paper")


@pytest.fixture
def inputs(tmp_path: Path) -> Path:
    """Two images of different sizes, one of them in a subfolder."""
    rng = np.random.default_rng(0)
    folder = tmp_path / "inputs"
    for name, size in {"a.png": (64, 64), "deep/b.png": (64, 80)}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(folder / name), rng.integers(0, 256, (*size, 3)).astype(np.uint8))
    return folder


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from i2i.errors import setting_error
    from i2i.files import download

    def fetch_file(*_: object, setting: str, by_hand: str, **__: object) -> Path:
        raise setting_error(setting, "no network", "one", by_hand)

    monkeypatch.setattr(download, "fetch_file", fetch_file)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "empty"))


@pytest.fixture
def translated(command: Command, run_dir: Path, inputs: Path, tmp_path: Path) -> Callable:
    """Translates into a folder and returns it."""

    def run(folder: str, *options: str) -> Path:
        base = [f"checkpoint={run_dir}", f"input={inputs}", f"output={tmp_path / folder}"]
        assert command("translate", *base, *options) == 0
        return tmp_path / folder

    return run


def files_of(folder: Path) -> set[str]:
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}


def alexnet_file(path: Path) -> Path:
    from torchvision.models import alexnet

    torch.manual_seed(0)
    torch.save(alexnet(weights=None).features.state_dict(prefix="features."), path)
    return path


def test_samples_differ_and_the_first_is_that_of_one(
    translated: Callable, no_network: None
) -> None:
    one, three, again = (
        translated("one"), translated("three", "samples=3"), translated("again", "samples=3"),
    )  # fmt: skip
    assert files_of(one) == {"a.png", "deep/b.png"}
    names = {f"{name}_{k}.png" for name in ("a", "deep/b") for k in range(3)}
    assert files_of(three) == names | {"diversity.json"}
    for name in ("a", "deep/b"):
        samples = [(three / f"{name}_{k}.png").read_bytes() for k in range(3)]
        assert samples[0] == (one / f"{name}.png").read_bytes()
        assert len(set(samples)) == 3
        assert samples == [(again / f"{name}_{k}.png").read_bytes() for k in range(3)]


def test_the_noise_of_a_sample_is_that_of_its_number(
    translated: Callable, no_network: None, run_dir: Path, inputs: Path
) -> None:
    """(seed, name), and (seed, name, k) from k = 1 on, whatever the number of samples."""
    from i2i.checkpoints.saved_model import load_model
    from i2i.images.quantise import to_uint8
    from i2i.images.ranges import to_float
    from i2i.inference.translate import paper_mode, seeded_noise
    from i2i.seeds import stable_seed

    two, three = translated("two", "samples=2"), translated("three", "samples=3")
    assert (two / "a_1.png").read_bytes() == (three / "a_1.png").read_bytes()
    model, _ = load_model(str(run_dir), {})
    x = to_float(cv2.imread(str(inputs / "a.png"))[:, :, ::-1])[None]
    for k, parts in ((0, ("a",)), (2, ("a", 2))):
        seed = stable_seed(model.seed, *parts)
        with torch.no_grad(), paper_mode(model.generator):
            with seeded_noise(seed, torch.device("cpu")):
                expected = to_uint8(model.generator(x))[0].permute(1, 2, 0).numpy()
        assert np.array_equal(cv2.imread(str(three / f"a_{k}.png"))[:, :, ::-1], expected)


def test_diversity_is_that_of_the_written_pngs(
    translated: Callable, run_dir: Path, tmp_path: Path, capfd: pytest.CaptureFixture
) -> None:
    from i2i.losses.lpips import LPIPSDistance

    file = alexnet_file(tmp_path / "alexnet.pth")
    out = translated("out", "samples=3", "seed=5", f"lpips_weights={file}")
    text = capfd.readouterr().out
    found = json.loads((out / "diversity.json").read_text())
    distance = LPIPSDistance("alex", str(file))
    distance.prepare("cpu")
    l1, lpips = [], []
    for row, name in zip(found["per_image"], ("a", "deep/b"), strict=True):
        pictures = [cv2.imread(str(out / f"{name}_{k}.png"))[:, :, ::-1] for k in range(3)]
        pairs = list(combinations(pictures, 2))
        l1.append(np.mean([np.abs(a.astype(int) - b.astype(int)).mean() for a, b in pairs]))
        tensors = [torch.from_numpy(p.copy()).permute(2, 0, 1)[None] / 127.5 - 1 for p in pictures]
        lpips.append(np.mean([distance(a, b).item() for a, b in combinations(tensors, 2)]))
        assert row["name"] == name
        assert row["l1"] == pytest.approx(l1[-1], rel=1e-9)
        assert row["lpips"] == pytest.approx(lpips[-1], rel=1e-4)
    assert found["mean"]["l1"] == pytest.approx(np.mean(l1), rel=1e-9) and np.mean(l1) > 0.1
    assert found["mean"]["lpips"] == pytest.approx(np.mean(lpips), rel=1e-4)
    assert (found["n_images"], found["samples"]) == (2, 3)
    assert (found["seed"], found["inference"]) == (5, "paper")
    assert Path(found["checkpoint"]).is_relative_to(run_dir)
    assert f"L1 {np.mean(l1):.4f}" in text and "LPIPS (alex)" in text


def test_without_lpips_weights_the_rest_is_measured(
    translated: Callable, no_network: None, capfd: pytest.CaptureFixture
) -> None:
    out = translated("out", "samples=2")
    text = capfd.readouterr().out
    assert len([line for line in text.splitlines() if "without LPIPS. lpips_weights=" in line]) == 1
    found = json.loads((out / "diversity.json").read_text())
    assert list(found["mean"]) == ["l1"] and list(found["per_image"][0]) == ["name", "l1"]


REFUSED = {  # one model for all: training it takes longer than the rest
    "samples=0": "samples=0: found 0; expected a whole number, 1 or more",
    "samples=-2": "samples=-2: found -2",
    "samples=1.5": "samples=1.5: found 1.5",
    "samples=few": "samples=few: found 'few'",
    "samples=2 model.inference=eval": "samples=2: found model.inference=eval",
    "samples=2 lpips_weights=none.pth": "lpips_weights='none.pth': found no such file",
    "mask=mask.png": "mask=mask.png: found a model whose task is not inpainting",
}


def test_what_cannot_be_done_is_refused_in_words(
    command: Command, run_dir: Path, inputs: Path, tmp_path: Path, capfd: pytest.CaptureFixture
) -> None:
    base = [f"checkpoint={run_dir}", f"input={inputs}", f"output={tmp_path / 'out'}"]
    for options, named in REFUSED.items():
        capfd.readouterr()
        assert command("translate", *base, *options.split()) == 1
        assert named in capfd.readouterr().err
        assert not list((tmp_path / "out").rglob("*.png"))


def test_a_generator_without_dropout_has_one_sample(
    train: Run, command: Command, inputs: Path, tmp_path: Path, capfd: pytest.CaptureFixture
) -> None:
    """Batch norm alone makes paper mode and eval mode differ, but not one sample from the next."""
    run_dir = train(
        "generator=resnet9", "generator.n_blocks=1", "generator.norm=batch", "trainer.max_steps=1"
    )
    base = [f"checkpoint={run_dir}", f"input={inputs}", f"output={tmp_path / 'out'}"]
    capfd.readouterr()
    assert command("translate", *base, "samples=2") == 1
    assert "samples=2: found a generator without dropout" in capfd.readouterr().err
    assert command("translate", *base) == 0


def test_a_sample_never_overwrites_an_input(
    command: Command, run_dir: Path, inputs: Path, capfd: pytest.CaptureFixture
) -> None:
    """a_0.png is an input here, and would be the first sample of a.png."""
    (inputs / "a_0.png").write_bytes((inputs / "a.png").read_bytes())
    before = {p: p.read_bytes() for p in inputs.rglob("*.png")}
    base = [f"checkpoint={run_dir}", f"input={inputs}", f"output={inputs}"]
    capfd.readouterr()
    assert command("translate", *base, "samples=2") == 1
    assert "a_0.png, which is an input" in capfd.readouterr().err
    assert {p: p.read_bytes() for p in inputs.rglob("*.png")} == before


def test_one_image_beside_its_output(command: Command, run_dir: Path, tmp_path: Path) -> None:
    """A single JPEG may be translated into its own folder, as a PNG."""
    picture = np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint8)
    cv2.imwrite(str(tmp_path / "photo.jpg"), picture)
    options = [f"checkpoint={run_dir}", f"input={tmp_path / 'photo.jpg'}", f"output={tmp_path}"]
    assert command("translate", *options) == 0
    assert (tmp_path / "photo.png").exists()


def test_masks_are_found_by_the_names_of_the_images(inputs: Path, tmp_path: Path) -> None:
    from i2i.data.tasks.inpainting import Inpainting
    from i2i.errors import SettingError
    from i2i.inference.files_to_translate import find_images, find_masks
    from i2i.inference.outputs import Output

    names = [job.name for job in find_images(inputs, Output(tmp_path / "out"))]
    masks = tmp_path / "masks"
    (masks / "deep").mkdir(parents=True)
    for name in ("a.jpg", "deep/b.PNG", "other.png"):
        (masks / name).touch()
    task = Inpainting(input_channels=4, target_channels=3)
    assert find_masks(None, names, task) == {}
    found = find_masks(str(masks), names, task)
    assert found == {"a": masks / "a.jpg", "deep/b": masks / "deep/b.PNG"}
    one = masks / "other.png"
    assert find_masks(str(one), names, task) == {"a": one, "deep/b": one}
    (masks / "a.jpg").unlink()
    with pytest.raises(SettingError, match=r"mask=.*masks: found no mask of a \(1 missing\)"):
        find_masks(str(masks), names, task)
    with pytest.raises(SettingError, match=r"mask=.*nowhere: found nothing there"):
        find_masks(str(tmp_path / "nowhere"), names, task)
