"""What train and evaluate score a data set with."""

from typing import Any

from i2i.data.batches import OTHER_SIDE


def make_scorers(evaluator: Any, datamodule: Any, model: Any, routes: Any = None) -> dict[str, Any]:
    """For each route the evaluator, with what it takes to see classes: segmenter and classifier.

    Args:
        evaluator: Its options are those of all.
        datamodule: What is scored.
        model: The system.
        routes: Those to score; None for all.

    Returns:
        Scorers by route.
    """
    from i2i.commands.classifier import load_classifier
    from i2i.commands.segmenter import load_segmenter
    from i2i.metrics.class_accuracy import ITSELF
    from i2i.metrics.scorer import Scorer

    reader, several, ways = datamodule.reader, len(model.routes) > 1, model.translators()
    classifier = load_classifier(evaluator.classifier, datamodule, model)
    tells_itself, scorers = evaluator.classifier == ITSELF, {}
    for route in routes or model.routes:
        role = datamodule.task.label_role(reader)
        if route in ways and ways[route].side == "target":
            role = OTHER_SIDE.get(role)
        classes = None if role is None else reader.classes
        # Of two ways, one may make photographs and the other one labels.
        path = evaluator.segmenter if role != "target" or not several else None
        segmenter = load_segmenter(path, classes, role, datamodule.image_size)
        own = evaluator.for_data(f"{datamodule.name}-{route}" if several else datamodule.name)
        scorers[route] = Scorer(
            own, classes, role, segmenter, datamodule.has_lossy_labels, classifier, tells_itself
        )  # fmt: skip
    return scorers
