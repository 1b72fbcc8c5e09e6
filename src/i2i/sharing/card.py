"""The model card: README.md as Hugging Face's hub shows it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from i2i.checkpoints.checkpoint import Checkpoint
from i2i.files.ordinary import Unreadable
from i2i.files.records import mapping, number, read_json
from i2i.printable import printable

CARD = "README.md"
HEAD = """---
library_name: i2i
pipeline_tag: image-to-image
license: other
license_name: licence-of-the-data-set
tags:
- image-to-image
- gan
---
"""
USE = """## Use

```python
import i2i

model = i2i.load("FOLDER")                 # this folder
model.translate("photo.jpg").save("translated.png")
```

`python src/translate.py checkpoint=FOLDER input=FOLDER_OF_PICTURES output=OUT` does the same for a folder.
Nothing in the files is run: weights are safetensors, `config.json` is plain values.
"""  # noqa: E501


def card(record: Mapping[str, Any], checkpoint: Checkpoint) -> str:
    """The card's text.

    Args:
        record: What ``config.json`` holds.
        checkpoint: What was exported; its run may have scores.
    """
    data, network = record["dataset"], record["network"]
    kind, name = str(network.get("_target_")).rpartition(".")[2], one_line(data.get("name"))
    system, licence = one_line(record["system"]), data.get("licence")
    first = record["routes"][record["route"]]
    size = data.get("image_size")
    rows = {
        "system": system,
        "generator": f"{kind}, " + ", ".join(f"{k}={v}" for k, v in plain(network).items()),
        "routes": ", ".join(map(one_line, record["routes"])),
        "trained on": f"{name}, {data.get('direction')}, {size} pixels, {record['step']} steps",
        "mode": f"`{first['inference']}` (`mode=` of `translate` changes it)",
        "written by": ", ".join(f"{k} {v}" for k, v in record["versions"].items()),
    }
    if classes := (data.get("classes") or {}).get("colours"):
        rows["classes"] = ", ".join(f"{one_line(c)} {list(rgb)}" for c, rgb in classes.items())
    table = "\n".join(["| | |", "|---|---|", *(f"| {k} | {cell(v)} |" for k, v in rows.items())])
    terms = one_line(licence) if licence else "not known: ask whoever made it"
    parts = [
        f"{HEAD}\n# {system}: {name}, {one_line(record['route'])}\n",
        "Image-to-image translation with an adversarial network.\n", f"{table}\n", USE,
        *scores(checkpoint),
        f"## Licence\n\nThe data set `{name}` that it was trained on: {terms}.\n",
    ]  # fmt: skip
    return "\n".join(parts)


def plain(network: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a network that are single values."""
    kinds = (int, float, str, bool)
    return {k: v for k, v in network.items() if k != "_target_" and isinstance(v, kinds)}


def scores(checkpoint: Checkpoint) -> list[str]:
    """The test scores of the run, where they are of this checkpoint."""
    try:
        found = mapping(read_json(checkpoint.path.parent.parent / "test_metrics.json"), "a record")
        if Path(str(found.get("checkpoint"))).name != checkpoint.path.name:
            return []
        rows = mapping(found.get("scores"), "scores")
        units = found.get("units") if isinstance(found.get("units"), Mapping) else {}
        values = {
            row: {name: number(value, name) for name, value in mapping(of, "scores").items()}
            for row, of in rows.items()
        }
        n_images = int(number(found.get("n_images"), "n_images"))
    except (Unreadable, OSError):
        return []
    names = list(dict.fromkeys(name for of in values.values() for name in of))
    if not names:
        return []
    heads = [f"{name} ({units[name]})" if name in units else name for name in names]
    lines = [f"| {n_images} test images | {' | '.join(map(cell, heads))} |"]
    lines += ["|---|" + "---|" * len(names)]
    for row, of in values.items():
        cells = [f"{of[name]:.4g}" if name in of else "" for name in names]
        lines.append(f"| {cell(row)} | {' | '.join(cells)} |")
    return ["## Scores\n", "\n".join(lines) + "\n"]


def one_line(text: Any) -> str:
    """A text without line breaks and what does not print."""
    return printable(" ".join(str(text).split()))


def cell(text: Any) -> str:
    """A text that stays in its cell of a table."""
    return one_line(text).replace("|", "\\|")
