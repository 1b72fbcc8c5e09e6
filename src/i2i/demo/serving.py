"""Serves the page: on this machine alone unless asked, without a word to any other."""

import logging
import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from i2i.errors import setting_error
from i2i.printable import printable

if TYPE_CHECKING:
    from i2i.demo.desk import Desk

LOOPBACK = ("127.0.0.1", "localhost", "::1")
BYTES_A_PIXEL = 12  # three channels of float32, the largest files of pictures that are read
QUIET = {
    "GRADIO_ANALYTICS_ENABLED": "False",
    "HF_HUB_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "GRADIO_SSR_MODE": "False",
}


@dataclass(frozen=True)
class Place:
    """Where the page is served.

    Attributes:
        host: The address to listen on.
        port: The port; None: the first free one from 7860.
        share: Whether Gradio's servers make it reachable from everywhere.
    """

    host: str
    port: int | None
    share: bool


def require_gradio() -> None:
    """Imports Gradio, which from then on tells nobody anything.

    Raises:
        SettingError: It is not installed.
    """
    os.environ.update(QUIET)
    logging.getLogger("httpx").setLevel(logging.WARNING)  # it tells of each request
    for name in ("NO_PROXY", "no_proxy"):  # the server asks itself whether it is there
        known = os.environ.get(name, "")
        os.environ[name] = ",".join(filter(None, [known, *LOOPBACK]))
    try:
        import gradio  # noqa: F401
    except ImportError as error:
        raise setting_error(
            "python src/demo.py", f"no Gradio ({error})", "the extra demo",
            "Install it: pip install 'i2i[demo]'",
        ) from error  # fmt: skip


@contextmanager
def served(desk: "Desk", place: Place) -> Iterator[str]:
    """Serves the page while the block runs.

    Args:
        desk: What the page does.
        place: Where.

    Yields:
        Its address.

    Raises:
        SettingError: Nothing can be served there.
    """
    with tempfile.TemporaryDirectory(prefix="i2i_demo_", ignore_cleanup_errors=True) as folder:
        os.environ["GRADIO_TEMP_DIR"] = str(Path(folder) / "gradio")
        from i2i.demo.page import STYLE, Page

        pictures = Path(folder) / "pictures"
        pictures.mkdir()
        page = Page(desk, pictures).blocks
        options: dict[str, Any] = {
            "server_name": place.host, "server_port": place.port, "share": place.share,
            "css": STYLE, "allowed_paths": [str(pictures)], "footer_links": [],
            "max_file_size": BYTES_A_PIXEL * desk.limits.most_pixels,
            "prevent_thread_lock": True, "quiet": True, "ssr_mode": False,
            "enable_monitoring": False, "show_error": False, "inbrowser": False,
        }  # fmt: skip
        try:
            _, address, shared = page.queue(api_open=False).launch(**options)
        except (OSError, OverflowError) as error:
            raise setting_error(
                f"host={place.host} port={place.port}", f"no way to listen there ({error})",
                "an address of this machine and a free port", "Choose another port with port=.",
            ) from error  # fmt: skip
        try:
            yield shared or address
        finally:
            page.close(verbose=False)


def serve(desk: "Desk", place: Place) -> None:
    """Serves the page until a signal ends it."""
    if place.host not in LOOPBACK:
        print(f"host={place.host}: everybody who reaches this machine can use the page")
    with served(desk, place) as address:
        print(printable(f"Open {address} (Ctrl-C ends it)"), flush=True)
        never = threading.Event()
        while not never.wait(3600):  # with a limit, so that Windows lets Ctrl-C through
            pass
