"""Weights of networks that others trained: found or downloaded, and read without running them."""

import pickle
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from i2i.errors import SettingError, first_line, setting_error
from i2i.files import download
from i2i.files.saving import damage_of


def load_safely(file: Path, setting: str, expected: str, todo: str) -> Any:
    """What a file holds, as long as that is tensors and plain values; nothing in it is run.

    Args:
        file: Saved with torch.save.
        setting: What it is called in the error.
        expected: What it should have held.
        todo: What to do about it.

    Raises:
        SettingError: The file may not be read, is damaged, or holds something else.
    """
    try:
        if (damage := damage_of(file)) is not None:
            raise setting_error(setting, damage, expected, todo)
        return torch.load(file, map_location="cpu", weights_only=True)
    except SettingError:
        raise
    except PermissionError as error:
        todo = "Change its permissions."
        raise setting_error(setting, str(error), "a file that may be read", todo) from error
    except Exception as error:  # torch.load raises many types for a damaged or foreign file
        raise setting_error(setting, what_else(file, error), expected, todo) from error


FLOATS = (torch.float64, torch.float32, torch.float16, torch.bfloat16)
WHOLE = (torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool)
OF_WEIGHTS = "floating-point numbers, each with its value"
UNCOMPRESSED = "Give weights as training wrote them, before any compression."


def odd_type(weight: Tensor, whole: bool = False) -> str:
    """Why a tensor is not loaded as a weight: whole numbers would be cast without a word.

    Args:
        weight: Out of a file.
        whole: Whether the network has whole numbers there, as a batch norm has in its counter.

    Returns:
        Words to follow its name; "" for a weight.
    """
    if weight.layout is not torch.strided:
        return "that is sparse"
    if weight.is_meta:
        return "without values"
    known = weight.dtype in FLOATS or (whole and weight.dtype in WHOLE)
    return "" if known else f"of {weight.dtype}".replace("torch.", "")


def is_finite(weight: Tensor) -> bool:
    """Whether all numbers are finite in float32, which networks compute in."""
    return bool(weight.float().isfinite().all())


FOREIGN = re.compile(r"(?:GLOBAL|global|class) `?([A-Za-z_]\w*(?:\.\w+)+)")
BEGINNING = 1024  # bytes
NO_TEXT = {*range(32)} - {*b"\t\n\r\f"}  # bytes that no text has


def what_else(file: Path, error: Exception, writer: str = "torch.save") -> str:
    """What a file is that is not loaded, for an error: PyTorch's words are about its options.

    Args:
        file: It, which can be read.
        error: Of ``torch.load``, or of safetensors.
        writer: What writes such files.
    """
    if isinstance(error, OSError | MemoryError) or "memory" in str(error):
        return f"no way to read it ({first_line(error, 160)})"
    with file.open("rb") as opened:
        start = opened.read(BEGINNING)
    if not start:
        return "an empty file"
    if start.lstrip()[:1] == b"<":
        return "a web page, as a download that failed leaves it"
    if start.isascii() and not NO_TEXT.intersection(start):
        return "a text file"
    words = str(error)
    named = FOREIGN.search(words)
    if isinstance(error, pickle.UnpicklingError) and (named or start.startswith(b"PK")):
        what = f" ({named[1]:.80})" if named else ""
        return (
            f"objects of Python beside tensors{what}, which would be run to load them, as in a "
            "whole network that was saved in place of its weights (its state_dict)"
        )
    if isinstance(error, EOFError) or "EOF" in words or "not fully covered" in words:
        return "a file that was cut short"
    return f"a file that {writer} did not write, or that is damaged"


@dataclass(frozen=True)
class PublishedWeights:
    """A weights file that anybody can download, and the words of the errors about it.

    torch.hub.load_state_dict_from_url is not used: it starts a cut download of 500 MB anew, lets
    processes download side by side, and its errors name neither the option nor the ways out.

    Attributes:
        url: Its address; the file keeps its name in torch hub's cache.
        sha256: Its digest, or the first 8 or more digits.
        what: Its name in progress lines, such as "vgg19 weights of torchvision (ImageNet)".
        option: The option that names another file, such as ``metrics.inception_weights``.
        expected: What a file has to hold.
        without: How to do without it, to follow "or".
        n_bytes: Its size; None where it is not known.
    """

    url: str
    sha256: str
    what: str
    option: str
    expected: str
    without: str
    n_bytes: int | None = None

    def find(self, path: str | None) -> Path:
        """Finds the file: the named one, else torch hub's cached one, else downloads it.

        Raises:
            SettingError: ``path`` is no file; or the published weights cannot be had, or the cached
                file is damaged.
        """
        if path is not None:
            file = Path(path).expanduser()
            if not file.is_file():
                raise self._error(file, "a folder" if file.is_dir() else "no such file")
            return file
        return download.fetch_file(
            self.url,
            Path(torch.hub.get_dir(), "checkpoints", self.url.rpartition("/")[2]),
            n_bytes=self.n_bytes,
            sha256=self.sha256,
            what=self.what,
            setting=f"{self.option}=null",
            by_hand="download it in a browser where there is a network, then put it into that "
            f"folder or type {self.option}=FILE; or {self.without}",
            waits=(1.0,),  # training can go on without the file, so it does not wait long for it
        )

    def read(self, file: Path) -> dict[str, Tensor]:
        """Reads a state dict, which must hold tensors only.

        Raises:
            SettingError: The file is no such thing.
        """
        state = load_safely(file, f"{self.option}='{file}'", self.expected, self._todo)
        if not isinstance(state, Mapping):
            raise self._error(file, f"a saved {type(state).__name__}")
        other = [key for key, value in state.items() if not isinstance(value, Tensor)]
        if other:
            raise self._error(file, f"a checkpoint with entries that are no tensors ({other[0]!r})")
        for name, weight in state.items():
            odd = odd_type(weight, name.endswith(".num_batches_tracked"))
            if odd or not is_finite(weight):
                odd = odd or "that is NaN or infinite"
                raise self._error(file, f"a weight {name} {odd}")
        return dict(state)

    @contextmanager
    def fitting(self, file: Path) -> Iterator[None]:
        """Names the file where ``load_state_dict`` finds that keys or shapes do not fit.

        Raises:
            SettingError: The block raised RuntimeError.
        """
        try:
            yield
        except RuntimeError as error:
            lines = str(error).splitlines()  # the second one is the first that does not fit
            found = "weights of another network: " + (lines[1:2] or lines)[0].strip()[:160]
            raise self._error(file, found) from error

    @property
    def _todo(self) -> str:
        return f"Give another file, type {self.option}=null to download it, or {self.without}."

    def _error(self, file: Path, found: str) -> SettingError:
        return setting_error(f"{self.option}='{file}'", found, self.expected, self._todo)
