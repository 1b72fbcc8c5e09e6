"""BicycleGAN: its formulas, who learns from which term, the order of its updates, and its codes."""

import copy
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.pytorch import Callback, Trainer
from torch import Tensor, nn
from torch.optim import SGD, Adam
from torch.utils.data import DataLoader

from i2i.discriminators.multiscale import MultiscaleDiscriminator
from i2i.encoders.resnet import ResnetEncoder
from i2i.errors import SettingError
from i2i.generators.resnet import ResnetGenerator
from i2i.generators.unet import UNetGenerator
from i2i.losses.gan import GANLoss, HingeGAN, LeastSquaresGAN, NoGAN, VanillaGAN, WassersteinGP
from i2i.seeds import stable_seed
from i2i.systems.bicyclegan import BicycleGAN, divergence, halves
from i2i.training.schedules import Constant
from i2i.training.speed import Speed

# Gradients that are 0 but for rounding, as of a bias in front of an instance norm, move nothing
# with such an eps; Adam's own would divide them by themselves.
ADAM = {"lr": 2e-3, "betas": (0.5, 0.999), "eps": 1e-4}
ADAM_OF = partial(Adam, **ADAM)
CODE = 4
TOLERANCE = 1e-10


def make_model(
    gan_loss: GANLoss | None = None,
    norm: str = "instance",
    conditional: bool = False,
    generator: nn.Module | None = None,
    of_encoder: str = "instance",
    optimizer: Any = ADAM_OF,
    **options: Any,
) -> BicycleGAN:
    torch.manual_seed(0)
    shared = {"optimizer_g": optimizer, "optimizer_d": optimizer, "scheduler": Constant}
    shared |= {"discriminator_weight": 1.0, "inference": "eval"}
    unet = UNetGenerator(3, 3, 2, 4, "instance", dropout=0.0, latent=CODE)
    judges = [
        MultiscaleDiscriminator(
            3, 3, 4, 2, n_scales=2, norm=norm, conditional=conditional, padding=1,
            narrowing=True,
        )
        for _ in range(2)
    ]  # fmt: skip
    return BicycleGAN(
        generator or unet, ResnetEncoder(3, CODE, 2, 3, of_encoder), *judges,
        gan_loss or LeastSquaresGAN(), **(shared | options),
    )  # fmt: skip


def make_samples(n: int = 8) -> list[dict[str, Any]]:
    random = torch.Generator().manual_seed(1)
    samples = []
    for i in range(n):
        x, y = (torch.rand(3, 32, 32, generator=random) * 2 - 1 for _ in range(2))
        samples.append({"input": x, "target": y, "name": str(i), "index": i})
    return samples


class Terms(Callback):
    """Keeps the weighted terms of every step."""

    def __init__(self) -> None:
        self.rows: list[dict[str, float]] = []

    def on_train_batch_end(self, trainer: Trainer, *_: Any) -> None:
        found = trainer.callback_metrics.items()
        self.rows.append({k.removeprefix("train/"): v.item() for k, v in found if "/lr" not in k})


def fit(model: BicycleGAN, steps: int, batch: int = 2, **options: Any) -> Terms:
    terms, samples = Terms(), options.pop("samples", make_samples())
    trainer = Trainer(
        max_steps=steps, max_epochs=-1, accelerator="cpu", devices=1, logger=False,
        enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False,
        log_every_n_steps=1, callbacks=[terms], num_sanity_val_steps=0,
        precision=options.pop("precision", None),
    )  # fmt: skip
    trainer.fit(model, DataLoader(samples, batch_size=batch), **options)
    terms.trainer = trainer
    return terms


def squares(judge: nn.Module, image: Tensor, label: float) -> Tensor:
    """The sum over D's scales of the mean squared distance to a label."""
    return sum((logits - label).pow(2).mean() for logits in judge(image, image).logits)


class ByHand:
    """The paper's equations without the framework, on copies of a model's networks.

    Sec. 3.2: L_GAN^VAE(G, D, E), L_1^VAE(G, E) and L_KL(E) of the first half of a batch; Sec. 3.3:
    L_GAN(G, D) and L_1^latent(G) of the second one. The gradients of what E does not learn from are
    computed in a backward pass of their own.
    """

    def __init__(self, model: BicycleGAN):
        self.g, self.e = copy.deepcopy(model.generator), copy.deepcopy(model.encoder)
        self.d_encoded, self.d_drawn = copy.deepcopy(model.discriminator).values()
        self.of_d = [*self.d_encoded.parameters(), *self.d_drawn.parameters()]
        self.of_g, self.of_e = list(self.g.parameters()), list(self.e.parameters())
        self.adam_g, self.adam_d = Adam(self.of_g + self.of_e, **ADAM), Adam(self.of_d, **ADAM)

    def forward(self, batch: dict[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """The terms of G and E, and those of both discriminators, on a batch of two."""
        (x1, x2), (y1, y2) = batch["input"].split(1), batch["target"].split(1)
        mu, log_variance = self.e(y1)
        z = mu + log_variance.exp().sqrt() * torch.randn(1, CODE)
        drawn = torch.randn(1, CODE)
        fake1, fake2 = self.g(x1, z), self.g(x2, drawn)
        kl = 0.5 * (mu**2 + log_variance.exp() - log_variance - 1).sum()
        found, _ = self.e(fake2)
        of_g = {
            "gan_encoded": squares(self.d_encoded, fake1, 1.0),
            "gan_drawn": squares(self.d_drawn, fake2, 1.0),
            "l1": 10.0 * (fake1 - y1).abs().mean(),
            "kl": 0.01 * kl,
            "latent": 0.5 * (found - drawn).abs().sum() / CODE,
        }
        of_d = {
            "real_encoded": squares(self.d_encoded, y1, 1.0),
            "fake_encoded": squares(self.d_encoded, fake1.detach(), 0.0),
            "real_drawn": squares(self.d_drawn, y2, 1.0),
            "fake_drawn": squares(self.d_drawn, fake2.detach(), 0.0),
        }
        return of_g, of_d

    def gradients(self, of_g: dict[str, Tensor], of_d: dict[str, Tensor]) -> list[Tensor | None]:
        """Of G by all of its terms, of E without the latent one, of both D by theirs."""
        rest = sum(value for name, value in of_g.items() if name != "latent")
        keep = {"retain_graph": True, "allow_unused": True}
        latent = torch.autograd.grad(of_g["latent"], self.of_g, **keep)
        others = torch.autograd.grad(rest, self.of_g + self.of_e, **keep)
        n = len(self.of_g)
        g = [a + b for a, b in zip(latent, others[:n], strict=True)]
        return [*g, *others[n:], *torch.autograd.grad(sum(of_d.values()), self.of_d, **keep)]

    def on_batch(self, batch: dict[str, Tensor]) -> dict[str, float]:
        """Updates all; D sees what G made before its update."""
        of_g, of_d = self.forward(batch)
        found = self.gradients(of_g, of_d)
        parameters = [*self.of_g, *self.of_e, *self.of_d]
        for parameter, gradient in zip(parameters, found, strict=True):
            parameter.grad = gradient
        self.adam_g.step()
        self.adam_d.step()
        both = {"g": of_g, "d": of_d}
        return {f"{p}/{n}": v.item() for p, terms in both.items() for n, v in terms.items()}


def batches(size: int = 2) -> list[dict[str, Any]]:
    return list(DataLoader(make_samples(), batch_size=size))


class Kept(SGD):
    """Takes no step that would be seen, and keeps the gradients."""

    def __init__(self, parameters: Any, **options: Any):
        super().__init__(parameters, lr=0.0, **options)

    def step(self, closure: Any = None) -> None:
        if closure is not None:
            closure()
        self.kept = [p.grad.clone() for group in self.param_groups for p in group["params"]]


def kept_gradients(**options: Any) -> dict[str, list[Tensor]]:
    """The gradients of the first batch, by the network's name."""
    model = make_model(optimizer=Kept, **options)
    model_optimizers = []
    model.on_train_end = lambda: model_optimizers.extend(o.optimizer for o in model.optimizers())
    fit(model, 1)
    of_g, of_d = (optimizer.kept for optimizer in model_optimizers)
    n = len(list(model.generator.parameters()))
    return {"generator": of_g[:n], "encoder": of_g[n:], "discriminator": of_d}


def assert_near(a: Tensor, b: Tensor, name: str) -> None:
    """Equal to ten digits of the tensor's largest number; where that is rounding, both are."""
    assert (a - b).abs().max() <= max(TOLERANCE * b.abs().max(), 1e-11), name


@pytest.mark.usefixtures("float64")
def test_gradients_are_those_of_the_papers_equations() -> None:
    """Of G, E and both D, on the first batch."""
    found = kept_gradients()
    by_hand, batch = ByHand(make_model()), batches()[0]
    torch.manual_seed(stable_seed(0, "noise", 0, 0))
    expected = by_hand.gradients(*by_hand.forward(batch))
    mine = [gradient for network in found.values() for gradient in network]
    assert len(mine) == len(expected) > 40
    for i, (a, b) in enumerate(zip(mine, expected, strict=True)):
        assert_near(a, b, f"gradient {i}")


@pytest.mark.usefixtures("float64")
def test_eight_steps_are_those_of_the_papers_equations() -> None:
    """Terms and weights: G and E first, together, then both discriminators."""
    model = make_model()
    by_hand = ByHand(model)
    mine, given = fit(model, 8).rows, batches() * 2
    for step, batch in enumerate(given):
        torch.manual_seed(stable_seed(0, "noise", step, 0))
        its = by_hand.on_batch(batch)
        assert mine[step].keys() == its.keys()
        for name, value in its.items():
            assert mine[step][name] == pytest.approx(value, rel=TOLERANCE, abs=0), (step, name)
    judges = model.discriminator
    networks = (model.generator, model.encoder, judges["encoded"], judges["drawn"])
    theirs = (by_hand.g, by_hand.e, by_hand.d_encoded, by_hand.d_drawn)
    for ours, other in zip(networks, theirs, strict=True):
        for (name, a), b in zip(ours.named_parameters(), other.parameters(), strict=True):
            assert_near(a.detach(), b.detach(), name)


@pytest.mark.usefixtures("float64")
def test_the_encoder_does_not_learn_from_the_latent_term() -> None:
    without, plain, tenfold = (kept_gradients(lambda_latent=w) for w in (0.0, 0.5, 5.0))
    for a, b, c in zip(without["encoder"], plain["encoder"], tenfold["encoder"], strict=True):
        assert torch.equal(a, b) and torch.equal(a, c)
    assert max(gradient.abs().max() for gradient in plain["encoder"]) > 1e-4
    steps = zip(without["generator"], plain["generator"], tenfold["generator"], strict=True)
    first, much = zip(*((b - a, c - a) for a, b, c in steps), strict=True)
    assert max(gradient.abs().max() for gradient in first) > 1e-4
    for a, b in zip(first, much, strict=True):
        torch.testing.assert_close(10 * a, b, rtol=1e-8, atol=1e-12)


def test_the_encoder_learns_again_after_the_latent_term() -> None:
    model = make_model()
    fit(model, 1)
    assert all(p.requires_grad for p in model.parameters())


@pytest.mark.parametrize("norm", ["instance", "spectral"])
def test_recomputed_activations_leave_the_encoder_frozen_where_it_was(norm: str) -> None:
    """The latent term's pass is computed again when its weights can learn once more."""
    rows, weights = [], []
    for checkpointed in (False, True):
        model = make_model(of_encoder=norm, speed=Speed(checkpoint_activations=checkpointed))
        rows.append(fit(model, 2).rows)
        weights.append({k: v.clone() for k, v in model.state_dict().items()})
    assert rows[0] == rows[1]
    for a, b in zip(weights[0].values(), weights[1].values(), strict=True):
        assert torch.equal(a, b)


def test_one_batch_updates_g_and_e_and_then_both_discriminators() -> None:
    model, trace = make_model(), []

    def note(player: str, batch: Any, made: dict[str, Tensor]) -> Any:
        trace.append((player, made["encoded"].requires_grad, made["mean"].requires_grad))
        return original(player, batch, made)

    original, model.terms = model.terms, note
    stepped = []
    model.on_before_optimizer_step = lambda o: stepped.append(len(o.param_groups[0]["params"]))
    fit(model, 2)
    assert trace == [("g", True, True), ("d", False, False)] * 2
    both = [len(player.parameters) for player in model.players]
    assert stepped == both * 2 and len(set(both)) == 2
    assert [player.networks for player in model.players] == [
        ("generator", "encoder"), ("discriminator",),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("size", "encoded", "drawn"),
    [(1, [0], [0]), (2, [0], [1]), (3, [0, 1], [1, 2]), (4, [0, 1], [2, 3])],
)
def test_halves_are_different_images_but_for_the_middle_one(
    size: int, encoded: list[int], drawn: list[int]
) -> None:
    batch = next(iter(DataLoader(make_samples(), batch_size=size)))
    found = halves(batch)
    assert [half["index"].tolist() for half in found] == [encoded, drawn]
    assert torch.equal(found[1]["target"], batch["target"][drawn])


@pytest.mark.parametrize(("size", "accumulate"), [(1, 1), (3, 1), (2, 2), (4, 2), (3, 2)])
def test_any_batch_can_be_learnt_from(size: int, accumulate: int) -> None:
    model = make_model(accumulate=accumulate)
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    rows = fit(model, 2, size).rows
    assert all(torch.tensor(list(row.values())).isfinite().all() for row in rows)
    moved = {n.partition(".")[0] for n, p in model.named_parameters() if not p.equal(before[n])}
    assert moved == {"generator", "encoder", "discriminator"}


@pytest.mark.usefixtures("float64")
def test_divergence_is_that_of_normal_distributions() -> None:
    torch.manual_seed(0)
    mean, log_variance = torch.randn(5, 3), torch.randn(5, 3)
    its = torch.distributions.Normal(mean, log_variance.exp().sqrt())
    normal = torch.distributions.Normal(torch.zeros(3), torch.ones(3))
    expected = torch.distributions.kl_divergence(its, normal).sum(1).mean()
    assert divergence(mean, log_variance).item() == pytest.approx(expected.item(), rel=1e-12)
    assert divergence(torch.zeros(2, 3), torch.zeros(2, 3)) == 0


@pytest.mark.parametrize(
    ("loss", "norm", "conditional"),
    [
        (VanillaGAN(r1=1.0), "instance", True), (HingeGAN(), "spectral", False),
        (WassersteinGP(), "layer", True), (VanillaGAN(), "batch", False),
    ],
)  # fmt: skip
def test_every_objective_updates_all_networks(loss: GANLoss, norm: str, conditional: bool) -> None:
    model = make_model(loss, norm, conditional, n_critic=2)
    before = {n: p.detach().clone() for n, p in model.named_parameters()}
    terms = fit(model, 2)
    assert model.batches_seen == 4 and terms.trainer.global_step == 2
    moved = {
        ".".join(n.split(".")[:2]) for n, p in model.named_parameters() if p.ne(before[n]).any()
    }
    assert {"discriminator.encoded", "discriminator.drawn", "encoder.mean"} <= moved
    assert "generator.downs" in moved


def test_five_steps_are_two_and_three_bit_for_bit(tmp_path: Path) -> None:
    samples = make_samples(10)
    straight, first, second = make_model(), make_model(), make_model()
    fit(straight, 5, samples=samples)
    fit(first, 2, samples=samples).trainer.save_checkpoint(tmp_path / "a.ckpt")
    rest = [*samples[4:], *samples[:4]]  # a loader that begins where the first stretch stopped
    fit(second, 5, samples=rest, ckpt_path=tmp_path / "a.ckpt", weights_only=True)
    for (name, a), b in zip(
        straight.state_dict().items(), second.state_dict().values(), strict=True
    ):
        assert torch.equal(a, b), name


def test_bfloat16_is_near_float32() -> None:
    single, half = (fit(make_model(), 1, precision=p).rows[0] for p in ("32-true", "bf16-mixed"))
    assert half == pytest.approx(single, rel=0.03, abs=0.01)
    assert half != single


def test_the_code_of_an_image_is_that_of_seed_and_name() -> None:
    model = make_model()
    assert model.routes == ("AtoB",) and make_model(direction="BtoA").routes == ("BtoA",)
    batch = batches(3)[0]
    shown = model.validation_step(batch, 0)["AtoB"]
    way, x, names = model.translator(), batch["input"], batch["name"]
    assert way.latent == CODE
    assert torch.equal(shown.y_hat, way(x, names))
    alone = torch.cat([way(one, [name]) for one, name in zip(x.split(1), names, strict=True)])
    torch.testing.assert_close(alone, shown.y_hat, rtol=1e-4, atol=1e-5)
    same = x[:1].repeat(2, 1, 1, 1)
    assert not torch.allclose(*way(same, ["a", "b"]))  # another name, another code
    assert torch.equal(*way(same, ["a", "a"]))
    assert not torch.equal(way(x, names), make_model(seed=1).translator()(x, names))
    z = torch.randn(3, CODE)
    with torch.no_grad():
        expected = model.generator.eval()(x, z)
    torch.testing.assert_close(way(x, names, z), expected)


def test_the_average_translates() -> None:
    model = make_model(ema_decay=0.5)
    fit(model, 2)
    way, x = model.translator(), batches()[0]["input"]
    assert way.network is model.ema.network
    z = torch.zeros(2, CODE)
    assert not torch.allclose(way(x, ["a", "b"], z), model.generator.eval()(x, z))


def test_a_generator_that_takes_no_code_has_it_beside_its_input() -> None:
    model = make_model(generator=ResnetGenerator(3 + CODE, 3, 2, n_blocks=1))
    fit(model, 1)
    x, z = torch.rand(1, 3, 32, 32), torch.tensor([[1.0, -2.0, 3.0, 0.5]])
    seen = []
    model.generator.register_forward_pre_hook(lambda _, inputs: seen.append(inputs))
    model.translator()(x, ["a"], z)
    ((given,),) = seen
    assert torch.equal(given[:, :3], x)
    assert torch.equal(given[:, 3:], z[:, :, None, None].expand(1, CODE, 32, 32))


def test_the_encoder_judges_the_size_of_the_data() -> None:
    with pytest.raises(SettingError, match=r"dataset.image_size: found 16 x 4 pixels"):
        make_model().encoder(torch.zeros(1, 3, 16, 4))
    x = torch.zeros(1, 3, 32, 32)
    make_model().judge(x, x)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"lambda_l1": -1.0}, "model.lambda_l1=-1.0"),
        ({"lambda_kl": float("nan")}, "model.lambda_kl=nan"),
        ({"lambda_latent": float("inf")}, "model.lambda_latent=inf"),
        ({"gan_loss": NoGAN()}, "gan_loss=none: found no adversarial objective"),
        ({"gan_loss": WassersteinGP(), "norm": "batch"}, "discriminator.norm=batch"),
    ],
)
def test_what_does_not_fit_is_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(SettingError, match=words):
        make_model(**options)
