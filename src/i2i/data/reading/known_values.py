"""A data set that knows which stored values are black and white, or finds out."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from lightning.pytorch import LightningDataModule

from i2i.data.index.pair_list import PairList
from i2i.data.reading.looking_at_values import find_values
from i2i.data.reading.pair_reader import ROLES, PairReader
from i2i.data.reading.picture_values import PictureValues
from i2i.data.reading.told_of_files import check_types
from i2i.data.tasks.task import PhotoTask, Task
from i2i.images.values import BY_TYPE, PLAIN


class KnownValues(LightningDataModule):
    """What a data set knows of the values of its pictures.

    Args:
        input_range: Which stored values are black and white; see ``PictureValues``.
        target_range: Likewise.
        input_shown: Numbers of the channels that are shown.
        target_shown: Likewise.
        found: What a run has found in its training split, plain values.

    Attributes:
        values: What is known.
    """

    reader: PairReader
    task: Task
    pairing: str
    on_error: str
    files: Callable[[str], tuple[PairList, ...]]

    def __init__(
        self,
        *,
        input_range: str | Sequence[float] = BY_TYPE,
        target_range: str | Sequence[float] = BY_TYPE,
        input_shown: Sequence[int] | None = None,
        target_shown: Sequence[int] | None = None,
        found: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__()
        self.values = PictureValues(input_range, target_range, input_shown, target_shown, found)
        self._looked = found is not None

    def found_values(self) -> dict[str, Any] | None:
        """Which types and ends both sides have, as plain values; None for 8 bits from 0 to 255.

        The first call looks at files of the training split, if nothing was taken before.
        """
        if not self._looked:
            makes, alike = isinstance(self.task, PhotoTask), self.pairing == "labelled"
            found = find_values(
                self.reader, self.values.ranges, self.files("train"), task=makes, labelled=alike,
                on_error=self.on_error,
            )  # fmt: skip
            self.take_values({side: values.plain_values() for side, values in found.items()})
        found = self.values.found
        if found is None or all(values.plain for values in found.values()):
            return None
        return {side: values.plain_values() for side, values in found.items()}

    def take_values(self, found: Mapping[str, Any] | None) -> None:
        """Takes what ``found_values`` gave, in this process or in an earlier one."""
        self.values.take(found)
        readings = {
            side: replace(getattr(self.reader, side), values=self.values.of(side)) for side in ROLES
        }
        self.reader = replace(self.reader, **readings)
        self.task.kinds, self._looked = self.values.kinds(), True

    def check_types(self, splits: Sequence[str]) -> None:
        """Tells of files of another type than those of the training split, once that is known.

        Args:
            splits: Those that will be read.

        Raises:
            SettingError: They cannot be what is trained on, or was.
        """
        trained = self.values.found or dict.fromkeys(ROLES, PLAIN)
        for split in splits:
            check_types(self.files(split), self.reader, trained, split)
