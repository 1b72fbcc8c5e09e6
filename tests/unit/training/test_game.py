"""A game of three players that learn and one that does not: turns, steps, clipping and files."""

from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.pytorch import Trainer

from i2i.errors import SettingError
from i2i.inference.translate import translate
from i2i.training.schedules import LinearDecay
from unit.training.test_adversarial import Pairs
from unit.training.three_players import CLIP_E, ThreePlayers, make_game


class Watched(ThreePlayers):
    """Keeps all weights before each optimizer's step, and whose step it was."""

    trail: list[tuple[str, dict[str, torch.Tensor]]]

    def on_before_optimizer_step(self, optimizer: Any) -> None:
        super().on_before_optimizer_step(optimizer)
        ours = zip(self.saved_order, self.optimizers(), strict=True)
        (name,) = (p.name for p, wrapped in ours if wrapped.optimizer is optimizer)
        self.trail.append((name, all_weights(self)))


def all_weights(model: ThreePlayers) -> dict[str, torch.Tensor]:
    return {name: p.detach().clone() for name, p in model.named_parameters()}


def fitted(
    model: ThreePlayers, max_steps: int, checkpoint: Path | None = None, **options: Any
) -> Trainer:
    trainer = Trainer(
        max_steps=max_steps, accelerator="cpu", logger=False, enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False, num_sanity_val_steps=0, **options,
    )  # fmt: skip
    trainer.fit(model, Pairs(4, batch_size=2), ckpt_path=checkpoint, weights_only=True)
    return trainer


def watched(max_steps: int, **options: Any) -> Watched:
    model = make_game(**options)
    model.__class__ = Watched
    model.trail = []
    trainer = fitted(model, max_steps)
    assert trainer.global_step == max_steps
    model.trail.append(("end", all_weights(model)))
    return model


OWN = {"d": {"critics"}, "e": {"guesser"}, "g": {"generator", "head"}}


@pytest.mark.parametrize(("n_critic", "turns"), [(1, "deg" * 3), (2, "dedeg" * 3)])
def test_players_take_turns_in_their_order_and_move_nothing_but_their_own(
    n_critic: int, turns: str
) -> None:
    """G after every n_critic-th batch; each network of a dictionary moves."""
    model = watched(3, n_critic=n_critic)
    assert "".join(name for name, _ in model.trail[:-1]) == turns
    assert model.batches_seen == 3 * n_critic
    for (name, before), (_, after) in zip(model.trail, model.trail[1:], strict=False):
        moved = {key for key in before if not torch.equal(before[key], after[key])}
        assert {key.split(".")[0] for key in moved} == OWN[name]
        assert {key for key in before if key.split(".")[0] in OWN[name]} == moved


def test_terms_are_asked_for_with_the_others_frozen_and_a_graph_for_g_alone() -> None:
    model = watched(2, n_critic=2)
    one_step = [
        *[("d", False, {"d"}), ("e", False, {"e"})] * 2, ("g", True, {"g"})
    ]  # fmt: skip
    assert model.asked == one_step * 2
    assert all(p.requires_grad for p in model.parameters())


@pytest.mark.parametrize(
    ("n_critic", "accumulate", "passes"),
    [
        (1, 1, 1),  # one for all three
        (3, 1, 1 + 1 + 1),  # without G's turn, too
        (1, 2, 2 + 2),  # in parts, G makes each part again, with a graph
    ],
)
def test_one_forward_serves_all_updates_of_a_step(
    n_critic: int, accumulate: int, passes: int
) -> None:
    assert watched(2, n_critic=n_critic, accumulate=accumulate).generated == 2 * passes


@pytest.mark.usefixtures("float64")
def test_parts_of_a_batch_add_up_for_every_player() -> None:
    whole, parts = watched(2).trail[-1][1], watched(2, accumulate=2).trail[-1][1]
    for name, value in whole.items():
        torch.testing.assert_close(parts[name], value, rtol=1e-10, atol=1e-12, msg=name)


def test_each_player_is_clipped_by_its_own_limit_over_all_its_networks() -> None:
    """With SGD its weights move by lr times that norm."""
    model = watched(1, clip_g=0.002, clip_d=0.001)
    for (name, before), (_, after) in zip(model.trail, model.trail[1:], strict=False):
        squares = sum((after[key] - before[key]).square().sum() for key in before)
        limit = {"d": 0.001, "e": CLIP_E, "g": 0.002}[name]
        assert squares.sqrt().item() == pytest.approx(0.1 * limit, rel=1e-3)


def test_a_player_without_a_limit_moves_by_its_whole_gradient() -> None:
    clipped, free = watched(1, clip_d=0.001).trail, watched(1).trail
    for name, rows in (("clipped", clipped), ("free", free)):
        (_, before), (_, after) = rows[0], rows[1]
        moved = sum((after[key] - before[key]).square().sum() for key in before).sqrt().item()
        assert (moved > 0.1 * 0.0011) == (name == "free")


def test_the_average_of_a_dictionary_follows_its_formula() -> None:
    model = make_game(ema_decay=0.9)
    seen = []

    def record(self: ThreePlayers) -> None:
        ThreePlayers.end_step(self)
        seen.append({n: p.detach().clone() for n, p in self.generator.named_parameters()})

    expected = {n: p.detach().clone() for n, p in model.generator.named_parameters()}
    model.end_step = record.__get__(model)
    fitted(model, 3)
    for weights in seen:
        expected = {n: 0.9 * expected[n] + 0.1 * weights[n] for n in expected}
    averages = dict(model.ema.network.named_parameters())
    assert averages.keys() == expected.keys() and len(averages) == 4
    for name, average in averages.items():
        torch.testing.assert_close(average, expected[name], rtol=0, atol=1e-6)
        assert not torch.equal(average, seen[-1][name])
    x = torch.rand(1, 3, 4, 4)
    for route, name in (("AtoB", "there"), ("BtoA", "back")):
        assert model.translator(route).network is model.ema.network[name]
        made = translate(model.ema.network[name], x, ["0"], "paper", 0)
        assert torch.equal(model.translator(route)(x, ["0"]), made)


def test_a_player_that_does_not_learn_has_no_step_no_row_and_no_decay() -> None:
    model = make_game(scheduler=partial(LinearDecay, flat_fraction=0.0))
    logged: list[dict[str, float]] = []
    model.write = logged.append
    before = all_weights(model)
    trainer = fitted(model, 3, log_every_n_steps=1)
    assert [set(row) for row in logged] == [
        {
            "train/d/fake", "train/d/real", "train/e/guess", "train/g/gan", "train/g/guess",
            "train/lr_g", "train/lr_d", "train/lr_e",
        }
    ] * 3  # fmt: skip
    idle = model.saved_order.index(model.players[2])
    assert trainer.optimizers[idle].state == {}
    assert all(torch.equal(before[n], p) for n, p in model.named_parameters() if "asleep" in n)
    schedules = zip(model.saved_order, model.lr_schedulers(), strict=True)
    rates = {player.name: schedule.get_last_lr()[0] for player, schedule in schedules}
    assert rates["idle"] == 0.1 and rates["g"] == rates["d"] == rates["e"] < 0.1


ADAM = {name: partial(torch.optim.Adam, lr=0.01) for name in ("optimizer_g", "optimizer_d")}


def test_a_checkpoint_lists_g_first_and_the_run_goes_on_exactly(tmp_path: Path) -> None:
    options = ADAM | {"ema_decay": 0.9}
    straight = make_game(**options)
    fitted(straight, 4)
    file = tmp_path / "half.ckpt"
    fitted(make_game(**options), 2).save_checkpoint(file)
    saved = torch.load(file, weights_only=True)
    counts = [len(state["param_groups"][0]["params"]) for state in saved["optimizer_states"]]
    assert counts == [3 * 2, 2 * 2, 2, 2]  # g, d, e, idle: a weight and a bias a network
    assert [len(state["state"]) for state in saved["optimizer_states"]] == [6, 4, 2, 0]
    resumed = make_game(**options)
    trainer = fitted(resumed, 4, file)
    assert trainer.global_step == resumed.batches_seen == 4
    a, b = straight.state_dict(), resumed.state_dict()
    assert [name for name in a if not torch.equal(a[name], b[name])] == []
    assert straight.total_steps == resumed.total_steps == 4


@pytest.mark.parametrize("player", [0, 1, 2])
def test_averages_that_do_not_fit_are_refused_for_each_player(tmp_path: Path, player: int) -> None:
    file = tmp_path / "half.ckpt"
    fitted(make_game(**ADAM), 1).save_checkpoint(file)
    saved = torch.load(file, weights_only=True)
    saved["optimizer_states"][player]["state"][0]["exp_avg"] = torch.zeros(2)
    torch.save(saved, file)
    with pytest.raises(SettingError):
        fitted(make_game(**ADAM), 2, file)


def test_validation_shows_each_route_there_and_back() -> None:
    model = make_game()
    pairs = Pairs(2, batch_size=2)
    batch = next(iter(pairs.train_dataloader()))
    with torch.no_grad():
        shown = model.validation_step(batch, 0)
    assert list(shown) == ["AtoB", "BtoA"]
    there, back = model.generator["there"], model.generator["back"]
    for route, source, first, second in (
        ("AtoB", "input", there, back), ("BtoA", "target", back, there)
    ):  # fmt: skip
        y_hat = first(batch[source])
        assert torch.equal(shown[route].y_hat, y_hat)
        assert torch.equal(shown[route].made, y_hat)
        assert torch.equal(shown[route].back, second(y_hat))
        assert torch.equal(shown[route].source, batch[source])


def test_a_route_without_a_way_back_shows_none() -> None:
    model = make_game()
    model.ways_back = {"AtoB": "BtoA"}
    batch = next(iter(Pairs(2, batch_size=2).train_dataloader()))
    shown = model.test_step(batch, 0)
    assert shown["AtoB"].back is not None and shown["BtoA"].back is None


def test_a_route_that_is_not_evaluated_is_not_translated() -> None:
    model = make_game()
    batch = next(iter(Pairs(2, batch_size=2).train_dataloader()))
    both = model.test_step(batch, 0)
    model.evaluates = ("BtoA",)
    shown = model.test_step(batch, 0)
    assert list(shown) == ["BtoA"] and torch.equal(shown["BtoA"].y_hat, both["BtoA"].y_hat)
