"""Archive: a data set appears whole or not at all, and nothing leaves its folder."""

import hashlib
import io
import os
import shutil
import tarfile
import threading
import zipfile
from collections import namedtuple
from pathlib import Path
from types import SimpleNamespace

import pytest

from i2i.errors import SettingError
from i2i.files import archive, download
from i2i.files.archive import Archive

FILES = {
    "maps/train/1.jpg": b"one" * 200_000,  # more than one chunk
    "maps/train/2.jpg": b"two",
    "maps/val/1.jpg": b"",
    "README": b"-",
}
LICENCE = "for research only"


def tar_bytes(*members: tarfile.TarInfo, files: dict[str, bytes] = FILES) -> bytes:
    """Packs files, then members without content."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
        for member in members:
            tar.addfile(member)
    return packed.getvalue()


def zip_bytes(
    *members: zipfile.ZipInfo, files: dict[str, bytes] = FILES, method: int = zipfile.ZIP_DEFLATED
) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", method) as file:
        file.mkdir("maps/")
        for name, content in files.items():
            file.writestr(name, content)
        for member in members:
            file.writestr(member, b"/etc/passwd")
    return packed.getvalue()


def tar_member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    return info


def zip_member(name: str, mode: int = 0o100644) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.filename, info.external_attr, info.create_system = name, mode << 16, 3
    return info


class Answer(io.BytesIO):
    """What a server gives."""

    status, chunked, headers = 200, False, {}


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The content behind addresses, and the addresses that were asked for."""
    site = SimpleNamespace(content={}, asked=[])

    def answer(job: download._Job, offset: int) -> Answer:
        site.asked.append(job.url)
        return Answer(site.content[job.url])

    monkeypatch.setattr(download._Job, "_open", answer)
    return site


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "data" / "maps"


def served(web: SimpleNamespace, content: bytes, name: str = "maps.tar.gz") -> Archive:
    url = f"https://data.invalid/{name}"
    web.content[url] = content
    return Archive(url, len(content), hashlib.sha256(content).hexdigest(), LICENCE, "maps")


def by_hand(root: Path, content: bytes, name: str = "maps.tar.gz") -> Archive:
    """Puts an archive beside the root; its address leads nowhere, so any request would fail."""
    root.parent.mkdir()
    (root.parent / name).write_bytes(content)
    return Archive(f"http://127.0.0.1:9/{name}", None, "", LICENCE, "maps")


def tree(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


WHOLE = {name[5:]: content for name, content in FILES.items() if name.startswith("maps/")}


@pytest.mark.parametrize(
    ("name", "pack"), [("maps.tar.gz", tar_bytes), ("m%20aps.tgz", tar_bytes), ("a.zip", zip_bytes)]
)
def test_the_folder_of_the_archive_becomes_the_root(
    web: SimpleNamespace, root: Path, name: str, pack, capsys: pytest.CaptureFixture[str]
) -> None:
    on_disk = name.replace("%20", " ")
    served(web, pack(), name).prepare(root)
    assert tree(root) == WHOLE
    assert sorted(path.name for path in root.parent.iterdir()) == sorted([on_disk, "maps"])
    printed = capsys.readouterr().out
    assert f"maps: licence: {LICENCE}\n" in printed
    assert f"maps: unpacked to {root} ({root.parent / on_disk} is kept" in printed


def test_a_whole_root_needs_no_write_permission(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = by_hand(root, tar_bytes())
    source.prepare(root)
    monkeypatch.setattr(archive, "exclusive", None)  # would write a lock file
    source.prepare(root)


def test_a_second_prepare_asks_nothing_and_changes_nothing(
    web: SimpleNamespace, root: Path
) -> None:
    source = served(web, tar_bytes())
    source.prepare(root)
    (root / "mine.txt").write_bytes(b"kept")
    (root.parent / "maps.tar.gz").unlink()
    source.prepare(root)
    assert web.asked == [source.url]
    assert tree(root) == WHOLE | {"mine.txt": b"kept"}


def test_the_archive_goes_when_it_is_not_to_be_kept(web: SimpleNamespace, root: Path) -> None:
    source = served(web, tar_bytes())
    source.keep_archive = False
    source.prepare(root)
    assert [path.name for path in root.parent.iterdir()] == ["maps"]


def test_an_archive_put_there_by_hand_needs_no_network(root: Path) -> None:
    by_hand(root, tar_bytes()).prepare(root)
    assert tree(root) == WHOLE


def test_a_wrong_archive_put_there_by_hand_is_named_and_kept(
    web: SimpleNamespace, root: Path
) -> None:
    source = served(web, tar_bytes())
    by_hand(root, b"<html>")
    with pytest.raises(SettingError, match=r"maps\.tar\.gz: found a file of 6 bytes.*Delete it"):
        source.prepare(root)
    assert tree(root.parent) == {"maps.tar.gz": b"<html>"}
    assert web.asked == []


def test_an_empty_root_is_filled(root: Path) -> None:
    source = by_hand(root, tar_bytes())
    root.mkdir()
    source.prepare(root)
    assert tree(root) == WHOLE


def test_a_root_that_is_a_link_is_filled_where_it_leads(root: Path, tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    source = by_hand(tmp_path / "disk" / "new" / "maps", tar_bytes())
    root.parent.mkdir()
    root.symlink_to(tmp_path / "disk" / "new" / "maps")
    source.prepare(root)
    assert root.is_symlink()
    assert tree(root) == WHOLE


def test_a_foreign_root_is_left_to_the_reader(web: SimpleNamespace, root: Path) -> None:
    root.mkdir(parents=True)
    (root / "thesis.txt").write_bytes(b"mine")
    served(web, tar_bytes()).prepare(root)
    assert tree(root.parent) == {"maps/thesis.txt": b"mine"}
    assert web.asked == []


def test_without_a_network_one_screen_says_what_to_do(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(download, "RETRY_WAITS", ())
    url = "http://127.0.0.1:9/maps.tar.gz"
    with pytest.raises(SettingError) as caught:
        Archive(url, 250_242_400, "7519044b", LICENCE, "maps").prepare(root)
    text = str(caught.value)
    assert len(text.splitlines()) <= 15
    put = f"put it at {root.parent / 'maps.tar.gz'}, run the same command again"
    for part in ("dataset=maps: ", url, "250.2 MB", LICENCE, f"target:  {root.parent}/", put):
        assert part in text
    assert list(root.parent.iterdir()) == []


EVIL_TARS = {
    "above": (tar_member("../x"), r"member '\.\./x', which may leave"),
    "above inside": (tar_member("maps/../../x"), r"member 'maps/\.\./\.\./x', which may leave"),
    "absolute": (tar_member("/tmp/x"), "member '/tmp/x', which may leave"),
    "drive": (tar_member("C:/x"), "member 'C:/x', which may leave"),
    "backslash": (tar_member("maps\\..\\..\\x"), "which may leave"),
    "link out": (tar_member("maps/x", tarfile.SYMTYPE, "/etc"), "'maps/x', which is a symbolic"),
    "link in": (tar_member("maps/x", tarfile.SYMTYPE, "train"), "'maps/x', which is a symbolic"),
    "hard link": (tar_member("maps/x", tarfile.LNKTYPE, "/etc/passwd"), "which is a hard link"),
    "device": (tar_member("maps/x", tarfile.CHRTYPE), "'maps/x', which is a device"),
    "pipe": (tar_member("maps/x", tarfile.FIFOTYPE), "'maps/x', which is a device"),
}
EVIL_ZIPS = {
    "above": (zip_member("../x"), r"member '\.\./x', which may leave"),
    "absolute": (zip_member("/tmp/x"), "member '/tmp/x', which may leave"),
    "backslash": (zip_member("..\\x"), "which may leave"),
    "link": (zip_member("maps/x", 0o120777), "'maps/x', which is a symbolic link"),
    "device": (zip_member("maps/x", 0o020666), "'maps/x', which is a device"),
}
EVIL = [(tar_bytes, "maps.tar.gz", *case) for case in EVIL_TARS.values()]
EVIL += [(zip_bytes, "maps.zip", *case) for case in EVIL_ZIPS.values()]


@pytest.mark.parametrize(("pack", "name", "member", "found"), EVIL)
def test_an_evil_member_is_named_and_nothing_is_unpacked(
    root: Path, tmp_path: Path, pack, name: str, member, found: str
) -> None:
    content = pack(member)
    source = by_hand(root, content, name)
    with pytest.raises(SettingError, match=f"{root.parent / name}: found the .*{found}"):
        source.prepare(root)
    assert tree(tmp_path) == {f"data/{name}": content}
    assert not root.exists()


@pytest.mark.parametrize(("pack", "name"), [(tar_bytes, "a.tar.gz"), (zip_bytes, "a.zip")])
@pytest.mark.parametrize("limit", ["MAX_GROWTH", "MAX_MEMBERS"])
def test_a_bomb_is_refused(
    root: Path, pack, name: str, limit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "FREE_GROWTH", 1_000_000)
    monkeypatch.setattr(archive, "MAX_MEMBERS", 2 if limit == "MAX_MEMBERS" else 1000)
    size = 3_000_000 if limit == "MAX_GROWTH" else 3
    bomb = pack(files={f"maps/{n}.jpg": bytes(size) for n in range(4)})
    with pytest.raises(
        SettingError, match=rf"more than 1\.0 MB.*an archive of {len(bomb):,} bytes"
    ):
        by_hand(root, bomb, name).prepare(root)
    assert [path.name for path in root.parent.iterdir()] == [name]


def test_a_header_that_would_fill_the_memory_is_refused(root: Path) -> None:
    bomb = io.BytesIO()
    header = tar_member("pax", tarfile.XHDTYPE)
    header.size = 8_000_000_000
    with archive.gzip.open(bomb, "wb") as stream:
        stream.write(header.tobuf(tarfile.USTAR_FORMAT))
        stream.write(bytes(100_000))
    with pytest.raises(SettingError, match=r"found a header of 8,000,000,000 bytes"):
        by_hand(root, bomb.getvalue()).prepare(root)


BIG = {"maps/1.jpg": os.urandom(50_000), "maps/2.jpg": os.urandom(50_000)}
SPOILT_ZIP = bytearray(zip_bytes(files=BIG, method=zipfile.ZIP_STORED))
SPOILT_ZIP[SPOILT_ZIP.index(BIG["maps/1.jpg"]) + 100] ^= 1
SPOILT_TAR = bytearray(tar_bytes(files=BIG))
SPOILT_TAR[-6] ^= 1  # in gzip's checksum: every member reads well


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("maps.tar.gz", tar_bytes(files=BIG)[:70_000]),
        ("maps.tar.gz", tar_bytes(files=BIG)[:20]),
        ("maps.tar.gz", bytes(SPOILT_TAR)),
        ("maps.tar.gz", b"<html>not found</html>"),
        ("maps.tar.gz", b""),
        ("maps.tar.gz", archive.gzip.compress(b"no tar inside" * 100)),
        ("maps.zip", zip_bytes(files=BIG)[:70_000]),
        ("maps.zip", bytes(SPOILT_ZIP)),
        ("maps.zip", b"<html>not found</html>"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",  # gzip's bytes hold the time
)
def test_a_broken_archive_is_named_with_what_to_do(root: Path, name: str, content: bytes) -> None:
    source = by_hand(root, content, name)
    expected = rf"{root.parent / name}: found a broken file .*Delete the file and run the same"
    with pytest.raises(SettingError, match=expected):
        source.prepare(root)
    assert tree(root.parent) == {name: content}
    assert not root.exists()


@pytest.mark.parametrize(("more", "found"), [(2, "ends early"), (-2, "Bad CRC-32")])
def test_a_zip_member_gives_as_many_bytes_as_it_announces(
    root: Path, more: int, found: str
) -> None:
    content = bytearray(zip_bytes(files={"maps/1.jpg": b"12345"}))
    for mark, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):  # the sizes in both headers
        at = content.rindex(mark) + offset
        content[at : at + 4] = (5 + more).to_bytes(4, "little")
    with pytest.raises(SettingError, match=f"found a broken file .*{found}"):
        by_hand(root, bytes(content), "maps.zip").prepare(root)
    assert not root.exists()


def test_an_archive_of_another_set_is_told_apart(root: Path) -> None:
    with pytest.raises(SettingError, match=r"no folder 'maps' in it, only \['facades'\]"):
        by_hand(root, tar_bytes(files={"facades/1.jpg": b"-"})).prepare(root)
    assert not root.exists()


def test_an_address_without_a_known_ending_is_refused() -> None:
    with pytest.raises(SettingError, match=r"dataset=maps: found http://a/maps\.rar; expected a"):
        Archive("http://a/maps.rar", None, "", LICENCE, "maps")


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, OSError(28, "No space left on device")])
def test_an_interrupted_unpack_leaves_no_root_and_the_next_one_succeeds(
    root: Path, interrupt: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, makefile, seen = by_hand(root, tar_bytes()), tarfile.TarFile.makefile, []

    def stop_at_the_second(tar: tarfile.TarFile, info: tarfile.TarInfo, target: str) -> None:
        seen.append(target)
        if len(seen) == 2:
            raise interrupt
        makefile(tar, info, target)

    monkeypatch.setattr(tarfile.TarFile, "makefile", stop_at_the_second)
    with pytest.raises((KeyboardInterrupt, SettingError)) as caught:
        source.prepare(root)
    if isinstance(interrupt, OSError):
        assert f"dataset.root='{root}': found a folder that cannot" in str(caught.value)
        assert "No space left on device" in str(caught.value)
    assert [path.name for path in root.parent.iterdir()] == ["maps.tar.gz"]
    source.prepare(root)
    assert tree(root) == WHOLE


def test_the_rest_of_a_killed_unpack_is_not_mistaken_for_data(root: Path) -> None:
    source = by_hand(root, tar_bytes())
    left = root.parent / ".maps.unpacking" / "maps" / "half.jpg"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"half")
    source.prepare(root)
    assert tree(root) == WHOLE
    assert not left.parent.parent.exists()


@pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning")
def test_many_at_once_unpack_once(
    web: SimpleNamespace, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = served(web, tar_bytes())
    threads = [threading.Thread(target=source.prepare, args=(root,)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert tree(root) == WHOLE
    assert web.asked == [source.url]
    assert capsys.readouterr().out.count("unpacked to") == 1


@pytest.mark.parametrize("call", ["mkdir", "replace"])
def test_a_folder_without_write_permission_names_the_setting(
    root: Path, call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = by_hand(root, tar_bytes())

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(*{"mkdir": (Path, "mkdir"), "replace": (os, "replace")}[call], refuse)
    expected = rf"dataset\.root='{root}': found .*Permission denied.*dataset\.root=FOLDER"
    with pytest.raises(SettingError, match=expected):
        source.prepare(root)
    assert [path.name for path in root.parent.iterdir()] == ["maps.tar.gz"]


def test_a_full_disk_is_told_before_anything_is_fetched(
    web: SimpleNamespace, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**12, 10**12, 3_000_000))
    source = served(web, tar_bytes())
    source.n_bytes = 2_000_000
    expected = rf"dataset\.root='{root}': found 3\.0 MB free on its disk; expected 4\.0 MB"
    with pytest.raises(SettingError, match=expected):
        source.prepare(root)
    assert web.asked == []
