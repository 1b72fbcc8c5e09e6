"""A kept profile: its numbers add up, and it is one page."""

import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from torch.autograd import DeviceType

from benchmarks.profile_step import main, operators, shares, union

SMALL = ["generator=unet", "generator.base_channels=2", "size=32", "warmup=1", "steps=2",
         "device=cpu", "top=4"]  # fmt: skip


def test_the_rest_is_one_row_and_shares_are_of_all() -> None:
    events = [
        SimpleNamespace(key=name, count=4, self_cpu_time_total=micros)
        for name, micros in (("b", 1000.0), ("a", 6000.0), ("c", 2000.0), ("d", 1000.0))
    ]
    rows = operators(events, steps=2, top=2, device="cpu")
    assert [(r["name"], r["calls"], r["ms"], r["share"]) for r in rows] == [
        ("a", 2, 3.0, 0.6), ("c", 2, 1.0, 0.2), ("2 others", 4, 1.0, 0.2)
    ]  # fmt: skip


def on_cuda(name: str, start: float, end: float, **more: Any) -> SimpleNamespace:
    """An event as the profiler has it: both one span and an average of one."""
    span = SimpleNamespace(start=start, end=end)
    event = {
        "name": name, "key": name, "count": 1, "time_range": span, "is_user_annotation": False,
        "device_type": DeviceType.CUDA, "self_device_time_total": end - start,
    }  # fmt: skip
    return SimpleNamespace(**(event | more))


def test_on_a_gpu_a_kernel_counts_once_and_an_annotation_not_at_all() -> None:
    events = [
        on_cuda("Optimizer.step#Adam.step", 0.0, 9e6, device_type=DeviceType.CPU,
                is_user_annotation=True, self_device_time_total=0.0),
        # An operator has the time of the kernels that it starts.
        on_cuda("aten::add", 0.0, 1e6, device_type=DeviceType.CPU, self_device_time_total=3e6),
        on_cuda("aten::mul", 2e6, 4e6, device_type=DeviceType.CPU, self_device_time_total=1e6),
        on_cuda("add_kernel", 2e6, 5e6),
        on_cuda("mul_kernel", 6e6, 7e6),
        # What a GPU's track shows of the annotation spans the gaps between its kernels.
        on_cuda("Optimizer.step#Adam.step", 2e6, 8e6, is_user_annotation=True),
    ]  # fmt: skip
    assert shares(events, wall=10.0) == {
        "wall": 10.0, "operators": 3.0, "outside": 7.0, "device": 4.0
    }  # fmt: skip
    rows = operators(events, steps=1, top=5, device="cuda")
    assert [(r["name"], r["ms"], r["share"]) for r in rows] == [
        ("add_kernel", 3000.0, 0.75), ("mul_kernel", 1000.0, 0.25)
    ]  # fmt: skip


def test_overlaps_count_once() -> None:
    assert union([(0.0, 2.0), (1.0, 3.0), (5.0, 6.0)]) == 4.0


def test_a_profile_is_written_as_json_and_as_a_page(tmp_path: Path) -> None:
    main([*SMALL, f"out={tmp_path / 'p.json'}"])
    found = json.loads((tmp_path / "p.json").read_text())
    assert str(tmp_path) not in found["command"] and found["command"].endswith("top=4")
    assert len(found["operators"]) == 5  # four and the rest
    assert sum(row["share"] for row in found["operators"]) == pytest.approx(1)
    convolutions = next(r for r in found["operators"] if "convolution_backward" in r["name"])
    assert convolutions["calls"] >= 2 * 5  # G's ten with the D's, each step
    times = found["a_step_ms"]
    assert times["operators"] + times["outside"] == pytest.approx(times["wall"])
    assert found["step_ms_without_profiler"] > 0 and found["cpu_ms_without_profiler"] > 0


def test_an_unknown_ending_is_refused_before_anything_runs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys.modules["benchmarks.profile_step"], "fit", None)
    with pytest.raises(SystemExit, match=r"out=p.txt: expected a name that ends in .md or .json"):
        main([*SMALL, "out=p.txt"])
