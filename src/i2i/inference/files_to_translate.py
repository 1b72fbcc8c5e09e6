"""What translate.py reads and writes: images, their masks, and the PNGs to make of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from i2i.errors import setting_error


@dataclass
class Job:
    """One image to translate.

    Attributes:
        file: The image.
        name: Its path below the input folder without suffix; the noise depends on it.
        targets: The PNG to write for each sample.
    """

    file: Path
    name: str
    targets: list[Path]


def find_images(source: Path, output: Path, samples: int = 1) -> list[Job]:
    """What is to be translated.

    Args:
        source: An image or a folder of images.
        output: The folder to write to.
        samples: Pictures to write for each image: NAME.png, or NAME_0.png, NAME_1.png and so on.

    Returns:
        What is to be done for each image.

    Raises:
        SettingError: There is no image, two would be written to one file, or an input would be
            overwritten.
    """
    images, base = images_of(source, output)
    if output.exists() and not output.is_dir():
        raise setting_error(
            f"output={output}", "a file", "a folder to write into", "Name a folder."
        )
    names: dict[str, Path] = {}
    for image in images:
        name = image.relative_to(base).with_suffix("").as_posix()
        if name in names:
            raise setting_error(
                f"input={source}", f"{names[name].name} and {image.name}",
                "one image a name: both would become the same PNG", "Rename one of them.",
            )  # fmt: skip
        names[name] = image
    jobs = [Job(image, name, sample_files(output, name, samples)) for name, image in names.items()]
    refuse_overwriting(jobs, output)
    return jobs


def images_of(source: Path, output: Path) -> tuple[list[Path], Path]:
    """The images that ``input`` names, and the folder that their names are below.

    Args:
        source: An image or a folder of images.
        output: The folder to write to; where it lies inside ``source``, its images are no inputs.

    Raises:
        SettingError: There is no image.
    """
    from i2i.images.image_io import IMAGE_SUFFIXES

    wanted = "an image (" + ", ".join(sorted(IMAGE_SUFFIXES)) + ") or a folder of them"
    if not source.exists():
        raise setting_error(f"input={source}", "nothing there", wanted, "Check the path.")
    if source.is_file():
        return [source], source.parent
    images, inside = images_below(source), output.resolve()
    if inside != source.resolve() and inside.is_relative_to(source.resolve()):
        images = [f for f in images if not f.resolve().is_relative_to(inside)]
    if not images:
        raise setting_error(f"input={source}", "no image", wanted, "Check the path.")
    return images, source


def refuse_overwriting(jobs: Sequence[Job], output: Path) -> None:
    """Makes sure that no file to write is one to read, by whatever name.

    Raises:
        SettingError: One is.
    """
    inputs = {identity(job.file) for job in jobs}
    for target in (target for job in jobs for target in job.targets):
        if target.exists() and identity(target) in inputs:
            raise setting_error(
                f"output={output}", f"{target.name}, which is an input", "another folder",
                "Translating into the input folder would overwrite your images.",
            )  # fmt: skip


def images_below(folder: Path) -> list[Path]:
    """The images of a folder and its subfolders, sorted."""
    from i2i.images.image_io import IMAGE_SUFFIXES

    files = sorted(folder.rglob("*"))
    return [f for f in files if f.suffix.lower() in IMAGE_SUFFIXES and f.is_file()]


def sample_files(output: Path, name: str, samples: int) -> list[Path]:
    """The PNGs to write for one image."""
    if samples == 1:
        return [output / f"{name}.png"]
    return [output / f"{name}_{k}.png" for k in range(samples)]


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


def find_masks(mask: str | None, names: Sequence[str], task: Any) -> dict[str, Path]:
    """The mask of each image.

    Args:
        mask: The option: None, a file for all images, or a folder with a mask of each name.
        names: Of the images.
        task: What the model was trained for.

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
    path = Path(mask).expanduser()
    if path.is_file():
        return dict.fromkeys(names, path)
    if not path.is_dir():
        raise setting_error(
            f"mask={mask}", "nothing there", "an image or a folder of them", "Check the path."
        )
    found = {f.relative_to(path).with_suffix("").as_posix(): f for f in images_below(path)}
    missing = [name for name in names if name not in found]
    if missing:
        raise setting_error(
            f"mask={mask}", f"no mask of {missing[0]} ({len(missing)} missing)",
            "a mask of the same name for each image", "Add them, or name one mask for all.",
        )  # fmt: skip
    return {name: found[name] for name in names}
