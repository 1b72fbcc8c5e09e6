"""Headers of .npy files are read soundly by many threads at once."""

import gc
import io
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from i2i.files.npy_header import read_npy_header


@pytest.fixture
def unquiet() -> Iterator[None]:
    """Threads change often, and in the middle of what is one step of C: as garbage is collected."""

    def collected(*_: object) -> None:
        for _step in range(20):  # a thread hands over between two of these
            pass

    thresholds, interval = gc.get_threshold(), sys.getswitchinterval()
    gc.callbacks.append(collected)
    gc.set_threshold(5)
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)
    gc.set_threshold(*thresholds)
    gc.callbacks.remove(collected)


def test_many_threads_read_sound_headers(unquiet: None) -> None:
    file = io.BytesIO()
    np.save(file, np.zeros((4, 5, 3), np.uint16))
    data = file.getvalue()

    def read(_: int) -> list[tuple]:
        return [read_npy_header(io.BytesIO(data)) for _ in range(200)]

    with ThreadPoolExecutor(8) as pool:
        found = [header for headers in pool.map(read, range(8)) for header in headers]

    assert found == [((4, 5, 3), False, np.dtype(np.uint16))] * 1600
