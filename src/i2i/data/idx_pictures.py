"""MNIST and sets of its form, which torchvision downloads and checks: a folder per class."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from i2i.data.built_in import BuiltInSet, write_png
from i2i.data.option_checks import one_of
from i2i.errors import setting_error
from i2i.labels.domain_names import could_name_a_file

WRITING_VERSION = 1  # raise it whenever other files come out of the same pictures
DATASETS = ("MNIST", "FashionMNIST", "KMNIST")  # those of torchvision with ten classes
SPLITS = {"train": True, "test": False}  # torchvision's ``train``


@dataclass(frozen=True)
class IdxPictures(BuiltInSet):
    """The pictures ``{train,test}/{class}/NNNNN.png``, numbered by their place in the set.

    Attributes:
        dataset: The class of torchvision: MNIST, FashionMNIST or KMNIST.
        classes: What the classes are called, in the order of their numbers, which are the names of
            their folders.
        folder: A folder in which torchvision has the set already, with DATASET/raw/ in it; None
            downloads it, and keeps nothing but the pictures.

    Raises:
        SettingError: There is no such set, or a name is none.
    """

    dataset: str
    classes: Sequence[str]
    folder: str | Path | None = None

    def __post_init__(self) -> None:
        one_of("source.dataset", self.dataset, DATASETS)
        names = [str(name) for name in self.classes]
        if not all(map(could_name_a_file, names)) or len(set(names)) < len(names) or len(names) < 2:
            raise setting_error(
                f"dataset.source.classes=[{','.join(names)}]", f"{len(set(names))} name(s) of "
                f"{len(names)}", "names of folders, each once", "Leave dataset.source.classes out; "
                "dataset.domains=[...] chooses among them.",
            )  # fmt: skip

    @property
    def title(self) -> str:  # of each set another one
        return f"the pictures of {self.dataset}"

    @property
    def record(self) -> dict[str, Any]:
        made = {"made_by": "i2i.data.idx_pictures", "version": WRITING_VERSION}
        return made | {"dataset": self.dataset, "classes": list(map(str, self.classes))}

    def fill(self, folder: Path) -> None:
        """Writes the pictures of each split, by class."""
        names = list(map(str, self.classes))
        given = None if self.folder is None else Path(self.folder)
        work = folder / "download" if given is None else given
        for split in SPLITS:
            pictures, labels = self.read(work, split, download=given is None)
            for name in names:
                (folder / split / name).mkdir(parents=True)
            for number, (picture, label) in enumerate(zip(pictures, labels, strict=True)):
                file = folder / split / names[label] / f"{number:05d}.png"
                write_png(file, picture[:, :, np.newaxis])
        if given is None:
            shutil.rmtree(work)

    def read(self, work: Path, split: str, download: bool) -> tuple[np.ndarray, np.ndarray]:
        """Reads a split as torchvision keeps it.

        Args:
            work: The folder that torchvision is given.
            split: train or test.
            download: Whether to fetch what is not there.

        Returns:
            Pictures, (n, H, W) uint8, and their classes, (n,).

        Raises:
            SettingError: It cannot be fetched or read, or is of another form.
        """
        from torchvision import datasets

        try:
            found = getattr(datasets, self.dataset)(work, train=SPLITS[split], download=download)
            pictures, labels = found.data.numpy(), found.targets.numpy()
            if pictures.ndim != 3 or len(pictures) != len(labels) or not len(labels):
                raise ValueError(f"pictures of shape {pictures.shape} and {len(labels)} labels")
            if labels.max() >= len(self.classes):
                raise ValueError(f"a class {labels.max()} of {len(self.classes)}")
        except Exception as error:  # torchvision lets out whatever sockets, zlib and files raise
            said = " ".join(str(error).split())[:300] or type(error).__name__
            raise setting_error(
                "dataset.source.folder=null" if download else f"dataset.source.folder='{work}'",
                f"no {self.dataset} ({said})",
                f"torchvision's download of {self.dataset}, whole",
                "Try again later, or put the files of "
                f"{self.dataset}/raw/ into a folder by hand and name it: dataset.source.folder=DIR."
                if download
                else f"Put train-*-ubyte and t10k-*-ubyte into '{work / self.dataset / 'raw'}', "
                "unpacked.",
            ) from error
        return pictures, labels
