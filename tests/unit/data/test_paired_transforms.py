"""Both sides of a pair go through the same resize, crop and flip."""

import pickle
import subprocess
import sys

import numpy as np
import pytest

from i2i.data.paired_transforms import PairedTransform as Apart
from i2i.data.paired_transforms import Role, as_size, resize_image
from i2i.errors import SettingError

COLOURS = np.array([[0, 0, 0], [128, 64, 128], [70, 70, 70], [0, 0, 142]], np.uint8)


class PairedTransform(Apart):
    """Both parts in one call; without a seed, as in evaluation."""

    def __call__(
        self, *images: np.ndarray, label: Role | None = None, seed: int | None = None
    ) -> tuple[np.ndarray, ...]:
        resized = self.resize(images, label=label, jittered=seed is not None)
        return resized if seed is None else self.jitter(resized, seed, label=label)


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def coordinates(height: int, width: int) -> np.ndarray:
    """(H, W, 3): row, column and 0, so that a crop tells where it came from."""
    rows, columns = np.mgrid[:height, :width]
    return np.stack([rows, columns, np.zeros_like(rows)], axis=2).astype(np.uint8)


def test_jitter_agrees_across_the_pair() -> None:
    transform = PairedTransform(image_size=[16, 24])
    image = noise(20, 30, 3)
    results = [transform(image, image.copy(), seed=seed) for seed in range(50)]
    for left, right in results:
        assert left.shape == (16, 24, 3) and np.array_equal(left, right)
    assert len({left.tobytes() for left, _ in results}) > 15


def test_jitter_agrees_between_a_label_and_a_photograph() -> None:
    transform = PairedTransform(image_size=32, enlarge=1.25)
    stripes = np.repeat(np.repeat(noise(1, 8, 1) // 128 * 255, 4, 1), 32, 0)  # edges every 4 pixels
    for seed in range(20):
        label, photo = transform(stripes, stripes.repeat(3, 2), label="input", seed=seed)
        assert ((photo[:, :, :1] > 127) == (label > 127)).mean() > 0.95


def test_crop_reaches_every_place_and_the_flip_does_not_depend_on_it() -> None:
    transform = PairedTransform(image_size=8, enlarge=1.5)
    transform.enlarged_size = (12, 12)
    image = coordinates(12, 12)
    rows, columns, flips = [], [], []
    for seed in range(2000):
        crop, _ = transform(image, image, seed=seed)
        flipped = crop[0, 0, 1] > crop[0, 1, 1]
        rows.append(int(crop[0, 0, 0]))
        columns.append(int(crop[0, :, 1].min()))
        flips.append(flipped)
    for places in (rows, columns):
        counts = np.bincount(places, minlength=5)
        assert len(counts) == 5 and counts.min() > 2000 / 5 * 0.8
    correlation = np.corrcoef([rows, columns, flips])
    assert np.abs(correlation[np.triu_indices(3, 1)]).max() < 0.08
    assert 0.45 < np.mean(flips) < 0.55


@pytest.mark.parametrize(
    ("size", "enlarge", "flip"),
    [(32, 286 / 256, 0.5), ([20, 31], 1.4, 0.3), (16, 1.0, 1.0), (16, 1.2, 0.0)],
)
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_jitter_is_what_albumentations_does(size, enlarge: float, flip: float, dtype) -> None:
    import albumentations

    transform = PairedTransform(image_size=size, enlarge=enlarge, flip=flip)
    theirs = albumentations.Compose(
        [
            albumentations.RandomCrop(*transform.image_size),
            albumentations.HorizontalFlip(p=flip),
        ],
        additional_targets={"target": "image"},
    )
    photo = noise(*transform.enlarged_size, 3).astype(dtype)
    label = noise(*transform.enlarged_size, 1, seed=1)
    different = set()
    for seed in (*range(60), 2**62 + 1, 2**63 - 1):
        for offset, step in enumerate(theirs.transforms):
            step.set_random_seed(seed + offset)  # Compose's one seed would tie flip and crop
        expected = theirs(image=photo, target=label)
        found = transform.jitter((photo, label), seed)
        for left, right in zip(found, (expected["image"], expected["target"]), strict=True):
            assert left.dtype == right.dtype and np.array_equal(left, right)
        different.add(found[0].tobytes())
    assert len(different) > (10 if enlarge > 1 else 0)


def test_a_single_photograph_is_jittered_as_one_of_a_pair() -> None:
    transform, photo = PairedTransform(image_size=16), noise(20, 30, 3)
    for seed in range(4):
        assert np.array_equal(transform(photo, photo, seed=seed)[1], transform(photo, seed=seed)[0])


def test_jitter_is_a_function_of_the_seed_alone() -> None:
    first, second = PairedTransform(image_size=16), PairedTransform(image_size=16)
    image = noise(16, 16, 3)
    expected = [first(image, image, seed=seed)[0] for seed in (1, 2**63 - 1, 3)]
    second(image, image, seed=99)
    second = pickle.loads(pickle.dumps(second))
    for seed, result in zip((3, 2**63 - 1, 1), reversed(expected), strict=True):
        assert np.array_equal(second(image, image, seed=seed)[0], result)


def test_the_paper_s_sizes() -> None:
    assert PairedTransform(image_size=256, enlarge=1.1171875).enlarged_size == (286, 286)
    assert PairedTransform(image_size=256).enlarged_size == (286, 286)
    assert PairedTransform(image_size=[256, 512]).enlarged_size == (286, 572)


@pytest.mark.parametrize(("flip", "share"), [(True, 0.5), (False, 0.0), (1.0, 1.0), (0.25, 0.25)])
def test_flip_is_a_probability_or_a_switch(flip: float, share: float) -> None:
    transform = PairedTransform(image_size=6, enlarge=1, flip=flip)
    image = coordinates(6, 6)
    flipped = [
        np.array_equal(transform(image, image, seed=seed)[1], image[:, ::-1]) for seed in range(400)
    ]
    assert abs(np.mean(flipped) - share) < 0.08


def test_evaluation_is_a_plain_resize_and_nothing_at_the_right_size() -> None:
    transform = PairedTransform(image_size=[10, 20])
    fits, large = noise(10, 20, 3), noise(40, 40, 1)
    for _ in range(3):
        left, right = transform(fits, large)
        assert np.array_equal(left, fits)
        assert right.shape == (10, 20, 1)
        assert np.array_equal(right, resize_image(large, (10, 20), label=False))


@pytest.mark.parametrize("size", [(57, 57), (16, 16), (20, 90), (33, 41)])
@pytest.mark.parametrize("seed", [None, 4])
def test_labels_get_no_new_colours(size: tuple[int, int], seed: int | None) -> None:
    classes = noise(33, 41, seed=2) % 4
    transform = PairedTransform(image_size=list(size))
    photo, label = transform(noise(33, 41, 3), COLOURS[classes], label="target", seed=seed)
    colours = {tuple(colour) for colour in label.reshape(-1, 3).tolist()}
    assert colours == {tuple(colour) for colour in COLOURS.tolist()}
    if size != (33, 41) or seed is not None:
        mixed, _ = transform(COLOURS[classes], photo, label="target", seed=seed)
        assert len(np.unique(mixed.reshape(-1, 3), axis=0)) > 4  # the same as a photograph does mix


def test_shrinking_a_photograph_averages_and_does_not_alias() -> None:
    checkers = np.indices((64, 64)).sum(0)[:, :, None].astype(np.uint8) % 2 * 255
    assert np.abs(resize_image(checkers, (16, 16), label=False).astype(int) - 127).max() <= 1
    wide = resize_image(checkers, (16, 128), label=False)  # one side shrinks, the other grows
    assert np.abs(wide.astype(int) - 127).max() <= 1


def test_shrinking_a_label_takes_the_pixel_at_the_centre() -> None:
    ramp = np.arange(27, dtype=np.uint8).reshape(1, 27, 1)
    assert resize_image(ramp, (1, 9), label=True)[0, :, 0].tolist() == list(range(1, 27, 3))


@pytest.mark.parametrize("channels", [1, 3])
def test_16_bit_photographs_stay_floats_within_the_scale(channels: int) -> None:
    image = (noise(8, 8, channels) // 128 * 255).astype(np.float32)
    for seed in (None, 0):
        left, right = PairedTransform(image_size=21)(image, noise(8, 8, 3), seed=seed)
        assert left.dtype == np.float32 and left.shape == (21, 21, channels)
        assert left.min() >= 0 and left.max() <= 255
        assert right.dtype == np.uint8 and right.shape == (21, 21, 3)


@pytest.mark.parametrize("size", [0, -4, [256], [256, 0], [1, 2, 3], 2.5, ["a", "b"]])
def test_sizes_that_are_none_are_refused(size) -> None:
    with pytest.raises(SettingError, match=r"dataset\.image_size="):
        as_size(size)


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ({"enlarge": 0.9}, r"augmentation\.enlarge=0\.9"),
        ({"flip": 1.5}, r"augmentation\.flip=1\.5"),
        ({"flip": -0.1}, r"augmentation\.flip=-0\.1"),
    ],
)
def test_options_out_of_range_are_refused(options: dict, found: str) -> None:
    with pytest.raises(SettingError, match=found):
        PairedTransform(image_size=8, **options)


def test_importing_the_data_package_does_not_import_albumentations() -> None:
    script = (
        "import sys, i2i.data.paired_transforms as t; t.PairedTransform(image_size=8);"
        "assert not {'albumentations', 'cv2'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
