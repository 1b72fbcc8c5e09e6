"""The share of time that training waits for its files."""

import itertools
from collections.abc import Iterator
from dataclasses import replace

import pytest

from benchmarks import waiting
from benchmarks.cell import Cell
from benchmarks.plan import cpu_plan, gpu_plan
from benchmarks.waiting import Timed, measure_waiting

CELL = Cell("unet", "vanilla", 1, 64, base_channels=2)


def test_what_a_batch_was_waited_for_is_counted_and_the_rest_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = itertools.count()  # a second passes whenever somebody looks
    monkeypatch.setattr(waiting.time, "perf_counter", lambda: float(next(clock)))

    def slow() -> Iterator[str]:
        for name in "abc":
            for _ in range(2):
                next(clock)
            yield name

    timed = Timed(slow(), "cpu")
    for _ in timed:
        for _ in range(100):
            next(clock)  # a step
    assert timed.waits == [3.0, 3.0, 3.0]


def test_training_from_files_in_workers_tells_the_share() -> None:
    row = measure_waiting(CELL, workers=0, steps=3)
    assert 0 < row["waited_share"] < 1
    assert row["images_per_s"] == pytest.approx(1 / row["step_s"])
    assert (row["workers"], row["batch"], row["steps"]) == (0, 1, 3)


def test_the_gpu_row_has_batch_16_and_8_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(waiting, "call", lambda function, *words: asked.append(words) or {})
    waiting.measure(gpu_plan(False))
    waiting.measure(cpu_plan())
    (gpu, eight, _), (cpu, two, _) = asked
    assert (gpu.batch, gpu.size, gpu.device, eight) == (16, 256, "cuda", 8)
    assert (cpu.device, two) == ("cpu", 2)
    assert replace(gpu, batch=1).options == ()  # trainer=gpu as it comes
