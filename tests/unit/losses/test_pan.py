"""The perceptual adversarial loss: P, its two players, and the margin from both sides."""

import csv
import re

import pytest
import torch
from omegaconf import OmegaConf

from conftest import CONF, ROOT
from i2i.errors import SettingError
from i2i.losses.pan import PAN

REAL = [[torch.zeros(2, 1, 2, 2), torch.zeros(2, 3, 1, 1)]]


def fake_maps() -> list[list[torch.Tensor]]:
    """Mean absolute distances 0.5 and 0.25 to REAL."""
    maps = [torch.full((2, 1, 2, 2), 0.5), torch.full((2, 3, 1, 1), -0.25)]
    return [[m.requires_grad_(True) for m in maps]]


def test_the_generator_minimises_the_weighted_sum() -> None:
    assert PAN()(fake_maps(), REAL).item() == pytest.approx(0.75)
    assert PAN(lambdas=[2.0, 8.0])(fake_maps(), REAL).item() == pytest.approx(1.0 + 2.0)
    assert PAN(lambdas=[0, 1])(fake_maps(), REAL).item() == pytest.approx(0.25)


def test_the_discriminator_lacks_what_is_left_to_the_margin() -> None:
    terms = PAN(margin=2.0).discriminator(fake_maps(), REAL)
    assert list(terms) == ["pan"]
    assert terms["pan"].item() == pytest.approx(2.0 - 0.75)
    with_lambdas = PAN(margin=2.0, lambdas=[2.0, 2.0]).discriminator(fake_maps(), REAL)
    assert with_lambdas["pan"].item() == pytest.approx(2.0 - 1.5)


def test_below_the_margin_the_discriminator_widens_what_the_generator_shrinks() -> None:
    for_g, for_d = fake_maps(), fake_maps()
    PAN()(for_g, REAL).backward()
    PAN(margin=1.0).discriminator(for_d, REAL)["pan"].backward()
    assert torch.equal(for_g[0][0].grad, torch.full((2, 1, 2, 2), 1 / 8))
    for one, other in zip(for_g[0], for_d[0], strict=True):
        assert torch.equal(one.grad, -other.grad)


def test_above_the_margin_the_discriminator_has_neither_loss_nor_gradient() -> None:
    fake = fake_maps()
    loss = PAN(margin=0.7).discriminator(fake, REAL)["pan"]
    loss.backward()
    assert loss.item() == 0.0
    assert all(torch.equal(m.grad, torch.zeros_like(m)) for m in fake[0])
    generator_side = fake_maps()
    PAN(margin=0.7)(generator_side, REAL).backward()
    assert generator_side[0][0].grad.abs().sum() > 0  # the margin is D's alone


def test_only_the_discriminator_learns_from_the_real_maps() -> None:
    real = [[m.clone().requires_grad_(True) for m in REAL[0]]]
    PAN()(fake_maps(), real).backward()
    assert [m.grad for m in real[0]] == [None, None]
    PAN(margin=2.0).discriminator(fake_maps(), real)["pan"].backward()
    assert all(m.grad.abs().sum() > 0 for m in real[0])


def test_the_margin_stands_against_the_mean_over_scales() -> None:
    """A scale of distance 1.5 and one of 0.5: 1.0 together, not max(0, .) of each."""
    fake = [[torch.full((1, 1, 2, 2), 1.5)], [torch.full((1, 1, 4, 4), 0.5)]]
    real = [[torch.zeros(1, 1, 2, 2)], [torch.zeros(1, 1, 4, 4)]]
    assert PAN()(fake, real).item() == pytest.approx(1.0)
    assert PAN(margin=1.25).discriminator(fake, real)["pan"].item() == pytest.approx(0.25)
    assert PAN(margin=0.75).discriminator(fake, real)["pan"].item() == 0.0


def test_it_is_float32_under_autocast() -> None:
    fake = [[m.detach().bfloat16() for m in fake_maps()[0]]]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        values = [PAN()(fake, REAL), PAN(margin=1.0).discriminator(fake, REAL)["pan"]]
    assert [v.dtype for v in values] == [torch.float32] * 2
    assert [v.item() for v in values] == pytest.approx([0.75, 0.25])


def test_an_epoch_whose_hinge_was_off_has_something_to_warn_of() -> None:
    pan = PAN(margin=0.7)
    for _ in range(2):  # each epoch by itself
        for _step in range(3):
            pan.logged(0.0)
        assert re.search(r"pan\.margin=0\.7: .* all 3 logged steps .* Raise", pan.end_epoch())
    pan.logged(0.0)
    pan.logged(0.01)
    assert pan.end_epoch() is None
    assert pan.end_epoch() is None  # nothing was logged


def test_the_presets_margin_worked_in_the_run_that_is_kept() -> None:
    """D's half was on at each of the last 50 steps; at margin 1.0 it was not."""
    preset = OmegaConf.load(CONF / "reconstruction" / "pan.yaml").pan
    with open(ROOT / "experiments" / "pan_margin_camvid64.csv", newline="") as file:
        last = {float(row["margin"]): row for row in csv.DictReader(file)}
    assert int(last[preset.margin]["steps_with_hinge_on"]) == 50
    assert float(last[preset.margin]["mean_distance"]) < preset.margin
    assert int(last[1.0]["steps_with_hinge_on"]) < 50


def test_it_trains_the_discriminator_without_another_objective() -> None:
    assert PAN.learns_alone is True


@pytest.mark.parametrize("lambdas", [[1.0], [1.0, 1.0, 1.0], []])
def test_a_wrong_number_of_lambdas_is_named_on_first_use(lambdas: list[float]) -> None:
    pan = PAN(lambdas=lambdas)
    pattern = (
        rf"reconstruction\.pan\.lambdas=.*: found {len(lambdas)} numbers; expected 2, one a hidden"
    )
    with pytest.raises(SettingError, match=pattern):
        pan(fake_maps(), REAL)
    with pytest.raises(SettingError, match=pattern):
        pan.discriminator(fake_maps(), REAL)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"margin": 0.0}, r"pan\.margin=0\.0: .*expected a finite number above 0"),
        ({"margin": -1.0}, r"pan\.margin=-1\.0: found a negative number"),
        ({"lambdas": [1.0, -2.0]}, r"pan\.lambdas=-2\.0: found a negative number"),
        ({"weight": -1.0}, r"pan\.weight=-1\.0: found a negative number"),
    ],
)
def test_options_out_of_range_are_named(options: dict, named: str) -> None:
    with pytest.raises(SettingError, match=named):
        PAN(**options)
