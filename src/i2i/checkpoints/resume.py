"""``resume=``: the options, the folder and the checkpoint of a run that stopped."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from i2i.cluster.requeue import earlier_stretch
from i2i.config.plain_words import flag_positions, key_of, quoted
from i2i.errors import in_words, setting_error
from i2i.messages import say

ANOTHER = "Use another checkpoint of the run; I2I_TRACEBACK=1 shows where."


def last_checkpoint(path: Path) -> Path:
    """The checkpoint to go on from: the file itself, or the last one of a run folder.

    Raises:
        SettingError: There is none.
    """
    if path.is_file():
        return path
    last = path / "checkpoints" / "last.ckpt"
    if last.is_file():
        return last
    found = "a folder without checkpoints/last.ckpt" if path.is_dir() else "nothing"
    todo = "A run writes its first checkpoint after its first epoch; look in outputs/ or multirun/."
    if (best := last.with_name("best.ckpt")).is_file():
        todo = f"Its best checkpoint is there: resume={best}"
    raise setting_error(
        f"resume={path}", f"{found} there", "the folder of a run, or one of its checkpoints", todo
    )


def checkpoint_to_resume(resume: str | None, run_dir: Path) -> Path | None:
    """What this job goes on from: where SLURM started it again its own last checkpoint.

    A job that was stopped before its first checkpoint begins anew, in the same folder.

    Args:
        resume: The option, or None.
        run_dir: The folder of this run.

    Raises:
        SettingError: There is no checkpoint where ``resume`` says.
    """
    if earlier_stretch(run_dir):
        last = run_dir / "checkpoints" / "last.ckpt"
        if last.is_file():
            return last
        (run_dir / "metrics.csv").unlink(missing_ok=True)
    return last_checkpoint(Path(resume)) if resume else None


def with_earlier_options(argv: Sequence[str]) -> list[str]:
    """Puts the options of the run that is resumed before those just typed.

    They come from the checkpoint's configuration alone, which a stranger may have written (see
    ``Rebuilt``). The run goes on in its own folder, with its own data root, unless the command line
    says otherwise; what was just typed comes last and wins.

    Args:
        argv: The command line without the program, in Hydra's grammar.

    Returns:
        The command line to give to Hydra; the same one where nothing is resumed.

    Raises:
        SettingError: There is no such checkpoint, or its options cannot be had again.
    """
    from i2i.checkpoints.checkpoint import read_checkpoint
    from i2i.checkpoints.rebuilt import Rebuilt

    flags = flag_positions(argv)
    typed = [word for i, word in enumerate(argv) if i not in flags]
    resumed = [word.partition("=")[2] for word in typed if key_of(word) == "resume"]
    if not resumed or resumed[-1] in ("", "null"):
        return list(argv)
    checkpoint = last_checkpoint(Path(text_of(resumed[-1])).expanduser().resolve())
    setting = f"resume={checkpoint}"
    content = read_checkpoint(checkpoint, "resume")
    require_trained(content, setting)
    saved = content.config
    search = [word for word in typed if key_of(word) == "hydra.searchpath"]
    with in_words(setting, ANOTHER):
        run = Rebuilt(saved, setting, search)
    require_same_experiment(saved, typed, setting)
    require_own_data(saved, typed, setting)
    earlier = run.under(typed)
    if run.left_out:
        say(f"Not taken from the checkpoint: {', '.join(run.left_out)}. Type it to have it again.")
    if checkpoint.parent.name == "checkpoints" and checkpoint.parent.parent.is_dir():
        earlier.append(f"hydra.run.dir={quoted(checkpoint.parent.parent)}")
    # One job of a sweep goes on alone, even where the experiment itself asks for the sweep.
    return [*earlier, "hydra.mode=RUN", *argv]


def require_trained(checkpoint: Any, setting: str) -> None:
    """Refuses to go on with a training that there never was.

    Raises:
        SettingError: The checkpoint holds imported weights.
    """
    if checkpoint.absent is not None:
        raise setting_error(
            setting, "imported weights, without the state of a training",
            "a checkpoint of a training", f"Begin a run from them: init_from={checkpoint.path}",
        )  # fmt: skip


def text_of(value: str) -> str:
    """A path as Hydra will read it."""
    from hydra.core.override_parser.overrides_parser import OverridesParser

    return str(OverridesParser.create().parse_override(f"resume={value}").value())


def require_same_experiment(saved: dict, typed: Sequence[str], setting: str) -> None:
    """Refuses another experiment than the run's: its values would not count before the run's.

    Raises:
        SettingError: One was typed.
    """
    had = (saved.get("presets") or {}).get("experiments")
    for word in typed:
        if key_of(word) == "experiments" and word.partition("=")[2] not in (str(had), "null"):
            raise setting_error(
                word, f"another experiment than that of {setting} ({had})", "the same, or none",
                "Begin a new run from its weights: init_from=RUN_DIR, or type single options.",
            )  # fmt: skip


def require_own_data(saved: dict, typed: Sequence[str], setting: str) -> None:
    """Refuses a folder of data sets: the run has its data set's own.

    Raises:
        SettingError: One was typed.
    """
    for word in typed:
        if key_of(word) == "data_dir":
            raise setting_error(
                word, f"a run on {saved['dataset'].get('root')} ({setting})",
                "dataset.root=FOLDER, where its pictures have moved", "Or leave data_dir out.",
            )  # fmt: skip
