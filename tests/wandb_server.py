"""A stand-in of W&B's HTTP interface on this machine, which keeps what runs send to it.

W&B's own process (wandb-core) and its Python library talk to four kinds of addresses: GraphQL at
/graphql, where a run is made and asked for; a stream for each run at
/files/ENTITY/PROJECT/RUN/file_stream, which carries the lines of history and summary with the place
of the first one; and addresses to PUT files to, which answers of GraphQL name. It can also be in
trouble for a while: see ``Trouble``.
"""

import gzip
import json
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

from wandb_answers import ANSWERS, VIEWER, SentRun, place_of, runs_of

HISTORY, SUMMARY = "wandb-history.jsonl", "wandb-summary.json"


@dataclass
class Trouble:
    """What goes wrong with some requests.

    Attributes:
        kind: ``cut`` closes the connection unheard, ``deaf`` does as it is told and closes it
            before it says so, ``silent`` never answers, a number is the status of the answer.
        where: Whether a request is one of them, from its method, path and GraphQL operation.
        times: How many more requests it happens to.
        met: How many it has happened to.
    """

    kind: str | int
    where: Callable[[str, str, str], bool] = lambda method, path, operation: True
    times: int = 10**9
    met: int = 0


class WandbServer:
    """The stand-in.

    Attributes:
        url: Its address.
        runs: What has arrived, by id of the run.
        views: The workspaces that were sent.
        troubles: What goes wrong.
    """

    def __init__(self) -> None:
        self.runs: dict[str, SentRun] = {}
        self.views: list[dict[str, Any]] = []
        self.troubles: list[Trouble] = []
        self.url = ""
        self.lock = threading.Lock()
        self.over = threading.Event()

    def trouble_with(self, method: str, path: str, operation: str) -> str | int | None:
        """What goes wrong with a request, if anything."""
        with self.lock:
            for trouble in self.troubles:
                if trouble.met < trouble.times and trouble.where(method, path, operation):
                    trouble.met += 1
                    return trouble.kind
        return None

    def answer(self, query: str, operation: str, given: dict[str, Any]) -> dict[str, Any]:
        """What the stand-in says to a question of GraphQL; unknown ones get what is harmless."""
        if operation in ANSWERS:
            return ANSWERS[operation](self, given)
        if "upsertView" in query:
            self.views.append(given)
            view = {"id": "1", "name": given["name"]}
            return {"upsertView": {"view": view, "inserted": True}}
        if "runs(" in query:
            return runs_of(self)
        if "viewer" in query:
            return {"viewer": VIEWER}
        return {"project": {"internalId": "7"}, "serverInfo": {"features": []}, "entity": None}

    def stream(self, run: SentRun, sent: dict[str, Any]) -> None:
        """Takes a piece of a run's stream; a piece that comes twice changes nothing."""
        for name, piece in (sent.get("files") or {}).items():
            if name == SUMMARY:
                run.summary = json.loads(piece["content"][-1])
            kept = {HISTORY: run.lines, "wandb-events.jsonl": run.events}.get(name)
            if kept is not None:
                kept.update(enumerate(piece["content"], piece["offset"]))
        if sent.get("complete"):
            run.exit_code = sent.get("exitcode")


def handler_of(server: WandbServer) -> type[BaseHTTPRequestHandler]:
    """The class that answers the requests of a stand-in."""

    class Answers(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.meet("", {}, b"")

        def do_PUT(self) -> None:
            self.meet("", {}, self.rfile.read(int(self.headers["Content-Length"] or 0)))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"] or 0))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            told = self.headers.get("Content-Type", "").startswith("application/json")
            sent = json.loads(body) if told else {}  # else the library's words on itself
            query = sent.get("query") or ""
            self.meet(sent.get("operationName") or word_of(query), sent, body)

        def meet(self, operation: str, sent: dict[str, Any], body: bytes) -> None:
            trouble = server.trouble_with(self.command, self.path, operation)
            if trouble == "silent":
                server.over.wait()
            if trouble in ("cut", "silent"):
                self.close_connection = True
                return
            if isinstance(trouble, int):
                self.reply({}, trouble)
                return
            with server.lock:
                data = self.take(operation, sent, body)
            if trouble == "deaf":
                self.close_connection = True
                return
            self.reply(data)

        def take(self, operation: str, sent: dict[str, Any], body: bytes) -> dict[str, Any]:
            kind, *words = [unquote(word) for word in self.path.strip("/").split("/")]
            if kind == "graphql":
                given = sent.get("variables") or {}
                return {"data": server.answer(sent["query"], operation, given)}
            if kind == "files" and words[-1] == "file_stream":
                server.stream(server.runs[words[-2]], sent)
            if kind == "put" and words[0] == "file":
                server.runs[words[1]].files["/".join(words[2:])] = body
            if kind == "put" and words[0] == "artifact":
                place_of(server, words[1]).files[words[2]] = body
            if kind == "put" and words[0] == "manifest":
                place_of(server, words[1]).manifest = json.loads(body)
            return {}

        def reply(self, content: dict[str, Any], status: int = 200) -> None:
            body = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    return Answers


def word_of(query: str) -> str:
    """The name of a question of GraphQL."""
    words = query.replace("(", " ").split()
    return words[1] if len(words) > 1 and words[0] in ("query", "mutation") else ""


class Listener(ThreadingHTTPServer):
    """Takes it that clients hang up."""

    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


@contextmanager
def serving() -> Iterator[WandbServer]:
    """A stand-in that answers as long as the context lasts."""
    server = WandbServer()
    with Listener(("127.0.0.1", 0), handler_of(server)) as http:
        server.url = f"http://127.0.0.1:{http.server_port}"
        threading.Thread(target=http.serve_forever, daemon=True).start()
        try:
            yield server
        finally:
            server.over.set()
            http.shutdown()


def address(server: WandbServer) -> dict[str, str]:
    """The variables that send a process to a stand-in, beside those that it has."""
    kept = {
        key: value for key, value in os.environ.items()
        if not key.startswith("WANDB_") or key.endswith("_DIR")
    }  # fmt: skip
    mine = {"WANDB_BASE_URL": server.url, "WANDB_API_KEY": "0" * 40, "WANDB_SILENT": "true"}
    return kept | mine
