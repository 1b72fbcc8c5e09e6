"""CUT and FastCUT: their formulas, the order of their updates, taps, flips, and what is refused."""

import copy
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.pytorch import Callback, Trainer
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader

from i2i.discriminators.patchgan import PatchDiscriminator
from i2i.errors import SettingError
from i2i.generators.discogan import DiscoGenerator
from i2i.generators.resnet import ResnetGenerator
from i2i.generators.resunet import ResUNetGenerator
from i2i.generators.spade import SPADEGenerator
from i2i.generators.unet import UNetGenerator
from i2i.losses.gan import GANLoss, HingeGAN, LeastSquaresGAN, NoGAN, VanillaGAN, WassersteinGP
from i2i.seeds import stable_seed
from i2i.systems.cut import CUT
from i2i.training.schedules import Constant
from i2i.training.speed import Speed

ADAM = {"lr": 2e-3, "betas": (0.5, 0.999)}
STEPS = 5
TOLERANCE = 1e-9  # see test_cyclegan
KINDS = {  # what conf/model says of each
    "cut": {},
    "fastcut": {"lambda_nce": 10.0, "lambda_identity": 0.0, "flip": True},
}
TAPS = ("input", "down1", "down2", "block1")


def make_model(
    gan_loss: GANLoss | None = None,
    generator: nn.Module | None = None,
    norm: str = "instance",
    conditional: bool = False,
    **options: Any,
) -> CUT:
    torch.manual_seed(0)
    adam = partial(torch.optim.Adam, **ADAM)
    shared = {
        "optimizer_g": adam, "optimizer_d": adam, "scheduler": Constant, "n_patches": 20,
        "head_width": 16,
    }  # fmt: skip
    return CUT(
        generator or ResnetGenerator(3, 3, 2, n_blocks=1, blur=True),
        PatchDiscriminator(3, 3, 2, norm=norm, conditional=conditional, blur=True),
        gan_loss or LeastSquaresGAN(), **(shared | options),
    )  # fmt: skip


def make_samples(n: int = 5, channels: int = 3) -> list[dict[str, Any]]:
    random = torch.Generator().manual_seed(1)
    samples = []
    for i in range(n):
        x, y = (torch.rand(c, 32, 32, generator=random) * 2 - 1 for c in (3, channels))
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


def fit(
    model: CUT,
    samples: list,
    steps: int,
    batch: int = 2,
    precision: str = "32-true",
    **options: Any,
) -> Terms:
    terms = Terms()
    trainer = Trainer(
        max_steps=steps, max_epochs=-1, accelerator="cpu", devices=1, logger=False,
        enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False,
        log_every_n_steps=1, callbacks=[terms], num_sanity_val_steps=0, precision=precision,
    )  # fmt: skip
    trainer.fit(model, DataLoader(samples, batch_size=batch), **options)
    terms.trainer = trainer
    return terms


class Bare:
    """The algorithm as the paper has it, without a framework and without this project's losses."""

    def __init__(self, model: CUT, lambda_x: float, lambda_y: float, flip: bool):
        self.g, self.d, self.h = (
            copy.deepcopy(n) for n in (model.generator, model.discriminator, model.heads)
        )
        self.weights, self.flip = (lambda_x, lambda_y), flip
        self.optimizers = {
            n: torch.optim.Adam(m.parameters(), **ADAM)
            for n, m in (("g", self.g), ("d", self.d), ("h", self.h))
        }

    def maps(self, image: Tensor) -> list[Tensor]:
        """Those of TAPS: the picture, both halving convolutions, the first block."""
        found = [image]
        for place, layer in enumerate(self.g.layers):
            image = layer(image)
            if place in (4, 8, 12):
                found.append(image)
        return found

    def nce(self, x: Tensor, y_hat: Tensor, mirrored: bool) -> Tensor:
        """Eq. 2 and 3, one place at a time, the mean of all."""
        total = []
        keys, queries = self.maps(x), self.maps(y_hat)
        places = [torch.randperm(m.shape[2] * m.shape[3])[:20] for m in keys]
        for tap, own in enumerate(places):
            if mirrored:
                queries[tap] = queries[tap].flip(3)
            # Chosen before the transposition: a gradient that lies as NHWC is one that torch's
            # instance norm takes the wrong way at batch 1 (2.13, on a CPU).
            v, k = (
                self.h.heads[tap](m[tap].flatten(2)[:, :, own].transpose(1, 2))
                for m in (queries, keys)
            )
            v, k = v / v.norm(dim=2, keepdim=True), (k / k.norm(dim=2, keepdim=True)).detach()
            for b in range(len(x)):
                for s in range(len(own)):
                    total.append((tap, -F.log_softmax(k[b] @ v[b, s] / 0.07, 0)[s]))
        means = [torch.stack([v for t, v in total if t == tap]).mean() for tap in range(len(TAPS))]
        return sum(means) / len(TAPS)

    def on_batch(self, x: Tensor, y: Tensor) -> dict[str, Tensor]:
        mirrored = self.flip and bool(torch.rand(()) < 0.5)
        y_hat = self.g(x.flip(3) if mirrored else x)
        (real,), (fake,) = (self.d(i, i).logits for i in (y, y_hat.detach()))
        terms = {"d/real": 0.5 * (real - 1).pow(2).mean(), "d/fake": 0.5 * fake.pow(2).mean()}
        self.optimizers["d"].zero_grad()
        sum(terms.values()).backward()
        self.optimizers["d"].step()
        (fake,) = self.d(y_hat, y_hat).logits
        lambda_x, lambda_y = self.weights
        terms["g/gan"] = (fake - 1).pow(2).mean()
        terms["g/nce"] = lambda_x * self.nce(x, y_hat, mirrored)
        if lambda_y:
            terms["g/nce_identity"] = lambda_y * self.nce(y, self.g(y), False)
        for name in ("g", "h"):
            self.optimizers[name].zero_grad()
        sum(v for n, v in terms.items() if n.startswith("g/")).backward()
        for name in ("g", "h"):
            self.optimizers[name].step()
        return terms


@pytest.mark.numeric
@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("kind", KINDS)
def test_steps_are_those_of_the_paper_written_out(kind: str) -> None:
    """Losses and all weights over two epochs, whose last batches are smaller."""
    model, samples = make_model(**KINDS[kind]), make_samples()
    assert model.taps == TAPS
    # Wide networks have no patch without features; narrow ones do where all starts so small.
    for parameter in [*model.heads.parameters(), model.generator.layers[-2].bias]:
        nn.init.normal_(parameter)
    weights = (10.0, 0.0) if kind == "fastcut" else (0.5, 0.5)
    loop = Bare(model, *weights, flip=kind == "fastcut")
    mine = fit(model, samples, STEPS).rows
    batches = list(DataLoader(samples, batch_size=2))
    for step in range(STEPS):
        torch.manual_seed(stable_seed(0, "noise", step, 0))
        batch = batches[step % len(batches)]
        its = loop.on_batch(batch["input"], batch["target"])
        assert mine[step].keys() == its.keys()
        for name, value in its.items():
            assert mine[step][name] == pytest.approx(value.item(), rel=TOLERANCE, abs=0), name
    for ours, theirs in ((model.generator, loop.g), (model.discriminator, loop.d),
                         (model.heads, loop.h)):  # fmt: skip
        for (name, a), b in zip(ours.named_parameters(), theirs.parameters(), strict=True):
            if b.abs().max() < 1e-5:  # a bias before an instance norm; see test_cyclegan
                assert name.endswith(".bias") and a.abs().max() < 1e-5, name
            else:
                assert torch.allclose(a, b, rtol=TOLERANCE, atol=1e-12), name


def test_the_discriminator_is_updated_first_and_the_heads_with_the_generator() -> None:
    """A trace of the updates: what moves in each, and what the image was made with."""
    model = make_model()
    state = {n: p.detach().clone() for n, p in model.named_parameters()}
    trace: list[tuple[str, set[str]]] = []
    step = model.take_step

    def traced(optimizer: Any) -> None:
        step(optimizer)
        moved = {n.split(".")[0] for n, p in model.named_parameters() if not p.equal(state[n])}
        state.update({n: p.detach().clone() for n, p in model.named_parameters()})
        trace.append(moved)

    made = []
    generate = model.generate
    model.generate = lambda batch: made.append(len(trace)) or generate(batch)
    model.take_step = traced
    fit(model, make_samples(), 2)
    assert trace == [{"discriminator"}, {"generator", "heads"}] * 2
    assert made == [0, 2]  # once a batch, before both


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("loss", "norm"),
    [
        (VanillaGAN(r1=1.0), "instance"), (HingeGAN(), "spectral"), (WassersteinGP(), "layer"),
        (VanillaGAN(), "batch"),
    ],
)  # fmt: skip
def test_every_objective_updates_all_networks(kind: str, loss: GANLoss, norm: str) -> None:
    model = make_model(loss, norm=norm, n_critic=2, **KINDS[kind])
    before = {n: p.detach().clone() for n, p in model.named_parameters()}
    terms = fit(model, make_samples(), 2)
    assert model.batches_seen == 4 and terms.trainer.global_step == 2
    moved = {n.split(".")[0] for n, p in model.named_parameters() if not p.equal(before[n])}
    assert moved == {"generator", "discriminator", "heads"}


def test_a_mirrored_output_is_compared_with_the_input() -> None:
    """Where G sees x mirrored, place by place in x's own order; half of the batches are."""
    model = make_model(flip=True)
    x = torch.rand(2, 3, 32, 32)
    batch = {"input": x}
    torch.manual_seed(0)
    made = [model.generate(batch) for _ in range(40)]
    kinds = [bool(one["mirrored"]) for one in made]
    assert 10 < sum(kinds) < 30
    for one in made[:4]:
        seen = x.flip(3) if one["mirrored"] else x
        assert torch.equal(one["y_hat"], model.generator(seen))
    model.taps, model.heads.heads = ("input",), model.heads.heads[:1]
    losses = []
    for image, mirrored in ((x, False), (x.flip(3), True), (x.flip(3), False)):
        torch.manual_seed(1)
        losses.append(model.contrast(x, image, torch.tensor(mirrored)).item())
    assert losses[0] == losses[1] != losses[2]
    assert not any(make_model().generate(batch)["mirrored"] for _ in range(20))


@pytest.mark.parametrize("kind", KINDS)
def test_five_steps_are_two_and_three_bit_for_bit(kind: str, tmp_path: Path) -> None:
    samples = make_samples(10)
    straight, first, second = (make_model(ema_decay=0.5, **KINDS[kind]) for _ in range(3))
    fit(straight, samples, 5)
    stretch = fit(first, samples, 2)
    stretch.trainer.save_checkpoint(tmp_path / "a.ckpt")
    rest = [*samples[4:], *samples[:4]]  # a loader that begins where the first stretch stopped
    fit(second, rest, 5, ckpt_path=tmp_path / "a.ckpt", weights_only=True)
    names = list(straight.state_dict())
    assert any(n.startswith("heads.") for n in names)
    assert not any(n.startswith("ema.") and "heads" in n for n in names)
    for name, value in second.state_dict().items():
        assert torch.equal(straight.state_dict()[name], value), name


def test_bfloat16_moves_the_terms_by_its_rounding() -> None:
    rows = [fit(make_model(), make_samples(), 1, precision=p).rows[0]
            for p in (32, "bf16-mixed")]  # fmt: skip
    for name, value in rows[0].items():
        assert rows[1][name] == pytest.approx(value, rel=0.05), name
    assert rows[0] != rows[1]


def test_parts_of_a_batch_add_up() -> None:
    """As far as they can: places are drawn anew for each part, so that all are taken here."""
    rows = []
    for accumulate in (1, 2):
        model = make_model(accumulate=accumulate, n_patches=32 * 32)
        rows.append(fit(model, make_samples(4), 1, 4).rows[0])
    for name, value in rows[0].items():
        assert rows[1][name] == pytest.approx(value, rel=1e-4), name


def test_one_route_and_no_way_back() -> None:
    samples = make_samples(2)
    batch = next(iter(DataLoader(samples, batch_size=2)))
    for direction in ("AtoB", "BtoA"):
        model = make_model(direction=direction, ema_decay=0.9)
        assert model.routes == (direction,)
        (shown,) = model.validation_step(batch, 0).values()
        assert shown.back is None and shown.names == ["0 of x", "1 of x"]
        assert shown.y_index.tolist() == [1, 0]
        assert model.translator().network is model.ema.network
        assert torch.equal(shown.y_hat, model.translator()(batch["input"], shown.names))


@pytest.mark.parametrize(
    ("build", "widths"),
    [
        (partial(UNetGenerator, n_downs=4, norm="instance", dropout=0.0), [2, 4, 8]),
        (partial(DiscoGenerator, n_downs=4, norm="instance"), [2, 4, 8]),
        (partial(ResUNetGenerator, n_downs=4), [4, 8, 16]),
    ],
    ids=["unet", "discogan", "resunet"],
)
def test_encoders_name_their_layers_too(build: Any, widths: list[int]) -> None:
    generator = build(3, 3, 2)
    model = make_model(generator=generator)
    assert model.taps == ("input", "down1", "down2", "down3")
    assert [head[0].in_features for head in model.heads.heads] == [3, *widths]
    rows = fit(model, make_samples(), 2).rows
    assert all(value > 0 for value in rows[1].values())
    chosen = make_model(generator=copy.deepcopy(generator), taps=["down2", "input"])
    assert [head[0].in_features for head in chosen.heads.heads] == [widths[1], 3]


def test_rehearsal_moves_nothing() -> None:
    model = make_model(generator=ResnetGenerator(3, 3, 2, n_blocks=1, norm="batch"))
    before = {n: v.clone() for n, v in model.state_dict().items()}
    x = torch.rand(1, 3, 32, 32)
    model.rehearse(x, x)
    assert all(torch.equal(v, before[n]) for n, v in model.state_dict().items())


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"lambda_nce": -1.0}, "model.lambda_nce=-1.0"),
        ({"lambda_nce": 0.0}, "model.lambda_nce=0: found nothing that ties"),
        ({"lambda_identity": float("nan")}, "model.lambda_identity=nan"),
        ({"n_patches": 1}, "model.n_patches=1: found 1; expected at least 2"),
        ({"head_width": 0}, "model.head_width=0: found 0; expected at least 1"),
        ({"temperature": 0.0}, "model.temperature=0.0"),
        ({"taps": ["down3"]}, r"model.taps=\['down3'\]: .*expected one or more of input, stem,"),
        ({"taps": []}, r"model.taps=\[\]"),
        ({"taps": ["input", "input"]}, "each once"),
        ({"gan_loss": NoGAN()}, "gan_loss=none"),
        ({"gan_loss": WassersteinGP(), "norm": "batch"}, "discriminator.norm=batch"),
        ({"conditional": True}, "discriminator.conditional=true"),
        ({"generator": SPADEGenerator(3, 3, 2, hidden_channels=2)},
         "generator: found SPADEGenerator, which names no layers .*; expected one with .*Use gen"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_what_does_not_fit_is_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(SettingError, match=words):
        make_model(**options)


def test_domains_of_other_channels_and_single_places_are_refused() -> None:
    x, y = torch.zeros(1, 3, 32, 32), torch.zeros(1, 1, 32, 32)
    with pytest.raises(SettingError, match=r"^model=cut: found 3 channels .* and 1 in the other"):
        make_model().rehearse(x, y)
    generator = UNetGenerator(3, 3, 2, n_downs=5, norm="instance")
    model = make_model(generator=generator, taps=["input", "down5"])
    with pytest.raises(SettingError, match=r"^model.taps=\[input,down5\]: found a single place"):
        model.rehearse(x, x)


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("speed", [{"compile": True}, {"checkpoint_activations": True}], ids=str)
def test_taps_of_a_compiled_or_checkpointed_generator(
    speed: dict[str, bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    compile_plainly = torch.compile
    monkeypatch.setattr(
        torch, "compile", lambda network, options: compile_plainly(network, backend="aot_eager")
    )
    rows = []
    for asked in ({}, speed):
        torch.manual_seed(0)
        rows.append(fit(make_model(speed=Speed(**asked)), make_samples(4), 2).rows)
    for plain, other in zip(*rows, strict=True):
        assert other == pytest.approx(plain, rel=1e-8)
