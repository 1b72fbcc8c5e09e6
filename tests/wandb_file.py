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


def read_run(folder: Path) -> dict[str, Any]:
    """Config, history rows and picture files of the one offline run in a folder."""
    from wandb.proto import wandb_internal_pb2

    (file,) = folder.glob("wandb/offline-run-*/run-*.wandb")
    config: dict[str, Any] = {}
    history: list[dict[str, Any]] = []
    for message in messages(file.read_bytes()):
        record = wandb_internal_pb2.Record()
        record.ParseFromString(message)
        kind = record.WhichOneof("record_type")
        if kind in ("run", "config"):
            update = record.run.config.update if kind == "run" else record.config.update
            config |= {u.key or u.nested_key[0]: json.loads(u.value_json) for u in update}
        elif kind == "history":
            items = record.history.item
            history.append(
                {i.key or "/".join(i.nested_key): json.loads(i.value_json) for i in items}
            )
    return {"config": config, "history": history, "pictures": list(file.parent.rglob("*.png"))}
