"""Every variant is a command line that a user could type."""

from dataclasses import replace
from itertools import product

import pytest

from benchmarks.cell import Cell, composed
from benchmarks.plan import (
    ASKED_FOR,
    BARE,
    BF16,
    COMPILED_DEFAULT,
    DEFAULT,
    EAGER,
    Plan,
    cpu_plan,
    gpu_plan,
    ladder,
)
from benchmarks.run import make_plan, parse
from benchmarks.targets import GPU_LEAST


@pytest.mark.parametrize("variant", ladder())
def test_the_options_of_every_variant_compose(variant: str) -> None:
    cfg = composed(Cell("unet", "wgan-gp", 1, 256, n_critic=5, options=ladder()[variant]))
    assert cfg.model.speed.cuda_graphs == ("graphs" in variant)
    assert cfg.model.speed.compile == ("compile" in variant)
    plain = variant in ("Lightning eager", "+ channels-last", DEFAULT, COMPILED_DEFAULT)
    assert cfg.trainer.precision == ("32-true" if plain else "bf16-mixed")
    assert cfg.model.n_critic == 5


def test_a_rung_keeps_those_before_it() -> None:
    options = ladder()["+ fused Adam"]
    assert {"speed.channels_last=true", "trainer.precision=bf16-mixed"} < set(options)
    keys = [option.split("=")[0] for option in options]
    assert len(keys) == len(set(keys))  # Hydra would refuse a key that comes twice


WANTED = {"cpu": {1, 4}, "cuda": {1, 4, 16, 64}}  # the batches


@pytest.mark.parametrize("plan", [cpu_plan(), gpu_plan(False), gpu_plan(True)])
def test_every_generator_objective_and_batch_has_what_was_asked_for(plan: Plan) -> None:
    rows: dict[tuple, set[str]] = {}
    for name, cell in plan.cells():
        rows.setdefault((cell.generator, cell.objective, cell.batch), set()).add(name)
    generators, objectives = ("unet", "resnet9"), ("vanilla", "wgan-gp")
    for row in product(generators, objectives, WANTED[plan.device]):
        assert rows.get(row, set()) >= {BARE, *ASKED_FOR}, row
    assert any("compile" in name for names in rows.values() for name in names)


@pytest.mark.parametrize("full", [True, False])
def test_what_has_a_target_on_a_gpu_is_measured_with_graphs(full: bool) -> None:
    """The target is for the fastest variant: without it a row would report a miss."""
    rows: dict[tuple, set[str]] = {}
    for name, cell in gpu_plan(full).cells():
        rows.setdefault((cell.generator, cell.objective, cell.batch), set()).add(name)
    judged = {row: names for row, names in rows.items() if row[2] >= 16 or row[2] in GPU_LEAST}
    assert len(judged) == 12
    for row, names in judged.items():
        assert "+ compile + graphs" in names, row
        assert ("+ torch.compile" in names) == (full or row[2] == 16), row


def test_no_cell_is_measured_twice_and_a_rows_bare_loop_comes_first() -> None:
    for plan in (cpu_plan(), gpu_plan(True)):
        cells = plan.cells()
        assert len(set(cells)) == len(cells)
        seen = set()
        for name, cell in cells:
            row = (cell.generator, cell.objective, cell.batch, cell.size)
            assert (name == BARE) == (row not in seen), (name, row)
            seen.add(row)


@pytest.mark.parametrize("native", [True, False])
def test_what_takes_turns_with_the_bare_loop(native: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.plan.bfloat16_arithmetic", lambda: native)
    emulated = set() if native else {BF16}
    cells = cpu_plan().cells()
    names = {name for name, _ in cells} - {BARE}
    assert {n for n, cell in cells if cell.alternate} == names
    assert {n for n, cell in cells if cell.least == 1} == {BARE} | emulated
    assert {n for n, cell in gpu_plan(False).cells() if cell.alternate} == {EAGER}


def test_options_narrow_the_plan() -> None:
    words = ["--generators", "unet", "--objectives", "vanilla", "--batches", "8", "--size", "64"]
    cells = [cell for _, cell in make_plan(parse(words), "cpu").cells()]
    assert cells and {(c.generator, c.objective, c.batch, c.size) for c in cells} == {
        ("unet", "vanilla", 8, 64)
    }
    assert len(set(cells)) == len(cells)
    with pytest.raises(SystemExit):
        parse(["--objectives", "vanila"])


def test_a_warm_up_ends_after_its_steps_or_its_seconds() -> None:
    cell = replace(gpu_plan(False).cells()[0][1], warmup=15, warmup_seconds=2.0)
    assert not cell.is_warm(14, 1.9) and cell.is_warm(15, 0.1)
    assert not cell.is_warm(4, 9.0) and cell.is_warm(5, 2.0)
