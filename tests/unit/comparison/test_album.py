"""Pictures of a page: each once, exact where they have few colours, and never more than fits."""

import base64
from pathlib import Path

import cv2
import numpy as np
import pytest

from i2i.comparison.album import Album
from i2i.images.image_io import write_png


def decoded(text: str) -> np.ndarray:
    bgr = cv2.imdecode(np.frombuffer(base64.b64decode(text), np.uint8), cv2.IMREAD_COLOR)
    return bgr[:, :, ::-1]


def noise(size: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (size, size, 3)).astype(np.uint8)


@pytest.mark.numeric
def test_label_maps_are_exact_and_photographs_near(tmp_path: Path) -> None:
    labels = noise(8)[:, :, :].repeat(8, 0).repeat(8, 1)
    photo = cv2.resize(noise(8, 1), (64, 64), interpolation=cv2.INTER_CUBIC)
    photo = np.clip(photo.astype(int) + noise(64, 2) // 16, 0, 255).astype(np.uint8)
    album = Album()
    for name, picture in (("labels", labels), ("photo", photo), ("again", labels)):
        write_png(tmp_path / f"{name}.png", picture)
    names = ("labels", "photo", "again")
    assert [album.add(tmp_path / f"{name}.png") for name in names] == [0, 1, 0]
    one, two = map(decoded, album.encoded())
    assert (one == labels).all()
    assert 0 < np.abs(two.astype(int) - photo).mean() < 8


def test_many_pictures_are_made_smaller_until_they_fit(tmp_path: Path) -> None:
    album = Album(budget=60_000)
    for seed in range(12):
        write_png(tmp_path / f"{seed}.png", noise(96, seed))
        album.add(tmp_path / f"{seed}.png")
    texts = album.encoded()
    assert sum(len(base64.b64decode(text)) for text in texts) <= 60_000
    assert album.quality < 95 and decoded(texts[0]).shape[0] == min(96, album.side)
    assert sum(len(base64.b64decode(text)) for text in texts) > 15_000  # and no smaller than that


def test_damaged_and_missing_pictures_are_told(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n rubbish")
    write_png(tmp_path / "b.png", noise(16))
    album = Album()
    numbers = [album.add(tmp_path / f"{name}.png") for name in "abc"]
    assert numbers == [0, 1, None] and album.add(None) is None
    first, second = album.encoded()
    assert first is None and decoded(second).shape == (16, 16, 3)
    assert len(album.damaged) == 2
    assert "c.png cannot be read (no such file" in album.damaged[0]
    assert "a.png" in album.damaged[1]
