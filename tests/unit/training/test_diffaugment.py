"""DiffAugment: its formulae by hand, its gradients, and what discriminators see in training."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from lightning.pytorch import Trainer
from torch import Tensor, nn
from torch.utils.data import DataLoader

from i2i.discriminators.multiscale import MultiscaleDiscriminator
from i2i.discriminators.patchgan import PatchDiscriminator
from i2i.errors import SettingError
from i2i.generators.unet import UNetGenerator
from i2i.losses.feature_matching import FeatureMatching
from i2i.losses.gan import GANLoss, NoGAN, VanillaGAN, WassersteinGP
from i2i.losses.reconstruction import L1
from i2i.systems.pix2pix import Pix2Pix
from i2i.training.diffaugment import KINDS, DiffAugment
from i2i.training.schedules import Constant
from i2i.training.speed import Speed
from unit.training.three_players import make_game

ALL = ("color", "translation", "cutout")
TOLERANCE = 1e-10


def some_images(n: int = 3, height: int = 12, width: int = 9, channels: int = 3) -> Tensor:
    random = torch.Generator().manual_seed(0)
    shape = (n, channels, height, width)
    return torch.rand(shape, generator=random, dtype=torch.float64) * 2 - 1


def numbers(n: int = 3, seed: int = 1) -> Tensor:
    random = torch.Generator().manual_seed(seed)
    return torch.rand(n, 7, generator=random, dtype=torch.float64)


def coloured(image: np.ndarray, u: np.ndarray) -> np.ndarray:
    out = image + u[0] - 0.5
    grey = out.mean(0)
    out = grey + (out - grey) * 2 * u[1]
    return out.mean() + (out - out.mean()) * (u[2] + 0.5)


def translated(image: np.ndarray, u: np.ndarray) -> np.ndarray:
    out = np.zeros_like(image)
    _, height, width = image.shape
    most = [math.floor(side / 8 + 0.5) for side in (height, width)]
    down, right = (math.floor(v * (2 * m + 1)) - m for v, m in zip(u[3:5], most, strict=True))
    for i in range(height):
        for j in range(width):
            if 0 <= i - down < height and 0 <= j - right < width:
                out[:, i, j] = image[:, i - down, j - right]
    return out


def cut_out(image: np.ndarray, u: np.ndarray) -> np.ndarray:
    out = image.copy()
    spans = []
    for side, v in zip(image.shape[1:], u[5:7], strict=True):
        length = math.floor(side / 2 + 0.5)
        first = math.floor(v * (side + 1 - length % 2)) - length // 2
        spans.append(slice(max(first, 0), min(first + length, side)))
    out[:, spans[0], spans[1]] = 0
    return out


BY_HAND = {"color": coloured, "translation": translated, "cutout": cut_out}


@pytest.mark.numeric
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(6))
def test_a_kind_is_what_it_is_by_hand(kind: str, seed: int) -> None:
    x, u = some_images(), numbers(seed=seed)
    expected = [BY_HAND[kind](image.numpy(), own.numpy()) for image, own in zip(x, u, strict=True)]
    found = KINDS[kind](x, u)
    assert found.shape == x.shape and not torch.equal(found, x)
    assert np.allclose(found.numpy(), np.stack(expected), rtol=TOLERANCE, atol=1e-14)


@pytest.mark.parametrize("side", [7, 8, 12])
def test_no_number_leads_out_of_the_range(side: int) -> None:
    """The extremes: an eighth each way, all of the image but a corner, and nothing beyond."""
    x = torch.ones(2, 1, side, side)
    u = torch.tensor([[0.0] * 7, [1 - 2**-24] * 7])
    most = int(side / 8 + 0.5)
    shifted = KINDS["translation"](x, u)[:, 0]
    assert shifted.sum((1, 2)).tolist() == [(side - most) ** 2] * 2
    assert shifted[0, -1, -1] == 0 == shifted[1, 0, 0]
    cut = KINDS["cutout"](x, u)[:, 0]
    length = int(side / 2 + 0.5)
    gone = [(length - length // 2) ** 2, (length // 2 + length % 2) ** 2]
    assert (1 - cut).sum((1, 2)).tolist() == gone
    assert cut[0, 0, 0] == 0 == cut[1, -1, -1]


def test_every_shift_and_cut_is_as_frequent() -> None:
    n, side = 20_000, 16
    torch.manual_seed(0)
    x, u = torch.ones(n, 1, side, side), torch.rand(n, 7)
    gone = (KINDS["translation"](x, u)[:, 0, :, side // 2] == 0).sum(1)  # rows that came in
    counts = torch.bincount(gone, minlength=3) / n
    assert torch.allclose(counts, torch.tensor([0.2, 0.4, 0.4]), atol=0.02)
    rows = (KINDS["cutout"](x, u)[:, 0] == 0).any(2).float().mean(0)
    expected = [min(i + 5, side + 4 - i, 8) / 17 for i in range(side)]
    assert torch.allclose(rows, torch.tensor(expected), atol=0.02)


@pytest.mark.numeric
def test_gradients_go_through_and_a_second_time() -> None:
    augment = DiffAugment(ALL)
    x = some_images(2, 8, 8).requires_grad_(True)
    augment.numbers = numbers(2)
    assert torch.autograd.gradcheck(augment, x)
    assert torch.autograd.gradgradcheck(lambda y: augment(y).square(), x)
    augment.kinds = ("translation", "cutout")
    (gradient,) = torch.autograd.grad(augment(x).sum(), x)
    assert 0.1 < (gradient == 0).double().mean() < 0.9  # what was cut out or moved away


def make_model(
    gan_loss: GANLoss | None = None, judge: nn.Module | None = None, **options: Any
) -> Pix2Pix:
    torch.manual_seed(0)
    adam = partial(torch.optim.Adam, lr=2e-3, betas=(0.5, 0.999))
    return Pix2Pix(
        UNetGenerator(3, 3, 2, n_downs=4, norm="instance", dropout=0.0),
        judge or PatchDiscriminator(3, 3, 2, norm="instance"), gan_loss or VanillaGAN(),
        optimizer_g=adam, optimizer_d=adam, scheduler=Constant, **options,
    )  # fmt: skip


def fit(model: Pix2Pix, steps: int = 2, batch: int = 2) -> Trainer:
    random = torch.Generator().manual_seed(1)
    samples = []
    for i in range(2 * batch + 1):  # the last batch is smaller
        x = torch.rand(3, 32, 32, generator=random) * 2 - 1
        samples.append({"input": x, "target": x.flip(0), "name": str(i), "index": i})
    trainer = Trainer(
        max_steps=steps, max_epochs=-1, accelerator="cpu", devices=1, logger=False,
        enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False,
        log_every_n_steps=1, num_sanity_val_steps=0,
    )  # fmt: skip
    trainer.fit(model, DataLoader(samples, batch_size=batch))
    return trainer


def seen_by(model: Pix2Pix) -> list[tuple[Tensor, ...]]:
    """What the discriminator is called with, after the augmentation."""
    found: list[tuple[Tensor, ...]] = []
    model.discriminator.register_forward_pre_hook(
        lambda _, inputs: found.append(tuple(v.detach().clone() for v in inputs))
    )
    return found


def test_a_pair_and_both_images_of_it_go_through_the_same() -> None:
    """A copy of the input as target, and a generator that copies too: six equal pictures."""
    model = make_model(diffaugment=ALL)
    seen = seen_by(model)
    model.generate = lambda batch: {"y_hat": batch["input"] + 0 * model.generator(batch["input"])}
    model.d_terms_of, x = model.d_terms, []
    model.d_terms = lambda x_, y, y_hat: (x.append(x_), model.d_terms_of(x_, x_, y_hat))[1]
    fit(model, 1)
    (real_x, real), (fake_x, fake), (g_x, g_fake) = seen
    assert torch.equal(real_x, real) and torch.equal(fake_x, fake) and torch.equal(real, fake)
    assert torch.equal(g_x, g_fake) and not torch.equal(g_x, real_x)  # G's update draws anew
    assert not torch.equal(real, x[0])
    # Each sample has its own.
    here = [(image == 0).all(0) for image in real]
    assert not torch.equal(here[0], here[1])


def test_the_default_changes_nothing_and_draws_nothing() -> None:
    without, plain = make_model(), make_model(diffaugment=())
    assert len(without.discriminator._forward_pre_hooks) == 0
    for model in (without, plain):
        fit(model)
    assert all(map(torch.equal, without.state_dict().values(), plain.state_dict().values()))
    state = torch.get_rng_state()
    with plain.diffaugment.drawn(2, torch.device("cpu")):
        assert plain.diffaugment.numbers is None
    assert torch.equal(state, torch.get_rng_state())


def test_weights_have_the_same_names_and_runs_repeat() -> None:
    plain = make_model()
    first, second = make_model(diffaugment=ALL), make_model(diffaugment=ALL)
    assert list(first.state_dict()) == list(plain.state_dict())
    for model in (first, second, plain):
        fit(model, 3)
    assert all(map(torch.equal, first.state_dict().values(), second.state_dict().values()))
    assert not torch.equal(first.discriminator.score.weight, plain.discriminator.score.weight)


def test_outside_training_a_discriminator_sees_what_it_is_given() -> None:
    model = make_model(diffaugment=ALL)
    fit(model, 1)
    seen, x = seen_by(model), torch.rand(2, 3, 32, 32)
    model.judge(x, x)
    assert torch.equal(seen[0][0], x)
    shown = model.validation_step({"input": x, "target": x, "name": ["a", "b"],
                                   "index": torch.arange(2)}, 0)  # fmt: skip
    assert len(seen) == 1 and shown


def test_a_penalty_is_that_of_the_augmented_score() -> None:
    """|grad_y D(T(y))|, by the chain rule: T is linear in y, and its own adjoint is applied."""
    model = make_model(WassersteinGP(), diffaugment=("translation", "cutout"))
    x, y = torch.rand(2, 2, 3, 32, 32)
    model.discriminator.zero_grad()
    with model.diffaugment.drawn(2, torch.device("cpu")):
        torch.manual_seed(3)
        found = model.gan_loss.penalty(lambda image: model.discriminator(x, image).logits, y, y)
        numbers_of = model.diffaugment.numbers.clone()
    augment = DiffAugment(("translation", "cutout"))
    augment.numbers = numbers_of
    seen = augment(y).requires_grad_(True)
    score = model.discriminator(augment(x), seen).logits[0].mean((1, 2, 3)).sum()
    (upper,) = torch.autograd.grad(score, seen)
    moved = y.clone().requires_grad_(True)
    (gradient,) = torch.autograd.grad((augment(moved) * upper).sum(), moved)
    expected = 10 * (gradient.flatten(1).norm(dim=1) - 1).square().mean()
    assert found["penalty"].item() == pytest.approx(expected.item(), rel=1e-5)


@pytest.mark.parametrize(
    "make",
    [
        lambda: make_model(WassersteinGP(), diffaugment=ALL, n_critic=2),
        lambda: make_model(VanillaGAN(r1=1.0), diffaugment=ALL),
        lambda: make_model(judge=MultiscaleDiscriminator(3, 3, 2, n_scales=2), diffaugment=ALL),
        lambda: make_model(
            reconstruction={"l1": L1(), "feature_matching": FeatureMatching()}, diffaugment=ALL
        ),
        lambda: make_model(diffaugment=ALL, accumulate=2),
        lambda: make_model(diffaugment=ALL, speed=Speed(checkpoint_activations=True)),
    ],
    ids=["wgan-gp", "r1", "scales", "features", "accumulate", "checkpoints"],
)
def test_it_goes_with_everything(make: Callable[[], Pix2Pix]) -> None:
    model = make()
    before = [p.detach().clone() for p in model.discriminator.parameters()]
    fit(model, 3)
    assert all(p.isfinite().all() for p in model.parameters())
    moved = zip(before, model.discriminator.parameters(), strict=True)
    assert any(not torch.equal(a, b) for a, b in moved)


@pytest.mark.usefixtures("float64")
def test_a_compiled_step_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    compile_plainly = torch.compile
    monkeypatch.setattr(
        torch, "compile", lambda network, options: compile_plainly(network, backend="aot_eager")
    )
    models = [make_model(diffaugment=ALL, speed=Speed(compile=c)) for c in (False, True)]
    for model in models:
        fit(model, 2)
    for (name, a), b in zip(
        models[0].named_parameters(), models[1].parameters(), strict=True
    ):  # fmt: skip
        assert torch.allclose(a, b, rtol=1e-9, atol=1e-12), name


@pytest.mark.parametrize(
    "kinds", [["colour"], ["color", "color"], "color", ["cutout", 3], [["color"]], 7], ids=str
)
def test_other_kinds_are_refused(kinds: Any) -> None:
    with pytest.raises(SettingError, match=r"^model.diffaugment=.*; expected a list of color, tr"):
        DiffAugment(kinds)


def test_a_game_without_a_judge_is_refused() -> None:
    words = r"model.diffaugment=\[color\]: found no discriminator that learns; expected"
    with pytest.raises(SettingError, match=words):
        make_model(NoGAN(), diffaugment=["color"])
    with pytest.raises(SettingError, match=words):
        make_game(diffaugment=["color"])


def test_more_images_than_samples_take_the_same_numbers_again() -> None:
    augment = DiffAugment(ALL)
    x = some_images(3)
    augment.numbers = numbers(3)
    both = augment(torch.cat([x, x[:2]]))
    assert torch.equal(both[:3], both[[0, 1, 2]]) and torch.equal(both[3:], both[:2])
    assert torch.equal(augment(x[:1]), both[:1])
