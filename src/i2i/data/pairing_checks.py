"""Checks that a data set can be paired as asked; they need no file."""

from collections.abc import Sequence

from i2i.data.index.folder_patterns import Folder
from i2i.data.option_checks import one_of
from i2i.data.pairing import PAIRINGS, Pairing
from i2i.data.reading.pair_reader import PairReader
from i2i.errors import setting_error


def pairing_of(
    asked: Pairing | None, has_pairs: bool, name: str, has_labels: bool = False
) -> Pairing:
    """The pairing asked for, or that which the set has by itself.

    Args:
        asked: ``dataset.pairing``.
        has_pairs: ``dataset.has_pairs``.
        name: Of the data set.
        has_labels: ``dataset.has_labels``.

    Raises:
        SettingError: It is none, or the set cannot give it.
    """
    one_of("pairing", asked, (*PAIRINGS, None))
    if has_labels and asked not in ("labelled", None):
        raise setting_error(
            f"dataset.pairing={asked}", f"data set '{name}', a set of pictures with labels",
            "a set of pairs, or of two sides" if asked == "unpaired" else
            "a set whose two sides show the same", "Choose one that has them (dataset=maps), or a "
            "model that learns from labelled images.",
        )  # fmt: skip
    if asked == "paired" and not has_pairs:
        raise setting_error(
            "dataset.pairing=paired", f"data set '{name}', which has no pairs",
            "a set whose two sides show the same", "Choose one that has pairs (dataset=maps), or a "
            "model that learns without them (model=cyclegan, dataset.pairing=unpaired).",
        )  # fmt: skip
    own: Pairing = "labelled" if has_labels else "paired" if has_pairs else "unpaired"
    return asked or own


def check_labels_alone(
    has_labels: bool, has_pairs: bool, attributes: object, direction: str
) -> None:
    """Makes sure that a set has either labels of its own, or two sides.

    Args:
        has_labels: ``dataset.has_labels``.
        has_pairs: ``dataset.has_pairs``.
        attributes: ``dataset.attributes``.
        direction: ``dataset.direction``.

    Raises:
        SettingError: It has both, or attributes and no labels.
    """
    one_of("has_labels", has_labels, (True, False))
    if has_labels and has_pairs:
        raise setting_error(
            "dataset.has_labels=true", "dataset.has_pairs=true beside it", "one of the two",
            "Set dataset.has_pairs=false; pairs are read by their side with "
            "dataset.pairing=labelled.",
        )  # fmt: skip
    if has_labels and direction == "BtoA":
        raise setting_error(
            "dataset.direction=BtoA", "a set of pictures with labels, which has no sides", "AtoB",
            "Leave dataset.direction out.",
        )  # fmt: skip
    if attributes is not None and not has_labels:
        raise setting_error(
            "dataset.attributes", "dataset.has_labels=false", "a set of pictures with labels",
            "Leave dataset.attributes out, or choose dataset=celeba.",
        )  # fmt: skip


def check_pairing(
    pairing: Pairing,
    has_pairs: bool,
    folders: Sequence[Folder],
    reader: PairReader,
    task: object | None,
    attributes: object | None = None,
) -> None:
    """Makes sure that folders, channels, labels and task allow a pairing.

    Args:
        pairing: The one that the set is to have.
        has_pairs: ``dataset.has_pairs``.
        folders: Of the sides or domains.
        reader: Of the data set.
        task: Makes pairs of photographs, if there is one.
        attributes: ``dataset.attributes``, of which one folder of pictures has all.

    Raises:
        SettingError: They do not.
    """
    if not has_pairs and task is not None:
        raise setting_error(
            "task", "one that makes pairs of photographs, with dataset.has_pairs=false",
            "photographs, or a set of pairs that has them",
            "Leave task out, or read one of the folders with dataset=photos.",
        )  # fmt: skip
    if not has_pairs and len(folders) == 1 and attributes is None:
        raise setting_error(
            "dataset.has_pairs=false", f"one folder, dataset.a_folder='{folders[0].pattern}'",
            "a folder for each side", "Set dataset.b_folder too, for example "
            "\"dataset.a_folder='{split}A'\" \"dataset.b_folder='{split}B'\".",
        )  # fmt: skip
    if len(folders) > 2 and pairing != "labelled":
        raise setting_error(
            f"dataset.pairing={pairing}", f"{len(folders)} domains in dataset.domains",
            "two, the input's and the target's",
            "Name two of them, or set dataset.pairing=labelled.",
        )  # fmt: skip
    if pairing == "labelled":
        _check_alike(folders, reader, task)


def _check_alike(folders: Sequence[Folder], reader: PairReader, task: object | None) -> None:
    """Refuses domains that one network cannot take alike."""
    if task is not None:
        raise setting_error(
            "dataset.pairing=labelled", "a task, which makes two kinds of images of a photograph",
            "domains of plain pictures", "Leave task out.",
        )  # fmt: skip
    if reader.label_side is not None:
        raise setting_error(
            "dataset.pairing=labelled", f"a label map, dataset.label_side={reader.label_side}",
            "domains that are all photographs, or the like",
            "Choose another data set, or set dataset.label_side=null dataset.classes=null to read "
            "its colours as a picture.",
        )  # fmt: skip
    if reader.input_channels != reader.target_channels:
        where = " and ".join(f"'{folder.pattern}'" for folder in folders)
        raise setting_error(
            "dataset.pairing=labelled",
            f"dataset.input_channels={reader.input_channels} and "
            f"dataset.target_channels={reader.target_channels} for {where}",
            "as many for every domain", "Set both to 3, or both to 1.",
        )  # fmt: skip
