"""Pictures of another type than those of training: what fits is told, what cannot is refused."""

import re
from pathlib import Path

import numpy as np
import pytest

from i2i.errors import SettingError
from i2i.images.other_types import misfit, told
from i2i.images.reading import Reading
from i2i.images.values import BY_TYPE

RNG = np.random.default_rng(0)
EIGHT = RNG.integers(0, 256, (20, 30, 1)).astype(np.uint8)
TWELVE = RNG.integers(0, 4096, (20, 30, 1)).astype(np.uint16)
UNIT = RNG.random((20, 30, 1)).astype(np.float32)

FITS = {
    "8 bits by their type": (EIGHT, BY_TYPE),
    "12 bits by 16": (TWELVE, BY_TYPE),
    "8 bits in a range that they reach": (EIGHT, (10.0, 300.0)),
    "the same numbers in other whole ones": (TWELVE.astype(np.int32), (0.0, 4095.0)),
    "the same numbers as floats": (TWELVE.astype(np.float64), (0.0, 4095.0)),
    "a few outside": (TWELVE.astype(np.int16), (40.0, 4000.0)),
    "a blank": (np.zeros((4, 4, 1), np.float32), (0.0, 4095.0)),
}
MISFITS = {
    "8 bits for 12": (EIGHT, (0.0, 4095.0), r"uint8, which reaches 6\.2 % of 0 to 4095"),
    "8 bits for Hounsfield": (EIGHT, (-1000.0, 2000.0), r"uint8, which reaches 8\.5 % of -1000 to"),
    "8 bits below": (EIGHT, (1000.0, 2000.0), "uint8, which reaches 0 % of 1000 to 2000"),
    "12 bits for 8": (TWELVE, (0.0, 255.0), r"uint16 with 9\d(\.\d)? % of the values outside of 0"),
    "8 bits for floats": (EIGHT, (0.0, 1.0), r"uint8 with 9\d(\.\d)? % of the values outside of 0"),
    "floats for 12 bits": (UNIT, (0.0, 4095.0), r"float32 from 0\.0\d+ to 0\.9\d+, 0\.024 % of 0"),
    "8 bits as int64": (EIGHT.astype(np.int64), BY_TYPE, r"int64 from 0 to 255, 1\.4e-15 % of -9"),
    "8 bits as 16": (EIGHT.astype(np.uint16), BY_TYPE, r"uint16 from 0 to 255, 0\.39 % of 0 to 65"),
}


@pytest.mark.parametrize(("stored", "ends"), FITS.values(), ids=FITS)
def test_what_may_be_meant_is_read(stored: np.ndarray, ends: object) -> None:
    assert misfit(stored, "uint16", ends, "input file 'a'") is None


@pytest.mark.parametrize(("stored", "ends", "found"), MISFITS.values(), ids=MISFITS)
def test_what_cannot_be_meant_is_refused(stored: np.ndarray, ends: object, found: str) -> None:
    error = misfit(stored, "uint16", ends, "input file 'a'")
    assert re.match(f"input file 'a': found {found}", str(error)), error
    assert "; expected uint16, as in training" in str(error)


def test_the_line_says_by_which_values_they_are_read() -> None:
    line = told("uint16", "uint8", BY_TYPE, "input file 'a'", "input")
    assert line == (
        "input file 'a': uint16, where training had uint8; read by 0 to 65535 "
        "(dataset.input_range=type)"
    )
    line = told("int32", "uint16", (0.0, 4095.0), "input file 'a'", "input")
    assert line.endswith("; read by 0 to 4095")


@pytest.mark.parametrize(
    "stored", [np.zeros((4, 4, 5), np.uint8), np.full((4, 4, 3), 9, np.float32)], ids=["5", "float"]
)
@pytest.mark.parametrize("trained", [None, "uint8"])
def test_no_option_of_the_training_set_is_advised_for_a_network_that_is_trained(
    stored: np.ndarray, trained: str | None
) -> None:
    with pytest.raises(SettingError) as told:
        Reading(trained=trained).of(stored, Path("x.npy"))
    advice = str(told.value).partition("; expected ")[2].partition(". ")[2]
    assert ("dataset." in advice) == (trained is None)
    assert advice.startswith("Give ") == (trained is not None)
