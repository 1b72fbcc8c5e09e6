"""Transforms of albumentations after the jitter, alike for both sides."""

import albumentations
import numpy as np
import pytest

from i2i.data.further_transforms import FurtherTransforms
from i2i.data.reading.image_cache import ImageCache, can_share
from i2i.errors import SettingError
from unit.data.test_paired_transforms import PairedTransform

RNG = np.random.default_rng(0)
PHOTO = RNG.integers(0, 256, (40, 40, 3)).astype(np.uint8)
CLASSES = np.array([[10, 20, 30], [200, 0, 0], [0, 0, 250]], np.uint8)
LABEL = CLASSES[np.repeat(np.repeat(RNG.integers(0, 3, (5, 5)), 8, 0), 8, 1)]


def transform(*further: object, size: int = 32) -> PairedTransform:
    return PairedTransform(image_size=size, enlarge=1.25, further=further)


def test_both_photographs_are_moved_and_coloured_alike_and_by_the_seed_alone() -> None:
    jitter = transform(albumentations.Rotate(limit=(20, 40), p=1), albumentations.ColorJitter(p=1))
    one, two = jitter(PHOTO, PHOTO, seed=3)
    assert one.shape == (32, 32, 3) and one.dtype == np.uint8
    assert np.array_equal(one, two)
    jitter(PHOTO, PHOTO, seed=4)
    again, _ = jitter(PHOTO, PHOTO, seed=3)
    assert np.array_equal(one, again)
    assert not np.array_equal(one, jitter(PHOTO, PHOTO, seed=4)[0])
    assert np.array_equal(one, jitter(PHOTO, seed=3)[0])
    plain = PairedTransform(image_size=32, enlarge=1.25)
    assert not np.array_equal(one, plain(PHOTO, PHOTO, seed=3)[0])
    assert np.array_equal(jitter(PHOTO, PHOTO)[0], plain(PHOTO, PHOTO)[0])  # evaluation


def test_a_label_map_moves_with_the_photograph_and_gets_no_new_class() -> None:
    """A photograph that shows the label's colours moves where the label moves."""
    jitter = transform(albumentations.Rotate(limit=(20, 40), interpolation=2, p=1))
    for seed in range(5):
        photo, label = jitter(LABEL, LABEL, label="target", seed=seed)
        known = {tuple(c) for c in CLASSES} | {(0, 0, 0)}  # the border that comes in is black
        assert {tuple(c) for c in label.reshape(-1, 3)} <= known
        close = np.abs(photo.astype(int) - label.astype(int)).max(-1) < 40
        assert close.mean() > 0.6  # all but the edges, which the photograph blends


def test_a_label_map_keeps_its_colours_where_the_photograph_is_recoloured() -> None:
    jitter = transform(albumentations.ToGray(p=1))
    label, photo = jitter(LABEL, PHOTO, label="input", seed=1)
    plain, _ = PairedTransform(image_size=32, enlarge=1.25)(LABEL, PHOTO, label="input", seed=1)
    assert np.array_equal(label, plain)
    assert np.ptp(photo, axis=-1).max() == 0


def test_one_channel_stays_one_channel() -> None:
    jitter = transform(albumentations.Rotate(limit=30, p=1))
    assert [s.shape for s in jitter(PHOTO[..., :1], PHOTO, seed=0)] == [(32, 32, 1), (32, 32, 3)]


def test_what_is_no_transform_and_what_changes_the_size_is_refused() -> None:
    with pytest.raises(SettingError, match=r"augmentation\.further: found 3; expected"):
        transform(3)
    jitter = transform(albumentations.Resize(20, 24))
    with pytest.raises(SettingError, match="found transforms that make 20 x 24 pixels"):
        jitter(PHOTO, PHOTO, seed=0)


def test_what_comes_in_beside_class_ids_is_unlabelled() -> None:
    jitter = transform(albumentations.Rotate(limit=(30, 40), p=1))
    ids = np.full((40, 40, 1), 3, np.uint8)
    _, turned = jitter(PHOTO, ids, label="target", seed=0)
    assert set(np.unique(turned)) == {3, 255}  # not class 0


def test_images_of_sixteen_bits_keep_their_range() -> None:
    """They are floats on the 0..255 scale; albumentations takes floats in [0, 1]."""
    jitter = transform(albumentations.RandomBrightnessContrast(p=1), albumentations.Rotate(p=1))
    deep = PHOTO.astype(np.float32)
    for seed in range(5):
        eight, _ = jitter(PHOTO, PHOTO, seed=seed)
        sixteen, _ = jitter(deep, deep, seed=seed)
        assert sixteen.dtype == np.float32 and sixteen.min() >= 0 and sixteen.max() <= 255
        assert np.abs(sixteen - eight).mean() < 2


NEED_MORE = {  # than a picture: reference pictures, a font
    "FDA", "HistogramMatching", "PixelDistributionAdaptation", "TextImage"
}  # fmt: skip
OTHER_TYPES = ("Normalize", "ToFloat", "FromFloat")  # refused, see below
PIXEL_TRANSFORMS = sorted(
    name
    for name, kind in vars(albumentations).items()
    if isinstance(kind, type)
    and issubclass(kind, albumentations.ImageOnlyTransform)
    and kind is not albumentations.ImageOnlyTransform
)
assert len(PIXEL_TRANSFORMS) > 50 and set(PIXEL_TRANSFORMS) > NEED_MORE
MODES = [  # of those whose ways differ in code
    albumentations.Equalize(mode="pil", p=1),
    albumentations.Equalize(mode="pil", by_channels=False, p=1),
    albumentations.Equalize(mode="cv", by_channels=False, p=1),
    albumentations.RGBShift(r_shift_limit=(9, 9), p=1),
    albumentations.Morphological(operation="erosion", p=1),
    *(albumentations.RandomSnow(method=method, p=1) for method in ("bleach", "texture")),
    *(albumentations.Spatter(mode=mode, p=1) for mode in ("rain", "mud")),
    *(albumentations.RandomSunFlare(method=m, p=1) for m in ("overlay", "physics_based")),
]


class InPlace(albumentations.ImageOnlyTransform):
    """Writes into what it is given, as somebody's own transform may."""

    def apply(self, img: np.ndarray, **params: object) -> np.ndarray:
        img[:] = 0
        return img


@pytest.mark.parametrize(
    "further",
    [
        getattr(albumentations, name)(p=1)
        for name in PIXEL_TRANSFORMS
        if name not in {*NEED_MORE, *OTHER_TYPES}
    ]
    + [*MODES, InPlace(p=1)],
    ids=str,
)
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
@pytest.mark.skipif(not can_share(), reason="no memory to share on this system")
def test_no_transform_of_pixels_changes_a_kept_picture_or_fails_on_it(further, dtype) -> None:
    """The cache hands out copies of what all loading processes share.

    Without an enlargement there is no crop, and without a flip no copy before these transforms.
    """
    cache = ImageCache(1, 1_000_000)
    pair = (PHOTO[:32, :32].astype(dtype), LABEL[:32, :32].astype(dtype))
    cache.put(0, pair)
    jitter = PairedTransform(image_size=32, enlarge=1, further=[further])
    for label in (None, "target"):
        for seed in (1, 2):  # flipped or not
            kept = cache.get(0)
            results = jitter.jitter(kept, seed, label=label)
            assert all(r.shape == (32, 32, 3) and r.dtype == dtype for r in results)
            assert all(np.array_equal(a, b) for a, b in zip(cache.get(0), pair, strict=True))


@pytest.mark.parametrize(
    ("name", "dtype", "made"),
    [
        ("Normalize", np.uint8, "float32"),
        ("ToFloat", np.uint8, "float32"),
        ("FromFloat", np.float32, "uint8"),
    ],
)
def test_what_changes_the_type_of_the_levels_is_refused(name, dtype, made) -> None:
    """Its result would be taken for levels of 255: black, or white."""
    jitter = transform(getattr(albumentations, name)(p=1))
    found = f"found transforms that make {made} of {np.dtype(dtype)}; expected"
    with pytest.raises(SettingError, match=found):
        jitter(PHOTO.astype(dtype), PHOTO.astype(dtype), seed=0)


@pytest.mark.parametrize("label", ["input", "target"])
def test_class_ids_beside_a_photograph_of_sixteen_bits_keep_their_types(label) -> None:
    ids, photo = np.full((40, 40, 1), 3, np.uint8), PHOTO.astype(np.float32)
    pair = (ids, photo) if label == "input" else (photo, ids)
    made = transform(albumentations.Rotate(p=1))(*pair, label=label, seed=0)
    assert [image.dtype for image in made] == [image.dtype for image in pair]


def test_colours_are_changed_where_there_are_colours_alone() -> None:
    images = [np.zeros((16, 16, 5), np.float32), np.zeros((16, 16, 2), np.uint8)]
    moved = FurtherTransforms([albumentations.Rotate(p=1)], (16, 16))(images, 0, None)
    assert [image.shape for image in moved] == [(16, 16, 5), (16, 16, 2)]
    jitter = FurtherTransforms([albumentations.ColorJitter(p=1)], (16, 16))
    with pytest.raises(
        SettingError, match=r"augmentation\.further: found images of 5 and 2 channels"
    ):
        jitter(images, 0, None)
