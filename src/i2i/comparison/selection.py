"""Which runs are shown beside one another where all of them are too many."""

import math
from collections.abc import Callable, Iterable, Sequence

from i2i.comparison.variants import Examined, SameData
from i2i.comparison.verdicts import verdicts
from i2i.scores import main_score

MOST_IN_WALL = 40  # columns; nobody sees more beside one another
MOST_IN_PICTURE = 20  # columns of comparison.png


def best_of(
    runs: Sequence[Examined], most: int, route: str | None = None
) -> tuple[list[Examined], str]:
    """The best runs in the score that runs are judged by, in the order that they have.

    Args:
        runs: Of the same data.
        most: How many.
        route: Whose scores count; None: all, those of the main route first.

    Returns:
        Those, and which they are in words; empty where all are shown.
    """
    if len(runs) <= most:
        return list(runs), ""
    more = directions(runs)
    names = dict.fromkeys(name for r in runs for name in r.run.scores if name in more)
    score = main_score(n for n in names if route is None or n.rpartition("/")[0] == route)
    if score is None:
        return list(runs[:most]), f"the first {most} of {len(runs)} runs are shown"
    best = {id(r) for r in sorted(runs, key=_worst_last(score, more[score]))[:most]}
    words = f"the best {most} of {len(runs)} runs in {score} are shown"
    return [r for r in runs if id(r) in best], words


def directions(runs: Iterable[Examined]) -> dict[str, bool]:
    """Whether more is better, by score, as any of the runs says."""
    return {name: way for r in runs for name, way in r.run.more_is_better.items()}


def _worst_last(score: str, more: bool) -> Callable[[Examined], float]:
    def key(examined: Examined) -> float:
        value = examined.run.scores.get(score, math.nan)
        return math.inf if math.isnan(value) else -value if more else value

    return key


def in_verdicts(data: SameData, route: str) -> set[int]:
    """The identities of the runs that a verdict compares picture by picture.

    Args:
        data: The runs.
        route: Whose scores are meant.
    """
    more = {n: m for n, m in directions(data.runs).items() if n.rpartition("/")[0] == route}
    return {
        id(run)
        for v in verdicts(data, more, {})
        for variant in (v.best, v.second)
        if variant is not None and v.pictures is not None
        for run in variant.runs
        if v.score in run.run.scores
    }
