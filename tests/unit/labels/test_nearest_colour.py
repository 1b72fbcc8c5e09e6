"""Pixels go to the palette colour they stand for, and JPEG makes up no class."""

import io
import os
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from i2i.errors import SettingError
from i2i.labels.nearest_colour import farther_than
from i2i.labels.palette import UNLABELLED
from unit.labels.test_palette import CAMVID, PALETTE

JPEGS = [
    (writer, quality, sampling)
    for writer in ("cv2", "PIL") for quality in (75, 90, 95) for sampling in ("4:4:4", "4:2:0")
]  # fmt: skip


def through_jpeg(image: np.ndarray, writer: str, quality: int, sampling: str) -> np.ndarray:
    if writer == "PIL":
        buffer = io.BytesIO()
        subsampling = {"4:4:4": 0, "4:2:0": 2}[sampling]
        Image.fromarray(image).save(buffer, "JPEG", quality=quality, subsampling=subsampling)
        data = np.frombuffer(buffer.getvalue(), np.uint8)
    else:
        factor = getattr(cv2, f"IMWRITE_JPEG_SAMPLING_FACTOR_{sampling.replace(':', '')}")
        options = [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, factor]
        data = cv2.imencode(".jpg", image[:, :, ::-1], options)[1]
    return cv2.imdecode(data, cv2.IMREAD_COLOR)[:, :, ::-1]


def drawn_labels(seed: int, n_used: int = 6, size: int = 128) -> np.ndarray:
    """Regions with slanted edges, discs, and lines of 1 to 3 pixels, of some of the classes."""
    rng = np.random.default_rng(seed)
    used = rng.permutation([*range(11), UNLABELLED])[:n_used].tolist()
    ids = np.full((size, size), used[0], np.uint8)
    for c in used[1:4]:
        corners = rng.integers(-20, size + 20, (1, 4, 2)).astype(np.int32)
        cv2.fillPoly(ids, [cv2.convexHull(corners[0])], c)
        cv2.circle(ids, tuple(rng.integers(0, size, 2).tolist()), int(rng.integers(9, 25)), c, -1)
    for c in used[4:] * 3:
        start, end = (tuple(rng.integers(0, size, 2).tolist()) for _ in range(2))
        cv2.line(ids, start, end, c, int(rng.integers(1, 4)))
    return ids


def brute_force(image: np.ndarray, table: np.ndarray) -> np.ndarray:
    gaps = image[:, :, None].astype(np.int64) - table.astype(np.int64)
    return (gaps**2).sum(3).argmin(2)


def test_any_colour_goes_to_the_nearest() -> None:
    image = np.random.default_rng(1).integers(0, 256, (300, 7, 3), dtype=np.uint8)  # two bands
    nearest = brute_force(image, PALETTE.table)
    expected = np.where(nearest == 11, UNLABELLED, nearest)
    assert np.array_equal(PALETTE.decode(image), expected)
    assert np.array_equal(PALETTE.decode(image.astype(np.float64)), expected)
    batch = torch.from_numpy(image.astype(np.float32) / 127.5 - 1).permute(2, 0, 1)[None]
    made = PALETTE.ids_of_colours(batch, with_unlabelled=False)[0].numpy()
    # float32 on [-1, 1] can order two colours that are equally far the other way
    distance = ((image.astype(int) - PALETTE.table[made].astype(int)) ** 2).sum(2)
    best = ((image[:, :, None].astype(int) - PALETTE.table[:11].astype(int)) ** 2).sum(3).min(2)
    assert np.array_equal(distance, best) and made.max() <= 10
    assert (PALETTE.ids_of_colours(batch, with_unlabelled=True) == UNLABELLED).any()


def test_distance_to_the_palette_is_the_largest_channel_difference() -> None:
    image = np.random.default_rng(2).integers(0, 256, (300, 5, 3), dtype=np.uint8)
    image[0, 0], image[0, 1] = CAMVID["car"], np.add(CAMVID["car"], (20, -0, 20))
    gaps = np.abs(image[:, :, None].astype(int) - PALETTE.table.astype(int)).max(3).min(2)
    for tolerance in (0, 19, 20, 60):
        for given in (image, image.astype(np.float32)):
            assert np.array_equal(farther_than(given, PALETTE.table, tolerance), gaps > tolerance)


def test_a_photograph_is_no_jpeg_label_but_a_label_is() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    label = through_jpeg(PALETTE.encode_colours(drawn_labels(0)), "PIL", 75, "4:2:0")
    PALETTE.check([("label", label, True)])
    with pytest.raises(SettingError, match=r"\(label\)"):
        PALETTE.check([("label", label, False)])
    with pytest.raises(SettingError, match=r"\(noise\)"):
        PALETTE.check([("noise", noise, True)])


@pytest.mark.parametrize(("writer", "quality", "sampling"), JPEGS)
def test_jpeg_makes_up_no_class(writer: str, quality: int, sampling: str) -> None:
    agreement, invented_by_nearest = [], 0
    for seed in range(12):
        ids = drawn_labels(seed)
        image = through_jpeg(PALETTE.encode_colours(ids), writer, quality, sampling)
        decoded = PALETTE.decode(image, lossy=True)
        assert set(np.unique(decoded)) <= set(np.unique(ids))
        agreement.append((decoded == ids).mean())
        invented_by_nearest += bool(set(np.unique(PALETTE.decode(image))) - set(np.unique(ids)))
    least = {"4:2:0": (0.94, 0.86), "4:4:4": (0.96, 0.9)}[sampling]  # thin lines may be lost
    if quality >= 90 and sampling == "4:4:4":
        least = (0.995, 0.98)
    assert np.mean(agreement) > least[0] and min(agreement) > least[1]
    if (quality, sampling) == (75, "4:2:0"):
        assert invented_by_nearest >= 10  # what the care is for


def test_a_broad_class_survives_jpeg_with_its_edge_in_place() -> None:
    ids = np.zeros((64, 64), np.uint8)
    ids[20:45, 20:45] = 10
    image = through_jpeg(PALETTE.encode_colours(ids), "PIL", 90, "4:4:4")
    assert np.array_equal(PALETTE.decode(image, lossy=True), ids)


def test_a_jpeg_of_a_few_pixels_is_one_class() -> None:
    image = np.array([[CAMVID["car"], CAMVID["car"], CAMVID["sky"]]], np.uint8)
    assert PALETTE.decode(image, lossy=True).tolist() == [[8, 8, 8]]


@pytest.mark.real_data
@pytest.mark.parametrize(("quality", "sampling"), [case[1:] for case in JPEGS[:6]])
def test_jpeg_makes_up_no_class_of_camvid(quality: int, sampling: str) -> None:
    files = sorted(Path(os.environ["I2I_CAMVID"]).glob("*/label/*.png"))[::7]
    agreement = []
    for file in files:
        stored = np.array(Image.open(file))
        ids = np.where(stored == 11, UNLABELLED, stored).astype(np.uint8)
        image = through_jpeg(PALETTE.encode_colours(ids), "PIL", quality, sampling)
        PALETTE.check([(file.name, image, True)])
        decoded = PALETTE.decode(image, lossy=True)
        assert set(np.unique(decoded)) <= set(np.unique(ids)), file
        agreement.append((decoded == ids).mean())
    assert len(files) == 101
    assert np.mean(agreement) > 0.975 and min(agreement) > 0.94
