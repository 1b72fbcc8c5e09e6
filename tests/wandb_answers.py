"""What a stand-in of W&B's server keeps of runs, and what it answers to questions of GraphQL."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import quote

ENTITY = "team"


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


class Standing(Protocol):
    """What answers know of the stand-in."""

    url: str
    runs: dict[str, SentRun]


VIEWER = {
    "id": "1", "entity": ENTITY, "username": "me", "email": "me@example.org", "name": "me",
    "flags": "{}", "teams": {"edges": [{"node": {"name": ENTITY}}]}, "apiKeys": {"edges": []},
    "admin": False,
}  # fmt: skip


def resume_status(server: Standing, given: dict[str, Any]) -> dict[str, Any]:
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


def upsert_run(server: Standing, given: dict[str, Any]) -> dict[str, Any]:
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


def create_run_files(server: Standing, given: dict[str, Any]) -> dict[str, Any]:
    """Addresses for files of a run."""
    at = f"{server.url}/put/file/{given['run']}"
    files = [{"name": name, "uploadUrl": f"{at}/{quote(name)}"} for name in given["files"]]
    reply = {"runID": f"id-{given['run']}", "uploadHeaders": [], "files": files}
    return {"createRunFiles": reply}


def create_artifact(server: Standing, given: dict[str, Any]) -> dict[str, Any]:
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


def place_of(server: Standing, artifact: str) -> Artifact:
    """An artifact by its id."""
    run, _, name = artifact.partition(":")
    return server.runs[run].artifacts[name]


def manifest_of(server: Standing, artifact: str, include: bool) -> dict[str, Any]:
    """Where the list of an artifact's files is put."""
    url = f"{server.url}/put/manifest/{quote(artifact, safe='')}"
    file: dict[str, Any] = {"id": "f"}
    if include:
        file |= {"uploadUrl": url, "uploadHeaders": []}
    return {"artifactManifest": {"id": artifact, "file": file}}


def create_manifest(server: Standing, given: dict[str, Any]) -> dict[str, Any]:
    made = manifest_of(server, given["artifactID"], given["includeUpload"])
    return {"createArtifactManifest": made}


def update_manifest(server: Standing, given: dict[str, Any]) -> dict[str, Any]:
    made = manifest_of(server, given["artifactManifestID"], given["includeUpload"])
    return {"updateArtifactManifest": made}


def create_artifact_files(server: Standing, given: dict[str, Any]) -> dict[str, Any]:
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


def commit_artifact(server: Standing, given: dict[str, Any]) -> dict[str, Any]:
    artifact = place_of(server, given["artifactID"])
    artifact.committed = True
    made = {"id": given["artifactID"], "digest": "d"}
    return {"commitArtifact": {"artifact": made}}


def alert(server: Standing, given: dict[str, Any]) -> dict[str, Any]:
    server.runs[given["runName"]].alerts[given["title"]] = given["text"]
    return {"notifyScriptableRunAlert": {"success": True}}


def runs_of(server: Standing) -> dict[str, Any]:
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


Answer = Callable[[Standing, dict[str, Any]], dict[str, Any]]
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
