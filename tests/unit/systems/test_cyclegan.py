"""CycleGAN: its formulas, the order of its updates, its pools, and what it shows and scores."""

import copy
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from lightning.pytorch import Callback, Trainer
from torch import nn
from torch.utils.data import DataLoader

from benchmarks.bare_cyclegan import BareCycleGAN
from i2i.discriminators.patchgan import PatchDiscriminator
from i2i.errors import SettingError
from i2i.generators.resnet import ResnetGenerator
from i2i.losses.gan import GANLoss, HingeGAN, LeastSquaresGAN, NoGAN, VanillaGAN, WassersteinGP
from i2i.seeds import stable_seed
from i2i.systems.cyclegan import CycleGAN
from i2i.training.image_pool import ImagePool
from i2i.training.schedules import Constant

ADAM = {"lr": 2e-3, "betas": (0.5, 0.999)}
STEPS = 10
# Rounding to float64 is 1e-16, which ten steps of Adam amplify; a wrong weight, term or order of
# updates shows in the first digits.
TOLERANCE = 1e-9


def make_model(
    gan_loss: GANLoss | None = None,
    channels: tuple[int, int] = (3, 3),
    norm: str = "instance",
    conditional: bool = False,
    **options: Any,
) -> CycleGAN:
    torch.manual_seed(0)
    c_x, c_y = channels
    adam = partial(torch.optim.Adam, **ADAM)
    shared = {"optimizer_g": adam, "optimizer_d": adam, "scheduler": Constant, "pool_size": 3}
    return CycleGAN(
        ResnetGenerator(c_x, c_y, 2, n_blocks=1), ResnetGenerator(c_y, c_x, 2, n_blocks=1),
        PatchDiscriminator(c_x, c_y, 2, norm=norm, conditional=conditional),
        PatchDiscriminator(c_y, c_x, 2, norm=norm, conditional=conditional),
        gan_loss or LeastSquaresGAN(), **(shared | options),
    )  # fmt: skip


def make_samples(n: int = 6, channels: tuple[int, int] = (3, 3)) -> list[dict[str, Any]]:
    random = torch.Generator().manual_seed(1)
    samples = []
    for i in range(n):
        x, y = (torch.rand(c, 32, 32, generator=random) * 2 - 1 for c in channels)
        own = {"input_index": i, "target_index": n - 1 - i, "target_name": f"{i} of y"}
        samples.append({"input": x, "target": y, "name": f"{i} of x", "index": i} | own)
    return samples


class Terms(Callback):
    """Keeps the weighted terms of every step."""

    def __init__(self) -> None:
        self.rows: list[dict[str, float]] = []

    def on_train_batch_end(self, trainer: Trainer, *_: Any) -> None:
        found = trainer.callback_metrics.items()
        self.rows.append({k.removeprefix("train/"): v.item() for k, v in found if "/lr" not in k})


def fit(model: CycleGAN, samples: list, steps: int, batch: int = 2, **options: Any) -> Terms:
    terms = Terms()
    trainer = Trainer(
        max_steps=steps, max_epochs=-1, accelerator="cpu", devices=1, logger=False,
        enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False,
        log_every_n_steps=1, callbacks=[terms], num_sanity_val_steps=0,
    )  # fmt: skip
    trainer.fit(model, DataLoader(samples, batch_size=batch), **options)
    terms.trainer = trainer
    return terms


@pytest.mark.usefixtures("float64")
def test_ten_steps_are_those_of_the_bare_loop() -> None:
    """Losses and all weights, with pools that are full from the second batch on."""
    model, samples = make_model(), make_samples()
    g, d = model.generator, model.discriminator
    networks = [copy.deepcopy(n) for n in (g["there"], g["back"], d["there"], d["back"])]
    loop = BareCycleGAN(*networks, ADAM, ADAM, pool_size=3)
    mine = fit(model, samples, STEPS).rows
    batches = list(DataLoader(samples, batch_size=2))
    for step in range(STEPS):
        torch.manual_seed(stable_seed(0, "noise", step, 0))
        its = loop.on_batch(batches[step % len(batches)])
        assert mine[step].keys() == its.keys()
        for name, value in its.items():
            assert mine[step][name] == pytest.approx(value.item(), rel=TOLERANCE, abs=0), name
    for ours, theirs in zip((g["there"], g["back"], d["there"], d["back"]), networks, strict=True):
        for (name, a), b in zip(ours.named_parameters(), theirs.parameters(), strict=True):
            if b.abs().max() < 1e-7:
                # A bias in front of an instance norm, which subtracts it again: its gradient is
                # rounding, which Adam divides by itself. It has no true value but 0.
                assert name.endswith(".bias") and a.abs().max() < 1e-7, name
            else:
                assert torch.allclose(a, b, rtol=TOLERANCE, atol=1e-12), name


def test_the_bare_loop_notices_an_update_in_the_other_order() -> None:
    """Else the test above could pass for whatever reason."""
    model, samples = make_model(), make_samples()
    model.players = model.players[::-1]
    networks = [
        copy.deepcopy(n) for n in (*model.generator.values(), *model.discriminator.values())
    ]
    loop = BareCycleGAN(*networks, ADAM, ADAM, pool_size=3)
    mine = fit(model, samples, 1).rows
    its = loop.on_batch(next(iter(DataLoader(samples, batch_size=2))))
    assert mine[0]["g/gan_there"] != pytest.approx(its["g/gan_there"].item(), rel=1e-4)


@pytest.mark.parametrize(
    ("loss", "norm"),
    [
        (VanillaGAN(r1=1.0), "instance"), (HingeGAN(), "spectral"), (WassersteinGP(), "layer"),
        (VanillaGAN(), "batch"),
    ],
)  # fmt: skip
def test_every_objective_updates_all_four_networks(loss: GANLoss, norm: str) -> None:
    model = make_model(loss, norm=norm, n_critic=2)
    before = {n: p.detach().clone() for n, p in model.named_parameters()}
    terms = fit(model, make_samples(), 2)
    assert model.batches_seen == 4 and terms.trainer.global_step == 2
    moved = {n.rpartition(".")[0] for n, p in model.named_parameters() if not p.equal(before[n])}
    for network in ("generator.there", "generator.back", "discriminator.there"):
        assert any(name.startswith(network) for name in moved), network


def test_the_pools_are_part_of_a_checkpoint(tmp_path: Path) -> None:
    """Five steps are two and three, bit for bit, with pools that swap in both stretches."""
    samples = make_samples(10)
    straight = make_model()
    fit(straight, samples, 5)
    first = make_model()
    stretch = fit(first, samples, 2)
    file = tmp_path / "a.ckpt"
    stretch.trainer.save_checkpoint(file)
    content = torch.load(file, weights_only=True)["i2i"]
    (own,) = content["own_states"]
    assert own.keys() == {"there", "back"} and own["there"].shape == (3, 3, 32, 32)
    second = make_model()
    rest = [*samples[4:], *samples[:4]]  # a loader that begins where the first stretch stopped
    fit(second, rest, 5, ckpt_path=file, weights_only=True)
    for (name, a), b in zip(
        straight.state_dict().items(), second.state_dict().values(), strict=True
    ):
        assert torch.equal(a, b), name
    for way, pool in straight.pools.items():
        assert all(map(torch.equal, pool.images, second.pools[way].images))


def test_a_pool_hands_through_until_it_is_full_and_then_swaps_half() -> None:
    torch.manual_seed(3)
    pool = ImagePool(4)
    images = torch.arange(400.0).view(400, 1, 1, 1)
    first = pool.swapped(images[:4])
    assert torch.equal(first, images[:4])
    out = pool.swapped(images[4:]).flatten()
    newest = int((out == images[4:].flatten()).sum())
    assert 150 < newest < 246  # of 396: 198 and four standard deviations
    assert len(set(out.tolist())) == 396  # nothing comes out twice
    assert len(pool.images) == 4
    assert torch.equal(ImagePool(0).swapped(images), images)


def test_routes_are_named_by_the_direction_of_the_data() -> None:
    samples = make_samples(2)
    batch = next(iter(DataLoader(samples, batch_size=2)))
    for direction, other in (("AtoB", "BtoA"), ("BtoA", "AtoB")):
        model = make_model(direction=direction)
        assert model.routes == (direction, other)
        shown = model.validation_step(batch, 0)
        assert list(shown) == [direction, other]
        there, back = shown[direction], shown[other]
        assert there.names == ["0 of x", "1 of x"] and back.names == ["0 of y", "1 of y"]
        assert there.index.tolist() == [0, 1] == back.y_index.tolist()
        assert back.index.tolist() == [1, 0] == there.y_index.tolist()
        assert there.x is batch["input"] and there.y is batch["target"]
        assert torch.equal(there.y_hat, model.translator(direction)(batch["input"], there.names))
        home = model.translator(other)(there.y_hat, there.names)
        assert torch.equal(there.back, home) and not torch.equal(there.back, back.y_hat)


def test_with_pairs_the_truth_is_shown_both_ways() -> None:
    samples = [{k: s[k] for k in ("input", "target", "name", "index")} for s in make_samples(2)]
    shown = make_model().shown(next(iter(DataLoader(samples, batch_size=2))))
    assert all(one.true and one.y_index is None for one in shown.values())
    assert shown["BtoA"].y is shown["AtoB"].x


def test_the_average_is_of_both_generators() -> None:
    model = make_model(ema_decay=0.5)
    fit(model, make_samples(), 2)
    assert model.translator("AtoB").network is model.ema.network["there"]
    assert model.translator("BtoA").network is model.ema.network["back"]
    names = {name.split(".")[2] for name in model.state_dict() if name.startswith("ema.")}
    assert names == {"there", "back"}


def test_domains_of_different_channels() -> None:
    model = make_model(channels=(1, 3), lambda_identity=0.0)
    samples = make_samples(channels=(1, 3))
    rows = fit(model, samples, 2).rows
    assert not any("identity" in name for name in rows[0])
    x, y = samples[0]["input"][None], samples[0]["target"][None]
    model.judge(x, y)
    with pytest.raises(SettingError, match=r"model.lambda_identity=0.5: found 1 channels"):
        make_model(channels=(1, 3)).rehearse(x, y)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"lambda_cycle": -1.0}, "model.lambda_cycle=-1.0"),
        ({"lambda_identity": float("nan")}, "model.lambda_identity=nan"),
        ({"gan_loss": NoGAN()}, "gan_loss=none"),
        ({"gan_loss": WassersteinGP(), "norm": "batch"}, "discriminator.norm=batch"),
        ({"conditional": True}, "discriminator.conditional=true"),
    ],
)
def test_what_does_not_fit_is_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(SettingError, match=words):
        make_model(**options)


def test_parts_of_a_batch_add_up() -> None:
    """Instance norm keeps samples apart, so that two halves are the whole."""
    samples, rows = make_samples(4), []
    for accumulate in (1, 2):
        rows.append(fit(make_model(accumulate=accumulate, pool_size=0), samples, 1, 4).rows[0])
    for name, value in rows[0].items():
        assert rows[1][name] == pytest.approx(value, rel=1e-4), name


def test_every_network_is_a_module_of_the_model() -> None:
    model = make_model()
    assert isinstance(model.generator, nn.ModuleDict)
    assert [len(model.networks(player)) for player in model.players] == [2, 2]


def test_a_pool_begins_anew_with_images_of_another_size() -> None:
    pool = ImagePool(2)
    pool.swapped(torch.zeros(2, 3, 8, 8))
    pool.swapped(torch.zeros(1, 3, 16, 16))
    assert [image.shape[-1] for image in pool.images] == [16]


@pytest.mark.parametrize(
    "states",
    [
        None, 3, [3], [{"there": 3}], [{"there": torch.zeros(2, dtype=torch.int64)}],
        [{"there": torch.full((1, 3, 8, 8), float("nan"))}], [{"there": torch.zeros(2)}],
        [{"back": torch.empty(0)}], [{"there": torch.zeros(4, 3, 8, 8), "back": torch.empty(0)}],
    ],
    ids=str,
)  # fmt: skip
def test_odd_pools_of_a_stranger_are_refused(states: Any) -> None:
    model = make_model()
    model._trainer = SimpleNamespace(world_size=1, global_rank=0)
    with pytest.raises(SettingError, match=r"^resume: found .*; expected "):
        model.take_up(states)


def test_pools_of_other_processes_are_not_mixed_up(capsys: pytest.CaptureFixture) -> None:
    model = make_model()
    model._trainer = SimpleNamespace(world_size=1, global_rank=0)
    model.take_up([{"there": torch.zeros(2, 3, 8, 8), "back": torch.empty(0)}] * 2)
    assert model.pools["there"].images == []
    assert "2 processes kept images of their own, and 1 go on" in capsys.readouterr().out
