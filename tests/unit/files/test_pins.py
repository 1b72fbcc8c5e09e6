"""What first came from an address, and what comes later."""

import hashlib
import io
import json
import tarfile
from pathlib import Path

import pytest

from i2i.errors import SettingError
from i2i.files import download, pins
from i2i.files.archive import Archive

URL = "https://data.invalid/maps.tar.gz"


def packed(content: bytes) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as tar:
        member = tarfile.TarInfo("maps/train/1.jpg")
        member.size = len(content)
        tar.addfile(member, io.BytesIO(content))
    return file.getvalue()


class Answer(io.BytesIO):
    status, chunked, headers = 200, False, {}


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    site: dict[str, bytes] = {}
    monkeypatch.setattr(download._Job, "_open", lambda job, _: Answer(site[job.url]))
    return site


def prepare(root: Path, url: str = URL, sha256: str | None = None) -> None:
    Archive(url, None, sha256, "licence", "maps", keep_archive=False).prepare(root)


def take_away(root: Path) -> None:
    (root / "train" / "1.jpg").unlink()
    (root / "train").rmdir()
    root.rmdir()


def test_a_later_difference_is_noticed_and_said_in_four_parts(
    web: dict[str, bytes], tmp_path: Path
) -> None:
    web[URL] = packed(b"one")
    prepare(tmp_path / "maps")
    take_away(tmp_path / "maps")
    prepare(tmp_path / "maps")  # the same again
    take_away(tmp_path / "maps")
    first, web[URL] = hashlib.sha256(web[URL]).hexdigest(), packed(b"two")
    with pytest.raises(SettingError) as caught:
        prepare(tmp_path / "maps")
    text = str(caught.value)
    assert text.startswith("dataset=maps: found a file with sha256 ")
    assert hashlib.sha256(web[URL]).hexdigest() in text
    assert (
        "; expected that of 20" in text and f"first came from this address: sha256 {first}" in text
    )
    assert f"take its entry out of {tmp_path / pins.NAME}" in text
    assert not (tmp_path / "maps").exists() and not (tmp_path / "maps.tar.gz").exists()
    (tmp_path / pins.NAME).unlink()
    prepare(tmp_path / "maps")
    assert (tmp_path / "maps" / "train" / "1.jpg").read_bytes() == b"two"


def test_it_outlasts_the_way_to_https(web: dict[str, bytes], tmp_path: Path) -> None:
    web["http://data.invalid/maps.tar.gz"], web[URL] = packed(b"one"), packed(b"two")
    prepare(tmp_path / "maps", "http://data.invalid/maps.tar.gz")
    take_away(tmp_path / "maps")
    with pytest.raises(SettingError, match="when it first came from this address"):
        prepare(tmp_path / "maps")


def test_a_published_hash_needs_no_pin(web: dict[str, bytes], tmp_path: Path) -> None:
    for content in (b"one", b"two"):
        web[URL] = packed(content)
        prepare(tmp_path / "maps", sha256=hashlib.sha256(web[URL]).hexdigest())
        take_away(tmp_path / "maps")
    assert not (tmp_path / pins.NAME).exists()


def test_a_broken_archive_is_not_what_others_are_compared_with(
    web: dict[str, bytes], tmp_path: Path
) -> None:
    web[URL] = packed(b"one")[:-10]
    with pytest.raises(SettingError, match="a broken file"):
        prepare(tmp_path / "maps")
    assert pins.pinned(tmp_path, URL) is None
    (tmp_path / "maps.tar.gz").unlink()
    web[URL] = packed(b"one")
    prepare(tmp_path / "maps")
    assert pins.pinned(tmp_path, URL)[0] == hashlib.sha256(web[URL]).hexdigest()


@pytest.mark.parametrize("entry", ["{", "[]", '{"data.invalid/maps.tar.gz": 3}',
                                   '{"data.invalid/maps.tar.gz": {"sha256": "x"}}'])  # fmt: skip
def test_a_damaged_record_is_none(entry: str, tmp_path: Path) -> None:
    (tmp_path / pins.NAME).write_text(entry)
    assert pins.pinned(tmp_path, URL) is None
    pins.pin(tmp_path, URL, "a" * 64)
    assert pins.pinned(tmp_path, URL)[0] == "a" * 64
    pins.pin(tmp_path, "https://b.invalid/b.zip", "b" * 64)
    assert len(json.loads((tmp_path / pins.NAME).read_text())) == 2


def test_a_folder_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    pins.pin(tmp_path / "file", URL, "a" * 64)
    assert pins.pinned(tmp_path / "file", URL) is None
