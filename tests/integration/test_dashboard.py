"""src/dashboard.py without a key, and against a stand-in of W&B's HTTP interface."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

RUN = {
    "id": "r", "name": "abc", "displayName": "unet s0", "state": "finished", "sweepName": None,
    "tags": [], "group": "g", "jobType": "train", "commit": None, "readOnly": False,
    "createdAt": "2026-01-01T00:00:00", "heartbeatAt": "2026-01-01T00:00:00", "description": "",
    "notes": "", "systemMetrics": "{}", "historyLineCount": 1, "historyKeys": {},
    "user": {"name": "me", "username": "me"},
    "summaryMetrics": json.dumps({"val/ssim": 0.5, "val/l1": 9.0, "train/g/l1": 1.0}),
}  # fmt: skip


def answer(query: str, variables: dict[str, Any], views: list[dict[str, Any]]) -> dict[str, Any]:
    """What the stand-in says to a question."""
    if "upsertView" in query:
        views.append(variables)
        return {"upsertView": {"view": {"id": "1", "name": variables["name"]}, "inserted": True}}
    if "runs(" in query:
        options = [{"generator": "unet", "seed": 0}, {"generator": "resnet9", "seed": 0}]
        runs = [RUN | {"config": json.dumps({"options": {"value": own}})} for own in options]
        edges = [{"node": run, "cursor": str(i)} for i, run in enumerate(runs)]
        page = {"endCursor": "1", "hasNextPage": False}
        project = {"internalId": "7", "runCount": 2, "readOnly": False}
        return {"project": project | {"runs": {"edges": edges, "pageInfo": page, "totalCount": 2}}}
    if "viewer" in query:
        teams = {"edges": [{"node": {"name": "team"}}]}
        viewer = {"id": "1", "entity": "team", "username": "me", "email": "me@example.org"}
        more = {"flags": "{}", "teams": teams, "apiKeys": {"edges": []}, "admin": False}
        return {"viewer": viewer | {"name": "me"} | more}
    return {"project": {"internalId": "7"}, "serverInfo": {"features": []}}


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[dict[str, Any]]]:
    """The stand-in, with a key for it; gives the workspaces that it was sent."""
    views: list[dict[str, Any]] = []

    class Answers(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            data = answer(asked["query"], asked.get("variables") or {}, views)
            body = json.dumps({"data": data}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as http:
        threading.Thread(target=http.serve_forever, daemon=True).start()
        monkeypatch.setenv("WANDB_BASE_URL", f"http://127.0.0.1:{http.server_port}")
        monkeypatch.setenv("WANDB_API_KEY", "0" * 40)
        monkeypatch.delenv("WANDB_MODE", raising=False)
        yield views
        http.shutdown()


def test_the_workspace_is_sent_with_what_the_runs_have_logged(
    command: Callable[..., int], server: list[dict[str, Any]]
) -> None:
    assert command("dashboard", "project=maps", "group=g") == 0
    (view,) = server
    assert (view["entityName"], view["projectName"], view["displayName"]) == ("team", "maps", "i2i")
    spec = json.loads(view["spec"])["section"]
    bank = {s["name"]: s["panels"] for s in spec["panelBankConfig"]["sections"]}
    assert [p["config"]["metrics"] for p in bank["Scores"]] == [["val/l1"], ["val/ssim"]]
    columns = bank["Options against scores"][0]["config"]["columns"]
    assert [c["accessor"] for c in columns] == ["config:options.value.generator", "summary:val/l1"]


def test_without_a_key_the_same_is_written_down(
    command: Callable[..., int], monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
    capfd: pytest.CaptureFixture,
) -> None:  # fmt: skip
    monkeypatch.setenv("WANDB_MODE", "offline")
    file = tmp_path / "new" / "board.json"
    assert command("dashboard", "project=maps", "entity=team", f"output={file}") == 0
    content = json.loads(file.read_text())
    assert (content["entity"], content["project"]) == ("team", "maps")
    said = "".join(capfd.readouterr())
    assert f"the dashboard is written to {file}" in said and "wandb login" in said


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([], "project: found no value; expected a project of W&B"),
        (["project=p", "runs=/nowhere"], "runs=/nowhere: found no run"),
        (["project=p", "grup=g"], "grup"),
    ],
)
def test_wrong_options_are_named(
    command: Callable[..., int], capfd: pytest.CaptureFixture, options: list[str], words: str
) -> None:
    assert command("dashboard", *options) == 1
    errors = capfd.readouterr().err
    assert words in errors and "Traceback" not in errors
