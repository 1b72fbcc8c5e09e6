"""The files of a split, held so that a hundred thousand of them take a few megabytes."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, overload

import numpy as np

from i2i.data.index.header_summary import HeaderSummary


class PairFiles(NamedTuple):
    """Where one pair lies."""

    name: str  # path below its folder, without suffix, with "/" on every system; or its key
    a: Path
    b: Path | None  # None: ``a`` holds both, A in its left half and B in its right, or one photo


class Texts:
    """Many short texts as one block of bytes.

    Args:
        texts: In order.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        encoded = [text.encode("utf-8", "surrogatepass") for text in texts]
        self._bytes = np.frombuffer(b"".join(encoded), np.uint8)
        self._ends = np.cumsum([0, *map(len, encoded)], dtype=np.int64)

    def __len__(self) -> int:
        return len(self._ends) - 1

    def __getitem__(self, at: int) -> str:
        text = self._bytes[self._ends[at] : self._ends[at + 1]].tobytes()
        return text.decode("utf-8", "surrogatepass")


class PairList(Sequence[PairFiles]):
    """Pairs in the order of their names, or of the rows of their table.

    The names are one block of bytes and the rest are arrays. Objects of Python's would take about a
    kilobyte a pair, and forked workers would copy them all, bit by bit, by counting references.

    Args:
        names: Of the pairs, as in ``PairFiles``, in order.
        folder_a: Folder of side A, or of the side-by-side images.
        suffixes_a: The file suffix of each pair there, dot included.
        folder_b: Folder of side B, if it has one.
        suffixes_b: Likewise.
        stems_a: Paths below ``folder_a``, without suffixes, where these are not the names.
        stems_b: Likewise below ``folder_b``.

    Attributes:
        skipped: Pairs that ``on_error="skip"`` left out.
        headers: What those of the files say of side A, or the only files, and of side B; subsets
            keep it.
        others: Names of the files that stand among those of the pairs and are not read.
    """

    skipped: int = 0
    others: Sequence[str] = ()
    headers: tuple[HeaderSummary, HeaderSummary] = (HeaderSummary(), HeaderSummary())

    def __init__(
        self,
        names: Iterable[str] = (),
        folder_a: Path = Path(),
        suffixes_a: Iterable[str] = (),
        folder_b: Path | None = None,
        suffixes_b: Iterable[str] = (),
        stems_a: Iterable[str] | None = None,
        stems_b: Iterable[str] | None = None,
    ) -> None:
        self._names = Texts(names)
        self._stems = tuple(self._names if s is None else Texts(s) for s in (stems_a, stems_b))
        self._folders = (folder_a, folder_b)
        self._kinds = sorted({*(suffixes_a := [*suffixes_a]), *(suffixes_b := [*suffixes_b])})
        number = {suffix: place for place, suffix in enumerate(self._kinds)}
        self._suffixes = tuple(
            np.array([number[suffix] for suffix in suffixes], np.uint8)
            for suffixes in (suffixes_a, suffixes_b)
        )
        self._chosen: np.ndarray | None = None  # places of these pairs among all; None: all

    @property
    def folder(self) -> Path:
        """Folder of side A, or of the only files."""
        return self._folders[0]

    def fingerprint(self) -> str:
        """Says which pairs these are: their number, and a hash of their names in order.

        Sets of other pictures may have the same names. So the hash is of the sizes of a few files,
        too.
        """
        names = hashlib.sha256()
        for pair in self:
            names.update(pair.name.encode("utf-8", "surrogateescape") + b"\n")
        for place in range(0, len(self), max(len(self) // 16, 1)):
            size = self[place].a.stat().st_size
            names.update(f"{size}\n".encode())
        return f"{len(self)} images, names {names.hexdigest()[:16]}"

    def __len__(self) -> int:
        return len(self._names) if self._chosen is None else len(self._chosen)

    @overload
    def __getitem__(self, index: int) -> PairFiles: ...

    @overload
    def __getitem__(self, index: slice) -> list[PairFiles]: ...

    def __getitem__(self, index: int | slice) -> PairFiles | list[PairFiles]:
        if isinstance(index, slice):
            return [self[place] for place in range(*index.indices(len(self)))]
        if not -len(self) <= index < len(self):
            raise IndexError(f"pair {index} of {len(self)}")
        at = index % len(self)
        at = at if self._chosen is None else int(self._chosen[at])
        a, b = (
            folder and folder / f"{stems[at]}{self._kinds[suffixes[at]]}"
            for folder, stems, suffixes in zip(
                self._folders, self._stems, self._suffixes, strict=True
            )
        )
        return PairFiles(self._names[at], a, b)

    def __iter__(self) -> Iterator[PairFiles]:
        return (self[index] for index in range(len(self)))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence):
            return NotImplemented
        return len(self) == len(other) and all(a == b for a, b in zip(self, other, strict=True))

    __hash__ = None

    def __repr__(self) -> str:
        return f"PairList of {len(self)} pairs below {self._folders[0]}"

    def subset(self, indices: Iterable[int]) -> "PairList":
        """Returns the pairs at these places, in this order; the names are not copied."""
        part = object.__new__(PairList)
        part.__dict__.update(self.__dict__, skipped=0, others=())
        chosen = np.fromiter(indices, np.int32)
        part._chosen = chosen if self._chosen is None else self._chosen[chosen]
        return part

    def called(self, names: Iterable[str]) -> "PairList":
        """Returns the same files, as many, under other names; those of the files stay."""
        part = self.subset(range(len(self)))
        wide = [""] * len(self._names)
        for at, name in zip(part._chosen.tolist(), names, strict=True):
            wide[at] = name
        part._names = Texts(wide)
        return part
