"""Trains a system and scores it: ``python src/train.py generator=resnet9 dataset=maps``."""

import shlex
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from i2i.cluster.environment import Preempted, rank, require_task, slurm_step
from i2i.cluster.job_processes import finish_processes
from i2i.cluster.requeue import note_job
from i2i.cluster.stopping import Stopped
from i2i.commands.launch import launch, write_options
from i2i.commands.one_job import processes_of_one_job
from i2i.commands.report import report, score_for_sweep
from i2i.config.checkpoint import read_checkpoint
from i2i.config.plain_config import (
    leave_out_what_is_missing,
    plain_config,
    say_what_has_no_effect,
)
from i2i.config.resume import checkpoint_to_resume, with_earlier_options
from i2i.config.same_run import check_same_run, require_same_images
from i2i.config.saved_model import require_fitting
from i2i.config.starting_weights import start_from
from i2i.config.unread import require_read
from i2i.errors import in_words, setting_error
from i2i.files.run_lock import held
from i2i.files.saving import remove_unfinished


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
    leave_out_what_is_missing(cfg)
    say_what_has_no_effect(cfg, typed)
    config = plain_config(cfg)
    with processes_of_one_job():
        seed_everything(cfg.seed, verbose=False)
        content = read_checkpoint(checkpoint, "resume") if checkpoint else None
        if content:
            check_same_run(config, content, typed)
        with in_words("options"):
            model, datamodule = build(cfg, config, content)
        if cfg.init_from and not checkpoint:
            start_from(model, cfg.init_from, cfg.init_players, cfg.init_channels)
        callbacks = make_callbacks(cfg, datamodule)
        if rank_zero_only.rank == 0:
            model.training_images = datamodule.pairs("train").fingerprint()
            if content:
                require_same_images(content, model.training_images)
        with in_words("trainer"):
            trainer = instantiate(
                cfg.trainer, callbacks=list(callbacks.values()), logger=False,
                default_root_dir=str(run_dir),
            )  # fmt: skip
        # Nothing was written so far: a refused command leaves an earlier run as it was.
        with held(run_dir, wanted=rank() == 0):
            write_record(run_dir, config)
            note_job(run_dir)
            trainer.loggers = [instantiate(node) for node in cfg.logger.values()]
            with closing(trainer, trainer.loggers, run_dir):
                for logger in trainer.loggers:
                    logger.log_hyperparams(config)
                fit(cfg, trainer, model, datamodule, content)
                report(cfg, trainer, model, datamodule, callbacks, run_dir)
                return score_for_sweep(cfg, callbacks["scoring"])


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


def make_callbacks(cfg: Any, datamodule: Any) -> dict[str, Any]:
    """The callbacks of the configuration by name, and those that every run has."""
    from hydra.utils import instantiate

    from i2i.callbacks.moved_run import MovedRun
    from i2i.cluster.sigterm import Sigterm
    from i2i.config.same_everywhere import SameEverywhere

    if not cfg.trainer.enable_progress_bar:
        cfg.callbacks.progress = None
    callbacks = {name: instantiate(node) for name, node in cfg.callbacks.items() if node}
    callbacks |= {"same": SameEverywhere(), "moved": MovedRun(), "sigterm": Sigterm()}
    callbacks["scoring"] = make_scoring(cfg, datamodule)
    return callbacks


def fit(cfg: Any, trainer: Any, model: Any, datamodule: Any, checkpoint: Any) -> None:
    """Trains from the beginning, or from a checkpoint."""
    if checkpoint:
        checkpoint.weights.clear()  # Lightning reads them itself
        rewind_loggers(trainer.loggers, checkpoint.step)
    elif cfg.validate_first and datamodule.set_size("val"):
        trainer.validate(model, datamodule, verbose=False)
    path = str(checkpoint.path) if checkpoint else None
    trainer.fit(model, datamodule, ckpt_path=path, weights_only=True)
    if checkpoint and trainer.global_step == checkpoint.step and not trainer.interrupted:
        say_finished(trainer, checkpoint.step)


def say_finished(trainer: Any, step: int) -> None:
    """Tells that nothing was left to train, and which option goes on."""
    from i2i.messages import say

    if 0 < trainer.max_steps <= step:
        limit, further = trainer.max_steps, f"trainer.max_steps={2 * trainer.max_steps}"
        say(f"This run is finished: step {step} of {limit}. To train on: {further}")
    elif 0 < (trainer.max_epochs or 0) <= trainer.current_epoch + 1:
        limit, further = trainer.max_epochs, f"trainer.max_epochs={2 * trainer.max_epochs}"
        say(f"This run is finished: {limit} epochs, {step} steps. To train on: {further}")


@contextmanager
def closing(trainer: Any, loggers: list[Any], run_dir: Path) -> Iterator[None]:
    """Ends this job's loggers and processes, whichever way it ends itself."""
    from i2i.messages import say

    status = "failed"
    try:
        yield
        status = "success"
    finally:
        last = run_dir / "checkpoints" / "last.ckpt"
        if status == "failed" and last.is_file():
            say(f"Stopped. To go on: python src/train.py {shlex.quote(f'resume={run_dir}')}")
        try:
            finish_processes(trainer, status == "success")
        except BaseException:
            status = "failed"
            raise
        finally:
            close(loggers, status)


def build(cfg: Any, config: dict[str, Any], checkpoint: Any = None) -> tuple[Any, Any]:
    """Builds the model and the data, and checks that they fit before any file is read.

    Args:
        cfg: The composed configuration.
        config: The same, resolved.
        checkpoint: What the run goes on from, whose weights have to fit; None for a new run.
    """
    import torch
    from hydra.utils import instantiate

    from i2i.config.checks import validate_networks

    datamodule = instantiate(cfg.dataset)

    def make() -> Any:
        return instantiate(cfg.model, _partial_=True)(config=config, task=datamodule.task)

    if checkpoint:
        require_fitting(make, checkpoint, f"resume={checkpoint.path}")
    model = make()
    validate_networks(config, model.generator, model.discriminator)
    require_shapes(make, config["dataset"])
    model.rehearse_optimizers()
    data = config["dataset"]
    size = data["image_size"]
    height, width = (size, size) if isinstance(size, int) else size
    model.rehearse(
        *(torch.zeros(1, data[f"{side}_channels"], height, width) for side in ("input", "target"))
    )
    return model, datamodule


def require_shapes(make: Any, data: dict[str, Any]) -> None:
    """Sends an image of the data's size through both networks, without computing anything.

    Raises:
        SettingError: A network does not take it, or makes another one than the target.
    """
    import torch

    size = data["image_size"]
    height, width = (size, size) if isinstance(size, int) else size
    with torch.device("meta"), torch.no_grad():
        model = make().eval()
        sides = [data[f"{side}_channels"] for side in ("input", "target")]
        x, y = (torch.zeros(2, channels, height, width) for channels in sides)
        try:
            made = model.generator(x).shape
            if made == y.shape:
                model.discriminator(x, y)
        except NotImplementedError:  # an operation that needs numbers
            return
    if made != y.shape:
        raise setting_error(
            "generator", f"an output of {made[1]} channels, {made[2]} x {made[3]} pixels",
            f"{y.shape[1]} channels, {height} x {width} pixels, as the target has",
            "Leave the generator's channels to the data set (generator.in_channels, "
            "generator.out_channels).",
        )  # fmt: skip


def make_scoring(cfg: Any, datamodule: Any) -> Any:
    """The evaluator, once the splits are known to be large enough for it."""
    from hydra.utils import instantiate
    from lightning.fabric.utilities.rank_zero import rank_zero_only

    from i2i.callbacks.scoring import Scoring
    from i2i.cluster.devices import processes_of
    from i2i.commands.scorer import make_scorer
    from i2i.data.batch_sampler import images_of_a_pass

    evaluator = instantiate(cfg.metrics)
    scorer = make_scorer(evaluator, datamodule)
    if rank_zero_only.rank == 0:  # the others find the data in place when training starts
        datamodule.prepare_data()
        print(describe_data(datamodule))
        processes = processes_of(cfg.trainer)
        datamodule.check_batches(processes)
        for split in ("val", "test"):
            if size := datamodule.set_size(split):
                limit = cfg.trainer[f"limit_{split}_batches"]
                seen = images_of_a_pass(size, datamodule.eval_batch_size, processes, limit)
                if limit:
                    evaluator.check_size(split, seen)
        datamodule.check_content()
    return Scoring(scorer)


def describe_data(datamodule: Any) -> str:
    """One line: the set, its splits, and what was left out of them."""
    parts = []
    for split in ("train", "val", "test"):
        left_out = datamodule.pairs(split).skipped
        note = f" ({left_out} unreadable, left out)" if left_out else ""
        parts.append(f"{datamodule.set_size(split)} {split}{note}")
    return (
        f"Data: {datamodule.name}, {datamodule.direction}, {', '.join(parts)} ({datamodule.root})"
    )


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


def rewind_loggers(loggers: list[Any], step: int) -> None:
    """Drops what was logged after the step that the run goes on from."""
    for logger in loggers:
        if hasattr(logger, "resume_from"):
            logger.resume_from(step)


UPLOAD = 30  # seconds that W&B has where the scheduler takes the machine away
FINISH = 300  # seconds that it has otherwise; a server that has gone away would never answer


def close(loggers: list[Any], status: str) -> None:
    """Ends this job's W&B run, so that the next job of a sweep gets its own.

    Requeueing comes after it, and before the time is over: there it gets ``UPLOAD`` seconds.
    """
    from i2i.messages import say

    for logger in loggers:
        logger.finalize(status)
    if "wandb" not in sys.modules:
        return

    def finish() -> None:
        try:
            sys.modules["wandb"].finish(exit_code=0 if status == "success" else 1)
        except Exception as error:  # of many kinds; the run itself is done
            say(f"W&B did not end its run: {str(error)[:120]}")

    upload = threading.Thread(target=finish, daemon=True)
    upload.start()
    upload.join(UPLOAD if isinstance(sys.exception(), Preempted | Stopped) else FINISH)
    if upload.is_alive():
        say("W&B has not got everything yet: wandb sync RUN_DIR/wandb/run-* sends the rest")


def main() -> None:
    """Entry point of ``python src/train.py`` and ``i2i-train``."""
    launch(train, "config", with_earlier_options)
