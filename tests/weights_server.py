"""A server of one file, which can cut connections, change the file and answer with an error."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from i2i.files import download


@dataclass
class Server:
    """What the server gives, and what it was asked for."""

    host: str = ""
    body: bytes = b""
    status: int = 200
    cuts: list[int] = field(default_factory=list)
    asked: list[tuple[str, str]] = field(default_factory=list)


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        state = self.server.state
        span = self.headers.get("Range", "")
        state.asked.append((self.path, span))
        start = int(span[6:-1]) if span else 0
        self.send_response(206 if start else state.status)
        self.send_header("ETag", '"one"')
        if start:
            self.send_header(
                "Content-Range", f"bytes {start}-{len(state.body) - 1}/{len(state.body)}"
            )
        body = state.body[start:]
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: state.cuts.pop(0)] if state.cuts else body)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serving() -> Iterator[Server]:
    """A server on this machine; who downloads from it does not wait between tries."""
    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.handle_error = lambda *_: None
    http.state = Server(host=f"http://127.0.0.1:{http.server_port}/")
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("no_proxy", "127.0.0.1")
        patch.setattr(download, "RETRY_WAITS", (0.0, 0.0))
        yield http.state
    http.shutdown()
    thread.join()
    http.server_close()
