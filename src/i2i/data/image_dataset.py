"""The samples of a split, read from files, as a PyTorch data set."""

from contextlib import suppress
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from i2i.data.batch_sampler import SampleKey
from i2i.data.batches import Batch
from i2i.data.paired_transforms import PairedTransform, Role, crop_centre
from i2i.data.pairing import Part, Samples
from i2i.data.reading.damage import Unreadable, in_its_place
from i2i.data.reading.image_cache import ImageCache
from i2i.data.reading.pair_reader import PairReader
from i2i.data.reading.sides import Unit
from i2i.data.tasks.task import Task
from i2i.images.ranges import to_planes
from i2i.images.stored import ImageError
from i2i.seeds import stable_seed


class CachePart(NamedTuple):
    """Where a data set keeps its images after the resize, which comes before all that is drawn."""

    cache: ImageCache
    first: int  # entry of its first unit
    jittered: bool  # the size that is kept: the one that the jitter needs, or the evaluation's


class ImageDataset(Dataset[Batch]):
    """Reads samples from disk.

    A plain integer as key gives the sample as evaluation sees it (resized, nothing random); a
    ``SampleKey`` gives it as training sees it (jittered by the key's seed). What a task draws comes
    from the key's seed in training, from the image's name in evaluation.

    With ``reader.on_error="skip"`` another sample of the split takes the place of a training sample
    whose files cannot be read; which one follows from its key.

    Args:
        samples: What each is made of.
        reader: How the files are to be understood.
        task: What the network is shown; None for the two sides as they are.
        crop: (height, width) of the middle of each image that is kept, before the resize; None
            keeps all.
        transform: Resizes and jitters; None leaves sizes as they are.
        kept: Where images are kept in memory; None reads each from disk each time. Changes none.
        as_levels: Gives images whose encoding is plain as uint8 levels, for ``finish``.
        check_labels: Refuses a label map with colours of no class, when this process reads it for
            the first time.

    Attributes:
        unreadable: Counts the files that could not be read; None where they are errors.
    """

    def __init__(
        self,
        samples: Samples,
        reader: PairReader,
        *,
        task: Task | None = None,
        crop: tuple[int, int] | None = None,
        transform: PairedTransform | None = None,
        kept: CachePart | None = None,
        as_levels: bool = False,
        check_labels: bool = False,
    ) -> None:
        self.samples, self.reader, self.crop, self.transform = samples, reader, crop, transform
        self.task, self.kept, self.as_levels = task or Task(), kept, as_levels
        self.label = self.task.label_role(reader)
        checks = check_labels and reader.classes is not None
        skips = reader.on_error == "skip"
        self.unreadable = Unreadable(samples.n_units) if skips else None
        self._unchecked = bytearray(b"\1") * samples.n_units if checks else None

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, key: int | SampleKey) -> Batch:
        try:
            return self._sample(*(key if isinstance(key, SampleKey) else (int(key), None)))
        except ImageError as error:
            if self.unreadable is None or not isinstance(key, SampleKey):
                raise
            damaged = error
        for other in in_its_place(key, len(self)):
            with suppress(ImageError):
                return self._sample(*other)
        raise damaged

    def _sample(self, index: int, seed: int | None) -> Batch:
        parts, known, everywhere = self.samples.plan(index, seed)
        images: Batch = {}
        for part in parts:
            images |= zip(part.keys, self._shown(part), strict=True)
        if everywhere:
            answers = [image for part in everywhere for image in self._shown(part)]
            images |= {"input": answers[known["label"]], "answers": torch.stack(answers)}
        return images | known

    def _shown(self, part: Part) -> tuple[Tensor, ...]:
        """What the network is shown of a part of a sample."""
        images = self._resized(part.unit, jittered=part.seed is not None)
        if part.role is not None:  # which is all that the unit has, or one of its two
            images = (images[-1] if part.role == "target" else images[0],)
        if self.transform is not None and part.seed is not None:
            label = self._label_among(part.role)
            images = self.transform.jitter(images, part.seed, label=label)
        if self.as_levels and self.task.plain and all(i.dtype == np.uint8 for i in images):
            return tuple(map(to_planes, images))
        seed = stable_seed("task", part.unit.files.name) if part.seed is None else part.seed
        if part.role is None:
            return tuple(self.task.encode(*images, seed))
        return (self.task.encode_role(part.role, *images, seed),)

    def _resized(self, unit: Unit, jittered: bool) -> tuple[np.ndarray, ...]:
        """The images of a unit, with nothing drawn yet: kept ones, or from disk."""
        keeps = self.kept is not None and self.kept.jittered == jittered
        images = self.kept.cache.get(self.kept.first + unit.entry) if keeps else None
        if images is not None:
            return images
        check = self._unchecked is not None and bool(self._unchecked[unit.entry])
        images = self._read(unit, check, counts=jittered)
        if check:
            self._unchecked[unit.entry] = 0  # costs as much as reading a PNG: once is enough
        if self.crop is not None:
            images = tuple(crop_centre(image, self.crop, unit.files.name) for image in images)
        if self.transform is not None:
            label = self._label_among(unit.role)
            images = self.transform.resize(images, label=label, jittered=jittered)
        if keeps:
            self.kept.cache.put(self.kept.first + unit.entry, images)
        return images

    def _read(self, unit: Unit, check: bool, counts: bool) -> tuple[np.ndarray, ...]:
        try:
            return self.task.read(self.reader, unit.files, check, unit.role)
        except ImageError as error:
            if counts and self.unreadable is not None:
                self.unreadable.add(unit.entry, error)
            raise

    def _label_among(self, role: Role | None) -> Role | None:
        """Which image is a label map, as a transform counts them: it calls the only one the input.

        Args:
            role: The one that there is; None where there are all.
        """
        if role is None or self.label is None:
            return self.label
        return "input" if role == self.label else None
