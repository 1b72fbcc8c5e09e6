"""Every generator, and every discriminator with every objective, takes two real training steps.

Players meet in ``y_hat`` alone, a (B, C, H, W) tensor in [-1, 1]. So each generator is trained
once, against one discriminator, and the discriminators and objectives meet one generator.
"""

import itertools
import random
from functools import cache

import pytest
import torch
from hydra.core.hydra_config import HydraConfig
from hydra.errors import InstantiationException
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf, open_dict
from torch.utils.data import DataLoader

from conftest import CONF, ROOT
from i2i.commands.launch import describe
from i2i.config.resolvers import register
from i2i.errors import SettingError
from two_steps import composed, slim, two_steps

SIZES = {"patch286": 96, "domains": 128}  # pixels; every other discriminator takes 64
REFUSED = {  # of the grid's combinations none; these options on top of them
    ("gan_loss=wgan-gp", "discriminator.norm=batch"): "discriminator.norm=batch: found batch norm",
    ("gan_loss=vanilla", "gan_loss.r1=10"): "found batch norm under VanillaGAN with gan_loss.r1=10",
    ("gan_loss=none", "reconstruction=none"): "gan_loss=none",
    ("gan_loss=none", "reconstruction=feature_matching"): "gan_loss=none",
}

pytestmark = pytest.mark.filterwarnings("ignore:You defined a `validation_step`")


@pytest.fixture(autouse=True)
def root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("I2I_ROOT", str(ROOT))
    register()


GRID = [
    sorted(p.stem for p in (CONF / group).glob("*.yaml"))
    for group in ("generator", "discriminator", "gan_loss")
]
FIRST = ("unet", "patch70", "vanilla")  # the defaults of pix2pix
OF_PICTURES = [n for n in GRID[0] if "in_channels" in (CONF / f"generator/{n}.yaml").read_text()]
COMBINATIONS = [(name, *FIRST[1:]) for name in OF_PICTURES]
COMBINATIONS += [(FIRST[0], *pair) for pair in itertools.product(*GRID[1:]) if pair != FIRST[1:]]


COMMON = ("dataset=folder", "dataset.root=x", "scheduler=constant")


@cache
def once(*options: str) -> DictConfig:
    """A whole composition, which takes a tenth of a second; not to be changed."""
    return composed(*COMMON, *options)


def of_grid(generator: str, discriminator: str, loss: str) -> str:
    return f"generator={generator} discriminator={discriminator} gan_loss={loss}"


@cache
def preset(group: str, name: str) -> DictConfig:
    """A preset's values by their places in the whole, over those of the preset it begins with."""
    text = (CONF / group / f"{name}.yaml").read_text()
    own = OmegaConf.create(text)
    bases = [base for base in own.pop("defaults", []) if isinstance(base, str)]
    parts = [preset(group, base) for base in bases if base != "_self_" and base[0] != "/"]
    node = own if text.startswith("# @package _global_") else OmegaConf.create({group: own})
    return OmegaConf.merge(*parts, node)


def merged(system: str, option: str) -> DictConfig:
    """What Hydra composes of these, out of parts that it composes once.

    Networks are copied from a composition that has no other change. The objective and the system
    stand after them in the list of defaults, and may set values of theirs; so do the options.
    """
    asked = dict(word.split("=", 1) for word in option.split())
    # Without an objective nothing else is set by one.
    base = once(f"model={system}", *(["gan_loss=none"] if "gan_loss" in asked else []))
    cfg = base.copy()
    with open_dict(cfg):
        for group in ("generator", "discriminator"):
            if group in asked:
                cfg[group] = once(f"{group}={asked.pop(group)}")[group]
        cfg.merge_with(
            preset("gan_loss", asked.pop("gan_loss", base.hydra.runtime.choices.gan_loss)),
            preset("model", system),
        )
    cfg.merge_with_dotlist([f"{key}={value}" for key, value in asked.items()])
    HydraConfig.instance().set_config(cfg)
    return cfg


def batches(size: int, count: int) -> DataLoader:
    generator = torch.Generator().manual_seed(0)
    made = [torch.rand(2, 3, size, size, generator=generator) * 2 - 1 for _ in range(2 * count)]
    pairs = zip(made[::2], made[1::2], strict=True)
    rest = {"name": ["a", "b"], "index": torch.arange(2)}
    return DataLoader([{"input": x, "target": y, **rest} for x, y in pairs], batch_size=None)


@pytest.mark.parametrize(("options", "words"), REFUSED.items(), ids=str)
def test_what_cannot_be_trained_is_refused_in_words(options: tuple[str, ...], words: str) -> None:
    cfg = composed("dataset=folder", "dataset.root=x", *options)
    slim(cfg, 64)
    with pytest.raises(InstantiationException) as error:
        instantiate(cfg.model)
    assert isinstance(error.value.__cause__, SettingError)
    text = describe(error.value)
    assert words in text and "; expected " in text, text


@pytest.mark.parametrize(
    ("generator", "discriminator", "loss"), COMBINATIONS, ids=["-".join(c) for c in COMBINATIONS]
)
def test_combination_takes_two_steps(generator: str, discriminator: str, loss: str) -> None:
    cfg = merged("pix2pix", of_grid(generator, discriminator, loss))
    size = SIZES.get(discriminator, 64)
    cfg.model.n_critic = min(cfg.model.n_critic, 2)
    slim(cfg, size)
    model = instantiate(cfg.model)
    watch = two_steps(model, train_dataloaders=batches(size, 2 * cfg.model.n_critic))
    assert watch.moved == ({"generator"} if loss == "none" else {"generator", "discriminator"})


SYSTEMS = sorted(p.stem for p in (CONF / "model").glob("*.yaml"))
OWN = [(system, option) for system in SYSTEMS for option in ("", "model.ema_decay=0.5")]
AUGMENTED = "model.diffaugment=[color,translation,cutout]"
OWN += [(system, AUGMENTED) for system in SYSTEMS if system != "classifier"]  # which has no judge
OTHERS = [f"generator={name}" for name in GRID[0]] + [f"discriminator={name}" for name in GRID[1]]
OTHERS += [f"gan_loss={name}" for name in GRID[2] if name != "none"]
OTHERS += ["gan_loss.r1=1 discriminator.norm=layer"]
# pix2pix stands in the grid above, and a classifier plays no game.
GAMES = [system for system in SYSTEMS if system not in ("pix2pix", "classifier")]
OWN += [(system, option) for system in GAMES for option in OTHERS]


@pytest.mark.parametrize(("system", "option"), OWN, ids=[f"{s}-{o or 'own'}" for s, o in OWN])
def test_system_takes_two_steps_and_shows_its_routes(system: str, option: str) -> None:
    cfg = merged(system, option)
    cfg.model.n_critic = min(cfg.model.n_critic, 2)
    size = SIZES.get(option.partition("discriminator=")[2], 64)
    slim(cfg, size)
    try:
        model = instantiate(cfg.model)
    except InstantiationException as error:  # said before any training
        assert option.partition("=")[0] in ("generator", "discriminator")
        assert "; expected " in describe(error)
        return
    known = {"paired": {}, "unpaired": PLACES, "labelled": {"label": torch.tensor([0, 1])}}
    data = [batch | known[model.pairings[0]] for batch in batches(size, 6).dataset]
    try:
        model.judge(data[0]["input"], data[0]["target"])
        for translator in model.translators().values():
            translator.blank(data[0]["input"])
    except SettingError as error:  # said before any training
        assert option.partition("=")[0] in ("generator", "discriminator") and "; expected " in str(
            error
        )
        return
    watch = two_steps(model, train_dataloaders=DataLoader(data, batch_size=None))
    assert watch.moved == {name for player in model.players for name in player.networks}
    for route, shown in model.validation_step(data[0], 0).items():
        assert route in model.routes
        assert shown.made.shape == shown.real.shape and shown.made.isfinite().all()
        assert (shown.back is not None) == (route in model.ways_back)
        if shown.x is not None:
            translator = model.translator(route)
            assert torch.equal(translator(shown.x, shown.names), shown.y_hat)


WHOLE = [("pix2pix", of_grid(*chosen)) for chosen in COMBINATIONS] + OWN


@pytest.mark.parametrize(
    ("system", "option"), random.Random(0).sample(WHOLE, 16), ids=lambda value: value or "own"
)
def test_what_is_merged_is_what_hydra_composes(system: str, option: str) -> None:
    whole = composed(*COMMON, f"model={system}", *option.split())
    found = merged(system, option)
    for cfg in (whole, found):
        with open_dict(cfg):
            del cfg["hydra"]
    assert OmegaConf.to_container(found) == OmegaConf.to_container(whole)


PLACES = {
    "input_index": torch.tensor([0, 1]), "target_index": torch.tensor([1, 0]),
    "target_name": ["c", "d"],
}  # fmt: skip
