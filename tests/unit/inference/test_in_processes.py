"""Several processes that read, compute and encode for one that writes."""

import multiprocessing
import os
import re
import select
import signal
import subprocess
import sys
from contextlib import closing
from functools import partial

import pytest
import torch

from conftest import ROOT
from i2i.errors import SettingError
from i2i.inference.in_processes import in_processes
from i2i.inference.overlapped import Outcome, Steps

# A process that works alone and waits: its parent is killed, and it has to end by itself.
ORPHANS = """
import os, signal, sys, time
from i2i.inference.in_processes import in_processes
from i2i.inference.overlapped import Steps

def make(group):
    print(os.getpid(), flush=True)
    time.sleep(600)

list(in_processes(range(2), lambda: Steps(lambda i: i, make, lambda i, made: made), 2))
"""


def failing(step: str, name: str, value: int) -> int:
    if name == step and value % 7 == 3:
        raise ValueError(f"{value}")
    return value


def plan(step: str, parent: int, written: list[int]) -> Steps:
    """Steps that say in which process they ran, one of which fails now and then."""

    def write(item: int, made: tuple[int, bool, int]) -> tuple[int, bool, bool, int]:
        failing(step, "write", item)
        written.append(item)
        value, elsewhere, threads = made
        return value, elsewhere, os.getpid() == parent, threads

    def encode(item: int, made: int) -> tuple[int, bool, int]:
        failing(step, "encode", item)
        return made, os.getpid() != parent, torch.get_num_threads()

    return Steps(
        lambda i: failing(step, "read", i), lambda group: [10 * failing(step, "make", group[0])],
        write, encode=encode,
    )  # fmt: skip


def outcomes(step: str = "none", workers: int = 2) -> tuple[list[Outcome], list[int]]:
    written: list[int] = []
    found = in_processes(range(40), partial(plan, step, os.getpid(), written), workers)
    return list(found), written


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_all_but_writing_is_done_elsewhere_by_one_thread_each(workers: int) -> None:
    found, written = outcomes(workers=workers)
    assert [(o.item, o.value) for o in found] == [(i, (10 * i, True, True, 1)) for i in range(40)]
    assert written == list(range(40))


@pytest.mark.parametrize("step", ["read", "make", "encode", "write"])
def test_an_error_costs_its_own_item_alone(step: str) -> None:
    found, written = outcomes(step)
    for outcome in found:
        words = str(outcome.item) if outcome.item % 7 == 3 else "None"
        assert str(outcome.error) == words
    assert written == [i for i in range(40) if i % 7 != 3]


def killed(item: int) -> int:
    if item == 5:
        os.kill(os.getpid(), signal.SIGKILL)
    return item


def test_a_process_that_is_killed_ends_the_work_in_words() -> None:
    steps = Steps(killed, lambda group: group, lambda item, made: made)
    *others, last = in_processes(range(20), lambda: steps, 2)
    assert [o.item for o in others] == list(range(len(others))) and len(others) <= 5
    assert last.item is None and isinstance(last.error, SettingError)
    assert re.search("workers=2: found a process that was killed.*Use fewer", str(last.error))


def test_one_that_is_killed_while_others_are_collected_does_so_too() -> None:
    """The pool knows of it already when the next item is handed to it."""

    def write(item: int, made: int) -> int:
        if item == 3:
            for child in multiprocessing.active_children():
                child.kill()
                child.join()
        return made

    steps = Steps(lambda item: item, lambda group: group, write)
    *_, last = in_processes(range(2000), lambda: steps, 2)
    assert last.item is None and "a process that was killed" in str(last.error)


def test_one_that_cannot_begin_says_why() -> None:
    parent = os.getpid()

    def plan() -> Steps:
        if os.getpid() != parent:
            raise OSError("no network here")
        return Steps(lambda item: item, lambda group: group, lambda item, made: made)

    found = [(o.item, str(o.error)) for o in in_processes(range(3), plan, 2)]
    assert found == [(i, "no network here") for i in range(3)]


def test_there_are_no_more_processes_than_items() -> None:
    steps = Steps(lambda _: os.getpid(), lambda group: group, lambda _, made: made)
    coming = in_processes(range(2), lambda: steps, 50)
    assert {next(coming).value for _ in range(2)} <= {
        child.pid for child in multiprocessing.active_children()
    }
    assert len(multiprocessing.active_children()) <= 2
    assert list(coming) == []


def test_whoever_stops_listening_stops_it() -> None:
    written: list[int] = []
    steps = partial(plan, "none", os.getpid(), written)
    with closing(in_processes(range(10**9), steps, 2)) as coming:
        assert [next(coming).item for _ in range(3)] == [0, 1, 2]
    assert written == [0, 1, 2]


def test_no_process_outlives_the_one_that_it_works_for() -> None:
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    if not hasattr(os, "pidfd_open"):
        pytest.skip("processes are watched through Linux's pidfd_open")
    parent = subprocess.Popen(
        [sys.executable, "-c", ORPHANS], stdout=subprocess.PIPE, text=True, env=environment
    )
    with parent:
        children = [int(parent.stdout.readline()) for _ in range(2)]
        handles = [os.pidfd_open(child) for child in children]
        parent.kill()
    for handle in handles:  # readable once the process has ended
        assert select.select([handle], [], [], 30.0)[0]
        os.close(handle)
