"""What train and evaluate score a data set with."""

from typing import Any

from i2i.data.batches import OTHER_SIDE
from i2i.errors import setting_error


def make_scorers(evaluator: Any, datamodule: Any, model: Any) -> dict[str, Any]:
    """For each route the evaluator, with what it takes to see classes: segmenter and classifier.

    Args:
        evaluator: Its options are those of all.
        datamodule: What is scored.
        model: The system.

    Returns:
        Scorers by route, of those that it evaluates.
    """
    from i2i.commands.scoring.classifier import load_classifier
    from i2i.commands.scoring.segmenter import load_segmenter
    from i2i.metrics.class_accuracy import ITSELF
    from i2i.metrics.scorer import Scorer

    reader, several, ways = datamodule.reader, len(model.routes) > 1, model.translators()
    classifier = load_classifier(evaluator.classifier, datamodule, model)
    tells_itself, scorers = evaluator.classifier == ITSELF, {}
    for route in model.evaluates or model.routes:
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


def require_pictures(
    evaluator: Any, datamodule: Any, model: Any, split: str, processes: int, limit: int | float
) -> None:
    """Refuses a pass that has too few pictures for the metrics, or none for one of the routes.

    Args:
        evaluator: Whose metrics they are.
        datamodule: What is scored.
        model: The system.
        split: Its name.
        processes: How many share the pass.
        limit: ``trainer.limit_val_batches`` or ``limit_test_batches``.

    Raises:
        SettingError: It has.
    """
    from i2i.data.batch_sampler import images_of_a_pass

    samples = datamodule.samples(split)
    # A pass goes through the first ones, whatever the number of processes.
    seen = images_of_a_pass(len(samples), datamodule.eval_batch_size, processes, limit)
    labels = None if samples.labels is None else samples.labels[:seen]
    if labels is None or not seen:
        evaluator.check_size(split, min(seen, datamodule.smaller_side(split)))
    else:
        evaluator.check_size(split, fewest_of_a_route(model, labels, samples.answers, split))


def fewest_of_a_route(model: Any, labels: Any, answers: bool, split: str) -> int:
    """The pictures that the route with the fewest makes, or has real ones of.

    Args:
        model: The system.
        labels: Of the pictures of a pass.
        answers: Whether each picture's place is known in every domain.
        split: Its name.

    Raises:
        SettingError: A route has none.
    """
    found = model.pictures_of(labels, answers)
    asked = {route: found[route] for route in model.evaluates or model.routes}
    for route, (made, real) in asked.items():
        if not made or not real:
            raise setting_error(
                f"split={split}", f"{'only' if real else 'no'} pictures of '{route}' among the "
                f"{len(labels)} that are gone through", "some of it and some of others",
                "Leave its name out of dataset.attributes or dataset.domains, add pictures, or "
                "leave out what limits the batches (trainer.limit_*_batches).",
            )  # fmt: skip
    return min(map(min, asked.values()))
