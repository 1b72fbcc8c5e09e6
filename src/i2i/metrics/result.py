"""What a pass over a split ends with."""

from dataclasses import dataclass, field
from typing import Any


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
        ceiling: The three segmentation scores of the real photographs, where they were given.
        units: Those of the values that have one, by name.
    """

    values: dict[str, float]
    per_image: list[dict[str, Any]]
    n_images: int
    protocol: dict[str, Any]
    classes: dict[str, dict[str, float]] = field(default_factory=dict)
    ceiling: dict[str, float] | None = None
    units: dict[str, str] = field(default_factory=dict)
