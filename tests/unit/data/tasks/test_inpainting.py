"""Inpainting shows a photograph with a hole, and leaves the rest of it alone."""

import numpy as np
import pytest
import torch

from i2i.data.tasks.inpainting import Inpainting
from i2i.data.tasks.masks import MASK_KINDS, draw_mask
from i2i.errors import SettingError


def inpainting(**changes) -> Inpainting:
    return Inpainting(**({"input_channels": 4, "target_channels": 3} | changes))


def photo(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (16, 24, 3), dtype=np.uint8)


def random_answers() -> torch.Tensor:
    return torch.rand(1, 3, 16, 24, generator=torch.Generator().manual_seed(1)) * 3 - 1.5


@pytest.mark.parametrize("kind", MASK_KINDS)
def test_x_has_the_hole_and_the_mask(kind: str) -> None:
    image = photo()
    x, y = inpainting(mask=kind).encode(image, 5)
    hole = draw_mask(kind, 16, 24, 5)
    assert x.shape == (4, 16, 24) and x.dtype == y.dtype == torch.float32
    assert np.array_equal(x[3].numpy(), np.where(hole, 1, -1))
    assert (x[:3].numpy()[:, hole] == 0).all()
    whole = (image.transpose(2, 0, 1).astype(np.float32)) / np.float32(127.5) - 1
    assert np.allclose(y.numpy(), whole, atol=1e-6)
    assert np.array_equal(x[:3].numpy()[:, ~hole], y.numpy()[:, ~hole])
    assert np.abs(y.numpy()[:, hole]).max() > 0  # the answer is not holed


@pytest.mark.parametrize("kind", MASK_KINDS)
def test_pixels_outside_the_hole_come_out_bit_for_bit(kind: str) -> None:
    task, answer = inpainting(mask=kind), random_answers()
    x, _ = task.encode(photo(), 5)
    picture = task.output_picture(x[None], answer)
    hole = torch.from_numpy(draw_mask(kind, 16, 24, 5))
    assert torch.equal(picture[0][:, ~hole], x[:3][:, ~hole])
    assert torch.equal(picture[0][:, hole], answer[0][:, hole])
    free = inpainting(mask=kind, keep=False)
    assert torch.equal(free.output_picture(x[None], answer), answer)


def test_bfloat16_answers_round_nothing_outside_the_hole() -> None:
    task = inpainting()
    x, _ = task.encode(photo(), 0)
    picture = task.output_picture(x[None], random_answers().bfloat16())
    outside = x[3] < 0
    assert torch.equal(picture[0][:, outside], x[:3][:, outside])


def test_true_answer_is_the_photograph_and_the_input_is_shown_with_a_white_hole() -> None:
    task = inpainting()
    x, y = task.encode(photo(), 0)
    assert torch.equal(task.output_picture(x[None], y[None])[0], y)
    shown = task.input_picture(x[None])[0]
    assert shown.shape == (3, 16, 24)
    assert (shown[:, 4:12, 6:18] == 1).all()
    assert torch.equal(shown[:, :4], y[:, :4])


@pytest.mark.parametrize("kind", ["boxes", "strokes"])
def test_seed_decides_the_hole(kind: str) -> None:
    task = inpainting(mask=kind)
    holes = [task.encode(photo(), seed).x[3] for seed in (1, 1, 2)]
    assert torch.equal(holes[0], holes[1]) and not torch.equal(holes[0], holes[2])
    assert torch.equal(task.encode_input(photo(), 1), task.encode(photo(), 1).x)


def test_users_mask_is_taken() -> None:
    mask = np.zeros((24, 16), bool).T  # not contiguous
    mask[3, 5:8] = True
    x = inpainting().encode_input(photo(), 0, mask)
    assert np.array_equal(x[3].numpy() > 0, mask)
    assert (x[:3, 3, 5:8] == 0).all() and (x[:3] == 0).float().mean() < 0.05


def test_grey_picture_is_taken() -> None:
    x = inpainting().encode_input(photo()[:, :, :1], 0)
    assert x.shape == (4, 16, 24) and torch.equal(x[0], x[2])


def test_mask_of_another_shape_is_refused() -> None:
    with pytest.raises(ValueError, match=r"\(24, 16\).*\(16, 24\)"):
        inpainting().encode_input(photo(), 0, np.ones((24, 16), bool))


def test_floats_give_what_8_bits_give() -> None:
    task = inpainting()
    for a, b in zip(
        task.encode(photo(), 0), task.encode(photo().astype(np.float32), 0), strict=True
    ):
        assert torch.equal(a, b)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"mask": "circle"}, r"task\.mask: found 'circle'.*one of centre, boxes, strokes"),
        ({"input_channels": 3}, r"task\.input_channels=3.*expected 4,"),
    ],
)
def test_refused_settings(changes: dict, words: str) -> None:
    with pytest.raises(SettingError, match=words):
        inpainting(**changes)
