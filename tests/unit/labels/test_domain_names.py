"""Names of domains: two different ones, none of which leads out of a folder."""

import pytest

from i2i.errors import SettingError
from i2i.labels.domain_names import require_domains


def test_names_stay_as_they_are() -> None:
    assert require_domains(["0", "T-shirt", "Ankle boot", "ä", 7]) == (
        "0", "T-shirt", "Ankle boot", "ä", "7",
    )  # fmt: skip


@pytest.mark.parametrize("names", [[], ["a"], ["a", "a"], ["a", "b", "a"]])
def test_no_two_different_ones_are_refused(names: list[str]) -> None:
    count = f"found {len(set(names))} domain(s) in {len(names)} names; expected two different ones"
    with pytest.raises(SettingError) as error:
        require_domains(names)
    assert count in str(error.value)


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "/tmp/x",
        "../x",
        "a/b",
        "a\\b",
        "C:x",
        "a\n",
        "\x1b[2J",
        " a",
        "a.",
        "x" * 101,
    ],
)
def test_a_name_that_could_lead_elsewhere_is_refused(name: str) -> None:
    with pytest.raises(SettingError, match=r"found the name '.*'; expected up to 100") as error:
        require_domains(["a", name])
    assert str(error.value).isprintable()
