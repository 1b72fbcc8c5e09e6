"""The translations of a trained model, and their description as plain values."""

import copy
import math
from typing import Any

import pytest
import torch
from torch import nn

from i2i.data.tasks.task import Task
from i2i.errors import SettingError
from i2i.generators.unet import UNetGenerator
from i2i.inference.description import (
    Described,
    described,
    understand_attributes,
    understand_routes,
)
from i2i.inference.translations import Translations, known_route
from i2i.inference.translator import Translator
from i2i.labels.attributes import Attributes


class System(nn.Module):
    """Two generators; the second goes back."""

    attributes: Attributes | None = None

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        there, back = (UNetGenerator(3, 3, 4, n_downs=2) for _ in range(2))
        self.generator = nn.ModuleDict({"there": there, "back": back})

    def translators(self) -> dict[str, Translator]:
        there, back = self.generator["there"], self.generator["back"]
        return {
            "AtoB": Translator(there, Task(), "input", "paper", 3, label=(1.0, 0.0)),
            "BtoA": Translator(back, Task(), "target", "eval", 3, 4, node="generator_back"),
        }


def translations(attributes: Attributes | None = None) -> Translations:
    return Translations("StarGAN", System().translators(), {"direction": "AtoB"}, attributes)


def test_a_description_is_plain_and_comes_back_as_it_was() -> None:
    system = System()
    plain = described(system)
    assert plain["routes"]["BtoA"]["weights"] == "generator.back"
    found = understand_routes(copy.deepcopy(plain), "checkpoint=x", "Use another.")
    for route, way in system.translators().items():
        its = found[route].translator(way.network, Task())
        assert (its.network, its.side, its.inference, its.seed) == (
            way.network, way.side, way.inference, way.seed,
        )  # fmt: skip
        assert (its.latent, its.label, its.node) == (way.latent, way.label, way.node)


def test_a_file_without_a_description_has_no_routes() -> None:
    for nothing in (None, {"routes": {}}):
        assert understand_routes(nothing, "checkpoint=x", "Use another.") == {}


@pytest.mark.parametrize(
    "found", [3, {}, {"routes": None}, {"routes": [{}]}, {"routes": {"AtoB": 3}}], ids=str
)
def test_a_description_of_another_form_is_refused(found: Any) -> None:
    """As a later version may write it: the whole system would be of that version, too."""
    words = (
        r"checkpoint=x: found a description of its translations that cannot be read \(.*\); "
        r"expected .*\. Use another\. Of a later version, use that version\.$"
    )
    with pytest.raises(SettingError, match=words):
        understand_routes(found, "checkpoint=x", "Use another.")


def test_keys_of_a_description_are_named() -> None:
    good = {"weights": "g", "node": "generator", "side": "input", "inference": "eval", "seed": 0}
    for node, key in ((good | {"other": 1}, "other"), ({"weights": "g"}, "inference")):
        with pytest.raises(SettingError, match=f"read \\('{key}' unknown or missing\\)"):
            understand_routes({"routes": {"AtoB": node}}, "checkpoint=x", "Use another.")


@pytest.mark.parametrize(
    "wrong",
    [
        {"weights": 1}, {"side": "left"}, {"inference": "train"}, {"seed": 1.5}, {"seed": True},
        {"latent": -1}, {"latent": 10**9}, {"label": ["a"]}, {"label": 3}, {"label": [10**400]},
        {"other": 1}, {"node": None}, {"label": "123"}, {"label": ["1"]}, {"label": [math.nan]},
    ],
    ids=str,
)  # fmt: skip
def test_a_damaged_description_is_refused(wrong: dict[str, Any]) -> None:
    node = {"weights": "g", "node": "generator", "side": "input", "inference": "eval", "seed": 0}
    assert understand_routes({"routes": {"AtoB": node}}, "s", "t") == {
        "AtoB": Described("g", "generator", "input", "eval", 0)
    }
    with pytest.raises(
        SettingError, match=r"checkpoint=x: found a description .* Use another\. Of a"
    ):
        understand_routes({"routes": {"AtoB": node | wrong}}, "checkpoint=x", "Use another.")


@pytest.mark.parametrize("name", ["../../x", "a\nb", "\x1b[31mRED", ""])
def test_names_of_routes_are_names_of_files(name: str) -> None:
    node = {"weights": "g", "node": "generator", "side": "input", "inference": "eval", "seed": 0}
    with pytest.raises(SettingError, match="names of routes that are none"):
        understand_routes({"routes": {name: node}}, "checkpoint=x", "Use another.")


def test_attributes_come_back_or_not_at_all() -> None:
    plain = {"names": ("a", "b"), "exclusive": (("a", "b"),)}
    found = understand_attributes({"attributes": plain})
    assert found.names == ("a", "b") and found.exclusive == (("a", "b"),)
    for nothing in (None, {}, {"attributes": None}, {"attributes": {"names": "ab"}},
                    {"attributes": {"names": [1, 2]}}):  # fmt: skip
        assert understand_attributes(nothing) is None


def test_a_route_is_asked_for_by_its_name() -> None:
    found = translations()
    assert found.asked() is found.routes["AtoB"] and found.asked("BtoA") is found.routes["BtoA"]
    with pytest.raises(
        SettingError, match=r"route=AtoC: found no such route of StarGAN; expected A"
    ):
        found.asked("AtoC")


def test_evaluate_asks_by_the_same_rule() -> None:
    assert known_route(8, ("7", "8"), "System") == "8"  # a command line makes it a number
    assert known_route("BtoA", ("AtoB", "BtoA"), "System") == "BtoA"
    message = r"route=AtoC: found no such route of System; expected AtoB or BtoA"
    with pytest.raises(SettingError, match=message):
        known_route("AtoC", ("AtoB", "BtoA"), "System")


def test_a_domain_that_is_called_zero_is_no_missing_one() -> None:
    ways = System().translators()
    found = Translations("StarGAN", {"3": ways["AtoB"], "0": ways["BtoA"]}, {})
    assert found.asked(0) is ways["BtoA"] and found.asked(3) is found.asked() is ways["AtoB"]


def test_attributes_are_asked_for_by_name_and_alone() -> None:
    found = translations(Attributes(["a", "b"]))
    assert found.asked(attributes={"b": 1}).label == (0, 1)
    for route, asked in (("AtoB", {"b": 1}), (None, {}), (None, "b"), (None, 3)):
        with pytest.raises(SettingError, match=r"attributes=.*Write attributes="):
            found.asked(route, asked)
    with pytest.raises(SettingError, match="StarGAN that was trained without attributes"):
        translations().asked(attributes={"b": 1})


def test_mode_and_seed_can_be_others() -> None:
    found = translations().changed("eval", 9)
    assert {(t.inference, t.seed) for t in found.routes.values()} == {("eval", 9)}
    same = translations().changed()
    assert [(t.inference, t.seed) for t in same.routes.values()] == [("paper", 3), ("eval", 3)]
    with pytest.raises(
        SettingError, match=r"model\.inference=train: .*expected one of paper, eval"
    ):
        found.changed("train")
