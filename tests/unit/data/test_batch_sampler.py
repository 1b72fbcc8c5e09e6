"""Batches follow from the seed and the place in the run alone."""

import itertools

import pytest
from torch.utils.data import DataLoader, DistributedSampler

from i2i.data.batch_sampler import (
    ResumableBatchSampler,
    SampleKey,
    images_of_a_pass,
    mix_seed,
)
from i2i.errors import SettingError


class Run:
    """A run that counts the batches it has seen."""

    def __init__(self, position: int = 0, **options) -> None:
        self.seen = position
        self.sampler = ResumableBatchSampler(**options, position=lambda: self.seen)

    def epoch(self) -> list[list[SampleKey]]:
        batches = list(self.sampler)
        self.seen += len(batches)
        return batches


def test_an_epoch_visits_every_image_once_in_another_order() -> None:
    run = Run(n_images=12, batch_size=3, seed=0)
    first, second = run.epoch(), run.epoch()
    for batches in (first, second):
        assert [len(batch) for batch in batches] == [3, 3, 3, 3] and len(run.sampler) == 4
        assert sorted(key.index for batch in batches for key in batch) == list(range(12))
    assert [k.index for b in first for k in b] != [k.index for b in second for k in b]


def test_the_remainder_is_dropped_and_another_one_each_epoch() -> None:
    run = Run(n_images=7, batch_size=3, seed=0)
    seen = [{key.index for batch in run.epoch() for key in batch} for _ in range(12)]
    assert all(len(indices) == 6 for indices in seen)
    assert set.union(*seen) == set(range(7))


@pytest.mark.parametrize("stop", range(13))
@pytest.mark.parametrize("limit", [1.0, 3, 0.6])
def test_a_resumed_run_sees_the_uninterrupted_stream(stop: int, limit: float) -> None:
    options = {"n_images": 9, "batch_size": 2, "seed": 5, "limit": limit}
    whole = Run(**options)
    stream = [batch for _ in range(12) for batch in whole.epoch()]
    resumed = Run(position=stop, **options)
    rest = [batch for _ in range(3) for batch in resumed.epoch()]
    assert rest and rest == stream[stop : stop + len(rest)]


def test_the_place_is_read_when_iteration_starts() -> None:
    run = Run(n_images=8, batch_size=2, seed=0)
    batches = iter(run.sampler)
    run.seen = 2  # what a loader's prefetching does between iter() and next()
    assert len(list(batches)) == 4


@pytest.mark.parametrize("n_images", [8, 11])
def test_two_processes_see_what_one_sees_at_twice_the_batch(n_images: int) -> None:
    single = Run(n_images=n_images, batch_size=4, seed=3)
    both = [
        Run(n_images=n_images, batch_size=2, seed=3, rank=rank, world_size=2) for rank in (0, 1)
    ]
    for _ in range(3):
        expected = single.epoch()
        halves = list(zip(*(run.epoch() for run in both), strict=True))
        assert expected and [first + second for first, second in halves] == expected


@pytest.mark.parametrize(
    ("limit", "expected"), [(1.0, 5), (2, 2), (99, 5), (0.5, 2), (0, 0), (0.1, 0)]
)
def test_limit_means_what_the_trainer_means(limit: float, expected: int) -> None:
    run = Run(n_images=10, batch_size=2, seed=0, limit=limit)
    assert len(run.epoch()) == run.sampler.epoch_length == expected
    assert len(run.sampler) == 5


def test_augmentation_seeds_differ_by_image_epoch_and_run() -> None:
    run, other = Run(n_images=50, batch_size=5, seed=0), Run(n_images=50, batch_size=5, seed=1)
    keys = [key for _ in range(4) for batch in run.epoch() for key in batch]
    keys += [key for batch in other.epoch() for key in batch]
    assert len({key.seed for key in keys}) == len(keys) == 250
    assert all(0 <= key.seed < 2**63 for key in keys)


def test_seeds_are_the_same_on_every_machine() -> None:
    assert mix_seed(0, 1, 2) == 4727102316523150270
    assert mix_seed(1, 23) != mix_seed(12, 3)


def test_another_seed_is_another_order() -> None:
    orders = [
        [key.index for batch in Run(n_images=20, batch_size=2, seed=seed).epoch() for key in batch]
        for seed in (0, 1)
    ]
    assert orders[0] != orders[1]


def test_too_few_images_for_one_global_batch() -> None:
    with pytest.raises(
        SettingError, match=r"batch_size=4: found 7 train.*4 x 2 = 8.* to 3 or less"
    ):
        ResumableBatchSampler(7, 4, 0, world_size=2)


@pytest.mark.parametrize("limit", [1.0, 0.5, 0.26, 0.0, 0, 1, 2, 99])
@pytest.mark.parametrize("processes", [1, 2, 3])
@pytest.mark.parametrize("n_images", [1, 7, 9, 40])
def test_a_pass_sees_what_the_loaders_give(n_images: int, processes: int, limit: float) -> None:
    """Counted with loaders, limited as Lightning limits them."""
    seen = set()
    for rank in range(processes):
        mine = DistributedSampler(range(n_images), processes, rank, shuffle=False)
        loader = DataLoader(range(n_images), 4, sampler=mine)
        stop = limit if isinstance(limit, int) else int(len(loader) * limit)
        seen |= {int(i) for batch in itertools.islice(loader, stop) for i in batch}
    assert images_of_a_pass(n_images, 4, processes, limit) == len(seen)
