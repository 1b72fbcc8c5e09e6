"""Options that would have no effect are errors: others beside them decide, or nobody looks."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from hydra.core.hydra_config import HydraConfig
from omegaconf import OmegaConf

from i2i.config.composing import composed
from i2i.config.differences import select
from i2i.config.plain_words import key_of
from i2i.config.resolvers import in_sweep, more_is_better
from i2i.errors import setting_error
from i2i.surroundings import below

# The commands hand these over themselves, and what was typed would be lost.
GIVEN = (
    "trainer.callbacks", "trainer.logger", "trainer.default_root_dir",
    "trainer.enable_checkpointing", "trainer.use_distributed_sampler", "model.config", "model.task",
)  # fmt: skip
# Training reads them, and scoring does not.
OF_TRAINING = (
    "trainer.max_steps", "trainer.max_epochs", "trainer.max_time", "trainer.min_steps",
    "trainer.min_epochs", "trainer.limit_train_batches", "trainer.limit_val_batches",
    "trainer.check_val_every_n_epoch", "trainer.val_check_interval", "trainer.log_every_n_steps",
    "trainer.num_sanity_val_steps", "dataset.batch_size", "augmentation", "task",
)  # fmt: skip


OF_ONE = ("hydra.run.dir",)
OF_SWEEPS = ("hydra.sweep", "hydra.launcher", "hydra/sweeper", "hydra/launcher")


class Needs(NamedTuple):
    """Options that count only beside another one.

    Attributes:
        options: Patterns of dotted keys.
        met: Whether a composed configuration, with its interpolations, lets them count.
        found: What there is where it does not.
        expected: What they need.
    """

    options: tuple[str, ...]
    met: Callable[[Mapping[str, Any]], bool]
    found: str
    expected: str


NEEDS = (
    Needs(("overlap",), lambda c: c["tile"] is not None, "no tile", "tile=PIXELS beside it"),
    Needs(("opset",), lambda c: c["format"] == "onnx", "a file that is no ONNX",
          "format=onnx beside it"),
    Needs(("private",), lambda c: c["push"] is not None, "nothing that is uploaded",
          "push=OWNER/NAME beside it"),
    Needs(("lpips_weights",), lambda c: c["samples"] != 1, "samples=1, of which nothing differs",
          "samples=2 or more, whose diversity LPIPS measures"),
    Needs(("data_dir",), lambda c: "${data_dir}" in str(select(c, "dataset.root")),
          "a data set that does not stand there", "dataset=NAME without dataset.root="),
    Needs(("metrics.inception_*", "metrics.kid_*"),
          lambda c: "_target_" not in c["metrics"] or bool(c["metrics"]["distribution"]),
          "metrics without FID and KID", "metrics=full beside it"),
    Needs(("metrics.segmenter",),
          lambda c: c["metrics"]["segmentation"] is not False, "metrics.segmentation=false",
          "segmentation scores"),
    Needs(("generator.latent_at",), lambda c: "${given_code:" in str(select(c, "model.generator")),
          "a model that gives the generator no code", "one that does, such as model=bicyclegan"),
)  # fmt: skip


# Groups that nobody reads but a system, where its preset names them.
OF_SYSTEMS = ("generator", "discriminator", "gan_loss", "reconstruction", "optimizer", "scheduler")


def require_named(typed: Sequence[str], values: Mapping[str, Any]) -> None:
    """Refuses options of a part that the system at hand has not.

    Raises:
        SettingError: There is one.
    """
    model = str(values["model"])
    groups = {key: key.partition(".")[0] for key in typed}
    unread = {k: g for k, g in groups.items() if g in OF_SYSTEMS and f"${{{g}" not in model}
    if not unread:
        return
    usual = OmegaConf.to_container(composed("config"), resolve=False)  # a run that goes on types it
    for key, group in unread.items():
        if values.get(group) != usual.get(group):
            raise setting_error(
                key, f"{str(values['model']['_target_']).rpartition('.')[2]}, which has no {group}",
                "an option of a part that it has", f"Leave {key} out, or choose another model.",
            )  # fmt: skip


def typed_keys() -> list[str]:
    """What the command line sets, without options of Hydra's own; of a run that goes on, all."""
    if not HydraConfig.initialized():
        return []
    return [key_of(option) for option in HydraConfig.get().overrides.task]


def require_effect(values: Mapping[str, Any], known: Mapping[str, Any], config_name: str) -> None:
    """Refuses typed options that nothing would come of.

    Args:
        values: The composed configuration, with its interpolations.
        known: The same without what was typed over the presets.
        config_name: The command's: config, evaluate or translate.

    Raises:
        SettingError: A command hands one over itself, only training reads it, or another option
            that it needs is not there.
    """
    require_of_hydra()
    typed = typed_keys()
    refused = [*GIVEN, *(OF_TRAINING if config_name == "evaluate" else ())]
    if config_name == "config" and "_target_" in (values.get("model") or {}):
        require_named(typed, values)
    for key in typed:
        if any(below(key, other) for other in refused):
            raise setting_error(
                key, "an option that this command does not read", "one that has an effect here",
                f"Leave {key} out.",
            )  # fmt: skip
    if "sweep_metric" in typed:
        more_is_better("sweep_metric", values["sweep_metric"], values["metrics"])
    if "resume" in typed:  # what the run had is among them
        return
    for key in typed:
        its = next((n for n in NEEDS if any(fnmatchcase(key, o) for o in n.options)), None)
        value = select(values, key)
        if its is not None and value != select(known, key) and not its.met(values):
            raise setting_error(f"{key}={value}", its.found, its.expected, f"Or leave {key} out.")


def require_of_hydra() -> None:
    """Refuses options of Hydra's own that it does not have, or that are for another kind of job.

    A plus before an option would add any.

    Raises:
        SettingError: There is one.
    """
    from hydra.conf import HydraConf

    options = HydraConfig.get().overrides.hydra if HydraConfig.initialized() else []
    for key in map(key_of, options):
        if key.startswith(OF_ONE if in_sweep() else OF_SWEEPS):
            raise setting_error(
                key, "a sweep, whose jobs have folders of their own" if in_sweep() else
                "a single job", "hydra.sweep.dir=" if in_sweep() else "a sweep: -m beside it",
                f"Or leave {key} out.",
            )  # fmt: skip
        node: Any = HydraConf
        for word in key.split(".")[1:]:
            if not dataclasses.is_dataclass(node):  # of a launcher or sweeper, which tell
                break
            fields = {field.name: field.type for field in dataclasses.fields(node)}
            if word not in fields:
                raise setting_error(
                    key, "an option that Hydra does not have", f"one of {', '.join(fields)}",
                    f"Correct its name, or leave {key} out.",
                )  # fmt: skip
            node = fields[word]


def require_of_split(typed: Sequence[str], node: Mapping[str, Any], split: str) -> None:
    """Refuses options of other splits than the one that is scored, unless that one follows them.

    Args:
        typed: The keys that were.
        node: The data set to score, with all of its options.
        split: Which split of it.

    Raises:
        SettingError: There is one.
    """
    held = {s for s in ("val", "test") if node.get(f"{s}_from_train")}
    of_train = split == "train" or split in held  # whose pairs depend on what else is held out
    counts = {split} | ({"train", *held} if of_train else set())
    for other in {"train", "val", "test"} - {split}:
        idle = [] if other in counts else [f"dataset.splits.{other}"]
        idle += [] if of_train else [f"dataset.{other}_from_train"]
        for key in set(idle) & set(typed):
            raise setting_error(
                f"{key}={select({'dataset': node}, key)}", f"split={split}, which it leaves as it "
                "is", f"an option of the {split} split", f"Leave {key} out, or add split={other}.",
            )  # fmt: skip
