"""Files become samples: the right side, the right channels, the right kind of resize."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from i2i.data.batch_sampler import SampleKey
from i2i.data.image_dataset import CachePart, ImageDataset
from i2i.data.index.pair_index import find_pairs
from i2i.data.index.pair_list import PairList
from i2i.data.paired_transforms import PairedTransform
from i2i.data.pairing import Paired
from i2i.data.reading.image_cache import ImageCache, can_share
from i2i.data.reading.pair_reader import PairReader
from i2i.data.reading.sides import Side
from i2i.data.tasks.inpainting import Inpainting
from i2i.data.tasks.label_map import LabelTask
from i2i.errors import SettingError
from i2i.images.image_io import write_png
from i2i.images.ranges import to_float
from i2i.images.reading import Reading
from i2i.labels.palette import ClassPalette

A = np.random.default_rng(0).integers(0, 256, (6, 8, 3), dtype=np.uint8)
B = np.random.default_rng(1).integers(0, 256, (6, 8, 3), dtype=np.uint8)


def paired(pairs: PairList, reader: PairReader, **options) -> ImageDataset:
    return ImageDataset(Paired(Side(pairs, None)), reader, **options)


@pytest.fixture(params=["side_by_side", "two_folders"])
def pairs(request: pytest.FixtureRequest, tmp_path: Path) -> list:
    if request.param == "side_by_side":
        write_png(tmp_path / "train" / "one.png", np.hstack([A, B]))
        return find_pairs(tmp_path, "train")
    write_png(tmp_path / "train" / "a" / "one.png", A)
    write_png(tmp_path / "train" / "b" / "one.png", B)
    return find_pairs(tmp_path, "train", a_folder="{split}/a", b_folder="{split}/b")


@pytest.mark.parametrize(
    ("direction", "input_image", "target_image"), [("AtoB", A, B), ("BtoA", B, A)]
)
def test_direction_picks_the_sides(pairs, direction, input_image, target_image) -> None:
    dataset = paired(pairs, PairReader(direction))
    sample = dataset[0]
    assert torch.equal(sample["input"], to_float(input_image))
    assert torch.equal(sample["target"], to_float(target_image))
    assert sample["name"] == "one" and sample["index"] == 0 and len(dataset) == 1


@pytest.mark.parametrize(("direction", "grey_side"), [("AtoB", A), ("BtoA", B)])
def test_each_side_has_its_own_channels(pairs, direction: str, grey_side: np.ndarray) -> None:
    dataset = paired(pairs, PairReader(direction, Reading(1), Reading(3)))
    sample = dataset[0]
    luminance = torch.from_numpy(grey_side @ np.array([0.299, 0.587, 0.114])) / 127.5 - 1
    assert sample["input"].shape == (1, 6, 8) and sample["target"].shape == (3, 6, 8)
    assert (sample["input"][0] - luminance).abs().max() < 0.6 / 127.5


@pytest.mark.parametrize(
    ("direction", "label_side", "kept"),
    [
        ("AtoB", "A", "input"),
        ("AtoB", "B", "target"),
        ("BtoA", "A", "target"),
        ("BtoA", "B", "input"),
        ("AtoB", None, None),
    ],
)
def test_only_the_label_side_keeps_its_values(pairs, direction, label_side, kept) -> None:
    dataset = paired(
        pairs,
        PairReader(direction, label_side=label_side),
        transform=PairedTransform(image_size=[13, 17]),
    )
    original = {"A": A, "B": B}
    sides = {"input": direction[0], "target": direction[-1]}
    for key in (0, SampleKey(0, seed=5)):
        sample = dataset[key]
        for role, side in sides.items():
            known = set(to_float(original[side]).flatten().tolist())
            new = set(sample[role].flatten().tolist()) - known
            assert (not new) == (role == kept), f"{role} has {len(new)} new values"


def test_integer_keys_are_still_and_sample_keys_jitter(pairs) -> None:
    dataset = paired(pairs, PairReader(), transform=PairedTransform(image_size=[6, 8]))
    assert torch.equal(dataset[0]["input"], to_float(A))
    jittered = [dataset[SampleKey(0, seed)]["input"] for seed in range(8)]
    assert all(image.shape == (3, 6, 8) for image in jittered)
    assert len({image.numpy().tobytes() for image in jittered}) > 3
    assert torch.equal(dataset[SampleKey(0, 3)]["input"], jittered[3])


def test_a_file_that_breaks_later_is_named(pairs) -> None:
    pairs[0].a.write_bytes(pairs[0].a.read_bytes()[:-4])
    with pytest.raises(SettingError, match=r"one\.png.*cut short"):
        paired(pairs, PairReader())[0]


@pytest.mark.skipif(not can_share(), reason="no memory to share on this system")
@pytest.mark.parametrize("jittered", [True, False])
@pytest.mark.parametrize("label_side", ["B", None])
def test_kept_images_are_the_same_and_are_not_read_again(pairs, jittered, label_side) -> None:
    transform = PairedTransform(image_size=[7, 9], enlarge=1.5)
    reader = PairReader(label_side=label_side)
    plain = paired(pairs, reader, transform=transform)
    part = CachePart(ImageCache(4, 100_000), first=3, jittered=jittered)
    kept = paired(pairs, reader, transform=transform, kept=part)
    keys = [SampleKey(0, seed) for seed in range(6)] if jittered else [0, 0]
    other = 0 if jittered else SampleKey(0, 1)
    expected = [plain[key] for key in (*keys, other)]
    found = [kept[key] for key in (other, *keys)]  # the other size must not be kept
    for left, right in zip(expected, [*found[1:], found[0]], strict=True):
        assert torch.equal(left["input"], right["input"])
        assert torch.equal(left["target"], right["target"]) and left["name"] == right["name"]
    assert part.cache.get(3) is not None and part.cache.get(0) is None
    pairs[0].a.unlink()
    assert torch.equal(kept[keys[-1]]["target"], expected[len(keys) - 1]["target"])
    with pytest.raises(SettingError, match="no such file"):
        kept[other]


def test_levels_are_for_those_who_ask(pairs) -> None:
    asked = paired(pairs, PairReader(), as_levels=True)[0]
    assert asked["input"].dtype == torch.uint8
    assert torch.equal(asked["target"], torch.from_numpy(B.transpose(2, 0, 1)))
    assert paired(pairs, PairReader())[0]["input"].dtype == torch.float32


PALETTE = ClassPalette({"black": [0, 0, 0], "white": [255, 255, 255]})


def labelled(folder: Path, stored: str, suffix: str, n: int = 3) -> list:
    """Photographs and labels of two flat classes; the last label has a corner that is no class."""
    for number in range(n):
        ids = np.arange(32 * 32, dtype=np.uint8).reshape(32, 32) // 16 % 2
        label = ids if stored == "ids" else PALETTE.encode_colours(ids).copy()
        if number == n - 1:
            label[:16, :16] = 100
        write_png(folder / "photo" / f"{number}.png", np.full((32, 32, 3), 9 * number, np.uint8))
        (folder / "label").mkdir(exist_ok=True)
        cv2.imwrite(str(folder / "label" / f"{number}.{suffix}"), label)
    return find_pairs(folder, "", a_folder="photo", b_folder="label")


@pytest.mark.parametrize("label_as", ["colours", "onehot"])
@pytest.mark.parametrize(
    ("stored", "suffix"), [("colours", "png"), ("colours", "jpg"), ("ids", "png")]
)
@pytest.mark.parametrize("jittered", [True, False])
def test_a_label_map_that_the_start_did_not_look_at_is_named(
    tmp_path, label_as, stored, suffix, jittered
) -> None:
    pairs = labelled(tmp_path, stored, suffix)
    reader = PairReader("AtoB", Reading(), Reading(), "B", PALETTE, label_as, stored)
    task = LabelTask(PALETTE, "target", label_as)
    dataset = paired(pairs, reader, task=task, check_labels=True)
    key = [SampleKey(i, i) if jittered else i for i in range(3)]
    dataset[key[0]], dataset[key[1]]
    found = "class ids out of range" if stored == "ids" else "colours that are no class"
    for _ in range(2):  # a second look does not let it pass
        with pytest.raises(SettingError, match=rf"'.*label/2\.{suffix}': found {found}.*\(2\)"):
            dataset[key[2]]
    if stored == "colours":
        paired(pairs, reader, task=task)[key[2]]  # the small set's were looked at before


def test_a_label_map_is_looked_at_once_by_a_process(tmp_path, monkeypatch) -> None:
    pairs = labelled(tmp_path, "colours", "png")
    seen = []
    strays = PALETTE.strays
    monkeypatch.setattr(PALETTE, "strays", lambda *given: (seen.append(1), strays(*given))[1])
    dataset = paired(
        pairs, PairReader("AtoB", Reading(), Reading(), "B", PALETTE), check_labels=True
    )
    for index in (0, 1, 0, 1, 0):
        dataset[index]
    assert len(seen) == 2


def test_photographs_for_a_task_bring_no_label_to_look_at(tmp_path) -> None:
    pairs = labelled(tmp_path, "colours", "png")
    task = Inpainting(input_channels=4, target_channels=3)
    reader = PairReader("AtoB", Reading(4), Reading(), "B", PALETTE)
    assert paired(pairs, reader, task=task, check_labels=True)[2]["input"].shape[0] == 4
