"""DiscoGAN: its formulas, whose turn it is, the rate of its cycle, and what it refuses."""

from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from lightning.pytorch import Trainer
from torch import Tensor, nn
from torch.utils.data import DataLoader

from i2i.discriminators.output import DiscriminatorOutput
from i2i.discriminators.patchgan import PatchDiscriminator
from i2i.discriminators.whole_image import GlobalDiscriminator
from i2i.errors import SettingError
from i2i.generators.discogan import DiscoGenerator
from i2i.losses.gan import GANLoss, HingeGAN, LeastSquaresGAN, NoGAN, VanillaGAN, WassersteinGP
from i2i.systems.discogan import DiscoGAN
from i2i.training.schedules import Constant, LinearDecay
from unit.systems.test_cyclegan import make_samples

ADAM = partial(torch.optim.Adam, lr=2e-3, betas=(0.5, 0.999), weight_decay=1e-5)


def make_model(
    gan_loss: GANLoss | None = None, norm: str = "batch", conditional: bool = False, **options: Any
) -> DiscoGAN:
    torch.manual_seed(0)
    shared = {"optimizer_g": ADAM, "optimizer_d": ADAM, "scheduler": Constant}
    judges = [PatchDiscriminator(3, 3, 2, norm=norm, conditional=conditional) for _ in range(2)]
    generators = [DiscoGenerator(3, 3, 2, n_downs=3) for _ in range(2)]
    return DiscoGAN(*generators, *judges, gan_loss or VanillaGAN(), **(shared | options))


class Watched(DiscoGAN):
    """Notes whose step it was, and the rate of the cycle as G's terms had it."""

    def on_before_optimizer_step(self, optimizer: Any) -> None:
        super().on_before_optimizer_step(optimizer)
        ours = zip(self.saved_order, self.optimizers(), strict=True)
        self.trail += [p.name for p, wrapped in ours if wrapped.optimizer is optimizer]

    def g_terms(self, *images: Tensor) -> Any:
        terms = super().g_terms(*images)
        x, _, fake_y, _ = images
        cycle = (self.generator["back"](fake_y) - x).square().mean()
        self.rates.append(round((terms["cycle_there"] / cycle).item(), 5))
        return terms


def watched(**options: Any) -> Any:
    model = make_model(**options)
    model.__class__ = Watched
    model.trail, model.rates = [], []
    return model


def fit(model: DiscoGAN, n: int = 6, batch: int = 2, **options: Any) -> Trainer:
    given = {k: options.pop(k) for k in ("ckpt_path",) if k in options}
    trainer = Trainer(
        **({"max_steps": -1, "logger": False} | options), accelerator="cpu", devices=1,
        enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False,
        log_every_n_steps=1, num_sanity_val_steps=0, limit_val_batches=0,
    )  # fmt: skip
    trainer.fit(model, DataLoader(make_samples(n), batch_size=batch), weights_only=True, **given)
    return trainer


def by_hand(model: DiscoGAN, x: Tensor, y: Tensor, r: float) -> dict[str, Tensor]:
    """G's and F's loss (Kim et al. 2017, Eq. 3 to 7, and the weights of its code), term by term."""
    g, f = model.generator["there"], model.generator["back"]
    d_y, d_x = model.discriminator["there"], model.discriminator["back"]
    terms = {}
    ways = (("there", g, f, d_y, x, y), ("back", f, g, d_x, y, x))
    for way, made_by, home, judge, source, real in ways:
        fake = made_by(source)
        logits, hidden = judge(fake, fake)
        terms[f"gan_{way}"] = (1 - r) * 0.1 * -torch.log(torch.sigmoid(logits[0])).mean()
        total = torch.zeros(())
        for layer in (1, 2, 3):  # of four hidden ones
            mean_fake = hidden[0][layer].sum(0) / len(fake)
            mean_real = judge(real, real).features[0][layer].sum(0) / len(real)
            total = total + ((mean_real.detach() - mean_fake) ** 2).sum() / mean_fake.numel()
        terms[f"features_{way}"] = (1 - r) * 0.9 * total
        terms[f"cycle_{way}"] = r * ((home(fake) - source) ** 2).sum() / source.numel()
    return terms


def d_by_hand(model: DiscoGAN, x: Tensor, y: Tensor) -> dict[str, Tensor]:
    """Half of the cross entropy on real images and half of that on made ones, for both D."""
    g, d = model.generator, model.discriminator
    terms = {}
    for way, source, real in (("there", x, y), ("back", y, x)):
        fake = g[way](source).detach()
        on_real, on_fake = d[way](real, real).logits[0], d[way](fake, fake).logits[0]
        terms[f"real_{way}"] = 0.5 * -torch.log(torch.sigmoid(on_real)).mean()
        terms[f"fake_{way}"] = 0.5 * -torch.log(1 - torch.sigmoid(on_fake)).mean()
    return terms


@pytest.mark.numeric
@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize(("batches", "r"), [(0, 0.01), (10_000, 0.5)])
def test_terms_and_gradients_are_those_of_the_equations(batches: int, r: float) -> None:
    model = make_model()
    model.batches_seen = batches
    batch = next(iter(DataLoader(make_samples(4), batch_size=4)))
    x, y = batch["input"], batch["target"]
    made = model.generate(batch)
    for player, theirs in (("g", by_hand(model, x, y, r)), ("d", d_by_hand(model, x, y))):
        images = made if player == "g" else {k: v.detach() for k, v in made.items()}
        mine = model.terms(player, batch, images)
        assert mine.keys() == theirs.keys()
        weights = [*(model.generator if player == "g" else model.discriminator).parameters()]
        for name, value in theirs.items():
            assert mine[name].item() == pytest.approx(value.item(), rel=1e-10), name
            # allow_unused: one way has nothing to do with the other's discriminator
            a, b = (
                torch.autograd.grad(term, weights, retain_graph=True, allow_unused=True)
                for term in (mine[name], value)
            )
            for one, other in zip(a, b, strict=True):
                assert (one is None) == (other is None)
                if one is not None:
                    # Zero but for rounding: a bias before a norm, what ReLU leaves of nothing.
                    torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-15)


def test_d_has_every_third_batch_alone_and_the_rate_counts_all_of_them() -> None:
    """Batches 0, 3 and 6 are D's; r rises with batch 4, a step of G being two thirds of a batch."""
    model = watched(first_batches=4)
    trainer = fit(model, max_steps=6)
    assert "".join(model.trail) == "dggdggdgg"
    assert model.batches_seen == 9 and trainer.global_step == 6
    assert model.rates == [0.01, 0.01, 0.5, 0.5, 0.5, 0.5]


def test_a_run_of_epochs_knows_its_steps_and_its_schedule_ends_with_them() -> None:
    model = watched(scheduler=partial(LinearDecay, flat_fraction=0.0))
    trainer = fit(model, max_epochs=5)  # of 3 batches, 2 steps
    assert model.total_steps == trainer.global_step == 10
    assert [s.get_last_lr() for s in model.lr_schedulers()] == [[0.0], [0.0]]
    assert watched(n_critic=2, g_updates=1).rounds == (("d",), ("d",), ("g",))


@pytest.mark.parametrize("batches", [1, 2, 3, 4])
def test_it_goes_on_exactly_from_every_batch_of_a_round(tmp_path: Path, batches: int) -> None:
    options = {"first_batches": 2, "ema_decay": 0.5}
    straight, half, resumed = (watched(**options) for _ in range(3))
    fit(straight, n=2, max_epochs=6)
    file = tmp_path / "half.ckpt"
    fit(half, n=2, max_epochs=batches).save_checkpoint(file)
    fit(resumed, n=2, max_epochs=6, ckpt_path=file)
    a, b = straight.state_dict(), resumed.state_dict()
    assert [name for name in a if not torch.equal(a[name], b[name])] == []
    assert half.trail + resumed.trail == straight.trail == list("dggdgg")
    assert half.rates + resumed.rates == straight.rates == [0.01, 0.5, 0.5, 0.5]


@pytest.mark.parametrize(
    ("loss", "norm"),
    [
        (LeastSquaresGAN(), "batch"), (HingeGAN(), "spectral"), (WassersteinGP(), "layer"),
        (VanillaGAN(r1=1.0), "instance"),
    ],
)  # fmt: skip
def test_every_objective_updates_all_four_networks(loss: GANLoss, norm: str) -> None:
    model = make_model(loss, norm=norm)
    before = {n: p.detach().clone() for n, p in model.named_parameters()}
    fit(model, max_steps=2)
    now = dict(model.named_parameters())
    moved = {".".join(n.split(".")[:2]) for n, p in now.items() if not p.equal(before[n])}
    assert moved == {f"{n}.{way}" for n in ("generator", "discriminator") for way in WAYS}
    assert all(p.isfinite().all() for p in now.values())


WAYS = ("there", "back")


def test_in_bfloat16_the_terms_are_nearly_the_same() -> None:
    rows = []
    for precision in ("32-true", "bf16-mixed"):
        model = make_model()
        fit(model, max_steps=1, precision=precision)
        rows.append({k: v for terms in model.newest.values() for k, v in terms.items()})
    for name, value in rows[0].items():
        assert rows[1][name].item() == pytest.approx(value.item(), rel=0.05, abs=1e-3), name


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"lambda_gan": -1.0}, "model.lambda_gan=-1.0"),
        ({"lambda_features": float("nan")}, "model.lambda_features=nan"),
        ({"rate": 1.5}, r"model.rate=1.5: found that share .*; expected 0 to 1"),
        ({"first_rate": float("nan")}, "model.first_rate=nan"),
        ({"first_batches": -1}, "model.first_batches=-1: .* whole number, 0 or more"),
        ({"first_batches": 0.5}, "model.first_batches=0.5"),
        ({"g_updates": 0}, "model.g_updates=0: .* whole number, 1 or more"),
        ({"gan_loss": NoGAN()}, "gan_loss=none"),
        ({"gan_loss": WassersteinGP()}, "discriminator.norm=batch"),
        ({"conditional": True}, "discriminator.conditional=true"),
    ],
)
def test_what_does_not_fit_is_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(SettingError, match=words):
        make_model(**options)


class NoFeatures(nn.Module):
    def forward(self, x: Tensor, y: Tensor) -> DiscriminatorOutput:
        return DiscriminatorOutput([y.mean((1, 2, 3), keepdim=True)], [[]])


def test_a_discriminator_without_hidden_maps_is_refused_before_training() -> None:
    x = torch.zeros(1, 3, 32, 32)
    model = make_model()
    buffers = {n: b.clone() for n, b in model.named_buffers()}
    model.rehearse(x, x)
    assert all(torch.equal(buffers[n], b) for n, b in model.named_buffers())
    model.discriminator["back"] = NoFeatures()
    with pytest.raises(SettingError, match=r"model\.lambda_features: found a discriminator that"):
        model.rehearse(x, x)
    model.lambda_features = 0.0
    model.rehearse(x, x)
    assert model.convincing("back", x, x).keys() == {"gan_back"}


def test_weights_have_the_names_of_cyclegan_and_routes_both_ways() -> None:
    model = make_model(direction="BtoA")
    assert model.routes == ("BtoA", "AtoB") and model.pairings == ("unpaired",)
    names = {".".join(n.split(".")[:2]) for n in model.state_dict()}
    assert names == {f"{n}.{way}" for n in ("generator", "discriminator") for way in WAYS}
    assert model.translator("AtoB").network is model.generator["back"]
    assert model.own_state() == {}
    model._trainer = SimpleNamespace(world_size=1, global_rank=0)
    model.take_up(None)


# ---- networks ----


def test_parameters_of_the_generator_by_hand() -> None:
    """Kernels of 4 x 4; 64, 128, 256, 512 and back; batch norm behind the six in the middle."""
    kernels = sum(a * 2 * a * 16 for a in (64, 128, 256))
    down = (3 * 64 * 16 + 64) + kernels + 2 * (128 + 256 + 512)
    up = kernels + 2 * (256 + 128 + 64) + (64 * 3 * 16 + 3)
    assert sum(p.numel() for p in DiscoGenerator(3, 3).parameters()) == down + up == 5_513_923


@pytest.mark.usefixtures("float64")
def test_the_generator_is_its_layers_written_out() -> None:
    torch.manual_seed(1)
    network, x = DiscoGenerator(3, 1, 2), torch.rand(2, 3, 32, 64)
    h = x
    convs = [m for m in network.modules() if isinstance(m, nn.Conv2d | nn.ConvTranspose2d)]
    assert [type(c).__name__ for c in convs] == ["Conv2d"] * 4 + ["ConvTranspose2d"] * 4
    for i, c in enumerate(convs):
        f = nn.functional.conv2d if i < 4 else nn.functional.conv_transpose2d
        h = f(h, c.weight, c.bias, stride=2, padding=1)
        if 0 < i < 7:
            mean, var = h.mean((0, 2, 3), keepdim=True), h.var((0, 2, 3), False, keepdim=True)
            h = (h - mean) / (var + 1e-5).sqrt()
        if i < 7:
            h = torch.where(h > 0, h, (0.2 if i < 4 else 0.0) * h)
    assert torch.allclose(network(x), torch.tanh(h), rtol=0, atol=1e-12)
    assert network(x).shape == (2, 1, 32, 64)


def test_the_generator_refuses_other_sizes_and_begins_as_pytorch_draws() -> None:
    with pytest.raises(SettingError, match=r"multiples of 16, at least 32"):
        DiscoGenerator(3, 3, 2)(torch.zeros(1, 3, 16, 16))
    torch.manual_seed(0)
    bound = 1 / (64 * 16) ** 0.5
    weight = DiscoGenerator(3, 3).downs[1][0].weight
    assert 0.99 * bound < weight.abs().max() <= bound


def test_dcgan_has_one_score_at_64_which_sees_the_whole_image() -> None:
    network = GlobalDiscriminator(3, 3, conditional=False, whole=True, small_start=False)
    kernels = sum(a * 2 * a * 16 for a in (64, 128, 256))
    expected = (3 * 64 * 16 + 64) + kernels + 2 * (128 + 256 + 512) + (512 * 16 + 1)
    assert sum(p.numel() for p in network.parameters()) == expected
    assert network.least_size == 64
    bound = 1 / (512 * 16) ** 0.5
    assert 0.99 * bound < network.score.weight.abs().max() <= bound
    y = torch.rand(2, 3, 64, 64)
    logits, features = network(y, y)
    assert network.score(features[0][-1]).shape == logits[0].shape == (2, 1, 1, 1)
    assert [tuple(m.shape[1:]) for m in features[0]] == [
        (64, 32, 32), (128, 16, 16), (256, 8, 8), (512, 4, 4)
    ]  # fmt: skip
    assert network(torch.rand(1, 3, 96, 64), torch.rand(1, 3, 96, 64)).logits[0].shape == (
        1, 1, 1, 1
    )  # fmt: skip
