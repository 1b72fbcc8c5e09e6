"""Connections over http and https that end by a time, however slowly their bytes come.

A socket's own time limit counts from one byte to the next, so that a byte now and then keeps a
connection for ever.
"""

import contextlib
import http.client
import socket
import threading
import time
import urllib.request
from collections.abc import Iterator
from typing import Any

HEAD_TIME = PIECE_TIME = 60.0  # seconds for the head of an answer, and for each piece of its body
SLOWEST, PACE_TIME = 10_000, 60.0  # bytes a second, measured over so many seconds
clock = time.monotonic


class Pace:
    """Gives up a server that sends too little in a minute."""

    def __init__(self) -> None:
        self.n_bytes, self.since = 0, clock()

    def add(self, n_bytes: int) -> None:
        """Counts what came.

        Raises:
            TimeoutError: It was less than ``SLOWEST``.
        """
        self.n_bytes += n_bytes
        if (seconds := clock() - self.since) >= PACE_TIME:
            if n_bytes and (rate := self.n_bytes / seconds) < SLOWEST:
                raise TimeoutError(f"{rate:,.0f} bytes a second, fewer than {SLOWEST:,}")
            self.n_bytes, self.since = 0, clock()


@contextlib.contextmanager
def within(connected: socket.socket | None, seconds: float) -> Iterator[None]:
    """Cuts a connection that is still busy in its block after so many seconds.

    Args:
        connected: The socket; None watches nothing.
        seconds: That the block has.

    Raises:
        TimeoutError: It was cut.
    """
    if connected is None:
        yield
        return
    late = threading.Event()

    def cut() -> None:
        late.set()
        with contextlib.suppress(OSError):
            # Of the socket below TLS: its own would change what the other thread reads from.
            socket.socket.shutdown(connected, socket.SHUT_RDWR)

    timer = threading.Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    except Exception as error:
        if late.is_set():
            raise TimeoutError(f"not done within {seconds:g} s") from error
        raise
    finally:
        timer.cancel()
    if late.is_set():
        raise TimeoutError(f"not done within {seconds:g} s")


class _Watched(http.client.HTTPConnection):
    """Watches the head of the answer, and lets the reader of its body do so too."""

    def getresponse(self) -> Any:
        connected = self.sock
        with within(connected, HEAD_TIME):
            response = super().getresponse()
        response.socket = connected
        return response


class _WatchedTLS(_Watched, http.client.HTTPSConnection):
    """The same with TLS."""


class _Http(urllib.request.HTTPHandler):
    def http_open(self, req: Any) -> Any:
        """Opens an address of http."""
        return self.do_open(_Watched, req)


class _Https(urllib.request.HTTPSHandler):
    def https_open(self, req: Any) -> Any:
        """Opens an address of https; certificates are verified, which is the default."""
        return self.do_open(_WatchedTLS, req)


HANDLERS = (_Http, _Https)
