"""Ratios, targets, the page and what a cut run keeps, from numbers that one can check by hand."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from benchmarks import run, training
from benchmarks.plan import quick_plan
from benchmarks.processes import call
from benchmarks.report import add_ratios, page
from benchmarks.targets import targets

pytestmark = pytest.mark.bench
CELL = {"generator": "unet", "objective": "vanilla", "size": 256, "base_channels": 64, "batch": 4}
TURNS = {"ratio_in_turns": 0.96, "ratio_quartiles": (0.9, 0.97), "overhead_s": 0.04, "pairs": 7}


def row(variant: str, step: float, **more: Any) -> dict[str, Any]:
    timed = {"step_s": step, "images_per_s": 4 / step, "peak_mib": 1000.0, "set_up_s": 2.0}
    return CELL | timed | {"variant": variant, "blocks_s": [step], "n_critic": 1} | more


@pytest.fixture
def results() -> dict[str, Any]:
    rows = [
        row("bare loop", 1.0),
        row("Lightning eager", 1.5, peak_mib=1100.0, bare_blocks_s=[3.0, 2.0], **TURNS),
        row("+ bf16", 0.5, flops_per_image=1e10),
        CELL | {"variant": "+ fused Adam", "error": "KeyError: speed"},
    ]
    machine = {"date": "today", "device": "cpu", "cpu": "X", "cores": 2, "threads": 2,
               "memory_gib": 8.0, "gpu": None, "versions": {"torch": "2"}}  # fmt: skip
    add_ratios(rows, 1e12)
    add_ratios(rows, 1e12)  # once after each cell: nothing adds up
    return {
        "machine": machine, "command": "make bench", "seconds": {"training": 3.0},
        "training": {"rows": rows}, "memory": {"error": "OSError: no space"},
        "startup": {"rows": [{"command": "python src/train.py --cfg job", "seconds": 2.5}]},
    }  # fmt: skip


def test_ratios_are_to_the_bare_loop_of_the_row(results: dict[str, Any]) -> None:
    bare, eager, bf16, failed = results["training"]["rows"]
    assert bare["step_s"] == 2.0  # the median of its own block and those it had in turns
    assert (bare["images_per_s"], bare["speed_ratio"]) == (2.0, 1.0)
    assert (eager["speed_ratio"], eager["memory_ratio"]) == (0.96, 1.1)
    assert (bf16["speed_ratio"], bf16["rate_share"]) == (4.0, 0.08)  # 8 images/s of 1e10
    assert "speed_ratio" not in failed


def test_targets_say_what_was_reached(results: dict[str, Any]) -> None:
    found = {t.name: (t.found, t.reached) for t in targets(results)}
    assert found == {
        "Lightning eager, worst row": (0.96, False),
        "Lightning eager, mean over rows": (0.96, False),
        "unet, vanilla, batch 4: bf16 + channels-last": (4.0, True),
        "seconds of `python src/train.py --cfg job`": (2.5, False),
    }
    results["machine"]["device"] = "cuda"
    for each in results["training"]["rows"]:
        each["batch"] = 16
    found = {t.name: (t.found, t.bound, t.reached) for t in targets(results)}
    assert found["unet, vanilla, batch 16: bf16"] == (4.0, 4.0, True)
    assert found["share of the bf16 matrix rate, best row"] == (0.08, 0.35, False)


def test_the_page_shows_every_row_and_every_failure(results: dict[str, Any]) -> None:
    shown = page(results)
    assert (
        "| Lightning eager | 2.67 | 1,500 | 0.96 (0.90 to 0.97) | 7 | 40 | 1100 | 1.10 |" in shown
    )
    assert "| 4 | + fused Adam |" in shown and "KeyError: speed" in shown
    assert "failed: OSError: no space" in shown
    assert "| python src/train.py --cfg job | 2.5 |" in shown


def test_a_call_returns_a_result_or_one_line_of_an_error() -> None:
    assert call(dict, [("a", 1)]) == {"a": 1}
    assert call(int, "x")["error"].startswith("ValueError: invalid literal for int()")
    assert "terminated abruptly" in call(os._exit, 1)["error"]  # killed, for want of memory say


def test_a_run_that_is_cut_keeps_the_cells_it_has_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    def cut(function: Any, *arguments: Any) -> dict[str, Any]:
        calls.append(function)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return row("", 1.0 / len(calls)) | {"variant": ("", "bare loop", "+ bf16")[len(calls)]}

    monkeypatch.setattr(training, "call", cut)
    words = ["--quick", "--device", "cpu", "--only", "training", "--out", str(tmp_path)]
    with pytest.raises(KeyboardInterrupt):
        run.main([*words, "--name", "x"])
    kept = json.loads((tmp_path / "x.json").read_text())["training"]["rows"]
    assert [r["step_s"] for r in kept] == [1.0, 0.5]
    assert kept[1]["speed_ratio"] == 2.0
    assert "| 4 | + bf16 |" in (tmp_path / "x.md").read_text()
    assert len(quick_plan("cpu").cells()) > 3
