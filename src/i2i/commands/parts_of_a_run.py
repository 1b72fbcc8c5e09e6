"""The parts that a training is made of, checked against each other before any of them works."""

from typing import Any

from i2i.checkpoints.saved_model import parameters_of, require_finite, require_fitting
from i2i.config.resolvers import more_is_better
from i2i.data.batches import OTHER_SIDE
from i2i.errors import setting_error


def build(cfg: Any, config: dict[str, Any], checkpoint: Any = None) -> tuple[Any, Any]:
    """Builds the model and the data, and checks that they fit before any file is read.

    Args:
        cfg: The composed configuration.
        config: The same, resolved.
        checkpoint: What the run goes on from, whose weights have to fit; None for a new run.
    """
    from hydra.utils import instantiate

    from i2i.config.checks import validate_networks

    datamodule = instantiate(cfg.dataset)
    if checkpoint:  # what it found goes on, and a run that found nothing has 8 bits
        datamodule.take_values(checkpoint.config["dataset"].get("found"))

    def make() -> Any:
        return instantiate(cfg.model, _partial_=True)(config=config, task=datamodule.task)

    if checkpoint:
        require_fitting(make, checkpoint, f"resume={checkpoint.path}")
    model = make()
    if checkpoint and model.finite.on_nan == "stop":
        require_finite(checkpoint, parameters_of(model), "resume")
    validate_networks(config, *(n for player in model.players for n in model.networks(player)))
    require_shapes(make, config["dataset"])
    model.rehearse(*blank_pair(config["dataset"], 1))
    return model, datamodule


def blank_pair(data: dict[str, Any], number: int) -> list[Any]:
    """Inputs and targets of the shapes that a data set gives, without any picture in them."""
    import torch

    from i2i.data.paired_transforms import as_size

    sides = (data[f"{side}_channels"] for side in ("input", "target"))
    return [torch.zeros(number, channels, *as_size(data["image_size"])) for channels in sides]


def require_shapes(make: Any, data: dict[str, Any]) -> None:
    """Sends an image of the data's size through all networks, without computing anything.

    Raises:
        SettingError: A network does not take it, or makes another one than the target.
    """
    import torch

    with torch.device("meta"), torch.no_grad():
        model = make().eval()
        sides = dict(zip(OTHER_SIDE, blank_pair(data, 2), strict=True))
        try:
            for translator in model.translators().values():
                wanted = sides[OTHER_SIDE[translator.side]]
                require_same_shape(translator.blank(sides[translator.side]), wanted)
            model.judge(*sides.values())
        except NotImplementedError:  # of an operation that needs numbers: the first step will tell
            return


def require_same_shape(made: Any, wanted: Any) -> None:
    """Refuses a generator whose output is no image of the other side.

    Raises:
        SettingError: It is not.
    """
    if made.shape != wanted.shape:
        (_, c, h, w), (_, channels, height, width) = made.shape, wanted.shape
        raise setting_error(
            "generator", f"an output of {c} channels, {h} x {w} pixels",
            f"{channels} channels, {height} x {width} pixels, as the target has",
            "Leave the generator's channels to the data set (generator.in_channels, "
            "generator.out_channels).",
        )  # fmt: skip


def make_callbacks(cfg: Any, datamodule: Any, model: Any) -> dict[str, Any]:
    """The callbacks of the configuration by name, and those that every run has."""
    from hydra.utils import instantiate

    from i2i.callbacks.moved_run import MovedRun
    from i2i.cluster.sigterm import Sigterm
    from i2i.config.same_everywhere import SameEverywhere

    if not cfg.trainer.enable_progress_bar:
        cfg.callbacks.progress = None
    # Others ask it at their start which scores there will be.
    callbacks = {"scoring": make_scoring(cfg, datamodule, model)}
    callbacks |= {name: instantiate(node) for name, node in cfg.callbacks.items() if node}
    return callbacks | {"same": SameEverywhere(), "moved": MovedRun(), "sigterm": Sigterm()}


def make_scoring(cfg: Any, datamodule: Any, model: Any) -> Any:
    """The evaluator, once the splits are known to be large enough for it."""
    from hydra.utils import instantiate
    from lightning.fabric.utilities.rank_zero import rank_zero_only

    from i2i.callbacks.scoring import Scoring
    from i2i.cluster.devices import processes_of
    from i2i.commands.scoring.scorer import fewest_of_a_route, make_scorers, require_pictures

    evaluator = instantiate(cfg.metrics)
    scorers = make_scorers(evaluator, datamodule, model)
    if rank_zero_only.rank == 0:  # the others find the data in place when training starts
        datamodule.prepare_data()
        print(describe_data(datamodule))
        processes = processes_of(cfg.trainer)
        datamodule.check_batches(processes)
        require_batches(cfg.trainer, datamodule, processes)
        if (labels := datamodule.samples("train", training=True).labels) is not None:
            fewest_of_a_route(model, labels, False, "train")
        for split in ("val", "test"):
            limit = cfg.trainer[f"limit_{split}_batches"]
            if datamodule.set_size(split) and limit:
                require_pictures(evaluator, datamodule, model, split, processes, limit)
                if split == "val":
                    require_monitored(cfg, scorers.values())
        datamodule.check_content()
    return Scoring(scorers)


def require_batches(trainer: Any, datamodule: Any, processes: int) -> None:
    """Refuses limits that leave no batch of an epoch to train on, or no validation in it.

    Raises:
        SettingError: There is one.
    """
    batches = datamodule.set_size("train") // (datamodule.batch_size * processes)
    for key in ("limit_train_batches", "overfit_batches"):
        share = trainer.get(key)
        if isinstance(share, float) and share and int(batches * share) < 1:
            raise setting_error(
                f"trainer.{key}={share}", f"no whole batch of the {batches} of an epoch",
                f"a share of {-(-1000 // batches) / 1000} or more, or a number of batches",
                f"Leave trainer.{key} out to train on all.",
            )  # fmt: skip
        elif share:
            batches = int(batches * share) if isinstance(share, float) else min(batches, share)
    every = trainer.get("val_check_interval")
    per_epoch = trainer.limit_val_batches != 0 and trainer.check_val_every_n_epoch is not None
    if type(every) is int and per_epoch and every > batches:
        raise setting_error(
            f"trainer.val_check_interval={every}", f"more than the {batches} batches of an epoch",
            "at most as many", "Add trainer.check_val_every_n_epoch=null to count over epochs.",
        )  # fmt: skip


def require_monitored(cfg: Any, scorers: Any) -> None:
    """Refuses a callback that watches a score of the validation which nothing computes.

    Raises:
        SettingError: There is one.
    """
    metrics = dict(cfg.metrics) | {"segmentation": any(s.tells_classes for s in scorers)}
    for name, node in cfg.callbacks.items():
        monitor = node.get("monitor") if node else None
        ours = monitor is not None and str(node["_target_"]).startswith("i2i.")
        if ours or str(monitor).startswith("val/"):  # others may watch a loss
            more_is_better(f"callbacks.{name}.monitor", monitor, metrics)


def describe_data(datamodule: Any) -> str:
    """One line: the set, its splits, and what was left out of them."""
    parts = []
    for split in ("train", "val", "test"):
        left_out = datamodule.skipped(split)
        note = f" ({left_out} unreadable, left out)" if left_out else ""
        parts.append(f"{datamodule.counted(split)} {split}{note}")
    return (
        f"Data: {datamodule.name}, {datamodule.direction}, {', '.join(parts)} ({datamodule.root})"
    )
