"""What a sweep is given before it starts."""

import pytest
from omegaconf import OmegaConf

from i2i.commands.multirun import suit_optuna
from i2i.commands.resolvers import direction
from i2i.errors import SettingError


@pytest.mark.parametrize(
    ("metric", "expected"),
    [("val/ssim", "maximize"), ("val/psnr", "maximize"), ("test/mean_iou", "maximize"),
     ("val/l1", "minimize"), ("val/fid", "minimize"), ("val/lpips", "minimize")],
)  # fmt: skip
def test_optuna_goes_where_the_score_is_better(metric: str, expected: str) -> None:
    sweeper = {"direction": "minimize", "max_failure_rate": 0.0}
    config = {"sweep_metric": metric, "hydra": {"sweeper": sweeper, "overrides": {"hydra": []}}}
    cfg = OmegaConf.create(config)
    suit_optuna(cfg)
    assert cfg.hydra.sweeper == {"direction": expected, "max_failure_rate": 1.0}
    config["hydra"]["overrides"]["hydra"] = [
        "hydra.sweeper.direction=minimize", "hydra.sweeper.max_failure_rate=0.5"
    ]  # fmt: skip
    typed = OmegaConf.create(config)
    suit_optuna(typed)
    assert typed.hydra.sweeper == sweeper


@pytest.mark.parametrize("metric", ["ssim", "train/l1", "val/"])
def test_a_metric_that_is_no_score_is_refused(metric: str) -> None:
    with pytest.raises(SettingError, match=r"sweep_metric=.*no split and score"):
        direction(metric)
