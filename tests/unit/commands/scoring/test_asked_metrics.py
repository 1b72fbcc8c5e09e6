"""What evaluate scores with: the run's metrics, single values over them, or a list instead."""

from collections.abc import Callable
from typing import Any

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.hydra_config import HydraConfig
from omegaconf import OmegaConf

from conftest import CONF, ROOT
from i2i.commands.scoring.asked_metrics import asked_metrics, nodes
from i2i.config.resolvers import register
from i2i.errors import SettingError

Asked = Callable[..., dict[str, Any]]


def composed(name: str, *options: str) -> Any:
    register()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        cfg = compose(name, list(options), return_hydra_config=True)
    HydraConfig.instance().set_config(cfg)
    return cfg.metrics


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    """The metrics of a run trained with ``trained`` under the options of evaluate."""
    monkeypatch.setenv("I2I_ROOT", str(ROOT))

    def ask(trained: str, *options: str) -> dict[str, Any]:
        run = composed("config", "run_dir=run", f"metrics={trained}", "metrics.kid_subsets=7")
        saved = OmegaConf.to_container(run, resolve=True)
        return asked_metrics(composed("evaluate", "checkpoint=x", *options), saved)

    return ask


def test_single_values_go_over_those_of_the_run(asked: Asked) -> None:
    metrics = asked("perceptual", "metrics.lpips.weights_file=w", "metrics.kid_subset_size=5")
    assert list(nodes(metrics)) == ["ssim", "psnr", "mse", "l1", "lpips"]
    assert (metrics["lpips"]["weights_file"], metrics["lpips"]["network"]) == ("w", "alex")
    assert (metrics["kid_subset_size"], metrics["kid_subsets"]) == (5, 7)
    assert metrics["distribution"] is True


def test_a_list_replaces_all_of_them_in_its_own_order(asked: Asked) -> None:
    metrics = asked("full", "metrics=[l1,lpips]", "metrics.lpips.network=vgg")
    assert list(nodes(metrics)) == ["l1", "lpips"] and metrics["lpips"]["network"] == "vgg"
    assert not metrics.get("distribution") and "kid_subsets" not in metrics
    assert list(nodes(asked("ssim", "metrics=inception"))) == []
    assert asked("ssim", "metrics=inception")["distribution"] is True


@pytest.mark.parametrize(
    ("option", "todo"),
    [
        ("metrics.lpips.network=vgg", "full,lpips"),
        ("metrics.kid_subsets=3", "metrics=full"),
        ("metrics.inception_weights=w", "metrics=full"),
    ],
)
def test_an_option_of_what_is_not_computed_is_refused(asked: Asked, option: str, todo: str) -> None:
    with pytest.raises(SettingError, match=rf"^{option}: found metrics without .*{todo}"):
        asked("pairwise", option)
