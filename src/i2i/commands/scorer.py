"""What train and evaluate score a data set with."""

from typing import Any


def make_scorer(evaluator: Any, datamodule: Any) -> Any:
    """The evaluator with what it takes to see pictures and classes, segmenter included."""
    from i2i.commands.segmenter import load_segmenter
    from i2i.metrics.scorer import Scorer

    evaluator.name_data(datamodule.name)
    reader = datamodule.reader
    role = datamodule.task.label_role(reader)
    classes = None if role is None else reader.classes
    segmenter = load_segmenter(evaluator.segmenter, classes, role, datamodule.image_size)
    lossy = datamodule.has_lossy_labels
    return Scorer(evaluator, datamodule.task, classes, role, segmenter, lossy)
