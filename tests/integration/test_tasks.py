"""Tasks made from photographs and label maps with classes, through all three commands."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from skimage.color import rgb2lab

from conftest import LABEL_COLOURS, TINY_UNET, Run, labelled_options, smooth_noise

Command = Callable[..., int]
SHORT = ["trainer.max_steps=2", "dataset.batch_size=2"]


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten colourful photographs in one folder, without splits."""
    folder = tmp_path_factory.mktemp("photos") / "holiday"
    (folder / "beach").mkdir(parents=True)
    rng = np.random.default_rng(3)
    for i in range(10):
        name = f"beach/{i}.png" if i % 2 else f"{i}.png"
        cv2.imwrite(str(folder / name), smooth_noise(rng, 64))
    return folder


def photo_options(root: Path, task: str) -> list[str]:
    return [f"task={task}", "dataset=photos", f"dataset.root={root}", *SHORT]


def read_rgb(path: Path) -> np.ndarray:
    return cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)


@pytest.mark.parametrize(
    "task", ["colorization", "colorization_rgb", "inpainting", "super_resolution", "edges"]
)
def test_a_task_goes_through_train_evaluate_and_translate(
    task: str, train: Run, command: Command, photos: Path, tmp_path: Path
) -> None:
    run_dir = train(*photo_options(photos, task))
    scores = json.loads((run_dir / "test_metrics.json").read_text())
    assert scores["n_images"] == 1  # a tenth of ten
    assert len(scores["scores"]) == 3
    out = tmp_path / "scores"
    assert command("evaluate", f"checkpoint={run_dir}", f"output={out}", "trainer=cpu") == 0
    again = json.loads((out / "metrics.json").read_text())["scores"]
    assert again["ssim"] == scores["scores"]["model (best.ckpt)"]["ssim"]
    made = tmp_path / "made"
    assert command("translate", f"checkpoint={run_dir}", f"input={photos}", f"output={made}") == 0
    pictures = sorted(made.rglob("*.png"))
    assert len(pictures) == 10
    size = 64 * 4 if task == "super_resolution" else 64
    assert {read_rgb(p).shape for p in pictures} == {(size, size, 3)}


@pytest.mark.parametrize("task", ["colorization", "colorization_rgb"])
def test_colorization_keeps_the_lightness_of_the_file(
    task: str, train: Run, command: Command, photos: Path, tmp_path: Path
) -> None:
    run_dir = train(*photo_options(photos, task))
    made = tmp_path / "made"
    assert command("translate", f"checkpoint={run_dir}", f"input={photos}", f"output={made}") == 0
    for file in made.rglob("*.png"):
        given = rgb2lab(read_rgb(photos / file.relative_to(made)))[:, :, 0]
        kept = rgb2lab(read_rgb(file))[:, :, 0]
        assert np.abs(given - kept).max() < 0.6  # 8 bits a channel are about 0.4 units of L


@pytest.fixture(scope="module")
def inpainter(train_once: Run, photos: Path) -> Path:
    """A tiny run that fills holes."""
    return train_once(*photo_options(photos, "inpainting"), folder="inpainter")


def test_inpainting_keeps_the_pixels_outside_the_mask(
    inpainter: Path, command: Command, photos: Path, tmp_path: Path
) -> None:
    mask = np.zeros((64, 64), np.uint8)
    mask[10:30, 20:50] = 255
    masks, made = tmp_path / "masks", tmp_path / "made"
    for file in photos.rglob("*.png"):
        target = masks / file.relative_to(photos)
        target.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(target), mask)
    options = [f"checkpoint={inpainter}", f"input={photos}", f"output={made}", f"mask={masks}"]
    assert command("translate", *options) == 0
    for file in made.rglob("*.png"):
        given, kept = read_rgb(photos / file.relative_to(made)), read_rgb(file)
        assert np.array_equal(given[mask == 0], kept[mask == 0])
        assert not np.array_equal(given[mask > 0], kept[mask > 0])


def test_a_task_takes_the_photographs_of_a_labelled_set(
    train: Run, command: Command, labelled_root: Path, tmp_path: Path
) -> None:
    run_dir = train(*labelled_options(labelled_root), "task=inpainting", *SHORT)
    assert json.loads((run_dir / "test_metrics.json").read_text())["n_images"] == 4
    row = read_rgb(run_dir / "samples" / "test.png")
    target = row[4 : 4 + 64, 4 + 2 * 68 : 4 + 2 * 68 + 64]
    assert np.array_equal(target, read_rgb(labelled_root / "test" / "photo" / "000.png"))


@pytest.fixture(scope="module")
def segmenter(train_once: Run, labelled_root: Path) -> Path:
    """A tiny run photo -> one-hot label."""
    options = [*labelled_options(labelled_root), "dataset.direction=AtoB", *SHORT]
    return train_once(*options, "dataset.label_as=onehot", "gan_loss=none", folder="segmenter")


def test_photo_to_label_is_scored_by_its_classes(segmenter: Path, labelled_root: Path) -> None:
    scores = json.loads((segmenter / "test_metrics.json").read_text())
    model = scores["scores"]["model (best.ckpt)"]
    assert 0 <= model["mean_iou"] <= model["class_accuracy"] <= 1
    assert set(scores["classes"]["model"]) == set(LABEL_COLOURS)
    made = read_rgb(segmenter / "samples" / "test.png")
    colours = {tuple(c) for c in made[4 : 4 + 64, 4 + 68 : 4 + 68 + 64].reshape(-1, 3)}
    assert colours <= set(LABEL_COLOURS.values())


def test_label_to_photo_is_scored_by_a_segmenter_beside_the_ceiling(
    segmenter: Path, train: Run, command: Command, labelled_root: Path, tmp_path: Path,
    capfd: pytest.CaptureFixture,
) -> None:  # fmt: skip
    options = [*labelled_options(labelled_root), *SHORT, f"metrics.segmenter={segmenter}"]
    run_dir = train(*options, "dataset.label_as=onehot", folder="painter")
    scores = json.loads((run_dir / "test_metrics.json").read_text())["scores"]
    ceiling = scores["ceiling (real photographs)"]
    assert ceiling.keys() >= {"pixel_accuracy", "class_accuracy", "mean_iou"}
    assert "ceiling (real photographs)" in capfd.readouterr().out
    # Of the real photographs it says what it said when it was scored itself.
    own = json.loads((segmenter / "test_metrics.json").read_text())["scores"]["model (best.ckpt)"]
    assert ceiling["pixel_accuracy"] == pytest.approx(own["pixel_accuracy"], abs=1e-12)
    assert scores["model (best.ckpt)"]["pixel_accuracy"] != ceiling["pixel_accuracy"]
    out = tmp_path / "scores"
    assert command("evaluate", f"checkpoint={run_dir}", f"output={out}", "trainer=cpu") == 0
    again = json.loads((out / "metrics.json").read_text())
    assert again["scores"]["mean_iou"] == scores["model (best.ckpt)"]["mean_iou"]
    assert again["ceiling"]["mean_iou"] == ceiling["mean_iou"]


@pytest.mark.parametrize("label_as", ["colours", "onehot"])
def test_label_files_of_class_ids_are_translated_as_they_are_trained_on(
    label_as: str, train: Run, command: Command, labelled_root: Path, tmp_path: Path
) -> None:
    root = tmp_path / "ids"
    shutil.copytree(labelled_root, root)
    for file in root.rglob("label/*.png"):
        colours, ids = read_rgb(file), np.full((64, 64), 255, np.uint8)
        for number, colour in enumerate(LABEL_COLOURS.values()):
            ids[(colours == colour).all(2)] = number
        cv2.imwrite(str(file), ids)
    options = ["dataset.label_files=ids", f"dataset.label_as={label_as}", "test_checkpoint=last"]
    run_dir = train(*labelled_options(root), *SHORT, *options)
    made, labels = tmp_path / "made", root / "test" / "label"
    last = run_dir / "checkpoints" / "last.ckpt"
    assert command("translate", f"checkpoint={last}", f"input={labels}", f"output={made}") == 0
    expected = read_rgb(run_dir / "samples" / "test" / "000_output.png")
    assert np.array_equal(read_rgb(made / "000.png"), expected)


def test_evaluate_refuses_what_the_checkpoint_does_not_do(
    segmenter: Path, command: Command, labelled_root: Path, capfd: pytest.CaptureFixture
) -> None:
    for option, named in (
        ("dataset.direction=BtoA", "Add dataset.direction=AtoB"),
        ("task=edges", "task: found an option that this command does not read"),
        ("metrics.segmenter=nowhere", "metrics.segmenter=nowhere"),
    ):
        assert command("evaluate", f"checkpoint={segmenter}", "trainer=cpu", option) == 1
        assert named in capfd.readouterr().err
    # camvid's eleven classes are not the four of this checkpoint
    camvid = ["dataset=camvid", f"dataset.root={labelled_root}", "dataset.direction=AtoB"]
    assert command("evaluate", f"checkpoint={segmenter}", "trainer=cpu", *camvid) == 1
    assert "dataset.target_channels=11" in capfd.readouterr().err


def test_evaluate_goes_on_without_a_segmenter_that_is_gone(
    segmenter: Path, train: Run, command: Command, labelled_root: Path, tmp_path: Path,
) -> None:  # fmt: skip
    own = shutil.copytree(segmenter, tmp_path / "own")
    options = [*labelled_options(labelled_root), *SHORT, f"metrics.segmenter={own}"]
    run_dir = train(*options, folder="painter")
    keys = []
    for i, extra in enumerate((["metrics.segmenter=none"], [], None)):
        if extra is None:
            own.rename(tmp_path / "moved")
        out = tmp_path / f"scores{i}"
        options = [f"checkpoint={run_dir}", f"output={out}", "trainer=cpu", *(extra or [])]
        assert command("evaluate", *options) == 0
        keys.append("mean_iou" in json.loads((out / "metrics.json").read_text())["scores"])
    assert keys == [False, True, False]


@pytest.fixture
def refused(command: Command, tiny: list[str], tmp_path: Path, capfd: pytest.CaptureFixture):
    """Runs a training that must stop before its first step; returns its one screen."""

    def run(*options: str) -> str:
        folder = tmp_path / "refused"
        base = [*tiny, *TINY_UNET, f"hydra.run.dir={folder}", *SHORT]
        capfd.readouterr()
        assert command("train", *base, *options) == 1
        assert not list(folder.rglob("*.ckpt")) and not (folder / "metrics.csv").exists()
        return capfd.readouterr().err

    return run


def test_a_stray_label_colour_is_counted_and_named(
    refused: Callable[..., str], labelled_root: Path, tmp_path: Path
) -> None:
    root = tmp_path / "stray"
    shutil.copytree(labelled_root, root)
    file = root / "train" / "label" / "002.png"
    image = cv2.imread(str(file))
    image[:5, :7] = (3, 200, 30)
    cv2.imwrite(str(file), image)
    text = refused(*labelled_options(root))
    assert "002" in text and "35" in text and "[30, 200, 3]" in text


def test_class_ids_out_of_range_are_counted_and_named(
    refused: Callable[..., str], labelled_root: Path, tmp_path: Path
) -> None:
    root = tmp_path / "ids"
    shutil.copytree(labelled_root, root)
    for file in root.rglob("label/*.png"):
        cv2.imwrite(str(file), np.full((64, 64), 3, np.uint8))
    cv2.imwrite(str(root / "train" / "label" / "001.png"), np.full((64, 64), 4, np.uint8))
    text = refused(*labelled_options(root), "dataset.label_files=ids")
    assert "001" in text and "4096" in text.replace(",", "")


def test_a_segmenter_with_other_classes_is_refused(
    refused: Callable[..., str], segmenter: Path, labelled_root: Path
) -> None:
    options = [o for o in labelled_options(labelled_root) if "classes" not in o]
    colours = ",".join(f"{n}:{list(c)}" for n, c in LABEL_COLOURS.items()).replace("tree", "bush")
    palette = "_target_:i2i.labels.palette.ClassPalette,unlabelled:[0,0,0]"
    classes = f"{{{palette},colours:{{{colours}}}}}"
    text = refused(*options, f"dataset.classes={classes}", f"metrics.segmenter={segmenter}")
    assert "metrics.segmenter=" in text and "tree" in text and "bush" in text


def test_a_segmenter_that_makes_photographs_is_refused(
    refused: Callable[..., str], train: Run, labelled_root: Path
) -> None:
    options = labelled_options(labelled_root)
    painter = train(*options, *SHORT, folder="painter")
    text = refused(*options, f"metrics.segmenter={painter}")
    assert "does not make label maps" in text


def test_colorization_of_grey_pictures_is_refused(
    refused: Callable[..., str], photos: Path, tmp_path: Path
) -> None:
    root = tmp_path / "grey"
    root.mkdir()
    for file in photos.rglob("*.png"):
        cv2.imwrite(str(root / file.name), cv2.imread(str(file), cv2.IMREAD_GRAYSCALE))
    text = refused("task=colorization", "dataset=photos", f"dataset.root={root}")
    assert "grey" in text and "task=colorization" in text


def test_photographs_without_a_task_are_refused(refused: Callable[..., str], photos: Path) -> None:
    text = refused("dataset=photos", f"dataset.root={photos}")
    assert "dataset.single=true" in text and "task=colorization" in text


def test_a_mask_of_another_size_is_refused(
    inpainter: Path, command: Command, photos: Path, tmp_path: Path, capfd: pytest.CaptureFixture
) -> None:
    mask = tmp_path / "mask.png"
    cv2.imwrite(str(mask), np.full((32, 64), 255, np.uint8))
    options = [f"checkpoint={inpainter}", f"input={photos / '0.png'}", f"output={tmp_path / 'o'}"]
    assert command("translate", *options, f"mask={mask}") == 1
    text = capfd.readouterr().err
    assert "32 x 64" in text and "64 x 64" in text
