"""What translate.py reads: images and their masks, and what becomes of each."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from i2i.errors import setting_error
from i2i.inference.outputs import Output


@dataclass
class Job:
    """One image to translate.

    Attributes:
        file: The image.
        name: Its path below the input folder without suffix; the noise depends on it.
        targets: The picture to write for each sample.
    """

    file: Path
    name: str
    targets: list[Path]


def find_images(
    source: Path,
    output: Output,
    samples: int = 1,
    listed: tuple[list[Path], Path] | None = None,
) -> list[Job]:
    """What is to be translated.

    Args:
        source: An image or a folder of images.
        output: Where to.
        samples: Pictures to write for each image.
        listed: What ``images_of`` found; None looks.

    Returns:
        What is to be done for each image.

    Raises:
        SettingError: There is no image, a folder cannot be read, two images would be written to
            one file, or an input would be overwritten.
    """
    images, base = listed or images_of(source, output.folder)
    if os.path.lexists(output.folder) and not os.path.isdir(output.folder):
        raise setting_error(
            f"output={output.folder}", "a file", "a folder to write into",
            "Name a folder, or a file that ends in .png and a single image as input.",
        )  # fmt: skip
    names: dict[str, Path] = {}
    for image in images:
        name = image.relative_to(base).with_suffix("").as_posix()
        if name in names:
            raise setting_error(
                f"input={source}", f"{names[name].name} and {image.name}",
                f"one image a name: both would become {name}{output.suffix}", "Rename one of them.",
            )  # fmt: skip
        names[name] = image
    jobs = [Job(image, name, output.files(name, samples)) for name, image in names.items()]
    refuse_overwriting(jobs, output.folder)
    return jobs


def images_of(source: Path, output: Path, option: str = "input") -> tuple[list[Path], Path]:
    """The images that an option names, and the folder that their names are below.

    Args:
        source: An image or a folder of images.
        output: The folder to write to; where it lies inside ``source``, its images are no inputs.
        option: Its name, for errors.

    Raises:
        SettingError: There is no image, or a folder cannot be read.
    """
    from i2i.images.image_io import IMAGE_SUFFIXES

    wanted = "an image (" + ", ".join(sorted(IMAGE_SUFFIXES)) + ") or a folder of them"
    if os.path.isfile(source):
        return [source], source.parent
    if not os.path.isdir(source):
        found = "a pipe or a device" if os.path.exists(source) else "nothing there"
        raise setting_error(f"{option}={source}", found, wanted, "Check the path.")
    own = os.path.realpath(output) == os.path.realpath(source)
    images = images_below(source, f"{option}={source}", None if own else output)
    if not images:
        raise setting_error(f"{option}={source}", "no image", wanted, "Check the path.")
    return images, source


def refuse_overwriting(jobs: Sequence[Job], output: Path) -> None:
    """Makes sure that no file to write is one to read, by whatever name.

    Raises:
        SettingError: One is.
    """
    inputs = {identity(job.file) for job in jobs if os.path.exists(job.file)}
    for target in (target for job in jobs for target in job.targets):
        if os.path.exists(target) and identity(target) in inputs:
            raise setting_error(
                f"output={output}", f"{target.name}, which is an input", "another folder",
                "Translating into the input folder would overwrite your images.",
            )  # fmt: skip


def images_below(folder: Path, setting: str, without: Path | None = None) -> list[Path]:
    """The images of a folder and its subfolders, sorted; the other files are counted in a line.

    Args:
        folder: Where to look.
        setting: The option that names it, for the error.
        without: A folder in it whose files are not looked at.

    Raises:
        SettingError: A subfolder cannot be read.
    """
    from i2i.data.index.listing import listed, say_passed_over

    images, others = listed(folder, setting, without)
    say_passed_over(folder, others)
    return sorted(folder / below / f"{stem}{suffix}" for below, stem, suffix in images)


def noise_name(name: str, k: int, *where: object) -> str:
    """What the noise of sample k of an image is drawn from, beside the seed.

    Args:
        name: Of the image; sample 0 has this name alone.
        k: Number of the sample.
        where: What tells parts of one image apart.

    Returns:
        The parts, joined as ``stable_seed`` joins its own.
    """
    return "\x1f".join(map(str, [name, *([k] if k else []), *where]))


def identity(file: Path) -> tuple[int, int]:
    """Equal for two paths of one file."""
    status = file.stat()
    return status.st_dev, status.st_ino


def find_masks(
    mask: str | None, names: Sequence[str], task: Any, on_error: str = "raise"
) -> dict[str, Path]:
    """The mask of each image.

    Args:
        mask: The option: None, a file for all images, or a folder with a mask of each name.
        names: Of the images.
        task: What the model was trained for.
        on_error: ``skip`` lets masks be missing, and leaves it to ``mask_of`` to say so.

    Returns:
        Mask file by name; empty without the option.

    Raises:
        SettingError: The model's task takes no mask, or masks are missing.
    """
    if mask is None:
        return {}
    from i2i.data.tasks.inpainting import Inpainting

    if not isinstance(task, Inpainting):
        raise setting_error(
            f"mask={mask}", "a model whose task is not inpainting", "no mask",
            "Leave mask out, or name a checkpoint trained with task=inpainting.",
        )  # fmt: skip
    path = Path(str(mask)).expanduser()
    if os.path.isfile(path):
        return dict.fromkeys(names, path)
    if not os.path.isdir(path):
        raise setting_error(
            f"mask={mask}", "nothing there", "an image or a folder of them", "Check the path."
        )
    below = images_below(path, f"mask={mask}")
    found = {f.relative_to(path).with_suffix("").as_posix(): f for f in below}
    missing = [name for name in names if name not in found]
    if missing and (on_error != "skip" or len(missing) == len(names)):
        raise setting_error(
            f"mask={mask}", f"no mask of {missing[0]} ({len(missing)} missing)",
            "a mask of the same name for each image",
            "Add them, name one mask for all, or leave these images out with on_error=skip.",
        )  # fmt: skip
    return {name: found[name] for name in names if name in found}
