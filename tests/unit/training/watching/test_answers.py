"""What discriminators say of any pictures: by hand, and without a trace in the run."""

from typing import Any

import pytest
import torch

from bit_for_bit import assert_same
from i2i.data.collate import collate
from i2i.losses.gan import LeastSquaresGAN, NoGAN, VanillaGAN, WassersteinGP
from i2i.training.diffaugment import KINDS
from i2i.training.watching.answers import answers, of_images
from unit.systems import (
    test_bicyclegan,
    test_cgan,
    test_classifier,
    test_cut,
    test_discogan,
    test_stargan,
)
from unit.systems.test_cyclegan import make_model as make_cyclegan
from unit.systems.test_cyclegan import make_samples
from unit.training.test_adversarial import make_model, make_pairs


def floats(found: list[tuple[torch.Tensor, torch.Tensor]]) -> list[tuple[float, float]]:
    return [(one.mean().item(), two.mean().item()) for one, two in found]


@pytest.mark.parametrize("gan_loss", [VanillaGAN(), LeastSquaresGAN(), WassersteinGP()])
def test_they_are_the_mean_logits_of_real_and_made_images(gan_loss: Any) -> None:
    model, batch = make_model(gan_loss=gan_loss), collate(make_pairs(3))
    x, y = batch["input"], batch["target"]
    with torch.no_grad():
        real, fake = (model.discriminator(x, i).logits[0].mean() for i in (y, model.generator(x)))
    assert floats(answers(model, batch)) == [
        (pytest.approx(real.item(), rel=1e-5), pytest.approx(fake.item(), rel=1e-5))
    ]
    for place in range(3):  # each image's own
        with torch.no_grad():
            alone = model.discriminator(x[place : place + 1], y[place : place + 1]).logits[0].mean()
        assert answers(model, batch)[0][0][place] == pytest.approx(alone.item(), rel=1e-5)
    assert "discriminator" not in vars(gan_loss)


def test_scales_count_alike_as_in_the_objectives() -> None:
    large, small = torch.full((2, 1, 9, 9), 1.0), torch.full((2, 1, 2, 2), 3.0)
    real, made = of_images([large, small], [small, small])
    assert (real.tolist(), made.tolist()) == ([2.0, 2.0], [3.0, 3.0])
    numbers = torch.tensor([1.0, 5.0])  # a discriminator may say one number of an image
    assert of_images([numbers], [numbers])[0].tolist() == [1.0, 5.0]


def test_without_a_game_nobody_is_asked() -> None:
    batch = collate(make_pairs(2))
    assert answers(make_model(gan_loss=NoGAN()), batch) == []


@pytest.mark.parametrize("inference", [False, True], ids=["no grad", "inference mode"])
@pytest.mark.parametrize("norm", ["batch", "instance", "spectral"])
def test_no_trace_is_left(norm: str, inference: bool) -> None:
    """Buffers, modes, random numbers, the pool of earlier images, and gradients."""
    model, batch = make_cyclegan(norm=norm), collate(make_samples(4))
    for way, pool in model.pools.items():
        pool.load(torch.rand(3, 3, 32, 32), "cpu")  # full: half of what comes is exchanged
        assert way in model.own_state()
    kept = [pool.images[0].clone() for pool in model.pools.values()]
    before = {n: t.clone() for n, t in model.state_dict().items()}
    modes = {name: module.training for name, module in model.named_modules()}
    random, own = torch.get_rng_state(), model.own_state()
    with torch.inference_mode(inference):
        found = answers(model, batch)
    assert len(found) == 2
    assert torch.equal(torch.get_rng_state(), random)
    assert_same(dict(model.state_dict()), before, "weights and buffers")
    assert {name: module.training for name, module in model.named_modules()} == modes
    assert_same(model.own_state(), own, "own state")
    assert all(not image.is_inference() for pool in model.pools.values() for image in pool.images)
    assert all(p.grad is None for p in model.parameters())
    assert [pool.images[0].shape for pool in model.pools.values()] == [k.shape for k in kept]


def test_the_same_question_gets_the_same_answer() -> None:
    model, batch = make_cyclegan(), collate(make_samples(4))
    one, two = floats(answers(model, batch)), floats(answers(model, batch))
    assert one == two


def test_augmented_discriminators_are_asked_about_augmented_images() -> None:
    """As they are trained; with colours moved they say something else."""
    plain, augmented = make_model(), make_model(diffaugment=list(KINDS))
    augmented.load_state_dict(plain.state_dict())
    batch = collate(make_pairs(3))
    assert floats(answers(plain, batch)) != floats(answers(augmented, batch))
    assert augmented.diffaugment.numbers is None


def test_compiled_code_is_put_aside() -> None:
    model = make_model()

    def compiled(*_: Any) -> None:
        raise AssertionError("compiled for training")

    model.forwards = dict.fromkeys((model.generator, model.discriminator), compiled)
    assert len(answers(model, collate(make_pairs(2)))) == 1
    assert list(model.forwards.values()) == [compiled] * 2


SYSTEMS = {
    "pix2pix": (make_model, lambda: collate(make_pairs(3)), 1),
    "cyclegan": (make_cyclegan, lambda: collate(make_samples(3)), 2),
    "discogan": (test_discogan.make_model, lambda: collate(make_samples(3)), 2),
    "cut": (test_cut.make_model, lambda: collate(test_cut.make_samples(3)), 1),
    "bicyclegan": (test_bicyclegan.make_model, lambda: collate(test_bicyclegan.make_samples(3)), 2),
    "stargan": (test_stargan.make_model, lambda: test_stargan.make_batch(torch.arange(3)), 1),
    "cgan": (test_cgan.make_model, test_cgan.make_batch, 1),
    "classifier": (test_classifier.make_model, test_classifier.first_batch, 0),
}


@pytest.mark.parametrize("name", SYSTEMS)
def test_every_system_answers_for_each_discriminator(name: str) -> None:
    """Penalties, which need gradients, stay out, and so do terms of the generator."""
    make, batch, judges = SYSTEMS[name]
    model = make()
    before = {n: t.clone() for n, t in model.state_dict().items()}
    found = floats(answers(model, batch()))
    assert len(found) == judges
    assert all(one != two for one, two in found)
    assert_same(dict(model.state_dict()), before, "weights and buffers")
