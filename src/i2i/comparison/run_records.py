"""What the folder of a run says, read as a stranger's: bounded, and a damaged part is a note."""

import errno
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from i2i.comparison.older_records import usual_directions
from i2i.files.ordinary import Unreadable
from i2i.files.records import kind, mapping, number, read_json, read_yaml
from i2i.printable import printable

NO_SCORES = "no test_metrics.json: the run failed, was stopped, goes on or was not tested"
MOST_SCORES = 500  # of a contestant, and contestants of a run
MOST_LETTERS = 200  # of a label, an option or another text from a file
# The columns of the table beside the scores; a score of that name would take their place.
COLUMNS = ("variant", "seeds_of", "run", "data", "split", "n", "checkpoint", "note")

Scores = dict[str, float]


@dataclass
class Run:
    """What a run's folder says.

    Attributes:
        folder: The run's folder.
        options: What was typed or swept, value by key.
        label: The configuration's ``label``, or None.
        config: The resolved configuration, of what can be read of it.
        data: Name of the data set.
        device: What it was trained on, such as the name of a GPU; "" where its folder does not say.
        checkpoint: File name of what was scored.
        n: Images that were scored.
        scores: The model's; empty where there are none.
        units: Those of the scores that have one, by name.
        more_is_better: The direction of the scores that have one, by name, as their classes say.
        others: Scores of the baselines and of the ceiling, by name.
        notes: Why there are no scores, and what could not be read.
        name: What the run is called in the table; from ``name_runs``.
    """

    folder: Path
    options: dict[str, str] = field(default_factory=dict)
    label: str | None = None
    config: Mapping[str, Any] = field(default_factory=dict)
    data: str = ""
    device: str = ""
    checkpoint: str = ""
    n: int | None = None
    scores: Scores = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)
    more_is_better: dict[str, bool] = field(default_factory=dict)
    others: dict[str, Scores] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    name: str = ""

    def beside(self, folder: Path) -> str:
        """Where the run stands below a folder, or altogether; its name where it is that folder."""
        if self.folder == folder:
            return printable(folder.name)
        inside = self.folder.is_relative_to(folder)
        return printable((self.folder.relative_to(folder) if inside else self.folder).as_posix())

    def option(self, key: str) -> str | None:
        """What an option was: as it was typed, else as the configuration has it.

        Of a part that the configuration has, that is the name of its preset, else of its class. A
        resumed run has more typed options than it began with, and the same presets.
        """
        presets = self.config.get("presets")
        if isinstance(presets, Mapping) and (preset := presets.get(key)) is not None:
            return _short(f"[{','.join(map(str, preset))}]" if isinstance(preset, list) else preset)
        if key in self.options:
            return self.options[key]
        node: Any = self.config
        for word in re.split(r"[./]", key):
            node = node.get(word) if isinstance(node, Mapping) else None
        if isinstance(node, Mapping):
            node = str(node.get("_target_") or "").rpartition(".")[2]
        return None if node in (None, "") else _short(node)


def find_folders(folder: Path) -> tuple[list[Path], dict[Path, str]]:
    """The folders of runs below a folder, job 2 before job 10; links are not followed.

    Returns:
        Those, and why some folders could not be looked into.
    """
    errors: list[OSError] = []
    found = [
        Path(parent)
        for parent, folders, _ in os.walk(folder, onerror=errors.append)
        if ".hydra" in folders and os.path.lexists(Path(parent, ".hydra", "overrides.yaml"))
    ]

    def numbers_as_numbers(path: Path) -> list[Any]:
        parts = re.split(r"(\d+)", str(path.relative_to(folder)))
        return [int(p) if i % 2 else p for i, p in enumerate(parts)]

    closed = {Path(e.filename): e.strerror or str(e) for e in errors if e.errno != errno.ENOENT}
    return sorted(found, key=numbers_as_numbers), closed


def read_run(folder: Path) -> Run:
    """Reads a run's options, label and scores; what is missing or damaged becomes a note."""
    run = Run(folder)
    for read in (_read_options, _read_config, _read_device, _read_scores):
        read(run)
    return run


def _read_options(run: Run) -> None:
    try:
        typed = read_yaml(run.folder / ".hydra" / "overrides.yaml") or []
        if not isinstance(typed, list) or not all(isinstance(o, str) for o in typed):
            raise Unreadable(f"no list of options but {kind(typed)}")
    except Unreadable as error:
        run.notes.append(_cannot(".hydra/overrides.yaml", error))
        return
    for option in typed:
        key, _, value = option.partition("=")
        quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "'\""
        run.options[_short(key.lstrip("+~"))] = _short(value[1:-1] if quoted else value)


def _read_config(run: Run) -> None:
    for name in ("config.yaml", ".hydra/config.yaml"):
        record = run.folder / name
        if not os.path.lexists(record):
            continue
        try:
            config = mapping(read_yaml(record), "a configuration")
            data = mapping(config.get("dataset"), "a node 'dataset'").get("name")
        except Unreadable as error:
            run.notes.append(_cannot(name, error))
            continue
        label = config.get("label")
        run.config = config
        run.label, run.data = None if label is None else _short(label), _short(data)
        return


def _read_device(run: Run) -> None:
    try:
        device = mapping(read_json(run.folder / "code_version.json"), "a record").get("device")
    except Unreadable:  # what a run was trained on is no loss
        return
    trainer = run.config.get("trainer")
    asked = trainer.get("accelerator") if isinstance(trainer, Mapping) else None
    if device is not None:  # the record names a GPU that was there, also where it was left alone
        run.device = "CPU" if asked == "cpu" or device == "" else _short(device)


def _read_scores(run: Run) -> None:
    file = run.folder / "test_metrics.json"
    if not os.path.lexists(file):
        run.notes.append(why_no_scores(run.folder))
        return
    try:
        content = mapping(read_json(file), "a record")
        rows = {
            _short(name): _scores(row)
            for name, row in mapping(content.get("scores"), "an entry 'scores'").items()
        }
        if len(rows) > MOST_SCORES:
            raise Unreadable(f"{len(rows)} contestants")
        run.n = int(number(content.get("n_images"), "an entry 'n_images'"))
        units = mapping(content.get("units", {}), "an entry 'units'")
        names = (name for row in rows.values() for name in row)
        more = content.get("more_is_better", usual_directions(names))
        more = mapping(more, "an entry 'more_is_better'")
    except (Unreadable, ValueError, OverflowError) as error:
        run.notes.append(_cannot("test_metrics.json", error))
        return
    run.more_is_better = {_short(k): v for k, v in more.items() if isinstance(v, bool)}
    run.units = {_short(k): _short(v) for k, v in units.items()}
    for name, scores in rows.items():
        if name.startswith("model"):
            run.scores, run.checkpoint = scores, name.removeprefix("model").strip(" ()")
        else:
            run.others[name] = scores


def _scores(row: Any) -> Scores:
    row = mapping(row, "scores")
    if len(row) > MOST_SCORES:
        raise Unreadable(f"{len(row)} scores")
    if taken := sorted(row.keys() & set(COLUMNS)):
        raise Unreadable(f"a score called {taken[0]!r}")
    return {_short(name): number(value, f"a score {_short(name)!r}") for name, value in row.items()}


def why_no_scores(folder: Path) -> str:
    """What a run's folder says about why it has no test_metrics.json."""
    if not os.path.lexists(folder / "pruning.json"):
        return NO_SCORES
    try:
        record = mapping(read_json(folder / "pruning.json"), "a record")
        values = mapping(record.get("values"), "an entry 'values'")
        if record.get("state") != "pruned" or not values:
            return NO_SCORES
        step, value = list(values.items())[-1]
        reached = number(value, "a score")
    except Unreadable as error:
        return f"{NO_SCORES}; {_cannot('pruning.json', error)}"
    return f"pruned at step {_short(step)}: {_short(record.get('monitor'))} {reached:.4f}"


def units_of(runs: list[Run]) -> Mapping[str, str]:
    """The units of all scores, by name; all of those in which runs have one."""
    found: dict[str, dict[str, None]] = {}
    for run in runs:
        for name, unit in run.units.items():
            found.setdefault(name, {})[unit] = None
    return {name: " or ".join(units) for name, units in found.items()}


def _cannot(name: str, error: Exception) -> str:
    return f"{name} cannot be read ({_short(error)})"


def _short(text: object) -> str:
    shown = printable("" if text is None else text)
    return shown if len(shown) <= MOST_LETTERS else f"{shown[:MOST_LETTERS]}..."
