"""The training step: who is updated, when, and by how much."""

import copy
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.pytorch import LightningDataModule, Trainer
from torch import nn

from i2i.discriminators.patchgan import PatchDiscriminator
from i2i.errors import SettingError
from i2i.generators.resnet import ResnetGenerator
from i2i.generators.unet import UNetGenerator
from i2i.losses.gan import HingeGAN, LeastSquaresGAN, NoGAN, VanillaGAN, WassersteinGP
from i2i.systems.pix2pix import Pix2Pix
from i2i.training.schedules import Constant, LinearDecay, total_steps

ADAM = partial(torch.optim.Adam, lr=2e-4, betas=(0.5, 0.999))
SGD = partial(torch.optim.SGD, lr=0.1)


def make_pairs(n: int, size: int = 32) -> list[dict[str, Any]]:
    generator = torch.Generator().manual_seed(3)
    pairs = []
    for i in range(n):
        y = torch.rand(3, size, size, generator=generator) * 2 - 1
        pairs.append({"input": -y, "target": y, "name": str(i), "index": i})
    return pairs


class Pairs(LightningDataModule):
    """Unshuffled pairs in memory."""

    def __init__(self, n: int = 8, batch_size: int = 1):
        super().__init__()
        self.pairs, self.batch_size = make_pairs(n), batch_size

    def train_dataloader(self) -> torch.utils.data.DataLoader:
        return torch.utils.data.DataLoader(self.pairs, self.batch_size)

    val_dataloader = train_dataloader


class Pairs64(Pairs):
    """Large enough for six halvings."""

    def __init__(self) -> None:
        super().__init__(2)
        self.pairs = make_pairs(2, 64)


def make_model(
    norm: str = "instance", gan_loss: Any = None, generator: nn.Module | None = None, **options: Any
) -> Pix2Pix:
    torch.manual_seed(0)
    options = {"optimizer_g": ADAM, "optimizer_d": ADAM, "scheduler": Constant} | options
    return Pix2Pix(
        generator or ResnetGenerator(3, 3, 4, n_blocks=1, norm=norm),
        PatchDiscriminator(3, 3, 4, norm=norm), gan_loss or VanillaGAN(), **options,
    )  # fmt: skip


def fit(model: Pix2Pix, data: Pairs, max_steps: int = 2, **options: Any) -> Trainer:
    trainer = Trainer(
        max_steps=max_steps, accelerator="cpu", logger=False, enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False, num_sanity_val_steps=0, **options,
    )  # fmt: skip
    trainer.fit(model, data)
    return trainer


def weights(network: nn.Module) -> dict[str, torch.Tensor]:
    return {n: p.detach().clone() for n, p in network.named_parameters()}


def same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(a[n], b[n]) for n in a)


class Watched(Pix2Pix):
    """Notes which network changed between the updates of a step."""

    def on_before_optimizer_step(self, optimizer: Any) -> None:
        super().on_before_optimizer_step(optimizer)
        self.trail = [
            *getattr(self, "trail", []),
            (weights(self.generator), weights(self.discriminator)),
        ]
        grads = [p.grad for p in self.generator.parameters() if p.grad is not None]
        kept = [g.clone() for g in grads]
        self.g_gradients = [*getattr(self, "g_gradients", []), kept]


@pytest.mark.parametrize(
    ("loss", "norm"),
    [
        (VanillaGAN(), "instance"),
        (VanillaGAN(r1=10.0), "instance"),
        (LeastSquaresGAN(), "instance"),
        (HingeGAN(), "spectral"),
        (WassersteinGP(), "instance"),
        (WassersteinGP(r1=1.0), "spectral"),
    ],
)
def test_each_update_leaves_the_other_player_bit_identical(loss: Any, norm: str) -> None:
    """The parameters, that is: spectral norm estimates its singular values in every turn."""
    model = make_model(gan_loss=loss)
    model.discriminator = PatchDiscriminator(3, 3, 4, norm=norm)
    model.__class__ = Watched
    fit(model, Pairs(), max_steps=2)
    before_d, before_g, before_d2, before_g2 = model.trail
    assert same(before_d[0], before_g[0])  # D's update: G as it was
    assert not same(before_d[1], before_g[1])  # ... and D changed
    assert same(before_g[1], before_d2[1])  # G's update: D as it was
    assert not same(before_g[0], before_d2[0])
    assert not same(before_d2[1], before_g2[1])
    before_d, before_g, before_d2, before_g2 = model.g_gradients
    assert before_d == [] and before_g  # D's backward pass stops in front of G
    assert all(map(torch.equal, before_d2, before_g))  # ... and adds nothing to what is left there
    assert not all(map(torch.equal, before_g2, before_g))


def test_what_the_progress_bar_shows_is_not_on_the_device() -> None:
    """Lightning reads it after every batch; to read a number of the meta device is an error."""
    model = make_model()
    model.on_train_start = lambda: setattr(model, "_device", torch.device("meta"))
    trainer = fit(model, Pairs(), max_steps=3, log_every_n_steps=2)
    shown = trainer.progress_bar_metrics
    assert {"train/d/real", "train/d/fake", "train/g/gan", "train/g/l1"} <= shown.keys()
    assert all(isinstance(value, float) for value in shown.values())


@pytest.mark.parametrize(("n_critic", "batches"), [(1, 4), (3, 12)])
def test_a_step_is_one_generator_update(n_critic: int, batches: int) -> None:
    model = make_model(n_critic=n_critic)
    model.__class__ = Watched
    trainer = fit(model, Pairs(5), max_steps=4)
    assert trainer.global_step == 4
    assert model.batches_seen == batches
    assert model.images_seen == batches
    assert len(model.trail) == batches + 4  # D on every batch, G on every n_critic-th


def test_schedule_counts_generator_steps_and_ends_near_zero() -> None:
    model = make_model(n_critic=2, scheduler=partial(LinearDecay, flat_fraction=0.5))
    rates: list[float] = []

    def record(self: Pix2Pix) -> None:
        Pix2Pix.end_step(self)
        rates.append(self.lr_schedulers()[0].get_last_lr()[0])

    model.end_step = record.__get__(model)
    fit(model, Pairs(), max_steps=8)
    assert rates == pytest.approx([2e-4 * f for f in (1, 1, 1, 1, 0.75, 0.5, 0.25, 0)])


def test_total_steps_from_epochs() -> None:
    model = make_model(n_critic=2)
    fit(model, Pairs(8, batch_size=2), max_steps=-1, max_epochs=3)
    assert total_steps(model.trainer, model.rounds) == 3 * 4 // 2


def step_by_hand(model: Pix2Pix, batch: dict[str, Any]) -> None:
    """One pix2pix step with SGD, without Lightning (Isola et al. 2017, Sec. 3)."""
    x, y, lr = batch["input"], batch["target"], 0.1
    bce = nn.functional.binary_cross_entropy_with_logits
    g, d = list(model.generator.parameters()), list(model.discriminator.parameters())
    y_hat = model.generator(x)
    real = model.discriminator(x, y).logits[0]
    fake = model.discriminator(x, y_hat.detach()).logits[0]
    loss_d = 0.5 * (bce(real, torch.ones_like(real)) + bce(fake, torch.zeros_like(fake)))
    with torch.no_grad():
        for p, grad in zip(d, torch.autograd.grad(loss_d, d), strict=True):
            p -= lr * grad
    fake = model.discriminator(x, y_hat).logits[0]
    loss_g = bce(fake, torch.ones_like(fake)) + 100 * (y_hat - y).abs().mean()
    with torch.no_grad():
        for p, grad in zip(g, torch.autograd.grad(loss_g, g), strict=True):
            p -= lr * grad


@pytest.mark.usefixtures("float64")
def test_step_equals_the_algorithm_written_out() -> None:
    model = make_model(optimizer_g=SGD, optimizer_d=SGD)
    by_hand = copy.deepcopy(model)
    data = Pairs(2, batch_size=2)
    fit(model, data, max_steps=1)
    step_by_hand(by_hand, next(iter(data.train_dataloader())))
    for (name, a), b in zip(model.named_parameters(), by_hand.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-12, msg=name)


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("accumulate", [2, 3])
def test_accumulation_is_the_update_of_the_whole_batch(accumulate: int) -> None:
    """4 images in 2 parts, and in unequal ones (2 + 2 and 2 + 1 + 1 would both do)."""
    whole = make_model(optimizer_g=SGD, optimizer_d=SGD)
    parts = copy.deepcopy(whole)
    parts.accumulate = accumulate
    fit(whole, Pairs(5, batch_size=5), max_steps=1)
    fit(parts, Pairs(5, batch_size=5), max_steps=1)
    for (name, a), b in zip(whole.named_parameters(), parts.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-12, msg=name)


@pytest.mark.parametrize("gan_loss", [VanillaGAN(), WassersteinGP()])
def test_a_batch_smaller_than_the_parts_still_moves_the_generator(gan_loss: Any) -> None:
    """What was made for D, whose turn is first, has no graph that G could learn through."""
    model = make_model(gan_loss=gan_loss, accumulate=2)
    before = weights(model.generator)
    fit(model, Pairs(2, batch_size=1), max_steps=1)
    assert not same(before, weights(model.generator))


def test_accumulation_in_bfloat16_moves_each_kernel_as_the_whole_batch() -> None:
    """Autocast's rounding differs with the number of images, and so each kernel's change a bit.

    The casts that D's turn made of G's weights without a graph must not serve G's turn.
    """
    start = make_model(optimizer_g=SGD, optimizer_d=SGD)
    whole, parts = copy.deepcopy(start), copy.deepcopy(start)
    parts.accumulate = 2
    for model in (whole, parts):
        fit(model, Pairs(5, batch_size=5), max_steps=1, precision="bf16-mixed")
    triples = zip(start.named_parameters(), whole.parameters(), parts.parameters(), strict=True)
    kernels = [(name, a - s, b - s) for (name, s), a, b in triples if s.dim() > 1]
    assert {name.split(".")[0] for name, *_ in kernels} == {"generator", "discriminator"}
    for name, of_whole, of_parts in kernels:
        assert (of_whole - of_parts).norm() < 0.05 * of_whole.norm(), name


def test_clipping_is_per_network() -> None:
    """With SGD the change of a network is lr times its clipped gradient."""
    model = make_model(optimizer_g=SGD, optimizer_d=SGD, clip_g=0.01, clip_d=0.002)
    before = copy.deepcopy(model)
    fit(model, Pairs(), max_steps=1)

    def moved(network: nn.Module, old: nn.Module) -> float:
        pairs = zip(network.parameters(), old.parameters(), strict=True)
        return sum((a - b).square().sum() for a, b in pairs).sqrt().item()

    assert moved(model.generator, before.generator) == pytest.approx(0.1 * 0.01, rel=1e-3)
    assert moved(model.discriminator, before.discriminator) == pytest.approx(0.1 * 0.002, rel=1e-3)


def test_ema_follows_its_formula() -> None:
    model = make_model(ema_decay=0.9)
    seen = []

    def record(self: Pix2Pix) -> None:
        Pix2Pix.end_step(self)
        seen.append(self.generator.layers[1].weight.detach().clone())

    model.end_step = record.__get__(model)
    expected = model.generator.layers[1].weight.detach().clone()
    fit(model, Pairs(), max_steps=3)
    for weight in seen:
        expected = 0.9 * expected + 0.1 * weight
    # Three sums of float32 numbers below 0.25: each is rounded by 2^-26 at most.
    assert torch.allclose(model.ema.network.layers[1].weight, expected, rtol=0, atol=6 * 2**-26)
    assert expected.abs().max() < 0.25


def test_validation_changes_no_parameter_and_no_buffer() -> None:
    """U-Net with batch norm and dropout, in paper mode and in eval mode."""
    for inference in ("paper", "eval"):
        model = make_model(
            norm="batch", generator=UNetGenerator(3, 3, 4, n_downs=6), inference=inference,
            ema_decay=0.5,
        )  # fmt: skip
        fit(model, Pairs64(), max_steps=1)
        before = {k: v.clone() for k, v in model.state_dict().items()}
        modes = [m.training for m in model.modules()]
        Trainer(
            accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False
        ).validate(model, Pairs64(), verbose=False)
        after = model.state_dict()
        assert before.keys() == after.keys()
        assert [k for k in before if not torch.equal(before[k], after[k])] == []
        assert modes == [m.training for m in model.modules()]


@pytest.mark.parametrize("loss", [WassersteinGP(), VanillaGAN(r1=5.0)])
def test_batch_norm_under_a_gradient_penalty_is_refused(loss: Any) -> None:
    with pytest.raises(
        SettingError, match=r"discriminator\.norm=batch.*spectral.*discriminator\.norm=layer"
    ) as caught:
        make_model(norm="batch", gan_loss=loss)
    assert ("gan_loss.r1=5.0" in str(caught.value)) is isinstance(loss, VanillaGAN)
    assert make_model(norm="batch", gan_loss=VanillaGAN())


class Counted(PatchDiscriminator):
    """Counts its forward passes."""

    calls = 0

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> Any:
        self.calls += 1
        return super().forward(x, y)


def test_a_discriminator_without_terms_is_left_alone(recwarn: pytest.WarningsRecorder) -> None:
    """No pass, no step, no decay, no row in the logs; G learns as ever."""
    model = make_model(gan_loss=NoGAN(), scheduler=partial(LinearDecay, flat_fraction=0.0))
    model.discriminator = Counted(3, 3, 4, norm="batch")
    before = copy.deepcopy(model.state_dict())
    model.write = lambda values: logged.append(values)
    logged: list[dict[str, float]] = []
    trainer = fit(model, Pairs(), max_steps=3, log_every_n_steps=1)
    moved = [n for n, v in model.state_dict().items() if not torch.equal(v, before[n])]
    assert moved
    assert all(n.startswith("generator.") for n in moved)
    assert model.discriminator.calls == 0
    assert trainer.optimizers[1].state == {}
    assert trainer.global_step == model.batches_seen == 3
    assert [set(row) for row in logged] == [{"train/g/l1", "train/lr_g"}] * 3
    g, d = (schedule.get_last_lr()[0] for schedule in model.lr_schedulers())
    assert g < d == 2e-4
    assert [str(w.message) for w in recwarn if "lr_scheduler.step" in str(w.message)] == []


class TwoPairs(Pairs):
    """Two batches an epoch."""

    def __init__(self) -> None:
        super().__init__(2)


@pytest.mark.parametrize(
    "options",
    [
        {"gan_loss": HingeGAN(), "ema_decay": 0.9},
        {"gan_loss": WassersteinGP(r1=1.0)},
        {"gan_loss": NoGAN()},
    ],
    ids=["hinge-ema", "wgan-gp-r1", "none"],
)
def test_resume_goes_on_exactly_with_spectral_norm(options: Any, tmp_path: Path) -> None:
    """2 epochs equal 1 + resume 1, the estimated singular vectors included."""

    def run(max_steps: int, checkpoint: Path | None = None) -> tuple[Pix2Pix, Trainer]:
        model = make_model(**options)
        model.discriminator = PatchDiscriminator(3, 3, 4, norm="spectral")
        trainer = Trainer(
            max_steps=max_steps, accelerator="cpu", logger=False, enable_checkpointing=False,
            enable_progress_bar=False, enable_model_summary=False, num_sanity_val_steps=0,
        )  # fmt: skip
        trainer.fit(model, TwoPairs(), ckpt_path=checkpoint, weights_only=True)
        return model, trainer

    straight, _ = run(4)
    _, half = run(2)
    half.save_checkpoint(tmp_path / "half.ckpt")
    resumed, trainer = run(4, tmp_path / "half.ckpt")
    assert trainer.global_step == resumed.batches_seen == 4
    saved = torch.load(tmp_path / "half.ckpt", weights_only=True)["state_dict"]
    vectors = [n for n in saved if n.endswith(("._u", "._v"))]
    assert len(vectors) == 2 * 5
    a, b = straight.state_dict(), resumed.state_dict()
    assert [n for n in a if not torch.equal(a[n], b[n])] == []
    learns = not isinstance(options["gan_loss"], NoGAN)
    assert any(not torch.equal(a[n], saved[n]) for n in vectors) is learns


def test_unknown_inference_mode_is_refused() -> None:
    with pytest.raises(SettingError, match=r"model\.inference=test.*paper, eval"):
        make_model(inference="test")
