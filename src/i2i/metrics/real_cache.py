"""Inception features of targets on disk, so that a second run does not compute them.

A row is found by what it was computed from, not by a file's name or date: the digest covers every
8-bit level of the target as it is scored (so the direction, the task, the resizing and the file's
content; no version of the code that reads and resizes pictures has to be named) and the number of
images that went through Inception with it, since convolutions over another number round
differently. A changed picture is not found. An unchanged one gives the same bits as computing it
again on a CPU. On a GPU the kernels are cuDNN's choice, which ``InceptionFeatures`` asks to be
deterministic; what is left to it (it may choose by free memory) changes the last digits of a score.

Features and not their mean and covariance, because KID needs them; 8 KB an image.
"""

import contextlib
import hashlib
import importlib.metadata
import io
import json
import os
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from i2i.files.atomic import replacing
from i2i.files.npy_header import read_npy_header
from i2i.files.ordinary import open_regular
from i2i.metrics.inception import RESIZE

FORMAT = 1  # of the files; another one is another key
MOST_ROWS = 20_000  # of a file: 164 MB
DIGEST_BYTES = 16
MOST_FEATURES = 2048  # of a row
MOST_KEY, MOST_HEADER = 100_000, 20_000  # bytes

Features = dict[bytes, np.ndarray]  # digest of an image -> its features (2048,), float32


def cache_key(data: str, split: str, image: Tensor, extractor_sha256: str) -> dict[str, Any]:
    """What a file of features is for.

    Args:
        data: Name of the data set.
        split: Of it.
        image: One of its targets, uint8 (C, H, W).
        extractor_sha256: Digest of Inception's weights.

    Returns:
        Plain values; the last one is there because other kernels round differently, and because
        torch-fidelity's code resizes and lays the network out.
    """
    if image.device.type == "cuda":
        name = torch.cuda.get_device_name(image.device)
        machine = f"{name}, CUDA {torch.version.cuda}, cuDNN {torch.backends.cudnn.version()}"
    else:
        capability = torch.backends.cpu.get_cpu_capability()
        machine = f"{image.device.type} {capability}, {torch.get_num_threads()} threads"
    return {
        "format": FORMAT,
        "data": data,
        "split": split,
        "size": list(image.shape),
        "extractor": extractor_sha256,
        "resize": RESIZE,
        "computed_by": f"torch {torch.__version__}, torch-fidelity {_fidelity()}, {machine}",
    }


def _fidelity() -> str:
    return importlib.metadata.version("torch-fidelity")


def digests(images: Tensor) -> list[bytes]:
    """Names images that go through Inception together.

    Args:
        images: uint8 (B, C, H, W), those of one call.

    Returns:
        16 bytes an image.
    """
    head = f"{tuple(images.shape)} ".encode()
    levels = images.cpu().contiguous().numpy()
    return [hashlib.blake2b(head + x.tobytes(), digest_size=DIGEST_BYTES).digest() for x in levels]


class RealCache:
    """A folder of such files. Trouble with it is said in a line and stops nothing."""

    def __init__(
        self,
        folder: str | os.PathLike[str],  # made where it is missing
        gigabytes: float,  # the files used longest ago are deleted beyond it
    ):
        self.folder, self.gigabytes = Path(os.path.expanduser(folder)), gigabytes

    def path(self, key: Mapping[str, Any]) -> Path:
        """The file for a key; the same key as the one inside, or it is not read."""
        digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:16]
        name = re.sub(r"[^A-Za-z0-9-]+", "_", f"{key['data']}-{key['split']}")[:60]
        return self.folder / f"{name}-{digest}.npz"

    def read(self, key: Mapping[str, Any]) -> Features:
        """The features kept for a key; empty where there is no whole file of this format."""
        path = self.path(key)
        try:
            if not os.path.lexists(path):
                return {}
            with open_regular(path) as file:
                rows = _unpacked(file, key)
            with contextlib.suppress(OSError):  # another user's
                os.utime(path)  # used just now
        except Exception as error:  # zip, numpy and JSON have a dozen kinds; all mean: unusable
            _say(f"{path}: not used ({_reason(error)}); computing the real images' features anew.")
            return {}
        return rows

    def write(self, key: Mapping[str, Any], rows: Features) -> None:
        """Keeps the first 20,000 of the features, under another name until the file is whole."""
        chosen = dict(list(rows.items())[:MOST_ROWS])
        path = self.path(key)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with replacing(path, durable=False) as file:  # it can be made again
                np.savez(
                    file,
                    key=np.frombuffer(json.dumps(key).encode(), np.uint8),
                    digests=np.frombuffer(b"".join(chosen), np.uint8).reshape(-1, DIGEST_BYTES),
                    features=np.stack(list(chosen.values())),
                )
        except OSError as error:
            _say(f"metrics.cache_dir={self.folder}: nothing kept there ({_reason(error)}).")
        else:
            with contextlib.suppress(OSError):  # the rows are kept; the bound is for a later run
                self._trim(path)

    def _trim(self, newest: Path) -> None:
        """Deletes what was used longest ago, until the folder is within its bound.

        Other runs write and delete here, too: what they take away meanwhile is passed over.
        """
        ours = re.compile(
            r".+-[0-9a-f]{16}\.npz|\.?i2i-.+\.part"
        )  # the folder may hold other things
        states = {}
        for file in self.folder.iterdir():
            if ours.fullmatch(file.name):
                with contextlib.suppress(OSError):
                    states[file] = file.stat()
        total = states.pop(newest).st_size if newest in states else 0
        for file, state in sorted(states.items(), key=lambda s: s[1].st_mtime, reverse=True):
            total += state.st_size
            if total > self.gigabytes * 1e9:
                with contextlib.suppress(OSError):  # another user's
                    file.unlink(missing_ok=True)


def _unpacked(file: Any, key: Mapping[str, Any]) -> Features:
    """Reads a file without running anything in it; the zip's checksums are verified on the way."""
    with zipfile.ZipFile(file) as packed:
        found = _array(packed, "key", MOST_KEY)
        if found.dtype != np.uint8 or json.loads(found.tobytes()) != key:
            raise ValueError("made for something else")
        names = _array(packed, "digests", MOST_ROWS * DIGEST_BYTES)
        rows = _array(packed, "features", MOST_ROWS * MOST_FEATURES * 4)
    if names.dtype != np.uint8 or names.shape != (len(rows), DIGEST_BYTES):
        raise ValueError(f"digests of shape {names.shape} for {len(rows)} rows")
    if rows.dtype != np.float32 or rows.ndim != 2 or not np.isfinite(rows).all():
        raise ValueError("features that are no finite float32 rows")
    return {name.tobytes(): row for name, row in zip(names, rows, strict=True)}


def _array(packed: zipfile.ZipFile, name: str, most: int) -> np.ndarray:
    """An array of an npz file, of so many bytes at most.

    Neither packed zeros nor a header that claims a giant shape can ask for more memory than that.
    """
    info = packed.getinfo(f"{name}.npy")
    if info.file_size > most + MOST_HEADER:
        raise ValueError(f"{name} of {info.file_size:,} bytes")
    data = io.BytesIO(packed.read(info))
    shape, by_columns, dtype = read_npy_header(data)
    if by_columns:
        raise ValueError(f"{name} laid out by columns")
    return np.frombuffer(data.read(), dtype).reshape(shape)  # refuses objects, and other sizes


def _reason(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).splitlines()[0]


def _say(text: str) -> None:
    from i2i.messages import say  # brings Lightning, which takes seconds

    say(text)
