"""Every experiment takes two real training steps, built as the command builds it, but tiny."""

import itertools
import re
from inspect import signature
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf, open_dict

from conftest import ROOT
from i2i.commands.parts_of_a_run import build
from i2i.config.checks import validate_config
from i2i.config.pairing import settle_pairing
from i2i.config.plain_config import leave_out_what_is_missing
from i2i.config.resolvers import register
from i2i.errors import SettingError
from i2i.generators.resnet import ResnetGenerator
from i2i.losses import backbones
from two_steps import composed, slim, two_steps

FOLDER = ROOT / "experiments"
FILES = sorted(p.relative_to(FOLDER).with_suffix("").as_posix() for p in FOLDER.rglob("*.yaml"))
SWEPT = {
    name: OmegaConf.to_container(OmegaConf.load(FOLDER / f"{name}.yaml").hydra.sweeper.params)
    for name in FILES
    if "hydra" in OmegaConf.load(FOLDER / f"{name}.yaml")
}
PHOTO_TASKS = [
    n for n in FILES if "override /dataset: photos" in (FOLDER / f"{n}.yaml").read_text()
]
PERCEPTUAL = {"spade_labels2street", "pix2pixhd_labels2street", "super_resolution_x4"}

pytestmark = pytest.mark.filterwarnings("ignore:You defined a `validation_step`")


@pytest.fixture(autouse=True)
def root(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("I2I_ROOT", str(ROOT))
    monkeypatch.chdir(tmp_path)
    register()


def jobs(name: str) -> list[list[str]]:
    """The overrides of each job that ``experiments=name`` starts."""
    values = [[f"{k}={v}" for v in vs.split(",")] for k, vs in SWEPT.get(name, {}).items()]
    return [list(job) for job in itertools.product(*values)]


@pytest.fixture(scope="session")
def random_vgg(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """VGG-19's convolutions with random weights, in a file."""
    from torchvision.models import vgg19

    with torch.device("meta"):
        shapes = {n: p.shape for n, p in vgg19(weights=None).features.state_dict().items()}
    generator = torch.Generator().manual_seed(0)
    state = {
        f"features.{n}": torch.randn(s, generator=generator) * (2 / s[1:].numel()) ** 0.5
        if len(s) > 1
        else torch.zeros(s)
        for n, s in shapes.items()
    }
    path = tmp_path_factory.mktemp("weights") / "vgg19.pth"
    torch.save(state, path)
    return path


def write_set(cfg: DictConfig, folder: Path, size: int = 64) -> None:
    """Three files a split, laid out as the data set of ``cfg`` asks for.

    Photographs are noise; a label side has the flat colours of its classes.
    """
    rng = np.random.default_rng(0)
    node, classes = cfg.dataset, cfg.dataset.get("classes")
    colours = np.array(list(classes.colours.values()) if classes else [[0, 0, 0], [255, 255, 255]])

    def photo() -> np.ndarray:
        return rng.integers(0, 256, (size, size, 3)).astype(np.uint8)

    def label() -> np.ndarray:
        ids = rng.integers(0, len(colours), (4, 4)).astype(np.uint8)
        ids = cv2.resize(ids, (size, size), interpolation=cv2.INTER_NEAREST)
        return colours[ids][:, :, ::-1].astype(np.uint8)

    for split in {s for s in node.splits.values() if s}:
        for i in range(3):
            sides = {"A": photo(), "B": label() if node.label_side == "B" else photo()}
            if node.single:
                files = {folder / split / f"{i}.png": sides["A"]}
            elif node.b_folder or node.domains:
                files = {}
                for k, domain in enumerate(node.domains or ("A", "B")):
                    part = node.b_folder if k and node.b_folder else node.a_folder
                    place = folder / part.format(split=split, domain=domain) / f"{i}.png"
                    files[place] = sides["AB"[k]] if k < 2 else photo()
            else:
                files = {folder / split / f"{i}.png": np.concatenate(list(sides.values()), 1)}
            for path, image in files.items():
                path.parent.mkdir(parents=True, exist_ok=True)
                cv2.imwrite(str(path), image)


def run_experiment(name: str, folder: Path, *options: str, vgg: Path | None = None) -> DictConfig:
    """Two steps of an experiment as it is, but for sizes and files."""
    options = (f"experiments={name}", *options, f"dataset.root={folder / 'set'}")
    if vgg:
        options += (f"reconstruction.perceptual.weights_file={vgg}",)
    cfg = composed(*options, "dataset.source=null", "dataset.num_workers=0")
    with open_dict(cfg):
        del cfg["hydra"]
        cfg.dataset.val_from_train = cfg.dataset.test_from_train = 0
        cfg.dataset.batch_size = min(cfg.dataset.batch_size, 2)
        cfg.model.n_critic = min(cfg.model.n_critic, 2)
        cfg.trainer.max_steps = 2
    named = str(cfg.discriminator._target_).rsplit(".", 1)[-1]
    big = named == "MultiscaleDiscriminator" or cfg.discriminator.get("n_layers", 0) > 3
    slim(cfg, 96 if big else 64)
    write_set(cfg, folder / "set")
    settle_pairing(cfg)
    leave_out_what_is_missing(cfg)
    config = OmegaConf.to_container(cfg, resolve=True)
    validate_config(config)
    model, datamodule = build(cfg, config)
    watch = two_steps(model, datamodule=datamodule)
    learns = cfg.gan_loss._target_.rsplit(".", 1)[-1] != "NoGAN"
    expected = {name for player in model.players for name in player.networks}
    assert watch.moved == (expected if learns else {"generator"})
    return cfg


def plain(cfg: DictConfig) -> dict[str, Any]:
    """The values that a model is built from."""
    with open_dict(cfg):
        cfg.pop("hydra", None)
    return OmegaConf.to_container(cfg, resolve=True)


def test_every_variant_is_run_by_some_sweep() -> None:
    assert FILES and SWEPT and PHOTO_TASKS
    # A variant is a file in a subfolder.
    variants = {f for f in FILES if "/" in f}
    run = {
        f"{key.removeprefix('experiments/')}/{value}"
        for name in SWEPT
        for job in jobs(name)
        for key, _, value in (option.partition("=") for option in job)
        if key.startswith("experiments/")
    }
    assert run == variants


@pytest.mark.parametrize("name", FILES)
def test_head_says_what_is_asked_what_it_costs_and_what_came_out(name: str) -> None:
    head = re.match(r"(#.*\n)+", (FOLDER / f"{name}.yaml").read_text())[0]
    if "/" in name:
        group, variant = name.split("/")
        assert f"experiments/{group}={variant}" in head
        return
    assert "# Question: " in head and "# Cost" in head and "# Results" in head
    assert f"experiments={name}" in head


@pytest.mark.parametrize("name", [f for f in FILES if "/" not in f and f not in SWEPT])
def test_experiment_takes_two_steps(name: str, tmp_path: Path, request: Any) -> None:
    vgg = request.getfixturevalue("random_vgg") if name in PERCEPTUAL else None
    run_experiment(name, tmp_path, vgg=vgg)


@pytest.mark.parametrize(
    "name", ["first_run", "pix2pix_earth", "cyclegan_earth", "cut_earth", "fastcut_earth"]
)
def test_experiments_on_the_earth_take_another_generator(name: str) -> None:
    """As a sweep over ``generator=`` asks for: no option that is set is the U-Net's alone."""
    assert composed(f"experiments={name}").generator.n_downs == 7
    other = composed(f"experiments={name}", "generator=resnet9").generator
    assert other.keys() - {"_target_"} <= signature(ResnetGenerator).parameters.keys()
    assert (other.base_channels, other.norm, other.dropout) == (16, "instance", 0)


def test_the_first_run_is_trained_with_another_generator(tmp_path: Path) -> None:
    run_experiment("first_run", tmp_path, "generator=resnet9")


@pytest.mark.parametrize("dataset", ["camvid", "synthetic"])
@pytest.mark.parametrize("name", PHOTO_TASKS)
def test_photo_tasks_take_the_photographs_of_a_set_of_pairs(
    name: str, dataset: str, tmp_path: Path, request: Any
) -> None:
    vgg = request.getfixturevalue("random_vgg") if name in PERCEPTUAL else None
    cfg = run_experiment(name, tmp_path, f"dataset={dataset}", vgg=vgg)
    assert cfg.dataset.name == dataset and cfg.task is not None


@pytest.mark.parametrize(
    ("name", "left"),
    [
        ("spade_labels2street", "feature_matching"),
        ("pix2pixhd_labels2street", "feature_matching"),
        ("super_resolution_x4", "l1"),
    ],
)
def test_without_a_network_it_says_so_and_trains_without_vgg(
    name: str, left: str, tmp_path: Path, monkeypatch: Any, capsys: Any
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "empty"))
    monkeypatch.setitem(backbones.URLS, "vgg19", "http://127.0.0.1:9/vgg19-00000000.pth")
    cfg = run_experiment(name, tmp_path, "dataset=camvid")
    assert [k for k, term in cfg.reconstruction.items() if term] == [left]
    assert "without the term perceptual" in capsys.readouterr().out


def test_a_term_that_is_required_ends_the_run_before_data_is_read(
    tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "empty"))
    monkeypatch.setitem(backbones.URLS, "vgg19", "http://127.0.0.1:9/vgg19-00000000.pth")
    cfg = composed("reconstruction=[l1,perceptual]", f"dataset.root={tmp_path / 'nowhere'}")
    slim(cfg, 64)
    leave_out_what_is_missing(cfg)
    with pytest.raises(SettingError, match=r"reconstruction\.perceptual\.weights_file"):
        build(cfg, plain(cfg))


@pytest.mark.parametrize(
    ("options", "found"),
    [
        (["gan_loss=vanilla", "reconstruction=[pan]", "reconstruction.pan.lambdas=[1,1]"],
         "reconstruction.pan.lambdas"),
        (["reconstruction=[ssim]", "dataset.image_size=8", "discriminator=pixel",
          "generator=resnet6"], "reconstruction.ssim"),
    ],
)  # fmt: skip
def test_what_a_term_cannot_work_on_is_refused_before_data_is_read(
    options: list[str], found: str, tmp_path: Path
) -> None:
    cfg = composed(
        *options, f"dataset.root={tmp_path / 'nowhere'}", "generator.base_channels=2",
        "discriminator.base_channels=2",
    )  # fmt: skip
    with pytest.raises(SettingError, match=found):
        build(cfg, plain(cfg))


def test_a_rehearsal_changes_nothing(tmp_path: Path) -> None:
    options = ("reconstruction=[l1,feature_matching,ssim]", f"dataset.root={tmp_path / 'nowhere'}")
    cfg = composed(*options)
    slim(cfg, 64)
    torch.manual_seed(0)
    model, _ = build(cfg, plain(cfg))
    before = {name: value.clone() for name, value in model.state_dict().items()}
    state, mode = torch.get_rng_state(), model.discriminator.training
    model.rehearse(torch.zeros(1, 3, 64, 64), torch.zeros(1, 3, 64, 64))
    assert torch.equal(state, torch.get_rng_state()) and model.discriminator.training == mode
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


@pytest.mark.parametrize(
    ("name", "job"), [(name, job) for name in SWEPT for job in jobs(name)], ids=str
)
def test_ablation_takes_two_steps(name: str, job: list[str], tmp_path: Path) -> None:
    cfg = run_experiment(name, tmp_path, *job)
    assert cfg.test_checkpoint == "last" and cfg.baselines


def test_ablations_are_sweeps_by_themselves_and_can_be_typed_over() -> None:
    for name in SWEPT:
        cfg = composed(
            f"experiments={name}", "dataset=camvid", "dataset.root=x", "trainer.max_steps=9",
            "dataset.image_size=128", "generator=unet128",
        )  # fmt: skip
        assert cfg.hydra.mode == RunMode.MULTIRUN
        assert (cfg.dataset.name, cfg.dataset.image_size, cfg.trainer.max_steps) == (
            "camvid",
            128,
            9,
        )
        if name != "unpaired_earth":  # there each variant has the networks of its system
            assert cfg.generator.n_downs == 7


def test_variants_of_table_1_are_those_of_the_paper() -> None:
    """Isola et al. 2017, Sec. 4.2; GAN means that D does not see the input."""
    seen = {}
    for job in jobs("table1_losses"):
        cfg = composed("experiments=table1_losses", *job)
        objective = cfg.gan_loss._target_.rsplit(".", 1)[-1]
        has_l1 = "l1" in (cfg.get("reconstruction") or {})
        seen[cfg.label] = (objective, has_l1, cfg.discriminator.conditional)
    assert {k: v[:2] for k, v in seen.items()} == {
        "L1": ("NoGAN", True), "GAN": ("VanillaGAN", False), "cGAN": ("VanillaGAN", False),
        "L1+GAN": ("VanillaGAN", True), "L1+cGAN": ("VanillaGAN", True),
    }  # fmt: skip
    assert [k for k, v in seen.items() if not v[2]] == ["GAN", "L1+GAN"]
