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
EXPERIMENTS = sorted(p.stem for p in (ROOT / "experiments").glob("*.yaml"))
FILES = sorted([*CONF.rglob("*.yaml"), *(ROOT / "experiments").rglob("*.yaml")])
PROMISED = {
    "model": {"pix2pix"},
    "generator": {
        *("unet", "unet128", "encoder_decoder", "unet_upsample", "resunet", "resnet6", "resnet9"),
        *("pix2pixhd", "spade"),
    },
    "discriminator": {"pixel", "patch16", "patch70", "patch286", "global", "multiscale"},
    "gan_loss": {"vanilla", "lsgan", "hinge", "wgan-gp", "none"},
    "reconstruction": {
        *("l1", "l2", "charbonnier", "ssim", "perceptual", "lpips", "feature_matching", "pan"),
        "none",
    },
    "task": {
        *("none", "colorization", "colorization_rgb", "inpainting", "super_resolution", "edges"),
    },
    "dataset": {
        *("synthetic", "cityscapes", "cityscapes_official", "maps", "map2aerial", "facades"),
        *("edges2shoes", "edges2handbags", "night2day", "camvid", "folder", "photos"),
    },
    "speed": {"auto", "eager", "max"},
    "trainer": {"auto", "cpu", "gpu", "ddp", "slurm"},
    "logger": {"wandb", "csv", "tensorboard"},
    "metrics": {"full", "pairwise", "perceptual"},
    "augmentation": {"jitter", "none"},
    "optimizer": {"adam"},
    "scheduler": {"linear", "constant"},
    "callbacks": {"default", "pruning"},
}
SLIM = ["generator.base_channels=2", "discriminator.base_channels=2"]


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


def test_every_promised_preset_is_there() -> None:
    found: dict[str, set[str]] = {}
    for group, name in PRESETS:
        found.setdefault(group, set()).add(name)
    assert {
        g: names - found.get(g, set())
        for g, names in PROMISED.items()
        if names - found.get(g, set())
    } == {}
    assert EXPERIMENTS


@pytest.mark.parametrize(("group", "name"), PRESETS, ids=[f"{g}={n}" for g, n in PRESETS])
def test_preset_is_built(group: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole job composes with it, has no open interpolation, and its node becomes an object."""
    options = [*SLIM, f"{group}={name}"]
    options += ["dataset.root=somewhere"] if group == "dataset" else []
    options += ["task=edges"] if name == "photos" else []
    cfg = composed(*options)
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
    assert instantiate(cfg.model).generator.divisor > 0


@pytest.mark.parametrize("path", FILES, ids=[str(p.relative_to(ROOT)) for p in FILES])
def test_head_says_what_it_is_and_how_to_use_it(path: Path) -> None:
    head = []
    for line in path.read_text().splitlines():
        if not line.startswith("#"):
            break
        head.append(line)
    text = "\n".join(head)
    assert re.search(r"python src/(train|evaluate|translate)\.py|make train", text), text


@pytest.mark.parametrize("loss", ["vanilla", "lsgan", "wgan-gp"])
@pytest.mark.parametrize("generator", ["unet", "resnet9"])
def test_every_generator_goes_with_every_loss(generator: str, loss: str) -> None:
    cfg = composed(*SLIM, f"generator={generator}", f"gan_loss={loss}")
    assert instantiate(cfg.model).n_critic == (5 if loss == "wgan-gp" else 1)


def test_wgan_gp_has_the_settings_of_its_paper() -> None:
    """Gulrajani et al. 2017, Alg. 1; both players, and both can still be overridden."""
    cfg = composed("gan_loss=wgan-gp", "optimizer.discriminator.lr=3e-4")
    assert cfg.gan_loss.weight == 10
    assert cfg.model.n_critic == 5
    assert cfg.optimizer.generator.lr == 1e-4
    assert list(cfg.optimizer.discriminator.betas) == [0.0, 0.9]
    assert cfg.optimizer.discriminator.lr == 3e-4
    assert cfg.discriminator.norm != "batch"


def test_pix2pix_has_the_settings_of_its_paper() -> None:
    cfg = composed()
    assert cfg.model.lambda_l1 == 100
    assert cfg.model.discriminator_weight == 0.5
    assert cfg.optimizer.generator.lr == cfg.optimizer.discriminator.lr == 2e-4
    assert list(cfg.optimizer.generator.betas) == [0.5, 0.999]
    assert cfg.dataset.batch_size == 1
    assert round(cfg.augmentation.enlarge * cfg.dataset.image_size) == 286
    assert cfg.trainer.max_epochs == 200
    assert cfg.scheduler.flat_fraction == 0.5
