"""``init_from=``: a new run that starts from the weights of another one."""

from collections.abc import Mapping, Sequence, Set
from typing import Any

from torch import Tensor

from i2i.checkpoints.saved_model import parameters_of, require_finite
from i2i.checkpoints.weight_sources import Source, networks_of, read_source
from i2i.errors import SettingError, setting_error
from i2i.files.weights import OF_WEIGHTS, UNCOMPRESSED, odd_type
from i2i.messages import say

PLAYERS = ("generator", "discriminator")  # what can be asked for alone


def start_from(
    model: Any, path: str, players: str, channels: Mapping[str, Sequence[int | None] | None]
) -> None:
    """Loads the weights of another run into a new model, and says what was taken and what not.

    Optimizers, schedules and step counts begin anew.

    Args:
        model: A system, freshly made.
        path: A run folder, whose best checkpoint is taken, a checkpoint, or a generator alone; see
            ``weight_sources``.
        players: all, generator or discriminator.
        channels: For ``input`` and ``target``: for each channel of the new network the number of
            the old one's channel that it starts from, or None for one that starts anew. None
            instead of a list takes the channels as they are.

    Raises:
        SettingError: The file holds no weights, they are NaN or do not fit, or those asked for are
            not in it.
    """
    if players not in ("all", *PLAYERS):
        raise setting_error(
            f"init_players={players}", repr(players), f"all, {' or '.join(PLAYERS)}",
            "Name whose weights the run starts from.",
        )  # fmt: skip
    source = read_source(path, model)
    setting = f"init_from={source.path}"
    wanted = networks_of(model) if players == "all" else [players]
    absent = source.absent or ()
    if players in absent:
        raise setting_error(
            f"init_players={players}", f"no weights of it in {source.path}",
            "a file that has them", "Leave init_players out.",
        )  # fmt: skip
    prefixes = {f"{name}.": f"{name}." for name in wanted if name not in absent}
    if "generator" in wanted and model.ema is not None:
        averaged = any(name.startswith("ema.") for name in source.weights)
        prefixes["ema.network."] = "ema.network." if averaged else "generator."
    mapped = Channels(source.config["dataset"], model.config["dataset"], channels, setting)
    fresh = model.state_dict()
    taken = taken_over(fresh, source, prefixes, mapped)
    of_its = [its + n.removeprefix(m) for n in parameters_of(model) for m, its in prefixes.items()
              if n in taken and n.startswith(m)]  # fmt: skip
    require_finite(source, of_its, "init_from")
    model.load_state_dict(fresh | taken)
    left = sorted({n.partition(".")[0] for n in fresh} - {n.partition(".")[0] for n in taken})
    left += [name for name in absent if name.partition(".")[0] not in left]
    parts = ", ".join(name.rstrip(".") for name in prefixes)
    origin = source.words or f"step {source.step}"
    say(
        f"Starts from {source.path} ({origin}): {parts}{mapped.note()}. "
        f"New: {', '.join([*left, 'optimizers', 'schedules', 'step 0'])}"
    )


def taken_over(
    fresh: Mapping[str, Tensor], source: Source, prefixes: Mapping[str, str], mapped: "Channels"
) -> dict[str, Tensor]:
    """The weights that a new model takes, by its own names.

    Args:
        fresh: The new model's state.
        source: What it starts from.
        prefixes: Of each network taken, its prefix in the new state and in the source's.
        mapped: Puts channels where the new network has them.

    Raises:
        SettingError: A network has other weights.
    """
    taken: dict[str, Tensor] = {}
    for mine, its in prefixes.items():
        names = {n.removeprefix(mine) for n in fresh if n.startswith(mine)}
        names = {name for name in names if not source.lacks(its + name)}
        others = {n.removeprefix(its) for n in source.weights if n.startswith(its)}
        if names != others:
            raise another_network(mine.rstrip("."), names, others, source, mapped.setting)
        for name in names:
            old, new = source.weights[its + name], fresh[mine + name]
            if odd := odd_type(old, whole=not new.is_floating_point()):
                raise setting_error(
                    mapped.setting, f"a weight {name} {odd}", OF_WEIGHTS, UNCOMPRESSED
                )
            taken[mine + name] = mapped(mine + name, old, new)
    return taken


def another_network(
    network: str, names: Set[str], others: Set[str], source: Source, setting: str
) -> SettingError:
    """The error of a file that holds other weights than a network has.

    Args:
        network: Its name.
        names: Of its weights.
        others: Of those in the file.
        source: What the file holds.
        setting: What it is called.
    """
    odd = sorted(names ^ others)[0]
    where = "only in the file" if odd in others else "not in the file"
    found = f"another {network}: the weight {odd} is {where} ({len(names ^ others)} such)"
    if others and others < names:
        found = f"a part of a {network}: {len(others)} of its {len(names)} weights, without {odd}"
    if source.words:
        return setting_error(
            setting, found, f"all weights of the {network} that the options ask for",
            "Choose the network of the file (generator= and its options), or another file.",
        )  # fmt: skip
    return setting_error(
        setting, found, "the same network", "Give the options of that run's network, or take the "
        "other player's weights only (init_players=).",
    )  # fmt: skip


class Channels:
    """Puts the weights of old channels where the new network has them.

    A tensor has one dimension of another size where it works on the channels of one side, or of
    both, one after the other, as a conditional discriminator's first layer.
    """

    def __init__(
        self,
        old: Mapping[str, Any],  # the nodes of the data sets
        new: Mapping[str, Any],
        asked: Mapping[str, Sequence[int | None] | None],  # see start_from
        setting: str,
    ):
        self.setting, self.used = setting, set[str]()
        sizes = {s: (old[f"{s}_channels"], new[f"{s}_channels"]) for s in ("input", "target")}
        order: dict[str, list[int | None] | None] = {}
        for side, (before, now) in sizes.items():
            order[side] = list(range(now)) if before == now else None  # None: nobody said
            if asked.get(side) is not None:
                order[side] = checked(side, list(asked[side]), before, now)
        self.maps = {side: (*sizes[side], order[side]) for side in sizes}
        both = None
        if order["input"] is not None and order["target"] is not None:
            shift = sizes["input"][0]
            both = [*order["input"], *(None if c is None else c + shift for c in order["target"])]
        self.maps["both"] = (*(a + b for a, b in zip(*sizes.values(), strict=True)), both)

    def __call__(self, name: str, old: Tensor, new: Tensor) -> Tensor:
        """The old weights in the shape of the new ones; channels without an old one stay new.

        Raises:
            SettingError: The shapes differ in another way than by mapped channels.
        """
        if old.shape == new.shape:
            return old
        orders: list[tuple[int, list[int | None]]] = []
        sides = []
        for dim in range(old.ndim if old.ndim == new.ndim else 0):
            others = [d for d in range(old.ndim) if d != dim]
            if any(old.shape[d] != new.shape[d] for d in others):
                continue
            for side, (before, now, order) in self.maps.items():
                if order is not None and (old.shape[dim], new.shape[dim]) == (before, now):
                    sides.append(side)
                    orders += [(dim, order)] if (dim, order) not in orders else []
        if len(orders) == 1:
            dim, order = orders[0]
            self.used |= set(sides)
            made = new.clone()
            for k, c in enumerate(order):
                if c is not None:
                    made.select(dim, k).copy_(old.select(dim, c))
            return made
        raise setting_error(
            self.setting, f"{tuple(old.shape)} for the weight {name}",
            f"{tuple(new.shape)}, as the options ask",
            "Give the options of that run's network. Where only channels differ, say from which "
            "old one each new one starts: 'init_channels.input=[0,1,2,null]', and target likewise.",
        )  # fmt: skip

    def note(self) -> str:
        """Which channels were mapped, in words."""
        asked = [
            f"{side} {self.maps[side][2]}"
            for side in ("input", "target")
            if self.used & {side, "both"} and self.maps[side][0] != self.maps[side][1]
        ]
        return f", channels {' and '.join(asked)}" if asked else ""


def checked(side: str, order: list[int | None], before: int, now: int) -> list[int | None]:
    """An order of channels, each of which exists.

    Raises:
        SettingError: It has another length than the new side, names a channel that the old one has
            not, or the number of channels is the same, so that there is nothing to map.
    """
    known = all(c is None or (isinstance(c, int) and 0 <= c < before) for c in order)
    if before == now or len(order) != now or not known:
        expected = (
            "none, as both have as many"
            if before == now
            else (f"{now} numbers from 0 to {before - 1}, or null for a channel that starts anew")
        )
        raise setting_error(
            f"init_channels.{side}={order}", f"{len(order)} entries for {before} -> {now} channels",
            expected, f"Correct init_channels.{side}.",
        )  # fmt: skip
    return order
