"""Results on disk: what is kept of earlier runs, and what each number was measured with."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.plot import draw
from benchmarks.report import markdown, row_key, with_ratios
from i2i.run_folder import write_json, write_text

Results = dict[str, Any]
ORIGIN = ("date", "commit", "uncommitted_changes", "command")
SAME = ("device", "cpu", "cores", "threads")  # of a machine; and its GPU's name
SAME_VERSIONS = ("python", "torch", "lightning")


def origin(machine: Mapping[str, Any], command: str) -> dict[str, Any]:
    """When, from which code and with which command something is measured."""
    known = machine.get("versions", {}) | {"date": machine.get("date"), "command": command}
    return {key: known.get(key) for key in ORIGIN}


def marked(results: Results) -> Results:
    """Notes the origin of every section, and of every training row, that has none yet.

    Files of before this was kept have one command and one date for all they hold.
    """
    own = origin(results["machine"], results["command"])
    sections = (key for key in results if key not in ("machine", "command", "seconds", "measured"))
    results["measured"] = dict.fromkeys(sections, own) | results.get("measured", {})
    for row in (results.get("training") or {}).get("rows", []):
        row.setdefault("measured", results["measured"]["training"])
    return results


def unlike(earlier: Mapping[str, Any], now: Mapping[str, Any]) -> str | None:
    """What sets two machines or their software apart so that ratios would mean nothing."""
    before, after = earlier["machine"], now
    pairs = {key: (before.get(key), after.get(key)) for key in SAME}
    pairs["gpu"] = tuple((machine.get("gpu") or {}).get("name") for machine in (before, after))
    for key in SAME_VERSIONS:
        pairs[key] = tuple(machine.get("versions", {}).get(key) for machine in (before, after))
    found = [f"{key} {a!r}, here {b!r}" for key, (a, b) in pairs.items() if a != b]
    return "; ".join(found) or None


def merged(earlier: Results, results: Results) -> Results:
    """Earlier sections and rows that were not measured again, with the new ones.

    A section that fails now does not take the place of one that was measured. The head (machine,
    command) is the new run's; ``measured`` says of every section, and in every training row, what
    it comes from.
    """
    results = marked(results)
    if not earlier:
        return results
    earlier = marked(earlier)
    failed = {
        name for name in results["measured"]
        if "error" in results[name] and "error" not in earlier.get(name, {"error": ""})
    }  # fmt: skip
    both = earlier | {key: found for key, found in results.items() if key not in failed}
    for key in ("seconds", "measured"):
        new = {name: one for name, one in results[key].items() if name not in failed}
        both[key] = earlier[key] | new
    if "rows" in earlier.get("training", {}) and "rows" in results.get("training", {}):
        new = {row_key(row) for row in results["training"]["rows"]}
        kept = [row for row in earlier["training"]["rows"] if row_key(row) not in new]
        flops = earlier["training"]["flops_an_image"] | results["training"]["flops_an_image"]
        rows = sorted([*kept, *results["training"]["rows"]], key=lambda r: row_key(r)[:-1])
        both["training"] = {"rows": rows, "flops_an_image": flops}
    return both


def read(file: Path) -> Results:
    """Results of an earlier run; nothing where there are none."""
    return json.loads(file.read_text()) if file.exists() else {}


def save(results: Results, folder: Path, name: str) -> None:
    """Writes NAME.json, NAME.md and NAME.png."""
    has_rows = "rows" in (results.get("training") or {})
    if has_rows:
        on_gpu = results["machine"]["device"] == "cuda"
        rate = results.get("matrix", {}).get("bfloat16") if on_gpu else None
        overhead = (results.get("overhead") or {}).get("rows", {})
        with_ratios(
            results["training"]["rows"], results["training"]["flops_an_image"], rate, overhead
        )
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / f"{name}.json", results)
    write_text(folder / f"{name}.md", markdown(results))
    if has_rows:
        draw(results, folder / f"{name}.png")
