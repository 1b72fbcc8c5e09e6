"""The record beside exported weights: what translates, and on what pictures, in plain values."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from i2i.checkpoints.allowed_classes import check_targets
from i2i.checkpoints.checkpoint import Checkpoint
from i2i.errors import setting_error
from i2i.files.ordinary import Unreadable
from i2i.files.records import mapping, read_json
from i2i.files.safetensors_file import read_safetensors

RECORD = "config.json"
VERSION = 1
NETWORK = "network"  # what the one network is called, in the record and in front of its weights
# What of a data set's options a translation looks at; the others, paths among them, stay behind.
TRANSLATING = (
    "name", "licence", "direction", "input_channels", "target_channels", "input_range",
    "target_range", "input_shown", "target_shown", "found", "background", "label_side", "label_as",
    "label_files", "id_map", "classes", "photo_side", "sizes", "single", "task", "b_folder",
    "image_size", "pairing", "attributes", "max_megapixels",
)  # fmt: skip
# The record's keys and what kind of value each has.
KINDS: Mapping[str, type | tuple[type, ...]] = {
    "i2i_format": int, "system": str, "route": str, "in_channels": int, "out_channels": int,
    "step": int, NETWORK: dict, "routes": dict, "attributes": (dict, type(None)), "dataset": dict,
    "versions": dict,
}  # fmt: skip
ADVICE = "Export the run again with src/export.py format=safetensors."


def of_dataset(options: Mapping[str, Any]) -> dict[str, Any]:
    """What a record holds of a data set's options: no path."""
    found = {key: options[key] for key in TRANSLATING if key in options}
    if found.get("b_folder") is not None:
        found["b_folder"] = ""  # whether there is a second folder is all that matters
    return found


def read_shared(weights: Path, setting: str) -> Checkpoint:
    """Exported weights and their record, as a checkpoint that has nothing else.

    Args:
        weights: ``model.safetensors``, with its record in the same folder.
        setting: What the file is called in errors.

    Raises:
        SettingError: The record is not there, or is not one that ``export.py`` writes.
    """
    file = weights.with_name(RECORD)
    try:
        record = mapping(read_json(file), "a record")
    except (Unreadable, OSError) as error:
        raise broken(setting, f"no readable {RECORD} beside it ({error})") from error
    odd = sorted(record.keys() ^ KINDS.keys())
    odd += [k for k, kind in KINDS.items() if k in record and not of_kind(record[k], kind)]
    if odd:
        raise broken(setting, f"a {RECORD} with {odd[0]!r:.60} missing, unknown or of another kind")
    if record["i2i_format"] != VERSION:
        raise broken(setting, f"a {RECORD} of i2i_format {record['i2i_format']}, not {VERSION}")
    dataset = dict(record["dataset"])
    if unknown := sorted(dataset.keys() - set(TRANSLATING)):
        raise broken(setting, f"a {RECORD} with an unknown dataset.{unknown[0]!r:.60}")
    # No class may be named but where of_description looks; this refuses what asks to be computed.
    plain = {key: value for key, value in record.items() if key != NETWORK}
    plain["dataset"] = {k: v for k, v in dataset.items() if k not in ("classes", "task")}
    check_targets(plain, f"{setting} ({RECORD})", ())
    dataset["id_map"] = whole_keys(dataset.get("id_map"), setting)
    routes = {route: with_place(node, setting) for route, node in record["routes"].items()}
    return Checkpoint(
        path=weights,
        config={
            "model": {"_target_": record["system"], NETWORK: record[NETWORK]}, "dataset": dataset
        },
        weights={
            f"{NETWORK}.{n}": w for n, w in read_safetensors(weights, setting).items()
        },
        step=record["step"],
        translates={"routes": routes, "attributes": record["attributes"]},
    )  # fmt: skip


def of_kind(value: Any, kind: type | tuple[type, ...]) -> bool:
    """Whether a value is of a kind; true and false are no numbers."""
    return isinstance(value, kind) and not isinstance(value, bool)


def with_place(node: Any, setting: str) -> dict[str, Any]:
    """The description of a route, with the place of the one network.

    Raises:
        SettingError: It is none.
    """
    if not isinstance(node, Mapping):
        raise broken(setting, f"a {RECORD} with a route that is no description")
    return {**node, "weights": NETWORK, "node": NETWORK}


def whole_keys(id_map: Any, setting: str) -> Any:
    """A map of ids with numbers for keys, which JSON has as texts.

    Raises:
        SettingError: A key is none.
    """
    if not isinstance(id_map, Mapping):
        return id_map
    try:
        return {int(key): value for key, value in id_map.items()}
    except ValueError as error:
        raise broken(setting, f"a {RECORD} with an id_map of {error}") from error


def broken(setting: str, found: str) -> Exception:
    """The error of a folder that cannot be used."""
    return setting_error(setting, found, f"{RECORD} as src/export.py writes it", ADVICE)
