"""Whose turn it is, where a system has a pattern of its own: turns, steps, rows and files."""

from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.pytorch import Trainer

from i2i.training.players import Player
from i2i.training.rounds import critics_first, require_all_before_g, steps_in
from i2i.training.schedules import total_steps
from unit.training.test_adversarial import Pairs
from unit.training.test_game import ADAM, Watched
from unit.training.three_players import ThreePlayers, make_game

APART = (("d", "idle"), ("e",), ("g",), ("g", "e"), ("g",))  # 3 steps in 5 batches


class Apart(Watched):
    """D alone, then the guesser alone, then G three times, once with the guesser."""

    rounds = APART


def apart(system: type[ThreePlayers] = Apart, **options: Any) -> Any:
    model = make_game(**options)
    model.__class__ = system
    model.trail, model.logged = [], []
    model.write = lambda values: model.logged.append((model.trainer.global_step, dict(values)))
    return model


def fitted(
    model: ThreePlayers, checkpoint: Path | None = None, images: int = 4, **options: Any
) -> Trainer:
    options = {"max_steps": -1, "logger": False, "log_every_n_steps": 1} | options
    trainer = Trainer(
        accelerator="cpu", enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False, num_sanity_val_steps=0, limit_val_batches=0, **options,
    )  # fmt: skip
    trainer.fit(model, Pairs(images, batch_size=2), ckpt_path=checkpoint, weights_only=True)
    return trainer


def test_the_pattern_of_n_critic() -> None:
    players = [Player(name, (), torch.optim.SGD) for name in ("g", "d", "e")]
    assert critics_first(players, 1) == (("g", "d", "e"),)
    assert critics_first(players, 3) == (("d", "e"), ("d", "e"), ("g", "d", "e"))


@pytest.mark.parametrize(
    ("rounds", "steps"),
    [
        ((("d", "g"),), [0, 1, 2, 3, 4, 5, 6]),
        ((("d",), ("d", "g")), [0, 0, 1, 1, 2, 2, 3]),
        ((("d",), ("g",), ("g",)), [0, 0, 1, 2, 2, 3, 4]),
    ],
)
def test_steps_in_so_many_batches(rounds: Any, steps: list[int]) -> None:
    assert [steps_in(rounds, batches) for batches in range(7)] == steps


@pytest.mark.parametrize(
    ("rounds", "whole"),
    [
        ((("g",), ("d",)), False),  # D's turn comes after the first step
        ((("d",),), False),
        ((("g",),), False),
        ((("d", "g", "f"),), False),
        ((("d", "g"), ("f",)), False),
        ((("d",), ("g",)), True),
        ((("d", "g"), ("g",)), True),
    ],
)
def test_a_pattern_has_a_turn_for_everybody_by_the_first_step(rounds: Any, whole: bool) -> None:
    players = [Player(name, (), torch.optim.SGD) for name in ("g", "d")]
    if whole:
        require_all_before_g(rounds, players)
    else:
        with pytest.raises(ValueError, match=r"each of d, g, and nobody else"):
            require_all_before_g(rounds, players)


@pytest.mark.parametrize("accumulate", [1, 2])
def test_a_system_has_a_pattern_of_its_own(accumulate: int) -> None:
    """Who has no turn does not move; the last round ends with the run, within it."""
    model = apart(accumulate=accumulate)
    trainer = fitted(model, max_steps=5)
    assert trainer.global_step == 5
    # On one batch the players take turns in their order, whatever that in the pattern is.
    assert "".join(name for name, _ in model.trail) == "de" + "g" + "eg" + "g" + "de" + "g" + "eg"
    assert model.batches_seen == 9
    of_g = [has_graph for _, has_graph, _ in model.asked]
    assert sum(of_g) == 5 * accumulate and len(of_g) == 11 * accumulate


def test_every_row_has_the_newest_terms_of_every_player() -> None:
    model = apart()
    fitted(model, max_steps=5)
    steps = [step for step, values in model.logged if "train/g/gan" in values]
    assert steps == [1, 2, 3, 4, 5]
    rows = [values for _, values in model.logged]
    assert all({"train/d/real", "train/d/fake", "train/e/guess"} <= row.keys() for row in rows)
    of_d = [row["train/d/real"] for row in rows]
    assert of_d[0] == of_d[1] == of_d[2] != of_d[3] == of_d[4]  # once a round
    of_e = [row["train/e/guess"] for row in rows]
    assert of_e[0] != of_e[1] == of_e[2] != of_e[3] != of_e[4]  # twice a round


def test_epochs_are_as_many_steps_as_the_pattern_gives() -> None:
    """7 batches: one round, and two batches without G."""
    model = apart()
    trainer = fitted(model, images=14, max_epochs=1)
    assert total_steps(trainer, model.rounds) == model.total_steps == trainer.global_step == 3
    model = apart()
    trainer = fitted(model, images=14, max_epochs=3)
    assert model.total_steps == trainer.global_step == 4 * 3
    assert model.batches_seen == 21


def test_a_bad_number_is_noted_with_the_step_it_belongs_to() -> None:
    class Bad(Apart):
        def terms(self, player: str, batch: Any, made: Any) -> Any:
            terms = super().terms(player, batch, made)
            if self.batches_seen == 5:  # D's in the second round
                terms["fake"] = terms["fake"] * float("nan")
            return terms

    model = apart(Bad, on_nan="continue")
    fitted(model, max_steps=4)
    steps = {name: s for names, at in model.finite.seen.items() for name, s in zip(names, at)}  # noqa: B905
    assert steps["train/d/fake"] == 4 and steps["train/d/real"] == 0


@pytest.mark.parametrize("batches", range(1, 6))
def test_a_run_goes_on_exactly_from_every_batch_of_a_round(tmp_path: Path, batches: int) -> None:
    straight = apart(**ADAM)
    fitted(straight, max_epochs=10, images=2)
    half, file = apart(**ADAM), tmp_path / "half.ckpt"
    fitted(half, max_epochs=batches, images=2).save_checkpoint(file)
    resumed = apart(**ADAM)
    trainer = fitted(resumed, file, max_epochs=10, images=2)
    assert trainer.global_step == 6 and resumed.batches_seen == 10
    a, b = straight.state_dict(), resumed.state_dict()
    assert [name for name in a if not torch.equal(a[name], b[name])] == []
    assert "".join(n for n, _ in half.trail + resumed.trail) == "degegg" * 2
    assert half.logged + resumed.logged == straight.logged


@pytest.mark.parametrize("newest", [None, 1, {"d": 1}, {"d": {"real": "x"}}])
def test_terms_that_are_damaged_in_a_checkpoint_are_left_out_of_the_log(newest: Any) -> None:
    model = apart()
    model.recall(newest)
    assert model.newest == {}
