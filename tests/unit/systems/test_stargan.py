"""StarGAN: its formulas, its labels, its routes, and what it refuses."""

from functools import partial
from typing import Any

import pytest
import torch
from lightning.pytorch import Callback, Trainer
from torch import Tensor, nn
from torch.utils.data import DataLoader

from i2i.discriminators.domains import DomainDiscriminator
from i2i.discriminators.patchgan import PatchDiscriminator
from i2i.errors import SettingError
from i2i.generators.stargan import StarGANGenerator
from i2i.inference.translations import Translations
from i2i.losses.classes import class_loss
from i2i.losses.gan import GANLoss, LeastSquaresGAN, NoGAN, WassersteinGP
from i2i.systems.stargan import StarGAN
from i2i.training.schedules import Constant

SIDE = 16
NAMES = ["a", "b", "c"]
# Float64 rounds at 1e-16; the longest sums here have some ten thousand terms.
TOLERANCE = 1e-10


def make_model(
    gan_loss: GANLoss | None = None, names: list[str] = NAMES, **options: Any
) -> StarGAN:
    torch.manual_seed(0)
    adam = partial(torch.optim.Adam, lr=1e-3, betas=(0.5, 0.999))
    shared = {"optimizer_g": adam, "optimizer_d": adam, "scheduler": Constant}
    g = StarGANGenerator(3 + len(names), 3, 2, n_blocks=1)
    d = DomainDiscriminator(3, 3, len(names), SIDE, 2, n_layers=3)
    weight = {"discriminator_weight": 1.0}
    return StarGAN(g, d, gan_loss or WassersteinGP(), names, **shared | weight | options)


def make_batch(labels: Tensor, answers: bool = False) -> dict[str, Any]:
    random, n = torch.Generator().manual_seed(1), len(labels)
    x = torch.rand(n, 3, SIDE, SIDE, generator=random) * 2 - 1
    batch = {"input": x, "label": labels, "name": [str(i) for i in range(n)]}
    batch["index"] = torch.arange(n)
    if answers:
        pictures = torch.rand(n, 3, 3, SIDE, SIDE, generator=random) * 2 - 1
        batch |= {"answers": pictures, "answer_index": torch.arange(3 * n).view(n, 3)}
    return batch


LABELS = {
    "domains": torch.tensor([0, 2, 1, 0]),
    "attributes": torch.tensor([[1.0, 0, 1], [0, 0, 1], [0, 1, 0], [1, 0, 0]]),
}


def by_hand(model: StarGAN, batch: dict, kind: str, epsilon: Tensor, order: Tensor) -> dict:
    """Choi et al. 2018, Eq. 1 to 8, term by term."""
    x, label = batch["input"], batch["label"]
    codes = torch.eye(3)[label] if kind == "domains" else label

    def g(image: Tensor, code: Tensor) -> Tensor:
        planes = torch.stack([torch.full((3, SIDE, SIDE), 1.0) * c[:, None, None] for c in code])
        return model.generator(torch.cat((image, planes), dim=1))

    def d(image: Tensor) -> tuple[Tensor, Tensor]:
        out = model.discriminator(image, image)
        return out.logits[0], out.classes

    def told(logits: Tensor, code: Tensor) -> Tensor:
        if kind == "domains":
            p = logits.exp() / logits.exp().sum(1, keepdim=True)
            return -(p[code > 0]).log().mean()
        p = 1 / (1 + (-logits).exp())
        return -(code * p.log() + (1 - code) * (1 - p).log()).sum() / len(code)

    asked = codes[order]
    y_hat = g(x, asked)
    x_bar = (epsilon * x + (1 - epsilon) * y_hat.detach()).requires_grad_(True)
    slope = torch.autograd.grad(d(x_bar)[0].mean((1, 2, 3)).sum(), x_bar, create_graph=True)[0]
    norm = slope.square().sum((1, 2, 3)).sqrt()
    return {
        "d": {
            "real": -d(x)[0].mean(), "fake": d(y_hat.detach())[0].mean(),
            "penalty": 10 * ((norm - 1) ** 2).mean(), "class": told(d(x)[1], codes),
        },
        "g": {
            "gan": -d(y_hat)[0].mean(), "class": told(d(y_hat)[1], asked),
            "cycle": 10 * (g(y_hat, codes) - x).abs().mean(),
        },
    }  # fmt: skip


@pytest.mark.numeric
@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("kind", LABELS)
def test_terms_and_gradients_are_those_of_the_paper(kind: str) -> None:
    model = make_model()
    label = LABELS[kind] if kind == "domains" else LABELS[kind].double()
    batch = make_batch(label)
    torch.manual_seed(5)
    made = model.generate(batch)
    detached = {name: value.detach() for name, value in made.items()}
    terms = {"d": model.terms("d", batch, detached), "g": model.terms("g", batch, made)}
    torch.manual_seed(5)
    order = torch.randperm(4)
    expected = by_hand(model, batch, kind, torch.rand(4, 1, 1, 1), order)
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


@pytest.mark.parametrize(("width", "n", "count"), [(64, 5, 8_430_528), (4, 2, None)])
def test_generator_has_the_parameters_of_the_paper(width: int, n: int, count: int | None) -> None:
    """Counted by hand from App. Table 4, and what the authors' program prints for CelebA."""
    with torch.device("meta"):
        g = StarGANGenerator(3 + n, 3, width)
    c = width
    by_hand = 49 * (3 + n) * c + 2 * c + 16 * (2 * c * c) + 4 * c + 16 * (8 * c * c) + 8 * c
    by_hand += 6 * (2 * 9 * 16 * c * c + 4 * 4 * c)
    by_hand += 16 * 8 * c * c + 4 * c + 16 * 2 * c * c + 2 * c + 49 * 3 * c
    assert sum(p.numel() for p in g.parameters()) == by_hand == (count or by_hand)


def test_discriminator_has_the_parameters_of_the_paper() -> None:
    """App. Table 5; the authors' program prints 44,786,624 for RaFD's eight domains."""
    with torch.device("meta"):
        d = DomainDiscriminator(3, 3, 8, 128)
        out = d(torch.zeros(2, 3, 128, 128), torch.zeros(2, 3, 128, 128))
    assert sum(p.numel() for p in d.parameters()) == 44_786_624
    assert out.logits[0].shape == (2, 1, 2, 2) and out.classes.shape == (2, 8)


def test_the_label_gets_through_instance_norm() -> None:
    """By the zeros at the border; reflection padding would lose it."""
    model = make_model()
    x = make_batch(LABELS["domains"])["input"]
    made = [model.translator(name)(x, list("wxyz")) for name in NAMES]
    assert not torch.allclose(made[0], made[1]) and not torch.allclose(made[1], made[2])


class Turns(Callback):
    """Who was updated on each batch, read from the weights."""

    def __init__(self) -> None:
        self.rows: list[str] = []

    def on_train_batch_start(self, trainer: Trainer, model: StarGAN, *_: Any) -> None:
        self.before = {n: p.detach().clone() for n, p in model.named_parameters()}

    def on_train_batch_end(self, trainer: Trainer, model: StarGAN, *_: Any) -> None:
        moved = {n[0] for n, p in model.named_parameters() if not p.equal(self.before[n])} - {"e"}
        self.rows.append("".join(sorted(moved)))


def fit(model: StarGAN, steps: int, batch: dict | None = None) -> Trainer:
    turns = Turns()
    trainer = Trainer(
        max_steps=steps, max_epochs=-1, accelerator="cpu", devices=1, logger=False,
        enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False,
        log_every_n_steps=1, callbacks=[turns], num_sanity_val_steps=0,
    )  # fmt: skip
    batch = batch or make_batch(LABELS["domains"])
    trainer.fit(model, DataLoader([batch] * 5, batch_size=None))
    trainer.turns = turns.rows
    return trainer


def test_the_critic_learns_five_times_and_then_both() -> None:
    assert fit(make_model(n_critic=5), 2).turns == ["d", "d", "d", "d", "dg"] * 2


def test_other_objectives_and_parts_of_batches_serve() -> None:
    model = make_model(LeastSquaresGAN(), accumulate=2, ema_decay=0.5)
    trainer = fit(model, 2, make_batch(LABELS["attributes"]))
    assert trainer.turns == ["dg"] * 2
    assert model.translator("b").network is model.ema.network


def test_there_is_a_route_to_each_domain_from_all_others() -> None:
    model, batch = make_model(), make_batch(LABELS["domains"])
    shown = model.validation_step(batch, 0)
    assert list(shown) == NAMES == list(model.routes)
    one = shown["a"]
    assert one.names == ["1", "2"] and one.index.tolist() == [1, 2]
    assert one.y_index.tolist() == [0, 3] and not one.true
    assert torch.equal(one.x, batch["input"][1:3])
    assert torch.equal(one.y, batch["input"][[0, 3]])
    assert one.label.tolist() == [0, 0] and one.source_label.tolist() == [2, 1]
    assert torch.equal(one.y_hat, model.translator("a")(one.x, one.names))
    for i, home in enumerate(("c", "b")):
        back = model.translator(home)(one.y_hat[i : i + 1], one.names[i : i + 1])
        assert torch.allclose(one.back[i : i + 1], back, atol=1e-6)


def test_where_the_domains_show_the_same_the_truth_is_known() -> None:
    model, batch = make_model(), make_batch(LABELS["domains"], answers=True)
    one = model.shown(batch)["c"]
    assert one.true and one.names == ["0", "2", "3"]
    assert torch.equal(one.y, batch["answers"][[0, 2, 3], 2])
    assert one.y_index.tolist() == [2, 8, 11]


def test_a_batch_of_one_domain_has_nothing_to_send_there() -> None:
    shown = make_model().validation_step(make_batch(torch.tensor([1, 1])), 0)
    assert [len(shown[name].y_hat) for name in NAMES] == [2, 0, 2]
    assert [len(shown[name].y) for name in NAMES] == [0, 2, 0]


def test_it_knows_before_a_pass_what_each_route_will_have() -> None:
    """The same numbers as batches then bring."""
    model = make_model()
    for kind, answers in (("domains", False), ("domains", True), ("attributes", False)):
        labels = LABELS[kind]
        shown = model.shown(make_batch(labels, answers))
        found = {
            name: (len(one.index), len(set(one.y_index.tolist()))) for name, one in shown.items()
        }
        if answers:  # in this batch no two pictures are of one place, in a split each is in all
            found = {name: (n, -(-n // 2)) for name, (n, _) in found.items()}
        assert model.pictures_of(labels, answers) == found


def test_an_attribute_takes_its_rivals_away_and_leaves_the_others() -> None:
    model = make_model(exclusive=[["a", "b"], ["x", "y"]])
    batch = make_batch(LABELS["attributes"])
    shown = model.validation_step(batch, 0)
    assert shown["b"].names == ["0", "1", "3"]
    assert shown["b"].label.tolist() == [[0, 1, 1], [0, 1, 1], [0, 1, 0]]
    assert shown["c"].label.tolist() == [[0, 1, 1], [1, 0, 1]]


def test_a_checkpoint_that_is_asked_for_attributes_translates_to_their_label() -> None:
    model, x = make_model(), make_batch(LABELS["attributes"])["input"]
    names = {"routes": model.translators(), "dataset": {}, "system": "StarGAN"}
    asked = Translations(attributes=model.attributes, **names)
    made = asked.asked(attributes={"b": 1, "a": 0})(x, list("wxyz"))
    assert torch.equal(made, model.translator("b")(x, list("wxyz")))
    assert not torch.equal(made, asked.asked(attributes={"a": 1})(x, list("wxyz")))


def test_cross_entropy_is_a_mean_over_samples_and_a_sum_over_attributes() -> None:
    logits = torch.zeros(4, 3)
    assert class_loss(logits, LABELS["domains"]).item() == pytest.approx(1.0986122887)  # log 3
    found = class_loss(logits.half(), LABELS["attributes"])
    assert found.item() == pytest.approx(3 * 0.6931471806) and found.dtype == torch.float32


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"lambda_cycle": -1.0}, "model.lambda_cycle=-1.0"),
        ({"lambda_class": float("inf")}, "model.lambda_class=inf"),
        ({"gan_loss": NoGAN()}, "gan_loss=none"),
        ({"names": ["a"]}, r"dataset.domains=\[a\]: found [12] domain"),
        ({"names": ["a", "b", "a"]}, r"dataset.domains=\[a,b,a\]: found [12] domain"),
    ],
)
def test_what_does_not_fit_is_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(SettingError, match=words):
        make_model(**options)


def test_a_discriminator_that_tells_no_domains_is_refused() -> None:
    model = make_model()
    model.discriminator = PatchDiscriminator(3, 3, 2, norm="layer", conditional=False)
    x = torch.zeros(2, 3, 64, 64)
    with pytest.raises(SettingError, match="discriminator: found PatchDiscriminator, which tells"):
        model.judge(x, x)


def test_an_image_too_small_for_the_layers_is_refused() -> None:
    with pytest.raises(SettingError, match=r"n_layers=6: found images of 32 x 64 pixels"):
        DomainDiscriminator(3, 3, 2, [32, 64])


def test_weights_are_as_torch_draws_them() -> None:
    torch.manual_seed(0)
    g = StarGANGenerator(5, 3, 16)
    first = next(m for m in g.modules() if isinstance(m, nn.Conv2d))
    bound = 1 / (5 * 49) ** 0.5  # He's uniform distribution with a = sqrt(5)
    assert first.weight.abs().max() <= bound
    assert first.weight.std().item() == pytest.approx(bound / 3**0.5, rel=0.05)
