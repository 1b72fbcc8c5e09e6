"""``python src/demo.py`` in a headless Chromium: drawn, uploaded, saved; by two at once."""

import base64
import io
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import i2i
from chromium import Page, browser, find_chromium
from conftest import LABEL_COLOURS, ROOT, TINY_UNET, Run, labelled_options
from ports import free_port

pytest.importorskip("gradio")
pytestmark = pytest.mark.slow
FILES = "input[type=file]"
SOURCES = "[...document.querySelectorAll('#slider{} img')].map(image => image.src)"
AS_ADDRESS = """(async address => {{
    const blob = await (await fetch(address)).blob();
    return new Promise(kept => {{
        const reader = new FileReader();
        reader.onload = () => kept(reader.result);
        reader.readAsDataURL(blob);
    }});
}})({})"""
ROAD, SKY = LABEL_COLOURS["road"], LABEL_COLOURS["sky"]


@pytest.fixture(scope="module")
def runs(train_once: Run, labelled_root: Path) -> list[Path]:
    """Two models of label maps, of another seed each."""
    options = [*labelled_options(labelled_root), *TINY_UNET, "baselines=false"]
    options += ["trainer.max_steps=4", "model.inference=eval"]
    return [train_once(*options, f"seed={seed}", folder=f"run{seed}") for seed in (0, 1)]


@contextmanager
def serving(runs: list[Path], folder: Path) -> Iterator[str]:
    """The command in a process of its own, which a signal ends; its address."""
    words = [f"checkpoint={run}" for run in runs]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "PYTHONUNBUFFERED": "1"}
    started = subprocess.Popen(
        [sys.executable, str(ROOT / "src" / "demo.py"), *words, f"port={free_port()}",
         "accelerator=cpu"], cwd=folder, env=environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    try:
        said = []
        for line in started.stdout:  # until the address, or until it ends
            said.append(line)
            if line.startswith("Open "):
                break
        else:
            raise AssertionError("".join(said))
        yield line.split()[1]
    finally:
        started.send_signal(signal.SIGTERM)
        rest = started.communicate(timeout=60)[0]
    assert started.returncode == 128 + signal.SIGTERM
    assert "Traceback" not in rest, rest
    assert [*folder.iterdir()] == []


@pytest.fixture(scope="module")
def address(runs: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if not find_chromium():
        pytest.skip("no Chromium")
    with serving(runs, tmp_path_factory.mktemp("elsewhere")) as found:
        yield found


@pytest.fixture
def desk(page: Page, address: str) -> Page:
    return open_desk(page, address)


def open_desk(page: Page, address: str) -> Page:
    """The page, freshly loaded, with its first example translated."""
    page.errors.clear()
    page.requests.clear()
    page.visit(address)
    page.wait(f"{SOURCES.format(0)}.length === 2 && {SOURCES.format(1)}.length === 2")
    page.wait("document.querySelector('.sheet').dataset.ready")
    return page


def fetched(page: Page, address: str) -> np.ndarray:
    """A picture of the page, as it is stored."""
    text = page.do(AS_ADDRESS.format(repr(address)))
    return picture_of(text)


def picture_of(text: str) -> np.ndarray:
    return np.array(Image.open(io.BytesIO(base64.b64decode(text.partition(",")[2]))).convert("RGB"))


def drawn(page: Page) -> np.ndarray:
    return picture_of(page.do("document.querySelector('.sheet').toDataURL('image/png')"))


def shown(page: Page, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Input and output of a model, as the page has them."""
    before, after = page.do(SOURCES.format(k))
    return fetched(page, before), fetched(page, after)


def wait_for(page: Page, k: int, expected: Any) -> None:
    """Waits until the output of a model is a picture: its pixels, whatever it is called."""
    known = ""
    for _ in range(20):
        sources = page.wait(f"{SOURCES.format(k)}.join(' ') !== {known!r} && {SOURCES.format(k)}")
        if np.array_equal(fetched(page, sources[1]), np.array(expected.convert("RGB"))):
            return
        known = " ".join(sources)
    raise AssertionError("another picture")


def pick(page: Page, name: str) -> None:
    page.do(
        "[...document.querySelectorAll('.colour')]"
        f".find(button => button.textContent === {name!r}).click()"
    )


def models(runs: list[Path]) -> list[i2i.Model]:
    return [i2i.load(run, device="cpu") for run in runs]


def test_it_needs_nothing_from_elsewhere(desk: Page, address: str) -> None:
    assert desk.errors == []
    assert [url for url in desk.requests if not url.startswith((address, "data:"))] == []
    names = desk.do("[...document.querySelectorAll('h2.model')].map(one => one.innerText)")
    assert names == ["run0", "run1"]
    colours = desk.do("[...document.querySelectorAll('.colour')].map(one => one.textContent)")
    assert colours == [*LABEL_COLOURS, "unlabelled"]


def test_two_classes_are_drawn_and_translated_by_both_models(
    desk: Page, runs: list[Path], tmp_path: Path
) -> None:
    assert desk.do("document.querySelector('.undo').disabled")
    desk.click(".clear")
    pick(desk, "sky")
    desk.click("[data-tool=fill]")
    desk.drag(".sheet", [(0.5, 0.5)])
    desk.click("[data-tool=brush]")
    pick(desk, "road")
    desk.drag(".sheet", [(0.4, 0.8), (0.5, 0.7), (0.6, 0.8)])
    picture = drawn(desk)
    assert picture.shape == (64, 64, 3)
    colours, counts = np.unique(picture.reshape(-1, 3), axis=0, return_counts=True)
    found = dict(zip(map(tuple, colours.tolist()), counts.tolist(), strict=True))
    assert set(found) == {ROAD, SKY} and found[SKY] > found[ROAD] > 60
    for k, model in enumerate(models(runs)):
        wait_for(desk, k, model.translate(Image.fromarray(picture), name="drawing"))
        assert np.array_equal(shown(desk, k)[0], picture)
    assert not np.array_equal(shown(desk, 0)[1], shown(desk, 1)[1])
    desk.click(".undo")
    assert set(map(tuple, drawn(desk).reshape(-1, 3).tolist())) == {SKY}
    assert desk.errors == []


def test_an_upload_is_translated_as_the_command_does_and_saved(
    page: Page, address: str, runs: list[Path], labelled_root: Path, tmp_path: Path
) -> None:
    desk, file = open_desk(page, address), labelled_root / "test" / "label" / "002.png"
    desk.upload(FILES, file)
    model = i2i.load(runs[0], device="cpu")
    expected = model.translate(file)
    wait_for(desk, 0, expected)
    session, desk.session = desk.session, None
    desk.send("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(tmp_path),
              eventsEnabled=True)  # fmt: skip
    desk.session = session
    desk.wait("!document.querySelector('#save0').disabled")
    desk.click("#save0")
    while (message := desk.message()).get("method") != "Browser.downloadProgress" or (
        message["params"]["state"] != "completed"
    ):
        desk.note(message)
    (saved,) = tmp_path.iterdir()
    assert saved.name == "002_run0_0.png"
    with Image.open(saved) as image:
        assert image.format == "PNG" and np.array_equal(np.array(image), np.array(expected))


def test_the_slider_slides(desk: Page) -> None:
    clip = "getComputedStyle(document.querySelectorAll('#slider0 img')[1]).clipPath + " \
        "document.querySelectorAll('#slider0 img')[1].style.cssText"  # fmt: skip
    before = desk.do(clip)
    desk.drag("#slider0", [(0.5, 0.5), (0.4, 0.5), (0.2, 0.5)])
    assert desk.wait(f"({clip}) !== {before!r} && ({clip})")


def test_a_picture_of_40_megapixels_is_shrunk_and_one_of_81_refused(
    desk: Page, tmp_path: Path
) -> None:
    large = np.empty((5000, 8000, 3), np.uint8)
    large[:2500], large[2500:] = SKY, ROAD
    Image.fromarray(large).save(tmp_path / "large.png", compress_level=1)
    desk.upload(FILES, tmp_path / "large.png")
    words = desk.wait("document.querySelector('#note p.note')?.innerText")
    assert words.startswith("40.0 megapixels, 8000 x 5000: shrunk to 1264 x 790")
    desk.wait("document.querySelector('#words1').innerText.startsWith('1264 x 790 in ')")
    made = shown(desk, 1)
    assert made[1].shape == (790, 1264, 3)
    assert set(map(tuple, np.unique(made[0].reshape(-1, 3), axis=0).tolist())) == {SKY, ROAD}
    Image.new("L", (9000, 9000)).save(tmp_path / "larger.png", compress_level=1)
    desk.upload(FILES, tmp_path / "larger.png")
    words = desk.wait("document.querySelector('#note p.wrong')?.innerText")
    assert words.startswith("larger.png: found ") and "at most 64 megapixels" in words
    assert np.array_equal(shown(desk, 1)[1], made[1])


def test_a_text_file_is_told_on_the_page(desk: Page, tmp_path: Path) -> None:
    before = desk.do(SOURCES.format(0))
    (tmp_path / "<b>notes.txt").write_text("no picture")
    desk.upload(FILES, tmp_path / "<b>notes.txt")
    words = desk.wait("document.querySelector('#note p.wrong')?.innerText")
    assert "found a file of no format that is read" in words
    assert desk.do("document.querySelector('#note b')") is None
    assert [url.split("/")[-1] for url in desk.do(SOURCES.format(0))] == [
        url.split("/")[-1] for url in before
    ]


def test_samples_in_paper_mode_and_one_of_them_in_the_slider(
    desk: Page, runs: list[Path], tmp_path: Path
) -> None:
    entry(desk, "#mode", "paper")
    desk.do("""(() => {
        const range = document.querySelector('#samples input[type=range]');
        range.value = 3;
        for (const kind of ['input', 'change', 'pointerup']) {
            range.dispatchEvent(new Event(kind, {bubbles: true}));
        }
    })()""")
    images = "[...document.querySelectorAll('#samples0 button img')].map(image => image.src)"
    sources = desk.wait(f"{images}.length === 3 && {images}")
    file = min((runs[0] / "test_pictures").glob("*_input.png"))
    model = i2i.load(runs[0], device="cpu")
    expected = model.translate(file, samples=3, mode="paper")
    found = [fetched(desk, source) for source in sources]
    assert all(map(np.array_equal, found, map(np.array, expected)))
    desk.do("document.querySelectorAll('#samples0 button:has(img)')[2].click()")
    wait_for(desk, 0, expected[2])
    assert desk.errors == []


def test_photographs_are_not_drawn_and_go_both_ways(
    page: Page, train_once: Run, tmp_path_factory: pytest.TempPathFactory
) -> None:
    run = train_once(
        "model=cyclegan", "generator=resnet6", "generator.base_channels=2", "baselines=false",
        "trainer.max_steps=1", folder="cyclegan",
    )  # fmt: skip
    model = i2i.load(run, device="cpu")
    with serving([run], tmp_path_factory.mktemp("elsewhere")) as address:
        page.visit(address)
        page.wait(f"{SOURCES.format(0)}.length === 2")
        assert page.do("document.querySelector('.sheet')") is None
        for route in ("AtoB", "BtoA"):
            if route == "BtoA":
                entry(page, "#route", route)
            files = sorted((run / "test_pictures" / route).glob("*_input.png"))
            wait_for(page, 0, model.translate(files[0], route))
            page.do("document.querySelectorAll('#examples button:has(img)')[2].click()")
            wait_for(page, 0, model.translate(files[2], route))
        assert page.errors == []


def entry(page: Page, selector: str, name: str) -> None:
    """Chooses an entry of one of Gradio's lists."""
    page.click(f"{selector} input")
    options = "[...document.querySelectorAll('[role=option]')]"
    chosen = f"{options}.find(option => option.innerText.trim().endsWith({name!r}))"
    page.wait(chosen + " !== undefined")
    page.do(f"{chosen}.dispatchEvent(new MouseEvent('mousedown', {{bubbles: true}}))")


def test_two_visitors_do_not_mix(
    page: Page, address: str, runs: list[Path], labelled_root: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:  # fmt: skip
    files = sorted((labelled_root / "test" / "label").iterdir())[:2]
    expected = [i2i.load(runs[0], device="cpu").translate(file) for file in files]
    with browser(tmp_path_factory.mktemp("other")) as other:
        visitors = [open_desk(page, address), open_desk(other, address)]
        for visitor, file in zip(visitors, files, strict=True):
            visitor.upload(FILES, file)
        for visitor, picture in zip(visitors, expected, strict=True):
            wait_for(visitor, 0, picture)
        for visitor in visitors:  # both draw, and each sees its own
            pick(visitor, "tree" if visitor is other else "wall")
            visitor.drag(".sheet", [(0.2, 0.2), (0.3, 0.3)])
        for visitor in visitors:
            picture = Image.fromarray(drawn(visitor))
            model = i2i.load(runs[1], device="cpu")
            wait_for(visitor, 1, model.translate(picture, name="drawing"))
        assert not np.array_equal(drawn(page), drawn(other))
