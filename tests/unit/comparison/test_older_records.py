"""Runs whose records do not say which way a score is better."""

import json
from pathlib import Path

import pytest
from hydra.utils import get_class
from omegaconf import DictConfig, OmegaConf

from compared_runs import make_run
from conftest import CONF
from i2i.comparison.older_records import MORE_IS_BETTER, usual_directions
from i2i.comparison.run_records import read_run
from i2i.labels.class_scores import SCORES as OF_CLASSES
from i2i.metrics.class_accuracy import ClassAccuracy
from i2i.metrics.inception_scores import SCORES as OF_INCEPTION


def test_the_directions_are_those_of_the_metrics_classes() -> None:
    presets = [OmegaConf.load(file) for file in sorted((CONF / "metrics").glob("*.yaml"))]
    nodes = {n: node for p in presets for n, node in p.items() if isinstance(node, DictConfig)}
    own = {name: get_class(node["_target_"]).more_is_better for name, node in nodes.items()}
    scores = [*OF_CLASSES, *OF_INCEPTION, ClassAccuracy]
    own |= {s.name: s.more_is_better for s in scores if s.more_is_better is not None}
    assert own == MORE_IS_BETTER


def test_routes_and_the_way_back_are_understood() -> None:
    names = ["AtoB/ssim", "BtoA/reconstruction_l1", "fid", "kid_spread", "largest"]
    directions = {"AtoB/ssim": True, "BtoA/reconstruction_l1": False, "fid": False}
    assert usual_directions(names) == directions


@pytest.mark.parametrize("says", [None, {}, {"l1": True}])
def test_a_record_that_says_it_goes_before(tmp_path: Path, says: dict | None) -> None:
    run = make_run(tmp_path / "run", per_image={"ssim": [0.5], "l1": [9.0]})
    content = json.loads((run / "test_metrics.json").read_text())
    del content["more_is_better"]
    content |= {} if says is None else {"more_is_better": says}
    (run / "test_metrics.json").write_text(json.dumps(content))
    assert read_run(run).more_is_better == ({"ssim": True, "l1": False} if says is None else says)
