"""The stopwatch measures what it says, on the smallest cell; times of two loops are compared."""

import logging
from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch
from hydra.utils import instantiate

from benchmarks.cell import Cell, composed
from benchmarks.training import measure_bare, measure_lightning, plain_copy, step_flops
from benchmarks.turns import compare

pytestmark = pytest.mark.bench
CELL = Cell("unet", "wgan-gp", 1, 32, base_channels=2, n_critic=2, seconds=0, least=2)


@pytest.fixture(autouse=True)
def loud() -> Iterator[None]:
    """Undoes what a measurement sets for its process."""
    logger = logging.getLogger("lightning.pytorch")
    level = logger.level
    yield
    logger.setLevel(level)


def test_each_block_is_compared_with_the_bare_blocks_before_and_after_it() -> None:
    found = compare([2.0, 4.0], [1.0, 3.0])  # in the order 2, 1, 4, 3
    assert found == {
        "pairs": 3, "ratio_in_turns": 0.5, "ratio_quartiles": (0.375, 0.625),  # 1/2, 3/4, 1/4
        "overhead_s": 1.0,  # of 1, 1 and 3
    }  # fmt: skip
    assert compare([2.0], [1.0])["ratio_quartiles"] == (0.5, 0.5)


def test_a_drift_and_a_disturbance_of_the_machine_move_the_ratio_little() -> None:
    times = [1.02**i for i in range(40)]  # twice as slow at the end
    times[10] = 50.0
    assert compare(times[::2], times[1::2])["ratio_in_turns"] == pytest.approx(1.0, abs=0.021)


@pytest.mark.parametrize("measure", [measure_bare, measure_lightning])
def test_a_step_is_a_generator_update_and_uses_up_n_critic_batches(measure) -> None:
    result = measure(CELL)
    assert len(result["blocks_s"]) == 2
    assert result["step_s"] == pytest.approx(sum(result["blocks_s"]) / 2)  # the median of two
    assert result["images_per_s"] == pytest.approx(2 / result["step_s"])
    assert result["peak_mib"] > 50 and result["set_up_s"] > 0


def test_a_variant_takes_turns_with_the_bare_loop() -> None:
    result = measure_lightning(replace(CELL, in_turns=True, least=3, block=2))
    assert len(result["blocks_s"]) == len(result["bare_blocks_s"]) == 3
    expected = compare(result["blocks_s"], result["bare_blocks_s"])
    assert {key: result[key] for key in expected} == expected


def test_a_copy_for_the_bare_loop_is_plain_and_has_the_weights() -> None:
    cfg = composed(CELL)
    network = instantiate(cfg.generator).to(memory_format=torch.channels_last)
    assert not all(p.is_contiguous() for p in network.parameters())  # the copy has to change it
    copy = plain_copy(cfg.generator, network, "cpu").state_dict()
    for name, ours in network.state_dict().items():
        assert torch.equal(ours, copy[name]) and copy[name].is_contiguous(), name
        assert ours.data_ptr() != copy[name].data_ptr(), name


def test_the_flops_of_a_step_are_those_counted_by_hand_for_the_published_networks() -> None:
    """A U-Net 256 takes 18.15 GFLOP forward; see NOTES.md for a whole step."""
    found = step_flops(Cell("unet", "vanilla", 4, 256))["flops_per_image"]
    assert found == pytest.approx(86.9e9, rel=1e-3)
