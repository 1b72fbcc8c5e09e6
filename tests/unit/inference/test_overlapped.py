"""Reading, computing and writing at the same time."""

import threading
from collections.abc import Iterator
from contextlib import closing

import pytest

from i2i.inference.overlapped import AHEAD, Outcome, Steps, overlapped

AT_MOST = 20.0  # seconds until a test that hangs fails


def outcomes(steps: Steps, n: int = 50, ahead: int = AHEAD) -> list[Outcome]:
    return list(overlapped(range(n), steps, ahead))


@pytest.mark.parametrize("ahead", [0, 1, AHEAD])
@pytest.mark.parametrize("at_once", [1, 4])
def test_every_item_goes_through_all_steps_in_order(ahead: int, at_once: int) -> None:
    written: list[int] = []

    def write(item: int, value: int) -> str:
        written.append(item)
        return f"{item}: {value}"

    steps = Steps(
        lambda i: 10 * i, lambda group: [v + 1 for v in group], write, lambda v: v // 30, at_once
    )
    found = outcomes(steps, ahead=ahead)
    assert [(o.item, o.value) for o in found] == [(i, f"{i}: {10 * i + 1}") for i in range(50)]
    assert written == list(range(50))


def test_only_neighbours_that_are_alike_are_worked_on_together() -> None:
    groups: list[list[str]] = []

    def make(group: list[str]) -> list[str]:
        groups.append(group)
        return group

    steps = Steps(lambda w: w, make, lambda w, _: w, alike=len, at_once=3)
    words = ["a", "b", "cc", "d", "e", "f", "g", "hh"]
    assert [o.value for o in overlapped(words, steps)] == words
    assert groups == [["a", "b"], ["cc"], ["d", "e", "f"], ["g"], ["hh"]]


@pytest.mark.parametrize("step", ["read", "make", "write"])
@pytest.mark.parametrize("ahead", [0, AHEAD])
def test_an_error_costs_its_own_item_alone(step: str, ahead: int) -> None:
    def failing(name: str, value: int) -> int:
        if name == step and value % 7 == 3:
            raise ValueError(f"{value}")
        return value

    steps = Steps(
        lambda i: failing("read", i), lambda group: [failing("make", v) for v in group],
        lambda i, v: failing("write", v), alike=lambda _: 0, at_once=4,
    )  # fmt: skip
    found = outcomes(steps, ahead=ahead)
    assert [o.item for o in found] == list(range(50))
    assert {o.item for o in found if o.error} == {i for i in range(50) if i % 7 == 3}
    assert all(str(o.error) == str(o.item) for o in found if o.error)


def test_the_next_are_read_while_one_is_worked_on() -> None:
    """The work on 1 waits for 2 to have been read, and its writing for 3 to be worked on."""
    read, made = {i: threading.Event() for i in range(9)}, {i: threading.Event() for i in range(9)}

    def make(group: list[int]) -> list[int]:
        (i,) = group
        made[i].set()
        if 0 < i < 8:
            assert read[i + 1].wait(AT_MOST)
        return group

    def write(i: int, value: int) -> int:
        if 0 < i < 6:
            assert made[i + 2].wait(AT_MOST)
        return value

    def reading(i: int) -> int:
        read[i].set()
        return i

    found = outcomes(Steps(reading, make, write), n=9)
    assert [o.error for o in found] == [None] * 9


def test_large_ones_are_held_one_at_a_time() -> None:
    held, most = set(), [0]

    def read(i: int) -> int:
        held.add(i)
        most[0] = max(most[0], len(held))
        return i

    def make(group: list[int]) -> list[int]:
        held.difference_update(group)
        return group

    steps = Steps(read, make, lambda i, v: v, n_bytes=lambda _: 100_000_000)
    assert len(outcomes(steps)) == 50
    assert most[0] <= 2  # the one that is worked on next, and one behind it


@pytest.mark.parametrize("at_once", [1, 3])
def test_items_that_end_in_an_error_are_finished_first(at_once: int) -> None:
    def some() -> Iterator[int]:
        yield from range(10)
        raise OSError("gone")

    steps = Steps(lambda i: i, lambda g: g, lambda i, v: v, alike=lambda _: 0, at_once=at_once)
    *before, last = overlapped(some(), steps)
    assert [o.value for o in before] == list(range(10))
    assert last.item is None and str(last.error) == "gone"


def test_nothing_is_begun_once_nobody_listens() -> None:
    taken: list[int] = []

    def endless() -> Iterator[int]:
        while True:
            taken.append(len(taken))
            yield taken[-1]

    written: list[int] = []
    steps = Steps(lambda i: i, lambda g: g, lambda i, v: written.append(i))
    with closing(overlapped(endless(), steps)) as found:
        for outcome in found:
            if outcome.item == 20:
                break
    assert len(taken) <= 20 + 3 * AHEAD + 3
    assert written == list(range(len(written))) and len(written) > 20
    assert not [t for t in threading.enumerate() if t.name.startswith("i2i-")]
