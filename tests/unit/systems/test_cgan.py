"""The class-conditional GAN: its formulas, its networks, what it makes, and what it refuses."""

from functools import partial
from typing import Any

import pytest
import torch
from lightning.pytorch import Trainer
from torch import Tensor, nn
from torch.utils.data import DataLoader

from i2i.discriminators.patchgan import PatchDiscriminator
from i2i.discriminators.projection import ProjectionDiscriminator
from i2i.errors import SettingError
from i2i.generators.class_conditional import ClassConditionalGenerator
from i2i.generators.resnet import ResnetGenerator
from i2i.losses.gan import GANLoss, HingeGAN, NoGAN, WassersteinGP
from i2i.systems.cgan import ClassConditionalGAN
from i2i.training.schedules import Constant

NAMES = ["zero", "one", "two"]
# Float64 rounds at 1e-16; the longest sums here have some thousand terms.
TOLERANCE = 1e-10


def networks(**options: Any) -> tuple[nn.Module, nn.Module]:
    torch.manual_seed(0)
    g = {"n_labels": 3, "latent": 5, "base_channels": 4} | options.get("g", {})
    d = {"base_channels": 4, "n_downs": 1, "n_further": 1, "norm": "none"} | options.get("d", {})
    return ClassConditionalGenerator(8, 1, **g), ProjectionDiscriminator(3, 1, **d)


def make_model(
    gan_loss: GANLoss | None = None, g: dict | None = None, d: dict | None = None, **options: Any
) -> ClassConditionalGAN:
    adam = partial(torch.optim.Adam, lr=1e-3, betas=(0.0, 0.9))
    shared = {"optimizer_g": adam, "optimizer_d": adam, "scheduler": Constant}
    shared |= {"discriminator_weight": 1.0, "inference": "eval"}
    made = networks(g=g or {}, d=d or {})
    return ClassConditionalGAN(*made, gan_loss or HingeGAN(), NAMES, **shared | options)


def make_batch(n: int = 4) -> dict[str, Any]:
    y = torch.rand(n, 1, 8, 8, generator=torch.Generator().manual_seed(1)) * 2 - 1
    label = torch.tensor([2, 0, 1, 2])[:n]
    names = [str(i) for i in range(n)]
    return {"input": y, "label": label, "name": names, "index": torch.arange(n)}


def d_by_hand(model: ClassConditionalGAN, y: Tensor, label: Tensor) -> Tensor:
    """Miyato and Koyama 2018, Eq. 3, from the maps of the last block."""
    d = model.discriminator
    h = torch.zeros(len(y), 4)
    for block in d.blocks:
        y = block(y)
    for i in range(len(y)):
        h[i] = y[i].clamp(min=0).reshape(4, -1).sum(1)
    linear = h @ d.score.weight[0] + d.score.bias
    return linear + torch.stack([h[i] @ d.embedding.weight[:, c] for i, c in enumerate(label)])


@pytest.mark.numeric
@pytest.mark.usefixtures("float64")
def test_terms_and_gradients_are_those_of_the_papers() -> None:
    model, batch = make_model(), make_batch()
    torch.manual_seed(5)
    made = model.generate(batch)
    torch.manual_seed(5)
    z, codes = torch.randn(4, 5), torch.eye(3)[batch["label"]]
    y_hat = model.generator(z, codes)
    assert torch.equal(y_hat, made["y_hat"])
    detached = {name: image.detach() for name, image in made.items()}
    terms = {p: model.terms(p, batch, made if p == "g" else detached) for p in "dg"}
    d = partial(d_by_hand, model, label=batch["label"])
    expected = {
        "d": {
            "real": (1 - d(batch["input"])).clamp(min=0).mean(),
            "fake": (1 + d(y_hat.detach())).clamp(min=0).mean(),
        },
        "g": {"gan": -d(y_hat).mean()},
    }
    for player, network in (("d", model.discriminator), ("g", model.generator)):
        assert terms[player].keys() == expected[player].keys()
        for name, value in expected[player].items():
            assert terms[player][name].item() == pytest.approx(value.item(), rel=TOLERANCE), name
        mine, theirs = (
            torch.autograd.grad(sum(t[player].values()), list(network.parameters()))
            for t in (terms, expected)
        )
        for a, b in zip(mine, theirs, strict=True):
            assert (a - b).norm() <= TOLERANCE * b.norm()


@pytest.mark.numeric
@pytest.mark.usefixtures("float64")
def test_a_head_adds_the_term_of_ac_gan_to_both_players() -> None:
    """Odena et al. 2017, Eq. 3: of real and made pictures in D, of made ones in G."""
    model, batch = (
        make_model(d={"conditional": False, "head": True}, lambda_class=0.5),
        make_batch(),
    )
    made = model.generate(batch)
    y_hat, label = made["y_hat"], batch["label"]

    def told(y: Tensor) -> Tensor:
        logits = model.discriminator(model.planes(label, y), y).classes
        p = logits.exp() / logits.exp().sum(1, keepdim=True)
        return -p[range(len(label)), label].log().mean()

    both = 0.5 * (told(batch["input"]) + told(y_hat))
    assert model.terms("d", batch, made)["class"].item() == pytest.approx(both.item(), rel=1e-10)
    own = 0.5 * told(y_hat)
    assert model.terms("g", batch, made)["class"].item() == pytest.approx(own.item(), rel=1e-10)


def test_the_norm_has_a_scale_and_a_shift_for_each_class() -> None:
    """Dumoulin et al. 2017, Eq. 5; at the start they are 1 and 0 for all."""
    g, _ = networks()
    norm = g.blocks[0].norms[0]
    x, label = torch.randn(6, 4, 4, 4), torch.tensor([0, 1, 2, 0, 1, 2])
    codes = torch.eye(3)[label]
    plain = (x - x.mean((0, 2, 3), keepdim=True)) / (x.var((0, 2, 3), correction=0, keepdim=True)
                                                     + 1e-5).sqrt()  # fmt: skip
    assert torch.allclose(norm(x, codes), plain, atol=1e-5)
    with torch.no_grad():
        norm.scale.weight.normal_()
        norm.shift.weight.normal_()
    for i, c in enumerate(label):
        scale, shift = norm.scale.weight[:, c] + 1, norm.shift.weight[:, c]
        mine = plain[i] * scale[:, None, None] + shift[:, None, None]
        assert torch.allclose(norm(x, codes)[i], mine, atol=1e-5)


def test_networks_have_the_parameters_of_the_paper() -> None:
    """Miyato et al. 2018, App. B.4, Table 3 (32 x 32), counted by hand; ten classes."""
    with torch.device("meta"):
        g = ClassConditionalGenerator(32, 3, 10, latent=128, base_channels=256)
        d = ProjectionDiscriminator(10, 3, base_channels=128, norm="none")
    c = 256
    block = 2 * (9 * c * c + c) + (c * c + c) + 2 * (2 * 10 * c)
    by_hand = (128 + 1) * 16 * c + 3 * block + 2 * c + 27 * c + 3
    assert sum(p.numel() for p in g.parameters()) == by_hand
    c = 128
    first = (27 * c + c) + (9 * c * c + c) + (3 * c + c)
    rest = 2 * (9 * c * c + c) + (c * c + c)
    assert sum(p.numel() for p in d.parameters()) == first + 3 * rest + (c + 1) + 10 * c


@pytest.mark.parametrize(("size", "start"), [(8, 4), (28, 7), (32, 4), ([16, 24], [4, 6])])
def test_a_generator_begins_with_four_pixels_or_more(size: Any, start: Any) -> None:
    g = ClassConditionalGenerator(size, 1, 3, latent=2, base_channels=2)
    sides = [size] * 2 if isinstance(size, int) else size
    assert g.start == ([start] * 2 if isinstance(start, int) else start)
    assert g(torch.zeros(2, 2), torch.eye(3)[:2]).shape == (2, 1, *sides)


@pytest.mark.parametrize("label_in", ["norm", "code", "both"])
def test_the_class_changes_the_picture(label_in: str) -> None:
    g, _ = networks(g={"label_in": label_in, "norm": "layer"})
    with torch.no_grad():
        for parameter in g.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
    z = torch.randn(1, 5).expand(3, -1)
    made = g(z, torch.eye(3))
    assert not torch.allclose(made[0], made[1]) and not torch.allclose(made[1], made[2])


def fit(model: ClassConditionalGAN, steps: int = 2) -> Trainer:
    trainer = Trainer(
        max_steps=steps, max_epochs=-1, accelerator="cpu", devices=1, logger=False,
        enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False,
        log_every_n_steps=1, num_sanity_val_steps=0,
    )  # fmt: skip
    trainer.fit(model, DataLoader([make_batch()] * 5, batch_size=None))
    return trainer


VARIANTS = {
    "projection": {},
    "concat": {"d": {"condition": "concat"}},
    "ac-gan": {"d": {"conditional": False, "head": True}},
    "no classes": {"g": {"n_labels": 0}, "d": {"conditional": False}},
    "wgan-gp": {"gan_loss": WassersteinGP(), "d": {"norm": "layer"}},
    "average": {"ema_decay": 0.5, "n_critic": 2},
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_variants_learn_and_make_pictures(variant: str) -> None:
    model = make_model(**VARIANTS[variant])
    before = {n: p.detach().clone() for n, p in model.named_parameters()}
    fit(model)
    moved = {n.split(".")[0] for n, p in model.named_parameters() if not p.equal(before[n])}
    assert {"generator", "discriminator"} <= moved
    (shown,) = model.validation_step(make_batch(), 0).values()
    assert shown.y_hat.shape == (4, 1, 8, 8) and shown.x is None and not shown.true
    assert (shown.label is None) == (variant == "no classes")


def test_a_patch_discriminator_sees_the_label_as_planes() -> None:
    model = make_model()
    d = PatchDiscriminator(3, 1, 2, n_layers=1, norm="none")
    model = ClassConditionalGAN(
        model.generator, d, HingeGAN(), NAMES, optimizer_g=partial(torch.optim.Adam),
        optimizer_d=partial(torch.optim.Adam), scheduler=Constant, inference="eval",
    )  # fmt: skip
    fit(model)
    planes = model.planes(torch.tensor([1]), torch.zeros(1, 1, 2, 2))
    assert planes.tolist() == [[[[0, 0], [0, 0]], [[1, 1], [1, 1]], [[0, 0], [0, 0]]]]


def test_a_picture_is_made_of_seed_and_name_alone() -> None:
    model = make_model()
    fit(model)
    label = torch.tensor([0, 2])
    both = model.draw(label, ["a", "b"])
    assert torch.equal(model.draw(label[1:], ["b"]), both[1:])
    assert not torch.equal(model.draw(label, ["a", "c"])[1], both[1])
    z = torch.zeros(2, 5)
    assert torch.equal(model.draw(label[:1].expand(2), ["a", "b"], z)[0],
                       model.draw(label[:1].expand(2), ["a", "b"], z)[1])  # fmt: skip


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"lambda_class": -1.0}, "model.lambda_class=-1.0"),
        ({"gan_loss": NoGAN()}, "gan_loss=none"),
        ({"g": {"n_labels": 4}}, "generator.n_labels=4: found 3 classes"),
        ({"g": {"n_labels": 0}}, "generator.n_labels=0: found a discriminator that is shown"),
        ({"g": {"label_in": "x"}}, "generator.label_in=x"),
        ({"g": {"latent": 0}}, "generator.latent=0: found a code without numbers"),
        ({"g": {"n_ups": 4}}, "generator.n_ups=4: found images of 8 x 8 pixels"),
        ({"d": {"condition": "x"}}, "discriminator.condition=x"),
        ({"d": {"n_downs": 0}}, "discriminator.n_downs=0"),
        ({"d": {"norm": "batch"}, "gan_loss": WassersteinGP()}, "discriminator.norm=batch"),
    ],
)
def test_what_does_not_fit_is_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(SettingError, match=words):
        make_model(**options)


def test_a_generator_of_pictures_is_refused_and_so_are_pictures() -> None:
    model = make_model()
    adam = {"optimizer_g": torch.optim.Adam, "optimizer_d": torch.optim.Adam}
    with pytest.raises(SettingError, match="ResnetGenerator, which makes pictures of pictures"):
        ClassConditionalGAN(
            ResnetGenerator(3, 3, 2), model.discriminator, HingeGAN(), NAMES, scheduler=Constant,
            **adam,
        )  # fmt: skip
    with pytest.raises(SettingError, match="generator=class_conditional: found an input of shape"):
        model.generator(torch.zeros(1, 3, 8, 8))
    with pytest.raises(SettingError, match=r"src/sample.py"):
        model.translator()
    with pytest.raises(SettingError, match=r"pictures of shape \(1, 8, 8\)"):
        model.judge(torch.zeros(2, 1, 16, 16), torch.zeros(2, 1, 16, 16))


def test_augmentation_leaves_the_labels_as_they_are() -> None:
    kinds = ["color", "translation", "cutout"]
    model, batch, seen = make_model(diffaugment=kinds), make_batch(), []
    model.discriminator.register_forward_pre_hook(lambda _, inputs: seen.append(inputs))
    with model.diffaugment.drawn(4, torch.device("cpu")):
        model.d_terms(batch["input"], batch["label"], batch["input"] / 2)
    for condition, image in seen:
        assert torch.equal(condition, model.planes(batch["label"], image))
        assert not torch.equal(image, batch["input"]) and not torch.equal(image, batch["input"] / 2)
    assert len(seen) == 2


def test_pictures_of_no_class_teach_a_head_nothing() -> None:
    model = make_model(g={"n_labels": 0}, d={"conditional": False, "head": True})
    y, label = make_batch()["input"], make_batch()["label"]
    terms = model.d_terms(y, label, y / 2)
    of_real = nn.functional.cross_entropy(model.discriminator(y, y).classes, label)
    assert terms["class"].item() == pytest.approx(of_real.item(), rel=1e-6)
    assert "class" not in model.g_terms(label, y / 2)


def test_each_class_can_be_scored_by_itself() -> None:
    batch = make_batch()  # of the classes two, zero, one, two
    assert list(make_model().validation_step(batch, 0)) == ["made"]
    model = make_model(per_class=True)
    shown = model.validation_step(batch, 0)
    assert list(shown) == ["made", *NAMES] == list(model.routes)
    two = shown["two"]
    assert two.names == ["0", "3"] and two.index.tolist() == two.y_index.tolist() == [0, 3]
    assert torch.equal(two.y, batch["input"][[0, 3]]) and two.label.tolist() == [2, 2]
    assert torch.equal(two.y_hat, shown["made"].y_hat[[0, 3]])
    counts = model.pictures_of(batch["label"], False)
    assert counts == {"made": (4, 4), "zero": (1, 1), "one": (1, 1), "two": (2, 2)}
    assert make_model(g={"n_labels": 0}, d={"conditional": False}).routes == ("made",)
