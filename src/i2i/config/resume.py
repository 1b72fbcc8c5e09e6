"""``resume=``: the options, the folder and the checkpoint of a run that stopped."""

from pathlib import Path

from i2i.cluster.requeue import earlier_stretch
from i2i.errors import setting_error

PATHS = (  # options whose relative paths start where they were typed
    "dataset.root",
    "metrics.inception_weights",
    "metrics.lpips.weights_file",
    "metrics.segmenter",
    "reconstruction.perceptual.weights_file",
    "reconstruction.lpips.weights_file",
)


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
    raise setting_error(
        f"resume={path}", f"{found} there", "the folder of a run, or one of its checkpoints",
        "A run writes its first checkpoint after its first epoch; look in outputs/ or multirun/.",
    )  # fmt: skip


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


def with_earlier_options(argv: list[str]) -> list[str]:
    """Puts the options of the run that is resumed before those just typed.

    The run goes on in its own folder, with its own data root, unless the command line says
    otherwise; what was just typed comes last and wins.

    Args:
        argv: The command line without the program.

    Returns:
        The command line to give to Hydra; the same one where nothing is resumed.
    """
    typed = [a.partition("=")[2] for a in argv if a.lstrip("+").startswith("resume=")]
    if not typed or typed[-1] in ("", "null"):
        return argv
    path = Path(typed[-1].strip("'\"")).expanduser().resolve()
    checkpoint = last_checkpoint(path)
    run_dir = checkpoint.parent.parent if checkpoint.parent.name == "checkpoints" else None
    record = run_dir / ".hydra" / "overrides.yaml" if run_dir else None
    if run_dir is None or record is None or not record.is_file():
        return argv
    from omegaconf import OmegaConf

    again = {key_of(option) for option in argv} | {"resume", *PATHS}
    earlier = [str(o) for o in OmegaConf.load(record) if key_of(str(o)) not in again]
    earlier += resolved_paths(run_dir / "config.yaml")
    # One job of a sweep goes on alone, even where the experiment itself asks for the sweep.
    earlier += [f"hydra.run.dir={quoted(run_dir)}", "hydra.mode=RUN"]
    return earlier + argv


def resolved_paths(config: Path) -> list[str]:
    """The absolute paths of a run as options; none where its record is gone."""
    if not config.is_file():
        return []
    from omegaconf import OmegaConf

    content = OmegaConf.load(config)
    found = ((key, OmegaConf.select(content, key)) for key in PATHS)
    return [f"{key}={quoted(path)}" for key, path in found if path is not None]


def key_of(option: str) -> str:
    """What an option sets: ``generator`` of ``generator=unet``, ``a.b`` of ``++a.b=1``."""
    return option.partition("=")[0].lstrip("+~")


def quoted(path: object) -> str:
    """A path as Hydra reads it from the command line, whatever characters it has."""
    text = str(path).replace("\\", "\\\\").replace("'", "\\'")
    return f"'{text}'"
