"""Every alarm is raised by its own failure, after enough readings, and stays silent else."""

import math

import pytest

from i2i.callbacks.health.alarms import ALARMS, Streaks, alarms_of

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
def test_it_says_what_is_wrong_and_what_to_turn(alarm: object) -> None:
    signal, bad, _ = CASES[alarm.name]
    text = alarm.words.format(value=bad, signal=signal)
    assert "{" not in text and text[0].isupper() and not text.endswith(".")
    assert "=" in alarm.knob or "." in alarm.knob


def test_two_players_are_counted_apart() -> None:
    streaks = Streaks()
    for _ in range(2):
        assert raised(streaks, "moves_g", 0.0) == raised(streaks, "moves_d", 0.0) == []
    assert raised(streaks, "moves_d", 0.0) == ["nothing_moves"]


def test_signals_of_training_and_of_validation_share_an_alarm() -> None:
    assert alarms_of("ends") == alarms_of("val_ends") != []
    assert alarms_of("loss") == []
