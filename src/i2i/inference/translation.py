"""One image after another through a trained network: read, translated, written, measured."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from i2i.data.pair_reader import role_of
from i2i.data.picture_values import PictureValues
from i2i.data.tasks.label_map import LabelTask
from i2i.data.tasks.masks import read_mask
from i2i.data.tasks.task import Task
from i2i.errors import SettingError, setting_error
from i2i.images.ids import read_ids
from i2i.images.notes import note_once
from i2i.images.other_types import misfit, told
from i2i.images.picture_formats import write_picture
from i2i.images.pixel_limit import MOST_PIXELS
from i2i.images.quantise import to_uint8
from i2i.images.reading import Reading
from i2i.images.transparency import DEFAULT_BACKGROUND, background_of
from i2i.images.values import BY_TYPE, PLAIN, type_name
from i2i.inference.files_to_translate import Job
from i2i.inference.form import IN_8_BITS, Form
from i2i.inference.one_file import Counts, Written, about
from i2i.inference.outputs import Output
from i2i.inference.samples import Picture, Samples, codes_of
from i2i.inference.side_by_side import part_to_translate
from i2i.inference.tiled_files import no_distance, write_in_tiles
from i2i.inference.translator import Translator
from i2i.labels.id_map import id_map_of
from i2i.messages import warn
from i2i.seeds import stable_seed


@dataclass
class Translation:
    """How one image after another is translated.

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

    def read(self, job: Job) -> tuple[Any, Any]:
        """The image of a job, (H, W, C), and its mask, (H, W) bool, or None without masks."""
        task = self.translator.task
        image = read_input(job.file, task, self.dataset, self.most_pixels)
        image = part_to_translate(image, job.file, self.dataset, self.side_by_side)
        if not self.masks:
            return image, None
        if job.name not in self.masks:
            raise setting_error(
                f"input file '{job.file}'",
                "no mask of its name",
                "a mask for each image",
                "Add it.",
            )
        return image, read_mask(self.masks[job.name], image.shape[:2], self.most_pixels)

    def write(self, job: Job, image: Any, mask: Any) -> None:
        """Translates a picture, in tiles where it is larger than one, and measures its samples."""
        scale, tiling, quality = self.translator.task.scale, self.tiling, self.output.quality
        which = self.samples.of(self.translator, job.name)
        if tiling and tiling.is_needed(scale * image.shape[0], scale * image.shape[1]):
            l1 = write_in_tiles(
                self.translator, image, mask, job, which, tiling, quality, self.form
            )  # fmt: skip
            if self.diversity:
                why = no_distance(tiling, job.file)
                self.diversity.add_l1(job.name, l1, why, codes_of(which))
            return
        form = self.form
        made = make_samples(self.translator, image, mask, job.name, which)
        if self.diversity:  # needs all of them in 8 bits; else one at a time is held
            made = list(made)
        names = [job.name]
        pictures = [form.arrays(picture, names)[0] for picture in made]
        for picture, target in zip(pictures, job.targets, strict=True):
            write_picture(target, picture, quality)
        if self.diversity:
            levels = torch.cat([to_uint8(picture, names) for picture in made])
            self.diversity.add(job.name, levels, codes_of(which))


def translate_all(translation: Translation, jobs: list[Job], on_error: str, counts: Counts) -> None:
    """Reads, translates and writes one image after another.

    Args:
        translation: How.
        jobs: What is to be done.
        on_error: ``skip`` leaves images out that cannot be translated, for whatever reason.
        counts: What becomes of the images is added to it.

    Raises:
        SettingError: An image cannot be translated.
    """
    written = Written(replaces=translation.output.overwrite is not False)
    for job in tqdm(jobs, unit="image", disable=len(jobs) < 2):
        try:
            with about(job.file):
                written.refuse(job.targets)
                translation.write(job, *translation.read(job))
                written.add(job.targets)
        except SettingError as error:
            if on_error != "skip":
                done = f"{counts.written} of {len(jobs)} images were written before"
                more = f" ({done}; overwrite=skip goes on after them.)" if counts.written else ""
                raise SettingError(f"{error}{more}") from error
            counts.left_out += 1
            warn(f"{error} Left out, as on_error=skip asks.")
            torch.cuda.empty_cache()  # does nothing where no GPU was used
        else:
            counts.written += 1


def read_input(file: Path, task: Task, node: dict[str, Any], most_pixels: int = MOST_PIXELS) -> Any:
    """The image of a file, (H, W, C); a label map of class ids in the colours of its classes."""
    labels = isinstance(task, LabelTask) and task.role == "input"
    if labels and node.get("label_files") == "ids":
        ids, its = read_ids(file, most_pixels), id_map_of(node.get("id_map"), "ids", task.classes)
        return task.classes.encode_colours(ids if its is None else its.apply(ids))
    reading = reading_of(node, most_pixels)
    stored = reading.stored(file)
    if "found" in node and role_of(node.get("label_side"), node["direction"]) != "input":
        check_type(stored, file, reading, node["found"])
    return reading.of(stored, file)


def check_type(stored: Any, file: Path, reading: Reading, found: dict[str, Any] | None) -> None:
    """Tells, once, of a picture of another type than the network was trained on.

    Args:
        stored: The picture as its file stores it.
        file: Where it comes from.
        reading: Knows by which values it is read.
        found: What the run found in its training split; None for 8 bits from 0 to 255.

    Raises:
        SettingError: It cannot be such a picture; see ``misfit``.
    """
    known = PLAIN.type if found is None else found["input"]["type"]
    if (name := type_name(stored.dtype)) == known:
        return
    picture = f"input file '{file}'"
    if error := misfit(stored, known, reading.values, picture):
        raise error
    note_once(f"type {name}", "Warning: " + told(name, known, reading.values, picture, "input"))


def reading_of(dataset: dict[str, Any], most_pixels: int = MOST_PIXELS) -> Reading:
    """How the files of a data set's inputs are read, in the values that it was trained on.

    Label maps as one-hot and the inputs of a task have other channels than their files.
    """
    values = PictureValues(dataset.get("input_range", BY_TYPE), found=dataset.get("found"))
    labels = role_of(dataset.get("label_side"), dataset["direction"]) == "input"
    one_hot = labels and dataset.get("label_as") == "onehot"
    channels = 3 if one_hot or dataset.get("task") else dataset["input_channels"]
    background = background_of(dataset.get("background", DEFAULT_BACKGROUND))
    return Reading(channels, most_pixels, background, values.of("input"))


def make_samples(
    translator: Translator, image: Any, mask: Any, name: str, which: Sequence[Picture]
) -> Iterator[torch.Tensor]:
    """Translates one image once or several times, each time with other noise, or another code.

    Args:
        translator: On its device.
        image: (H, W, C), uint8, or floats on the 0..255 scale.
        mask: (H, W) bool, or None.
        name: Of the image.
        which: For each picture the name that its noise is drawn from, and its code.

    Yields:
        (1, C, H', W') in [-1, 1] on the translator's device.
    """
    seed = stable_seed(translator.seed, "task", name)
    x = translator.task.encode_input(image, seed=seed, mask=mask)[None].to(translator.device)
    for noise, z in which:
        yield translator.pictures(x, [noise], z)
