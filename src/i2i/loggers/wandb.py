"""Weights & Biases without a login prompt, and with one run a job."""

import shlex
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from lightning.fabric.loggers.logger import rank_zero_experiment
from lightning.pytorch.loggers import WandbLogger
from lightning.pytorch.loggers.logger import DummyExperiment

from i2i.comparison.run_test import Tested, read_tests
from i2i.errors import first_line
from i2i.loggers.wandb_faults import local_fault
from i2i.loggers.wandb_id import id_of_run
from i2i.loggers.wandb_options import require_choice, require_known, settings
from i2i.loggers.wandb_pictures import LabelMaps, masks_of, tables_of
from i2i.loggers.wandb_server import Mode, in_reach, mode_of
from i2i.loggers.wandb_summary import Bests, beside, keep, kept
from i2i.messages import say

STEP = "trainer/global_step"  # as Lightning's logger calls the step


class RunWandbLogger(WandbLogger):
    """W&B's logger, with which no run ends because of W&B.

    Where W&B does not let a run begin, the run is kept offline. Where its process goes away in the
    middle, the run goes on without it; metrics.csv has all numbers anyway.

    Attributes:
        mode: What becomes of what is logged.
        log_best: Whether the checkpoint that was tested is sent at the end of a run.
        bests: Of the scores, where the run was stopped before.
    """

    mode: Mode = "online"
    log_best = False
    bests: Bests | None = None
    complaint = ""  # the last of this machine, which may come at each step

    @property
    @rank_zero_experiment
    def experiment(self) -> Any:
        import wandb

        if self._experiment is None:
            try:
                self._experiment = super().experiment
            except (wandb.errors.Error, wandb.errors.UsageError, OSError, TimeoutError) as error:
                say(f"W&B does not take this run ({first_line(error, 120)}): it stays offline")
                wandb.teardown()  # what the attempt left would keep the run's id
                self.mode = "offline"
                options = {k: v for k, v in self._wandb_init.items() if k != "resume"}
                self._wandb_init = options | {"mode": "offline"}
                self._experiment = super().experiment
            if self.mode == "online":
                ask_for_artifacts(self._experiment)
            elif self.mode == "offline" and (earlier := kept(Path(self.save_dir))):
                self._experiment.summary.update(earlier)  # sent later, it replaces the one there
        return self._experiment

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        self.attempt(super().log_metrics, metrics, step)
        if self.bests is not None and (best := self.bests.after(metrics)):
            self.attempt(lambda: self.experiment.summary.update(best))

    def log_hyperparams(self, params: Any) -> None:
        self.attempt(super().log_hyperparams, params)

    def log_image(self, key: str, images: list[Any], step: int | None = None, **more: Any) -> None:
        self.attempt(super().log_image, key, images, step, **more)

    def after_save_checkpoint(self, checkpoint_callback: Any) -> None:
        self.attempt(super().after_save_checkpoint, checkpoint_callback)
        self.keep_summary()  # a run that is killed has it, too

    def finalize(self, status: str) -> None:
        self.attempt(super().finalize, status)
        self.keep_summary()

    def keep_summary(self) -> None:
        """Keeps the run's summary in its folder, for what is added to it offline."""
        if self._experiment is not None:
            folder = Path(self.save_dir)
            self.attempt(lambda: keep(folder, self.experiment.summary._as_dict()))

    def alert(self, title: str, text: str) -> None:
        """Sends an alarm, which W&B passes on by mail or Slack; a run that is offline keeps it."""
        self.attempt(lambda: self.experiment.alert(title=title, text=text, level="WARN"))

    def be_called(self, record: Mapping[str, Any]) -> None:
        """Takes name, group and tags of a run where its options do not say them.

        Args:
            record: See ``i2i.config.run_name.record_of``.
        """
        for key in ("name", "group", "tags"):
            if self._wandb_init.get(key) is None:
                self._wandb_init[key] = record[key]

    def define_scores(self, directions: Mapping[str, bool]) -> None:
        """Tells W&B which value of each score is its best, and that steps are counted in ours.

        A run's summary then has the best value of a validation, and not the last one.

        Args:
            directions: Whether more is better, by the name under which a score is logged.
        """

        def define() -> None:
            self.bests = Bests(directions, Path(self.save_dir))
            for name, more in directions.items():
                self.experiment.define_metric(
                    name, step_metric=STEP, step_sync=True, summary="max" if more else "min"
                )
            self.experiment.summary.update(self.bests.all())

        self.attempt(define)

    def log_label_maps(
        self, key: str, picture: np.ndarray, ids: np.ndarray, names: Mapping[int, str], step: int
    ) -> None:
        """Logs a picture of label maps with a mask that tells the classes.

        Args:
            key: What it is called.
            picture: (H, W, 3) uint8.
            ids: The class of each pixel, (H, W) uint8.
            names: Of the classes, by id.
            step: Of the generator.
        """
        self.log_image(key, [picture], step, masks=[masks_of(ids, names)])

    def log_result(self, result: Mapping[str, Any], label_maps: Mapping[str, LabelMaps]) -> None:
        """Keeps what the test scores mean and are judged by, the pictures, and what was tested.

        Args:
            result: What test_metrics.json holds.
            label_maps: Which test pictures are label maps, by route and column.
        """
        meaning = {name: result[name] for name in ("units", "protocol", "n_images")}
        self.attempt(lambda: self.experiment.config.update(meaning, allow_val_change=True))
        folder = Path(self.save_dir)
        self.attempt(lambda: self.experiment.summary.update(beside(result, folder)))
        self.attempt(self.log_pictures, label_maps)
        if self.log_best:
            self.attempt(self.log_checkpoint, Path(result["checkpoint"]), result["scores"])
        self.keep_summary()

    def log_tables(
        self, split: str, tests: Mapping[str, Tested], label_maps: Mapping[str, LabelMaps],
        step: int,
    ) -> None:  # fmt: skip
        """Sends a table of pictures with their scores for each route.

        Args:
            split: What they are of.
            tests: What a pass left, by route.
            label_maps: Which pictures are label maps, by route and column.
            step: Of the generator.
        """
        self.attempt(lambda: self.log_metrics(tables_of(split, tests, label_maps)[0], step))

    def log_pictures(self, label_maps: Mapping[str, LabelMaps]) -> None:
        """Sends a table of test pictures for each route, and says how large they are."""
        tables, size = tables_of("test", read_tests(Path(self.save_dir)), label_maps)
        if tables:
            self.experiment.log(tables)
            number = sum(len(table.data) for table in tables.values())
            say(f"W&B: {', '.join(tables)} with {number} test images, {size / 1e6:.1f} MB")

    def log_checkpoint(self, file: Path, scores: Mapping[str, Mapping[str, float]]) -> None:
        """Sends a checkpoint and the run's configuration, with the scores of the test split.

        Args:
            file: The checkpoint.
            scores: Of the model and of the baselines, by row of the table.
        """
        import wandb

        run = self.experiment
        artifact = wandb.Artifact(f"model-{run.id}", "model", metadata={"scores": scores})
        for path in (file, Path(self.save_dir) / "config.yaml"):
            path.stat()  # where it is gone, W&B's error is one that W&B itself might have
            artifact.add_file(str(path))
        run.log_artifact(artifact, aliases=["latest", file.stem])

    def attempt(self, call: Callable[..., None], *values: Any, **more: Any) -> bool:
        """Calls, unless W&B is disabled or has gone away before; says so when it does.

        Where a file of this machine is missing or cannot be written, W&B is as well as before: this
        call is left out, and later ones go on.

        Returns:
            Whether W&B has taken it.
        """
        if self.mode == "disabled" or isinstance(self._experiment, DummyExperiment):
            return False
        try:
            call(*values, **more)
        except Exception as error:  # of many kinds, of wandb's and of its process's pipes
            begun = self._experiment is not None
            if begun and local_fault(error):
                complaint = f"W&B does not get everything of this run: {first_line(error, 200)}"
                if complaint != self.complaint:
                    say(complaint)
                self.complaint = complaint
            else:
                what = "went away" if begun else "does not begin a run"
                say(f"W&B {what} ({first_line(error, 120)}): the run goes on without it")
                self._experiment = DummyExperiment()
            return False
        return True


def ask_for_artifacts(run: Any) -> None:
    """Lets W&B's library ask the server whose key it has, while it answers.

    It asks with the first artifact, such as a table. Where the server is away by then, that
    artifact is lost, while one that comes later is kept in the run's folder and sent when it is
    back. There is no public call for this; without that one the first artifact asks as before.
    """
    with suppress(Exception):  # of many kinds; the run goes on, as it would
        run._public_api()


def make_wandb_logger(
    folder: str,
    project: str,
    name: str | None = None,  # of the run; None: see ``be_called``
    group: str | None = None,
    tags: list[str] | None = None,
    offline: bool | None = None,  # None: offline where no key is configured
    log_model: bool | str | None = None,  # best: what was tested; true, all: Lightning's
    log_comparison: bool = True,  # read by ``wandb_comparison``, from the run's configuration
    **options: Any,  # of WandbLogger or wandb.init: entity, notes, job_type, ...
) -> WandbLogger:
    """A W&B logger that never asks anything; a resumed run goes on in the same W&B run.

    ``WANDB_MODE`` in the environment goes before ``offline``.

    Args:
        folder: The run folder; W&B's files go to its ``wandb`` folder.
        project: W&B project.
        name: Name of the run.
        group: Group of the run.
        tags: Tags of the run.
        offline: Whether nothing is sent.
        log_model: Which checkpoints go along.
        log_comparison: Whether the comparison of a sweep of such runs goes along at its end.
        options: Passed on as they are.

    Raises:
        SettingError: Nothing takes one of the options, or it has a value that it cannot have.
    """
    require_known(options)
    require_choice(log_model, log_comparison)
    mode = mode_of(offline)
    if mode == "online" and not in_reach():
        say("W&B does not answer: this run stays offline")
        mode = "offline"
    offline = mode == "offline"
    if offline:
        say(
            "W&B: this run stays offline (no key, no answer, or so asked); to upload it later: "
            f"wandb login && wandb sync {shlex.quote(str(Path(folder) / 'wandb'))}/offline-run-*"
        )
        if log_model and log_model != "best":
            say(f"logger.wandb.log_model={log_model} needs a run online; log_model=best does not")
    logger = RunWandbLogger(
        name=name, save_dir=folder, id=id_of_run(Path(folder)), project=project, group=group,
        tags=tags, reinit="finish_previous",
        log_model=False if offline or log_model == "best" else bool(log_model) and log_model,
        settings=settings(),
        # W&B looks into the environment once in a process, and Lightning's ``offline`` would set it
        # there for all jobs of a sweep.
        mode=mode,
        **({} if offline else {"resume": "allow"}), **options,
    )  # fmt: skip
    logger.mode, logger.log_best = mode, log_model == "best"
    logger._wandb_init.pop("anonymous", None)  # wandb warns of it, whatever it is
    return logger
