"""Players: their networks, and what is kept still while another one learns."""

from functools import partial

import pytest
import torch
from torch import nn

from i2i.training.players import Player, frozen, members
from unit.training.three_players import make_game

SGD = partial(torch.optim.SGD, lr=0.1)


def test_messages_name_the_networks_of_a_player() -> None:
    assert Player("g", ("generator",), SGD).title == "the generator"
    assert Player("g", ("generator", "encoder"), SGD).title == "the generator and the encoder"


def test_what_a_player_can_do_without() -> None:
    player = Player("d", ("discriminator",), SGD)
    assert player.clip is None and player.learns and player.parameters == []
    assert player != Player("d", ("discriminator",), SGD)  # two players are never one


def test_networks_of_a_dictionary_are_called_one_by_one() -> None:
    one, two = nn.Linear(1, 1), nn.Linear(2, 2)
    assert members(one) == [one]
    assert members(nn.Sequential(one, two)) != [one, two]  # a network itself
    assert members(nn.ModuleDict({"b": two, "a": one})) == [two, one]


def test_gradients_pass_through_what_is_frozen_and_stay_out_of_it() -> None:
    first, second = nn.Linear(2, 2), nn.Linear(2, 2)
    with frozen(list(second.parameters())):
        assert not any(p.requires_grad for p in second.parameters())
        second(first(torch.ones(1, 2))).sum().backward()
    assert all(p.requires_grad for p in second.parameters())
    assert all(p.grad is None for p in second.parameters())
    assert all(p.grad is not None for p in first.parameters())


def test_what_is_frozen_learns_again_after_an_error() -> None:
    network = nn.Linear(2, 2)
    with pytest.raises(RuntimeError), frozen(list(network.parameters())):
        raise RuntimeError
    assert all(p.requires_grad for p in network.parameters())


def test_the_generator_is_saved_first_and_the_others_keep_their_order() -> None:
    model = make_game()
    assert [player.name for player in model.players] == ["d", "e", "idle", "g"]
    assert [player.name for player in model.saved_order] == ["g", "d", "e", "idle"]
    assert model.by_player("wxyz") == {"g": "w", "d": "x", "e": "y"}  # those that learn
    with pytest.raises(ValueError):  # one value too few would shift the rest
        model.by_player("wxy")


def test_a_players_networks_are_those_of_all_its_attributes() -> None:
    model = make_game()
    d, _, _, g = model.players
    assert model.networks(d) == [model.critics["a"], model.critics["b"]]
    assert model.networks(g) == [model.generator["there"], model.generator["back"], model.head]
