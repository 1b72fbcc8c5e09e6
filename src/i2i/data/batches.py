"""What a batch is: a dictionary of images, and of what is known about each of them.

``index`` is the place of each sample in its split, (B,) int64; the size of a batch is its length.
Images are the tensors that have a height and a width. Lists and the other tensors hold one entry
for each sample. Pairs are ``input``, ``target`` and ``name``. Where the second picture does not
show the same as the first, there are ``input_index``, ``target_index`` and ``target_name``, too:
the places of both in their own sides, and what the second is called.

Labelled samples are ``input``, ``label`` and ``name``: a picture and the number of its domain, (B,)
int64. In evaluation, where the domains show the same places, there are ``answers``, too,
(B, n_domains, C, H, W): the place of the input in each domain, in the order of their numbers.
"""

from collections.abc import Mapping
from typing import Any

from torch import Tensor

Batch = dict[str, Any]
OTHER_SIDE = {"input": "target", "target": "input"}


def size(batch: Mapping[str, Any]) -> int:
    """Number of samples."""
    return len(batch["index"])


def images(batch: Mapping[str, Any]) -> dict[str, Tensor]:
    """The images of a batch or of one sample, by key: (B, C, H, W) or (C, H, W).

    ``answers`` have one dimension more.
    """
    found = batch.items()
    return {key: value for key, value in found if isinstance(value, Tensor) and value.ndim >= 3}


def take(batch: Mapping[str, Any], part: slice) -> Batch:
    """Some samples of a batch."""
    return {key: value[part] for key, value in batch.items()}


def paired(batch: Mapping[str, Any]) -> bool:
    """Whether ``target`` is the true answer to ``input``, not only a picture of that kind."""
    return "target_index" not in batch
