"""export.py: what leaves gives the pictures of what was trained, and says what it is."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf
from PIL import Image
from torch import Tensor, nn

import i2i
from conftest import CONF, ROOT, TINY_UNET, Run, labelled_options, smooth_noise
from i2i.checkpoints.saved_translations import load_translations
from i2i.data.earth import PICTURES, picture_folder, read_picture
from i2i.data.tasks.task import Task
from i2i.errors import SettingError
from i2i.images.quantise import to_uint8
from i2i.inference.translator import Translator
from i2i.sharing import exported_program, onnx_file, torchscript_file
from i2i.sharing.portable import Portable

Command = Callable[..., int]
pytestmark = pytest.mark.numeric
ONE_STEP = ["trainer.max_steps=1", "baselines=false"]
UNET = [*TINY_UNET, *ONE_STEP]
# Presets of generators that translate pictures, as small as they can be.
GENERATORS = sorted(p.stem for p in CONF.glob("generator/*.yaml") if p.stem != "class_conditional")
SMALL = {"base_channels": 4, "n_blocks": 1, "n_local_blocks": 1, "hidden_channels": 8}


def generator(name: str) -> nn.Module:
    """A preset with other weights than it begins with: its pictures use all of [-1, 1]."""
    node = OmegaConf.load(CONF / "generator" / f"{name}.yaml")
    small = {key: value for key, value in SMALL.items() if key in node}
    node = OmegaConf.merge(node, small, {"in_channels": 3, "out_channels": 3})
    torch.manual_seed(0)
    network = instantiate(node)
    x = torch.rand(2, 3, 2 * network.divisor, 2 * network.divisor) * 2 - 1
    with torch.no_grad():
        for _ in range(20):
            made = network(x)  # running statistics
        last = [m for m in network.modules() if isinstance(m, nn.Conv2d | nn.ConvTranspose2d)][-1]
        gain = 0.7 / made.atanh().std()
        last.weight *= gain
    return network


@pytest.fixture(scope="module")
def earth() -> np.ndarray:
    """Twenty pictures of the Earth, (20, 256, 256, 3): those with most in them.

    Instance norm makes of a picture of one colour, as open sea is, the rounding of its layers,
    300 times as large, and no two programs round alike.
    """
    world = read_picture(picture_folder(None) / PICTURES["satellite"])
    rows, columns = (side // 256 for side in world.shape[:2])
    tiles = world[: rows * 256, : columns * 256].reshape(rows, 256, columns, 256, 3)
    tiles = tiles.transpose(0, 2, 1, 3, 4).reshape(-1, 256, 256, 3)
    found = np.array([tile[:64, :64].std((0, 1)).min() for tile in tiles])
    return tiles[np.argsort(found)[-20:]]


def as_input(pictures: np.ndarray) -> Tensor:
    return torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 127.5 - 1


@pytest.mark.parametrize("mode", ["eval", "paper"])
@pytest.mark.parametrize("name", GENERATORS)
def test_onnx_makes_the_pictures_of_every_generator_in_both_modes(
    name: str, mode: str, earth: np.ndarray, tmp_path: Path
) -> None:
    network = generator(name)
    translator = Translator(network, Task(), "input", mode, 5)
    portable, file = Portable(translator, 3), tmp_path / "model.onnx"
    onnx_file.write(portable, file, {"divisor": str(portable.divisor)}, 20)
    onnx.checker.check_model(str(file), full_check=True)
    assert [path.name for path in tmp_path.iterdir()] == ["model.onnx"]
    run, apart, levels = onnx_file.opened(file), 0.0, 0
    d, least = portable.divisor, portable.least
    side = 256 if d > 64 else 64
    cases = [(earth[i : i + 5, :side, :side], [f"{j}" for j in range(i, i + 5)]) for i in (0, 5)]
    cases += [(earth[10:11, :side, : max(d, side // 2)], ["10"])]
    for pictures, names in cases:  # batches of 5 and 1, sizes that were not exported with
        x = as_input(pictures)
        if min(x.shape[-2:]) < d * least:
            x = x.repeat(1, 1, least, least)
        made, expected = run(portable.feed(x, names)), translator(x, names)
        apart = max(apart, float((made - expected).abs().max()))
        levels = max(levels, int((to_uint8(made).int() - to_uint8(expected).int()).abs().max()))
        assert expected.std() > 0.02
    assert apart < 1e-3 and levels <= 1, (apart, levels)
    noisy = any(isinstance(m, nn.Dropout) and m.p > 0 for m in network.modules())
    assert (len(portable.explicit.masks) > 0) == (noisy and mode == "paper")
    if portable.explicit.masks:  # other noise, another picture
        x = as_input(earth[:1, :side, :side])
        one, two = (run(portable.feed(x, [n])) for n in "ab")
        assert (one - two).abs().max() > 1e-2


WRITERS = {"torchscript": torchscript_file, "pt2": exported_program}


@pytest.mark.parametrize("form", WRITERS)
@pytest.mark.parametrize("name", ["unet128-paper", "spade-eval", "resnet9_blur-eval"])
def test_torch_s_own_formats_make_the_pictures(
    name: str, form: str, earth: np.ndarray, tmp_path: Path
) -> None:
    preset, _, mode = name.partition("-")
    translator = Translator(generator(preset), Task(), "input", mode, 5)
    portable, file = Portable(translator, 3, pixels=True), tmp_path / f"model.{form}"
    WRITERS[form].write(portable, file, {"route": "AtoB"})
    run, d = WRITERS[form].opened(file), max(portable.divisor * portable.least, 64)
    for pictures, names in ((earth[:1, :d, :d], ["a"]), (earth[:5, : 2 * d, :d], list("abcde"))):
        made = run(portable.feed(torch.from_numpy(pictures), names)).numpy()
        expected = to_uint8(translator(as_input(pictures), names)).permute(0, 2, 3, 1).numpy()
        assert made.dtype == np.uint8 and made.shape == expected.shape
        assert np.abs(made.astype(int) - expected).max() <= 1


@pytest.mark.parametrize("opset", [18, 21, 23])
def test_the_opset_is_the_one_asked_for(opset: int, tmp_path: Path) -> None:
    translator = Translator(generator("unet_upsample"), Task(), "input", "paper", 5)
    portable, file = Portable(translator, 3), tmp_path / "model.onnx"
    onnx_file.write(portable, file, {}, opset)
    assert [s.version for s in onnx.load(file).opset_import if s.domain == ""] == [opset]
    x = torch.rand(1, 3, 128, 256) * 2 - 1
    made = onnx_file.opened(file)(portable.feed(x, ["a"]))
    assert (made - translator(x, ["a"])).abs().max() < 1e-3


# ---- the command ----


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
        r"largest difference from the model: [01] levels of 255 \(1 pictures, 64 x", said
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


def colours(run: Path) -> Any:
    return load_translations(str(run))[0]


@pytest.fixture(scope="module")
def stargan(train_once: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root, rng = tmp_path_factory.mktemp("sets") / "domains", np.random.default_rng(0)
    for split in ("train", "val", "test"):
        for i in range(3):
            image = smooth_noise(rng, 64) // 2
            for name, level in {"dim": 0, "light": 120}.items():
                (root / split / name).mkdir(parents=True, exist_ok=True)
                assert cv2.imwrite(str(root / split / name / f"{i}.png"), image + level)
    return train_once(
        f"dataset.root={root}", "dataset.a_folder='{split}/{domain}'",
        "dataset.domains=[dim,light]", "dataset.splits.val=val", "dataset.val_from_train=0",
        "model=stargan", "generator=stargan", "generator.base_channels=2", "generator.n_blocks=1",
        "model.n_critic=1", *ONE_STEP, folder="stargan",
    )  # fmt: skip


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


def test_pictures_that_tensors_do_not_make_are_refused(
    train: Run, command: Command, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    run = train(*UNET, "task=inpainting", "task.mask=boxes")
    asked = [f"checkpoint={run}", f"output={tmp_path / 'out'}"]
    assert command("export", *asked, "pixels=true") == 1
    assert (
        "pixels=true: found task Inpainting; expected pairs of pictures" in capsys.readouterr().err
    )
    assert not (tmp_path / "out").exists()
    assert command("export", *asked) == 0
    assert metadata(tmp_path / "out" / "model.onnx")["in_channels"] == "4"


def test_a_network_that_makes_other_pictures_is_not_written(
    pix2pix: Path, command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture,
) -> None:  # fmt: skip
    opened = onnx_file.opened

    def off(file: Path) -> Any:
        run = opened(file)
        return lambda inputs: run(inputs) + 2.1 / 127.5

    monkeypatch.setattr(onnx_file, "opened", off)
    assert command("export", f"checkpoint={pix2pix}", f"output={tmp_path / 'out'}") == 1
    said = capsys.readouterr().err
    assert re.search(r"format=onnx: found pictures that differ .* by [23] levels of 255", said)
    assert not (tmp_path / "out").exists()


ERRORS = [
    ("format=tflite", "format=tflite: found 'tflite'; expected one of onnx, safetensors"),
    ("pixels=1", "pixels=1"),
    ("label=both", "label=both: found 'both'; expected one of baked, input"),
    ("label=input", "label=input: found a network that is told no label"),
    ("opset=12", "opset=12: found 12; expected a whole number from 18 to 23"),
    ("route=BtoA", "route=BtoA: found no such route of Pix2Pix; expected AtoB"),
    ("model.inference=train", "model.inference=train"),
    ("pictures=nowhere", "input=nowhere: found nothing there"),
    ("push=a/b/c", "push=a/b/c: found"),
    ("format=safetensors pixels=true", "pixels=True: found format=safetensors"),
    ("batch=3", "batch: found an option that no part takes"),
]  # fmt: skip


@pytest.mark.parametrize(("options", "words"), ERRORS, ids=[o for o, _ in ERRORS])
def test_what_cannot_be_asked_for(
    options: str, words: str, pix2pix: Path, command: Command, tmp_path: Path,
    capsys: pytest.CaptureFixture,
) -> None:  # fmt: skip
    asked = [f"checkpoint={pix2pix}", f"output={tmp_path / 'out'}", *options.split()]
    assert command("export", *asked) == 1
    assert words in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_missing_package_is_named_with_its_extra(
    pix2pix: Path, command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture,
) -> None:  # fmt: skip
    for form, package in (("onnx", "onnxruntime"), ("safetensors", "safetensors")):
        monkeypatch.setitem(sys.modules, package, None)
        asked = [f"checkpoint={pix2pix}", f"output={tmp_path / 'out'}", f"format={form}"]
        assert command("export", *asked) == 1
        said = capsys.readouterr().err
        assert f"format={form}: found no package {package}; expected the extra `export`" in said
        assert "pip install 'i2i[export]'" in said


def test_what_stands_there_is_kept_unless_asked(
    pix2pix: Path, command: Command, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "config.json").write_text("mine")
    asked = [f"checkpoint={pix2pix}", f"output={tmp_path / 'out'}", "format=safetensors"]
    assert command("export", *asked) == 1
    assert "found config.json, which is there already" in capsys.readouterr().err
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["config.json"]
    assert command("export", *asked, "overwrite=true") == 0
    assert "Pix2Pix" in (tmp_path / "out" / "config.json").read_text()


# ---- weights with a record ----


@pytest.fixture(scope="module")
def folders(
    pix2pix: Path, stargan: Path, labelled_root: Path, train_once: Run,
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, tuple[Path, Path]]:  # fmt: skip
    """A run and what was exported of it, by kind."""
    from conftest import run_command

    labels = [*labelled_options(labelled_root), "dataset.label_as=onehot", *UNET]
    both_ways = ["model=cyclegan", "generator=resnet6", "generator.base_channels=2", *ONE_STEP]
    runs = {
        "pix2pix": pix2pix, "stargan": stargan,
        "onehot": train_once(*labels, "dataset.id_map=null", folder="onehot"),
        "cyclegan": train_once(*both_ways, folder="cyclegan"),
        "inpainting": train_once(*UNET, "task=inpainting", "task.mask=boxes", folder="inpainting"),
    }  # fmt: skip
    root, found = tmp_path_factory.mktemp("folders"), {}
    for kind, run in runs.items():
        asked = [f"checkpoint={run}", f"output={root / kind}", "format=safetensors"]
        asked += ["route=BtoA"] if kind == "cyclegan" else []
        assert run_command("export", *asked, cwd=root) == 0
        found[kind] = (run, root / kind)
    return found


@pytest.mark.parametrize("kind", ["pix2pix", "stargan", "onehot", "cyclegan", "inpainting"])
def test_a_folder_translates_as_its_run_does(
    kind: str, folders: dict[str, tuple[Path, Path]], photo: Path, labelled_root: Path,
    command: Command, tmp_path: Path,
) -> None:  # fmt: skip
    run, folder = folders[kind]
    source = labelled_root / "test" / "label" / "001.png" if kind == "onehot" else photo
    one, two = i2i.load(run, device="cpu"), i2i.load(folder, device="cpu")
    assert two.routes == (("BtoA",) if kind == "cyclegan" else one.routes)
    for route in two.routes:
        for mode in ("paper", "eval"):
            made, expected = (m.translate(source, route, 3, mode=mode) for m in (two, one))
            assert np.array_equal(np.asarray(made), np.asarray(expected))
    route = two.routes[-1]
    pictures = [f"input={source}", f"output={tmp_path / 'out'}", f"route={route}", "seed=3"]
    assert command("translate", f"checkpoint={folder}", *pictures, "model.inference=eval") == 0
    (written,) = (tmp_path / "out").iterdir()
    assert np.array_equal(np.asarray(Image.open(written)), np.asarray(made))


def test_a_folder_holds_no_path_and_names_licence_and_scores(
    folders: dict[str, tuple[Path, Path]],
) -> None:
    for kind, (run, folder) in folders.items():
        assert sorted(f.name for f in folder.iterdir()) == [
            "README.md", "config.json", "model.safetensors"
        ]  # fmt: skip
        text = (folder / "config.json").read_text() + (folder / "README.md").read_text()
        dataset = OmegaConf.load(run / "config.yaml").dataset
        for path in (str(run), str(run.parent), str(dataset.root), "/tmp", str(Path.home())):
            assert path not in text, (kind, path)
    card = (folders["pix2pix"][1] / "README.md").read_text()
    head = card.split("---\n")[1]
    assert "pipeline_tag: image-to-image\n" in head and "license: other\n" in head
    assert "trained on: CC0 | mine." in card
    scores = json.loads((folders["pix2pix"][0] / "test_metrics.json").read_text())
    assert f"{scores['scores']['model (best.ckpt)']['psnr']:.4g}" in card


def tampered(folder: Path, tmp_path: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    copy = tmp_path / "copy"
    copy.mkdir()
    for file in folder.iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
    record = json.loads((copy / "config.json").read_text())
    change(record)
    (copy / "config.json").write_text(json.dumps(record))
    return copy


TAMPERED: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "an_unknown_key": (lambda r: r.update(more=1), "'more' missing, unknown"),
    "a_missing_key": (lambda r: r.pop("routes"), "'routes' missing, unknown"),
    "no_routes": (lambda r: r.update(routes={}), "without routes"),
    "another_kind": (lambda r: r.update(step=True), "'step' missing, unknown or of another kind"),
    "another_format": (lambda r: r.update(i2i_format=2), "i2i_format 2, not 1"),
    "an_unknown_option": (lambda r: r["dataset"].update(root="/x"), "unknown dataset.'root'"),
    "a_foreign_class": (lambda r: r["network"].update(_target_="os.system"), "_target_: os.system"),
    "a_class_of_another_kind": (
        lambda r: r["network"].update(_target_="i2i.data.tasks.task.Task"), "_target_: i2i.data"
    ),
    "a_class_elsewhere": (
        lambda r: r["dataset"].update(found={"_target_": "i2i.data.tasks.task.Task"}), "_target_: "
    ),
    "a_question": (lambda r: r["dataset"].update(name="${oc.env:HOME}"), "asks to be computed"),
    "a_wider_network": (lambda r: r["network"].update(base_channels=8), "another architecture"),
    "a_giant": (lambda r: r["network"].update(base_channels=10**9), "at most"),
    "a_mode": (lambda r: r["routes"]["AtoB"].update(inference="x"), "that cannot be read"),
    "a_place": (lambda r: r["routes"]["AtoB"].update(other="x"), "that cannot be read"),
}  # fmt: skip


@pytest.mark.parametrize("kind", TAMPERED)
def test_a_folder_is_read_strictly(
    kind: str, folders: dict[str, tuple[Path, Path]], tmp_path: Path
) -> None:
    change, words = TAMPERED[kind]
    copy = tampered(folders["pix2pix"][1], tmp_path, change)
    with pytest.raises(SettingError, match=re.escape(words)) as error:
        i2i.load(copy)
    assert str(error.value).startswith(f"path={copy}")


def test_weights_must_be_the_network_s_and_no_others(
    folders: dict[str, tuple[Path, Path]], tmp_path: Path
) -> None:
    from safetensors.torch import load_file, save_file

    copy = tampered(folders["pix2pix"][1], tmp_path, lambda record: None)
    weights = load_file(copy / "model.safetensors")
    first = "downs.0.conv.weight"
    fewer = {k: v for k, v in weights.items() if k != first}
    nan = {**weights, first: weights[first] * torch.nan}
    for changed, words in (
        (fewer, "another architecture"), ({**weights, "more": torch.zeros(1)}, "no such weight"),
        (nan, "NaN or infinite"),
    ):  # fmt: skip
        save_file(changed, copy / "model.safetensors")
        with pytest.raises(SettingError, match=words):
            i2i.load(copy)
    (copy / "config.json").unlink()
    with pytest.raises(SettingError, match=r"no readable config\.json"):
        i2i.load(copy)


def test_a_run_starts_from_a_folder(
    folders: dict[str, tuple[Path, Path]], train: Run, capsys: pytest.CaptureFixture
) -> None:
    train(*UNET, f"init_from={folders['pix2pix'][1]}", "init_players=generator")
    assert "a generator alone" in capsys.readouterr().out


class Hub:
    """Stands in for the client of the hub, and notes what it is asked for."""

    asked: Any = None

    def create_repo(self, name: str, **options: Any) -> str:
        if name == "somebody/else":
            raise PermissionError("403 Forbidden")
        Hub.asked = [name, options]
        return f"https://hub.example/{name}"

    def upload_folder(self, **options: Any) -> None:
        folder = Path(options["folder_path"])
        found = {f.name for f in folder.iterdir() if f.name in options["allow_patterns"]}
        Hub.asked += [options["repo_id"], sorted(found)]


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    Hub.asked = None
    monkeypatch.setattr("huggingface_hub.HfApi", Hub)
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    yield


@pytest.mark.usefixtures("no_network")
def test_only_what_is_asked_for_goes_to_the_hub(
    pix2pix: Path, command: Command, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "private.txt").write_text("mine")
    asked = [f"checkpoint={pix2pix}", f"output={out}", "format=safetensors"]
    assert command("export", *asked) == 0
    assert Hub.asked is None
    assert command("export", *asked, "overwrite=true", "push=me/model") == 0
    files = ["README.md", "config.json", "model.safetensors"]
    assert Hub.asked == ["me/model", {"private": True, "exist_ok": True}, "me/model", files]
    assert "Uploaded to https://hub.example/me/model" in capsys.readouterr().out
    assert not any("hf_secret" in (out / name).read_bytes().decode("latin-1") for name in files)
    assert command("export", *asked, "overwrite=true", "push=somebody/else") == 1
    said = capsys.readouterr().err
    assert (
        "push=somebody/else: found no way to upload (403 Forbidden)" in said and "HF_TOKEN" in said
    )
