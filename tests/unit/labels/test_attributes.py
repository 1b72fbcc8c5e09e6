"""Labels by the names of what a picture is to show."""

import pytest

from i2i.errors import SettingError
from i2i.labels.attributes import Attributes

HAIR = Attributes(["black", "blond", "male"], [["black", "blond"], ["x", "y"]])


def test_what_is_not_named_is_not_shown() -> None:
    assert HAIR.label({"male": 1}) == (0, 0, 1)
    assert HAIR.label({"blond": 1, "black": 0, "male": True}) == (0, 1, 1)
    assert HAIR.label({}) == (0, 0, 0)
    assert HAIR.one("blond") == (0, 1, 0)


def test_rivals_are_those_of_its_groups() -> None:
    assert HAIR.rivals("black") == [0, 1] and HAIR.rivals("male") == []


@pytest.mark.parametrize("wrong", [{"red": 1}, {"black": 2}, {"black": "x"}, {"male": None}])
def test_other_names_and_values_are_refused(wrong: dict) -> None:
    with pytest.raises(
        SettingError, match=r"attributes: found .*expected 0 or 1 for any of black,"
    ):
        HAIR.label(wrong)


def test_two_that_exclude_each_other_are_refused() -> None:
    with pytest.raises(SettingError, match="attributes: found black and blond; expected one of"):
        HAIR.label({"black": 1, "blond": 1, "male": 1})
    assert Attributes(["black", "blond"]).label({"black": 1, "blond": 1}) == (1, 1)
