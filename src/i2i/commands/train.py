"""Trains a system and scores it: ``python src/train.py generator=resnet9 dataset=maps``."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from i2i.commands.launch import launch
from i2i.commands.resume import last_checkpoint, with_earlier_options
from i2i.errors import SettingError


def train(cfg: Any) -> float | None:
    """Composes, checks, builds, fits and tests one run.

    Args:
        cfg: The composed configuration.

    Returns:
        The score named by ``sweep_metric``, for sweepers; None where it was not computed.
    """
    from hydra.core.hydra_config import HydraConfig
    from hydra.utils import instantiate
    from lightning.pytorch import seed_everything

    from i2i.run_folder import require_writable

    run_dir = Path(HydraConfig.get().runtime.output_dir)
    require_writable(run_dir, "hydra.run.dir")
    checkpoint = last_checkpoint(Path(cfg.resume)) if cfg.resume else None
    cfg.resume = str(checkpoint) if checkpoint else None
    config = plain_config(cfg)
    with processes_of_one_job():
        seed_everything(cfg.seed, verbose=False)
        model, datamodule = build(cfg, config)
        if checkpoint:
            check_same_networks(model, checkpoint)
        if not cfg.trainer.enable_progress_bar:
            cfg.callbacks.progress = None
        callbacks = {name: instantiate(node) for name, node in cfg.callbacks.items() if node}
        callbacks["scoring"] = make_scoring(cfg, datamodule)
        write_record(run_dir, config)
        loggers = [instantiate(node) for node in cfg.logger.values()]
        trainer = instantiate(
            cfg.trainer, callbacks=list(callbacks.values()), logger=loggers,
            default_root_dir=str(run_dir),
        )  # fmt: skip
        try:
            for logger in loggers:
                logger.log_hyperparams(config)
            if checkpoint:
                rewind_loggers(loggers, checkpoint)
            elif cfg.validate_first and datamodule.set_size("val"):
                trainer.validate(model, datamodule, verbose=False)
            trainer.fit(
                model, datamodule, ckpt_path=str(checkpoint) if checkpoint else None,
                weights_only=True,
            )  # fmt: skip
            if trainer.interrupted:
                raise SettingError(f"Stopped. To go on: python src/train.py resume={run_dir}")
            report(cfg, trainer, model, datamodule, callbacks, run_dir)
            return score_for_sweep(cfg, callbacks["scoring"])
        finally:
            close(loggers)


def plain_config(cfg: Any) -> dict[str, Any]:
    """The resolved configuration as plain values, with the data root made absolute."""
    from omegaconf import OmegaConf

    from i2i.config import validate_config

    if not OmegaConf.is_missing(cfg.dataset, "root"):
        cfg.dataset.root = os.path.abspath(os.path.expanduser(cfg.dataset.root))
    missing = sorted(OmegaConf.missing_keys(cfg))
    if missing:
        raise SettingError(
            f"{missing[0]}: found no value; expected one. Add {missing[0]}=... to the command line."
        )
    config = OmegaConf.to_container(cfg, resolve=True)
    validate_config(config)
    return config


def build(cfg: Any, config: dict[str, Any]) -> tuple[Any, Any]:
    """Builds the model and the data, and checks that they fit before any file is read."""
    from hydra.utils import instantiate

    from i2i.config import validate_networks

    datamodule = instantiate(cfg.dataset)
    model = instantiate(cfg.model)
    validate_networks(config, model.generator)
    model.config = config
    return model, datamodule


def make_scoring(cfg: Any, datamodule: Any) -> Any:
    """The evaluator, once the splits are known to be large enough for it."""
    from hydra.utils import instantiate
    from lightning.fabric.utilities.rank_zero import rank_zero_only

    from i2i.callbacks.scoring import Scoring

    evaluator = instantiate(cfg.metrics)
    if rank_zero_only.rank == 0:  # the others find the data in place when training starts
        datamodule.prepare_data()
        print(describe_data(datamodule))
        for split in ("train", "val", "test"):
            size = datamodule.set_size(split)
            if split != "train" and size:
                limit = cfg.trainer[f"limit_{split}_batches"]
                per_batch = datamodule.eval_batch_size
                batches = -(-size // per_batch)
                batches = min(limit, batches) if isinstance(limit, int) else int(batches * limit)
                if batches:
                    evaluator.check_size(split, min(size, batches * per_batch))
    return Scoring(evaluator)


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


def check_same_networks(model: Any, checkpoint: Path) -> None:
    """Refuses to go on from a checkpoint of other networks."""
    from i2i.config import read_checkpoint, same_weights

    same_weights(model, read_checkpoint(checkpoint), f"resume={checkpoint}")


def write_record(run_dir: Path, config: dict[str, Any]) -> None:
    """config.yaml and code_version.json."""
    from lightning.fabric.utilities.rank_zero import rank_zero_only
    from omegaconf import OmegaConf

    from i2i.run_folder import code_version, write_json, write_text

    if rank_zero_only.rank == 0:
        write_text(run_dir / "config.yaml", OmegaConf.to_yaml(OmegaConf.create(config)))
        write_json(run_dir / "code_version.json", code_version())


def rewind_loggers(loggers: list[Any], checkpoint: Path) -> None:
    """Drops what was logged after the step that the run goes on from."""
    from i2i.config import read_checkpoint

    step = read_checkpoint(checkpoint).step
    for logger in loggers:
        if hasattr(logger, "resume_from"):
            logger.resume_from(step)


def report(
    cfg: Any, trainer: Any, model: Any, datamodule: Any, callbacks: dict[str, Any], run_dir: Path
) -> None:
    """Tests the chosen checkpoint, scores the baselines, and says where everything is."""
    from i2i.metrics.baselines import mean_target, score_baselines
    from i2i.run_folder import table, write_json

    if not datamodule.set_size("test") or trainer.limit_test_batches == 0:
        return
    best = callbacks["best"].best_model_path if callbacks.get("best") else ""
    chosen = best if cfg.test_checkpoint == "best" and best else callbacks["last"].best_model_path
    trainer.test(model, datamodule, ckpt_path=chosen, weights_only=True, verbose=False)
    scoring = callbacks["scoring"]
    result = scoring.results["test"]
    rows = {f"model ({Path(chosen).name})": result.values}
    if cfg.baselines:
        mean = mean_target(datamodule.dataset("train"))
        baselines = score_baselines(
            scoring.evaluator, datamodule.test_dataloader(), mean, model.device
        )
        rows |= {name: r.values for name, r in baselines.items()}
    if not trainer.is_global_zero:
        return
    write_json(
        run_dir / "test_metrics.json",
        {"checkpoint": chosen, "n_images": result.n_images, "scores": rows}
        | {"protocol": result.protocol},
    )
    print(f"\n{table(f'Test split of {cfg.dataset.name}, n = {result.n_images}', rows)}")
    picture = callbacks["samples"].last_picture if callbacks.get("samples") else None
    if picture:
        print(f"\nInput | output | target: {picture}")
    print(f"Run folder: {run_dir}")


def score_for_sweep(cfg: Any, scoring: Any) -> float | None:
    """The value of ``sweep_metric``, e.g. val/ssim."""
    split, _, name = cfg.sweep_metric.partition("/")
    result = scoring.results.get(split)
    return result.values.get(name) if result else None


def close(loggers: list[Any]) -> None:
    """Ends this job's W&B run, so that the next job of a sweep gets its own."""
    for logger in loggers:
        logger.finalize("success")
    if "wandb" in sys.modules:
        sys.modules["wandb"].finish()


@contextmanager
def processes_of_one_job() -> Iterator[None]:
    """Lets Lightning start this job's further processes, and only this job's.

    Lightning starts them with the command line of the whole program, and leaves its environment
    variables behind. In a sweep the first would start the sweep again, and the second would keep
    the next job waiting for processes that nobody starts.
    """
    from hydra.core.hydra_config import HydraConfig
    from omegaconf import open_dict, read_write

    argv, environment = sys.argv, dict(os.environ)
    hydra_cfg = HydraConfig.get()
    sys.argv = [argv[0], *hydra_cfg.overrides.task]
    with read_write(hydra_cfg), open_dict(hydra_cfg):
        hydra_cfg.run.dir = hydra_cfg.runtime.output_dir
    try:
        yield
    finally:
        import torch.distributed as dist

        if dist.is_available() and dist.is_initialized() and "LOCAL_RANK" not in environment:
            dist.destroy_process_group()
        sys.argv = argv
        os.environ.clear()
        os.environ.update(environment)


def main() -> None:
    """Entry point of ``python src/train.py`` and ``i2i-train``."""
    try:
        sys.argv[1:] = with_earlier_options(sys.argv[1:])
    except SettingError as error:
        sys.exit(f"\n{error}")
    launch(train, "config")
