"""Servers that send next to nothing are given up, and what came is kept."""

import re
import socket
import threading
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from i2i.errors import SettingError
from i2i.files import watched
from i2i.files.download import fetch_file

HEAD = b'HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\nETag: "one"\r\n'


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[list[bytes]], str]]:
    """Starts a server that sends some pieces at once and then, for ever, a byte now and then."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    done, threads, listening = threading.Event(), [], socket.create_server(("127.0.0.1", 0))

    def answer(pieces: list[bytes]) -> None:
        connection, _ = listening.accept()
        with connection:
            connection.recv(65536)
            try:
                for piece in pieces:
                    connection.sendall(piece)
                while not done.wait(0.01):
                    connection.sendall(b"x")
            except OSError:  # given up
                return

    def start(pieces: list[bytes]) -> str:
        threads.append(threading.Thread(target=answer, args=(pieces,), daemon=True))
        threads[-1].start()
        return f"http://127.0.0.1:{listening.getsockname()[1]}/set.bin"

    yield start
    done.set()
    for thread in threads:
        thread.join(10)
    listening.close()


def test_a_rate_below_the_least_is_given_up_and_the_part_is_kept(
    server: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a clock that goes 2 s at each look: 40,000 bytes, and then hardly any for a minute."""
    monkeypatch.setattr(watched, "clock", count(0, 2).__next__)
    url = server([HEAD + b"\r\n", b"y" * 40_000])
    with pytest.raises(SettingError, match=r"bytes a second, fewer than 10,000") as caught:
        fetch_file(url, tmp_path / "set.bin", waits=())
    said = re.match("download: found a connection that was cut after ([0-9,]+)", str(caught.value))
    assert said and "so far:" in str(caught.value)
    # How many of the later bytes come in between two looks is the machine's business.
    kept = (tmp_path / "set.bin.part").stat().st_size
    assert kept == int(said[1].replace(",", "")) >= 40_000


def test_pace_is_that_of_the_last_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter([0, 59, 60, 60, 119, 120])
    monkeypatch.setattr(watched, "clock", lambda: next(times))
    pace = watched.Pace()
    pace.add(1)
    pace.add(600_000)  # just fast enough; from here on a new minute
    pace.add(500_000)
    with pytest.raises(TimeoutError, match="8,350 bytes a second"):
        pace.add(1_000)


@pytest.mark.parametrize(
    ("pieces", "limit"),
    [
        ([b"HTTP/1.1 200 OK\r\nX: "], "HEAD_TIME"),
        ([b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"], "PIECE_TIME"),
    ],
    ids=["head", "chunk"],
)  # fmt: skip
def test_a_byte_now_and_then_keeps_no_connection(
    pieces: list[bytes], limit: str, server: Callable, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Neither in the head of an answer nor in the size of a chunk, which is a line of its own."""
    monkeypatch.setattr(watched, limit, 0.2)
    with pytest.raises(SettingError, match=r"found .*not done within 0\.2 s"):
        fetch_file(server(pieces), tmp_path / "set.bin", waits=())
    assert not (tmp_path / "set.bin").exists()
