"""Memory of a large step, counted where tensors are made."""

from dataclasses import replace

import pytest
import torch
from torch.profiler import ProfilerActivity, profile

from benchmarks.cell import Cell
from benchmarks.fresh_process import MIB
from benchmarks.large_step import measure_large_step, peak_tensor_mib


def test_the_peak_is_what_lives_at_one_time() -> None:
    earlier = torch.empty(64 * MIB, dtype=torch.uint8)
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiled:
        first, second = (torch.empty(size * MIB, dtype=torch.uint8) for size in (4, 2))
        del first, earlier
        third = torch.empty(3 * MIB, dtype=torch.uint8)
    assert peak_tensor_mib(profiled) == 6.0
    del second, third


def test_a_steps_peak_is_the_same_each_time_and_lower_in_parts() -> None:
    cell = Cell(
        "unet", "vanilla", 2, 64, base_channels=4,
        options=("speed=eager", "trainer.precision=32-true", "generator.n_downs=4"),
    )  # fmt: skip
    one, again = measure_large_step(cell), measure_large_step(cell)
    assert one["tensors_mib"] == pytest.approx(again["tensors_mib"], rel=0.01)
    assert one["process_mib"] > one["tensors_mib"]
    parts = replace(cell, options=(*cell.options, "model.accumulate=2"))
    assert measure_large_step(parts)["tensors_mib"] < 0.9 * one["tensors_mib"]
