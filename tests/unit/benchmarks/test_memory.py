"""Memory of a large step, counted where tensors are made; and the other sections run at all."""

from dataclasses import replace

import pytest
import torch
from torch.profiler import ProfilerActivity, profile

from benchmarks.cell import Cell
from benchmarks.memory import measure_large_step, peak_tensor_mib
from benchmarks.processes import MIB, call
from benchmarks.waiting import measure_waiting

pytestmark = pytest.mark.bench


def test_the_peak_is_what_lives_at_one_time() -> None:
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiled:
        first, second = (torch.empty(size * MIB, dtype=torch.uint8) for size in (4, 2))
        del first
        third = torch.empty(3 * MIB, dtype=torch.uint8)
    assert peak_tensor_mib(profiled) == 6.0
    del second, third


def test_a_steps_peak_is_the_same_each_time_and_lower_in_parts() -> None:
    cell = Cell(
        "unet", "vanilla", 2, 64, base_channels=4,
        options=("speed=eager", "trainer.precision=32-true", "generator.n_downs=4"),
    )  # fmt: skip
    one, again = (call(measure_large_step, cell) for _ in range(2))
    assert one["tensors_mib"] == pytest.approx(again["tensors_mib"], rel=0.01)
    parts = replace(cell, options=(*cell.options, "model.accumulate=2"))
    assert call(measure_large_step, parts)["tensors_mib"] < 0.9 * one["tensors_mib"]


def test_training_from_files_tells_the_share_that_was_waited() -> None:
    cell = Cell("unet", "vanilla", 1, 64, base_channels=2)
    row = measure_waiting(cell, workers=0, steps=3)  # this process reads the files itself
    assert 0.05 < row["waited_share"] < 1
    assert (row["workers"], row["batch"], row["steps"]) == (0, 1, 3)
