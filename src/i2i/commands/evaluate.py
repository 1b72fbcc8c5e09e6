"""Scores a checkpoint: ``python src/evaluate.py checkpoint=RUN_DIR``."""

import hashlib
from pathlib import Path
from typing import Any

from i2i.commands.launch import launch
from i2i.commands.scoring.asked_metrics import make_evaluator
from i2i.commands.scoring.data_to_score import find_data, require_direction
from i2i.config.unread import require_read
from i2i.errors import setting_error
from i2i.scores import by_name


def evaluate(cfg: Any) -> None:
    """Scores one split with a checkpoint's model; prints a table, writes two files.

    Args:
        cfg: The composed configuration.
    """
    from hydra.utils import instantiate
    from lightning.pytorch import seed_everything
    from omegaconf import OmegaConf

    from i2i.callbacks.samples import SampleGrid
    from i2i.callbacks.scoring import Scoring
    from i2i.checkpoints.saved_model import load_model
    from i2i.cluster.devices import processes_of
    from i2i.cluster.job_processes import finish_processes
    from i2i.commands.one_job import processes_of_one_job
    from i2i.commands.scoring.scorer import make_scorers, require_pictures
    from i2i.inference.translations import known_route

    require_read(cfg, "evaluate")
    output = checked_output(cfg)
    with processes_of_one_job():
        changes = OmegaConf.to_container(cfg.model) | {"seed": cfg.seed}
        model, checkpoint = load_model(cfg.checkpoint, changes)
        seed_everything(model.seed, verbose=False)
        if cfg.wandb:
            from i2i.loggers.wandb_scores import require_run

            require_run(checkpoint.path, checkpoint.config)
        datamodule, dataset_node = find_data(
            cfg, checkpoint.config, model.seed, len(model.routes)
        )  # fmt: skip
        model.task = datamodule.task
        evaluator = make_evaluator(cfg, checkpoint.config["metrics"], model.seed)
        require_direction(model, dataset_node["direction"])
        if cfg.route is not None:
            model.evaluates = (known_route(cfg.route, model.routes, type(model).__name__),)
        limits = processes_of(cfg.trainer), cfg.trainer.limit_test_batches
        require_pictures(evaluator, datamodule, model, cfg.split, *limits)
        scorers = make_scorers(evaluator, datamodule, model)
        scoring = Scoring(scorers, required=True, test_split=cfg.split)
        samples = SampleGrid(str(output / "samples"))
        trainer = instantiate(
            cfg.trainer, callbacks=[scoring, samples], logger=False, enable_checkpointing=False,
            default_root_dir=str(output), max_epochs=1,
        )  # fmt: skip
        datamodule.trainer = trainer
        trainer.test(model, datamodule.loader(cfg.split), verbose=False)
        finish_processes(trainer, True)
        if not trainer.is_global_zero:
            return
        results = scoring.results["test"]
        write_results(output, cfg.split, dataset_node, results, checkpoint, model)
        print_results(cfg.split, dataset_node["name"], checkpoint.path.name, results)
        print(f"\n{samples.columns}: {samples.last_picture}\nWritten to: {output}")
        if cfg.wandb:
            from i2i.loggers.wandb_scores import add_scores

            scores = by_name({route: result.values for route, result in results.items()})
            where = f"{dataset_node['name']}/{cfg.split}"
            add_scores(checkpoint.path, checkpoint.config, scores, where)


def checked_output(cfg: Any) -> Path:
    """The folder to write into, once the options are known to make sense without the checkpoint.

    Raises:
        SettingError: There is a task or no such split, or the folder cannot be written.
    """
    from hydra.core.hydra_config import HydraConfig
    from omegaconf import OmegaConf

    from i2i.config.numbers import require_numbers
    from i2i.run_folder import require_writable

    require_numbers(
        {"trainer": OmegaConf.to_container(cfg.trainer, resolve=True), "seed": cfg.seed}
    )
    if cfg.trainer.limit_test_batches == 0:
        raise setting_error(
            "trainer.limit_test_batches=0", "nothing to score", "1 or more, or a share",
            "Leave it out to score the whole split.",
        )  # fmt: skip
    if cfg.split not in ("train", "val", "test"):
        raise setting_error(
            f"split={cfg.split}", repr(cfg.split), "train, val or test", "Name one of them."
        )
    output = Path(cfg.output or HydraConfig.get().runtime.output_dir).expanduser().resolve()
    require_writable(output, "output")
    return output


def write_results(
    output: Path,
    split: str,
    dataset: dict[str, Any],
    results: dict[str, Any],
    checkpoint: Any,
    model: Any,
) -> None:
    """metrics.json with the protocol beside the scores, and per_image.csv of each route."""
    from i2i.commands.report import of_routes, write_per_image
    from i2i.run_folder import code_version, write_json

    write_per_image(output, results)
    digest = hashlib.sha256(checkpoint.path.read_bytes()).hexdigest()
    write_json(
        output / "metrics.json",
        {"scores": by_name({route: result.values for route, result in results.items()})}
        | of_routes(results)
        | {
            "dataset": dataset["name"],
            "root": dataset["root"],
            "split": split,
            "image_size": dataset["image_size"],
            "inference": model.inference,
            "seed": model.seed,
            "checkpoint": str(checkpoint.path),
            "checkpoint_sha256": digest,
            "step": checkpoint.step,
            "code": code_version(),
        },
    )


def print_results(split: str, data: str, checkpoint: str, results: dict[str, Any]) -> None:
    """A table of scores for each route, with the segmenter's on the real photographs, if any."""
    from i2i.commands.report import title_of
    from i2i.run_folder import CEILING, table

    for route, result in results.items():
        rows = {checkpoint: result.values}
        if result.ceiling:
            rows[CEILING] = result.ceiling
        print(f"\n{table(title_of(split, data, results, route), rows, result.units)}")


def main() -> None:
    """Entry point of ``python src/evaluate.py`` and ``i2i-evaluate``."""
    launch(evaluate, "evaluate")
