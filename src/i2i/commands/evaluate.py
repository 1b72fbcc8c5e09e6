"""Scores a checkpoint: ``python src/evaluate.py checkpoint=RUN_DIR``."""

import csv
import hashlib
import io
import os
from pathlib import Path
from typing import Any

from i2i.commands.launch import launch
from i2i.errors import setting_error


def evaluate(cfg: Any) -> None:
    """Scores one split with a checkpoint's model; prints a table, writes two files.

    Args:
        cfg: The composed configuration.
    """
    from hydra.core.hydra_config import HydraConfig
    from hydra.utils import instantiate
    from lightning.pytorch import seed_everything
    from omegaconf import OmegaConf

    from i2i.callbacks.samples import SampleGrid
    from i2i.callbacks.scoring import Scoring
    from i2i.commands.processes import finish_processes, processes_of_one_job
    from i2i.commands.saved_model import load_model, overlay
    from i2i.run_folder import require_writable, table

    if cfg.split not in ("train", "val", "test"):
        raise setting_error(
            f"split={cfg.split}", repr(cfg.split), "train, val or test", "Name one of them."
        )
    output = Path(cfg.output or HydraConfig.get().runtime.output_dir).expanduser().resolve()
    require_writable(output, "output")
    with processes_of_one_job():
        changes = OmegaConf.to_container(cfg.model) | {"seed": cfg.seed}
        model, checkpoint = load_model(cfg.checkpoint, changes)
        seed_everything(model.seed, verbose=False)
        datamodule, dataset_node = find_data(cfg, checkpoint.config, model.seed)
        metrics = overlay(checkpoint.config["metrics"], cfg.metrics)
        check_asked_metrics(cfg.metrics, metrics)
        evaluator = instantiate(metrics | {"seed": model.seed})
        evaluator.check_size(cfg.split, datamodule.set_size(cfg.split))
        scoring = Scoring(evaluator, required=True)
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
        result = scoring.results["test"]
        write_result(output, cfg.split, dataset_node, result, checkpoint, model)
        title = f"{cfg.split} split of {dataset_node['name']}, n = {result.n_images}"
        print(f"\n{table(title, {checkpoint.path.name: result.values})}")
        print(f"\nInput | output | target: {samples.last_picture}\nWritten to: {output}")


def check_asked_metrics(chosen: Any, metrics: dict[str, Any]) -> None:
    """Refuses options of FID and KID where neither is computed."""
    for key in ("inception_weights", "kid_subset_size", "kid_subsets"):
        if "_target_" not in chosen and chosen[key] is not None and not metrics["distribution"]:
            raise setting_error(
                f"metrics.{key}={chosen[key]}", "a run without FID and KID (metrics=pairwise)",
                "metrics=full beside it", "Add metrics=full.",
            )  # fmt: skip


def find_data(cfg: Any, saved: dict[str, Any], seed: int) -> tuple[Any, dict[str, Any]]:
    """The data set of the checkpoint, or the one that the command line names instead."""
    from hydra.utils import instantiate

    from i2i.commands.saved_model import overlay

    # What fetches a data set is not taken from a file: `dataset=NAME` brings it back.
    node = overlay(saved["dataset"] | {"source": None}, cfg.dataset) | {"seed": seed}
    if node.get("root") in (None, "???"):
        raise setting_error(
            "dataset.root", "no value", "the folder of the data set", "Add dataset.root=..."
        )
    node["root"] = os.path.abspath(os.path.expanduser(node["root"]))
    node["augmentation"] = node["augmentation"] | {"image_size": node["image_size"]}
    for side in ("input_channels", "target_channels"):
        if node[side] != saved["dataset"][side]:
            raise setting_error(
                f"dataset.{side}={node[side]}", f"{node[side]} channels",
                f"{saved['dataset'][side]}, as the checkpoint was trained with",
                "Choose the data set that fits, or another checkpoint.",
            )  # fmt: skip
    datamodule = instantiate(node)
    datamodule.prepare_data()
    if not datamodule.set_size(cfg.split):
        raise setting_error(
            f"split={cfg.split}", f"no such split in {node['name']}", "a split that has images",
            "See dataset.splits and dataset.val_from_train.",
        )  # fmt: skip
    return datamodule, node


def write_result(
    output: Path, split: str, dataset: dict[str, Any], result: Any, checkpoint: Any, model: Any
) -> None:
    """metrics.json with the protocol beside the scores, and per_image.csv."""
    from i2i.run_folder import code_version, write_json, write_text

    digest = hashlib.sha256(checkpoint.path.read_bytes()).hexdigest()
    write_json(
        output / "metrics.json",
        {
            "scores": result.values,
            "n_images": result.n_images,
            "dataset": dataset["name"],
            "root": dataset["root"],
            "split": split,
            "image_size": dataset["image_size"],
            "inference": model.inference,
            "seed": model.seed,
            "checkpoint": str(checkpoint.path),
            "checkpoint_sha256": digest,
            "step": checkpoint.step,
            "protocol": result.protocol,
            "code": code_version(),
        },
    )
    text = io.StringIO()
    writer = csv.DictWriter(text, list(result.per_image[0]))
    writer.writeheader()
    writer.writerows(result.per_image)
    write_text(output / "per_image.csv", text.getvalue())


def main() -> None:
    """Entry point of ``python src/evaluate.py`` and ``i2i-evaluate``."""
    launch(evaluate, "evaluate")
