"""Images through a trained network: read, translated, written, measured."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from i2i.bars import bar
from i2i.data.reading.pair_reader import role_of
from i2i.data.reading.picture_values import PictureValues
from i2i.data.tasks.label_map import LabelTask
from i2i.data.tasks.masks import read_mask
from i2i.data.tasks.task import Task
from i2i.errors import SettingError, setting_error
from i2i.images.formats.picture_formats import encode_picture, write_encoded
from i2i.images.ids import read_ids
from i2i.images.pixel_limit import MOST_PIXELS
from i2i.images.quantise import to_uint8
from i2i.images.reading import Reading
from i2i.images.transparency import DEFAULT_BACKGROUND, background_of
from i2i.images.values import BY_TYPE, PLAIN
from i2i.inference.files_to_translate import Job
from i2i.inference.form import IN_8_BITS, Form
from i2i.inference.in_processes import in_processes
from i2i.inference.one_file import Counts, Written, about
from i2i.inference.outputs import Output
from i2i.inference.overlapped import AHEAD, Outcome, Steps, overlapped
from i2i.inference.samples import Picture, Samples, codes_of
from i2i.inference.side_by_side import part_to_translate
from i2i.inference.tiled_files import no_distance, write_in_tiles
from i2i.inference.translator import Translator
from i2i.labels.id_map import colours_of_ids
from i2i.messages import warn

AT_ONCE = 8  # images of one size that a GPU works on together


@dataclass
class Translation:
    """How images are translated.

    Attributes:
        translator: On its device.
        dataset: The options of the data set that it was trained on, as its route sees them.
        masks: Mask file by name; empty where none was given.
        output: Where to.
        samples: Which pictures there are of each image.
        tiling: How pictures larger than a tile are cut; None translates all as a whole.
        diversity: Takes the samples of each image; None where there is one only.
        side_by_side: The option.
        most_pixels: Of a picture.
        form: As what pictures are written.
        workers: Processes of one thread each; 1: this one.
        written: The files that were.
    """

    translator: Translator
    dataset: dict[str, Any]
    masks: dict[str, Path]
    output: Output
    samples: Samples = field(default_factory=Samples)
    tiling: Any = None
    diversity: Any = None
    side_by_side: bool | None = None
    most_pixels: int = MOST_PIXELS
    form: Form = IN_8_BITS
    workers: int = 1
    written: Written = field(init=False)

    def __post_init__(self) -> None:
        self.written = Written(replaces=self.output.overwrite is not False)

    def read(self, job: Job) -> "Read":
        """The image of a job, and its mask where masks were given."""
        with about(job.file):
            task = self.translator.task
            image = read_input(job.file, task, self.dataset, self.most_pixels)
            image = part_to_translate(image, job.file, self.dataset, self.side_by_side)
            if not self.masks:
                return Read(job, image)
            if job.name not in self.masks:
                raise setting_error(
                    f"input file '{job.file}'", "no mask of its name", "a mask for each image",
                    "Add it.",
                )  # fmt: skip
            return Read(
                job, image, read_mask(self.masks[job.name], image.shape[:2], self.most_pixels)
            )

    def in_tiles(self, read: "Read") -> bool:
        """Whether an image is larger than a tile."""
        height, width = (self.translator.task.scale * side for side in read.image.shape[:2])
        return bool(self.tiling and self.tiling.is_needed(height, width))

    def make(self, group: "Sequence[Read]") -> list[list[np.ndarray]]:
        """The pictures of some images of one size; those of one in tiles are written already."""
        with about(*(read.job.file for read in group)):
            if self.in_tiles(group[0]):
                self.write_in_tiles(*group)
                return [[]]
            return self.pictures(group)

    def pictures(self, group: "Sequence[Read]") -> list[list[np.ndarray]]:
        """The pictures of some images of one size, as they are written; measures the samples."""
        names = [read.job.name for read in group]
        which = [self.samples.of(self.translator, name) for name in names]
        found: list[list[np.ndarray]] = [[] for _ in group]
        levels = []  # all samples are measured together; else one at a time is held
        for made in make_samples(self.translator, group, which):
            for pictures, one in zip(found, self.form.arrays(made, names), strict=True):
                pictures.append(one)
            if self.diversity:
                levels.append(to_uint8(made, names))
        if self.diversity:
            for samples, name, its in zip(torch.stack(levels, 1), names, which, strict=True):
                self.diversity.add(name, samples, codes_of(its))
        return found

    def write_in_tiles(self, read: "Read") -> None:
        """Translates and writes an image in tiles, and measures its samples."""
        job = read.job
        self.written.refuse(job.targets)
        which = self.samples.of(self.translator, job.name)
        l1 = write_in_tiles(
            self.translator, read.image, read.mask, job, which, self.tiling, self.output.quality,
            self.form,
        )  # fmt: skip
        if self.diversity:
            self.diversity.add_l1(job.name, l1, no_distance(self.tiling, job.file), codes_of(which))

    def encode(self, job: Job, pictures: list[np.ndarray]) -> list[bytes]:
        """The contents of an image's files; of one in tiles, which are written already, none."""
        with about(job.file):
            pairs = zip(pictures, job.targets, strict=bool(pictures))
            return [encode_picture(to, picture, self.output.quality) for picture, to in pairs]

    def write(self, job: Job, encoded: list[bytes]) -> None:
        """Writes the files of an image."""
        with about(job.file):
            if encoded:
                self.written.refuse(job.targets)
            for target, content in zip(job.targets, encoded, strict=bool(encoded)):
                write_encoded(target, content)
            self.written.add(job.targets)
            self.written.images += 1

    def steps(self) -> Steps:
        """What is done with each job."""
        # A CPU works on one image after the other anyway.
        at_once = 1 if self.translator.device.type == "cpu" else AT_ONCE
        return Steps(
            self.read, self.make, self.write, encode=self.encode, at_once=at_once,
            alike=lambda read: read.image.shape, n_bytes=lambda read: read.image.nbytes,
        )  # fmt: skip

    def outcomes(self, jobs: list[Job]) -> Iterator[Outcome]:
        """What becomes of each job; several are under way at a time, unless they are large."""
        if self.workers > 1 and len(jobs) > 1:
            return in_processes(jobs, self.steps, self.workers)
        return overlapped(jobs, self.steps(), 0 if self.tiling or len(jobs) < 2 else AHEAD)


@dataclass
class Read:
    """An image that was read.

    Attributes:
        job: Whose it is.
        image: (H, W, C), uint8, or floats on the 0..255 scale.
        mask: (H, W) bool, or None.
    """

    job: Job
    image: np.ndarray
    mask: np.ndarray | None = None


def translate_all(translation: Translation, jobs: list[Job], on_error: str, counts: Counts) -> None:
    """Reads, translates and writes one image after another, at the same time where they are small.

    Args:
        translation: How.
        jobs: What is to be done.
        on_error: ``skip`` leaves images out that cannot be translated, for whatever reason.
        counts: What becomes of the images is added to it.

    Raises:
        SettingError: An image cannot be translated.
    """
    failed = None
    with closing(translation.outcomes(jobs)) as done:
        for outcome in bar(done, unit="image", total=len(jobs), disable=len(jobs) < 2):
            if outcome.error is None:
                continue
            if on_error != "skip" or outcome.item is None:
                failed = outcome.error
                break
            counts.left_out += 1
            with tqdm.external_write_mode():  # not behind the progress bar, in its line
                warn(f"{outcome.error} Left out, as on_error=skip asks.")
            torch.cuda.empty_cache()  # does nothing where no GPU was used
    counts.written = translation.written.images  # those that waited to be written among them
    if failed is not None:
        done = f"{counts.written} of {len(jobs)} images were written"
        more = f" ({done}; overwrite=skip goes on with the rest.)" if counts.written else ""
        raise SettingError(f"{failed}{more}") from failed


def read_input(file: Path, task: Task, node: dict[str, Any], most_pixels: int = MOST_PIXELS) -> Any:
    """The image of a file, (H, W, C); a label map of class ids in the colours of its classes."""
    labels = isinstance(task, LabelTask) and task.role == "input"
    if labels and node.get("label_files") == "ids":
        return colours_of_ids(read_ids(file, most_pixels), node.get("id_map"), task.classes)
    return reading_of(node, most_pixels).read(file)


def reading_of(dataset: dict[str, Any], most_pixels: int = MOST_PIXELS) -> Reading:
    """How the files of a data set's inputs are read, in the values that it was trained on.

    Label maps as one-hot and the inputs of a task have other channels than their files.
    """
    values = PictureValues(dataset.get("input_range", BY_TYPE), found=dataset.get("found"))
    labels = role_of(dataset.get("label_side"), dataset["direction"]) == "input"
    one_hot = labels and dataset.get("label_as") == "onehot"
    channels = 3 if one_hot or dataset.get("task") else dataset["input_channels"]
    background = background_of(dataset.get("background", DEFAULT_BACKGROUND))
    trained = None
    if "found" in dataset and not labels:  # earlier versions did not look at the types of files
        trained = (values.found or {"input": PLAIN})["input"].type
    return Reading(channels, most_pixels, background, values.of("input"), trained=trained)


def make_samples(
    translator: Translator, group: Sequence[Read], which: Sequence[Sequence[Picture]]
) -> Iterator[torch.Tensor]:
    """Translates images of one size, each time with other noise, or another code.

    Args:
        translator: On its device.
        group: The images.
        which: For each picture of an image the name that its noise is drawn from, and its code.

    Yields:
        (B, C, H', W') in [-1, 1] on the translator's device: a picture of each image.
    """
    seeds = [translator.task_seed(read.job.name) for read in group]
    encoded = [
        translator.task.encode_input(read.image, seed=seed, mask=read.mask)
        for read, seed in zip(group, seeds, strict=True)
    ]
    x = torch.stack(encoded).to(translator.device)
    for pictures in zip(*which, strict=True):
        names, codes = zip(*pictures, strict=True)
        z = None if codes[0] is None else torch.cat(codes)
        yield translator.pictures(x, names, z)
