"""A process that is killed while it saves leaves a whole file, and leftovers that are removed."""

import os
import random
import signal
from pathlib import Path

import pytest
import torch

from i2i.files.atomic import UNFINISHED
from i2i.files.saving import remove_unfinished, save_whole
from i2i.files.weights import load_safely

KILLS = 20


def save_for_ever(file: Path, started: int) -> None:
    """Saves one step after another, with weights that tell their step; says when one begins."""
    step = 0
    while True:
        step += 1
        os.write(started, b".")
        save_whole({"step": step, "w": torch.full((500_000,), float(step))}, file)


def unfinished(folder: Path) -> list[str]:
    return [name for name in os.listdir(folder) if UNFINISHED.fullmatch(name)]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform has no fork")
@pytest.mark.filterwarnings("ignore:.*use of fork.*")
def test_kill_9_at_any_moment_leaves_a_whole_file(tmp_path: Path) -> None:
    file, generator, leftovers = tmp_path / "last.ckpt", random.Random(0), 0
    save_whole({"step": 0, "w": torch.zeros(500_000)}, file)
    for kill in range(KILLS):
        told, started = os.pipe()
        if (child := os.fork()) == 0:
            try:
                save_for_ever(file, started)
            finally:
                os._exit(1)
        os.close(started)
        for _ in range(generator.randrange(1, 6)):
            os.read(told, 1)
        while kill % 2 and not unfinished(tmp_path):  # every second one while it is written
            pass
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(told)
        content = load_safely(file, "checkpoint=x", "a checkpoint", "Use another one.")
        assert content["w"].unique().tolist() == [content["step"]]
        leftovers += len(unfinished(tmp_path))
        remove_unfinished(tmp_path)
        assert os.listdir(tmp_path) == ["last.ckpt"]
    assert leftovers > 3
