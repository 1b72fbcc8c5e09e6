"""export.py: ONNX gives the pictures of what was trained, and says what it is."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from PIL import Image

import i2i
from conftest import ROOT, TINY_UNET, Run, labelled_options
from domain_folders import SMALL_STARGAN, write_domains
from i2i.checkpoints.saved_translations import load_translations
from i2i.sharing import onnx_file

Command = Callable[..., int]
pytestmark = pytest.mark.numeric
ONE_STEP = ["trainer.max_steps=1", "baselines=false"]
UNET = [*TINY_UNET, *ONE_STEP]


@pytest.fixture(scope="module")
def pix2pix(train_once: Run) -> Path:
    return train_once(*UNET, "dataset.licence='CC0 | mine'", folder="pix2pix")


def metadata(file: Path) -> dict[str, str]:
    return {prop.key: prop.value for prop in onnx.load(file).metadata_props}


def snippets() -> list[str]:
    return re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "export.md").read_text(), re.S)


def alone(code: str, folder: Path) -> None:
    """Runs code where neither this package nor PyTorch can be imported."""
    head = "import sys\nsys.modules['i2i'] = sys.modules['torch'] = None\n"
    env = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    subprocess.run([sys.executable, "-c", head + code], cwd=folder, env=env, check=True, timeout=60)


def test_onnxruntime_alone_translates_as_the_docs_say(
    pix2pix: Path, photo: Path, command: Command, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    out = tmp_path / "out"
    asked = [f"checkpoint={pix2pix}", f"output={out}", "pixels=true", "model.inference=eval"]
    assert command("export", *asked, f"pictures={photo}") == 0
    assert [file.name for file in out.iterdir()] == ["model.onnx"]
    said = capsys.readouterr().out
    assert "Input picture: uint8 (batch, 64*rows, 64*columns, 3), levels from 0 to 255" in said
    assert re.search(
        r"largest difference from the model: (?:0 levels|1 level) of 255 \(7 pictures, 64 x", said
    )
    assert len(said.splitlines()) == 3
    (out / "photo.png").write_bytes(photo.read_bytes())
    alone(snippets()[0], out)
    made = np.asarray(Image.open(out / "translated.png")).astype(int)
    expected = np.asarray(i2i.load(pix2pix, device="cpu").translate(photo, mode="eval"))
    assert made.shape == (50, 70, 3) and np.abs(made - expected).max() <= 1


def test_noise_is_drawn_by_numpy_as_the_docs_say(
    pix2pix: Path, command: Command, tmp_path: Path
) -> None:
    asked = [f"checkpoint={pix2pix}", f"output={tmp_path / 'out'}", "pixels=true"]
    assert command("export", *asked, "model.inference=paper") == 0
    check = """
facts = session.get_modelmeta().custom_metadata_map
padded = np.zeros((1, 128, 64, 3), np.uint8)
rng = np.random.default_rng(1)
made = [session.run(None, {"picture": padded, **noise(facts, 2, 1, rng)})[0] for _ in range(2)]
assert made[0].shape == padded.shape and (made[0] != made[1]).any()
"""
    start = snippets()[0].partition("\n\n\ndef translate")[0]
    alone(start + "\n" + snippets()[1] + check, tmp_path / "out")


def test_a_file_says_what_it_is(pix2pix: Path, command: Command, tmp_path: Path) -> None:
    assert command("export", f"checkpoint={pix2pix}", f"output={tmp_path / 'out'}") == 0
    found = metadata(tmp_path / "out" / "model.onnx")
    plain = {"system": "Pix2Pix", "route": "AtoB", "inference": "paper", "divisor": "64",
             "least": "64", "licence": "CC0 | mine", "dataset": "folder", "step": "1",
             "in_channels": "3", "out_channels": "3", "range": "[-1, 1]"}  # fmt: skip
    assert {key: found.get(key) for key in plain} == plain
    assert json.loads(found["inputs"])["keep1"]["shape"] == ["batch", 32, "2*rows", "2*columns"]
    assert json.loads(found["dropout"])["keep1"] == {
        "p": 0.5, "channels": 32, "height": 2, "width": 2
    }  # fmt: skip
    assert len(found["commit"]) == 40 and str(tmp_path) not in json.dumps(found)
    session = onnxruntime.InferenceSession(str(tmp_path / "out" / "model.onnx"))
    assert session.get_inputs()[0].shape == ["batch", 3, "64*rows", "64*columns"]


@pytest.fixture(scope="module")
def stargan(train_once: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = write_domains(tmp_path_factory.mktemp("sets") / "domains", {"dim": 0, "light": 120})
    return train_once(*data, *SMALL_STARGAN, *ONE_STEP, folder="stargan")


def test_a_label_is_baked_in_or_an_input(stargan: Path, command: Command, tmp_path: Path) -> None:
    x = torch.rand(2, 3, 32, 40, generator=torch.Generator().manual_seed(0)) * 2 - 1
    ways, made = load_translations(str(stargan))[0].routes, {}
    for route in ("dim", "light"):
        out = tmp_path / route
        assert command("export", f"checkpoint={stargan}", f"output={out}", f"domain={route}") == 0
        made[route] = onnx_file.opened(out / "model.onnx")({"picture": x})
        assert (made[route] - ways[route](x, ["a", "b"])).abs().max() < 1e-4
        assert json.loads(metadata(out / "model.onnx")["label"])[route] == 1
    assert (made["dim"] - made["light"]).abs().max() > 1e-3
    out = tmp_path / "both"
    assert command("export", f"checkpoint={stargan}", f"output={out}", "label=input") == 0
    label = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    both = onnx_file.opened(out / "model.onnx")({"picture": x, "label": label})
    expected = torch.stack([made["dim"][0], made["light"][1]])
    assert (both - expected).abs().max() < 1e-4


def test_a_code_is_an_input(train: Run, command: Command, tmp_path: Path) -> None:
    run = train(
        "model=bicyclegan", *UNET, "model.encoder.base_channels=2", "model.encoder.n_downs=4",
        "model.encoder.latent=3", "dataset.batch_size=2",
    )  # fmt: skip
    assert command("export", f"checkpoint={run}", f"output={tmp_path / 'out'}") == 0
    translator = load_translations(str(run))[0].asked()
    x, z = torch.zeros(2, 3, 64, 64), torch.tensor([[1.0, -2, 0.5], [0, 0, 0]])
    made = onnx_file.opened(tmp_path / "out" / "model.onnx")({"picture": x, "z": z})
    assert (made - translator(x, ["a", "b"], z)).abs().max() < 1e-4


@pytest.mark.parametrize("direction", ["BtoA", "AtoB"], ids=["from_labels", "to_labels"])
def test_label_maps_go_in_and_out_in_the_colours_of_their_classes(
    direction: str, labelled_root: Path, train: Run, command: Command, tmp_path: Path
) -> None:
    run = train(
        *labelled_options(labelled_root), *UNET, "dataset.label_as=onehot",
        f"dataset.direction={direction}", "model.inference=eval",
    )  # fmt: skip
    side = "label" if direction == "BtoA" else "photo"
    folder = labelled_root / "test" / side
    asked = [f"checkpoint={run}", f"output={tmp_path / 'out'}", "pixels=true"]
    assert command("export", *asked, f"pictures={folder}") == 0
    files = sorted(folder.iterdir())
    pictures = np.stack([np.asarray(Image.open(file)) for file in files])
    made = onnx_file.opened(tmp_path / "out" / "model.onnx")(
        {"picture": torch.from_numpy(pictures)}
    )
    expected = np.stack([np.asarray(p) for p in i2i.load(run, device="cpu").translate(files)])
    apart = np.abs(made.numpy().astype(int) - expected).max(3)
    assert (apart <= 1).mean() > 0.999  # two classes may be equally likely to the last bit
    classes = json.loads(metadata(tmp_path / "out" / "model.onnx")["classes"])
    assert classes["sky"] == [128, 128, 128] and len(classes) == 4
