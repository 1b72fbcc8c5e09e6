"""What a pass over a split ends with."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from i2i.labels.class_scores import ClassShare
from i2i.metrics.class_accuracy import ClassAccuracy

SEGMENTATION = (
    "one confusion matrix over all labelled pixels of the split; class accuracy and IoU are means "
    "over classes"
)


@dataclass
class EvaluationResult:
    """What a pass found, the same on every process.

    Attributes:
        values: Means over images under the names of the metrics, in their order; with class maps
            ``labels.class_scores.SCORES``, with Inception ``inception_scores.SCORES`` (spreads are
            standard deviations over subsets and splits); ``exact_images``, the number of images
            with an infinite PSNR, where there are some.
        per_image: ``name``, ``index`` and the values of each image, by index.
        n_images: Different images seen.
        protocol: How the values were made, in plain values for a JSON file.
        classes: IoU by class name under ``model``, and under ``ceiling`` where there is one.
        ceiling: Scores that the real pictures have: the three of segmentation, class_accuracy.
        units: Those of the values that have one, by name.
    """

    values: dict[str, float]
    per_image: list[dict[str, Any]]
    n_images: int
    protocol: dict[str, Any]
    classes: dict[str, dict[str, float]] = field(default_factory=dict)
    ceiling: dict[str, float] | None = None
    units: dict[str, str] = field(default_factory=dict)


def means_of(
    rows: list[dict[str, Any]], known: Mapping[str, Any], protocol: Mapping[str, Any]
) -> EvaluationResult:
    """The result of a pass by its images alone.

    Args:
        rows: ``name``, ``index`` and the values of each image, in order; one or more.
        known: What gave the values, by name: each has a ``protocol``.
        protocol: How the values were made, as far as it goes for all.
    """
    values: dict[str, float] = {}
    found = {**protocol, "n_images": len(rows)}
    for name in (key for key in rows[0] if key in known):
        values[name] = math.fsum(row[name] for row in rows) / len(rows)
        found[name] = known[name].protocol
    if "psnr" in values:
        count_exact(rows, values, found)
    return EvaluationResult(values, rows, len(rows), found)


def count_exact(rows: list[dict[str, Any]], values: dict, protocol: dict) -> None:
    """Counts the images that equal their target, whose PSNR is infinite, where there are any."""
    finite = [row["psnr"] for row in rows if math.isfinite(row["psnr"])]
    if len(finite) < len(rows):
        values["exact_images"] = float(len(rows) - len(finite))
        protocol["psnr_note"] = (
            f"{len(rows) - len(finite)} of {len(rows)} images equal their target, so the mean is "
            f"infinite; the mean of the others is {math.fsum(finite) / len(finite):.4f} dB"
            if finite
            else "every image equals its target"
        )


def add_classes(result: EvaluationResult, classes: ClassShare) -> None:
    """Adds the scores of class maps, where there were any."""
    made, ceiling = classes.result("made"), classes.result("ceiling")
    if made is None:
        return
    result.values |= made.scores
    result.classes["model"] = made.classes
    if ceiling is not None:
        result.classes["ceiling"], result.ceiling = ceiling.classes, ceiling.scores
    for row in result.per_image:
        row["pixel_accuracy"] = classes.pixel_accuracy(row["index"])
    result.protocol["segmentation"] = f"{SEGMENTATION}; n = {len(classes.made)} images"


def add_told(result: EvaluationResult, told: Mapping[int, float]) -> None:
    """Adds to the ceiling what a classifier says of the real pictures, by place, if asked."""
    if told:
        mean = math.fsum(told[i] for i in sorted(told)) / len(told)
        result.ceiling = (result.ceiling or {}) | {ClassAccuracy.name: mean}
