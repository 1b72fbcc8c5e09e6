"""How many pictures a classifier takes for what they ought to be of."""

from torch import Tensor

from i2i.errors import setting_error

ITSELF = "itself"  # in place of a classifier's file: the system tells its own classes


class ClassAccuracy:
    """Its name, and how it is made; ``right`` is the value of each picture."""

    name = "class_accuracy"
    more_is_better = True
    unit = ""
    protocol = (
        "1 where a classifier finds the right domain or class most likely, else 0; of attributes "
        "the share that it tells right; one value per image, then the mean over images"
    )


def right(logits: Tensor, label: Tensor) -> Tensor:
    """Whether pictures are told to be what they ought to be of.

    Args:
        logits: (B, n).
        label: int64 (B,), the number of a domain or class; or floats (B, n), 0 and 1 for each
            attribute.

    Returns:
        (B,) float32: 0 or 1; of attributes the share that is told right.

    Raises:
        SettingError: The labels are of another number of classes.
    """
    attributes = label.is_floating_point()
    fits = label.shape == logits.shape if attributes else bool((label < logits.shape[1]).all())
    if not fits:
        found = f"{label.shape[1]} attributes" if attributes else f"class {int(label.max())}"
        raise setting_error(
            "metrics.classifier", f"{found} in the data", f"{logits.shape[1]} of the classifier's",
            "Train a classifier on this data set.",
        )  # fmt: skip
    if attributes:
        return ((logits > 0) == (label > 0)).float().mean(1)
    return (logits.argmax(1) == label).float()
