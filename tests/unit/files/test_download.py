"""fetch_file against a server on this machine that can cut, lie, redirect and ignore Range."""

import hashlib
import os
import random
import re
import socket
import threading
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from i2i.errors import SettingError
from i2i.files import download
from i2i.files.download import fetch_file

BODY = random.Random(0).randbytes(1_000_000)
SHA256 = hashlib.sha256(BODY).hexdigest()
NO_WAITS = (0.0, 0.0)


@dataclass
class Server:
    """What the handler below does, and what it was asked for."""

    url: str = ""
    body: bytes = BODY
    cuts: list[int] = field(default_factory=list)  # bytes of the body sent before each cut
    statuses: list[int] = field(default_factory=list)  # answers before the good one
    ranges: bool = True
    sizes: bool = True  # whether Content-Length is sent
    redirect: str = ""
    headers: dict[str, str] = field(default_factory=lambda: {"ETag": '"one"'})
    requests: list[dict[str, str]] = field(default_factory=list)
    sent: int = 0


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        state = self.server.state
        state.requests.append(dict(self.headers))
        if state.redirect:
            self.send_response(302)
            self.send_header("Location", state.redirect)
            return self.end_headers()
        if state.statuses:
            return self.send_error(state.statuses.pop(0))
        start = int(self.headers.get("Range", "bytes=0-")[6:-1]) if state.ranges else 0
        if self.headers.get("If-Range", '"one"') != state.headers.get("ETag", '"one"'):
            start = 0
        if start and start >= len(state.body):
            return self.send_error(416)
        body = state.body[start:]
        self.send_response(206 if start else 200)
        for name, value in state.headers.items():
            self.send_header(name, value)
        if start:
            span = f"bytes {start}-{len(state.body) - 1}/{len(state.body)}"
            self.send_header("Content-Range", span)
        if state.sizes:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        body = body[: state.cuts.pop(0)] if state.cuts else body
        self.wfile.write(body)
        state.sent += len(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.handle_error = lambda *_: None  # a client that hangs up early is part of the tests
    http.state = Server(url=f"http://127.0.0.1:{http.server_port}/set.bin")
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield http.state
    http.shutdown()
    thread.join()
    http.server_close()


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "new" / "set.bin"


def files_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_whole_file_arrives_and_nothing_else_stays(server: Server, target: Path) -> None:
    assert fetch_file(server.url, target, len(BODY), SHA256) == target
    assert target.read_bytes() == BODY
    assert files_in(target.parent) == ["set.bin"]
    assert len(server.requests) == 1


@pytest.mark.parametrize(("n_bytes", "sha256"), [(len(BODY), None), (None, SHA256), (None, None)])
def test_a_standing_file_is_not_fetched_again(
    server: Server, target: Path, n_bytes: int | None, sha256: str | None
) -> None:
    for _ in range(2):
        fetch_file(server.url, target, n_bytes, sha256)
    assert len(server.requests) == 1


@pytest.mark.parametrize("sha256", [SHA256[:8], SHA256.upper()])
def test_a_hash_may_be_shortened_or_in_capitals(server: Server, target: Path, sha256: str) -> None:
    fetch_file(server.url, target, sha256=sha256)
    assert target.read_bytes() == BODY


@pytest.mark.parametrize("sha256", ["1234567", "not-a-hash", SHA256 + "0"])
def test_a_hash_that_is_none_is_refused_first(server: Server, target: Path, sha256: str) -> None:
    with pytest.raises(SettingError, match=f"sha256='{sha256}'.*8 to 64 hexadecimal"):
        fetch_file(server.url, target, sha256=sha256)
    assert server.requests == []


@pytest.mark.parametrize("sizes", [True, False])
def test_a_cut_download_goes_on_where_it_stopped(
    server: Server, target: Path, sizes: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    server.cuts, server.sizes = [300_000, 200_000], sizes
    fetch_file(server.url, target, len(BODY), SHA256, waits=NO_WAITS)
    assert target.read_bytes() == BODY
    assert [r.get("Range") for r in server.requests] == [None, "bytes=300000-", "bytes=500000-"]
    assert server.requests[1]["If-Range"] == '"one"'
    assert server.sent == len(BODY)
    assert "cut after 300,000 of 1,000,000 bytes; trying again in 0 s" in capsys.readouterr().err


def test_a_later_call_goes_on_with_the_part_of_an_earlier_one(server: Server, target: Path) -> None:
    server.cuts = [400_000]
    with pytest.raises(SettingError, match=r"so far: +0\.4 MB in .*set\.bin\.part"):
        fetch_file(server.url, target, len(BODY), waits=())
    assert files_in(target.parent) == ["set.bin.part"]
    fetch_file(server.url, target, len(BODY), waits=())
    assert target.read_bytes() == BODY
    assert server.requests[1]["Range"] == "bytes=400000-"
    assert files_in(target.parent) == ["set.bin"]


def test_a_server_without_ranges_sends_all_of_it_again(server: Server, target: Path) -> None:
    server.cuts, server.ranges = [300_000], False
    fetch_file(server.url, target, len(BODY), SHA256, waits=NO_WAITS)
    assert target.read_bytes() == BODY
    assert server.sent == 300_000 + len(BODY)


def test_a_file_that_changed_meanwhile_is_fetched_from_the_start(
    server: Server, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.cuts = [300_000]

    def change(_: float) -> None:
        server.body, server.headers = BODY[::-1], {"ETag": '"two"'}

    monkeypatch.setattr(download.time, "sleep", change)
    fetch_file(server.url, target, waits=(1.0,))
    assert target.read_bytes() == BODY[::-1]


def test_a_part_of_which_nothing_is_known_is_not_trusted(server: Server, target: Path) -> None:
    target.parent.mkdir()
    target.with_name("set.bin.part").write_bytes(b"other")
    fetch_file(server.url, target)
    assert target.read_bytes() == BODY
    assert "Range" not in server.requests[0]


@pytest.mark.parametrize("part", [BODY + b"more", b"x" * 2_000_000])
def test_a_part_longer_than_the_file_starts_over(server: Server, target: Path, part: bytes) -> None:
    """With the size known no Range is asked for; with the hash alone the server answers 416."""
    target.parent.mkdir()
    for n_bytes in (len(BODY), None):
        target.with_name("set.bin.part").write_bytes(part)
        fetch_file(server.url, target, n_bytes, SHA256)
        assert target.read_bytes() == BODY
        target.unlink()
    assert [r.get("Range") for r in server.requests] == [None, f"bytes={len(part)}-", None]


def test_a_part_of_another_file_fails_the_hash_and_goes(server: Server, target: Path) -> None:
    target.parent.mkdir()
    target.with_name("set.bin.part").write_bytes(b"other")
    with pytest.raises(SettingError, match=r"removed; the same command fetches it anew.*" + SHA256):
        fetch_file(server.url, target, len(BODY), SHA256)
    assert files_in(target.parent) == []
    fetch_file(server.url, target, len(BODY), SHA256)
    assert target.read_bytes() == BODY


@pytest.mark.parametrize("sizes", [True, False])
@pytest.mark.parametrize(
    ("n_bytes", "found"), [(7, "1,000,000|more than 7"), (2_000_000, "1,000,000")]
)
def test_a_wrong_size_is_named_and_not_kept(
    server: Server,
    target: Path,
    sizes: bool,
    n_bytes: int,
    found: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    server.sizes = sizes
    with pytest.raises(
        SettingError, match=f"(?s)found .*({found}).* expected file of {n_bytes:,} bytes"
    ):
        fetch_file(server.url, target, n_bytes, waits=())
    assert not target.exists()
    if sizes:
        assert files_in(target.parent) == []
        assert "B/s" not in capsys.readouterr().err  # the header told, before a byte was stored


def test_a_wrong_file_of_the_user_is_named_and_kept(server: Server, target: Path) -> None:
    target.parent.mkdir()
    target.write_bytes(b"mine")
    with pytest.raises(SettingError, match=f"{target}: found a file of 4 bytes.*Delete it"):
        fetch_file(server.url, target, len(BODY))
    assert target.read_bytes() == b"mine"
    assert server.requests == []


def test_an_answer_404_is_final_and_tells_how_to_do_without(server: Server, target: Path) -> None:
    server.statuses = [404]
    with pytest.raises(SettingError) as caught:
        fetch_file(
            server.url, target, 250_242_400, None, "set.bin", "dataset=maps", licence="no resale"
        )
    lines = str(caught.value).splitlines()
    assert len(lines) <= 15
    assert lines[0].startswith("dataset=maps: found the answer 'HTTP 404 Not Found'")
    assert [line.strip() for line in lines[1:]] == [
        f"address: {server.url}",
        "size:    250.2 MB",
        "licence: no resale",
        f"target:  {target.parent}/",
        f"by hand: download it in a browser, put it at {target}, run the same command again",
    ]
    assert len(server.requests) == 1


def test_a_busy_server_is_asked_again_with_growing_waits(
    server: Server, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited = []
    monkeypatch.setattr(download.time, "sleep", waited.append)
    server.statuses = [503, 429, 500]
    fetch_file(server.url, target, len(BODY))
    assert waited == list(download.RETRY_WAITS) == sorted(set(waited))
    server.statuses, _ = [503] * 4, target.unlink()
    with pytest.raises(SettingError, match="HTTP 503"):
        fetch_file(server.url, target, len(BODY))


def test_a_closed_port_fails_with_address_and_reason(
    target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # bound and not listening: nobody else gets it
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/set.bin"
        with pytest.raises(SettingError, match=rf"(?s)refused.*{url}.*by hand: ask Ann"):
            fetch_file(url, target, by_hand="ask Ann", waits=NO_WAITS)
    assert files_in(target.parent) == []


@pytest.mark.parametrize("url", ["file:///etc/hosts", "ftp://127.0.0.1/a", "set.bin", "http://"])
def test_only_web_addresses_are_fetched(target: Path, url: str) -> None:
    with pytest.raises(SettingError, match=f"the address '{url}'; expected one that starts with"):
        fetch_file(url, target)
    assert not target.parent.exists()


@pytest.mark.parametrize(
    ("start", "end", "good"),
    [
        ("https://a.example/x", "https://b.example/x", True),
        ("http://a.example/x", "https://a.example/x", True),
        ("http://a.example/x", "http://b.example/x", True),
        ("https://a.example/x", "http://a.example/x", False),
        ("https://a.example/x", "ftp://a.example/x", False),
        ("http://a.example/x", "ftp://a.example/x", False),
        ("http://a.example/x", "file:///etc/hosts", False),
    ],
)
def test_redirects_go_to_the_web_and_never_down_from_https(
    start: str, end: str, good: bool
) -> None:
    follow = download._SafeRedirects().redirect_request
    order = (urllib.request.Request(start), None, 302, "Found", {}, end)
    if good:
        assert follow(*order).full_url == end
    else:
        with pytest.raises(download._Refused, match=f"{start} to {end}"):
            follow(*order)


def test_a_refused_redirect_is_an_error_of_the_project(server: Server, target: Path) -> None:
    server.redirect = "ftp://127.0.0.1/set.bin"
    with pytest.raises(SettingError, match=f"redirect from {server.url} to ftp://127.0.0.1"):
        fetch_file(server.url, target)


@pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning")
def test_many_threads_at_once_make_one_download(server: Server, target: Path) -> None:
    order = (server.url, target, len(BODY), SHA256)
    threads = [threading.Thread(target=fetch_file, args=order) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert target.read_bytes() == BODY
    assert len(server.requests) == 1
    assert files_in(target.parent) == ["set.bin"]


def test_a_folder_without_write_permission_is_named(
    server: Server, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(SettingError, match=f"'{target}' not writable .Permission denied.*space"):
        fetch_file(server.url, target, len(BODY))
    assert not target.exists()


def test_progress_gives_size_and_speed(
    server: Server, target: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fetch_file(server.url, target, len(BODY), what="set.bin")
    assert re.search(r"set\.bin: 100%.*1\.00M/1\.00M .*B/s\]\n$", capsys.readouterr().err)


def test_a_link_called_part_is_not_written_through(server: Server, target: Path) -> None:
    target.parent.mkdir()
    for name in ("mine", "nothing"):
        (target.parent / "mine").write_bytes(b"mine")
        target.with_name("set.bin.part").symlink_to(target.parent / name)
        fetch_file(server.url, target, len(BODY), SHA256)
        assert target.read_bytes() == BODY
        assert (target.parent / "mine").read_bytes() == b"mine"
        target.unlink()
    assert files_in(target.parent) == ["mine"]


def test_bounds_stand_in_for_a_size_that_is_not_known(server: Server, target: Path) -> None:
    fetch_file(server.url, target, between=(len(BODY), len(BODY)))
    assert target.read_bytes() == BODY
    for n, bounds in enumerate([(1, len(BODY) - 1), (len(BODY) + 1, 2 * len(BODY))]):
        other = target.with_name(f"{n}.bin")
        expected = re.escape(f"expected file of {bounds[0]:,} to {bounds[1]:,} bytes")
        with pytest.raises(SettingError, match=f"a file of 1,000,000 bytes; {expected}"):
            fetch_file(server.url, other, between=bounds, waits=NO_WAITS)
        assert files_in(target.parent) == ["set.bin"]


def test_a_body_without_a_length_is_stopped_at_its_bound(server: Server, target: Path) -> None:
    server.sizes = False
    with pytest.raises(SettingError, match="found more than 300,000 bytes"):
        fetch_file(server.url, target, between=(1, 300_000), waits=NO_WAITS)
    with pytest.raises(SettingError, match="found a file of 1,000,000 bytes"):
        fetch_file(server.url, target, between=(2_000_000, 3_000_000), waits=NO_WAITS)
    assert files_in(target.parent) == []
