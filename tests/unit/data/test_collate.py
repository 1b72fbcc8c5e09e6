"""Batches are the same whether their images are finished in the worker or on the device."""

import multiprocessing
import resource

import numpy as np
import torch
from torch.utils.data import default_collate

from i2i.data.collate import collate, finish, settle_worker
from i2i.images.ranges import to_float, to_planes

IMAGES = [np.random.default_rng(i).integers(0, 256, (4, 6, 3), dtype=np.uint8) for i in range(4)]


def samples(make) -> list[dict]:
    return [
        {"input": make(IMAGES[i]), "target": make(IMAGES[i + 1]), "name": f"n{i}", "index": i}
        for i in range(3)
    ]


def same(left: dict, right: dict) -> bool:
    return left.keys() == right.keys() and all(
        torch.equal(left[k], right[k]) if torch.is_tensor(left[k]) else left[k] == right[k]
        for k in left
    )


EXPECTED = default_collate(samples(to_float))


def test_finished_samples_are_stacked() -> None:
    batch = collate(samples(to_float))
    assert same(batch, EXPECTED) and same(finish(batch), EXPECTED)


def test_levels_stay_so_for_the_device() -> None:
    batch = collate(samples(to_planes))
    assert batch["input"].dtype == batch["target"].dtype == torch.uint8
    assert same(finish(batch), EXPECTED)


def test_one_finished_sample_finishes_the_batch() -> None:
    mixed = samples(to_planes)
    mixed[1] = finish(mixed[1])  # as of a pair with a file of 16 bits
    assert same(collate(mixed), EXPECTED)


def test_one_finished_side_finishes_the_batch() -> None:
    mixed = samples(to_planes)
    mixed[2]["target"] = to_float(IMAGES[3])  # as of an unpaired file of 16 bits
    assert same(collate(mixed), EXPECTED)


def test_a_batch_of_single_pictures_is_finished() -> None:
    single = [{"input": to_planes(IMAGES[i]), "label": i % 2, "index": i} for i in range(2)]
    batch = finish(collate(single))
    assert torch.equal(batch["input"], torch.stack([to_float(IMAGES[i]) for i in range(2)]))
    assert batch["label"].tolist() == [0, 1]


def take_twice() -> None:
    settle_worker()
    for most in (None, 100):
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        [np.ones(800_000, np.uint8) for _ in range(8)]  # 1563 pages
        faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
        assert most is None or faults < most, faults


def test_a_settled_worker_keeps_its_pages() -> None:
    """Memory freed and taken again costs no page faults; in a process of its own."""
    worker = multiprocessing.get_context("fork").Process(target=take_twice)
    worker.start()
    worker.join(60)
    assert worker.exitcode == 0
