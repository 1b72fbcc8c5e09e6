"""What a step costs beside its arithmetic: which cells measure it, and how it is told."""

import pytest

from benchmarks import overhead
from benchmarks.plan import cpu_plan, gpu_plan
from benchmarks.turns import compare


def test_the_networks_are_the_tables_but_for_their_width() -> None:
    plan = cpu_plan()
    cells = {work: overhead.tiny_cell(plan, *work) for work in plan.work()}
    assert set(cells) == {(g, o) for g in ("unet", "resnet9") for o in ("vanilla", "wgan-gp")}
    for (generator, objective), cell in cells.items():
        sizes = {g.size for g in plan.groups if g.generator == generator}
        assert (cell.generator, cell.objective, cell.size) == (generator, objective, min(sizes))
        assert cell.base_channels == 1 and cell.alternate and cell.block == 1
        assert 2 * cell.least - 1 >= 90  # pairs
    assert overhead.tiny_cell(gpu_plan(False), "unet", "wgan-gp").n_critic == 5


def test_every_work_is_a_row_in_milliseconds(monkeypatch: pytest.MonkeyPatch) -> None:
    turns = compare([0.012, 0.013, 0.014], [0.010, 0.010, 0.010])
    answers = iter(
        [turns | {"step_s": 0.013}, {"error": "MemoryError: "}, *[turns | {"step_s": 1.0}] * 2]
    )
    monkeypatch.setattr(overhead, "call", lambda *_: next(answers))
    rows = overhead.measure(cpu_plan())["rows"]
    assert rows["unet/vanilla"] == pytest.approx(
        {"step_ms": 13.0, "overhead_ms": 3.0, "lower_quartile_ms": 3.0, "upper_quartile_ms": 4.0,
         "pairs": 5}
    )  # fmt: skip
    assert rows["unet/wgan-gp"] == {"error": "MemoryError: "}
    assert len(rows) == 4
