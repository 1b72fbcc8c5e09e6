"""The terms of pix2pix, with networks and losses small enough to work out by hand."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from lightning.pytorch import Trainer
from torch import Tensor, nn
from torch.utils.data import DataLoader

from conftest import Told
from i2i.discriminators.output import DiscriminatorOutput
from i2i.errors import SettingError
from i2i.losses.gan import GANLoss, LeastSquaresGAN, NoGAN, VanillaGAN
from i2i.losses.pan import PAN
from i2i.losses.reconstruction import L1, FeatureLoss, ReconstructionLoss
from i2i.systems.pix2pix import Pix2Pix
from i2i.training.adversarial import Terms
from i2i.training.schedules import Constant

SGD = partial(torch.optim.SGD, lr=0.1)


class Scale(nn.Module):
    """Generator: y_hat = w * x."""

    divisor = 1

    def __init__(self) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.tensor(0.5))

    def forward(self, x: Tensor) -> Tensor:
        return self.w * x


class Sees(nn.Module):
    """Discriminator of two scales: hidden map a * y, logits mean(x) + b * a * y; keeps calls."""

    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Parameter(torch.tensor(2.0))
        self.b = nn.Parameter(torch.tensor(-1.0))
        self.calls: list[tuple[Tensor, bool]] = []

    def forward(self, x: Tensor, y: Tensor) -> DiscriminatorOutput:
        self.calls.append((y, torch.is_grad_enabled()))
        hidden = [self.a * y, self.a * y[..., ::2, ::2]]
        logits = [x.mean((1, 2, 3), keepdim=True) + self.b * h for h in hidden]
        return DiscriminatorOutput(logits, [[h] for h in hidden])


class Distance(ReconstructionLoss):
    """Mean squared difference; keeps where it was prepared and what it saw."""

    def __init__(self, weight: float = 1.0):
        super().__init__(weight)
        self.prepared: list[Any] = []
        self.calls = 0
        self.frozen = nn.Linear(2, 2)  # as a loss with a network has one

    def prepare(self, device: Any) -> None:
        assert self.calls == 0
        self.prepared.append(torch.device(device))

    def __call__(self, y_hat: Tensor, y: Tensor) -> Tensor:
        self.calls += 1
        return (y_hat - y).square().mean()


class Matching(FeatureLoss):
    """Sum over scales of the mean absolute difference; keeps what it saw."""

    def __init__(self, weight: float = 1.0):
        super().__init__(weight)
        self.seen: list[tuple[Any, Any]] = []

    def __call__(self, fake: list[list[Tensor]], real: list[list[Tensor]]) -> Tensor:
        self.seen.append((fake, real))
        return sum((f[0] - r[0]).abs().mean() for f, r in zip(fake, real, strict=True))


class Margin(Matching):
    """The same for G; D widens it up to a margin of 10."""

    learns_alone = True

    def discriminator(self, fake: Any, real: Any) -> dict[str, Tensor]:
        return {"margin": torch.relu(10 - Matching.__call__(self, fake, real))}


def model_of(
    gan_loss: GANLoss | None = None, reconstruction: Any = None, **options: Any
) -> Pix2Pix:
    shared = {"optimizer_g": SGD, "optimizer_d": SGD, "scheduler": Constant}
    return Pix2Pix(
        Scale(), Sees(), gan_loss or LeastSquaresGAN(), reconstruction, **shared | options
    )


@pytest.fixture
def batch() -> dict[str, Any]:
    """Two pairs: x = 1 and y = 3 in the first, x = 2 and y = -1 in the second."""
    x = torch.tensor([1.0, 2.0]).view(2, 1, 1, 1).expand(2, 1, 4, 4).clone()
    y = torch.tensor([3.0, -1.0]).view(2, 1, 1, 1).expand(2, 1, 4, 4).clone()
    return {"input": x, "target": y, "name": ["0", "1"], "index": torch.arange(2)}


def g_terms(model: Pix2Pix, batch: dict[str, Any], y_hat: Tensor | None = None) -> Terms:
    """Of G, for what it makes of the batch, or for other images."""
    made = model.generate(batch) if y_hat is None else {"y_hat": y_hat}
    return model.terms("g", batch, made)


def d_terms(model: Pix2Pix, batch: dict[str, Any], y_hat: Tensor | None = None) -> Terms:
    """Of D; what G makes comes detached, as in training."""
    made = model.generate(batch)["y_hat"].detach() if y_hat is None else y_hat
    return model.terms("d", batch, {"y_hat": made})


def numbers(terms: dict[str, Tensor]) -> dict[str, float]:
    return {name: value.item() for name, value in terms.items()}


# By hand: y_hat = (0.5, 1); D's hidden map of it (1, 2) and of y (6, -2);
# logits x - hidden: (0, 0) of y_hat, (-5, 4) of y.
GAN, REAL, FAKE = 1.0, ((-5 - 1) ** 2 + (4 - 1) ** 2) / 2, 0.0
L1_MEAN, L2_MEAN = (2.5 + 2) / 2, (2.5**2 + 2**2) / 2
FEATURES = 2 * (5 + 4) / 2  # two scales


def test_terms_of_the_paper(batch: dict[str, Any]) -> None:
    """Without reconstruction: L1 alone, weighted by lambda_l1 (Eq. 4); D's terms are halved."""
    model = model_of()
    assert numbers(g_terms(model, batch)) == {"gan": GAN, "l1": 100 * L1_MEAN}
    assert numbers(d_terms(model, batch)) == {"real": REAL / 2, "fake": FAKE}


def test_every_term_has_its_weight(batch: dict[str, Any]) -> None:
    losses = {"far": Distance(3.0), "l1": L1(), "match": Matching(0.5)}
    terms = g_terms(model_of(None, losses, lambda_l1=7.0), batch, 0.5 * batch["input"])
    assert list(terms) == ["gan", "far", "l1", "match"]
    assert numbers(terms) == pytest.approx(
        {"gan": GAN, "far": 3 * L2_MEAN, "l1": 7 * L1_MEAN, "match": 0.5 * FEATURES}
    )


def test_terms_without_weight_are_not_computed(batch: dict[str, Any]) -> None:
    off, on = Distance(0.0), Distance(1.0)
    model = model_of(None, {"off": off, "l1": L1(), "gone": None, "on": on}, lambda_l1=0.0)
    assert list(g_terms(model, batch, batch["input"])) == ["gan", "on"]
    assert (off.calls, on.calls) == (0, 1)
    assert list(g_terms(model_of(None, {}), batch, batch["input"])) == ["gan"]


def test_passes_through_the_discriminator(batch: dict[str, Any]) -> None:
    """G's turn: one for the made images, and one for the real ones where features are compared."""
    for gan_loss, losses, in_g, in_d in [
        (VanillaGAN(), {"l1": L1()}, 1, 2),
        (VanillaGAN(), {"l1": L1(), "m": Matching(), "n": Margin()}, 2, 2),
        (VanillaGAN(r1=1.0), {"l1": L1()}, 1, 3),
        (NoGAN(), {"l1": L1()}, 0, None),
        (NoGAN(), {"n": Margin()}, 2, 2),
    ]:
        model = model_of(gan_loss, losses)
        g_terms(model, batch)
        assert len(model.discriminator.calls) == in_g
        model.discriminator.calls.clear()
        if in_d is not None:
            d_terms(model, batch)
            assert len(model.discriminator.calls) == in_d


def test_features_of_real_pairs_come_without_graph(batch: dict[str, Any]) -> None:
    matching = Matching()
    model = model_of(None, {"match": matching})
    terms = g_terms(model, batch)
    ((fake, real),) = matching.seen
    assert all(not m.requires_grad for maps in real for m in maps)
    assert torch.equal(real[0][0], 2 * batch["target"])
    assert torch.equal(fake[0][0], batch["input"])  # 2 * 0.5 * x
    (gradient,) = torch.autograd.grad(terms["match"], model.generator.w)
    # d mean|w * 2 x - 2 y| / dw = mean(sign * 2 x), a scale: (-2 + 4) / 2
    assert gradient.item() == pytest.approx(2 * (-2 + 4) / 2)


def test_a_discriminators_own_term(batch: dict[str, Any]) -> None:
    """Weighted by the loss and by discriminator_weight; its gradient goes to D."""
    model = model_of(None, {"m": Margin(4.0)}, discriminator_weight=0.25)
    terms = d_terms(model, batch, 0.5 * batch["input"])
    assert numbers(terms) == {
        "real": 0.25 * REAL, "fake": 0, "margin": 0.25 * 4 * (10 - FEATURES)
    }  # fmt: skip
    (gradient,) = torch.autograd.grad(terms["margin"], model.discriminator.a)
    assert gradient.item() == pytest.approx(-0.25 * 4 * FEATURES / 2)  # proportional to a = 2


def test_gan_terms_can_be_the_sum_over_scales(batch: dict[str, Any]) -> None:
    """Twice the mean of D's two scales; penalties and features stay as they are."""
    losses = {"match": Matching(0.5)}
    mean, summed = (
        model_of(LeastSquaresGAN(r1=6.0), losses, sum_scales=both) for both in (False, True)
    )
    y_hat = 0.5 * batch["input"]
    terms = numbers(g_terms(summed, batch, y_hat))
    assert terms == {"gan": 2 * GAN, "match": 0.5 * FEATURES}
    found = numbers(d_terms(summed, batch, y_hat))
    assert (found["real"], found["fake"]) == (2 * REAL / 2, 2 * FAKE / 2)
    assert found["r1"] == numbers(d_terms(mean, batch, y_hat))["r1"] > 0


def test_penalties_are_weighted_too(batch: dict[str, Any]) -> None:
    """Score of a sample: x + a b mean(y), the mean over the two scales of the pixels' means."""
    model = model_of(VanillaGAN(r1=6.0), discriminator_weight=0.5)
    terms = d_terms(model, batch, 0.5 * batch["input"])
    # Gradient -2 * (1/16 everywhere, and 1/4 at every other pixel) / 2.
    squared = 12 * (1 / 16) ** 2 + 4 * (1 / 16 + 1 / 4) ** 2
    assert terms["r1"].item() == pytest.approx(0.5 * 6 / 2 * squared)


def fit(model: Pix2Pix, batch: dict[str, Any], max_steps: int = 1) -> None:
    pairs = [{k: v[i] for k, v in batch.items()} for i in range(2)]
    Trainer(
        max_steps=max_steps, accelerator="cpu", logger=False, enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False,
    ).fit(model, DataLoader(pairs, batch_size=2))  # fmt: skip


def test_without_a_game_the_generator_learns_alone(batch: dict[str, Any]) -> None:
    """dL1/dw = mean(sign(w x - y) * x) = (-1 + 2) / 2; a step of 0.1 * lambda times that."""
    model = model_of(NoGAN(), lambda_l1=2.0)
    assert not model.d_player.learns
    fit(model, batch)
    assert model.generator.w.item() == pytest.approx(0.5 - 0.1 * 2 * 0.5)
    assert (model.discriminator.a.item(), model.discriminator.b.item()) == (2, -1)
    assert model.discriminator.calls == []


def test_without_a_game_a_discriminator_can_have_its_own_term(batch: dict[str, Any]) -> None:
    """D's step by hand: a + 0.1 * discriminator_weight * weight * d features / da."""
    model = model_of(NoGAN(), {"m": Margin(1.0)})
    assert model.d_player.learns
    fit(model, batch)
    assert model.discriminator.a.item() == pytest.approx(2 + 0.1 * 0.5 * FEATURES / 2)
    assert model.discriminator.b.item() == -1
    assert model.generator.w.item() != 0.5


@pytest.mark.parametrize(("margin", "warned"), [(0.1, True), (100.0, False)])
def test_a_margin_that_never_works_is_told(
    batch: dict[str, Any], margin: float, warned: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    """D's hidden maps of the pairs are 4.5 apart."""
    fit(model_of(NoGAN(), {"pan": PAN(margin=margin)}), batch)
    said = capsys.readouterr().out
    assert said.count("Warning: reconstruction.pan.margin=0.1: found") == warned


def test_what_a_term_says_of_an_epoch_is_a_warning(batch: dict[str, Any], told: Told) -> None:
    term = Margin(1.0)
    term.end_epoch = lambda: "the margin never worked"
    with told("the margin never worked"):
        fit(model_of(NoGAN(), {"m": term}), batch)


def test_parts_of_a_batch_add_up_with_features(batch: dict[str, Any]) -> None:
    """Not with a margin, which bends the mean over the batch."""
    model = model_of(VanillaGAN(r1=1.0), {"l1": L1(), "m": Matching()}, accumulate=2)
    fit(model, batch)
    whole = model_of(VanillaGAN(r1=1.0), {"l1": L1(), "m": Matching()})
    fit(whole, batch)
    for (name, a), b in zip(model.named_parameters(), whole.parameters(), strict=True):
        assert a.item() == pytest.approx(b.item(), rel=1e-5), name


def test_losses_are_prepared_once_and_are_no_part_of_the_model(batch: dict[str, Any]) -> None:
    used, unused = Distance(), Distance(0.0)
    model = model_of(None, {"used": used, "unused": unused})
    fit(model, batch, max_steps=2)
    assert used.prepared == [torch.device("cpu")]
    assert used.calls == 2
    assert unused.prepared == []
    assert set(model.state_dict()) == {"generator.w", "discriminator.a", "discriminator.b"}
    assert len(list(model.parameters())) == 3


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: model_of(NoGAN(), {"l1": L1(), "fm": Matching()}),
            r"gan_loss=none: found reconstruction\.fm.*never learns.*gan_loss=vanilla",
        ),
        (
            lambda: model_of(NoGAN(), lambda_l1=0.0),
            r"gan_loss=none: found no reconstruction term of positive weight",
        ),
        (lambda: model_of(NoGAN(), {}), r"gan_loss=none: found no reconstruction term"),
        (
            lambda: model_of(NoGAN(), {"off": Distance(0.0)}),
            r"gan_loss=none: found no reconstruction term of positive weight",
        ),
        (
            lambda: model_of(NoGAN(), {"l1": L1(), "m": Margin(0.0), "fm": Matching()}),
            r"gan_loss=none: found reconstruction\.fm.*never learns",
        ),
        (lambda: model_of(lambda_l1=-1.0), r"model\.lambda_l1=-1\.0: found that weight"),
        (
            lambda: model_of(None, {"l1": L1(5.0)}),
            r"reconstruction\.l1\.weight=5\.0.*Use model\.lambda_l1=5\.0",
        ),
        (lambda: model_of(None, {"gan": Distance()}), r"reconstruction\.gan: found a term with"),
    ],
)
def test_losses_that_contradict_each_other_are_refused(
    make: Callable[[], Pix2Pix], message: str
) -> None:
    with pytest.raises(SettingError, match=message):
        make()


def test_features_are_fine_where_another_term_trains_the_discriminator() -> None:
    assert model_of(NoGAN(), {"fm": Matching(), "m": Margin()}).d_player.learns
    assert model_of(NoGAN(), {"fm": Matching(0.0), "l1": L1()}).feature_losses == {}
