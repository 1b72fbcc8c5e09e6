"""Python values across the processes of a distributed run; with one process, nothing happens."""

from collections.abc import Callable
from typing import TypeVar

from torch import distributed

T = TypeVar("T")


def in_group() -> bool:
    """Says whether there is a process group to talk to."""
    return distributed.is_available() and distributed.is_initialized()


def is_first() -> bool:
    """Says whether this is the process that writes for all."""
    return not in_group() or distributed.get_rank() == 0


def gathered(mine: T) -> list[T]:
    """Collects what every process has, by rank; the sizes may differ. All call it together."""
    if not in_group():
        return [mine]
    everyone: list = [None] * distributed.get_world_size()
    distributed.all_gather_object(everyone, mine)
    return everyone


def on_first(mine: T) -> list[T] | None:
    """Collects what every process has, by rank, on rank zero alone. All call it together."""
    if not in_group():
        return [mine]
    everyone: list | None = [None] * distributed.get_world_size() if is_first() else None
    distributed.gather_object(mine, everyone)
    return everyone


def made_once(make: Callable[[], T]) -> T:
    """Makes a value on rank zero and hands it to every process. All call it together.

    Args:
        make: Called on rank zero only. What it raises is raised on every process, since the others
            would otherwise wait for ever.

    Returns:
        The value, equal to the bit everywhere.
    """
    if not in_group():
        return make()
    made: list = [None, None]
    if distributed.get_rank() == 0:
        try:
            made[0] = make()
        except Exception as error:
            made[1] = error
    distributed.broadcast_object_list(made, src=0)
    if made[1] is not None:
        raise made[1]
    return made[0]
