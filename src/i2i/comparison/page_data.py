"""What the page of a comparison shows, as plain values."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from i2i.comparison.run_curves import RATE, SEEN, thinned
from i2i.comparison.run_records import Run, Scores, units_of
from i2i.comparison.variants import Examined, SameData, Variant, chosen
from i2i.comparison.verdicts import Verdict, verdicts

MOST_POINTS = 150_000  # of all curves together
POINTS = (20, 500)  # of one curve, at least and at most
RATES = (RATE, SEEN, "train/epoch")

References = Mapping[str, tuple[Scores, Run]]  # as reference_rows gives them, by name


def tables(
    sets: Sequence[SameData], references: Mapping[str, References], numbers: Mapping[int, int]
) -> list[dict[str, Any]]:
    """A table for each set of test images, and what it says of each score.

    Args:
        sets: The runs by their data.
        references: Baselines and ceilings of each set, by its title.
        numbers: Of the runs, by the identity of each.
    """
    return [_table(one, references[one.title], numbers) for one in sets]


def _table(data: SameData, references: References, numbers: Mapping[int, int]) -> dict[str, Any]:
    runs = [r.run for r in data.runs]
    more = {name: way for run in runs for name, way in run.more_is_better.items()}
    others = {name: scores for name, (scores, _) in references.items()}
    every = (name for scores in (*(r.scores for r in runs), *others.values()) for name in scores)
    names, units = list(dict.fromkeys(every)), units_of(runs)
    known = {name: more[name] for name in names if name in more}
    return {
        "title": data.title,
        "options": data.options,
        "scores": [{"name": n, "unit": units.get(n, ""), "more": more.get(n)} for n in names],
        "runs": [numbers[id(run)] for run in data.runs],
        "references": [{"name": name, "scores": scores} for name, scores in others.items()],
        "variants": [_variant(v, names, numbers) for v in data.variants],
        "verdicts": [
            _verdict(v, data.variants, units.get(v.score, ""))
            for v in verdicts(data, known, others)
        ],
    }


def _variant(variant: Variant, scores: Sequence[str], numbers: Mapping[int, int]) -> dict[str, Any]:
    spreads = {name: variant.spread(name) for name in scores}
    return {
        "name": variant.name,
        "runs": [numbers[id(run)] for run in variant.runs],
        "options": variant.options,
        "means": {n: mean for n in scores if (mean := variant.mean(n)) is not None},
        "counts": {n: len(variant.values(n)) for n in scores},  # seeds that have it
        "spreads": {n: spread for n, spread in spreads.items() if spread is not None},
    }


def _verdict(verdict: Verdict, variants: Sequence[Variant], unit: str) -> dict[str, Any]:
    pictures = verdict.pictures
    return {
        "score": verdict.score,
        "unit": unit,
        "more": verdict.more,
        "best": variants.index(verdict.best),
        "second": None if verdict.second is None else variants.index(verdict.second),
        "lead": verdict.lead,
        "spread": verdict.spread,
        "words": verdict.words,
        "pictures": None if pictures is None else vars(pictures),
        "references": verdict.references,
    }


def run_entry(examined: Examined, options: Sequence[str], base: Path) -> dict[str, Any]:
    """A run's row.

    Args:
        examined: The run.
        options: Those that differ in its table.
        base: The folder that its place is told from.
    """
    run, log = examined.run, examined.log
    return {
        "name": run.name,
        "label": run.label or "",
        "folder": run.beside(base),
        "options": {key: chosen(run, key) for key in options},
        "seed": run.option("seed") or "",
        "scores": run.scores,
        "checkpoint": run.checkpoint,
        "steps": log.step,
        "seconds": log.seconds,
        "rate": log.rate,
        "device": run.device,
        "notes": examined.notes,
        "alarms": [alarm._asdict() for alarm in examined.alarms],
    }


def curves(runs: Sequence[Examined]) -> list[dict[str, Any]]:
    """Plots by section: scores, the losses of each player, rates, health, and what else there is.

    Each has the curves of all runs, by the number of the run.
    """
    names = dict.fromkeys(name for r in runs for name in r.log.curves)
    names = [name for name in names if not name.startswith("test/")]
    total = sum(name in r.log.curves for r in runs for name in names)
    least, most = POINTS
    points = min(most, max(least, MOST_POINTS // max(total, 1)))
    units = units_of([r.run for r in runs])
    sections: dict[str, list[dict[str, Any]]] = {}
    for name in names:
        shown = {
            i: _rounded(*thinned(r.log.curves[name], points))
            for i, r in enumerate(runs)
            if name in r.log.curves
        }
        plot = {"name": name, "unit": units.get(name.removeprefix("val/"), ""), "runs": shown}
        sections.setdefault(section_of(name), []).append(plot)
    order = sorted(sections, key=lambda title: ORDER.get(title, 1))  # stable: players as they came
    return [{"title": title, "plots": sections[title]} for title in order]


ORDER = {"Scores on the validation split": 0, "Rates": 2, "Health": 3, "Others": 4}


def section_of(name: str) -> str:
    """The heading that a curve stands under."""
    split, *rest = name.split("/")
    if split == "val":
        return "Scores on the validation split"
    if rest[:1] == ["health"]:
        return "Health"
    if name in RATES or (rest and rest[0].startswith("lr")):
        return "Rates"
    return f"Losses of player {rest[0]}" if len(rest) > 1 else "Others"


def _rounded(steps: list[int], values: list[float]) -> list[list[float]]:
    return [steps, [float(f"{value:.5g}") for value in values]]
