"""Which runs may stand in one table, in which options they differ, and which differ in a seed."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from statistics import fmean, stdev

from i2i.comparison.run_alarms import Alarm, read_alarms
from i2i.comparison.run_curves import Log, read_log
from i2i.comparison.run_records import Run
from i2i.comparison.run_test import Tested, read_tests
from i2i.comparison.same_images import Images
from i2i.surroundings import tried


@dataclass
class Examined:
    """All that a run's folder says.

    Attributes:
        run: Options and scores.
        log: Curves and costs.
        tests: Single images, by route.
        alarms: Failures that the run noticed in itself.
        unread: What could not be read of these.
    """

    run: Run
    log: Log = field(default_factory=Log)
    tests: dict[str, Tested] = field(default_factory=dict)
    alarms: list[Alarm] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)

    @property
    def notes(self) -> list[str]:
        """Everything that could not be read."""
        of_tests = [note for tested in self.tests.values() for note in tested.notes]
        return [*self.run.notes, *self.log.notes, *of_tests, *self.unread]


def examine(run: Run) -> Examined:
    """Reads the rest of a run's folder."""
    tests = read_tests(run.folder)
    return Examined(run, read_log(run.folder), tests, *read_alarms(run.folder))


@dataclass
class Variant:
    """Runs that differ in the seed alone.

    Attributes:
        name: What they have in common.
        runs: Those.
        options: What was tried, by option.
    """

    name: str
    runs: list[Examined]
    options: dict[str, str]

    def values(self, score: str) -> list[float]:
        """A score of each run that has it."""
        return [r.run.scores[score] for r in self.runs if score in r.run.scores]

    def mean(self, score: str) -> float | None:
        """The mean over the runs; None where none has the score."""
        return average(values) if (values := self.values(score)) else None

    def spread(self, score: str) -> float | None:
        """The standard deviation over the runs (n - 1); None for fewer than two runs."""
        values = self.values(score)
        return deviation(values) if len(values) > 1 else None


def average(values: Sequence[float]) -> float:
    """The mean; NaN where the sum is no number, as of damaged files."""
    try:
        return fmean(values)
    except (OverflowError, ValueError):  # the latter of infinities of both signs
        return math.nan


def deviation(values: Sequence[float]) -> float:
    """The standard deviation (n - 1); NaN where a value is infinite or the squares are."""
    try:
        return stdev(values) if all(map(math.isfinite, values)) else math.nan
    except OverflowError:
        return math.nan


@dataclass
class SameData:
    """Runs that were tested on the same images, and may stand in one table.

    Attributes:
        title: The data, in words.
        runs: Those.
        options: The options in which they differ, seeds aside.
        variants: The runs by what was tried.
    """

    title: str
    runs: list[Examined]
    options: list[str] = field(default_factory=list)
    variants: list[Variant] = field(default_factory=list)


def of_same_data(runs: Iterable[Examined]) -> list[SameData]:
    """The runs by the images that they were tested on.

    Those are the same where data set, image size and the names of the images are, those of each
    route that both have; see ``Images``. A run that does not say how many or which goes to the
    first ones that it may belong to.
    """
    found: list[tuple[Images, list[Examined]]] = []
    said = [(Images.of(r.run, r.tests), r) for r in runs]
    for images, run in sorted(said, key=lambda pair: pair[0].known, reverse=True):
        for known, members in found:
            if known.may_be(images):
                known.add(images)
                members.append(run)
                break
        else:
            found.append((images, [run]))
    order = {id(run): place for place, run in enumerate(runs)}
    sets = []
    for images, members in found:
        members.sort(key=lambda run: order[id(run)])
        sets.append(SameData(images.title, members))
    for title in {s.title for s in sets}:
        same = [s for s in sets if s.title == title]
        for place, one in enumerate(same if len(same) > 1 else (), 1):
            one.title += f" (images {place} of {len(same)})"
    for one in sets:
        one.options = differing(one.runs)
        one.variants = variants_of(one.runs, one.options)
    return sorted(sets, key=lambda one: order[id(one.runs[0])])


def differing(runs: Sequence[Examined]) -> list[str]:
    """The options that somebody typed and in which the runs differ, in the order of typing."""
    keys = dict.fromkeys(tried(key) for r in runs for key in r.run.options if key != "seed")
    return [key for key in keys if key and len({chosen(r.run, key) for r in runs}) > 1]


def chosen(run: Run, key: str) -> str:
    """An option as it stands in a table: equal values look alike, however they were typed."""
    text = run.option(key) or "-"
    if text.lower() in ("true", "false", "null"):
        return "-" if text.lower() == "null" else text.lower()
    try:
        number = float(text)
    except ValueError:
        return text
    if not math.isfinite(number) or (text.strip("+-").startswith("0") and text.isdecimal()):
        return text
    return repr(number).removesuffix(".0")


def variants_of(runs: Sequence[Examined], options: Sequence[str]) -> list[Variant]:
    """The runs by what was tried; of two with the same seed each is one of its own."""
    found: dict[tuple, list[Examined]] = {}
    times: dict[tuple, int] = {}
    for run in runs:
        values = tuple(chosen(run.run, key) for key in options)
        seen = (values, run.run.option("seed"))
        times[seen] = times.get(seen, -1) + 1
        found.setdefault((*values, times[seen]), []).append(run)
    variants = [
        Variant(_name(members, options, values), members, dict(zip(options, values, strict=False)))
        for values, members in found.items()
    ]
    for name in {v.name for v in variants}:
        same = [v for v in variants if v.name == name]
        for place, one in enumerate(same if len(same) > 1 else (), 1):
            one.name += f" [{place}]"
    return variants


def _name(runs: Sequence[Examined], options: Sequence[str], values: Sequence[str]) -> str:
    if len(runs) == 1:
        return runs[0].run.name
    labels = {r.run.label for r in runs}
    parts = [label for label in labels if label is not None and len(labels) == 1]
    parts += [f"{key}={value}" for key, value in zip(options, values, strict=False)]
    return f"{', '.join(parts) or 'all runs'} ({len(runs)} seeds)"
