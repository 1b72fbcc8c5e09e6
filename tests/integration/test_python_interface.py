"""``i2i.load``: the same pictures as translate.py, from Python, without Lightning and Hydra."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

import i2i
from conftest import LABEL_COLOURS, ROOT, TINY_UNET, Run, labelled_options, smooth_noise
from domain_folders import SMALL_STARGAN, write_domains
from i2i.errors import SettingError
from i2i.files.saving import save_whole

Command = Callable[..., int]
ONE_STEP = ["trainer.max_steps=1", "baselines=false"]
UNET = [*TINY_UNET, *ONE_STEP]
BOTH_WAYS = ["dataset=folder", "model=cyclegan", "generator=resnet6", "generator.base_channels=2"]
CODES = [
    "model=bicyclegan", *UNET, "model.encoder.base_channels=2", "model.encoder.n_downs=4",
    "model.encoder.latent=3", "dataset.batch_size=2",
]  # fmt: skip


@pytest.fixture(scope="module")
def pix2pix(train_once: Run) -> Path:
    return train_once(*UNET, folder="pix2pix")


@pytest.fixture(scope="module")
def runs(
    pix2pix: Path, train_once: Run, labelled_root: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Path]:
    """A run of each kind, trained when it is asked for."""
    made, root = {"pix2pix": pix2pix}, tmp_path_factory.mktemp("sets")
    labels = [*labelled_options(labelled_root), *UNET]
    kinds: dict[str, Callable[[], list[str]]] = {
        "average": lambda: [*UNET, "model.ema_decay=0.5"],
        "cyclegan": lambda: [*BOTH_WAYS, *ONE_STEP],
        "stargan": lambda: [
            *write_domains(root / "domains", {"dim": 0, "light": 120}),
            *SMALL_STARGAN,
            *ONE_STEP,
        ],
        "bicyclegan": lambda: CODES,
        "colours": lambda: labels,
        "onehot": lambda: [*labels, "dataset.label_as=onehot"],
        "segmenter": lambda: [*labels, "dataset.label_as=onehot", "dataset.direction=AtoB"],
        "inpainting": lambda: [*UNET, "task=inpainting", "task.mask=boxes"],
        "colorization": lambda: [*UNET, "task=colorization"],
        "super_resolution": lambda: ["task=super_resolution", *ONE_STEP],
        "grey": lambda: [*UNET, "dataset.target_channels=1"],
    }

    def run(kind: str) -> Path:
        if kind not in made:
            made[kind] = train_once(*kinds[kind](), folder=kind)
        return made[kind]

    return run


@pytest.fixture(scope="module")
def label(labelled_root: Path) -> Path:
    return labelled_root / "test" / "label" / "001.png"


def by_command(command: Command, run_dir: Path, source: Path, output: Path, *options: str) -> Any:
    """What translate.py writes, by name."""
    asked = [f"checkpoint={run_dir}", f"input={source}", f"output={output}", "accelerator=cpu"]
    assert command("translate", *asked, "seed=0", *options) == 0
    return {file.stem: np.asarray(Image.open(file)) for file in output.glob("*.png")}


CASES: list[tuple[str, dict[str, Any], list[str]]] = [
    ("pix2pix", {}, []),
    ("pix2pix", {"mode": "eval"}, ["model.inference=eval"]),
    ("cyclegan", {"tile": 32, "overlap": 8}, ["tile=32", "overlap=8"]),
    ("average", {}, []),
    ("cyclegan", {}, []),
    ("cyclegan", {"route": "BtoA"}, ["route=BtoA"]),
    ("stargan", {}, []),
    ("stargan", {"route": "light"}, ["domain=light"]),
    ("bicyclegan", {}, []),
    ("inpainting", {}, []),
    ("colorization", {}, []),
    ("super_resolution", {}, []),
    ("grey", {}, []),
    ("segmenter", {}, []),
]


@pytest.mark.parametrize(
    ("kind", "asked", "options"), CASES, ids=[f"{kind}-{asked}" for kind, asked, _ in CASES]
)
def test_the_pictures_are_those_of_the_command(
    kind: str, asked: dict[str, Any], options: list[str], runs: Callable[[str], Path],
    command: Command, photo: Path, tmp_path: Path,
) -> None:  # fmt: skip
    run_dir = runs(kind)
    expected = by_command(command, run_dir, photo, tmp_path / "out", *options)["photo"]
    model = i2i.load(run_dir, device="cpu")
    made = model.translate(photo, **asked)
    assert made.mode == ("L" if kind == "grey" else "RGB")
    assert np.array_equal(np.asarray(made), expected)
    pixels = np.asarray(Image.open(photo))
    same = model.translate(pixels, name="photo", **asked)
    assert same.dtype == np.uint8 and same.shape == (*expected.shape[:2], len(made.getbands()))
    assert np.array_equal(same.squeeze(), expected)


@pytest.mark.parametrize("kind", ["pix2pix", "bicyclegan"])
def test_samples_are_those_of_the_command(
    kind: str, runs: Callable[[str], Path], command: Command, photo: Path, tmp_path: Path
) -> None:
    run_dir = runs(kind)
    options = ["samples=3", "lpips_weights=null"]
    expected = by_command(command, run_dir, photo, tmp_path / "out", *options)
    made = i2i.load(run_dir).translate(photo, samples=3)
    assert [np.array_equal(m, expected[f"photo_{k}"]) for k, m in enumerate(made)] == [True] * 3
    assert not np.array_equal(made[0], made[1])


@pytest.mark.parametrize("kind", ["colours", "onehot"])
def test_label_maps_are_taken_in_colours_and_as_ids(
    kind: str, runs: Callable[[str], Path], command: Command, label: Path, tmp_path: Path
) -> None:
    run_dir = runs(kind)
    expected = by_command(command, run_dir, label, tmp_path / "out")["001"]
    model, colours = i2i.load(run_dir), np.asarray(Image.open(label))
    ids = np.full(colours.shape[:2], 255, np.uint8)
    for number, colour in enumerate(LABEL_COLOURS.values()):
        ids[(colours == colour).all(2)] = number
    opened = Image.open(label)
    palette = opened.convert("P", palette=Image.Palette.ADAPTIVE, colors=8)
    for given in (label, colours, ids, opened, Image.fromarray(ids), palette):
        made = model.translate(given, name="001")
        assert np.array_equal(np.asarray(made), expected), type(given)


def test_label_maps_are_given_in_colours_and_as_ids(
    runs: Callable[[str], Path], photo: Path
) -> None:
    model = i2i.load(runs("segmenter"))
    colours, ids = (np.asarray(model.translate(photo, returns=kind)) for kind in ("array", "ids"))
    assert ids.shape == (50, 70) and ids.dtype == np.uint8 and set(np.unique(ids)) <= {0, 1, 2, 3}
    assert np.array_equal(np.array([*LABEL_COLOURS.values()], np.uint8)[ids], colours)
    with pytest.raises(SettingError, match="returns=ids: found a model whose targets are no label"):
        i2i.load(runs("pix2pix")).translate(photo, returns="ids")


def test_a_mask_says_where_to_fill_in(
    runs: Callable[[str], Path], command: Command, photo: Path, tmp_path: Path
) -> None:
    hole = np.zeros((50, 70), bool)
    hole[10:30, 20:50] = True
    file = tmp_path / "mask.png"
    assert cv2.imwrite(str(file), 255 * hole.astype(np.uint8))
    run_dir = runs("inpainting")
    expected = by_command(command, run_dir, photo, tmp_path / "out", f"mask={file}")["photo"]
    model = i2i.load(run_dir)
    for mask in (file, hole, 255 * hole.astype(np.uint8), Image.open(file)):
        assert np.array_equal(np.asarray(model.translate(photo, mask=mask)), expected)
    with pytest.raises(SettingError, match="mask: found 70 x 50 pixels"):
        model.translate(photo, mask=hole.T)
    with pytest.raises(SettingError, match="every pixel above 127"):
        model.translate(photo, mask=np.ones((50, 70), bool))


def test_a_checkpoint_without_a_description_gives_the_same(
    runs: Callable[[str], Path], photo: Path, tmp_path: Path
) -> None:
    for kind in ("average", "cyclegan", "stargan", "bicyclegan"):
        content = torch.load(runs(kind) / "checkpoints" / "last.ckpt", weights_only=True)
        assert content["i2i"].pop("translates")["routes"]
        save_whole(content, tmp_path / "old.ckpt")
        old, new = i2i.load(tmp_path / "old.ckpt"), i2i.load(runs(kind))
        assert old.routes == new.routes
        for route in new.routes:
            pictures = [np.asarray(model.translate(photo, route)) for model in (old, new)]
            assert np.array_equal(*pictures)


def saved(picture: Image.Image, file: Path) -> Path:
    exif = picture.getexif()
    picture.save(file, exif=exif) if len(exif) else picture.save(file)
    return file


def pictures_of_pillow() -> Iterator[tuple[str, Image.Image]]:
    rng = np.random.default_rng(7)
    colours = Image.fromarray(smooth_noise(rng, 48)).resize((60, 40))
    alpha = Image.fromarray(rng.integers(0, 256, (40, 60), dtype=np.uint8))
    yield "RGB", colours
    yield "L", colours.convert("L")
    yield "1", colours.convert("1")
    yield "P", colours.quantize(16)
    yield "RGBA", Image.merge("RGBA", (*colours.split(), alpha))
    yield "LA", Image.merge("LA", (colours.convert("L"), alpha))
    seen = colours.quantize(16)
    seen.info["transparency"] = 3
    yield "P and transparency", seen
    yield "I;16", Image.fromarray(rng.integers(0, 65536, (40, 60), dtype=np.uint16))
    turned = colours.copy()
    turned.getexif()[0x0112] = 6
    yield "EXIF", turned


PICTURES = dict(pictures_of_pillow())


@pytest.mark.parametrize("mode", PICTURES)
def test_an_image_of_pillow_is_read_as_its_file_is(
    mode: str, pix2pix: Path, tmp_path: Path
) -> None:
    model, picture = i2i.load(pix2pix), PICTURES[mode]
    file = saved(picture, tmp_path / "picture.png")
    made = [np.asarray(model.translate(given)) for given in (picture, file, Image.open(file))]
    assert np.array_equal(made[0], made[1]) and np.array_equal(made[0], made[2])
    assert made[0].shape == ((60, 40, 3) if mode == "EXIF" else (40, 60, 3))


def test_several_pictures_come_back_in_order_whoever_is_beside_them(
    pix2pix: Path, tmp_path: Path
) -> None:
    rng, files = np.random.default_rng(3), []
    for i in range(12):
        file = tmp_path / f"{i:02d}.png"
        size = (64, 64) if i % 3 else (40, 72)
        assert cv2.imwrite(str(file), cv2.resize(smooth_noise(rng, 64), size))
        files.append(file)
    model = i2i.load(pix2pix)
    alone = [np.asarray(model.translate(file)) for file in files]
    listed = model.translate(files)
    assert isinstance(listed, list)
    assert all(map(np.array_equal, map(np.asarray, listed), alone))
    taken: list[Path] = []

    def files_one_by_one() -> Iterator[Path]:
        for file in [*files, tmp_path / "no such picture.png"]:
            taken.append(file)
            yield file

    coming = model.translate(files_one_by_one())
    assert not taken and np.array_equal(np.asarray(next(coming)), alone[0])
    assert all(np.array_equal(np.asarray(next(coming)), one) for one in alone[1:])
    with pytest.raises(SettingError, match="no such picture"):
        next(coming)
    assert model.translate([]) == []


def test_threads_do_not_disturb_each_other_nor_the_numbers_of_others(
    pix2pix: Path, photo: Path
) -> None:
    model = i2i.load(pix2pix)
    alone = [np.asarray(model.translate(photo, seed=seed)) for seed in range(4)]
    assert not np.array_equal(alone[0], alone[1])
    found: dict[int, list[np.ndarray]] = {seed: [] for seed in range(4)}

    def work(seed: int) -> None:
        for _ in range(5):
            found[seed].append(np.asarray(model.translate(photo, seed=seed)))

    torch.manual_seed(11)
    expected = torch.rand(5)
    torch.manual_seed(11)
    threads = [threading.Thread(target=work, args=(seed,)) for seed in found]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(np.array_equal(one, alone[seed]) for seed, its in found.items() for one in its)
    assert all(len(its) == 5 for its in found.values())
    i2i.load(pix2pix)
    assert torch.equal(torch.rand(5), expected)


def test_an_iterator_that_fails_gives_the_pictures_before_it(pix2pix: Path, photo: Path) -> None:
    def some() -> Iterator[Path]:
        yield from [photo] * 20
        raise OSError("the camera is gone")

    found = i2i.load(pix2pix).translate(some())
    assert len([next(found) for _ in range(20)]) == 20
    with pytest.raises(OSError, match="the camera is gone"):
        next(found)


def test_files_that_turn_themselves_or_end_early(pix2pix: Path, tmp_path: Path) -> None:
    """Pillow turns a TIFF when it loads it, and other formats not."""
    model = i2i.load(pix2pix)
    turned = PICTURES["EXIF"]
    for suffix in ("tif", "jpg", "webp"):
        file = saved(turned, tmp_path / f"picture.{suffix}")
        made = [np.asarray(model.translate(given)) for given in (file, Image.open(file))]
        assert made[0].shape == made[1].shape == (60, 40, 3), suffix
    cut = tmp_path / "cut.png"
    cut.write_bytes(saved(PICTURES["RGB"], tmp_path / "whole.png").read_bytes()[:900])
    with pytest.raises(SettingError, match="an image of Pillow's that cannot be decoded"):
        model.translate(Image.open(cut))


def test_a_device_is_named_as_in_torch_or_refused(pix2pix: Path) -> None:
    for device in ("auto", "cpu", torch.device("cpu")):
        assert i2i.load(pix2pix, device).device.type in ("cpu", "cuda", "mps")
    for wrong in ("cuda:99", "tpu", 3.5):
        with pytest.raises(SettingError, match=f"device={wrong}: found no such device"):
            i2i.load(pix2pix, wrong)


SCRIPT = """
import sys
import i2i
assert "torch" not in sys.modules
model = i2i.load(sys.argv[1])
model.translate(sys.argv[2]).save(sys.argv[3])
heavy = {"lightning", "torchmetrics", "hydra", "omegaconf", "albumentations", "wandb", "scipy",
         "torchvision", "torch._dynamo"}
print(sorted(heavy & set(sys.modules)))
"""


@pytest.mark.parametrize("kind", ["pix2pix", "stargan", "onehot", "inpainting", "bicyclegan"])
def test_nothing_that_training_needs_is_imported(
    kind: str, runs: Callable[[str], Path], photo: Path, label: Path, tmp_path: Path
) -> None:
    source, output = label if kind == "onehot" else photo, tmp_path / "made.png"
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(runs(kind)), str(source), str(output)],
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")}, capture_output=True, text=True,
        check=True, timeout=120,
    )  # fmt: skip
    assert done.stdout.strip() == "[]"
    assert np.array_equal(
        np.asarray(Image.open(output)), np.asarray(i2i.load(runs(kind)).translate(source))
    )


def test_what_is_no_model_is_refused(pix2pix: Path, photo: Path, tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none", photo):
        with pytest.raises(SettingError, match=f"path={path}"):
            i2i.load(path)
    with pytest.raises(SettingError, match="found 50 x 70 pixels; expected 1,000 or fewer"):
        i2i.load(pix2pix, max_megapixels=0.001).translate(np.asarray(Image.open(photo)))


def test_no_seed_is_the_run_s_in_both(
    train_once: Run, command: Command, photo: Path, tmp_path: Path
) -> None:
    """Here the seed is 0 unless asked; translate.py takes the run's, which is None here."""
    run_dir, made = train_once(*UNET, "seed=7", folder="seven"), {}
    for seed in (None, 0, 7):
        asked = [f"checkpoint={run_dir}", f"input={photo}", f"output={tmp_path / str(seed)}"]
        typed = [] if seed is None else [f"seed={seed}"]
        assert command("translate", *asked, "accelerator=cpu", *typed) == 0
        made[seed] = np.asarray(Image.open(tmp_path / str(seed) / "photo.png"))
        again = i2i.load(run_dir, device="cpu").translate(photo, seed=seed)
        assert np.array_equal(again, made[seed])
    assert np.array_equal(made[None], made[7]) and not np.array_equal(made[0], made[7])
