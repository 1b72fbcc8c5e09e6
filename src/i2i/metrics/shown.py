"""What a system shows of a batch at validation and test."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from torch import Tensor

from i2i.data.batches import OTHER_SIDE, paired
from i2i.data.tasks.task import Task
from i2i.labels.label_pictures import LabelPictures


@dataclass
class Shown:
    """The images of a batch on one route; pictures are (B, C, H, W) in [-1, 1], of all channels.

    Attributes:
        index: Places of the sources in their side of the split, (B,).
        names: Of the sources.
        x: The sources, as the network takes them, (B, C_in, H, W); None where a system makes
            pictures of nothing.
        y: The true answers, (B, C_out, H, W), or B' other pictures of the domain that was asked
            for.
        task: How tensors become pictures.
        y_index: Places of ``y`` in their side, (B,) or (B',); None: those of the sources.
        true: Whether ``y`` are the true answers, one for each source.
        label: The domain, class or attributes that each made picture ought to be of, (B,) or
            (B, n); None where nothing is labelled.
        source_label: That of the sources.
        y_label: That of ``y``; None: ``label``.
        correct: Of a system that tells labels by itself, whether it told that of each picture
            right, or which share of it, (B,) in [0, 1].
        y_hat: What the network made, (B, C_out, H, W).
        back: ``y_hat`` translated back, as pictures, which ought to be the sources; None where
            nothing translates back.
    """

    index: Tensor
    names: list[str]
    x: Tensor | None
    y: Tensor
    task: Task
    y_index: Tensor | None = None
    true: bool = True
    label: Tensor | None = None
    source_label: Tensor | None = None
    y_label: Tensor | None = None
    correct: Tensor | None = None
    y_hat: Tensor | None = None
    back: Tensor | None = None

    @cached_property
    def source(self) -> Tensor | None:
        """The sources as pictures."""
        return None if self.x is None else self.task.input_picture(self.x)

    @cached_property
    def real(self) -> Tensor:
        """``y`` as pictures."""
        return self.task.output_picture(self.x, self.y)

    @cached_property
    def made(self) -> Tensor:
        """What the network made as pictures."""
        return self.task.output_picture(self.x, self.y_hat)

    @property
    def made_seen(self) -> Tensor:
        """Of what the network made the channels that are shown."""
        return self.task.kinds["target"].seen(self.made)

    def columns(self) -> dict[str, Tensor]:
        """What there is to look at, by name: pictures of the channels that are shown."""
        source, target = (self.task.kinds[side].seen for side in ("input", "target"))
        found = {"input": (source, self.source), "output": (target, self.made)}
        found["back"] = source, self.back
        found["target"] = target, self.real if self.true else None
        return {name: look(seen) for name, (look, seen) in found.items() if seen is not None}

    @property
    def label_maps(self) -> dict[str, LabelPictures]:
        """Which of ``columns`` are label maps of known classes."""
        sides = {"input": ("input", "back"), "target": ("target", "output")}  # the true one first
        true, made = sides.get(self.task.role or "", ("", ""))
        if self.task.classes is None or not true:
            return {}
        return {n: LabelPictures(self.task.classes, n == true) for n in (true, made)}


def shown_of(batch: Mapping[str, Any], side: str, task: Task) -> Shown:
    """What a batch holds for a route, not translated yet.

    Args:
        batch: See ``i2i.data.batches``.
        side: input or target: what the route takes; the other side is what it is to give.
        task: How tensors become pictures on that route.
    """
    other = OTHER_SIDE[side]
    x, y = batch[side], batch[other]
    if paired(batch):
        return Shown(batch["index"], batch["name"], x, y, task)
    names = batch["name" if side == "input" else "target_name"]
    return Shown(batch[f"{side}_index"], names, x, y, task, batch[f"{other}_index"], true=False)


def shown_of_label(batch: Mapping[str, Any], number: int, asked: Tensor, task: Task) -> Shown:
    """What a labelled batch holds for the route to a domain or attribute, not translated yet.

    Its sources are the pictures that are not of the domain. They are compared with the same places
    in that domain, where a batch has ``answers``, else with the pictures that are of it.

    Args:
        batch: See ``i2i.data.batches``.
        number: Of the domain or attribute.
        asked: Labels that the pictures of the batch ought to get on this route.
        task: How tensors become pictures.
    """
    label, index = batch["label"], batch["index"]
    has = label[:, number] > 0 if label.is_floating_point() else label == number
    names = [name for name, there in zip(batch["name"], has.tolist(), strict=True) if not there]
    y, y_index, true = batch["input"][has], index[has], "answers" in batch
    if true:
        y, y_index = batch["answers"][~has, number], batch["answer_index"][~has, number]
    known = {"label": asked[~has], "source_label": label[~has]}
    known["y_label"] = None if true else label[has]
    return Shown(index[~has], names, batch["input"][~has], y, task, y_index, true, **known)
