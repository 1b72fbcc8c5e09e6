"""Where translate.py writes: a file or a folder, the format, and what may stand there already."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from i2i.errors import setting_error
from i2i.images.formats.picture_formats import (
    FORMATS,
    OTHER_SUFFIXES,
    QUALITY,
    SUFFIXES,
    check_quality,
    wrong_format,
)


@dataclass(frozen=True)
class Output:
    """Where pictures go.

    Attributes:
        folder: It is made where needed.
        stem: What a single picture is called there, without suffix; None: as its input.
        suffix: Of the files, with the dot.
        quality: 1 to 100, where the format has one.
        overwrite: False: what stands there is refused; True: it is replaced; "skip": images whose
            pictures are all there are left out.
        note: What to tell the user about how ``output`` was understood; "" for nothing.
        open: Whether nobody chose the format, so that it follows from what is written.
    """

    folder: Path
    stem: str | None = None
    suffix: str = ".png"
    quality: int = QUALITY
    overwrite: bool | str = False
    note: str = ""
    open: bool = field(default=False, compare=False)

    def files(self, name: str, samples: int) -> list[Path]:
        """The files to write for an image: NAME.png, or NAME_0.png, NAME_1.png and so on."""
        name = self.stem or name
        if samples == 1:
            return [self.folder / f"{name}{self.suffix}"]
        return [self.folder / f"{name}_{k}{self.suffix}" for k in range(samples)]

    @property
    def place(self) -> Path:
        """What the option names: the file, or the folder."""
        return self.folder / f"{self.stem}{self.suffix}" if self.stem else self.folder

    @property
    def diversity(self) -> Path:
        """The file for how much samples differ."""
        return self.folder / (f"{self.stem}_diversity.json" if self.stem else "diversity.json")


def understand_output(
    source: Path,
    output: Any,
    output_format: Any = None,
    quality: Any = None,
    overwrite: Any = False,
) -> Output:
    """What ``output=`` means: one file, where ``input`` is one and it ends as pictures do.

    Args:
        source: The input, an image or a folder of images.
        output: The option. A folder that exists stays a folder, whatever its name; so does what
            ends in a slash.
        output_format: The option; None follows the file, else what is written.
        quality: The option.
        overwrite: The option.

    Raises:
        SettingError: The options do not go together, or one has a value that it cannot have.
    """
    if not isinstance(overwrite, bool) and overwrite != "skip":
        raise setting_error(
            f"overwrite={overwrite}", repr(overwrite), "one of false, true, skip",
            "true replaces what stands there, skip leaves it and goes on with the rest.",
        )  # fmt: skip
    if output_format not in (None, *FORMATS):
        raise wrong_format(output_format)
    path = Path(str(output)).expanduser()
    note = _why_a_folder(source, path, str(output))
    chosen = output_format or "png"
    if note is not None:
        quality = check_quality(quality, chosen)
        left_open = output_format is None
        return Output(path, None, f".{chosen}", quality, overwrite, note, left_open)
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES or output_format not in (None, SUFFIXES[suffix]):
        raise setting_error(
            f"output={output}", f"a file that ends in {path.suffix}",
            "a file that ends in " + (f".{chosen}" if output_format else ", ".join(SUFFIXES)),
            f"Name it so, or write output={output}/ for a folder of that name.",
        )  # fmt: skip
    quality = check_quality(quality, SUFFIXES[suffix])
    return Output(path.parent, path.stem, path.suffix, quality, overwrite)


def _why_a_folder(source: Path, path: Path, typed: str) -> str | None:
    """What to say of an ``output`` that is a folder; None where it is a file."""
    if path.suffix.lower() not in (*SUFFIXES, *OTHER_SUFFIXES) or not path.stem:
        return ""
    if typed.endswith(("/", os.sep)):
        return ""
    if os.path.isdir(path):
        return f"output={typed}: a folder of that name is there, and pictures are written into it"
    if os.path.isfile(source):
        return None
    return f"output={typed} is taken as a folder, as input={source} is none of a single picture"


def left_to_do(jobs: Sequence[Any], output: Output, measured: bool) -> list[Any]:
    """The jobs whose pictures are not there yet, or are to be replaced.

    Args:
        jobs: Each has ``targets``, files.
        output: Says what may stand there.
        measured: Whether samples are, in a file of their own.

    Raises:
        SettingError: A file stands there that is not to be replaced, or a folder of that name.
    """
    targets = [target for job in jobs for target in job.targets]
    standing = [target for target in targets if os.path.lexists(target)]
    folders = [target for target in standing if os.path.isdir(target)]
    if folders:
        raise setting_error(
            f"output={output.place}", f"a folder called '{folders[0]}'", "a place for a picture",
            "Name another output.",
        )  # fmt: skip
    if output.overwrite == "skip":
        return [job for job in jobs if not all(map(os.path.lexists, job.targets))]
    if measured and os.path.lexists(output.diversity):
        standing.append(output.diversity)
    if standing and not output.overwrite:
        raise setting_error(
            f"output={output.place}",
            f"'{standing[0]}', which is there already ({len(standing)} of {len(targets)} are)",
            "files that are not there yet",
            "overwrite=true replaces them, overwrite=skip leaves them and makes the others.",
        )
    return list(jobs)


@contextmanager
def made_for(folder: Path) -> Iterator[None]:
    """Takes away the folder, and those above it, that a block made and left empty by failing."""
    missing = [path for path in (folder, *folder.parents) if not os.path.lexists(path)]
    try:
        yield
    except BaseException:
        with suppress(OSError):
            for path in missing:  # from the inside out; one that is not empty ends it
                path.rmdir()
        raise
