"""The classifier: its loss, its network, what it shows, how it goes on, and what it refuses."""

from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.pytorch import Trainer
from torch import Tensor, nn
from torch.utils.data import DataLoader

from i2i.classifiers.small import SmallClassifier
from i2i.errors import SettingError
from i2i.metrics.class_accuracy import right
from i2i.systems.classifier import Classifier
from i2i.training.schedules import Constant

ADAM = partial(torch.optim.Adam, lr=1e-2)
NAMES = ("zero", "one", "two")


def make_model(norm: str = "batch", channels: int = 1, **options: Any) -> Classifier:
    torch.manual_seed(0)
    shared = {"optimizer_g": ADAM, "optimizer_d": ADAM, "scheduler": Constant, "domains": NAMES}
    return Classifier(SmallClassifier(channels, 3, 2, n_downs=2, norm=norm), **(shared | options))


def make_samples(n: int = 6, attributes: bool = False) -> list[dict[str, Any]]:
    """Grey pictures, brighter by class; or 0 and 1 for each of three attributes."""
    random = torch.Generator().manual_seed(1)
    samples = []
    for i in range(n):
        x = torch.rand(1, 8, 8, generator=random) * 0.5 + 0.5 * (i % 3) - 1
        label = torch.randint(2, (3,), generator=random).float() if attributes else i % 3
        samples.append({"input": x, "label": label, "name": str(i), "index": i})
    return samples


def first_batch(n: int = 6, **options: Any) -> dict[str, Any]:
    return next(iter(DataLoader(make_samples(n, **options), batch_size=n)))


def fit(model: Classifier, samples: list, **options: Any) -> Trainer:
    given = {k: options.pop(k) for k in ("ckpt_path",) if k in options}
    trainer = Trainer(
        **({"max_steps": -1, "logger": False} | options), accelerator="cpu", devices=1,
        enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False,
        log_every_n_steps=1, num_sanity_val_steps=0, limit_val_batches=0,
    )  # fmt: skip
    trainer.fit(model, DataLoader(samples, batch_size=2), weights_only=True, **given)
    return trainer


def by_hand(logits: Tensor, label: Tensor) -> Tensor:
    """The mean of -log softmax(logits)[label]; of attributes, of the sum of cross entropies."""
    if label.is_floating_point():
        p = 1 / (1 + torch.exp(-logits))
        return -(label * p.log() + (1 - label) * (1 - p).log()).sum(1).mean()
    shares = logits.exp() / logits.exp().sum(1, keepdim=True)
    return -torch.stack([share[i].log() for share, i in zip(shares, label, strict=True)]).mean()


@pytest.mark.numeric
@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("attributes", [False, True])
def test_the_loss_and_its_gradients_are_cross_entropies(attributes: bool) -> None:
    model, batch = make_model(), first_batch(attributes=attributes)
    batch["label"] = batch["label"].double() if attributes else batch["label"]
    (mine,) = model.terms("g", batch, {}).values()
    theirs = by_hand(model.classifier(batch["input"]), batch["label"])
    assert mine.item() == pytest.approx(theirs.item(), rel=1e-10)
    weights = list(model.classifier.parameters())
    for a, b in zip(*(torch.autograd.grad(v, weights) for v in (mine, theirs)), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-15)


def test_it_learns_what_pictures_are_of_and_its_one_player_steps() -> None:
    model, samples = make_model(norm="none"), make_samples(12)
    trainer = fit(model, samples, max_steps=150)
    assert trainer.global_step == model.batches_seen == 150
    batch = next(iter(DataLoader(samples, batch_size=12)))
    assert right(model.tell(batch["input"]), batch["label"]).mean() == 1
    assert [player.name for player in model.players] == ["g"]


def test_it_shows_the_pictures_by_class_and_whether_it_was_right() -> None:
    model = make_model(ema_decay=0.5)
    fit(model, make_samples(), max_steps=2)
    batch = first_batch()
    model.train()
    before = {n: b.clone() for n, b in model.named_buffers()}
    (shown,) = model.validation_step(batch, 0).values()
    assert shown.x is None and shown.source is None and not shown.true and shown.back is None
    assert torch.equal(shown.made, batch["input"]) and torch.equal(shown.label, batch["label"])
    network = model.ema.network.eval()  # the average, with its running statistics
    told = network(batch["input"]).argmax(1) == batch["label"]
    assert torch.equal(shown.correct, told.float())
    assert all(torch.equal(before[n], b) for n, b in model.named_buffers())
    assert model.classifier.training


@pytest.mark.parametrize("epochs", [1, 2])
def test_it_goes_on_exactly(tmp_path: Path, epochs: int) -> None:
    straight, half, resumed = (make_model(ema_decay=0.5) for _ in range(3))
    fit(straight, make_samples(), max_epochs=3)
    file = tmp_path / "half.ckpt"
    fit(half, make_samples(), max_epochs=epochs).save_checkpoint(file)
    trainer = fit(resumed, make_samples(), max_epochs=3, ckpt_path=file)
    assert trainer.global_step == resumed.total_steps == 9
    a, b = straight.state_dict(), resumed.state_dict()
    assert [name for name in a if not torch.equal(a[name], b[name])] == []


def test_parts_of_a_batch_add_up() -> None:
    """Instance norm keeps samples apart, so that two halves are the whole."""
    rows = []
    for accumulate in (1, 2):
        model = make_model(norm="instance", accumulate=accumulate)
        fit(model, make_samples(), max_steps=2)
        rows.append(model.newest["g"]["class"].item())
    assert rows[0] == pytest.approx(rows[1], rel=1e-5)


def test_in_bfloat16_the_loss_is_nearly_the_same() -> None:
    rows = []
    for precision in ("32-true", "bf16-mixed"):
        model = make_model()
        fit(model, make_samples(), max_steps=1, precision=precision)
        rows.append(model.newest["g"]["class"].item())
    assert rows[0] == pytest.approx(rows[1], rel=0.02)


@pytest.mark.parametrize("n_downs", [0, 2, 3])
def test_parameters_of_the_network_by_hand(n_downs: int) -> None:
    """A convolution, two for each halving, twice as wide, batch norm behind each; a linear one."""
    c, expected = 32, 3 * 32 * 9 + 2 * 32
    for _ in range(n_downs):
        expected += c * 2 * c * 9 + 2 * c * 2 * c * 9 + 2 * 2 * 2 * c
        c *= 2
    expected += 10 * c + 10
    network = SmallClassifier(3, 10, n_downs=n_downs)
    assert sum(p.numel() for p in network.parameters()) == expected
    assert network(torch.zeros(2, 3, 9, 17)).shape == (2, 10)


@pytest.mark.usefixtures("float64")
def test_the_network_is_its_layers_written_out() -> None:
    torch.manual_seed(0)
    network, h = SmallClassifier(1, 4, 2, n_downs=1, norm="none"), torch.rand(2, 1, 8, 8)
    x = h
    convs = [m for m in network.modules() if isinstance(m, nn.Conv2d)]
    for c, stride in zip(convs, (1, 2, 1), strict=True):
        h = nn.functional.conv2d(h, c.weight, c.bias, stride=stride, padding=1).clamp(min=0)
    assert h.shape == (2, 4, 4, 4)
    linear = network.head[1]
    expected = h.flatten(2).sum(2) / 16 @ linear.weight.T + linear.bias
    assert torch.allclose(network(x), expected, rtol=0, atol=1e-12)


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(SettingError, match=r"dataset\.domains=\[earth\]: found 1 domain\(s\) in 1"):
        make_model(domains=["earth"])
    with pytest.raises(SettingError, match=r"classifier\.n_downs=-1: found -1; expected 0 or more"):
        SmallClassifier(1, 2, n_downs=-1)
    x = torch.zeros(2, 1, 8, 8)
    with pytest.raises(SettingError, match=r"classifier: found an output of shape \(3,\)"):
        make_model(domains=["a", "b"]).judge(x, x)
    make_model().judge(x, x)
    with pytest.raises(SettingError, match=r"checkpoint: found a classifier, which makes no"):
        make_model().translator()
    assert make_model().translators() == {}
