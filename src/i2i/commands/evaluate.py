"""Scores a checkpoint: ``python src/evaluate.py checkpoint=RUN_DIR``."""

import csv
import hashlib
import io
import os
from pathlib import Path
from typing import Any

from i2i.commands.asked_metrics import make_evaluator
from i2i.commands.launch import launch
from i2i.config.no_effect import require_of_split, typed_keys
from i2i.config.resolvers import side_channels
from i2i.config.unread import require_read
from i2i.errors import setting_error

SIDES = ("input", "target")


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
    from i2i.cluster.job_processes import finish_processes
    from i2i.commands.one_job import processes_of_one_job
    from i2i.commands.scorer import make_scorers
    from i2i.config.saved_model import load_model

    require_read(cfg, "evaluate")
    output = checked_output(cfg)
    with processes_of_one_job():
        changes = OmegaConf.to_container(cfg.model) | {"seed": cfg.seed}
        model, checkpoint = load_model(cfg.checkpoint, changes)
        seed_everything(model.seed, verbose=False)
        datamodule, dataset_node = find_data(
            cfg, checkpoint.config, model.seed, len(model.routes)
        )  # fmt: skip
        model.task = datamodule.task
        evaluator = make_evaluator(cfg, checkpoint.config["metrics"], model.seed)
        evaluator.check_size(cfg.split, datamodule.smaller_side(cfg.split))
        require_direction(model, dataset_node["direction"])
        model.evaluates = asked_routes(model, cfg.route)
        scorers = make_scorers(evaluator, datamodule, model, model.evaluates)
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


def asked_routes(model: Any, route: str | None, key: str = "route") -> tuple[str, ...]:
    """The routes of a system that are asked for.

    Args:
        model: The system.
        route: The option; None for all.
        key: What the option is called.

    Raises:
        SettingError: The system has no such route.
    """
    if route is None:
        return model.routes
    if route not in model.routes:
        raise setting_error(
            f"{key}={route}", f"no such route of {type(model).__name__}",
            " or ".join(model.routes), f"Name one of them, or leave {key} out.",
        )  # fmt: skip
    return (route,)


def require_direction(model: Any, direction: str) -> None:
    """Refuses to take one domain for the other, where a system knows them by its routes.

    Raises:
        SettingError: The data are the other way round than in training.
    """
    if len(model.routes) > 1 and direction != model.direction:
        raise setting_error(
            f"dataset.direction={direction}", "the domains the other way round",
            f"{model.direction}, as the checkpoint was trained with",
            f"Leave dataset.direction out. route={direction} scores the other way.",
        )  # fmt: skip


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


def find_data(
    cfg: Any, saved: dict[str, Any], seed: int, routes: int = 1
) -> tuple[Any, dict[str, Any]]:
    """The data set of the checkpoint, or the one that the command line names instead.

    Args:
        cfg: The composed configuration.
        saved: That of the checkpoint.
        seed: Of the data.
        routes: How many the system has.
    """
    from hydra.utils import instantiate

    from i2i.config.overlay import overlay

    # What fetches a data set is not taken from a file: `dataset=NAME` brings it back. Nor is what
    # it may ask of this machine.
    machine = {"source": None, "num_workers": None, "cache_gb": 0}
    kept = {key: value for key, value in saved["dataset"].items() if key != "max_megapixels"}
    node = overlay(kept | machine, cfg.dataset) | {"seed": seed}
    require_of_split(typed_keys(), node, cfg.split)
    if "_target_" in cfg.dataset:
        node |= same_coding(saved["dataset"], node)
    if node.get("root") in (None, "???"):
        raise setting_error(
            "dataset.root", "no value", "the folder of the data set", "Add dataset.root=..."
        )
    node["root"] = os.path.abspath(os.path.expanduser(node["root"]))
    node["augmentation"] = node["augmentation"] | {"image_size": node["image_size"]}
    check_same_role(saved["dataset"], node)
    for side in (f"{s}_channels" for s in SIDES):
        if node[side] != saved["dataset"][side]:
            raise setting_error(
                f"dataset.{side}={node[side]}", f"{node[side]} channels",
                f"{saved['dataset'][side]}, as the checkpoint was trained with",
                "Choose the data set that fits, or another checkpoint.",
            )  # fmt: skip
    datamodule = instantiate(node)
    trained = instantiate(saved["dataset"] | {"source": None}).reader
    check_same_classes(trained, datamodule.reader, makes_labels=routes > 1)
    datamodule.prepare_data()
    datamodule.check_content([cfg.split])
    if not datamodule.set_size(cfg.split):
        raise setting_error(
            f"split={cfg.split}", f"no such split in {node['name']}", "a split that has images",
            "See dataset.splits and dataset.val_from_train.",
        )  # fmt: skip
    return datamodule, node


def same_coding(trained: dict[str, Any], asked: dict[str, Any]) -> dict[str, Any]:
    """What another data set takes over from that of the checkpoint, which knows one thing.

    Args:
        trained: The node of the data set that the checkpoint was trained on.
        asked: That of the data set to score.

    Returns:
        Task and coding of labels, and the channels that follow from them.
    """
    kept = {"task": trained.get("task"), "label_as": trained.get("label_as", "colours")}
    if not kept["task"] and kept["label_as"] != "onehot":
        return kept
    coding = (asked["direction"], asked["label_side"], kept["label_as"], asked["classes"])
    channels = {f"{s}_channels": side_channels(s, *coding, kept["task"]) for s in SIDES}
    return kept | channels


def check_same_role(trained: dict[str, Any], asked: dict[str, Any]) -> None:
    """Refuses a data set that would hand labels to a network of photographs.

    Args:
        trained: The node of the data set that the checkpoint was trained on.
        asked: That of the data set to score.

    Raises:
        SettingError: The label map is on the other side.
    """
    from i2i.data.pair_reader import role_of

    was, now = (role_of(node.get("label_side"), node["direction"]) for node in (trained, asked))
    if asked.get("task") is None and None not in (was, now) and was != now:
        other = "BtoA" if asked["direction"] == "AtoB" else "AtoB"
        raise setting_error(
            f"dataset.direction={asked['direction']}", f"a label map as {now}",
            f"it as {was}, as the checkpoint was trained", f"Add dataset.direction={other}.",
        )  # fmt: skip


def check_same_classes(trained: Any, asked: Any, makes_labels: bool = False) -> None:
    """Refuses other classes where the network knows them by number, or makes them.

    Args:
        trained: The reader of the data set that the checkpoint was trained on.
        asked: That of the data set to score.
        makes_labels: Whether the system makes labels, on whichever side they are.

    Raises:
        SettingError: Their names or their order differ.
    """
    if trained.classes is None or asked.classes is None:
        return
    known = trained.label_as == "onehot" or trained.label_role == "target" or makes_labels
    if known and not trained.classes.same_classes(asked.classes):
        raise setting_error(
            "dataset.classes", f"the classes {', '.join(asked.classes.names)}",
            f"those of the checkpoint: {', '.join(trained.classes.names)}",
            "Choose the data set that fits, or another checkpoint.",
        )  # fmt: skip


def write_results(
    output: Path,
    split: str,
    dataset: dict[str, Any],
    results: dict[str, Any],
    checkpoint: Any,
    model: Any,
) -> None:
    """metrics.json with the protocol beside the scores, and per_image.csv of each route."""
    from i2i.commands.report import joined, of_routes
    from i2i.run_folder import code_version, write_json

    for route, result in results.items():
        name = f"per_image_{route}.csv" if len(results) > 1 else "per_image.csv"
        write_rows(output / name, result.per_image)
    digest = hashlib.sha256(checkpoint.path.read_bytes()).hexdigest()
    write_json(
        output / "metrics.json",
        {"scores": joined(results, lambda result: result.values)}
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


def write_rows(path: Path, rows: list[dict[str, Any]]) -> None:
    """A CSV file with one line per image."""
    from i2i.run_folder import write_text

    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    write_text(path, text.getvalue())


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
