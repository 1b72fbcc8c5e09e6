"""Which precisions the players of a game can be trained in."""

from typing import Any

from i2i.errors import setting_error

# Lightning's names, and its short ones for the same.
PRECISIONS = ("32-true", "bf16-mixed", "16-mixed", "32", "bf16", "16")
_HALF, _DOUBLE = (
    "weights and averages in half precision",
    "float64 beside float32 images and losses",
)
REFUSED = {  # what it would be, and what to use
    "bf16-true": (_HALF, "bf16-mixed"),
    "16-true": (_HALF, "16-mixed"),
    "64-true": (_DOUBLE, "32-true"),
    "64": (_DOUBLE, "32-true"),
}


def validate_precision(precision: Any) -> None:
    """Checks that weights, losses and the optimizer's averages would be float32.

    Args:
        precision: ``trainer.precision``; None is Lightning's default, float32.

    Raises:
        SettingError: They would not. In half precision an update that is small beside its weight
            is lost; images, losses and penalties are float32 and meet no float64 weights.
    """
    if precision is None or str(precision) in PRECISIONS:
        return
    found, use = REFUSED.get(str(precision), (repr(precision), "32-true"))
    raise setting_error(
        f"trainer.precision={precision}", found, "32-true, bf16-mixed or 16-mixed",
        f"Use trainer.precision={use}; weights and losses are float32 in all three.",
    )  # fmt: skip
