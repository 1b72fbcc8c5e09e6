"""Images in shared memory: the same as were put in, never more than the bound, freed by itself."""

import multiprocessing
import os
import pickle
import signal
from pathlib import Path

import numpy as np
import pytest

from i2i.data.reading import image_cache
from i2i.data.reading.image_cache import ImageCache, affordable, can_share

fcntl = pytest.importorskip("fcntl")
pytestmark = pytest.mark.skipif(not can_share(), reason="no memory to share on this system")


def picture(number: int) -> np.ndarray:
    return np.random.default_rng(number).integers(0, 256, (5, 7, 3), dtype=np.uint8)


def holds(cache: ImageCache, entry: int, *images: np.ndarray) -> bool:
    found = cache.get(entry)
    return found is not None and all(
        left.dtype == right.dtype and np.array_equal(left, right)
        for left, right in zip(found, images, strict=True)
    )


def test_what_was_put_in_comes_back() -> None:
    cache = ImageCache(4, 10_000)
    ids = picture(1)[:, :, :1]  # a view, as halves and labels are
    deep = picture(2).astype(np.float32) / 257
    cache.put(2, (picture(0), ids))
    cache.put(0, (deep,))
    assert holds(cache, 2, picture(0), ids) and holds(cache, 0, deep)
    assert cache.get(1) is None and cache.get(3) is None
    cache.get(0)[0][:] = 0  # a copy
    assert holds(cache, 0, deep)


def test_an_entry_keeps_its_first_images() -> None:
    cache = ImageCache(1, 10_000)
    cache.put(0, (picture(0),))
    used = cache.used
    cache.put(0, (picture(1),))
    assert holds(cache, 0, picture(0)) and cache.used == used


@pytest.mark.parametrize("n_bytes", [0, 80, 81, 400, 1000, 1500])
def test_the_bound_holds(n_bytes: int) -> None:
    cache = ImageCache(9, n_bytes)
    for entry in range(9):
        cache.put(entry, (picture(entry),))
    kept = [entry for entry in range(9) if cache.get(entry) is not None]
    assert kept == list(range(len(kept)))
    assert n_bytes < 1000 or 0 < len(kept) < 9
    assert all(holds(cache, entry, picture(entry)) for entry in kept)
    assert cache.used <= n_bytes


def test_a_small_picture_still_fits_where_a_large_one_does_not() -> None:
    cache = ImageCache(2, 500)
    cache.put(0, (np.zeros((50, 50, 3), np.uint8),))
    cache.put(1, (picture(1),))
    assert cache.get(0) is None and holds(cache, 1, picture(1))


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_processes_share_it(method: str) -> None:
    cache = ImageCache(3, 10_000)
    cache.put(0, (picture(0),))
    context = multiprocessing.get_context(method)
    child = context.Process(target=cache.put, args=(2, (picture(2),)))
    child.start()
    child.join()
    assert child.exitcode == 0
    assert holds(cache, 0, picture(0)) and holds(cache, 2, picture(2))


def fill(cache: ImageCache, order: list[int]) -> None:
    for entry in order:
        kept = cache.get(entry)  # asked once: another process may keep it the moment after
        if kept is None:
            cache.put(entry, (picture(entry),))
        else:
            assert np.array_equal(kept[0], picture(entry))


def test_processes_that_fill_it_at_once_keep_each_image_once() -> None:
    cache = ImageCache(300, 1_000_000)
    context = multiprocessing.get_context("fork")
    orders = [np.random.default_rng(seed).permutation(300).tolist() for seed in range(3)]
    children = [context.Process(target=fill, args=(cache, order)) for order in orders]
    for child in children:
        child.start()
    for child in children:
        child.join()
    assert [child.exitcode for child in children] == [0, 0, 0]
    assert all(holds(cache, entry, picture(entry)) for entry in range(300))
    alone = ImageCache(300, 1_000_000)
    fill(alone, orders[0])
    assert cache.used == alone.used


def test_a_process_killed_with_the_lock_in_hand_stops_nobody() -> None:
    cache = ImageCache(1, 10_000)
    told, tell = os.pipe()
    child = os.fork()
    if child == 0:
        with cache._locked():
            os.write(tell, b"!")
            signal.pause()
    os.read(told, 1)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    cache.put(0, (picture(0),))  # would wait for ever
    assert holds(cache, 0, picture(0))


def test_it_leaves_no_file_and_no_descriptor() -> None:
    shared, open_files = Path("/dev/shm"), Path("/proc/self/fd")
    before = sorted(shared.iterdir()), len(list(open_files.iterdir()))
    cache = ImageCache(1, 10_000_000)
    cache.put(0, (picture(0),))
    assert sorted(shared.iterdir()) == before[0]
    del cache
    assert len(list(open_files.iterdir())) == before[1]


def test_a_large_one_takes_room_only_as_images_come() -> None:
    cache = ImageCache(10, 1 << 40)
    cache.put(0, (picture(0),))
    assert os.fstat(cache._file.fileno()).st_blocks * 512 <= 1 << 16


def test_a_copy_that_is_no_worker_s_is_empty() -> None:
    cache = ImageCache(1, 10_000)
    cache.put(0, (picture(0),))
    copy = pickle.loads(pickle.dumps(cache))
    copy.put(0, (picture(0),))
    assert copy.get(0) is None and copy.n_bytes == 0 and holds(cache, 0, picture(0))


def test_no_more_than_half_of_what_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_cache, "_free_memory", lambda: iter([10_000, 6_000]))
    assert [affordable(n) for n in (0, 2_000, 5_000)] == [0, 2_000, 3_000]
    monkeypatch.undo()
    assert 0 < affordable(1 << 62) < 1 << 50  # this machine's


def test_the_bound_of_a_batch_job_counts_on_every_level(tmp_path: Path) -> None:
    """Made up files of Linux: 9 kB free; a job of at most 8,000 bytes, a step without a bound."""
    job = tmp_path / "sys/fs/cgroup/job_7"
    for file, text in {
        tmp_path / "proc/meminfo": "MemTotal: 20 kB\nMemAvailable: 9 kB\n",
        tmp_path / "proc/self/cgroup": "0::/job_7/step_0\n",
        job / "memory.max": "8000\n",
        job / "memory.stat": "anon 1000\nfile 5500\nshmem 500\n",
        job / "step_0/memory.max": "max\n",
        job / "step_0/memory.stat": "anon 900\nfile 0\nshmem 0\n",
    }.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    assert list(image_cache._free_memory(tmp_path))[1:] == [9 * 1024, 6500]
    assert len(list(image_cache._free_memory(tmp_path / "nowhere"))) == 1


def test_images_are_written_and_looked_up_under_the_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Races are too rare to wait for."""
    cache, steps, lock = ImageCache(1, 10_000), [], fcntl.lockf
    empty = cache.used
    monkeypatch.setattr(
        fcntl, "lockf", lambda file, kind: (steps.append((kind, cache.used)), lock(file, kind))
    )
    cache.put(0, (picture(0),))
    assert steps == [(fcntl.LOCK_EX, empty), (fcntl.LOCK_UN, cache.used)] and cache.used > empty
    assert holds(cache, 0, picture(0))
    assert [kind for kind, _ in steps[2:]] == [fcntl.LOCK_EX, fcntl.LOCK_UN]
