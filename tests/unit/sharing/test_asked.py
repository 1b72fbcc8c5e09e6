"""Arguments of ``Model.translate``: NumPy's numbers will do, and nothing else is taken for one."""

import re
from typing import Any

import numpy as np
import pytest
import torch

from i2i.errors import SettingError
from i2i.sharing.model import Model

PHOTO = np.random.default_rng(0).integers(0, 256, (8, 12, 3), dtype=np.uint8)


@pytest.mark.parametrize("kind", [np.int64, np.uint8, np.uint64, torch.tensor])
def test_a_whole_number_of_any_library_is_one(kind: Any, model: Model) -> None:
    for asked in (
        {"seed": 3},
        {"samples": 2},
        {"tile": 8, "overlap": 0},
        {"tile": 8, "overlap": 2},
    ):
        numbers = {name: kind(value) for name, value in asked.items()}
        assert np.array_equal(model.translate(PHOTO, **numbers), model.translate(PHOTO, **asked))


def test_the_seed_is_0_unless_asked_and_the_run_s_where_it_is_none(model: Model) -> None:
    made = {seed: model.translate(PHOTO, seed=seed) for seed in (0, 5, None)}
    assert np.array_equal(model.translate(PHOTO), made[0])
    assert np.array_equal(made[None], made[5]) and not np.array_equal(made[0], made[5])


def test_true_and_false_of_numpy_s_will_do(model: Model) -> None:
    pair = np.concatenate([PHOTO, PHOTO], 1)
    for truth in (True, False):
        made = model.translate(pair, side_by_side=np.bool_(truth))
        assert np.array_equal(made, model.translate(pair, side_by_side=truth))


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"seed": True}, "seed=True: found a value of type bool; expected a whole number from 0 to"),
    ({"seed": np.bool_(True)}, "found a value of type bool; expected a whole number"),
    ({"seed": torch.tensor(True)}, "found a value of type Tensor; expected a whole number"),
    ({"seed": 1.5}, "seed=1.5: found a value of type float; expected a whole number"),
    ({"seed": np.float32(1)}, "found a value of type float32; expected a whole number"),
    ({"seed": "1"}, "seed='1': found a value of type str"),
    ({"seed": -1}, "seed=-1: found -1; expected a whole number from 0 to 2^32 - 1, or None"),
    ({"seed": 2**32}, "seed=4294967296: found 4294967296; expected a whole number from 0 to"),
    ({"samples": 0}, "samples=0: found 0; expected a whole number, 1 or more"),
    ({"samples": True}, "samples=True: found a value of type bool; expected a whole number"),
    ({"samples": 2.0}, "Leave samples out for one picture of each."),
    ({"samples": 2, "mode": "eval"}, "samples=2: found mode=eval, which turns the noise"),
    ({"tile": 3}, "tile=3: found 3; expected pixels, a multiple of 4"),
    ({"tile": 8.0}, "tile=8.0: found a value of type float; expected pixels, or None"),
    ({"tile": True}, "tile=True: found a value of type bool"),
    ({"tile": 8, "overlap": 1.5}, "overlap=1.5: found a value of type float; expected pixels, or"),
    ({"overlap": "some"}, "overlap='some': found a value of type str"),
    ({"overlap": 2}, "overlap=2: found no tile; expected tile, in pixels, beside it"),
    ({"tile": 8, "overlap": "some"}, "overlap='some': found a value of type str"),
    ({"side_by_side": "yes"}, "side_by_side='yes': found a value of type str; expected True"),
    ({"name": 3}, "name=3: found a value of type int; expected a text or None"),
    ({"route": "BtoA"}, "route=BtoA: found no such route of Pix2Pix; expected AtoB"),
    ({"mode": "train"}, "mode=train: found 'train'; expected one of paper, eval"),
    ({"attributes": {"a": 1}}, "trained without attributes"),
    ({"returns": "jpg"}, "returns=jpg: found 'jpg'; expected one of pil, array"),
    ({"returns": np.zeros(2)}, "expected one of pil, array"),
    ({"mask": PHOTO}, "mask: found a model whose task is not inpainting"),
]


@pytest.mark.parametrize(("options", "words"), REFUSED, ids=[words for _, words in REFUSED])
def test_other_values_are_refused(options: dict[str, Any], words: str, model: Model) -> None:
    with pytest.raises(SettingError, match=re.escape(words)) as error:
        model.translate(PHOTO, **options)
    for typed in ("model.inference", "null", "=true", "domain="):  # options of the commands
        assert typed not in str(error.value)


@pytest.mark.parametrize("most", [np.float32(0.5), np.int64(1)])
def test_the_pixel_limit_is_a_number_of_any_library(most: Any, model: Model) -> None:
    assert Model(model._translations, "cpu", most).translate(PHOTO).shape == PHOTO.shape
