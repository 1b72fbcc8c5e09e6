"""A metric is added by one class and one preset: everything else follows from them."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from hydra import compose, initialize_config_dir

import i2i.metrics
from conftest import CONF, ROOT, Run
from i2i.comparison.tables import compare
from i2i.config.resolvers import register

CODE = '''
from torch import Tensor

from i2i.metrics.image_metric import ImageMetric


class Largest(ImageMetric):
    """Largest error of a pixel."""

    more_is_better = False
    unit = "0-255"
    protocol = "the largest error of a pixel, in levels of 255"

    def __call__(self, output: Tensor, target: Tensor) -> Tensor:
        return (output.double() - target.double()).abs().amax((1, 2, 3))
'''
PRESET = """
# Largest error of a pixel.
# python src/train.py 'metrics=[pairwise,mine]'
mine:
  _target_: i2i.metrics.mine.Largest
"""


@pytest.fixture
def added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The two files, found as if they stood in the package and in ``conf/``; an option for it."""
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "mine.py").write_text(CODE)
    (tmp_path / "conf" / "metrics").mkdir(parents=True)
    (tmp_path / "conf" / "metrics" / "mine.yaml").write_text(PRESET)
    monkeypatch.setattr(i2i.metrics, "__path__", [*i2i.metrics.__path__, str(tmp_path / "code")])
    return f"hydra.searchpath=[file://{ROOT},file://{tmp_path / 'conf'}]"


def test_an_added_metric_is_in_every_table_and_file(
    added: str,
    train: Run,
    command: Callable[..., int],
    tmp_path: Path,
    capfd: pytest.CaptureFixture,
) -> None:
    options = [added, "metrics=[pairwise,mine]", "trainer.max_steps=1"]
    run_dir = train(*options)
    head = "l1 (0-255)  mine (0-255)\n"
    assert head in capfd.readouterr().out
    found = json.loads((run_dir / "test_metrics.json").read_text())
    assert found["units"]["mine"] == "0-255" and "largest" in found["protocol"]["mine"]
    assert list(found["scores"]["input copied"])[:5] == ["ssim", "psnr", "mse", "l1", "mine"]
    assert "val/mine" in (run_dir / "metrics.csv").read_text()
    assert "| l1 (0-255) | mine (0-255) |" in compare(tmp_path)
    out = tmp_path / "scores"
    assert command("evaluate", f"checkpoint={run_dir}", f"output={out}", "trainer=cpu") == 0
    assert head in capfd.readouterr().out
    again = json.loads((out / "metrics.json").read_text())
    assert again["scores"]["mine"] == found["scores"]["model (best.ckpt)"]["mine"]
    column = [float(row["mine"]) for row in csv.DictReader((out / "per_image.csv").open())]
    for i, value in enumerate(column[:3]):
        y_hat, y = (
            cv2.imread(str(run_dir / "samples" / "test" / f"{i:03d}_{kind}.png")).astype(int)
            for kind in ("output", "target")
        )
        assert value == np.abs(y_hat - y).max() > 0


@pytest.mark.parametrize("metrics", ["[pairwise,mine]", "mine"])
def test_a_sweep_knows_where_an_added_metric_is_better(
    added: str, metrics: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("I2I_ROOT", str(ROOT))
    register()
    options = [added, f"metrics={metrics}", "sweep_metric=val/mine", "callbacks=pruning"]
    with initialize_config_dir(str(CONF), version_base="1.3"):
        cfg = compose("config", ["run_dir=run", *options], return_hydra_config=True)
    assert cfg.callbacks.pruning.direction == "minimize"
