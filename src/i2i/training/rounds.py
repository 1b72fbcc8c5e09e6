"""Whose turn it is: a pattern of batches that repeats for the whole of a run."""

from collections.abc import Sequence

from i2i.training.players import GENERATOR, Player

Rounds = tuple[
    tuple[str, ...], ...
]  # for each batch of a round, the players that are updated on it


def critics_first(players: Sequence[Player], n_critic: int) -> Rounds:
    """``n_critic`` batches with an update of all, of which ``g`` has one on the last alone."""
    everybody = tuple(player.name for player in players)
    others = tuple(name for name in everybody if name != GENERATOR)
    return (others,) * (n_critic - 1) + (everybody,)


def steps_in(rounds: Rounds, batches: int) -> int:
    """How many updates of ``g`` lie in the first so many batches of a run."""
    whole, rest = divmod(batches, len(rounds))
    turns = [GENERATOR in turn for turn in rounds]
    return whole * sum(turns) + sum(turns[:rest])


def require_all_before_g(rounds: Rounds, players: Sequence[Player]) -> None:
    """Refuses a pattern in which a player has no turn until the first step is over.

    Rows of a log, which are written with steps, have terms of every player; and what optimizers
    keep of a weight is in every checkpoint after a step.

    Raises:
        ValueError: It has, or ``g`` never has a turn, or there is no such player.
    """
    names = {player.name for player in players}
    first = next((place for place, turn in enumerate(rounds) if GENERATOR in turn), -1)
    early = {name for turn in rounds[: first + 1] for name in turn}
    if early != names or names.union(*rounds) != names:
        raise ValueError(
            f"rounds={rounds}: each of {', '.join(sorted(names))}, and nobody else, has a turn, "
            f"which comes before the first of {GENERATOR} is over"
        )
