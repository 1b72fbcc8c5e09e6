"""Every alarm is raised by its own failure, after enough readings, and stays silent else."""

import math
import re

import pytest
from omegaconf import OmegaConf

from conftest import ROOT
from i2i.callbacks.health.alarms import ALARMS, Alarm, Streaks, alarms_of
from i2i.config.composing import composed
from i2i.config.differences import has
from i2i.config.resolvers import register

# By name: a signal that raises it, a value that does, and values of runs that are well: extremes of
# seeds of experiments=first_run and of trained runs of other systems.
CASES = {
    "d_has_won": ("d_right", 1.0, [0.5, 0.999]),
    "critic_is_steep": ("critic_gap", 9.0, [-0.5, 1.0]),
    "g_ignores_input": ("val_spread", 0.001, [0.2, 1.1]),
    "saturated": ("ends", 0.9, [-0.03, 0.1]),
    "checkerboard": ("checkerboard", 12.0, [-2.0, 4.5]),
    "colours_shift": ("val_colours", 60.0, [0.5, 20.0]),
    "colours_invert": ("val_lightness", -0.9, [0.0, 0.9]),
    "overfitting_d": ("val_r_v", 0.97, [-0.2, 0.6]),
    "overfitting_g": ("val_l1_ratio", 5.0, [0.9, 1.6]),
    "nothing_moves": ("moves_g", 0.0, [1e-5, 0.05]),
    "no_gradient": ("gradient_d", 0.0, [1e-6, 1e4]),
    "idle_term": ("idle_d", 1.0, [0.0]),
}


def raised(streaks: Streaks, signal: str, value: float, enough: int = 3) -> list[str]:
    return [alarm.name for alarm, *_ in streaks.take({signal: value}, lambda _: enough)]


def test_there_is_a_case_for_each() -> None:
    assert list(CASES) == [alarm.name for alarm in ALARMS]


@pytest.mark.parametrize("name", CASES)
def test_enough_bad_readings_raise_it(name: str) -> None:
    signal, bad, _ = CASES[name]
    streaks = Streaks()
    assert [raised(streaks, signal, bad) for _ in range(3)] == [[], [], [name]]


@pytest.mark.parametrize("name", CASES)
def test_healthy_readings_never_do(name: str) -> None:
    signal, bad, well = CASES[name]
    streaks = Streaks()
    assert [raised(streaks, signal, value) for value in well * 10] == [[]] * (10 * len(well))
    for value in (bad, bad, well[-1]) * 5:  # and one among bad ones begins the count anew
        assert raised(streaks, signal, value) == []


@pytest.mark.parametrize("name", CASES)
def test_what_is_no_number_begins_the_count_anew(name: str) -> None:
    signal, bad, _ = CASES[name]
    streaks = Streaks()
    for value in (bad, bad, math.nan, bad, bad):
        assert raised(streaks, signal, value) == []


@pytest.mark.parametrize("alarm", ALARMS, ids=lambda alarm: alarm.name)
@pytest.mark.parametrize("system", ["pix2pix", "stargan", "cut", "cgan", "bicyclegan"])
def test_it_says_what_is_wrong_and_what_to_turn(
    alarm: Alarm, system: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In options that the run has, which a user may type as they stand."""
    monkeypatch.setenv("I2I_ROOT", str(ROOT))
    register()
    signal, bad, _ = CASES[alarm.name]
    config = OmegaConf.to_container(composed("config", (f"model={system}",)))
    text = alarm.text(signal, bad, config)
    assert not set("{}|") & set(text) and text[0].isupper() and text.endswith(".")
    said, _, advice = text.partition(". ")
    assert said and advice[:1].isupper()
    typed = re.findall(r"\b(?:model|optimizer|gan_loss|generator|reconstruction)(?:\.\w+)+", advice)
    assert [option for option in typed if not has(config, option)] == []


def test_other_systems_get_other_advice() -> None:
    shift = {alarm.name: alarm for alarm in ALARMS}["colours_shift"]
    cycles = {"model": {"lambda_cycle": 10.0, "lambda_class": 1.0}}
    assert "Raise model.lambda_cycle (identity" in shift.text("val_colours", 60.0, cycles)
    both = {"model": {"lambda_cycle": 10.0, "lambda_identity": 0.5}}
    assert "Raise model.lambda_identity or model.lambda_cycle" in shift.text("a", 60.0, both)
    assert "raise" not in shift.text("val_colours", 60.0, {}).lower()


def test_a_generator_without_gradient_is_told_of_its_outputs() -> None:
    none = {alarm.name: alarm for alarm in ALARMS}["no_gradient"]
    text = none.text("gradient_g", 0.0, {"model": {"discriminator_weight": 1.0}})
    assert "(of D: model.discriminator_weight); nothing flows back from outputs" in text


def test_what_fades_by_itself_is_no_alarm_and_what_comes_back_is() -> None:
    """The readings of a DiscoGAN, every 50th step: three in a row would be too many."""
    start = [29.6, 23.6, 10.8, 10.0, 9.9, 8.6, 9.0, 8.8, 8.0, 7.0, 6.2, 6.1]
    streaks = Streaks()
    assert [raised(streaks, "checkerboard", value) for value in start] == [[]] * len(start)
    for value in (16.0, 5.0, 9.0, 8.0):  # more than half of the worst; well; two of a new row
        found = raised(streaks, "checkerboard", value)
        assert found == (["checkerboard"] if value == 16.0 else [])
    assert raised(streaks, "checkerboard", 7.0) == ["checkerboard"]


def test_two_players_are_counted_apart() -> None:
    streaks = Streaks()
    for _ in range(2):
        assert raised(streaks, "moves_g", 0.0) == raised(streaks, "moves_d", 0.0) == []
    assert raised(streaks, "moves_d", 0.0) == ["nothing_moves"]


def test_signals_of_training_and_of_validation_share_an_alarm() -> None:
    assert alarms_of("ends") == alarms_of("val_ends") != []
    assert alarms_of("loss") == []
