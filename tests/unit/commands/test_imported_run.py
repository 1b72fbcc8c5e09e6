"""The configuration that imported weights are kept with, for every published model."""

from pathlib import Path

import pytest
import torch

from conftest import ROOT
from field_networks import FieldResNet, FieldUNet
from i2i.commands.import_weights import Imported
from i2i.commands.imported_run import (
    absent_networks,
    configuration,
    content_of,
    options_of,
    require_fit,
)
from i2i.config.resolvers import register
from i2i.imported.network import Network, recognised
from i2i.imported.published import TABLES, published

NETWORKS = {"pix2pix": (FieldUNet, "batch"), "cyclegan": (FieldResNet, "instance")}
MODELS = [(system, name) for system, table in TABLES.items() for name in table]


@pytest.fixture(scope="module")
def networks() -> dict[str, Network]:
    """Those of the published files, without their numbers."""
    found = {}
    for system, (make, norm) in NETWORKS.items():
        with torch.device("meta"):
            theirs = make(norm, base=64)
        state = {n: torch.zeros(()).expand(v.shape) for n, v in theirs.state_dict().items()}
        found[system] = recognised(state, "x")
    return found


@pytest.mark.parametrize(("system", "name"), MODELS, ids=["-".join(model) for model in MODELS])
def test_a_published_model_is_that_of_its_data_set(
    networks: dict[str, Network], system: str, name: str, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv("I2I_ROOT", str(ROOT))
    register()
    model = published(name, system)
    files = {"file": Path("x")}
    found = Imported(system, {"file": networks[system]}, files, model, 0.5 * (system == "pix2pix"))
    config = configuration(found, options_of(found, [], tmp_path), tmp_path)
    data, generator = config["dataset"], config["model"]["generator"]
    assert (data["name"], data["direction"]) == (model.dataset, model.direction)
    assert config["presets"]["dataset"] == model.dataset and config["presets"]["model"] == system
    loss = {"pix2pix": "VanillaGAN", "cyclegan": "LeastSquaresGAN"}[system]
    assert config["model"]["gan_loss"]["_target_"] == f"i2i.losses.gan.{loss}"
    assert generator.get("dropout_layers") == ([2, 3, 4] if system == "pix2pix" else None)
    assert generator["dropout"] == (0.5 if system == "pix2pix" else 0)
    content = content_of(found, config, absent_networks(found))
    require_fit(content, config, found, tmp_path)
