"""What a trained system translates with, as plain values that a checkpoint or an export holds."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, asdict, dataclass, fields
from typing import Any

from torch import nn

from i2i.data.tasks.task import Task
from i2i.errors import setting_error
from i2i.inference.translate import INFERENCE_MODES
from i2i.inference.translator import Translator
from i2i.labels.attributes import Attributes
from i2i.labels.domain_names import could_name_a_file

LONGEST = 2**12  # numbers of a label or a code


@dataclass(frozen=True)
class Described:
    """A ``Translator`` without its network.

    Attributes:
        weights: Where the network's weights are in the system: the beginning of their names.
        node: Which option of the system says what the network is made of.
        side: As in ``Translator``.
        inference: Likewise.
        seed: Likewise.
        latent: Likewise.
        label: Likewise.
    """

    weights: str
    node: str
    side: str
    inference: str
    seed: int
    latent: int = 0
    label: tuple[float, ...] | None = None

    def translator(self, network: nn.Module, task: Task) -> Translator:
        """The translator, once there is a network.

        Args:
            network: On any device.
            task: Of the data set, as it is in training.
        """
        way = task if self.side == "input" else task.reversed()
        return Translator(
            network, way, self.side, self.inference, self.seed, self.latent, self.label, self.node
        )


# Each value of a description, and whether it must be there.
KEYS = {its.name: its.default is MISSING for its in fields(Described)}


def described(system: Any) -> dict[str, Any]:
    """The translators of a system as plain values.

    Args:
        system: An ``nn.Module`` with ``translators``, and with ``attributes`` where its pictures
            can be asked for some.

    Returns:
        ``routes``: a ``Described`` by route; ``attributes``: names and groups, or None.
    """
    names = {id(module): name for name, module in system.named_modules()}
    routes = {
        route: asdict(
            Described(
                names[id(way.network)], way.node, way.side, way.inference, way.seed, way.latent,
                way.label,
            )
        )
        for route, way in system.translators().items()
    }  # fmt: skip
    known = system.attributes
    attributes = None if known is None else {"names": known.names, "exclusive": known.exclusive}
    return {"system": type(system).__name__, "routes": routes, "attributes": attributes}


def understand_routes(found: Any, setting: str, todo: str) -> dict[str, Described]:
    """The descriptions that a file holds; empty where it holds none.

    Args:
        found: What ``described`` gave, out of a file that may come from a stranger; None of a
            checkpoint from before there were descriptions.
        setting: What the file is called in errors.
        todo: What to do about a damaged one.

    Raises:
        SettingError: It is something else, as that of a later version may be.
    """
    if found is None:
        return {}
    routes = found.get("routes") if isinstance(found, Mapping) else None
    try:
        if not isinstance(routes, Mapping):
            raise ValueError("no translations by name")
        if len(routes) > LONGEST or not named(routes):
            raise ValueError("names of routes that are none")
        return {str(route): understand(node) for route, node in routes.items()}
    except (TypeError, ValueError, OverflowError) as error:
        raise setting_error(
            setting, f"a description of its translations that cannot be read ({error})",
            "one as training with this version writes it",
            f"{todo} Of a later version, use that version.",
        ) from error  # fmt: skip


def understand(node: Mapping[str, Any]) -> Described:
    """One description.

    Raises:
        ValueError: A value is none that there can be, there is another key, or one is missing.
    """
    if not isinstance(node, Mapping):
        raise ValueError("a translation without values")
    if odd := node.keys() - KEYS.keys() or {k for k in KEYS if KEYS[k] and k not in node}:
        raise ValueError(f"{sorted(map(str, odd))[0]!r:.60} unknown or missing")
    found = Described(**node)
    label = found.label
    if label is not None:
        if not isinstance(label, list | tuple) or len(label) > LONGEST:
            raise ValueError(f"a label that is no list of up to {LONGEST} numbers")
        label = tuple(float(n) if type(n) in (int, float) else math.nan for n in label)
        if not all(map(math.isfinite, label)):
            raise ValueError("a label with what is no number")
    texts = (found.weights, found.node, found.side, found.inference)
    good = all(isinstance(text, str) for text in texts) and all(
        type(number) is int for number in (found.seed, found.latent)
    )
    if not good or found.side not in ("input", "target"):
        raise ValueError(f"{node}"[:200])
    if found.inference not in INFERENCE_MODES or not 0 <= found.latent <= LONGEST:
        raise ValueError(f"{node}"[:200])
    return Described(**{**asdict(found), "label": label})


def understand_attributes(found: Any) -> Attributes | None:
    """What pictures can be asked to show, as a file says it; None where it says nothing usable."""
    known = found.get("attributes") if isinstance(found, Mapping) else None
    if not isinstance(known, Mapping) or not named(known.get("names")):
        return None
    groups = known.get("exclusive", ())
    return Attributes(known["names"], [group for group in groups if named(group)])


def named(names: Any) -> bool:
    """Whether these are names that a file could have, of which no message is spoilt."""
    listed = isinstance(names, Iterable) and not isinstance(names, str)
    return listed and all(isinstance(n, str) and could_name_a_file(n) for n in names)
