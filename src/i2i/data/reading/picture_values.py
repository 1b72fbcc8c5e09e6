"""Which stored values are black and white on each side of a data set, and what is shown of it."""

from collections.abc import Mapping
from typing import Any

from i2i.data.paired_transforms import Role
from i2i.data.reading.pair_reader import ROLES, PairReader
from i2i.data.tasks.task import PhotoTask
from i2i.errors import setting_error
from i2i.images.picture_kind import PictureKind, understand_shown
from i2i.images.values import BY_DATA, BY_TYPE, PLAIN, Range, Values, understand_range


class PictureValues:
    """The options of a data set on the values of its pictures, and what was found in its files.

    Args:
        input_range: Which stored values are black and white: [low, high]; "type", those of the
            type; "data", percentiles of the training split. Those outside are clipped.
        target_range: The same of targets, which are also written and scored in it.
        input_shown: Channels that are shown; see ``PictureKind``.
        target_shown: Channels that are shown and that Inception and LPIPS see.
        found: The types and the ends of both sides, as a run has found them in its training split;
            None for 8 bits from 0 to 255.

    Attributes:
        ranges: What was asked, by side.
        found: ``Values`` by side.

    Raises:
        SettingError: An option has no such value.
    """

    def __init__(
        self,
        input_range: Any = BY_TYPE,
        target_range: Any = BY_TYPE,
        input_shown: Any = None,
        target_shown: Any = None,
        found: Mapping[str, Any] | None = None,
    ) -> None:
        self.ranges: dict[Role, Range] = {
            "input": understand_range(input_range, "input_range"),
            "target": understand_range(target_range, "target_range"),
        }
        self.shown: dict[Role, Any] = {"input": input_shown, "target": target_shown}
        self.found = understood(found)

    def take(self, found: Mapping[str, Any] | None) -> None:
        """Takes what a run has found.

        Raises:
            SettingError: It has found nothing, and percentiles were asked.
        """
        self.found = understood(found)
        for role, asked in self.ranges.items():
            if asked == BY_DATA and self.found is None:
                raise setting_error(
                    f"dataset.{role}_range=data", "a checkpoint that does not say which values "
                    "the percentiles were", "one of a run that was trained with them",
                    "Train a new run.",
                )  # fmt: skip

    def of(self, role: Role) -> Range:
        """What the pictures of a side are read by: once they were looked at, no longer "data"."""
        asked = self.ranges[role]
        return self.found[role].ends if asked == BY_DATA and self.found else asked

    def kinds(self) -> dict[Role, PictureKind]:
        """What the pictures of both sides are, as far as that is known."""
        found = self.found or dict.fromkeys(ROLES, PLAIN)
        return {role: PictureKind(found[role], self.shown[role]) for role in ROLES}

    def check(self, reader: PairReader, task: PhotoTask | None, labelled: bool) -> None:
        """Refuses what makes no sense together, and channels that are not there.

        Args:
            reader: Of the data set.
            task: Makes both sides of photographs; None for the pairs.
            labelled: Whether all domains are read alike.

        Raises:
            SettingError: A label map or a task has a range or shown channels, or domains have two.
        """
        for role in ROLES:
            if task is not None or role == reader.label_role:
                self.refuse_on(role, task)
            else:
                key, number = f"{role}_shown", getattr(reader, f"{role}_channels")
                self.shown[role] = understand_shown(self.shown[role], number, key)
        if labelled and self.ranges["input"] != self.ranges["target"]:
            raise setting_error(
                f"dataset.target_range={self.ranges['target']}",
                f"dataset.input_range={self.ranges['input']}, of domains that are all read alike",
                "one range with dataset.pairing=labelled", "Give both the same value.",
            )  # fmt: skip

    def refuse_on(self, role: Role, task: PhotoTask | None) -> None:
        """Refuses options on a side whose pictures are a label map, or are made by a task.

        Raises:
            SettingError: There is one.
        """
        asked = {"range": self.ranges[role], "shown": self.shown[role]}
        for option, value in asked.items():
            if value in (None, BY_TYPE):
                continue
            key = f"dataset.{role}_{option}"
            typed = f"{key}={value if isinstance(value, str) else list(value)}"
            if task is not None:
                raise setting_error(
                    typed, f"a task ({type(task).__name__}), which makes both sides of photographs "
                    "in colour", "the pictures of a pair as they are",
                    f"Leave {key} out, or leave task= out.",
                )  # fmt: skip
            raise setting_error(
                typed, "a label map on that side, whose values are classes and no quantities",
                "a side that is no label map",
                f"Leave {key} out, or set dataset.label_side to the other side or null.",
            )  # fmt: skip


def understood(found: Mapping[str, Any] | None) -> dict[Role, Values] | None:
    """What a run has found, out of its configuration.

    Raises:
        SettingError: A file says something else than a run writes.
    """
    if found is None:
        return None
    try:
        return {role: Values(**found[role]) for role in ROLES}
    except (TypeError, KeyError) as error:
        raise setting_error(
            "dataset.found", "something else than a run writes there", "types and ends of both "
            "sides", "Use another checkpoint.",
        ) from error  # fmt: skip
