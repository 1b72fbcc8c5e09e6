"""Networks that metrics need and that may be missing: said once in training, an error elsewhere."""

import os
from collections.abc import Callable
from typing import Generic, TypeVar

import torch
from torch import distributed

from i2i.cluster.gathering import gathered, in_group
from i2i.errors import SettingError
from i2i.messages import warn

T = TypeVar("T")


class OptionalNetwork(Generic[T]):
    """Loads a network at most once a run, and remembers that it could not be had.

    Attributes:
        network: What was loaded; None before, and where it could not be had.
    """

    def __init__(
        self,
        load: Callable[[torch.device | str], T],  # raises SettingError where it cannot
        move: Callable[[T, torch.device | str], object],  # puts a loaded one on another device
        named: bool,  # whether the user named a file: it then has to work
        without: str,  # what a run does that goes on, for the warning
    ):
        self.load, self.move = load, move
        self.named, self.without = named, without
        self.network: T | None = None
        self._gave_up = False

    def prepare(self, device: torch.device | str, required: bool) -> None:
        """Loads the network, or moves a loaded one. All processes call it together.

        Args:
            device: Where it runs.
            required: Whether a missing network is an error (evaluation) or not (training).

        Raises:
            SettingError: It cannot be had, and is required or named.
        """
        if self.network is not None:
            self.move(self.network, device)
            return
        if self._gave_up and not required:
            return
        try:
            self.network = self.load(device)
        except SettingError as error:
            if required or self.named:
                raise
            self._gave_up = True
            warn(f"{self.without} {error}")


def found_together(find: Callable[[], T]) -> T:
    """Finds a file on every process, downloading it once, or once a machine; or fails on all.

    Args:
        find: Called by rank zero first, then by one process of each machine, then by the others.

    Returns:
        What it found.

    Raises:
        SettingError: It failed somewhere.
    """
    if not in_group():
        return find()
    rank = distributed.get_rank()
    first_here = int(os.environ.get("LOCAL_RANK", rank)) == 0
    found = error = None
    for turn in (rank == 0, first_here, True):
        if turn and found is None:
            try:
                found = find()
            except SettingError as caught:
                error = caught
        errors = [text for text in gathered(error and str(error)) if text]
        if errors:
            raise error or SettingError(errors[0])
    return found
