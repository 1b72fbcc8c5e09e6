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
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import quote, unquote

ENTITY = "team"
HISTORY, SUMMARY = "wandb-history.jsonl", "wandb-summary.json"


@dataclass
class Artifact:
    """What a run has sent as an artifact; ``committed`` once all of it is there."""

    name: str
    kind: str
    metadata: dict[str, Any]
    aliases: list[str]
    files: dict[str, bytes] = field(default_factory=dict)  # by path in the artifact
    manifest: dict[str, Any] = field(default_factory=dict)
    committed: bool = False


@dataclass
class SentRun:
    """What has arrived of a run."""

    id: str
    project: str
    name: str = ""
    group: str = ""
    job_type: str = ""
    tags: list[str] = field(default_factory=list)
    config: dict[str, Any] = field(default_factory=dict)
    summary: dict[str, Any] = field(default_factory=dict)
    lines: dict[int, str] = field(default_factory=dict)  # of the history, by place
    events: dict[int, str] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    artifacts: dict[str, Artifact] = field(default_factory=dict)
    alerts: dict[str, str] = field(default_factory=dict)
    begun: int = 0  # how often a process asked for it
    exit_code: int | None = None  # None: it has not told its end

    @property
    def history(self) -> list[dict[str, Any]]:
        """The rows; a place that never arrived is an error."""
        assert sorted(self.lines) == list(range(len(self.lines))), "places are missing"
        return [json.loads(self.lines[place]) for place in sorted(self.lines)]

    def values(self, name: str) -> dict[int, Any]:
        """What was logged under a name, by the step of the generator."""
        rows = [row for row in self.history if name in row]
        return {row["trainer/global_step"]: row[name] for row in rows}


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
        asked: The operation, or method and path, of each request.
    """

    def __init__(self) -> None:
        self.runs: dict[str, SentRun] = {}
        self.views: list[dict[str, Any]] = []
        self.troubles: list[Trouble] = []
        self.asked: list[str] = []
        self.url = ""
        self.lock = threading.Lock()
        self.over = threading.Event()

    def trouble_with(self, method: str, path: str, operation: str) -> str | int | None:
        """What goes wrong with a request, if anything."""
        with self.lock:
            self.asked.append(operation or f"{method} {path}")
            for trouble in self.troubles:
                if trouble.met < trouble.times and trouble.where(method, path, operation):
                    trouble.met += 1
                    return trouble.kind
        return None

    def artifacts(self) -> dict[str, Artifact]:
        """All that were committed, by name."""
        found = (a for run in self.runs.values() for a in run.artifacts.values())
        return {artifact.name: artifact for artifact in found if artifact.committed}

    def answer(self, query: str, operation: str, given: dict[str, Any]) -> dict[str, Any]:
        """What the stand-in says to a question of GraphQL; unknown ones get what is harmless."""
        for name, reply in ANSWERS.items():
            if name == operation:
                return reply(self, given)
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


VIEWER = {
    "id": "1", "entity": ENTITY, "username": "me", "email": "me@example.org", "name": "me",
    "flags": "{}", "teams": {"edges": [{"node": {"name": ENTITY}}]}, "apiKeys": {"edges": []},
    "admin": False,
}  # fmt: skip


def resume_status(server: WandbServer, given: dict[str, Any]) -> dict[str, Any]:
    """What a run that goes on has to know of what arrived before."""
    run = server.runs.get(given["name"])
    if run is None:
        return {"model": None}
    wandb_config = json.dumps({"t": 1}) if run.lines else "{}"
    bucket = {
        "id": f"id-{run.id}", "name": run.id, "displayName": run.name,
        "summaryMetrics": json.dumps(run.summary), "tags": run.tags, "notes": "",
        "logLineCount": 0, "historyLineCount": len(run.lines), "eventsLineCount": len(run.events),
        "historyTail": json.dumps([run.lines[max(run.lines)]] if run.lines else []),
        "eventsTail": json.dumps([run.events[max(run.events)]] if run.events else []),
        "config": json.dumps(run.config), "wandbConfig": wandb_config,
    }  # fmt: skip
    entity = {"id": "e", "name": ENTITY}
    return {"model": {"id": "p", "name": run.project, "entity": entity, "bucket": bucket}}


def upsert_run(server: WandbServer, given: dict[str, Any]) -> dict[str, Any]:
    """Makes a run, or changes what is given of it."""
    new = given["name"] not in server.runs
    run = server.runs.setdefault(given["name"], SentRun(given["name"], given["project"]))
    run.begun += given["displayName"] is not None or new
    names = {"displayName": "name", "groupName": "group", "jobType": "job_type", "tags": "tags"}
    for key, own in names.items():
        if given[key] is not None:
            setattr(run, own, given[key])
    run.config |= json.loads(given["config"] or "{}")
    run.summary |= json.loads(given["summaryMetrics"] or "{}")
    project = {"id": "p", "name": run.project, "entity": {"id": "e", "name": ENTITY}}
    bucket = {
        "id": f"id-{run.id}", "name": run.id, "displayName": run.name, "description": "",
        "config": json.dumps(run.config), "sweepName": None, "project": project,
        "historyLineCount": len(run.lines),
    }  # fmt: skip
    return {"upsertBucket": {"bucket": bucket, "inserted": new}}


def create_run_files(server: WandbServer, given: dict[str, Any]) -> dict[str, Any]:
    """Addresses for files of a run."""
    at = f"{server.url}/put/file/{given['run']}"
    files = [{"name": name, "uploadUrl": f"{at}/{quote(name)}"} for name in given["files"]]
    reply = {"runID": f"id-{given['run']}", "uploadHeaders": [], "files": files}
    return {"createRunFiles": reply}


def create_artifact(server: WandbServer, given: dict[str, Any]) -> dict[str, Any]:
    """A new artifact of a run, without files."""
    asked = given["input"]
    aliases = [alias["alias"] for alias in asked.get("aliases") or []]
    name, kind = asked["artifactCollectionName"], asked["artifactTypeName"]
    metadata = json.loads(asked.get("metadata") or "{}")
    run = server.runs[asked["runName"]]
    run.artifacts[name] = Artifact(name, kind, metadata, aliases)
    sequence = {"latestArtifact": None}
    made = {"id": f"{run.id}:{name}", "state": "PENDING", "artifactSequence": sequence}
    return {"createArtifact": {"artifact": made}}


def place_of(server: WandbServer, artifact: str) -> Artifact:
    """An artifact by its id."""
    run, _, name = artifact.partition(":")
    return server.runs[run].artifacts[name]


def manifest_of(server: WandbServer, artifact: str, include: bool) -> dict[str, Any]:
    """Where the list of an artifact's files is put."""
    url = f"{server.url}/put/manifest/{quote(artifact, safe='')}"
    file: dict[str, Any] = {"id": "f"}
    if include:
        file |= {"uploadUrl": url, "uploadHeaders": []}
    return {"artifactManifest": {"id": artifact, "file": file}}


def create_manifest(server: WandbServer, given: dict[str, Any]) -> dict[str, Any]:
    made = manifest_of(server, given["artifactID"], given["includeUpload"])
    return {"createArtifactManifest": made}


def update_manifest(server: WandbServer, given: dict[str, Any]) -> dict[str, Any]:
    made = manifest_of(server, given["artifactManifestID"], given["includeUpload"])
    return {"updateArtifactManifest": made}


def create_artifact_files(server: WandbServer, given: dict[str, Any]) -> dict[str, Any]:
    """Addresses for the files of an artifact."""
    edges = []
    for file in given["input"]["artifactFiles"]:
        artifact, name = file["artifactID"], file["name"]
        url = f"{server.url}/put/artifact/{quote(artifact, safe='')}/{quote(name, safe='')}"
        node = {
            "storagePath": name, "uploadUrl": url, "uploadHeaders": [],
            "uploadMultipartUrls": None, "artifact": {"id": artifact},
        }  # fmt: skip
        edges.append({"node": node})
    return {"createArtifactFiles": {"files": {"edges": edges}}}


def commit_artifact(server: WandbServer, given: dict[str, Any]) -> dict[str, Any]:
    artifact = place_of(server, given["artifactID"])
    artifact.committed = True
    made = {"id": given["artifactID"], "digest": "d"}
    return {"commitArtifact": {"artifact": made}}


def alert(server: WandbServer, given: dict[str, Any]) -> dict[str, Any]:
    server.runs[given["runName"]].alerts[given["title"]] = given["text"]
    return {"notifyScriptableRunAlert": {"success": True}}


def runs_of(server: WandbServer) -> dict[str, Any]:
    """A page with all runs, as the Python library asks for them."""
    edges = []
    for place, run in enumerate(server.runs.values()):
        times = dict.fromkeys(("createdAt", "heartbeatAt"), "2026-01-01T00:00:00")
        node = times | {
            "id": f"id-{run.id}", "name": run.id, "displayName": run.name, "state": "finished",
            "sweepName": None, "tags": run.tags, "group": run.group, "jobType": run.job_type,
            "commit": None, "readOnly": False, "description": "", "notes": "",
            "systemMetrics": "{}", "historyLineCount": len(run.lines), "historyKeys": {},
            "user": {"name": "me", "username": "me"}, "config": json.dumps(run.config),
            "summaryMetrics": json.dumps(run.summary),
        }  # fmt: skip
        edges.append({"node": node, "cursor": str(place)})
    page = {"endCursor": str(len(edges) - 1), "hasNextPage": False}
    project = {"internalId": "7", "runCount": len(edges), "readOnly": False}
    found = {"edges": edges, "pageInfo": page, "totalCount": len(edges)}
    return {"project": project | {"runs": found}}


Answer = Callable[[WandbServer, dict[str, Any]], dict[str, Any]]
ANSWERS: dict[str, Answer] = {  # by the name of the question
    "RunResumeStatus": resume_status,
    "UpsertBucket": upsert_run,
    "CreateRunFiles": create_run_files,
    "CreateArtifact": create_artifact,
    "CreateArtifactManifest": create_manifest,
    "UpdateArtifactManifest": update_manifest,
    "CreateArtifactFiles": create_artifact_files,
    "CommitArtifact": commit_artifact,
    "NotifyScriptableRunAlert": alert,
    "Viewer": lambda server, given: {"viewer": VIEWER},
    "MarkRunFilesUploaded": lambda server, given: {"markRunFilesUploaded": {"success": True}},
    "ArtifactType": lambda server, given: {"project": {"artifact": None}},
    "ClientIDMapping": lambda server, given: {"clientIDMapping": None},
}


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
    kept = {key: value for key, value in os.environ.items() if not key.startswith("WANDB_")}
    mine = {"WANDB_BASE_URL": server.url, "WANDB_API_KEY": "0" * 40, "WANDB_SILENT": "true"}
    return kept | mine
