"""Drives a headless Chromium over its DevTools protocol, through two pipes and nothing else."""

import base64
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from select import select
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
# Chromium reads commands from 3 and writes answers to 4.
START = """import os, sys
read, write = (os.dup(int(word)) for word in sys.argv[1:3])
moved = [os.dup(number) for number in (read, write, read, write)]
os.dup2(moved[-2], 3), os.dup2(moved[-1], 4)
os.execv(sys.argv[3], sys.argv[3:])
"""


def find_chromium() -> str | None:
    """The program, or None where there is none."""
    return next(filter(None, map(shutil.which, NAMES)), None)


class Page:
    """A page that is open.

    Attributes:
        errors: What scripts raised, and what the browser refused.
        requests: Addresses that were asked for.
    """

    def __init__(self, to: int, answers: int, timeout: float) -> None:
        self.to, self.answers, self.timeout = to, answers, timeout
        self.buffer, self.number = b"", 0
        self.session: str | None = None
        self.target: str | None = None  # the tab
        self.errors: list[str] = []
        self.requests: list[str] = []

    def send(self, method: str, **params: Any) -> dict[str, Any]:
        """Sends a command and waits for its answer."""
        self.number += 1
        command = {"id": self.number, "method": method, "params": params}
        if self.session:
            command["sessionId"] = self.session
        os.write(self.to, json.dumps(command).encode() + b"\0")
        while (message := self.message()).get("id") != self.number:
            self.note(message)
        assert "error" not in message, message
        return message["result"]

    def message(self) -> dict[str, Any]:
        """The next one that the browser sends."""
        while b"\0" not in self.buffer:
            ready, _, _ = select([self.answers], [], [], self.timeout)
            more = os.read(self.answers, 1 << 20) if ready else b""
            assert more, "the browser does not answer"
            self.buffer += more
        text, _, self.buffer = self.buffer.partition(b"\0")
        return json.loads(text)

    def note(self, message: dict[str, Any]) -> None:
        """Keeps errors and requests."""
        params = message.get("params", {})
        if message.get("method") == "Runtime.exceptionThrown":
            self.errors.append(json.dumps(params["exceptionDetails"])[:2000])
        if message.get("method") == "Log.entryAdded" and params["entry"]["level"] == "error":
            self.errors.append(params["entry"]["text"])
        if message.get("method") == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"][:200])

    def open(self, file: Path) -> None:
        """Opens a file in a new tab, as ``visit`` does."""
        self.visit(file.resolve().as_uri())

    def visit(self, address: str) -> None:
        """Opens an address in a new tab, until all is loaded; the tab before is closed."""
        before, self.session = self.target, None
        self.target = self.send("Target.createTarget", url="about:blank")["targetId"]
        if before:
            self.send("Target.closeTarget", targetId=before)
        attached = self.send("Target.attachToTarget", targetId=self.target, flatten=True)
        self.session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.send(f"{domain}.enable")
        self.send("Page.navigate", url=address)
        while (message := self.message()).get("method") != "Page.loadEventFired":
            self.note(message)

    def do(self, script: str) -> Any:
        """The value of an expression, once its promise, if it is one, is kept."""
        result = self.send(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    def wait(self, condition: str) -> Any:
        """Waits, frame by frame, until an expression is true; its value."""
        return self.do(f"""new Promise((kept, broken) => {{
            const end = performance.now() + {1000 * self.timeout};
            const look = () => {{
                const value = ({condition});
                if (value) kept(value);
                else if (performance.now() > end) broken(new Error("waited in vain"));
                else requestAnimationFrame(look);
            }};
            look();
        }})""")

    def point(
        self, selector: str, kind: str = "mouseMoved", x: float = 0.5, y: float = 0.5
    ) -> None:
        """Moves the mouse to a place of an element, or presses its button there."""
        box = self.do(
            f"(() => {{ const b = document.querySelector({selector!r}).getBoundingClientRect();"
            "return [b.left, b.top, b.width, b.height]; })()"
        )
        place = {"x": box[0] + x * box[2], "y": box[1] + y * box[3]}
        button = {} if kind == "mouseMoved" else {"button": "left", "clickCount": 1}
        self.send("Input.dispatchMouseEvent", type=kind, **place, **button)

    def click(self, selector: str) -> None:
        """Clicks as a user does: where the element is seen."""
        self.do(f"document.querySelector({selector!r}).scrollIntoView({{block: 'center'}})")
        for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
            self.point(selector, kind)

    def choose(self, selector: str, value: str) -> None:
        """Chooses an entry of a list."""
        self.do(
            f"(() => {{ const box = document.querySelector({selector!r}); box.value = {value!r};"
            "box.dispatchEvent(new Event('change')); })()"
        )

    def drag(self, selector: str, places: Sequence[tuple[float, float]]) -> None:
        """Draws a line over an element, through places that are shares of its width and height."""
        self.do(f"document.querySelector({selector!r}).scrollIntoView({{block: 'center'}})")
        self.point(selector, "mousePressed", *places[0])
        for place in places[1:]:
            self.point(selector, "mouseMoved", *place)
        self.point(selector, "mouseReleased", *places[-1])

    def upload(self, selector: str, file: Path) -> None:
        """Chooses a file as the dialogue of an input of files would."""
        root = self.send("DOM.getDocument")["root"]["nodeId"]
        node = self.send("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        assert node, f"no {selector}"
        self.send("DOM.setFileInputFiles", nodeId=node, files=[str(file)])

    def picture(self, file: Path) -> None:
        """Writes a PNG of what is seen."""
        data = self.send("Page.captureScreenshot", format="png")["data"]
        file.write_bytes(base64.b64decode(data))


@contextmanager
def browser(
    folder: Path, size: tuple[int, int] = (1400, 950), timeout: float = 60, *further: str
) -> Iterator[Page]:
    """A browser with a profile of its own, which ends with the block.

    Args:
        folder: An empty folder for its profile.
        size: Of the window in pixels, width and height.
        timeout: Seconds that anything may take.
        further: Options of the program.
    """
    options = [
        "--headless=new", "--no-sandbox", "--disable-gpu", "--enable-unsafe-swiftshader",
        "--remote-debugging-pipe", "--no-first-run", "--disable-extensions",
        "--disable-background-networking", "--disable-dev-shm-usage", "--hide-scrollbars",
        f"--window-size={size[0]},{size[1]}", f"--user-data-dir={folder}", *further,
    ]  # fmt: skip
    (its_read, our_write), (our_read, its_write) = os.pipe(), os.pipe()
    started = subprocess.Popen(
        [sys.executable, "-c", START, str(its_read), str(its_write), find_chromium(), *options],
        pass_fds=(its_read, its_write), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    os.close(its_read), os.close(its_write)
    try:
        yield Page(our_write, our_read, timeout)
    finally:
        os.close(our_write)
        started.terminate()
        try:
            started.wait(20)
        except subprocess.TimeoutExpired:
            started.kill()
            started.wait()
        os.close(our_read)
