"""Which run is best in each score, by how much, and whether that is more than seeds do."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from i2i.comparison.run_records import Scores
from i2i.comparison.variants import SameData, Variant, average, deviation


@dataclass
class Pictures:
    """Two variants, picture by picture; of several seeds the mean of each picture counts.

    Attributes:
        n: Pictures that both have scores of.
        second: On how many the second best is better.
        equal: On how many none is.
        gain: Mean lead of the best.
        error: Standard error of that mean over the pictures; NaN for fewer than two.
    """

    n: int
    second: int
    equal: int
    gain: float
    error: float


@dataclass
class Verdict:
    """What a table says of one score.

    Attributes:
        score: Its name.
        more: Whether more of it is better.
        best: The best variant.
        second: The next one; None where there is one alone.
        lead: By how much the best is better, 0 or more; NaN where there is no second.
        spread: The larger standard deviation over seeds of the two; None where one of them has a
            single seed.
        words: What that means.
        pictures: The two, picture by picture; None where the score is none of single pictures.
        references: Baselines and ceilings that are better than the best.
    """

    score: str
    more: bool
    best: Variant
    second: Variant | None
    lead: float
    spread: float | None
    words: str
    pictures: Pictures | None
    references: list[str]


def verdicts(
    data: SameData, more_is_better: Mapping[str, bool], references: Mapping[str, Scores]
) -> list[Verdict]:
    """A verdict for each score that has a direction, in the order of the table.

    Args:
        data: Runs of the same data.
        more_is_better: By score.
        references: Scores of baselines and ceilings, by name.
    """
    found = []
    for score, more in more_is_better.items():
        means = [(v.mean(score), v) for v in data.variants]
        known = [(m, v) for m, v in means if m is not None and not math.isnan(m)]
        if known:
            known.sort(key=lambda pair: pair[0], reverse=more)
            found.append(_verdict(score, more, known, references))
    return found


def _verdict(
    score: str, more: bool, known: list[tuple[float, Variant]], references: Mapping[str, Scores]
) -> Verdict:
    (top, best), *rest = known
    better = [
        name for name, scores in references.items()
        if score in scores and (scores[score] > top if more else scores[score] < top)
    ]  # fmt: skip
    if not rest:
        return Verdict(score, more, best, None, math.nan, None, "the only one", None, better)
    value, second = rest[0]
    lead = 0.0 if top == value else abs(top - value)  # of two infinite ones there is none
    spreads = [best.spread(score), second.spread(score)]
    spread = None if None in spreads else max(s for s in spreads if s is not None)
    pictures = by_pictures(best, second, score, more)
    return Verdict(
        score, more, best, second, lead, spread, in_words(lead, spread), pictures, better
    )


def in_words(lead: float, spread: float | None) -> str:
    """Whether a lead is more than the spread over seeds."""
    if spread is None:
        return "unknown: it takes two seeds or more of both"
    if math.isnan(spread):
        return "unknown: a value is infinite"
    if lead > 2 * spread:
        return "yes, more than twice the spread"
    return "yes, but less than twice the spread" if lead > spread else "no: a draw"


def by_pictures(best: Variant, second: Variant, score: str, more: bool) -> Pictures | None:
    """The two variants picture by picture; None where the score is none of single pictures."""
    one, two = of_pictures(best, score), of_pictures(second, score)
    gains = [
        0.0 if one[name] == two[name] else (one[name] - two[name]) * (1 if more else -1)
        for name in one
        if name in two
    ]
    if not gains:
        return None
    n = len(gains)
    error = deviation(gains) / math.sqrt(n) if n > 1 else math.nan
    lost = sum(gain < 0 for gain in gains)
    return Pictures(n, lost, sum(gain == 0 for gain in gains), average(gains), error)


def of_pictures(variant: Variant, score: str) -> dict[int, float]:
    """The mean over seeds of a score of each picture, by index, where all seeds have it.

    A seed without the score, such as one that failed, is left out, as it is of the mean score.
    """
    route, _, name = score.rpartition("/")
    tables = []
    for run in (r for r in variant.runs if score in r.run.scores):
        tested = run.tests.get(route)
        if tested is None or name not in tested.scores:
            return {}
        tables.append(tested.scores[name])
    first = tables[0] if tables else {}
    return {i: average([t[i] for t in tables]) for i in first if all(i in t for t in tables)}
