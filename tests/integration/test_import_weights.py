"""``python src/import_weights.py``: the field's weights become a run that the commands take."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor

from conftest import Run, smooth_noise
from field_networks import FieldPatchGAN, FieldResNet, FieldUNet, randomised
from i2i.checkpoints.saved_model import load_model
from i2i.files.safetensors_file import NAME
from i2i.seeds import stable_seed
from weights_server import serving

Files = dict[str, Path]
STILL = ["trainer.max_steps=1", "optimizer.generator.lr=1e-30", "baselines=false"]
SMALL = ["generator.base_channels=2", "discriminator.base_channels=4"]
UNET = ["generator.n_downs=6", "generator.base_channels=2"]
NETWORKS = {
    "unet": lambda: randomised(FieldUNet, "batch", 6, 2, dropout=True),
    "resnet": lambda: randomised(FieldResNet, "instance", 9, 2),
    "back": lambda: randomised(FieldResNet, "instance", 9, 2, seed=1),
    "wide": lambda: randomised(FieldResNet, "instance", 9, 4),
    "grey": lambda: randomised(FieldResNet, "instance", 9, 2, i=1, o=3),
    "judge": lambda: randomised(FieldPatchGAN, "batch", base=4),
    "judge_alone": lambda: randomised(FieldPatchGAN, "instance", base=4, i=3),
}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    folder = tmp_path_factory.mktemp("field")
    for name, make in NETWORKS.items():
        torch.save(make().state_dict(), folder / f"{name}.pth")
    (folder / "text.pth").write_text("<html></html>")
    torch.save({"synthesis.b4.const": torch.ones(4)}, folder / "stylegan.pth")
    return {file.stem: file for file in folder.iterdir()}


@pytest.fixture
def imported(command: Callable[..., int], files: Files, tmp_path: Path) -> Callable[..., Path]:
    """Imports with options in which names in braces are files."""

    def run(*options: str) -> Path:
        output = tmp_path / "imported"
        words = [option.format(**files) for option in options]
        assert command("import_weights", *words, f"output={output}") == 0
        return output

    return run


def picture(folder: Path, size: int = 64, name: str = "a.png") -> Tensor:
    """Writes a picture; returns it as a network sees it, (1, 3, size, size)."""
    image = smooth_noise(np.random.default_rng(0), size)
    folder.mkdir(exist_ok=True)
    cv2.imwrite(str(folder / name), image)
    return torch.tensor(image[:, :, ::-1].copy()).permute(2, 0, 1)[None].float() / 127.5 - 1


def levels(made: Tensor) -> np.ndarray:
    return ((made[0].permute(1, 2, 0) + 1) * 127.5).round().clamp(0, 255).byte().numpy()


def translated(command: Callable[..., int], run: Path, folder: Path, *options: str) -> np.ndarray:
    out = folder.with_name("out")
    words = [f"checkpoint={run}", f"input={folder}", f"output={out}", "overwrite=true", *options]
    assert command("translate", *words) == 0
    return cv2.imread(str(out / "a.png"))[:, :, ::-1]


@torch.no_grad()
def test_pix2pix_translates_as_their_test_script_does(
    command: Callable[..., int], imported: Callable[..., Path], tmp_path: Path,
    capsys: pytest.CaptureFixture,
) -> None:  # fmt: skip
    run = imported("file={unet}")
    printed = capsys.readouterr().out
    assert "unet.pth: U-Net generator of 6 halvings, 2 channels, 3 -> 3, batch norm" in printed
    assert "model=pix2pix (the authors' usual one for such a network), dropout=0.5" in printed
    assert "In no file, and untrained: discriminator" in printed and "Translates AtoB" in printed
    x, theirs = picture(tmp_path / "in"), NETWORKS["unet"]()
    made = translated(command, run, tmp_path / "in")
    with torch.random.fork_rng():
        torch.manual_seed(stable_seed(0, "a"))
        expected = levels(theirs.train()(x))
    assert np.abs(made.astype(int) - expected).max() <= 1
    made = translated(command, run, tmp_path / "in", "model.inference=eval")
    evaluated = levels(NETWORKS["unet"]().eval()(x))
    assert np.abs(made.astype(int) - evaluated).max() <= 1
    assert np.abs(evaluated.astype(int) - expected).max() > 20


@torch.no_grad()
def test_one_file_of_cyclegan_translates_one_way(
    command: Callable[..., int], imported: Callable[..., Path], tmp_path: Path,
    capsys: pytest.CaptureFixture,
) -> None:  # fmt: skip
    run = imported("file={resnet}", "dataset.direction=BtoA")
    assert "untrained: discriminator, generator.back\nTranslates BtoA:" in capsys.readouterr().out
    model, checkpoint = load_model(str(run), {})
    assert model.routes == ("BtoA",) and not model.ways_back
    assert {name.split(".")[0] for name in checkpoint.weights} == {"generator"}
    x = picture(tmp_path / "in")
    made = translated(command, run, tmp_path / "in")
    assert np.abs(made.astype(int) - levels(NETWORKS["resnet"]()(x))).max() <= 1
    words = [f"checkpoint={run}", f"input={tmp_path}/in", f"output={tmp_path}/no", "route=AtoB"]
    assert command("translate", *words) == 1
    assert "route=AtoB: found no such route of CycleGAN" in capsys.readouterr().err


@torch.no_grad()
def test_four_files_of_cyclegan_are_a_whole_system(
    command: Callable[..., int], imported: Callable[..., Path], tmp_path: Path
) -> None:
    run = imported(
        "file={resnet}", "file_back={back}", "file_D={judge_alone}", "file_D_back={judge_alone}"
    )
    model, checkpoint = load_model(str(run), {})
    assert model.routes == ("AtoB", "BtoA") and model.ways_back and not checkpoint.absent
    x = picture(tmp_path / "in")
    made = translated(command, run, tmp_path / "in", "route=BtoA")
    assert np.abs(made.astype(int) - levels(NETWORKS["back"]()(x))).max() <= 1
    logits = model.discriminator["there"](x, x).logits[0]
    torch.testing.assert_close(logits, NETWORKS["judge_alone"]()(x), atol=1e-6, rtol=0)


def test_an_imported_run_is_scored(
    command: Callable[..., int], imported: Callable[..., Path], pairs_root: Path, tmp_path: Path
) -> None:
    run = imported("file={unet}", f"dataset.root={pairs_root}", "dataset.image_size=64")
    options = ["metrics=pairwise", "trainer=cpu", f"output={tmp_path}/scores"]
    assert command("evaluate", f"checkpoint={run}", "dataset.num_workers=0", *options) == 0
    scores = json.loads((tmp_path / "scores" / "metrics.json").read_text())
    assert scores["step"] == 0 and np.isfinite(scores["scores"]["ssim"])


def test_what_was_taken_over_is_written_down(imported: Callable[..., Path], files: Files) -> None:
    run = imported("file={unet}", "file_D={judge}", "dataset=facades")
    record = json.loads((run / "import.json").read_text())
    assert record["files"]["file"]["file"] == str(files["unet"])
    assert len(record["files"]["file_D"]["sha256"]) == 64 and record["absent"] == []
    content = torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)
    config = content["i2i"]["config"]
    assert config["dataset"]["direction"] == "BtoA" and config["dataset"]["name"] == "facades"
    assert config["presets"]["generator"] == "unet" and config["model"]["inference"] == "paper"
    assert config["generator"]["dropout_layers"] == [2]
    assert content["global_step"] == 0


def test_a_published_model_comes_with_its_data_set_and_direction(
    command: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    """At the full size, 45 MB; then another file at the same address, which is refused."""
    theirs = FieldResNet("instance", base=64)
    torch.save(theirs.state_dict(), tmp_path / "net.pth")
    changed = dict(theirs.state_dict()) | {"model.26.bias": torch.ones(3)}
    options = [f"cache_dir={tmp_path}/cache", f"output={tmp_path}/run"]
    with serving() as server:
        server.body = (tmp_path / "net.pth").read_bytes()
        options += ["preset=zebra2horse", f"host={server.host}"]
        assert command("import_weights", *options) == 0
        assert "Translates BtoA" in capsys.readouterr().out
        record = json.loads((tmp_path / "run" / "import.json").read_text())
        assert record["published"] == "cyclegan/zebra2horse"
        config = load_model(str(tmp_path / "run"), {})[1].config
        assert (config["dataset"]["name"], config["dataset"]["direction"]) == (
            "horse2zebra",
            "BtoA",
        )
        (kept,) = (tmp_path / "cache").rglob("*.pth")
        kept.unlink()
        torch.save(changed, tmp_path / "net.pth")
        server.body = (tmp_path / "net.pth").read_bytes()
        assert command("import_weights", *options[:1], *options[2:], "output=again") == 1
        told = capsys.readouterr().err
        assert record["files"]["file"]["sha256"] in told and not kept.exists()


def test_a_download_of_another_network_is_named_with_its_file(
    command: Callable[..., int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: Files,
    capsys: pytest.CaptureFixture,
) -> None:  # fmt: skip
    size = files["unet"].stat().st_size
    monkeypatch.setattr("i2i.imported.published.PARAMETERS", {"cyclegan": size // 4 - 10})
    with serving() as server:
        server.body = files["unet"].read_bytes()
        options = ["preset=horse2zebra", f"host={server.host}", f"cache_dir={tmp_path}"]
        assert command("import_weights", *options, f"output={tmp_path}/run") == 1
    (kept,) = tmp_path.rglob("*.pth")
    told = capsys.readouterr().err
    assert f"preset=horse2zebra ({kept}): found a U-Net" in told
    assert f"Delete {kept} to download it anew." in told
    assert not list(tmp_path.rglob(".i2i-downloads.json"))


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ([], "file: found no value; expected a generator's weights."),
        (["file_back={back}"], "file: found file_back alone; expected a generator's weights."),
        (["file={unet}", "outptu=x"], "outptu: found an option that no part takes"),
        (["file={unet}", "model.lambda_l2=1"], "model.lambda_l2: found an option that no part"),
        (["file={unet}", "dataset.rooot=x"], "dataset.rooot: found an option that no part takes"),
        (["file={unet}", "generator.n_downs=6"], "generator.n_downs: found an option that no part"),
        (["file={unet}", "generator=resnet9"], "generator: found an option of a network, which"),
        (["file={unet}", "model=cut"], "model=cut: found a system that their code does not train"),
        (["file=no.pth"], "file=no.pth: found no such file; expected the state dict of one netw"),
        (["file={text}"], "found a web page, as a download that failed leaves it"),
        (["file={stylegan}"], "found 1 tensor of another network (synthesis.b4.const (4,))"),
        (["file={judge}"], "found a PatchGAN discriminator of 3 strided convolutions, 4 channels, "
         "6 -> 1, batch norm; expected a generator. Name it with file_D=."),
        (["file={unet}", "file_D={resnet}"], "expected a discriminator. Name it with file=."),
        (["file={unet}", "file_D={judge_alone}", "model=cyclegan", "file_back={resnet}"],
         "expected the network of file, a U-Net generator"),
        (["file={resnet}", "file_D={judge}"], "found a discriminator that takes 6 channels; "
         "expected one that takes 3, as that of model=cyclegan"),
        (["file={unet}", "file_back={unet}", "model=pix2pix"], "found model=pix2pix, which has no "
         "way back"),
        (["file={resnet}", "file_back={wide}"], "expected the network of file, a ResNet"),
        (["file={grey}", "file_back={grey}"], "found channels 1 -> 3; expected 3 -> 1"),
        (["file={unet}", "norm=group"], "norm=group: found 'group'; expected one of batch"),
        (["file={unet}", "dropout=2"], "dropout=2: found 2; expected a share from 0 to below 1"),
        (["file={resnet}", "dropout=0.5"], "dropout=0.5: found a ResNet generator of 9 blocks"),
        (["file={resnet}", "preset=edges2shoes"], "expected that of pix2pix's edges2shoes, a U-Net "
         "generator of 8 halvings"),
        (["file={resnet}", "preset=sat2map", "model=pix2pix"], "Leave preset out to import "
         "another network."),
        (["file={unet}", "preset=sat2map"], "Leave preset out to import another network."),
        (["preset=edges2shoes", "model=cyclegan"], "found no published weights of that name of "
         "cyclegan; expected model=pix2pix, which has some. Leave model out."),
        (["preset=sat2map"], "preset=sat2map: found a name that pix2pix and CycleGAN both have"),
        (["file={unet}", "preset=zebra"], "preset=zebra: found no published weights of that name"),
        (["preset=horse2zebra", "host=x"], "preset=horse2zebra: found the address 'x/cyclegan/"),
        (["file={grey}", "dataset=horse2zebra"], "dataset.input_channels=3: found 3 channels in "
         "the data set; expected 1, as the network of"),
        (["file={unet}", "dataset=horse2zebra"], "dataset.pairing"),
        (["file={unet}", "seed=-1"], "seed=-1"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)  # fmt: skip
def test_what_cannot_be_meant_is_refused_and_leaves_nothing(
    command: Callable[..., int], files: Files, tmp_path: Path, options: Sequence[str], told: str,
    capsys: pytest.CaptureFixture,
) -> None:  # fmt: skip
    words = [option.format(**files) for option in options]
    assert command("import_weights", *words, f"output={tmp_path}/new") == 1
    assert told in capsys.readouterr().err
    assert not list(tmp_path.rglob("*.ckpt"))


def test_an_earlier_run_is_not_overwritten(
    command: Callable[..., int], imported: Callable[..., Path], files: Files,
    capsys: pytest.CaptureFixture,
) -> None:  # fmt: skip
    run = imported("file={unet}")
    before = (run / "checkpoints" / "last.ckpt").read_bytes()
    assert command("import_weights", f"file={files['resnet']}", f"output={run}") == 1
    assert "found checkpoints/last.ckpt of an earlier run" in capsys.readouterr().err
    assert (run / "checkpoints" / "last.ckpt").read_bytes() == before
    assert command("train", f"resume={run}") == 1
    assert "found imported weights, without the state of a training" in capsys.readouterr().err


def test_a_state_dict_is_no_checkpoint_and_the_way_to_make_one_is_named(
    command: Callable[..., int], files: Files, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    picture(tmp_path / "in")
    words = [f"checkpoint={files['unet']}", f"input={tmp_path}/in", f"output={tmp_path}/out"]
    assert command("translate", *words) == 1
    assert "taken over by src/import_weights.py file=FILE." in capsys.readouterr().err


# ---- init_from= ----


def last(run: Path) -> dict[str, Tensor]:
    return torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]


def convolutions(weights: dict[str, Tensor]) -> list[str]:
    return [name for name, value in weights.items() if value.ndim == 4]


def test_a_run_starts_from_imported_weights(
    train: Run, imported: Callable[..., Path], files: Files, capsys: pytest.CaptureFixture
) -> None:
    source = imported("file={unet}")
    its = last(source)
    for folder, start in (("one", source), ("two", files["unet"])):
        run = train(*STILL, *UNET, f"init_from={start}", folder=folder)
        mine = last(run)
        assert all(torch.equal(mine[name], its[name]) for name in convolutions(its))
        told = capsys.readouterr().out
        assert f"Starts from {start}" in told and "New: discriminator, optimizers" in told
    assert "(U-Net generator of 6 halvings, 2 channels, 3 -> 3, batch norm): generator" in told


def test_one_way_of_cyclegan_starts_from_one_generator(
    train: Run, files: Files, capsys: pytest.CaptureFixture
) -> None:
    options = [*STILL, *SMALL, "model=cyclegan", "model.ema_decay=0.9"]
    mine = last(train(*options, f"init_from={files['resnet']}", "generator=resnet9"))
    its = NETWORKS["resnet"]().state_dict()
    assert torch.equal(mine["generator.there.layers.1.weight"], its["model.1.weight"])
    assert torch.equal(mine["ema.network.there.layers.1.weight"], its["model.1.weight"])
    assert not torch.equal(mine["generator.back.layers.1.weight"], its["model.1.weight"])
    assert "New: discriminator, generator.back, optimizers" in capsys.readouterr().out


@pytest.mark.parametrize("route", [None, "BtoA"])
def test_a_run_starts_from_safetensors(
    train: Run, tmp_path: Path, route: str | None, capsys: pytest.CaptureFixture
) -> None:
    from safetensors.torch import save_file

    export = tmp_path / "export"
    export.mkdir()
    torch.manual_seed(0)
    source = train(*STILL, *SMALL, "model=cyclegan", "generator=resnet6", folder="source")
    its = last(source)
    prefix = "generator.there."
    alone = {n.removeprefix(prefix): v for n, v in its.items() if n.startswith(prefix)}
    save_file(alone, export / NAME)
    (export / "config.json").write_text(json.dumps({"route": route}))
    for folder, start in (("one", export), ("two", export / NAME)):
        options = [*STILL, *SMALL, "model=cyclegan", "generator=resnet6", "seed=4"]
        mine = last(train(*options, f"init_from={start}", folder=folder))
        way = "there" if route is None else "back"
        for name in (n for n, v in alone.items() if v.ndim == 4):
            assert torch.equal(mine[f"generator.{way}.{name}"], alone[name])
        told = capsys.readouterr().out
        assert f"Starts from {export / NAME} (a generator alone): generator" in told


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["init_from={judge}"], "expected a generator. Give the generator's file"),
        (["init_from={resnet}"], "found another generator: the weight"),
        (["init_from={unet}", "init_players=discriminator"], "init_players=discriminator: found "
         "no weights of it in"),
        (["init_from={text}"], "found a web page, as a download that failed leaves it"),
    ],
    ids=["discriminator", "another network", "other player", "text"],
)  # fmt: skip
def test_files_that_nothing_can_start_from_are_refused(
    command: Callable[..., int], tiny: list[str], files: Files, options: list[str], told: str,
    capsys: pytest.CaptureFixture,
) -> None:  # fmt: skip
    words = [option.format(**files) for option in options]
    assert command("train", *tiny, *UNET, *STILL, *words) == 1
    assert told in capsys.readouterr().err


def test_channels_of_a_state_dict_are_mapped(train: Run, files: Files) -> None:
    options = ["dataset.input_channels=1", "init_channels.input=[1]"]
    mine = last(train(*STILL, *UNET, f"init_from={files['unet']}", *options))
    its = NETWORKS["unet"]().state_dict()["model.model.0.weight"]
    assert torch.equal(mine["generator.downs.0.conv.weight"], its[:, [1]])


def test_channels_of_safetensors_are_mapped_where_its_record_tells_them(
    train: Run, imported: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    from safetensors.torch import save_file

    its = {n.removeprefix("generator."): v for n, v in last(imported("file={unet}")).items()}
    save_file(its, tmp_path / NAME)
    (tmp_path / "config.json").write_text('{"generator": {"in_channels": 3, "out_channels": 3}}')
    options = ["dataset.input_channels=1", "init_channels.input=[2]"]
    mine = last(train(*STILL, *UNET, f"init_from={tmp_path}", *options))
    name = "downs.0.conv.weight"
    assert torch.equal(mine[f"generator.{name}"], its[name][:, [2]])
    assert ": generator, channels input [2]." in capsys.readouterr().out
