"""How all scores of a pass are made, in words."""

from i2i.images.picture_kind import PictureKind

PROTOCOL = {
    "images": "8 bit, rounded; one value per image, then the mean over images",
    "precision": "the generator runs in float32, without autocast (on a GPU PyTorch's own float32: "
    "convolutions in TF32 where that is its default)",
}


def protocol_of(kind: PictureKind) -> dict[str, str]:
    """What is said of all scores, in plain values, and of pictures that are not plain 8 bits."""
    said = dict(PROTOCOL)
    if not kind.values.plain:
        rounded = ", rounded" if kind.values.whole else ""
        said["images"] = (
            f"in the target's own values ({kind.values}){rounded}; one value per image, then the "
            "mean over images; FID, KID, LPIPS and classes are seen in 8 bits"
        )
    if kind.shown is not None:
        said["shown_channels"] = ", ".join(map(str, kind.shown))
    return said
