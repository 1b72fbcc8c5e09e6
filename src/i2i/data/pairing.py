"""Which pictures make a sample: pairs, two pictures that do not belong together, or a single one.

A pairing says how long an epoch is and what sample ``index`` is made of. Nothing else asks which
pairing a data set has. What a training sample draws comes from its seed alone, which is a function
of (seed of the run, epoch, index): it depends on no worker, process or interruption.
"""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import Any, Literal, NamedTuple, Protocol

import torch
from torch import Tensor

from i2i.data.batch_sampler import mix_seed
from i2i.data.paired_transforms import Role
from i2i.data.reading.sides import Side, Unit, n_units

Pairing = Literal["paired", "unpaired", "labelled"]
PAIRINGS: tuple[Pairing, ...] = ("paired", "unpaired", "labelled")


class Part(NamedTuple):
    """What a sample takes from one unit."""

    keys: tuple[str, ...]  # of the sample, in the order of the unit's images
    unit: Unit
    role: Role | None  # the one image that is taken; None: all
    seed: int | None  # of its jitter and of what the task draws; None in evaluation


class Plan(NamedTuple):
    """What a sample is made of."""

    parts: tuple[Part, ...]
    known: dict[str, Any]  # what it holds besides its images
    answers: tuple[Part, ...] = ()  # the same place in each domain; one of them is the input


class Samples(Protocol):
    """The samples of a split.

    Attributes:
        n_units: Units that its samples are made of.
        labels: Of each sample in order, as it holds them; None where samples have none.
        answers: Whether a sample also holds the same place in every domain.
    """

    n_units: int
    labels: Tensor | None
    answers: bool

    def __len__(self) -> int:
        """Number of samples, which is the length of an epoch."""

    def plan(self, index: int, seed: int | None) -> Plan:
        """Says what a sample is made of.

        Args:
            index: 0 to the number of samples - 1.
            seed: Of everything that a training sample draws; None in evaluation, where nothing is.
        """


class Paired:
    """Sample i is pair i.

    Args:
        pairs: Units that hold both sides.
    """

    labels, answers = None, False

    def __init__(self, pairs: Side) -> None:
        self.pairs, self.n_units = pairs, len(pairs)

    def __len__(self) -> int:
        return len(self.pairs)

    def plan(self, index: int, seed: int | None) -> Plan:
        unit = self.pairs[index]
        part = Part(("input", "target"), unit, None, seed)
        return Plan((part,), {"name": unit.files.name, "index": index})


class Unpaired:
    """A picture of each side; an epoch goes through the larger side once.

    In training the picture of the other side is drawn, all alike, and each side is jittered by
    random numbers of its own. In evaluation the smaller side begins again when it is through.

    Args:
        inputs: One side.
        targets: The other.
        partners: Whether pictures at the same place belong together: then training draws another
            one, as far as there is any.
    """

    labels, answers = None, False

    def __init__(self, inputs: Side, targets: Side, *, partners: bool) -> None:
        self.inputs, self.targets, self.partners = inputs, targets, partners
        self.n_units = n_units((inputs, targets))

    def __len__(self) -> int:
        return max(len(self.inputs), len(self.targets))

    def plan(self, index: int, seed: int | None) -> Plan:
        x_seed, y_seed, draw = (None if seed is None else mix_seed(seed, i) for i in range(3))
        x, y = self._places(index, draw)
        x_unit, y_unit = self.inputs[x], self.targets[y]
        parts = (Part(("input",), x_unit, "input", x_seed),
                 Part(("target",), y_unit, "target", y_seed))  # fmt: skip
        known = {"name": x_unit.files.name, "index": index, "input_index": x, "target_index": y}
        return Plan(parts, known | {"target_name": y_unit.files.name})

    def _places(self, index: int, draw: int | None) -> tuple[int, int]:
        """The places of input and target in their sides."""
        n_x, n_y = len(self.inputs), len(self.targets)
        x, y = index % n_x, index % n_y
        if draw is None:
            return x, y
        if n_y > n_x:
            return draw % n_x, y
        if self.partners and n_y > 1:
            return x, (x + 1 + draw % (n_y - 1)) % n_y
        return x, draw % n_y


class Labelled:
    """A picture and the number of its domain: all of the first domain, then all of the second, ...

    Args:
        domains: In the order of their numbers.
        answers: Whether a sample also holds the same place in every domain; pictures at the same
            place of their domains belong together then.
    """

    def __init__(self, domains: Sequence[Side], *, answers: bool) -> None:
        self.domains, self.answers, self.n_units = domains, answers, n_units(domains)
        self._ends = list(accumulate(map(len, domains)))

    def __len__(self) -> int:
        return self._ends[-1]

    @property
    def labels(self) -> Tensor:
        numbers = torch.arange(len(self.domains))
        return numbers.repeat_interleave(torch.tensor(list(map(len, self.domains))))

    def plan(self, index: int, seed: int | None) -> Plan:
        label = bisect_right(self._ends, index)
        place = index - self._ends[label] + len(self.domains[label])
        unit = self.domains[label][place]
        known = {"label": label, "name": unit.files.name, "index": index}
        if self.answers:
            ends = zip(self._ends, self.domains, strict=True)
            places = [end - len(domain) + place for end, domain in ends]
            known["answer_index"] = torch.tensor(places)
            return Plan((), known, self._everywhere(place, seed))
        return Plan((Part(("input",), unit, self._half(label), seed),), known)

    def _everywhere(self, place: int, seed: int | None) -> tuple[Part, ...]:
        """A place in all domains; the file that holds two of them is read once."""
        units = [domain[place] for domain in self.domains]
        if units[0] == units[-1]:
            return (Part(("answers",), units[0], None, seed),)
        return tuple(
            Part(("answers",), unit, self._half(label), seed) for label, unit in enumerate(units)
        )

    def _half(self, label: int) -> Role:
        return "target" if label else "input"  # where one file holds both domains


class Attributed:
    """A picture and what is said of it.

    Args:
        pictures: Of the split.
        labels: (n, n_attributes) float32: 1 where an attribute is there, else 0.
    """

    answers = False

    def __init__(self, pictures: Side, labels: Tensor) -> None:
        self.pictures, self.labels, self.n_units = pictures, labels, len(pictures)

    def __len__(self) -> int:
        return len(self.pictures)

    def plan(self, index: int, seed: int | None) -> Plan:
        unit = self.pictures[index]
        known = {"label": self.labels[index], "name": unit.files.name, "index": index}
        return Plan((Part(("input",), unit, "input", seed),), known)
