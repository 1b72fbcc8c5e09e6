"""What a network is shown of an image, and how its answer becomes a picture again."""

from collections.abc import Mapping, Sequence
from copy import copy
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from torch import Tensor

from i2i.data.index.pair_list import PairFiles
from i2i.data.paired_transforms import Role
from i2i.data.reading.content_checks import check_labels, check_photos
from i2i.data.reading.pair_reader import PairReader
from i2i.errors import setting_error
from i2i.images.picture_kind import PictureKind
from i2i.images.ranges import to_float
from i2i.labels.palette import ClassPalette


class Encoded(NamedTuple):
    """One sample as the network sees it; float32 in [-1, 1]."""

    x: Tensor  # (C_in, H, W)
    y: Tensor  # (C_out, H, W)


class Task:
    """Plain pairs: both sides are pictures already.

    Tensors that a task gives and takes are float32 in [-1, 1].

    Attributes:
        plain: Whether ``encode`` is ``to_float`` of each side and nothing else, so that loaders may
            put it off until the batch is on the device.
        scale: Pixels that a side of the network's input has for each pixel of the image.
        kinds: What the pictures of each side are in their files, and what is shown of them.
        of_sides: Whether input and target are read from files each, and not made of one picture.
        classes: Of the side that is a label map, where they are known.
        role: Which side that is.
    """

    plain: bool = True
    scale: int = 1
    kinds: Mapping[Role, PictureKind] = MappingProxyType(
        {"input": PictureKind(), "target": PictureKind()}
    )
    of_sides: bool = True
    classes: ClassPalette | None = None
    role: Role | None = None

    def label_role(self, reader: PairReader) -> Role | None:
        """Which of the images that ``read`` gives is a label map; None if none is."""
        return reader.label_role

    def read(
        self, reader: PairReader, files: PairFiles, check: bool, role: Role | None = None
    ) -> tuple[np.ndarray, ...]:
        """Reads what ``encode`` takes, or with a role the one image that ``encode_role`` takes.

        Args:
            reader: Of the data set.
            files: Of the pair, or of the one picture.
            check: Whether to count the label pixels that are of no class.
            role: The one side to read; None for all.
        """
        if role is None:
            return reader.pair(files, check)
        return (reader.side(files, role, check),)

    def check_files(self, reader: PairReader, pairs: Sequence[PairFiles], setting: str) -> None:
        """Looks into the files of a split, before training, for what would spoil it.

        Args:
            reader: Of the data set.
            pairs: Of the split.
            setting: Where they are, for the error.

        Raises:
            SettingError: The classes or the task do not fit the data.
        """
        if reader.classes is not None:
            check_labels(reader, pairs, setting)

    def encode(self, input_image: np.ndarray, target_image: np.ndarray, seed: int) -> Encoded:
        """Makes the sample of a pair that is resized and jittered already.

        Args:
            input_image: (H, W, C), uint8, or floats on the 0..255 scale.
            target_image: Likewise.
            seed: Of whatever the task draws; in training another one in each epoch, in evaluation
                always the same for an image.

        Returns:
            What the network gets and what it should answer.
        """
        return Encoded(
            self.encode_role("input", input_image, seed),
            self.encode_role("target", target_image, seed),
        )

    def encode_role(self, role: Role, image: np.ndarray, seed: int) -> Tensor:
        """Makes one side of a sample whose other side comes from elsewhere.

        Args:
            role: Which side.
            image: That of ``encode`` from which this side is made.
            seed: As in ``encode``.

        Returns:
            (C, H, W).
        """
        return to_float(image)

    def encode_input(self, image: np.ndarray, seed: int, mask: np.ndarray | None = None) -> Tensor:
        """Makes the network's input of an image that somebody wants to have translated.

        Args:
            image: (H, W, C), uint8, or floats on the 0..255 scale.
            seed: As in ``encode``.
            mask: (H, W) bool, True where something is to be filled in; for inpainting only.

        Returns:
            (C_in, H', W').
        """
        return to_float(image)

    def prepare(
        self, image: np.ndarray, seed: int, mask: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Does what takes the whole of an image before parts of it are encoded.

        Args:
            image: As in ``encode_input``.
            seed: Likewise.
            mask: Likewise.

        Returns:
            Image and mask for ``encode_part``, of the same height and width.
        """
        return image, mask

    def encode_part(
        self, image: np.ndarray, seed: int, mask: np.ndarray | None, rows: slice, columns: slice
    ) -> Tensor:
        """Makes a part of what ``encode_input`` makes of the whole image.

        Args:
            image: What ``prepare`` gave.
            seed: As in ``encode_input``.
            mask: What ``prepare`` gave.
            rows: Of the network's input, with start and stop inside it.
            columns: Likewise.

        Returns:
            (C_in, h, w).
        """
        hole = None if mask is None else mask[rows, columns]
        return self.encode_input(image[rows, columns], seed, hole)

    def input_picture(self, x: Tensor) -> Tensor:
        """Shows inputs, (B, C_in, H, W), as pictures of all channels of a file, (B, C, H, W)."""
        return x

    def output_picture(self, x: Tensor, y: Tensor) -> Tensor:
        """Shows answers, (B, C_out, H, W), made ones or true ones, as pictures of all channels.

        Args:
            x: The inputs, (B, C_in, H, W): some tasks hand parts of them through.
            y: The answers to them.

        Returns:
            (B, C, H, W) in [-1, 1]; of label maps and tasks grey or RGB.
        """
        return y

    def reversed(self) -> "Task":
        """The same images the other way: what was the target is the input.

        Raises:
            SettingError: The task has no way back.
        """
        if self.kinds["input"] == self.kinds["target"]:
            return self
        other = copy(self)
        other.kinds = self.exchanged_kinds()
        return other

    def exchanged_kinds(self) -> dict[Role, PictureKind]:
        """``kinds`` the other way."""
        return {"input": self.kinds["target"], "target": self.kinds["input"]}


class PhotoTask(Task):
    """A task made from single photographs: input and target both come from one picture.

    Args:
        task: What the task is called in the error.
        given: Channels of x and y in the settings, which size the networks.
        made: Those that the task makes.

    Raises:
        SettingError: They differ.
    """

    plain = False
    of_sides = False

    def __init__(self, task: str, given: tuple[int, int], made: tuple[int, int]) -> None:
        self.input_channels, self.target_channels = made
        for side, found, right in zip(("input", "target"), given, made, strict=True):
            if found != right:
                raise setting_error(
                    f"task.{side}_channels={found}", f"{found} channels",
                    f"{right}, because that is what {task} makes",
                    f"Leave task.{side}_channels out, or choose another task.",
                )  # fmt: skip

    def reversed(self) -> Task:
        raise setting_error(
            f"task ({type(self).__name__})", "a task that goes one way",
            "none, with a system that translates both ways",
            "Leave task= out, or choose a system of one route (model=pix2pix).",
        )  # fmt: skip

    def label_role(self, reader: PairReader) -> None:
        return None

    def read(
        self, reader: PairReader, files: PairFiles, check: bool, role: Role | None = None
    ) -> tuple[np.ndarray, ...]:
        return (reader.photo(files),)

    def check_files(self, reader: PairReader, pairs: Sequence[PairFiles], setting: str) -> None:
        check_photos(self, reader, pairs)

    def encode(self, photo: np.ndarray, seed: int) -> Encoded:
        """Makes the sample of a photograph that is resized and jittered already.

        Args:
            photo: (H, W, 3) RGB, uint8, or floats on the 0..255 scale.
            seed: As in ``Task.encode``.

        Returns:
            What the network gets and what it should answer.
        """
        raise NotImplementedError

    def given(self, photo: np.ndarray) -> np.ndarray:
        """What ``encode_input`` takes to make of it what ``encode`` makes of a photograph.

        Args:
            photo: (H, W, 3) RGB, uint8, or floats on the 0..255 scale.

        Returns:
            (H', W', C) on the same scale.
        """
        return photo

    def encode_role(self, role: Role, photo: np.ndarray, seed: int) -> Tensor:
        x, y = self.encode(photo, seed)
        return x if role == "input" else y

    def check(self, photos: Sequence[np.ndarray], names: Sequence[str]) -> None:
        """Looks at some photographs of the data set before training starts.

        Args:
            photos: (H, W, 3) uint8 each.
            names: One each, for the error.

        Raises:
            SettingError: The task cannot be made from such photographs.
        """
