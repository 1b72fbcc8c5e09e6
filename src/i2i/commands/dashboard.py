"""Makes a W&B workspace for a project's runs: ``python src/dashboard.py project=NAME``."""

import csv
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from i2i.commands.launch import launch
from i2i.config.unread import require_read
from i2i.errors import first_line, setting_error
from i2i.messages import say
from i2i.printable import printable

SAMPLES = re.compile(r"val_step_\d+(|_.+)")  # a grid's file, with the route where there are several
MOST_RUNS = 200  # that are asked what they have logged


def dashboard(cfg: Any) -> None:
    """Sends the workspace to W&B, or writes it down where there is no key.

    Args:
        cfg: The composed configuration.

    Raises:
        SettingError: W&B does not take it, there is no run in the folder, or the file cannot be
            written.
    """
    from i2i.loggers.wandb_server import mode_of
    from i2i.loggers.wandb_workspace import Dashboard, Logged

    require_read(cfg, "dashboard")
    entity = "" if cfg.entity is None else str(cfg.entity)
    group = None if cfg.group is None else str(cfg.group)
    online = mode_of() == "online"
    if cfg.runs is not None:
        logged = of_folder(Path(str(cfg.runs)).expanduser())
    elif online:
        with asking(cfg.project):
            entity = entity or default_entity()
            logged = of_wandb(f"{entity}/{cfg.project}", group)
    else:
        logged = Logged()
    board = Dashboard(str(cfg.project), entity, str(cfg.name), group, logged)
    if not online:
        write(board, Path(str(cfg.output)).expanduser())
        return
    with asking(cfg.project):
        made = Dashboard(**vars(board) | {"entity": entity or default_entity()}).workspace().save()
    say(f"Dashboard: {made.url}")


def write(board: Any, file: Path) -> None:
    """Writes a workspace as the JSON that W&B would get."""
    from i2i.run_folder import write_text

    view = board.workspace()._to_model()
    spec = json.loads(view.spec.model_dump_json(by_alias=True, exclude_none=True))
    content = {"project": board.project, "entity": board.entity, "name": board.name, "spec": spec}
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_text(file, json.dumps(content, indent=1) + "\n")
    except OSError as error:
        raise setting_error(
            f"output={file}", error.strerror or str(error), "a file that can be written",
            "Name another one.",
        ) from error  # fmt: skip
    say(f"No key for W&B (or WANDB_MODE says so): the dashboard is written to {file}")
    say("To send it: wandb login, upload the runs (wandb sync), then the same command again")


def of_folder(folder: Path) -> Any:
    """What the runs of a folder have logged.

    Raises:
        SettingError: There is none.
    """
    from i2i.comparison.run_records import find_folders, read_run
    from i2i.config.run_name import columns_of
    from i2i.loggers.wandb_workspace import Logged

    runs = find_folders(folder)[0][:MOST_RUNS] if folder.is_dir() else []
    if not runs:
        raise setting_error(
            f"runs={folder}", "no run (a folder with .hydra/overrides.yaml) below it",
            "a folder of runs, such as that of a sweep", "Look in multirun/ or outputs/.",
        )  # fmt: skip
    read = [read_run(run) for run in runs]
    typed = [[f"{k}={v}" for k, v in one.options.items()] for one in read]
    more = {name: way for one in read for name, way in one.more_is_better.items()}
    best = {f"val/{name}": "max" if way else "min" for name, way in more.items()}
    names = (name for run in runs for name in names_of(run))
    return Logged.of(names, [columns_of(own) for own in typed], best)


def names_of(run: Path) -> Iterator[str]:
    """The columns of a run's metrics.csv, and the pictures that W&B has of it."""
    try:
        with (run / "metrics.csv").open(encoding="utf-8", newline="") as file:
            yield from next(csv.reader(file), [])
    except (OSError, UnicodeDecodeError, csv.Error):
        pass
    with suppress(OSError):
        yield from map(printable, pictures_of(run))


def pictures_of(run: Path) -> Iterator[str]:
    """What W&B calls the pictures of a run, each route's by its name; see ``SampleGrid``."""
    from i2i.comparison.run_test import find_pictures

    for split in ("test", "val"):
        folder = run / f"{split}_pictures"
        if find_pictures(folder):
            yield f"{split}/pictures"
        routes = (path for path in folder.glob("*/") if find_pictures(path))
        yield from (f"{split}/{path.name}/pictures" for path in routes)
    grids = (SAMPLES.fullmatch(path.stem) for path in (run / "samples").glob("val_step_*.png"))
    yield from {f"val/samples{match[1]}" for match in grids if match}


def of_wandb(project: str, group: str | None) -> Any:
    """What W&B's own records of a project's runs say that they have logged.

    Args:
        project: ENTITY/NAME.
        group: Of the runs; None takes all.
    """
    import wandb

    from i2i.loggers.wandb_workspace import BEST, Logged

    filters = {} if group is None else {"group": group}
    found = wandb.Api().runs(project, filters=filters, per_page=50)
    runs = [run for _, run in zip(range(MOST_RUNS), found, strict=False)]
    summary = {name: value for run in runs for name, value in dict(run.summary).items()}
    best = {
        name: way
        for name, value in summary.items()
        for way in BEST
        if way in getattr(value, "keys", tuple)()  # a dictionary of W&B's, or a number
    }
    return Logged.of(summary, [run.config.get("options") or {} for run in runs], best)


def default_entity() -> str:
    """The user's own, as W&B says."""
    import wandb

    return wandb.Api().default_entity or ""


@contextmanager
def asking(project: Any) -> Iterator[None]:
    """Turns what W&B's library raises into an error that says what to do."""
    try:
        yield
    except Exception as error:  # of many kinds, of wandb's, of its workspaces' and of its pipes
        raise setting_error(
            f"project={project}", f"an answer of W&B: {first_line(error, 200)}",
            "a project of yours that W&B knows, and a server that answers",
            "Check project= and entity=, or write the dashboard down with WANDB_MODE=offline.",
        ) from error  # fmt: skip


def main() -> None:
    """Entry point of ``python src/dashboard.py`` and ``i2i-dashboard``."""
    launch(dashboard, "dashboard")
