"""The stopwatch measures what it says, on the smallest cell."""

import logging
from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch
from hydra.utils import instantiate

from benchmarks.cell import Cell, composed
from benchmarks.training import measure_bare, measure_lightning, plain_copy
from benchmarks.turns import compare, steps_a_block

CELL = Cell("unet", "wgan-gp", 1, 32, base_channels=2, n_critic=2, seconds=0, least=2, block=1)


@pytest.fixture(autouse=True)
def loud() -> Iterator[None]:
    """Undoes what a measurement sets for its process."""
    logger = logging.getLogger("lightning.pytorch")
    level = logger.level
    yield
    logger.setLevel(level)


@pytest.mark.parametrize("measure", [measure_bare, measure_lightning])
def test_a_step_is_a_generator_update_and_uses_up_n_critic_batches(measure) -> None:
    result = measure(CELL)
    assert len(result["blocks_s"]) == 2
    assert result["step_s"] == pytest.approx(sum(result["blocks_s"]) / 2)  # the median of two
    assert result["images_per_s"] == pytest.approx(2 / result["step_s"])
    assert result["peak_mib"] > 50 and result["set_up_s"] > 0


def test_a_variant_takes_turns_with_the_bare_loop() -> None:
    result = measure_lightning(replace(CELL, alternate=True, least=3))
    assert len(result["blocks_s"]) == len(result["bare_blocks_s"]) == 3
    expected = compare(result["blocks_s"], result["bare_blocks_s"])
    assert {key: result[key] for key in expected} == expected
    assert result["pairs"] == 5
    assert set(result["first_terms"]) >= {"train/d/penalty", "train/g/l1"}


def test_a_copy_for_the_bare_loop_is_plain_and_has_the_weights() -> None:
    cfg = composed(CELL)
    network = instantiate(cfg.generator).to(memory_format=torch.channels_last)
    copy = plain_copy(cfg.generator, network, "cpu")
    for (name, ours), theirs in zip(
        network.state_dict().items(), copy.state_dict().values(), strict=True
    ):
        assert torch.equal(ours, theirs) and theirs.is_contiguous(), name
        assert ours.data_ptr() != theirs.data_ptr(), name
    assert not all(p.is_contiguous() for p in network.parameters())  # the copy had to change it
    assert all(p.requires_grad for p in copy.parameters())


def test_a_block_takes_about_a_tenth_of_a_second() -> None:
    cell = replace(CELL, block=0)
    assert [steps_a_block(cell, s) for s in (0.002, 0.05, 3.0)] == [50, 2, 1]
    assert steps_a_block(CELL, 0.005) == 1
