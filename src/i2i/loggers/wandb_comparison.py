"""The comparison of runs on W&B: an artifact of a small run of its own, beside those runs."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from i2i.comparison.run_records import Run
from i2i.comparison.tables import KINDS
from i2i.errors import setting_error
from i2i.loggers.wandb_end import FINISH, finish
from i2i.messages import say

FOLDER = "wandb_comparison"  # beside the comparison: W&B's files of that run
LONGEST = 128  # letters of a name, W&B's limit
MOST_RUNS = 200  # that are named in the artifact


def home_of(runs: Sequence[Run]) -> dict[str, Any] | None:
    """Where the runs are on W&B, as options of a logger: those of the first that is there.

    The group is theirs, where they have one in common.

    Args:
        runs: That are compared; what their folders say is read as a stranger's.

    Returns:
        The options; None where no run was logged to W&B, or ``logger.wandb.log_comparison=false``.
    """
    nodes = [(run, node_of(run)) for run in runs]
    nodes = [(run, node) for run, node in nodes if text(node.get("project"))]
    if not nodes or nodes[0][1].get("log_comparison") is False:
        return None
    groups = {text(node.get("group")) or text(record(run).get("group")) for run, node in nodes}
    first = nodes[0][1]
    offline = first.get("offline")
    return {
        "project": text(first["project"]), "entity": text(first.get("entity")),
        "group": groups.pop() if len(groups) == 1 else None,
        "offline": offline if isinstance(offline, bool) else None,
    }  # fmt: skip


def node_of(run: Run) -> Mapping[str, Any]:
    """The options of a run's W&B logger; empty where it has none."""
    loggers = run.config.get("logger")
    node = loggers.get("wandb") if isinstance(loggers, Mapping) else None
    return node if isinstance(node, Mapping) else {}


def record(run: Run) -> Mapping[str, Any]:
    """What ``i2i.config.run_name`` called a run; empty where it did not."""
    found = run.config.get("record")
    return found if isinstance(found, Mapping) else {}


def text(value: Any) -> str | None:
    """A word that W&B takes as a name."""
    return value if isinstance(value, str) and 0 < len(value) <= LONGEST else None


def require_home(runs: Sequence[Run]) -> dict[str, Any]:
    """What ``home_of`` finds.

    Raises:
        SettingError: It finds nothing.
    """
    found = home_of(runs)
    if found is None:
        raise setting_error(
            "wandb=true", "no run that was logged to W&B, or logger.wandb.log_comparison=false",
            "runs with logger=wandb", "Leave wandb out; the files are written anyway.",
        )  # fmt: skip
    return found


def send(
    output: Path, runs: Sequence[Run], home: Mapping[str, Any], seconds: float = FINISH
) -> None:
    """Sends the files of a comparison, and says how large they are.

    Comparing once more adds a version of the artifact to the same W&B run.

    Args:
        output: The folder of the comparison.
        runs: That were compared.
        home: What ``home_of`` gave.
        seconds: That W&B has for it.
    """
    from i2i.loggers.wandb import make_wandb_logger  # seconds, which other comparisons do not need

    files = [output / f"comparison.{kind}" for kind in KINDS]
    files = [file for file in files if file.is_file()]
    name = f"compare {home['group'] or output.name}"[:LONGEST]
    logger = make_wandb_logger(str(output / FOLDER), name=name, job_type="compare", **home)

    def log() -> None:
        import wandb

        run = logger.experiment
        named = {"runs": [one.name for one in runs[:MOST_RUNS]]}
        artifact = wandb.Artifact(f"comparison-{run.id}", "comparison", metadata=named)
        for file in files:
            artifact.add_file(str(file))
        run.log_artifact(artifact)

    size = sum(file.stat().st_size for file in files)
    taken = logger.attempt(log)
    if finish(seconds=seconds) and taken:
        how = " (offline: wandb sync sends it)" if logger.mode == "offline" else ""
        say(f"W&B: the comparison, {size / 1e6:.1f} MB, is an artifact of the run '{name}'{how}")
    elif logger.mode == "disabled":
        say("W&B is disabled: the comparison is not sent")
