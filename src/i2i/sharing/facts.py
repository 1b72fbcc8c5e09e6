"""What an exported file says of itself."""

import json
from dataclasses import asdict
from typing import Any

import torch

from i2i import __version__
from i2i.checkpoints.checkpoint import Checkpoint
from i2i.files.ordinary import Unreadable
from i2i.files.records import mapping, read_json
from i2i.inference.translations import Translations
from i2i.run_folder import commit
from i2i.sharing.portable import KEEP, OUTPUT, Portable

VERSION = "1"  # of these facts


def versions(checkpoint: Checkpoint) -> dict[str, str]:
    """The code that exports, and the code that trained where the run's folder tells."""
    found = {"i2i": __version__, "torch": torch.__version__}
    try:
        noted = read_json(checkpoint.path.parent.parent / "code_version.json")
        trained = mapping(noted, "a record").get("commit")
    except Unreadable:
        trained = None
    commits = {"commit": commit()["commit"], "trained_commit": trained}
    return found | {key: value for key, value in commits.items() if isinstance(value, str)}


def classes_of(task: Any) -> dict[str, list[int]]:
    """Names and colours of the classes of a task; empty without."""
    palette = getattr(task, "classes", None)
    if palette is None:
        return {}
    return dict(zip(palette.names, palette.table.tolist(), strict=False))


def facts(
    portable: Portable, translations: Translations, route: str, checkpoint: Checkpoint
) -> dict[str, str]:
    """What whoever has the file alone must know, texts by name; lists and the like are JSON.

    Args:
        portable: What is exported.
        translations: Of the run.
        route: The route that is exported.
        checkpoint: What it was loaded from.
    """
    translator, pixels = portable.translator, portable.pixels
    data = translator.seen(translations.dataset)
    names = list(translations.routes) if translator.label is not None else []
    label = dict(zip(names, translator.label or (), strict=True))
    found: dict[str, Any] = {
        "about": f"{translations.system} on {data.get('name')}, {route}, in the mode "
        f"{translator.inference}; written by i2i",
        "facts": VERSION,
        "system": translations.system,
        "route": route,
        "inference": translator.inference,
        "step": checkpoint.step,
        "dataset": data.get("name"),
        "direction": data.get("direction"),
        "licence": data.get("licence"),
        "divisor": portable.divisor,
        "least": portable.divisor * portable.least,
        "in_channels": data["input_channels"],
        "out_channels": data["target_channels"],
        "range": [0, 255] if pixels else [-1, 1],
        "input_values": str(translator.task.kinds["input"].values),
        "target_values": str(translator.task.kinds["target"].values),
        "inputs": {
            given.name: {"type": str(given.dtype).removeprefix("torch."), "shape": given.sides,
                         "what": given.words}
            for given in portable.given
        },
        "output": {OUTPUT: "(batch, height, width, channels) uint8" if pixels
                   else "(batch, channels, height, width) float32 in [-1, 1]"},
        "dropout": {f"{KEEP}{i}": asdict(m) for i, m in enumerate(portable.explicit.masks, 1)},
        "classes": classes_of(translator.task),
        "class_side": getattr(translator.task, "role", None),
        "label": label,
    }  # fmt: skip
    known = {key: value for key, value in found.items() if value not in (None, {}, [])}
    texts = {k: v if isinstance(v, str) else json.dumps(v) for k, v in known.items()}
    return texts | versions(checkpoint)
