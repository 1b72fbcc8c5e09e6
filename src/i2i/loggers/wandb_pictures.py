"""Pictures as W&B takes them: tables that join over runs by name, and label maps as masks."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from i2i.comparison.run_test import COLUMNS, Tested
from i2i.images.reading import COLOURS
from i2i.labels.label_pictures import LabelPictures

LabelMaps = Mapping[str, LabelPictures]  # by column


def tables_of(
    split: str, tests: Mapping[str, Tested], label_maps: Mapping[str, LabelMaps]
) -> tuple[dict[str, Any], int]:
    """A table for each route: name, input, output, target, and each score of that image.

    Only images whose pictures were kept are in it (``callbacks.test_pictures``), the same ones in
    all runs of a data set.

    Args:
        split: test or val.
        tests: What a pass left, by route; "" for the only one.
        label_maps: Which columns are label maps, by route likewise.

    Returns:
        ``wandb.Table`` by the key to log it under, and the bytes of all pictures.
    """
    tables, size = {}, 0
    for route, tested in tests.items():
        if tested.pictures:
            key = f"{split}/{route}/pictures" if route else f"{split}/pictures"
            tables[key] = table_of(tested, label_maps.get(route, {}))
            files = (file for row in tested.pictures.values() for file in row.values())
            size += sum(file.stat().st_size for file in files)
    return tables, size


def table_of(tested: Tested, label_maps: LabelMaps) -> Any:
    """The table of one route."""
    import wandb

    shown = [c for c in COLUMNS if any(c in row for row in tested.pictures.values())]
    table = wandb.Table(columns=["name", *shown, *tested.scores])
    for index, files in sorted(tested.pictures.items()):
        pictures = [image_of(files[c], label_maps.get(c)) if c in files else None for c in shown]
        scores = [values.get(index) for values in tested.scores.values()]
        table.add_data(tested.names.get(index, str(index)), *pictures, *scores)
    return table


def image_of(file: Path, labels: LabelPictures | None) -> Any:
    """A picture, and over a label map its classes with their names."""
    import wandb

    if labels is None:
        return wandb.Image(str(file))
    return wandb.Image(str(file), masks=masks_of(labels.ids(COLOURS.read(file)), labels.names))


def masks_of(ids: np.ndarray, names: Mapping[int, str]) -> dict[str, Any]:
    """What ``wandb.Image`` takes as the masks of a picture.

    Args:
        ids: The class of each pixel, (H, W) uint8.
        names: Of the classes, by id.
    """
    return {"classes": {"mask_data": ids, "class_labels": dict(names)}}
