"""What the page does, without a page: pictures taken, bounded, and translated by each model."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from conftest import LABEL_COLOURS, write_labelled
from i2i.data.tasks.label_map import LabelTask
from i2i.data.tasks.task import Task
from i2i.demo.canvas import as_png
from i2i.demo.desk import Desk
from i2i.demo.models import Asked, Entry, distinct, run_of
from i2i.demo.uploads import Limits
from i2i.errors import SettingError
from i2i.inference.translations import Translations
from i2i.inference.translator import Translator
from i2i.labels.palette import ClassPalette
from i2i.sharing.model import Model

LIMITS = Limits(40_000, 10_000)
OPTIONS = {
    "direction": "BtoA", "input_channels": 3, "target_channels": 3, "image_size": 64,
    "a_folder": "{split}/photo", "b_folder": "{split}/label", "splits": {"test": "test"},
}  # fmt: skip
SIDE_BY_SIDE = {**OPTIONS, "a_folder": "{split}", "b_folder": None}
CLASSES = ClassPalette({name: [*colour] for name, colour in LABEL_COLOURS.items()}, [0, 0, 0])
LABELS = {**OPTIONS, "label_side": "B", "classes": CLASSES}


class Dims(nn.Module):
    """Halves all levels, where it has noise drops some out."""

    divisor = 1

    def __init__(self, dropout: float = 0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(0.5))
        self.drop = nn.Dropout(dropout) if dropout else nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.drop(self.weight * (x + 1)) - 1


def entry(run: Path, dataset=OPTIONS, task: Task | None = None, dropout=0.0, name="a") -> Entry:
    translator = Translator(Dims(dropout).eval(), task or Task(), "input", "paper", 0)
    translations = Translations("Pix2Pix", {"": translator}, dataset)
    return Entry(name, run, Model(translations), translations)


def label_entry(run: Path) -> Entry:
    return entry(run, LABELS, LabelTask(CLASSES, "input"))


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    return write_labelled(tmp_path / "set", {"train": 1, "test": 3})


def desk(*entries: Entry, examples: Path | None = None, draw: str = "auto") -> Desk:
    return Desk(entries, LIMITS, examples, draw)


def save(file: Path, picture: np.ndarray) -> Path:
    Image.fromarray(picture).save(file)
    return file


def noise(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3)).astype(np.uint8)


def test_a_small_upload_is_taken_as_it_is(tmp_path: Path) -> None:
    picture = noise(50, 70)
    taken, words = desk(entry(tmp_path)).take(save(tmp_path / "a b.png", picture), "")
    assert words == "" and taken.name == "a b"
    assert np.array_equal(taken.stored, picture) and np.array_equal(taken.shown, picture)


def test_a_large_upload_is_shrunk_and_a_larger_one_refused(tmp_path: Path) -> None:
    taken, words = desk(entry(tmp_path)).take(save(tmp_path / "a.png", noise(180, 200)), "")
    assert taken.stored.shape == (94, 105, 3)
    assert words.startswith("0.0 megapixels, 200 x 180: shrunk to 105 x 94")
    expected = cv2.resize(noise(180, 200), (105, 94), interpolation=cv2.INTER_AREA)
    assert np.array_equal(taken.shown, expected)
    taken, words = desk(entry(tmp_path)).take(save(tmp_path / "b.png", noise(201, 200)), "")
    assert taken is None and words.startswith("b.png: found ") and "0.04 megapixels" in words


def test_what_is_no_picture_is_told_without_its_place(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("words")
    taken, words = desk(entry(tmp_path)).take(tmp_path / "notes.txt", "")
    assert taken is None and words.startswith("notes.txt: found a file of no format")
    assert str(tmp_path) not in words and words.endswith("Choose another file.")
    np.save(tmp_path / "six.npy", np.zeros((8, 8, 6), np.uint8))
    taken, words = desk(entry(tmp_path)).take(tmp_path / "six.npy", "")
    assert taken is None and "found 6 channels" in words and str(tmp_path) not in words


def test_of_two_pictures_side_by_side_the_input_is_taken(tmp_path: Path) -> None:
    picture = noise(40, 80)
    found = desk(entry(tmp_path, SIDE_BY_SIDE))
    taken, words = found.take(save(tmp_path / "a.png", picture), "")
    assert np.array_equal(taken.stored, picture[:, 40:]) and "the input half" in words


def test_16_bits_are_translated_in_their_own_values(tmp_path: Path) -> None:
    picture = np.random.default_rng(0).integers(0, 65536, (20, 20)).astype(np.uint16)
    cv2.imwrite(str(tmp_path / "deep.png"), picture)
    taken, _ = desk(entry(tmp_path)).take(tmp_path / "deep.png", "")
    assert taken.stored.dtype == np.uint16 and taken.shown.dtype == np.uint8
    assert np.abs(taken.shown[:, :, 0] - picture / 257).max() <= 0.51


def test_label_maps_snap_and_the_share_is_told(tmp_path: Path, labelled: Path) -> None:
    found = desk(label_entry(tmp_path))
    exact = labelled / "test" / "label" / "000.png"
    taken, words = found.take(exact, "")
    assert words == "" and np.array_equal(taken.stored, np.array(Image.open(exact)))
    taken, words = found.take(save(tmp_path / "photo.png", noise(30, 30)), "")
    assert words == "100 % of its pixels had no class's colour and took a near one."
    colours = set(map(tuple, np.unique(taken.stored.reshape(-1, 3), axis=0).tolist()))
    assert colours <= {*LABEL_COLOURS.values(), (0, 0, 0)} and len(colours) > 2


def test_maps_of_ids_are_shown_in_colours(tmp_path: Path) -> None:
    dataset = {**LABELS, "label_files": "ids"}
    ids = np.array([[0, 1], [3, 255]], np.uint8)
    found = desk(entry(tmp_path, dataset, LabelTask(CLASSES, "input")))
    taken, words = found.take(save(tmp_path / "ids.png", ids), "")
    assert words == "" and np.array_equal(taken.stored, CLASSES.encode_colours(ids))


def test_each_model_answers_in_its_own_words(tmp_path: Path) -> None:
    found = desk(entry(tmp_path), entry(tmp_path, dropout=0.5))
    taken, _ = found.take(save(tmp_path / "a.png", noise(16, 16)), "")
    plain, noisy = found.answers(taken, Asked("", samples=3))
    assert len(plain.pictures) == 1 and "one picture, since there is no noise" in plain.words
    assert np.abs(np.array(plain.pictures[0]) - taken.shown / 2).max() <= 0.51
    assert len(noisy.pictures) == 3 and noisy.words.startswith("16 x 16 in ")
    assert len({picture.tobytes() for picture in noisy.pictures}) == 3
    (again,) = found.answers(taken, Asked("", seed=1))[1:]
    assert again.pictures[0].tobytes() != noisy.pictures[0].tobytes()
    (quiet,) = found.answers(taken, Asked("", mode="eval"))[1:]
    assert quiet.pictures[0].tobytes() == plain.pictures[0].tobytes()
    (wrong,) = found.answers(taken, Asked("", mode="loud"))[1:]
    assert wrong.pictures == () and "model.inference=loud" in wrong.words


def test_a_drawing_is_the_input_and_an_upload_keeps_its_name(
    tmp_path: Path, labelled: Path
) -> None:
    found = desk(label_entry(tmp_path))
    taken, _ = found.take(labelled / "test" / "label" / "001.png", "")
    sheet = found.sheet("", taken)
    assert found.input_of(taken, sheet, "") is taken
    changed = taken.shown.copy()
    changed[:4] = (128, 60, 120)  # almost a road
    drawn = found.input_of(taken, {**sheet, "png": as_png(changed)}, "")
    assert drawn.name == "drawing" and (drawn.stored[:4] == LABEL_COLOURS["road"]).all()
    assert desk(entry(tmp_path)).input_of(taken, None, "") is taken  # nothing is drawn
    with pytest.raises(SettingError, match="the drawing"):
        found.input_of(taken, {"png": "no"}, "")


def test_examples_are_of_the_folder_else_the_run_else_the_set(
    tmp_path: Path, labelled: Path
) -> None:
    dataset = {**LABELS, "root": str(labelled)}
    run = tmp_path / "run"
    (run / "test_pictures").mkdir(parents=True)
    of_the_set = desk(entry(run, dataset, LabelTask(CLASSES, "input"))).routes[""]
    assert [file.parent.name for file in of_the_set.examples] == ["label"] * 3
    save(run / "test_pictures" / "000002_input.png", noise(8, 8))
    save(run / "test_pictures" / "000002_output.png", noise(8, 8))
    assert [file.name for file in desk(entry(run)).routes[""].examples] == ["000002_input.png"]
    folder = tmp_path / "mine"
    folder.mkdir()
    save(folder / "x.png", noise(8, 8))
    (folder / "y.png").write_text("no picture")
    found = desk(entry(run), examples=folder)
    assert [place for place, _ in found.routes[""].thumbnails] == [0]
    assert found.example("", 0)[0].name == "x"
    (folder / "x.png").unlink()
    with pytest.raises(SettingError, match=r"examples=.*no picture that the model takes"):
        desk(entry(run), examples=folder)
    with pytest.raises(SettingError, match=r"examples=\S+y\.png: found a file; expected a folder"):
        desk(entry(run), examples=folder / "y.png")
    with pytest.raises(SettingError, match=r"examples=\S+none: found nothing there; expected a fo"):
        desk(entry(run), examples=folder / "none")


def test_without_examples_there_is_an_empty_page(tmp_path: Path) -> None:
    found = desk(entry(tmp_path))
    assert found.example("") == (None, "") and found.sheet("") is None
    with pytest.raises(SettingError, match="draw=crayon"):
        desk(entry(tmp_path), draw="crayon")


def test_names_tell_runs_apart() -> None:
    assert distinct([Path("/a/run"), Path("/b/other")]) == ["run", "other"]
    assert distinct([Path("/a/run"), Path("/b/run")]) == ["a/run", "b/run"]
    assert distinct([Path("/a/run")] * 2) == ["run (1)", "run (2)"]
    assert run_of(Path("/a/run/checkpoints/best.ckpt")) == Path("/a/run")
    assert run_of(Path("/a/best.ckpt")) == Path("/a")
