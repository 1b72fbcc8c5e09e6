"""Ratios, targets and the page, from numbers made up so that they can be worked out by hand."""

from typing import Any

import pytest

from benchmarks.agreement import differences
from benchmarks.report import markdown, with_ratios
from benchmarks.run import guarded
from benchmarks.targets import targets

CELL = {"generator": "unet", "objective": "vanilla", "batch": 4, "size": 256, "n_critic": 1}


def row(variant: str, step: float, **more: Any) -> dict[str, Any]:
    timed = {"step_s": step, "images_per_s": 4 / step, "peak_mib": 1000.0, "set_up_s": 2.0}
    return CELL | timed | {"variant": variant} | more


@pytest.fixture
def results() -> dict[str, Any]:
    rows = [
        row("bare loop", 1.0),
        row(
            "Lightning eager",
            1.5,
            ratio_in_turns=0.96,
            ratio_quartiles=(0.9, 0.97),
            pairs=7,
            peak_mib=1100.0,
        ),
        row("+ bf16", 0.5, set_up_s=5.0, blocks_s=[0.4, 0.5, 0.8]),
        CELL | {"variant": "+ fused Adam", "error": "KeyError: speed"},
    ]
    gpu_free = {"date": "today", "device": "cpu", "cpu": "X", "cores": 2, "threads": 2,
                "memory_gib": 8.0, "gpu": None, "versions": {"torch": "2"}}  # fmt: skip
    return {
        "machine": gpu_free, "command": "make bench", "seconds": {"training": 3.0},
        "matrix": {"side": 8, "bfloat16": 1e12},
        "training": {"rows": rows, "flops_an_image": {"unet/vanilla/256": 1e10}},
        "overhead": {"rows": {"unet/vanilla": {"overhead_ms": 4.0}}},
        "startup": {"rows": {"python src/train.py --cfg job": {"seconds": 1.5}}, "target_s": 2.0},
    }  # fmt: skip


def rated(results: dict[str, Any]) -> list[dict[str, Any]]:
    training = results["training"]
    return with_ratios(
        training["rows"], training["flops_an_image"], results["matrix"]["bfloat16"],
        results["overhead"]["rows"],
    )  # fmt: skip


def test_ratios_are_to_the_bare_loop_of_the_row(results: dict[str, Any]) -> None:
    bare, eager, bf16, failed = rated(results)
    assert (bare["speed_ratio"], bf16["speed_ratio"]) == (1.0, 2.0)
    assert eager["speed_ratio"] == 0.96  # taken in turns, in one process
    assert eager["speed_quartiles"] == (0.9, 0.97)
    assert bf16["speed_quartiles"] == pytest.approx((1.625, 2.25))  # of 2.5, 2, 1.25
    assert eager["by_overhead"] == pytest.approx(1 - 0.004 / 1.0)
    assert "by_overhead" not in bf16
    assert eager["memory_ratio"] == pytest.approx(1.1) and bf16["set_up_ratio"] == 2.5
    assert bf16["rate_share"] == pytest.approx(8 * 1e10 / 1e12)
    assert "speed_ratio" not in failed


def test_targets_say_what_was_reached(results: dict[str, Any]) -> None:
    rated(results)
    found = {t.name: (t.found, t.reached) for t in targets(results)}
    assert found["Lightning eager, worst row, as measured"] == (0.96, False)
    assert found["Lightning eager, worst row, 1 - overhead / bare step"] == (0.996, True)
    assert found["unet, vanilla, batch 4: bf16 + channels-last"] == (2.0, True)
    assert found["seconds of `python src/train.py --cfg job`"] == (1.5, True)
    results["machine"]["device"] = "cuda"
    for r in results["training"]["rows"]:
        r["batch"] = 16
    found = {t.name: (t.found, t.bound, t.reached) for t in targets(results)}
    assert found["unet, vanilla, batch 16: bf16"] == (2.0, "at least 4.0", False)
    assert found["share of the bf16 matrix rate, best row"][0] == pytest.approx(0.08)


def test_the_page_shows_every_row_and_every_failure(results: dict[str, Any]) -> None:
    rated(results)
    page = markdown(results)
    assert (
        "| 4 | + bf16 | 8 | 500 | 2.00 (1.62 to 2.25) |  |  | 1000 | 1.00 | 5 | 2.50 | 8.0% |"
        in page
    )
    assert "| Lightning eager | 2.67 | 1500 | 0.96 (0.90 to 0.97) | 7 | 0.9960 |" in page
    assert "failed: KeyError: speed" in page
    assert "| python src/train.py --cfg job | 1.5 |" in page


def test_a_section_that_fails_is_an_entry_and_not_the_end(results: dict[str, Any]) -> None:
    def fail() -> dict[str, Any]:
        raise OSError("no space\nsecond line")

    results["memory"] = guarded(fail)
    assert results["memory"] == {"error": "OSError: no space"}
    results["training"] = guarded(fail)
    page = markdown(results)
    assert page.count("failed: OSError: no space") == 2 and "## Start-up" in page


def test_differences_are_shares_of_a_terms_size() -> None:
    reference = {"g/l1": [4.0, 2.0, 2.0, 4.0], "d/real": [1.0, 1.0, 1.0, 1.0]}
    other = {"g/l1": [4.0, 5.0, 2.0, 4.0], "d/real": [0.9, 1.1, 1.0, 1.1]}
    # g/l1: mean size 3; the first window's means are 3 and 4.5. d/real: 0.1 at the first step.
    found = differences(reference, other, window=2)
    assert found == pytest.approx({"first": 0.1, "windows": 0.5})
