"""Trains a system and scores it: ``python src/train.py generator=resnet9 dataset=maps``."""

from pathlib import Path
from typing import Any

from i2i.checkpoints.checkpoint import read_checkpoint
from i2i.checkpoints.resume import checkpoint_to_resume, with_earlier_options
from i2i.checkpoints.same_run import check_same_run, finished, require_same_images
from i2i.checkpoints.starting_weights import start_from
from i2i.checkpoints.training_state import require_restorable, restoring
from i2i.cluster.environment import rank, require_task, slurm_step
from i2i.cluster.requeue import note_job
from i2i.commands.end_of_a_run import closing
from i2i.commands.launch import launch, write_options
from i2i.commands.one_job import processes_of_one_job
from i2i.commands.parts_of_a_run import build, make_callbacks
from i2i.commands.report import report, score_for_sweep
from i2i.config.domains import settle_domains
from i2i.config.pairing import settle_pairing
from i2i.config.plain_config import (
    leave_out_what_is_missing,
    plain_config,
    say_what_has_no_effect,
)
from i2i.config.run_name import record_of
from i2i.config.unread import require_read
from i2i.data.option_checks import SPLITS
from i2i.errors import in_words, setting_error
from i2i.files.run_lock import held
from i2i.files.saving import remove_unfinished
from i2i.messages import say


def train(cfg: Any) -> float | None:
    """Composes, checks, builds, fits and tests one run.

    Args:
        cfg: The composed configuration.

    Returns:
        The score named by ``sweep_metric``, for sweepers; None where it was not computed.
    """
    from hydra.core.hydra_config import HydraConfig
    from hydra.utils import instantiate
    from lightning.fabric.utilities.rank_zero import rank_zero_only
    from lightning.pytorch import seed_everything

    run_dir = Path(HydraConfig.get().runtime.output_dir)
    typed = HydraConfig.get().overrides.task
    require_read(cfg, "config")
    checkpoint = place_of(cfg, run_dir)
    settle_pairing(cfg)
    settle_domains(cfg)
    leave_out_what_is_missing(cfg)
    say_what_has_no_effect(cfg, typed)
    with in_words("options"):
        config = plain_config(cfg)
    with processes_of_one_job():
        seed_everything(cfg.seed, verbose=False)
        content = read_checkpoint(checkpoint, "resume") if checkpoint else None
        changed = check_same_run(config, content, typed) if content else set()
        config["record"] = record_of(config, typed, run_dir, content.config if content else {})
        with in_words("options"):
            model, datamodule = build(cfg, config, content)
        model.rates_changed = any(key.startswith(("optimizer.", "scheduler.")) for key in changed)
        if cfg.init_from and not checkpoint:
            start_from(model, cfg.init_from, cfg.init_players, cfg.init_channels)
        callbacks = make_callbacks(cfg, datamodule, model)
        if rank_zero_only.rank == 0:
            config["dataset"]["found"] = datamodule.found_values()
            datamodule.check_types(SPLITS)
            model.training_images = datamodule.fingerprint("train")
            if content:
                require_same_images(content, model.training_images)
        with in_words("trainer"):
            trainer = instantiate(
                cfg.trainer, callbacks=list(callbacks.values()), logger=False,
                default_root_dir=str(run_dir),
            )  # fmt: skip
        if content:
            require_restorable(content, trainer, config)
            model.require_own_states(content.own_states)
        with held(run_dir, wanted=rank() == 0):
            require_as_before(run_dir, content)  # another training may have ended meanwhile
            with in_words("logger"):
                trainer.loggers = [instantiate(node) for node in cfg.logger.values()]
            # Nothing was written so far: a refused command leaves an earlier run as it was.
            write_record(run_dir, config)
            with closing(trainer, trainer.loggers, run_dir):
                for logger in trainer.loggers:
                    if hasattr(logger, "be_called"):
                        logger.be_called(config["record"])
                    logger.log_hyperparams(config | {"options": config["record"]["options"]})
                fit(cfg, trainer, model, datamodule, content)
                report(cfg, trainer, model, datamodule, callbacks, run_dir)
                if callbacks.get("health"):
                    callbacks["health"].say_again()
                return score_for_sweep(cfg, trainer, model, callbacks["scoring"])


def place_of(cfg: Any, run_dir: Path) -> Path | None:
    """Makes sure that the run can write where it is to, and says what it goes on from.

    Args:
        cfg: The composed configuration; its ``resume`` becomes the checkpoint's path.
        run_dir: The folder of this run.

    Returns:
        The checkpoint, or None for a new run.

    Raises:
        SettingError: The folder cannot be written or has another run in it, there is no checkpoint
            where ``resume`` says, or ``trainer=slurm`` stands outside a job's step.
    """
    from i2i.run_folder import require_writable

    if "requeue" in cfg.trainer:  # trainer=slurm
        require_task()
    if Path(cfg.run_dir) != run_dir:
        raise setting_error(
            f"run_dir={cfg.run_dir}", "a folder beside Hydra's", f"{run_dir}, which it repeats",
            f"Name the run's folder with hydra.run.dir={cfg.run_dir}",
        )  # fmt: skip
    require_writable(run_dir, "hydra.run.dir")
    checkpoint = checkpoint_to_resume(cfg.resume, run_dir)
    cfg.resume = str(checkpoint) if checkpoint else None
    if not checkpoint:
        require_unused(run_dir)
    return checkpoint


def fit(cfg: Any, trainer: Any, model: Any, datamodule: Any, checkpoint: Any) -> None:
    """Trains from the beginning, or from a checkpoint."""
    if checkpoint:
        checkpoint.weights.clear()  # Lightning reads them itself
        rewind_loggers(trainer.loggers, checkpoint.step)
    elif cfg.validate_first and datamodule.set_size("val"):
        trainer.validate(model, datamodule, verbose=False)
    path = str(checkpoint.path) if checkpoint else None
    with restoring(path or ""):
        trainer.fit(model, datamodule, ckpt_path=path, weights_only=True)
    if checkpoint and (end := finished(checkpoint, cfg.trainer)):
        say(f"This run is finished: {end[0]}. To train on: {end[1]}")


def require_unused(run_dir: Path) -> None:
    """Refuses to mix a new run into the folder of an earlier one."""
    todo = f"Go on with that run (resume={run_dir}), or name another folder."
    if (step := slurm_step()) and run_dir.name == step:
        todo = (
            "A job step has one folder. Start each training with an srun of its own, or name "
            f"another folder: hydra.run.dir=outputs/slurm/{step}-2"
        )
    from lightning.fabric.utilities.rank_zero import rank_zero_only

    for name in ("checkpoints/last.ckpt", "metrics.csv"):
        if rank_zero_only.rank == 0 and (run_dir / name).exists():
            raise setting_error(
                f"hydra.run.dir={run_dir}", f"{name} of an earlier run", "a folder without a run",
                todo,
            )  # fmt: skip


def require_as_before(run_dir: Path, checkpoint: Any) -> None:
    """Refuses a folder into which another process has trained since this one looked.

    Raises:
        SettingError: It has.
    """
    if checkpoint is None:
        require_unused(run_dir)
    elif checkpoint.path.stat().st_mtime_ns != checkpoint.written:
        raise setting_error(
            f"resume={checkpoint.path}", "a checkpoint that another process has just replaced",
            "one that only this run writes", "Start the command again to go on from there.",
        )  # fmt: skip


def write_record(run_dir: Path, config: dict[str, Any]) -> None:
    """config.yaml, code_version.json and Hydra's own record, of a run that begins or goes on."""
    from lightning.fabric.utilities.rank_zero import rank_zero_only
    from omegaconf import OmegaConf

    from i2i.run_folder import code_version, write_json, write_text

    if rank_zero_only.rank == 0:
        remove_unfinished(run_dir / "checkpoints")
        write_text(run_dir / "config.yaml", OmegaConf.to_yaml(OmegaConf.create(config)))
        write_json(run_dir / "code_version.json", code_version())
        write_options(run_dir)
    note_job(run_dir)


def rewind_loggers(loggers: list[Any], step: int) -> None:
    """Drops what was logged after the step that the run goes on from."""
    for logger in loggers:
        if hasattr(logger, "resume_from"):
            logger.resume_from(step)


def main() -> None:
    """Entry point of ``python src/train.py`` and ``i2i-train``."""
    launch(train, "config", with_earlier_options)
