"""CycleGAN's archives: each preset fetches its archive, and reads its two folders without pairs."""

import hashlib
import io
import threading
import zipfile
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import cv2
import numpy as np
import pytest
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from conftest import CONF, ROOT
from i2i.config.resolvers import register
from i2i.errors import SettingError

ON_FOLDERS = "defaults:\n  - folders\n"
NAMES = sorted(p.stem for p in CONF.glob("dataset/*.yaml") if ON_FOLDERS in p.read_text())
COUNTS = {"trainA": 5, "trainB": 3, "testA": 2, "testB": 1}


@pytest.fixture(autouse=True)
def root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("I2I_ROOT", str(ROOT))


def composed(name: str, *options: str) -> DictConfig:
    register()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return compose("config", ["run_dir=run", f"dataset={name}", *options])


def packed(folder: str) -> bytes:
    """A small archive of that layout."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        for inside, count in COUNTS.items():
            for number in range(count):
                image = np.full((300, 256, 3), 20 * number, np.uint8)
                jpeg = cv2.imencode(".jpg", image)[1].tobytes()
                file.writestr(f"{folder}/{inside}/{inside[-1]}_{number}.jpg", jpeg)
    return content.getvalue()


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Path, str]]:
    """A folder and the address that gives what is in it."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    folder = tmp_path / "served"
    folder.mkdir()
    http = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield folder, f"http://127.0.0.1:{http.server_port}"
    http.shutdown()
    thread.join()
    http.server_close()


def test_all_of_them_are_here() -> None:
    assert NAMES == [
        "apple2orange", "cezanne2photo", "horse2zebra", "iphone2dslr_flower", "monet2photo",
        "summer2winter", "ukiyoe2photo", "vangogh2photo",
    ]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_preset_fetches_its_archive_and_holds_out_a_part_of_each_side(
    name: str, served: tuple[Path, str], tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    cfg = composed(name, f"data_dir={tmp_path / 'data'}", "dataset.num_workers=0")
    source = cfg.dataset.source
    assert source.url.startswith("https://efrosgans.eecs.berkeley.edu/cyclegan/datasets/")
    assert source.url.endswith(f"/{source.folder}.zip") and source.folder.startswith(name)
    assert len(source.sha256) == 64 and 78_000_000 < source.n_bytes < 340_000_000
    archive = packed(source.folder)
    folder, address = served
    (folder / f"{source.folder}.zip").write_bytes(archive)
    source.url = f"{address}/{source.folder}.zip"
    with pytest.raises(SettingError, match=f"dataset={source.folder}"):
        instantiate(cfg.dataset).prepare_data()  # another file than the preset's
    source.n_bytes, source.sha256 = len(archive), hashlib.sha256(archive).hexdigest()
    data = instantiate(cfg.dataset)
    data.prepare_data()
    assert f"licence: {cfg.dataset.licence}" in capsys.readouterr().out and cfg.dataset.licence
    assert data.root == tmp_path / "data" / name
    data.setup()
    data.check_content()
    counted = [data.counted(split) for split in ("train", "val", "test")]
    assert counted == ["4 + 2", "1 + 1", "2 + 1"]
    batch = next(iter(data.train_dataloader()))
    assert batch["input"].shape == batch["target"].shape == (1, 3, 256, 256)
    assert batch["name"][0].startswith("A_") and batch["target_name"][0].startswith("B_")
    assert data.pairing == "unpaired" and batch["target_index"].item() < 2


@pytest.mark.parametrize("pattern", ["{split}/horse", "{split}/zebra"])
def test_own_folders_below_each_split(pattern: str, tmp_path: Path) -> None:
    for split in ("train", "test"):
        for domain, count in (("horse", 4), ("zebra", 3)):
            (tmp_path / split / domain).mkdir(parents=True)
            for number in range(count):
                file = tmp_path / split / domain / f"{domain}{number}.png"
                cv2.imwrite(str(file), np.zeros((8, 8, 3), np.uint8))
    other = pattern.replace("horse", "x").replace("zebra", "horse").replace("x", "zebra")
    cfg = composed(
        "folders", f"dataset.root={tmp_path}", f"dataset.a_folder='{pattern}'",
        f"dataset.b_folder='{other}'", "dataset.val_from_train=1",
    )  # fmt: skip
    data = instantiate(cfg.dataset)
    sizes = {"{split}/horse": "3 + 2", "{split}/zebra": "2 + 3"}
    assert data.counted("train") == sizes[pattern] and data.counted("val") == "1 + 1"


def test_pairs_of_a_set_without_any_are_refused_with_a_way_out() -> None:
    cfg = composed("horse2zebra", "dataset.pairing=paired")
    with pytest.raises(Exception, match=r"dataset\.pairing=paired: found data set 'horse2zebra'"):
        instantiate(cfg.dataset)


def test_nothing_asks_for_a_pairing_by_itself() -> None:
    cfg = composed("maps")
    assert OmegaConf.select(cfg, "dataset.pairing") is None and cfg.dataset.has_pairs
