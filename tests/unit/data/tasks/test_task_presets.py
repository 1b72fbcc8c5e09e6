"""Every preset of conf/task is one constructor call, and its channels are those of its samples."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate

from conftest import CONF
from i2i.data.tasks.task import PhotoTask

PRESETS = sorted(path.stem for path in (CONF / "task").glob("*.yaml"))
assert set(PRESETS) >= {
    "none", "colorization", "colorization_rgb", "inpainting", "super_resolution", "edges",
}, PRESETS  # fmt: skip
TASKS = [name for name in PRESETS if name != "none"]


def composed(tmp_path: Path, *overrides: str):
    """A config of the group alone."""
    (tmp_path / "config.yaml").write_text(
        f"hydra:\n  searchpath: ['file://{CONF}']\ndefaults: [_self_, {{task: none}}]\n"
    )
    with initialize_config_dir(str(tmp_path), version_base="1.3"):
        return compose("config", list(overrides))


@pytest.mark.parametrize("name", TASKS)
def test_preset_makes_what_it_says(tmp_path: Path, name: str) -> None:
    cfg = composed(tmp_path, f"task={name}").task
    task = instantiate(cfg)
    assert isinstance(task, PhotoTask)
    photo = np.random.default_rng(0).integers(0, 256, (16, 24, 3), dtype=np.uint8)
    x, y = task.encode(photo, 3)
    assert x.shape == (cfg.input_channels, 16, 24) == (task.input_channels, 16, 24)
    assert y.shape == (cfg.target_channels, 16, 24) == (task.target_channels, 16, 24)
    for part in (x, y):
        assert part.dtype == torch.float32 and part.min() >= -1 and part.max() <= 1
    assert torch.equal(task.encode_input(task.given(photo), 3), x)  # as a user would give it
    again = task.encode(photo.copy(), 3)
    assert torch.equal(again.x, x) and torch.equal(again.y, y)
    assert task.input_picture(x[None]).shape[1] in (1, 3)
    true = task.output_picture(x[None], y[None])
    shown = ((true[0] + 1) * 127.5).permute(1, 2, 0).numpy()
    assert np.abs(shown - photo).max() < 0.1
    assert task.encode_input(photo, 3).shape[0] == cfg.input_channels
    task.check([photo], ["a"])
