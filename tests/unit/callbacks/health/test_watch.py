"""The callback: when it looks, what it logs, that an alarm is said once, and what stays of it."""

import copy
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from i2i.callbacks.health.watch import Health
from i2i.errors import SettingError
from i2i.training.rounds import Rounds
from i2i.training.watching.witness import Witness

ONE = (("d", "g"),)


class Alerted:
    """A logger that passes alarms on."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str]] = []

    def alert(self, title: str, text: str) -> None:
        self.sent.append((title, text))


class Run:
    """Batches whose witness notes what a test says, through the hooks as Lightning calls them."""

    def __init__(
        self, folder: Path, rounds: Rounds = ONE, every: int = 1, rank: int = 0, **options
    ):
        self.health = Health(str(folder), **options)
        self.logger = Alerted()
        self.trainer = SimpleNamespace(
            global_step=0, log_every_n_steps=every, is_global_zero=rank == 0,
            loggers=[self.logger, object()], sanity_checking=False, datamodule=None,
            state=SimpleNamespace(fn="fit"),
        )  # fmt: skip
        self.written: list[tuple[int, dict[str, float]]] = []
        self.model = SimpleNamespace(
            rounds=rounds, batches_seen=0, witness=Witness(), gan_loss=None, newest={},
            finite=SimpleNamespace(told=None), write=self.write, device="cpu", config={},
        )  # fmt: skip
        self.asked: list[int] = []  # the batches that were watched
        self.health.on_train_start(self.trainer, self.model)

    def write(self, values: dict[str, float]) -> None:
        self.written.append((self.trainer.global_step, values))

    def train(self, batches: int, moves: float = 1e-3) -> None:
        for _ in range(batches):
            self.health.on_train_batch_start(self.trainer, self.model, {}, 0)
            witness, turns = self.model.witness, self.model.rounds
            if witness.asked:
                self.asked.append(self.model.batches_seen)
                for player in turns[self.model.batches_seen % len(turns)]:
                    witness.numbers[f"moves_{player}"] = torch.tensor(moves)
            self.trainer.global_step += "g" in turns[self.model.batches_seen % len(turns)]
            self.model.batches_seen += 1
            self.health.on_train_batch_end(self.trainer, self.model, None, {}, 0)

    def record(self) -> list[dict[str, Any]]:
        return json.loads(self.health.path.read_text())["alarms"]


def test_it_looks_at_the_steps_that_are_logged(tmp_path: Path) -> None:
    run = Run(tmp_path, every=4)
    run.train(9)
    assert run.asked == [0, 3, 7]
    assert [step for step, _ in run.written] == [1, 4, 8]
    assert run.written[0][1] == {
        "train/health/moves_d": pytest.approx(1e-3), "train/health/moves_g": pytest.approx(1e-3)
    }  # fmt: skip
    assert run.record() == [] and run.logger.sent == []


@pytest.mark.parametrize(
    ("rounds", "asked"),
    [
        ((("d",), ("d",), ("d", "g")), [0, 1, 2, 9, 10, 11]),  # n_critic 3
        ((("d",), ("g",), ("g",)), [0, 1, 3, 4, 5]),  # the turn of d belongs to the odd steps
    ],
    ids=["critics", "by turns"],
)
def test_every_player_has_a_turn_among_the_watched_batches(
    tmp_path: Path, rounds: Rounds, asked: list[int]
) -> None:
    run = Run(tmp_path, rounds, every=4)
    run.train(12 if rounds[2] == ("d", "g") else 6)
    assert run.asked == asked
    assert [step for step, _ in run.written] == [1, 4]
    assert all(len(values) == 2 for _, values in run.written)


def test_an_alarm_is_said_once_and_written_and_sent(
    tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    run = Run(tmp_path, logged_steps=3)
    run.train(2, moves=0.0)
    assert run.record() == []
    run.train(5, moves=0.0)
    (alarm,) = run.record()
    assert alarm["name"] == "nothing_moves" and alarm["step"] == 3 and alarm["value"] == 0
    assert alarm["signal"] == "moves_d"
    assert alarm["text"].startswith("Nothing moves: an update of a player changes its weights by 0")
    told = capsys.readouterr().out
    assert told.count("Alarm at step 3: Nothing moves") == 1 and told.count("Alarm") == 1
    assert run.logger.sent == [("nothing_moves", alarm["text"])]
    run.health.say_again()
    assert f"Alarms of this run ({tmp_path / 'health.json'}):\n  step 3" in capsys.readouterr().out


def test_a_healthy_run_says_nothing_at_its_end(
    tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    run = Run(tmp_path)
    run.train(30)
    run.health.say_again()
    assert capsys.readouterr().out == "" and run.record() == []


def test_other_processes_look_at_nothing(tmp_path: Path) -> None:
    run = Run(tmp_path, rank=1, logged_steps=1)
    run.train(5, moves=0.0)
    run.health.on_validation_epoch_start(run.trainer, run.model)
    assert run.asked == run.written == [] and run.health.validation is None
    assert not (tmp_path / "health.json").exists()


def test_an_alarm_may_be_silenced(tmp_path: Path) -> None:
    run = Run(tmp_path, logged_steps=1, silent=["nothing_moves"])
    run.train(3, moves=0.0)
    assert run.record() == [] and run.written


def test_a_run_that_goes_on_knows_what_was_raised_and_how_long_the_rest_has_lasted(
    tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    first = Run(tmp_path, logged_steps=4)
    first.train(3, moves=0.0)
    again = Run(tmp_path, logged_steps=4)
    again.health.load_state_dict(copy.deepcopy(first.health.state_dict()))
    again.train(1, moves=0.0)
    assert [alarm["name"] for alarm in again.record()] == ["nothing_moves"]
    capsys.readouterr()
    third = Run(tmp_path, logged_steps=4)
    third.health.load_state_dict(copy.deepcopy(again.health.state_dict()))
    third.health.on_train_start(third.trainer, third.model)
    third.train(9, moves=0.0)
    assert "Alarm" not in capsys.readouterr().out
    assert third.record() == again.record()
    again.health.load_state_dict(
        copy.deepcopy(first.health.state_dict())
    )  # as the test of best.ckpt does
    again.health.say_again()
    assert "Nothing moves" in capsys.readouterr().out


def test_a_run_that_stops_within_a_round_has_the_numbers_of_all_players(tmp_path: Path) -> None:
    rounds = (("d",), ("g",), ("g",))
    straight, first, second = (Run(tmp_path, rounds) for _ in range(3))
    straight.train(6)
    first.train(4)  # which ends with a turn of d
    second.health.load_state_dict(copy.deepcopy(first.health.state_dict()))
    second.model.batches_seen, second.trainer.global_step = 4, first.trainer.global_step
    second.health.on_train_start(second.trainer, second.model)
    second.train(2)
    assert first.written + second.written == straight.written
    assert "train/health/moves_d" in second.written[0][1]


def test_what_on_nan_found_is_an_alarm_too(tmp_path: Path) -> None:
    run = Run(tmp_path)
    run.train(1)
    run.model.finite.told = "train/g/l1: not finite since step 2, in the output of generator.x"
    run.health.on_exception(run.trainer, run.model, SettingError("..."))
    (alarm,) = run.record()
    assert alarm["name"] == "not_finite" and "in the output of generator.x" in alarm["text"]


def test_errors_of_another_kind_are_none(tmp_path: Path) -> None:
    run = Run(tmp_path)
    run.health.on_exception(run.trainer, run.model, ValueError("..."))
    assert run.record() == []


def test_sanity_checks_and_tests_are_no_validation(tmp_path: Path) -> None:
    run = Run(tmp_path)
    run.trainer.sanity_checking = True
    run.health.on_validation_epoch_start(run.trainer, run.model)
    assert run.health.validation is None
    run.trainer.sanity_checking, run.trainer.state.fn = False, "validate"
    run.health.on_validation_epoch_start(run.trainer, run.model)
    assert run.health.validation is None


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"logged_steps": 0}, r"callbacks\.health\.logged_steps=0: found 0; expected 1 or more"),
        ({"validations": 0}, r"health\.validations=0: found 0"),
        ({"n_images": 1}, r"health\.n_images=1: found 1; expected 2 or more"),
        (
            {"silent": ["x"]},
            r"health\.silent=\[x\]: found x, which is no alarm; expected any of d_",
        ),
    ],
)
def test_options_out_of_range_are_refused(tmp_path: Path, options: dict, told: str) -> None:
    with pytest.raises(SettingError, match=told):
        Health(str(tmp_path), **options)
