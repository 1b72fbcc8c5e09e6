"""Ordinary files are read whole, whatever a call of the system gives at once."""

import io
from pathlib import Path

import pytest

from i2i.files import ordinary
from i2i.files.ordinary import Unreadable, read_bytes


@pytest.mark.parametrize("content", [b"", b"a", bytes(range(256)) * 999], ids=["0", "1", "255744"])
def test_a_file_is_read_whole(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a").write_bytes(content)
    assert read_bytes(tmp_path / "a", 1_000_000) == content


def test_what_comes_in_parts_is_put_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a system that reads 2 GB at once gives a file of 3 GB."""

    class InParts(io.FileIO):
        def read(self, size: int = -1) -> bytes:
            return super().read(min(size, 10))

    (tmp_path / "a").write_bytes(bytes(range(256)))
    monkeypatch.setattr(ordinary, "open_regular", lambda path, **_: InParts(path))
    assert read_bytes(tmp_path / "a", 1000) == bytes(range(256))


def test_what_is_no_file_or_too_large_is_told(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    with pytest.raises(Unreadable, match="3 bytes, more than 2"):
        read_bytes(tmp_path / "a", 2)
    with pytest.raises(Unreadable, match=r"folder|permission"):
        read_bytes(tmp_path, 2)
    with pytest.raises(Unreadable, match="no such file"):
        read_bytes(tmp_path / "b", 2)
