"""The options that bring a checkpoint's configuration back: presets by name, and plain values."""

import copy
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from i2i.checkpoints.allowed_classes import allowed_types, check_targets, entries
from i2i.cluster.environment import launched
from i2i.config.composing import composed
from i2i.config.differences import differences, flat, has, nodes_above, select
from i2i.config.plain_words import key_of, quoted, value_text
from i2i.errors import first_line, setting_error
from i2i.surroundings import RESOURCES, below

# Asked of this machine, or of this command line, and never taken from a file.
NOT_TAKEN = (
    *RESOURCES, "presets", "record", "resume", "init_from", "run_dir", "dataset.source",
    "dataset.found", "metrics.cache_dir", "metrics.cache_gb", "callbacks.*.filename",
    "*.default_root_dir", "trainer.fast_dev_run", "trainer.num_nodes",
)  # fmt: skip
# Parts that a file may not name the classes of: they write files and talk to servers.
NO_CLASSES = ("trainer", "callbacks", "logger")
KINDS = {"dataset": "dataset", "augmentation": "dataset", "task": "dataset", "metrics": "metrics"}
WORD = re.compile(r"[A-Za-z_]\w*")
PRESET = re.compile(r"\w[\w.-]*")
OF_THE_MACHINE = ("${launched:", "${oc.", "${in_sweep:", "${hydra:", "${run_dir}")


class Rebuilt:
    """The options of a run, as its checkpoint's configuration tells them.

    A file from a stranger must not run code: presets are taken by name from ``conf/``, values as
    plain ones, and classes that presets do not name only where a checkpoint may name them
    (``check_targets``). Nothing of ``hydra`` is taken.

    Attributes:
        presets: Group overrides, such as ``generator=unet``.
        values: What differs from them, such as ``generator.n_downs=7``.
        left_out: What was not taken, for a message.
    """

    def __init__(self, saved: Mapping[str, Any], setting: str, search: Sequence[str] = ()):
        """Finds the options, and makes sure that they compose the same configuration.

        Args:
            saved: The configuration in the checkpoint.
            setting: What the checkpoint is called in errors.
            search: Overrides of ``hydra.searchpath`` on the command line.

        Raises:
            SettingError: The configuration names what it may not, or cannot be had again.
        """
        self.saved, self.setting, self.search = saved, setting, list(search)
        self.left_out: list[str] = []
        self.require_harmless()
        self.presets = self.chosen_presets()
        place = [f"run_dir={quoted(saved.get('run_dir'))}"]
        self.values: list[str] = []
        for computed in (False, True):  # values that follow others are right once those are
            raw, plain = self.compose([*self.presets, *self.values, *place])
            self.values += dict.fromkeys(self.different(raw, plain, computed))
        _, again = self.compose([*self.presets, *self.values, *place])
        self.require_same(again)

    def require_harmless(self) -> None:
        """Refuses classes and computed values where a file may not have them."""
        for part, node in self.saved.items():
            if part in NO_CLASSES:
                node = without_classes(node)
            check_targets(
                {part: node}, f"{self.setting} ({part})", allowed_types(KINDS.get(part, "model"))
            )

    def compose(self, overrides: Sequence[str]) -> tuple[dict[str, Any], dict[str, Any]]:
        """What ``conf/`` makes of overrides: with interpolations, and resolved."""
        from hydra.errors import HydraException, MissingConfigException
        from omegaconf import OmegaConf
        from omegaconf.errors import OmegaConfBaseException

        try:
            cfg = copy.deepcopy(composed("config", (*self.search, *overrides)))
        except MissingConfigException as error:
            raise setting_error(
                self.setting, "a run with presets that conf/ does not have "
                f"({first_line(error)})", "those that it was made with",
                "Bring their files back, or name their folder: hydra.searchpath=[file://...].",
            ) from None  # fmt: skip
        except (HydraException, OmegaConfBaseException) as error:
            raise setting_error(
                self.setting, f"options that do not compose ({first_line(error)})",
                "those of a run", "Begin a new run from its weights: init_from=CHECKPOINT.",
            ) from None  # fmt: skip
        raw = OmegaConf.to_container(cfg, resolve=False)
        for key in OmegaConf.missing_keys(cfg):  # brought by the values
            OmegaConf.update(cfg, key, None)
        return raw, OmegaConf.to_container(cfg, resolve=True)

    def chosen_presets(self) -> list[str]:
        """The presets that the run was composed of, by the names it noted."""
        presets = self.saved.get("presets")
        if not isinstance(presets, Mapping):
            raise setting_error(
                self.setting, "a checkpoint that does not say which presets it was made with",
                "one of this version", "Begin a new run from its weights: init_from=CHECKPOINT.",
            )  # fmt: skip
        found = []
        for group, chosen in presets.items():
            names = chosen if isinstance(chosen, list) else [chosen]
            words = [*str(group).split("/"), *(name for name in names if name is not None)]
            if not all(isinstance(word, str) and PRESET.fullmatch(word) for word in words):
                raise setting_error(
                    f"{self.setting} (presets)", f"{group}={chosen}", "names of presets",
                    "Do not use this file unless you know where it comes from.",
                )  # fmt: skip
            if words[0] != "hydra" and chosen is not None:  # null as in conf/
                listed = isinstance(chosen, list)
                found.append(f"{group}={value_text(chosen) if listed else chosen}")
        return found

    def different(
        self, raw: Mapping[str, Any], plain: Mapping[str, Any], computed: bool
    ) -> Iterator[str]:
        """The overrides that turn a composed configuration into the saved one.

        A value that follows others (``${optimizer.generator.lr}``) goes on following them, unless
        the run had another one.

        Args:
            raw: The composed configuration with its interpolations.
            plain: The same, resolved.
            computed: Whether to look at values that follow others, or at the other ones.
        """
        follows = {k: v for k, v in flat(raw).items() if isinstance(v, str) and "${" in v}
        its, mine = flat(self.saved), flat(plain)
        for key in dict.fromkeys([*mine, *its]):
            if key.partition(".")[0] not in plain or its.get(key) == mine.get(key, ...):
                continue
            if (key in follows) != computed or any(below(key, k) and key != k for k in follows):
                continue
            if any(below(key, pattern) for pattern in NOT_TAKEN):
                if key in RESOURCES:
                    self.leave_out(key, its.get(key))
            elif key == "dataset.root" and its.get(key) == os.path.abspath(mine.get(key) or ""):
                continue
            elif key in its:
                if part := self.part_of_a_stranger(key, plain):
                    self.leave_out(part, "...")
                elif not computed or goes_before(key, follows[key], its[key]):
                    yield from self.override(key, its[key], has(plain, key))
                elif "${run_dir}" in follows[key]:  # a file does not say where to write
                    self.leave_out(key, its[key])
                if key == "dataset.root":  # nor where to download to
                    yield "dataset.source=null"
            elif not computed and (gone := self.first_gone(key)) and may_go(gone, plain):
                yield f"~{gone}"

    def part_of_a_stranger(self, key: str, plain: Mapping[str, Any]) -> str | None:
        """The part with a class of its own that a key is of, where no preset brings that part."""
        if key.partition(".")[0] not in NO_CLASSES:
            return None
        mine = (above for above in nodes_above(key) if has(self.saved, f"{above}._target_"))
        return next((above for above in mine if not has(plain, above)), None)

    def first_gone(self, key: str) -> str | None:
        """The first node towards a key that the run does not have; None where it is null there."""
        for above, where in pairwise(["", *nodes_above(key), key]):
            node = select(self.saved, above) if above else self.saved
            if not isinstance(node, Mapping):
                return None
            if not has(self.saved, where):
                return where
        return None

    def override(self, key: str, value: Any, there: bool) -> Iterator[str]:
        """One value as an override, unless it may not come from a file."""
        names_class = key.endswith("_target_") or any(k == "_target_" for k, _ in entries(value))
        if (
            (key.partition(".")[0] in NO_CLASSES and names_class)
            or (key == "trainer.devices" and too_many(value))
            or not all(WORD.fullmatch(word) for word in key.split("."))
        ):
            self.leave_out(key, value)
        else:
            yield f"{'' if there else '++'}{key}={value_text(value)}"

    def leave_out(self, key: str, value: Any) -> None:
        """Notes that a value of the run was not taken from its file."""
        if (note := f"{key}={value}") not in self.left_out:
            self.left_out.append(note)

    def require_same(self, again: Mapping[str, Any]) -> None:
        """Refuses a run whose configuration the options do not bring back."""
        found = differences(self.saved, again)
        for key, (was, now) in found.items():
            raise setting_error(
                self.setting, f"a run with {key}={was} ({len(found)} such)",
                f"{now}, which its presets make of it now",
                "Undo the change of conf/, or begin a new run from its weights: init_from=.",
            )  # fmt: skip

    def under(self, typed: Sequence[str]) -> list[str]:
        """The options to put before those that were typed, which win.

        A group that was typed brings another preset; values of the old one go on where the new one
        has such an option.

        Args:
            typed: The command line without flags.
        """
        keys = {key_of(option) for option in typed}
        gone = {key_of(option) for option in typed if option.startswith("~")}
        keys |= {"dataset.source"} if keys & {"dataset", "dataset.root"} else set()
        presets = [p for p in self.presets if key_of(p) not in keys]
        groups = {key_of(p).partition("@")[0] for p in self.presets} & keys
        values = [v for v in self.values if key_of(v) not in keys]
        values = [v for v in values if not any(below(key_of(v), key) for key in gone)]
        if groups:
            named = [option for option in typed if key_of(option) in groups]
            raw, _ = self.compose([*presets, *named, "run_dir=x"])

            def goes_on(option: str) -> bool:
                key = key_of(option)
                return key.partition(".")[0] not in groups or (
                    option[0] not in "~+" and has(raw, key)
                )

            values = [option for option in values if goes_on(option)]
        return [*presets, *values]


def without_classes(node: Any) -> Any:
    """A node without the names of its classes."""
    if isinstance(node, Mapping):
        return {k: without_classes(v) for k, v in node.items() if k != "_target_"}
    return [without_classes(v) for v in node] if isinstance(node, list) else node


def may_go(key: str, plain: Mapping[str, Any]) -> bool:
    """Whether a run may lack an option of its preset: its class has a default then."""
    above = key.rpartition(".")[0]
    if above in ("callbacks", "logger"):
        return True
    read_by_name = above.partition(".")[0] in ("model", "trainer", "dataset", "metrics")
    return not read_by_name and has(plain, f"{above}._target_")


def goes_before(key: str, text: str, value: Any) -> bool:
    """Whether the run's value goes before one that is computed.

    What is computed from the machine or from the way a job was started is computed anew.
    """
    if key == "trainer.devices":
        return launched() is None and value not in ("auto", -1, "-1")
    return not any(word in text for word in OF_THE_MACHINE)


def too_many(devices: Any) -> bool:
    """Whether a file asks for more processes than this machine has cores or GPUs."""
    import torch

    most = max(os.cpu_count() or 1, torch.cuda.device_count())
    number = len(devices) if isinstance(devices, list | tuple | str) else devices
    return isinstance(devices, bool) or not isinstance(number, int) or number > most
