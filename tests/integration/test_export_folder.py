"""export.py format=safetensors: a folder of weights, a record and a card, read strictly."""

import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from omegaconf import OmegaConf
from PIL import Image

import i2i
from conftest import TINY_UNET, Run, labelled_options, run_command
from domain_folders import SMALL_STARGAN, write_domains
from i2i.errors import SettingError
from i2i.sharing import folder as module

Command = Callable[..., int]
pytestmark = pytest.mark.numeric
ONE_STEP = ["trainer.max_steps=1", "baselines=false"]
UNET = [*TINY_UNET, *ONE_STEP]


@pytest.fixture(scope="module")
def pix2pix(train_once: Run) -> Path:
    return train_once(*UNET, "dataset.licence='CC0 | mine'", folder="pix2pix")


@pytest.fixture(scope="module")
def stargan(train_once: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = write_domains(tmp_path_factory.mktemp("sets") / "domains", {"dim": 0, "light": 120})
    return train_once(*data, *SMALL_STARGAN, *ONE_STEP, folder="stargan")


@pytest.fixture(scope="module")
def folders(
    pix2pix: Path, stargan: Path, labelled_root: Path, train_once: Run,
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, tuple[Path, Path]]:  # fmt: skip
    """A run and what was exported of it, by kind."""
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


def test_every_route_of_a_folder_is_compared(
    stargan: Path, command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture,
) -> None:  # fmt: skip
    recorded = module.record

    def odd(*given: Any) -> dict[str, Any]:
        found = recorded(*given)
        *_, last = found["routes"].values()
        last["label"] = [1.0 - value for value in last["label"]]
        return found

    monkeypatch.setattr(module, "record", odd)
    asked = [f"checkpoint={stargan}", f"output={tmp_path / 'out'}", "format=safetensors"]
    assert command("export", *asked) == 1
    assert "pictures that differ from the model's by" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_folder_that_was_replaced_half_way_is_none(
    pix2pix: Path, command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = [f"checkpoint={pix2pix}", f"output={tmp_path}", "format=safetensors"]
    assert command("export", *asked) == 0
    replace, replaced = os.replace, []

    def full(source: Path, target: Path) -> None:
        if target.parent == tmp_path and replaced:
            raise OSError(28, "No space left on device")
        replaced.extend([target.name] if target.parent == tmp_path else [])
        replace(source, target)

    monkeypatch.setattr(os, "replace", full)
    assert command("export", *asked, "overwrite=true") == 1
    monkeypatch.undo()
    assert replaced == ["model.safetensors"]
    with pytest.raises(SettingError, match=r"config\.json"):
        i2i.load(tmp_path)
    assert command("export", *asked, "overwrite=true") == 0
    i2i.load(tmp_path)
