"""Every variant is a command line that a user could type."""

import pytest

from benchmarks.plan import BARE, COMPILED_DEFAULT, DEFAULT, cpu_plan, gpu_plan, ladder, quick_plan
from benchmarks.cell import Cell, composed


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


@pytest.mark.parametrize(
    ("plan", "batches"), [(cpu_plan(), {1, 4}), (gpu_plan(False), {1, 4, 16, 64})]
)
def test_every_generator_objective_and_batch_is_in_the_table(plan, batches) -> None:
    rows = [(c.generator, c.objective, c.batch) for name, c in plan.cells() if name == BARE]
    wanted = {
        (g, o, b) for g in ("unet", "resnet9") for o in ("vanilla", "wgan-gp") for b in batches
    }
    assert len(rows) == len(wanted) and set(rows) == wanted
    compiled = {(c.generator, c.objective, c.batch) for n, c in plan.cells() if "compile" in n}
    assert compiled == set(plan.compiled)


def test_the_eager_loop_alone_takes_turns() -> None:
    turns = {name for name, cell in quick_plan("cpu").cells() if cell.alternate}
    assert turns == {"Lightning eager"}
