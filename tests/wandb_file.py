"""Reads the record file of an offline W&B run, with nothing of W&B but its message types."""

import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

BLOCK = 32768  # the file is a LevelDB log: blocks of records, a record split over blocks
FULL, FIRST, MIDDLE, LAST = 1, 2, 3, 4


def messages(data: bytes) -> Iterator[bytes]:
    """The messages of a .wandb file, without its 7 bytes of head."""
    assert data[:4] == b":W&B"
    at, message = 7, b""
    while at + 7 <= len(data):
        if BLOCK - at % BLOCK < 7:  # too little left for a record's head: zeros
            at += BLOCK - at % BLOCK
            continue
        _, length, kind = struct.unpack_from("<IHB", data, at)
        if kind not in (FULL, FIRST, MIDDLE, LAST):
            return
        body = data[at + 7 : at + 7 + length]
        at += 7 + length
        message = body if kind in (FULL, FIRST) else message + body
        if kind in (FULL, LAST):
            yield message


def read_run(folder: Path, which: int = 0) -> dict[str, Any]:
    """Config, history rows, picture files and the rest of an offline run in a folder, the first.

    ``run`` has its name, group, tags and type; ``best`` says which value of a score is kept;
    ``artifacts`` are by their type.
    """
    import wandb
    from wandb.proto import wandb_internal_pb2

    wandb.teardown()  # its process may still be writing when finish() has returned
    file = sorted(folder.glob("wandb/offline-run-*/run-*.wandb"))[which]
    config: dict[str, Any] = {}
    history: list[dict[str, Any]] = []
    run: dict[str, Any] = {}
    best: dict[str, str] = {}
    artifacts: dict[str, Any] = {}
    summary: dict[str, Any] = {}
    for message in messages(file.read_bytes()):
        record = wandb_internal_pb2.Record()
        record.ParseFromString(message)
        kind = record.WhichOneof("record_type")
        if kind in ("run", "config"):
            update = record.run.config.update if kind == "run" else record.config.update
            config |= {u.key or u.nested_key[0]: json.loads(u.value_json) for u in update}
            if kind == "run":
                run = {
                    "name": record.run.display_name, "group": record.run.run_group,
                    "tags": list(record.run.tags), "type": record.run.job_type,
                }  # fmt: skip
        elif kind == "summary":
            items = record.summary.update
            summary |= {i.key or "/".join(i.nested_key): json.loads(i.value_json) for i in items}
        elif kind == "artifact":
            entries = record.artifact.manifest.contents
            artifacts[record.artifact.type] = {
                "files": {e.path: e.size for e in entries},
                "aliases": list(record.artifact.aliases),
                "metadata": json.loads(record.artifact.metadata or "{}"),
            }  # fmt: skip
        elif kind == "metric":
            kept = [k for k in ("min", "max") if getattr(record.metric.summary, k)]
            best |= dict.fromkeys([record.metric.name] if kept else [], "".join(kept))
        elif kind == "history":
            items = record.history.item
            history.append(
                {i.key or "/".join(i.nested_key): json.loads(i.value_json) for i in items}
            )
    pictures = list(file.parent.rglob("*.png"))
    found = {"config": config, "history": history, "pictures": pictures, "run": run, "best": best}
    return found | {"artifacts": artifacts, "summary": summary}
