"""What a watched step leaves, by hand; an ordinary one leaves nothing, and both train the same."""

import copy
from typing import Any

import pytest
import torch
from lightning.pytorch import Callback, Trainer

from i2i.losses.gan import LeastSquaresGAN, VanillaGAN, WassersteinGP
from i2i.systems.pix2pix import Pix2Pix
from i2i.training.trainer import build_trainer
from i2i.training.watching.witness import OF_EACH, some_of
from unit.training.test_adversarial import Pairs, make_model


class Notes(Callback):
    """Asks for some batches, and keeps what was noted of each."""

    def __init__(self, batches: set[int]):
        self.batches, self.found, self.weights = batches, [], []

    def on_train_batch_start(self, trainer: Trainer, model: Pix2Pix, *_: Any) -> None:
        model.witness.asked = model.batches_seen in self.batches
        self.weights.append(copy.deepcopy(model.state_dict()))

    def on_train_batch_end(self, trainer: Trainer, model: Pix2Pix, *_: Any) -> None:
        self.found.append(copy.copy(model.witness))
        model.witness.forget()


def run(model: Pix2Pix, batches: set[int], steps: int = 3, **options: Any) -> Notes:
    notes = Notes(batches)
    trainer = build_trainer(
        "cpu", 1, callbacks=[notes], logger=False, enable_progress_bar=False,
        enable_model_summary=False, enable_checkpointing=False, limit_val_batches=0,
        max_steps=steps, **options,
    )  # fmt: skip
    trainer.fit(model, Pairs())
    return notes


def test_a_step_that_nobody_watches_leaves_nothing() -> None:
    notes = run(make_model(), {1})
    for place in (0, 2):
        left = notes.found[place]
        assert left.batch is None
        assert left.made == left.numbers == {}
    seen = notes.found[1]
    of_each = {f"{kind}_{player}" for kind in ("gradient", "moves") for player in "dg"}
    assert seen.numbers.keys() == of_each | {"right_d_0", "gap_d_0"}
    assert seen.made["y_hat"].shape == seen.batch["target"].shape
    assert not seen.made["y_hat"].requires_grad


@pytest.mark.parametrize("options", [{}, {"accumulate": 2}, {"clip_g": 0.1}])
def test_watching_changes_no_weight(options: dict) -> None:
    one, two = (make_model(**options) for _ in range(2))
    run(one, set())
    run(two, {0, 1, 2})
    for (name, a), b in zip(one.state_dict().items(), two.state_dict().values(), strict=True):
        assert torch.equal(a, b), name


def test_an_update_is_measured_in_parts_of_the_weights() -> None:
    model = make_model()
    notes = run(model, {1})
    before, after = notes.weights[1], notes.weights[2]
    for player, network in (("g", "generator"), ("d", "discriminator")):
        names = [f"{network}.{n}" for n, _ in getattr(model, network).named_parameters()]
        old = torch.cat([before[n][0].flatten()[:OF_EACH] for n in names])
        new = torch.cat([after[n][0].flatten()[:OF_EACH] for n in names])
        moved = (new - old).norm() / old.norm()
        assert moved > 0
        assert notes.found[1].numbers[f"moves_{player}"].item() == pytest.approx(
            moved.item(), rel=1e-4
        )


def test_the_gradient_is_that_before_it_is_clipped() -> None:
    free, clipped = make_model(), make_model(clip_g=1e-3)
    one, two = (run(model, {0}, steps=1).found[0] for model in (free, clipped))
    one, two = (found.numbers["gradient_g"].item() for found in (one, two))
    assert one == pytest.approx(two, rel=1e-5) and two > 1e-2


def test_weights_of_any_shape_and_layout_are_sampled() -> None:
    wide = torch.arange(2 * 3 * 16 * 16.0).reshape(2, 3, 16, 16)
    sample = some_of([wide, torch.tensor(7.0), torch.tensor([1.0, 2.0])])
    assert sample.shape == (OF_EACH + 2,)
    last = wide.to(memory_format=torch.channels_last)
    assert torch.equal(some_of([last]), sample[:OF_EACH])
    wide += 1
    assert sample[0] == 0  # a copy


@pytest.mark.parametrize("gan_loss", [VanillaGAN(), LeastSquaresGAN(), WassersteinGP()])
def test_an_objective_that_is_heard_answers_as_before(gan_loss: Any) -> None:
    real, fake = [torch.tensor([[2.0]])], [torch.tensor([[-1.0]])]
    usual, heard = gan_loss.discriminator(real, fake), []
    with gan_loss.heard(lambda *both: heard.append(both)):
        assert gan_loss.discriminator(real, fake) == usual
    assert heard == [(real, fake)]
    with gan_loss.heard(lambda *both: None, penalties=False):
        assert gan_loss.penalty(None, None, None) == {}
    assert "penalty" not in vars(gan_loss) and "discriminator" not in vars(gan_loss)
