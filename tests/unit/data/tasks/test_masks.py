"""Masks depend on their arguments alone, cover a sensible share, and files are read or refused."""

import hashlib
from pathlib import Path

import cv2
import numpy as np
import pytest

from i2i.data.tasks.masks import MASK_KINDS, draw_mask, read_mask
from i2i.errors import SettingError
from i2i.images.image_io import write_png

SIZES = [(8, 8), (9, 31), (64, 64), (200, 64)]
SHARES = {"centre": (0.19, 0.25), "boxes": (1 / 64, 9 / 16), "strokes": (0.001, 0.6)}


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("kind", MASK_KINDS)
def test_share_is_within_its_bounds(kind: str, size: tuple[int, int]) -> None:
    least, most = SHARES[kind]
    for seed in range(200):
        mask = draw_mask(kind, *size, seed)
        assert mask.shape == size and mask.dtype == bool
        assert 0 < mask.sum() < mask.size
        assert least <= mask.mean() <= most, seed


def test_centre_by_hand() -> None:
    mask = draw_mask("centre", 8, 12, 0)
    rows, columns = np.nonzero(mask)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (2, 5, 3, 8)
    assert mask.sum() == 4 * 6
    assert np.array_equal(mask, draw_mask("centre", 8, 12, 99))


@pytest.mark.parametrize("kind", ["boxes", "strokes"])
def test_seed_alone_decides(kind: str) -> None:
    first = draw_mask(kind, 48, 40, 7)
    np.random.seed(3)
    cv2.setRNGSeed(5)
    draw_mask(kind, 10, 10, 1)
    assert np.array_equal(first, draw_mask(kind, 48, 40, 7))
    others = {draw_mask(kind, 48, 40, seed).tobytes() for seed in range(50)}
    assert len(others) > 45


@pytest.mark.parametrize(
    ("kind", "digest"),
    [("boxes", "af3bf855353d1120"), ("strokes", "a8a3f490b5bf84a2")],
)
def test_masks_are_the_same_on_every_machine(kind: str, digest: str) -> None:
    """Scores of old runs stay comparable only as long as these do not change."""
    masks = b"".join(np.packbits(draw_mask(kind, 64, 96, seed)).tobytes() for seed in range(20))
    assert hashlib.sha256(masks).hexdigest()[:16] == digest


def test_hole_does_not_follow_the_crop() -> None:
    """The jitter draws from default_rng(seed) too; the number of boxes must not be its first."""
    first = [np.random.default_rng(seed).random() for seed in range(300)]
    share = [draw_mask("boxes", 32, 32, seed).mean() for seed in range(300)]
    assert abs(np.corrcoef(first, share)[0, 1]) < 0.2


def test_boxes_are_rectangles_and_strokes_are_not() -> None:
    def fills_its_bounds(mask: np.ndarray) -> bool:
        rows, columns = np.nonzero(mask)
        return mask[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1].all()

    n_boxes = [fills_its_bounds(draw_mask("boxes", 64, 64, seed)) for seed in range(100)]
    n_strokes = [fills_its_bounds(draw_mask("strokes", 64, 64, seed)) for seed in range(100)]
    assert 10 < sum(n_boxes) < 60  # one of 1, 2, 3 and 4 boxes
    assert sum(n_strokes) == 0


def test_strokes_scale_with_the_picture() -> None:
    small = np.mean([draw_mask("strokes", 32, 32, seed).mean() for seed in range(60)])
    large = np.mean([draw_mask("strokes", 160, 160, seed).mean() for seed in range(60)])
    assert 0.5 < small / large < 2


def test_small_pictures_are_refused() -> None:
    with pytest.raises(SettingError, match="7 x 64 pixels; expected sides of 8 pixels or more"):
        draw_mask("centre", 7, 64, 0)


@pytest.fixture
def drawn(tmp_path: Path) -> tuple[Path, np.ndarray]:
    grey = np.zeros((10, 14), np.uint8)
    grey[2:5, 3:9], grey[7, 7], grey[8, 8] = 255, 128, 127
    write_png(tmp_path / "mask.png", grey)
    return tmp_path / "mask.png", grey


def test_mask_file_is_read(drawn: tuple[Path, np.ndarray]) -> None:
    path, grey = drawn
    mask = read_mask(path, (10, 14))
    assert mask.dtype == bool and mask[7, 7] and not mask[8, 8]
    assert np.array_equal(mask, grey > 127)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_colour_and_16_bit_masks_are_read(tmp_path: Path, dtype: type) -> None:
    colour = np.zeros((6, 6, 3), dtype)
    colour[1:3] = np.iinfo(dtype).max
    cv2.imwrite(str(tmp_path / "m.png"), colour)
    assert np.array_equal(read_mask(tmp_path / "m.png", (6, 6)).sum(1), [0, 6, 6, 0, 0, 0])


def test_mask_of_another_size_names_both(drawn: tuple[Path, np.ndarray]) -> None:
    with pytest.raises(SettingError, match=r"mask\.png.*10 x 14.*14 x 10.*in the picture's size"):
        read_mask(drawn[0], (14, 10))


@pytest.mark.parametrize(("level", "words"), [(127, "nothing to fill in"), (128, "every pixel")])
def test_mask_of_nothing_or_everything(tmp_path: Path, level: int, words: str) -> None:
    write_png(tmp_path / "m.png", np.full((5, 5), level, np.uint8))
    with pytest.raises(SettingError, match=rf"m\.png.*{words}.*expected white.*[Pp]aint"):
        read_mask(tmp_path / "m.png", (5, 5))
