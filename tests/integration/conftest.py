"""What the tests of several commands start from."""

import os
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from chromium import Page, browser, find_chromium
from compared_runs import make_sweep
from conftest import smooth_noise
from i2i.comparison.tables import compare
from inception_stand_in import random_weights_file
from wandb_server import WandbServer, address, serving


@pytest.fixture(scope="session")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A picture of 50 x 70 pixels, whose sides no network's divisor divides."""
    file = tmp_path_factory.mktemp("photo") / "photo.png"
    rng = np.random.default_rng(5)
    assert cv2.imwrite(str(file), cv2.resize(smooth_noise(rng, 64), (70, 50)))
    return file


@pytest.fixture(scope="session")
def inception_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Seeded random weights of Inception, which make FID and KID of a sensible size."""
    path = tmp_path_factory.mktemp("inception") / "random.pth"
    random_weights_file(path, seed=0)
    return path


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """A browser for the tests of a file; each opens what it needs."""
    if not find_chromium():
        pytest.skip("no Chromium")
    if os.name == "nt":
        pytest.skip("the driver's pipes are those of POSIX")
    with browser(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.fixture(scope="session")
def compared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of ``make_sweep``, with its comparison."""
    folder = tmp_path_factory.mktemp("runs") / "sweep"
    make_sweep(folder)
    compare(folder)
    return folder


@pytest.fixture
def opened(page: Page, compared: Path) -> Page:
    """The page of ``compared``, freshly loaded."""
    page.errors.clear()
    page.requests.clear()
    page.open(compared / "comparison.html")
    return page


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[WandbServer]:
    """A stand-in that this process sends its runs to."""
    import wandb

    wandb.teardown()
    with serving() as standing:
        mine = {n: value for n, value in address(standing).items() if n.startswith("WANDB_")}
        for name in [name for name in os.environ if name.startswith("WANDB_")]:
            monkeypatch.delenv(name)
        for name, value in mine.items():
            monkeypatch.setenv(name, value)
        yield standing
        wandb.teardown()
