"""Checks on the options of a data set that need no file."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from i2i.errors import setting_error
from i2i.images.reading import WITH_ALPHA
from i2i.images.transparency import KEEP, Background, background_of
from i2i.labels.palette import ClassPalette

Split = Literal["train", "val", "test"]
SPLITS: tuple[Split, ...] = ("train", "val", "test")


def one_of(key: str, value: Any, allowed: tuple[Any, ...], node: str = "dataset") -> Any:
    """Returns the value of ``<node>.<key>``, or raises a SettingError that names the choices."""
    if value not in allowed:
        names = ", ".join("null" if choice is None else str(choice) for choice in allowed)
        raise setting_error(
            f"{node}.{key}",
            f"'{value}'",
            f"one of {names}",
            f"For example {node}.{key}={allowed[0]}.",
        )
    return value


def at_least(key: str, value: int, least: int) -> int:
    """Returns the whole number of ``dataset.<key>``, or raises a SettingError with its bound."""
    if not isinstance(value, int) or value < least:
        raise setting_error(
            f"dataset.{key}={value}",
            "that value",
            f"a whole number of {least} or more",
            f"For example dataset.{key}={max(least, 1)}.",
        )
    return value


def not_negative(key: str, value: float) -> float:
    """Returns the number of ``dataset.<key>``, or raises a SettingError if it is below 0."""
    if not isinstance(value, int | float) or not 0 <= value < float("inf"):
        raise setting_error(
            f"dataset.{key}={value}", "that value", "0 or more", f"For example dataset.{key}=0."
        )
    return value


def background_for(value: Any, channels: Sequence[int]) -> Background:
    """Returns what ``dataset.background`` asks for.

    Args:
        value: The option.
        channels: Of input and target.

    Raises:
        SettingError: It is no colour, or ``keep`` where no side has a channel for alpha.
    """
    background = background_of(value)
    if background == KEEP and not set(channels) & set(WITH_ALPHA):
        raise setting_error(
            "dataset.background=keep", f"sides of {channels[0]} and {channels[1]} channels",
            "4 channels, or 2 of grey with alpha, on a side whose alpha is kept",
            "Add dataset.input_channels=4 or dataset.target_channels=4.",
        )  # fmt: skip
    return background


def check_held_out(
    split: str, held: float, splits: Mapping[str, str | None], in_a_table: bool = False
) -> None:
    """Makes sure that a split is either published or held out of the training pairs.

    Args:
        split: val or test.
        held: Pairs to hold out, or a share below 1.
        splits: Folder of each split, None where there is none.
        in_a_table: Whether a table says which splits there are, once it is read.

    Raises:
        SettingError: It is both, there is nothing to hold out from, or the number is none.
    """
    if held < 0 or (held > 1 and held != int(held)):
        raise setting_error(
            f"dataset.{split}_from_train={held}", "that value",
            "a whole number of pairs, or a share below 1", f"Say dataset.{split}_from_train=0.1.",
        )  # fmt: skip
    published = splits[split] is not None and not in_a_table
    if held and (published or splits["train"] is None):
        raise setting_error(
            f"dataset.{split}_from_train={held}",
            f"dataset.splits with train={splits['train']} and {split}={splits[split]}",
            f"a training split to hold out from, and no {split} split",
            f"Set dataset.{split}_from_train=0, or dataset.splits.{split}=null.",
        )


def check_labels_known(
    label_as: str, label_files: str, label_side: str | None, classes: ClassPalette | None
) -> None:
    """Makes sure that class ids are asked only of a set whose classes are known.

    Raises:
        SettingError: There is no label side, or it has no classes.
    """
    asked = [
        f"dataset.{key}={value}"
        for key, value in (("label_as", label_as), ("label_files", label_files))
        if value != "colours"
    ]
    if classes is not None and label_side is None:
        asked.append("dataset.classes")
    missing = "dataset.label_side" if label_side is None else "dataset.classes"
    if asked and (label_side is None or classes is None):
        raise setting_error(
            asked[0], f"no {missing}", "a side that is a label map, and its classes",
            f"Set {missing} (see conf/dataset/camvid.yaml), or leave {asked[0]} out.",
        )  # fmt: skip


def check_single(single: bool, b_folder: str | None, task: object | None) -> None:
    """Makes sure that single photographs come with a task, and from one folder.

    Raises:
        SettingError: There is no task, or a second folder.
    """
    if single and task is None:
        raise setting_error(
            "dataset.single=true", "photographs, and no task that makes pairs of them",
            "a task", "Add task=colorization, inpainting, super_resolution or edges.",
        )  # fmt: skip
    if single and b_folder is not None:
        raise setting_error(
            f"dataset.b_folder='{b_folder}'", "a second folder", "none with dataset.single=true",
            "Leave one of the two out.",
        )  # fmt: skip


def check_ways_to_pair(
    pair_by: Any, pairs: Any, sizes: Any, has_pairs: bool, one_picture: bool
) -> None:
    """Makes sure that rules of pairing are asked only of a set of pairs, and one of them.

    Args:
        pair_by: ``dataset.pair_by``.
        pairs: ``dataset.pairs``.
        sizes: ``dataset.sizes``.
        has_pairs: ``dataset.has_pairs``.
        one_picture: Whether each file is a photograph, or has attributes.

    Raises:
        SettingError: They do not go together.
    """
    one_of("sizes", sizes, ("equal", "scale"))
    asked = {"pair_by": pair_by is not None, "pairs": pairs is not None, "sizes": sizes == "scale"}
    given = {"pair_by": pair_by, "pairs": pairs, "sizes": sizes}
    for key in (key for key, is_asked in asked.items() if is_asked):
        if one_picture or not has_pairs:
            raise setting_error(
                f"dataset.{key}={given[key]}", "a set of single pictures" if one_picture else
                "dataset.has_pairs=false", "a set of pairs", f"Leave dataset.{key} out, or choose "
                "dataset=folder; dataset.pairing=unpaired learns from pairs without using them.",
            )  # fmt: skip
    if asked["pair_by"] and asked["pairs"]:
        raise setting_error(
            f"dataset.pair_by={pair_by}", f"dataset.pairs={pairs} beside it", "one of the two",
            "The table names the pairs already: leave dataset.pair_by out.",
        )  # fmt: skip


def check_id_files(label_files: str, n_folders: int) -> None:
    """Makes sure that class ids lie in files of their own.

    Raises:
        SettingError: They are asked of side-by-side images.
    """
    if label_files == "ids" and n_folders == 1:
        raise setting_error(
            "dataset.label_files=ids", "side-by-side images", "class ids in files of their own",
            "Set dataset.a_folder and dataset.b_folder, or dataset.label_files=colours.",
        )  # fmt: skip


def check_same_size(image_size: tuple[int, int], augmented: tuple[int, int]) -> None:
    """Makes sure that the augmentation makes images of ``dataset.image_size``.

    Raises:
        SettingError: It makes others.
    """
    if augmented != image_size:
        raise setting_error(
            f"dataset.image_size={list(image_size)}",
            f"augmentation.image_size={list(augmented)}", "the same size in both",
            "Leave augmentation.image_size out, so that it follows dataset.image_size.",
        )  # fmt: skip


def check_crop(crop: Any, sizes: str) -> None:
    """Makes sure that no pixels are counted in sides that have other ones.

    Raises:
        SettingError: They are.
    """
    if crop is not None and sizes == "scale":
        raise setting_error(
            "dataset.sizes=scale", f"dataset.crop={crop}, in pixels of two sizes",
            "one of the two", "Leave dataset.crop out, or resize the files.",
        )  # fmt: skip
