"""What the records of older runs lack: which way a score is better."""

from collections.abc import Iterable

from i2i.scores import RECONSTRUCTION

# As the metrics' own classes say, which newer records repeat; a test compares the two.
MORE_IS_BETTER = {
    "ssim": True, "psnr": True, "mse": False, "l1": False, "lpips": False, "fid": False,
    "kid": False, "inception_score": True, "pixel_accuracy": True, "class_accuracy": True,
    "mean_iou": True,
}  # fmt: skip


def usual_directions(names: Iterable[str]) -> dict[str, bool]:
    """Whether more is better, for the scores that a record without directions is known to mean.

    Args:
        names: NAME or ROUTE/NAME; other scores than those of this project are left out.
    """
    plain = {name: name.rpartition("/")[2].removeprefix(RECONSTRUCTION) for name in names}
    return {name: MORE_IS_BETTER[own] for name, own in plain.items() if own in MORE_IS_BETTER}
