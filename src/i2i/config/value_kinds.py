"""Whether values are of the kind that presets have: numbers, words, lists, whole nodes."""

import math
import re
from collections.abc import Mapping
from typing import Any

from i2i.config.differences import flat, has, select
from i2i.errors import setting_error

OF_TWO_KINDS = (
    "trainer.devices", "trainer.precision", "dataset.image_size", "dataset.input_range",
    "dataset.target_range", "dataset.background", "overwrite",
)  # fmt: skip
NODE = re.compile(r"\$\{([\w.]+)\}")  # what stands for a whole node elsewhere
KINDS = {bool: "true or false", int: "a number", float: "a number", list: "a list", str: "a word"}
TAKES: dict[type, tuple[type, ...]] = {
    bool: (bool,), int: (int, float), float: (int, float), list: (list,), str: (str,)
}  # fmt: skip


def require_kinds(values: Mapping[str, Any], known: Mapping[str, Any]) -> None:
    """Refuses words, lists and nodes where presets have numbers or truth values, and the like.

    Raises:
        SettingError: There is one.
    """
    mine, usual = flat(values), flat(known)
    for key, value in mine.items():
        if isinstance(value, float) and math.isnan(value):
            raise setting_error(f"{key}=nan", "no number", "one", "Correct the value.")
    require_nodes(values, known)
    for key, expected in usual.items():
        kind = next((kind for kind in KINDS if isinstance(expected, kind)), None)
        computed = isinstance(expected, str) and (expected == "auto" or "${" in expected)
        if kind is None or computed or key in OF_TWO_KINDS:
            continue
        value = select(values, key)
        if value is None or (isinstance(value, str) and "${" in value):
            continue
        fits = isinstance(value, TAKES[kind]) and (kind is bool) == isinstance(value, bool)
        if not fits and (key in mine or isinstance(value, Mapping)):
            raise setting_error(
                f"{key}={value}", f"{value!r}", f"{KINDS[kind]}, such as {expected}",
                "Correct the value.",
            )  # fmt: skip
        if isinstance(value, float) and not math.isfinite(value):
            raise setting_error(f"{key}={value}", str(value), "a finite number", "Correct it.")


def require_nodes(values: Mapping[str, Any], known: Mapping[str, Any]) -> None:
    """Refuses single values where presets refer to a whole node (``${optimizer.generator}``).

    Raises:
        SettingError: There is one.
    """
    for key, usual in flat(known).items():
        found = NODE.fullmatch(usual) if isinstance(usual, str) else None
        if not found or not has(values, key) or not isinstance(select(known, found[1]), Mapping):
            continue
        value, node = select(values, key), found[1]
        if not isinstance(value, Mapping) and "${" not in str(value):
            raise setting_error(
                f"{key}={value}", repr(value), f"the options of {node}",
                f"Leave {key} out, and set {node}=PRESET or {node}.OPTION=.",
            )  # fmt: skip
