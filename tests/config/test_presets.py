"""Every preset under conf/ and experiments/ is found by globbing, composed and built."""

import re
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.hydra_config import HydraConfig
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from conftest import CONF, ROOT
from i2i.config.resolvers import register

PRESETS = sorted((p.parent.name, p.stem) for p in CONF.glob("*/*.yaml"))
FILES = sorted([*CONF.rglob("*.yaml"), *(ROOT / "experiments").rglob("*.yaml")])
assert PRESETS, f"no presets under {CONF}"


OF_ONE = {
    ("generator", "class_conditional"): ["model=cgan"],
    ("classifier", "small"): ["model=classifier"],
}


@pytest.fixture(autouse=True)
def root(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("I2I_ROOT", str(ROOT))
    monkeypatch.chdir(tmp_path)


def composed(*overrides: str) -> DictConfig:
    register()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        cfg = compose("config", ["run_dir=run", *overrides], return_hydra_config=True)
    HydraConfig.instance().set_config(cfg)
    return cfg


@pytest.mark.parametrize(("group", "name"), PRESETS, ids=[f"{g}={n}" for g, n in PRESETS])
def test_preset_is_built(group: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole job composes with it, has no open interpolation, and its node becomes an object."""
    options = [f"{group}={name}"]
    options += ["dataset.root=somewhere"] if group == "dataset" else []
    options += ["task=edges"] if name == "photos" else []
    options += ["dataset.domains=[cat,dog]"] if name == "class_folders" else []
    # What one system alone can use; a system comes before its parts.
    options = [*OF_ONE.get((group, name), []), *options]
    cfg = composed(*options)
    for player in (cfg.generator, cfg.discriminator):
        if "base_channels" in player:
            player.base_channels = 2  # full networks take seconds to make
    if (group, name) == ("task", "none"):
        assert cfg.task is None
        return
    OmegaConf.resolve(cfg[group])
    assert not OmegaConf.missing_keys(cfg[group])
    if (group, name) == ("trainer", "gpu"):
        monkeypatch.setattr("torch.cuda.is_available", lambda: False)
        with pytest.raises(Exception, match=r"trainer\.accelerator=gpu.*no CUDA device"):
            instantiate(cfg.trainer)
        return
    if (group, name) == ("trainer", "slurm"):
        with pytest.raises(Exception, match=r"trainer=slurm.*srun did not start"):
            instantiate(cfg.trainer)
        return
    node = cfg[group]
    for part in [node] if "_target_" in node else [v for v in node.values() if v]:
        assert instantiate(part) is not None
    model = instantiate(cfg.model)
    assert all(translator.divisor > 0 for translator in model.translators().values())
    assert model.translators() or not model.translates


@pytest.mark.parametrize("path", FILES, ids=[str(p.relative_to(ROOT)) for p in FILES])
def test_head_says_what_it_is_and_how_to_use_it(path: Path) -> None:
    head = []
    for line in path.read_text().splitlines():
        if not line.startswith("#"):
            break
        head.append(line)
    text = "\n".join(head)
    commands = "train|evaluate|translate|sample|compare|dashboard|import_weights|demo|export"
    assert re.search(rf"python src/({commands})\.py|make train", text), text


def test_an_objective_brings_its_optimizers_which_can_still_be_overridden() -> None:
    """WGAN-GP's presets reach both players (Gulrajani et al. 2017, Alg. 1), below what is typed."""
    cfg = composed("gan_loss=wgan-gp", "optimizer.discriminator.lr=3e-4")
    assert cfg.gan_loss.weight == 10
    assert cfg.model.n_critic == 5
    assert cfg.optimizer.generator.lr == 1e-4
    assert list(cfg.optimizer.discriminator.betas) == [0.0, 0.9]
    assert cfg.optimizer.discriminator.lr == 3e-4
    assert cfg.discriminator.norm != "batch"
