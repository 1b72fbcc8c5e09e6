"""Reading, computing and writing at the same time, with results in order."""

from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

READERS = 2  # threads
AHEAD = 8  # pictures that are read before their turn, and as many that wait to be written
MOST_BYTES = 64_000_000  # of pictures that are read before their turn, about


@dataclass
class Outcome:
    """What became of an item.

    Attributes:
        item: The item.
        value: What the last of its steps gave; None where one failed.
        error: What a step raised, if any.
    """

    item: Any
    value: Any = None
    error: Exception | None = None


@dataclass
class Steps:
    """What is done with each item, by which thread.

    Attributes:
        read: From an item to what is worked on; by several threads.
        make: From a list of those, which are alike, to a list of results; by the calling thread.
        write: From an item and what was encoded to a value; by one thread, in order.
        alike: What must be equal of those that are worked on together; None: each by itself.
        at_once: Items that are worked on together, at most.
        n_bytes: How large one is that has been read.
        encode: From an item and its result to what is written, by the thread that writes.
    """

    read: Callable[[Any], Any]
    make: Callable[[list[Any]], list[Any]]
    write: Callable[[Any, Any], Any]
    alike: Callable[[Any], Hashable] | None = None
    at_once: int = 1
    n_bytes: Callable[[Any], int] = lambda _: 0
    encode: Callable[[Any, Any], Any] = lambda _, made: made


def overlapped(items: Iterable[Any], steps: Steps, ahead: int = AHEAD) -> Iterator[Outcome]:
    """Takes items through their steps, several at a time.

    Whoever stops listening stops it: what waits to be written is written, and nothing else begun.

    Args:
        items: May be endless; few are taken before their turn.
        steps: What is done.
        ahead: Items that are read before their turn; 0 for one item after the other, which holds
            one in memory at a time. Fewer are, where they are large.

    Yields:
        An ``Outcome`` for each item, in order. Where the items end in an error, with ``ahead``
        that is the last outcome, of the item None.
    """
    if not ahead:
        yield from (one_by_one(item, steps) for item in items)
        return
    readers = ThreadPoolExecutor(READERS, "i2i-read")
    writer = ThreadPoolExecutor(1, "i2i-write")
    try:
        written: deque[Future[Outcome]] = deque()
        for outcome in made(read_ahead(items, steps, readers, ahead), steps):
            written.append(writer.submit(finished, outcome, steps))
            while written and (len(written) > ahead or written[0].done()):
                yield written.popleft().result()
        while written:
            yield written.popleft().result()
    finally:
        readers.shutdown(cancel_futures=True)
        writer.shutdown()


def one_by_one(item: Any, steps: Steps) -> Outcome:
    """All steps of one item."""
    (outcome,) = made(iter([attempt(item, steps.read, item)]), steps)
    return finished(outcome, steps)


def attempt(item: Any, step: Callable[..., Any], *given: Any) -> Outcome:
    """One step of one item."""
    try:
        return Outcome(item, step(*given))
    except Exception as error:
        return Outcome(item, error=error)


def read_ahead(
    items: Iterable[Any], steps: Steps, readers: ThreadPoolExecutor, ahead: int
) -> Iterator[Outcome]:
    """Items that are read, in order; the first one alone, to see how large they are."""
    coming: deque[Future[Outcome]] = deque()
    room, waiting, ended = 1, iter(items), None
    while True:
        while ended is None and len(coming) < room:
            try:
                item = next(waiting)
            except Exception as error:  # StopIteration, or what went wrong in making the items
                ended = error
                break
            coming.append(readers.submit(attempt, item, steps.read, item))
        if not coming:
            break
        outcome = coming.popleft().result()
        size = 0 if outcome.error else steps.n_bytes(outcome.value)
        room = max(1, min(ahead, MOST_BYTES // max(size, 1)))
        yield outcome
    if not isinstance(ended, StopIteration):
        yield Outcome(None, error=ended)


def made(read: Iterator[Outcome], steps: Steps) -> Iterator[Outcome]:
    """What is made of items that were read; those that are alike and follow one another at once."""
    group: list[Outcome] = []
    for outcome in read:
        fits = group and not outcome.error and likeness(group[0], steps) == likeness(outcome, steps)
        if group and not fits:
            yield from together(group, steps)
            group = []
        if outcome.error:
            yield outcome
            continue
        group.append(outcome)
        if steps.alike is None or len(group) >= steps.at_once:
            yield from together(group, steps)
            group = []
    if group:
        yield from together(group, steps)


def likeness(outcome: Outcome, steps: Steps) -> Hashable:
    """What must be equal of items that are worked on together."""
    return None if steps.alike is None else steps.alike(outcome.value)


def together(group: list[Outcome], steps: Steps) -> list[Outcome]:
    """Works on several at once; where that fails on each by itself, so that one alone is lost."""
    try:
        results = steps.make([outcome.value for outcome in group])
    except Exception as error:
        if len(group) == 1:
            return [Outcome(group[0].item, error=error)]
        return [found for outcome in group for found in together([outcome], steps)]
    return [Outcome(o.item, value) for o, value in zip(group, results, strict=True)]


def finished(outcome: Outcome, steps: Steps) -> Outcome:
    """The last steps of an item, unless an earlier one failed."""
    for step in (steps.encode, steps.write):
        if outcome.error is None:
            outcome = attempt(outcome.item, step, outcome.item, outcome.value)
    return outcome
