"""The page in a headless Chromium: a hole that is painted, attributes, and what each task shows."""

from pathlib import Path

import cv2
import numpy as np
import pytest

import i2i
from chromium import Page
from conftest import TINY_UNET, Run, labelled_options, smooth_noise
from integration.test_demo_page import FILES, SOURCES, entry, fetched, serving, shown, wait_for

pytest.importorskip("gradio")
pytestmark = pytest.mark.slow
SHORT = [*TINY_UNET, "trainer.max_steps=2", "baselines=false", "model.inference=eval"]
HINT = "document.querySelector('#hint p')?.innerText"
ALPHA = """(() => {
    const sheet = document.querySelector('.sheet');
    const {data} = sheet.getContext('2d').getImageData(0, 0, sheet.width, sheet.height);
    return {size: [sheet.height, sheet.width], alpha: [...data].filter((_, k) => k % 4 === 3)};
})()"""


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder, rng = tmp_path_factory.mktemp("photos"), np.random.default_rng(3)
    for i in range(10):
        assert cv2.imwrite(str(folder / f"{i}.png"), smooth_noise(rng, 64))
    return folder


def of_task(train_once: Run, photos: Path, task: str) -> Path:
    options = [f"task={task}", "dataset=photos", f"dataset.root={photos}", *SHORT]
    return train_once(*options, folder=task)


def hole_of(page: Page) -> np.ndarray:
    """Where the sheet is painted, (H, W) bool."""
    found = page.do(ALPHA)
    return np.array(found["alpha"]).reshape(found["size"]) > 0


def test_a_hole_is_painted_filled_and_taken_back(
    page: Page, train_once: Run, photos: Path, tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:  # fmt: skip
    run = of_task(train_once, photos, "inpainting")
    model = i2i.load(run, device="cpu")
    example = min((run / "test_pictures").glob("*_target.png"))
    photo = cv2.resize(cv2.imread(str(photos / "0.png")), (96, 80))
    assert cv2.imwrite(str(tmp_path / "wide.png"), photo)
    with serving([run], tmp_path_factory.mktemp("elsewhere")) as address:
        page.errors.clear()
        page.visit(address)
        assert page.wait(HINT).startswith("Paint the hole.")
        wait_for(page, 0, model.translate(example))  # its own hole
        page.wait("document.querySelector('.sheet').dataset.ready")
        for file in (example, tmp_path / "wide.png"):
            if file is not example:
                page.upload(FILES, file)
                wait_for(page, 0, model.translate(file))
                page.wait("document.querySelector('.sheet').dataset.ready === 'wide'")
            assert page.do("document.querySelector('.undo').disabled")
            page.drag(".sheet", [(0.4, 0.4), (0.5, 0.5), (0.6, 0.5)])
            hole = hole_of(page)
            assert 10 < hole.sum() < hole.size / 4
            wait_for(page, 0, model.translate(file, mask=hole))
            before = shown(page, 0)[0]
            assert before.shape == (*hole.shape, 3) and (before[hole] == 255).all()
        page.do("[...document.querySelectorAll('.colour')][1].click()")  # the photograph again
        page.drag(".sheet", [(0.4, 0.4), (0.45, 0.45)])
        less = hole_of(page)
        assert 0 < less.sum() < hole.sum() and not (less & ~hole).any()
        wait_for(page, 0, model.translate(file, mask=less))
        page.click(".undo")
        assert np.array_equal(hole_of(page), hole)
        wait_for(page, 0, model.translate(file, mask=hole))
        page.click(".clear")
        assert not hole_of(page).any() and hole_of(page).shape == (80, 96)
        wait_for(page, 0, model.translate(file))
        assert page.errors == []


@pytest.mark.parametrize("task", ["colorization", "super_resolution", "edges"])
def test_a_task_shows_what_its_network_is_shown(
    page: Page, train_once: Run, photos: Path, task: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    run, file = of_task(train_once, photos, task), photos / "1.png"
    with serving([run], tmp_path_factory.mktemp("elsewhere")) as address:
        page.errors.clear()
        page.visit(address)
        assert page.wait(HINT)
        page.wait(f"{SOURCES.format(0)}.length === 2")
        (kept,) = (run / "test_pictures").glob("*_input.png")  # made in training
        assert np.array_equal(shown(page, 0)[0], cv2.imread(str(kept))[:, :, ::-1])
        page.upload(FILES, file)
        made = i2i.load(run, device="cpu").translate(file)
        wait_for(page, 0, made)
        before = shown(page, 0)[0]
        assert before.shape == (*made.size[::-1], 3)
        assert (np.ptp(before, 2).max() == 0) == (task != "super_resolution")
        assert page.errors == []


def test_attributes_are_chosen_beside_routes(
    page: Page, train_once: Run, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    names, rng = ["Black_Hair", "Blond_Hair", "Young"], np.random.default_rng(0)
    (tmp_path / "img_align_celeba").mkdir()
    rows = [f"{i:06d}.png {('1 -1 -1', '-1 1 1', '-1 -1 1')[i % 3]}" for i in range(12)]
    for row in rows:
        assert cv2.imwrite(str(tmp_path / "img_align_celeba" / row[:10]), smooth_noise(rng, 16))
    (tmp_path / "list_attr_celeba.txt").write_text("\n".join(["12", " ".join(names), *rows]))
    parts = "".join(f"{row[:10]} {i // 4}\n" for i, row in enumerate(rows))
    (tmp_path / "list_eval_partition.txt").write_text(parts)
    run = train_once(
        "dataset=celeba", f"dataset.root={tmp_path}", "dataset.crop=16", "dataset.image_size=16",
        f"dataset.attributes=[{','.join(names)}]", "model=stargan", "generator=stargan",
        "generator.base_channels=2", "generator.n_blocks=1", "discriminator.base_channels=2",
        "discriminator.n_layers=3", "model.n_critic=1", "dataset.batch_size=2",
        "trainer.max_steps=2", "baselines=false", folder="stargan",
    )  # fmt: skip
    model = i2i.load(run, device="cpu")
    boxes = "[...document.querySelectorAll('#attributes input')]"
    chosen = f"{boxes}.map(box => box.checked)"
    with serving([run], tmp_path_factory.mktemp("elsewhere")) as address:
        page.errors.clear()
        page.visit(address)
        file = min((run / "test_pictures" / "Black_Hair").glob("*_input.png"))
        wait_for(page, 0, model.translate(file, "Black_Hair"))
        assert page.do(chosen) == [True, False, False]
        page.do(f"{boxes}[2].click()")
        asked = {"Black_Hair": 1, "Young": 1}
        wait_for(page, 0, model.translate(file, attributes=asked))
        page.do(f"{boxes}[1].click()")  # a picture has hair of one colour
        page.wait(f"JSON.stringify({chosen}) === '[false,true,true]'")
        wait_for(page, 0, model.translate(file, attributes={"Blond_Hair": 1, "Young": 1}))
        entry(page, "#route", "Young")
        file = min((run / "test_pictures" / "Young").glob("*_input.png"))
        wait_for(page, 0, model.translate(file, "Young"))
        assert page.do(chosen) == [False, False, True] and page.errors == []


def test_label_maps_without_classes_are_not_drawn_and_it_says_why(
    page: Page, train_once: Run, labelled_root: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    options = [*labelled_options(labelled_root), "dataset.classes=null", *SHORT]
    run = train_once(*options, folder="nameless")
    with serving([run], tmp_path_factory.mktemp("elsewhere")) as address:
        page.visit(address)
        assert "So there is no palette to draw with." in page.wait(HINT)
        page.wait(f"{SOURCES.format(0)}.length === 2")
        assert page.do("document.querySelector('.sheet')") is None
        assert fetched(page, page.do(SOURCES.format(0))[0]).shape == (64, 64, 3)
