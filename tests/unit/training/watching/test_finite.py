"""A run whose losses are no numbers ends at that step, and its last good checkpoint stays."""

import csv
import json
import math
import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from lightning.pytorch import Trainer
from torch import Tensor, nn

from conftest import Run
from i2i.errors import SettingError
from i2i.losses.gan import VanillaGAN, WassersteinGP
from i2i.losses.reconstruction import L1
from i2i.systems.pix2pix import Pix2Pix
from i2i.training.trainer import build_trainer
from i2i.training.watching import finite
from i2i.training.watching.finite import FiniteTerms
from unit.training.test_adversarial import Pairs, make_model


class Breaks(L1):
    """From its n-th value on, or there alone, it is another number."""

    def __init__(self, at: int, value: float = math.nan, once: bool = False):
        super().__init__()
        self.at, self.value, self.once, self.count = at, value, once, 0

    def __call__(self, y_hat: Tensor, y: Tensor) -> Tensor:
        self.count += 1
        bad = self.count == self.at if self.once else self.count >= self.at
        return super().__call__(y_hat, y) * (self.value if bad else 1.0)


class Infinite(nn.Module):
    """Gives infinities from its n-th call on."""

    def __init__(self, at: int):
        super().__init__()
        self.at, self.count = at, 0

    def forward(self, x: Tensor) -> Tensor:
        self.count += 1
        return x / 0 if self.count >= self.at else x


def run(model: Pix2Pix, folder: Path, waits: bool = False, **options: Any) -> Trainer:
    """Trains; ``waits`` says that numbers cannot be read after each update, as on a GPU."""
    from lightning.pytorch.callbacks import ModelCheckpoint

    if waits:
        model.may_read = lambda: False

    saving = ModelCheckpoint(
        folder / "checkpoints", "last", enable_version_counter=False,
        every_n_train_steps=options.pop("save_every", 2),
    )  # fmt: skip
    options = {"max_steps": 12, "log_every_n_steps": 50, "limit_val_batches": 0} | options
    trainer = build_trainer(
        "cpu", 1, callbacks=[saving], logger=False, enable_progress_bar=False,
        enable_model_summary=False, num_sanity_val_steps=0, default_root_dir=str(folder), **options,
    )  # fmt: skip
    trainer.fit(model, Pairs())
    return trainer


def saved_step(folder: Path) -> int:
    content = torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True)
    assert all(w.isfinite().all() for w in content["state_dict"].values())
    return content["global_step"]


@pytest.mark.parametrize("waits", [True, False], ids=["later", "at once"])
@pytest.mark.parametrize("value", [math.nan, math.inf], ids=["nan", "inf"])
@pytest.mark.parametrize(
    ("at", "options", "kept"),
    [
        (5, {}, 4),  # found at the saving of step 6
        (6, {}, 4),
        (5, {"save_every": 1}, 4),
        (5, {"save_every": 3, "log_every_n_steps": 1}, 3),
        (5, {"save_every": 4, "limit_val_batches": 1, "val_check_interval": 2}, 4),
    ],
    ids=["between", "at a saving", "every step", "logged", "validated"],
)
def test_it_stops_before_a_checkpoint_is_overwritten(
    tmp_path: Path, at: int, options: dict, kept: int, value: float, waits: bool
) -> None:
    model = make_model(reconstruction={"l1": Breaks(at, value)})
    with pytest.raises(SettingError) as caught:
        run(model, tmp_path, waits, **options)
    where = "" if waits else ", in the term itself: what all layers gave is finite"
    assert re.match(
        f"train/g/l1: found NaN or infinity, first at step {at}{where}; expected finite numbers. "
        f"last.ckpt is from before that: resume={tmp_path}. Use a lower", str(caught.value),
    )  # fmt: skip
    assert saved_step(tmp_path) == kept
    assert waits or model.batches_seen == at - 1


def test_it_stops_before_a_validation(tmp_path: Path) -> None:
    model = make_model(reconstruction={"l1": Breaks(5)})
    with pytest.raises(SettingError, match="first at step 5"):
        run(model, tmp_path, True, save_every=50, limit_val_batches=1, val_check_interval=2)
    assert model.batches_seen == 6  # the epoch has 8


def test_a_single_bad_value_is_remembered(tmp_path: Path) -> None:
    model = make_model(reconstruction={"l1": Breaks(3, once=True)}, clip_g=1.0)
    model.on_before_optimizer_step = lambda optimizer: [  # as a scaler leaves out what overflows
        p.grad.nan_to_num_() for group in optimizer.param_groups for p in group["params"]
        if p.grad is not None
    ]  # fmt: skip
    with pytest.raises(SettingError, match=r"train/g/l1: found NaN or infinity, first at step 3"):
        run(model, tmp_path, True, save_every=8)
    assert not (tmp_path / "checkpoints" / "last.ckpt").exists()


def test_the_term_of_a_critic_is_named_with_the_step_it_belongs_to(tmp_path: Path) -> None:
    class Bad(WassersteinGP):
        count = 0

        def discriminator(self, *given: Any) -> dict[str, Tensor]:
            terms = super().discriminator(*given)
            Bad.count += 1
            return {n: v * math.nan if Bad.count >= 6 else v for n, v in terms.items()}

    model = make_model("layer", Bad(), n_critic=2)
    with pytest.raises(
        SettingError, match=r"^train/d/\w+: found NaN .* first at step 3, in the .*Nothing"
    ):
        run(model, tmp_path, save_every=5)


def test_weights_that_overflow_are_not_saved(tmp_path: Path) -> None:
    """The losses of the step before were finite."""
    model = make_model()

    def overflow(optimizer: Any) -> None:
        if model.batches_seen == 3 and optimizer is model.optimizers()[0].optimizer:
            optimizer.param_groups[0]["params"][0].grad.fill_(math.inf)

    model.on_before_optimizer_step = overflow
    name = next(name for name, _ in model.generator.named_parameters())
    told = rf"^the weights of the generator: found .* at step 4, in generator\.{name} of \d+ weight"
    with pytest.raises(SettingError, match=told):
        run(model, tmp_path)
    assert saved_step(tmp_path) == 2


@pytest.mark.parametrize("options", [{}, {"accumulate": 2}], ids=["whole", "parts"])
def test_the_layer_is_named_in_which_it_began(tmp_path: Path, options: dict) -> None:
    """Found before the update, so that all weights are good still."""
    model = make_model(**options)
    layer = nn.Sequential(Infinite(5), nn.Identity())
    model.generator = nn.Sequential(model.generator, layer)
    told = r"^train/\w/\w+: found .*, in the output of generator\.1\.0 \(Infinite\); "
    with pytest.raises(SettingError, match=told):
        run(model, tmp_path)
    assert all(weight.isfinite().all() for weight in model.parameters())
    assert layer[0]._forward_hooks == {}


def test_weights_that_were_bad_before_are_named_with_the_layer(tmp_path: Path) -> None:
    model = make_model()

    def overflow(optimizer: Any) -> None:
        if model.batches_seen == 2 and optimizer is model.optimizers()[0].optimizer:
            optimizer.param_groups[0]["params"][2].grad.fill_(math.inf)

    model.on_before_optimizer_step = overflow
    name = [name for name, _ in model.generator.named_parameters()][2]
    with pytest.raises(SettingError, match=rf"step 3.*generator\.{name.rpartition('.')[0]} \("):
        run(model, tmp_path, save_every=50)


def test_it_goes_on_where_that_is_asked_and_says_so_once(
    tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    model = make_model(reconstruction={"l1": Breaks(5)}, on_nan="continue")
    trainer = run(model, tmp_path)
    assert trainer.global_step == 12
    told = "train/g/l1: not finite since step 5; goes on, as model.on_nan=continue asks\n"
    assert capsys.readouterr().out.count(told) == 1


def test_another_word_is_refused() -> None:
    with pytest.raises(SettingError, match=r"model\.on_nan=skip: found 'skip'; expected one of st"):
        FiniteTerms("skip")


def test_all_processes_hear_of_the_first_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """This one has seen nothing bad."""
    mine = FiniteTerms("stop")
    mine.note("g", {"l1": torch.tensor(1.0)}, 7)
    theirs = [(9, 0, "train/g/l1", ""), (8, 1, "train/g/gan", "")]
    monkeypatch.setattr(finite, "gathered", lambda own: [own, *theirs])
    trainer = SimpleNamespace(global_step=9, default_root_dir=str(tmp_path))
    with pytest.raises(SettingError, match=r"^train/g/gan: found NaN or infinity, first at step 8"):
        mine.require(trainer, {"g": {"weight": nn.Parameter(torch.ones(1))}})


def test_terms_may_come_and_go() -> None:
    mine, weights = FiniteTerms("stop"), {"g": {"weight": nn.Parameter(torch.ones(1))}}
    good, bad = torch.tensor(1.0), torch.tensor(math.inf)
    mine.note("d", {}, 1)
    mine.note("d", {"real": good, "r1": good}, 1)
    mine.note("d", {"real": good}, 2)
    mine.note("d", {"real": good, "r1": bad}, 3)
    mine.note("d", {"real": bad}, 4)
    assert mine.first(4, weights) == (3, 1, "train/d/r1", "")


def test_an_ordinary_run_reads_nothing_more(tmp_path: Path) -> None:
    model = make_model(gan_loss=VanillaGAN())
    run(model, tmp_path)
    assert saved_step(tmp_path) == 12 and model.finite.marks().tolist() == [0.0] * 4


def test_a_run_that_goes_on_is_validated_and_tested_too(
    train: Run, command: Callable[..., int], capsys: pytest.CaptureFixture
) -> None:
    """Weights that overflow at once make NaN of every picture."""
    run_dir = train(
        "trainer.max_epochs=2", "trainer.limit_train_batches=2", "optimizer.generator.lr=1e38",
        "model.on_nan=continue",
    )  # fmt: skip
    told = capsys.readouterr().out
    assert told.count("val: NaN in the pictures, and so for its scores") == 2
    assert told.count("test: NaN in the pictures") == 1
    with (run_dir / "metrics.csv").open() as file:
        scores = [row["val/ssim"] for row in csv.DictReader(file) if row["val/ssim"]]
    assert scores == ["nan", "nan"]
    rows = json.loads((run_dir / "test_metrics.json").read_text())["scores"]
    assert set(rows["model (best.ckpt)"].values()) == {"nan"}
    assert all(math.isfinite(value) for value in rows["input copied"].values())
    assert len([*(run_dir / "samples").glob("val_step_*.png")]) == 2


def test_scores_of_good_pictures_stay() -> None:
    mine, picture = FiniteTerms("continue"), torch.tensor([0.5, math.inf])
    assert mine.shown(picture) is picture
    assert not mine.spoils("val")
    assert mine.shown(torch.tensor([0.5, math.nan])).tolist() == [0.5, 0.0]
    assert mine.spoils("val")
    assert not mine.spoils("val")  # the next pass
    assert FiniteTerms("stop").shown(torch.tensor([math.nan])).isnan().all()
