"""What turns with the bare loop say, on made-up times that a machine disturbs."""

import pytest

from benchmarks.turns import compare, spread


def test_each_block_is_compared_with_the_bare_blocks_before_and_after_it() -> None:
    found = compare([2.0, 4.0], [1.0, 3.0])  # in the order 2, 1, 4, 3
    assert found["pairs"] == 3
    assert found["ratio_in_turns"] == pytest.approx(0.5)  # of 1/2, 3/4 and 1/4
    assert found["ratio_quartiles"] == pytest.approx((0.375, 0.625))
    assert found["overhead_s"] == pytest.approx(1.0)  # of 1, 1 and 3


def test_a_drift_of_the_machine_cancels() -> None:
    times = [1.0 * 1.02**i for i in range(40)]  # twice as slow at the end
    found = compare(times[::2], times[1::2])
    assert found["ratio_in_turns"] == pytest.approx(1.0, abs=0.021)
    late = sum(times[20:]) / sum(times[:20])
    assert late > 1.4  # what two loops one after the other would have been told


def test_a_disturbance_moves_the_ratio_little() -> None:
    ours, bare = [1.1] * 9, [1.0] * 9
    ours[4] = 20.0
    assert compare(ours, bare)["ratio_in_turns"] == pytest.approx(1 / 1.1)
    assert sum(bare) / sum(ours) < 0.4  # the ratio of the sums


def test_the_spread_of_one_value_is_that_value() -> None:
    assert spread([3.0]) == (3.0, 3.0)
    assert spread([1.0, 2.0, 3.0, 4.0, 5.0]) == (2.0, 4.0)
