"""Which runs were tested on the same images, route by route."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from i2i.comparison.run_records import Run
from i2i.comparison.run_test import Tested


@dataclass
class Images:
    """What a run says of the images of its test, or several runs that belong together.

    Attributes:
        said: The data set and the size of its images, and of each what was said.
        directions: Routes that were tested, or the direction of the data where nobody knows.
        counts: How many images there were, by what each run says.
        digests: Of the images' names, by route; "" where the only route has no name.
    """

    said: dict[str, set[str]] = field(default_factory=dict)
    directions: dict[str, None] = field(default_factory=dict)
    counts: dict[str, None] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, run: Run, tests: Mapping[str, Tested]) -> "Images":
        """Those of a run.

        Args:
            run: Its options and scores.
            tests: Its single images, by route; "" is the direction of the data.
        """
        said = {"data": run.data, "size": run.option("dataset.image_size")}
        direction = run.option("dataset.direction") or ""
        digests = {
            route or direction: hashlib.sha256(repr(sorted(t.names.values())).encode()).hexdigest()
            for route, t in tests.items()
            if t.names
        }
        return cls(
            {key: {value} for key, value in said.items() if value},
            dict.fromkeys(filter(None, digests or [direction])),
            {} if run.n is None else {str(run.n): None},
            digests,
        )

    @property
    def known(self) -> tuple[int, int]:
        """How much is said: first the kinds of what is, then the routes."""
        kinds = (self.directions, self.counts, self.digests)
        return len(self.said) + sum(map(bool, kinds)), len(self.digests)

    def may_be(self, other: "Images") -> bool:
        """Whether both may be the same images; what one of them does not say is no difference."""
        if not all(self.said[key] & other.said[key] for key in self.said.keys() & other.said):
            return False
        if not self.digests or not other.digests:
            pairs = ((self.directions, other.directions), (self.counts, other.counts))
            return all(not one or not two or one.keys() & two for one, two in pairs)
        if "" in {*self.digests, *other.digests}:
            return bool({*self.digests.values()} & {*other.digests.values()})
        shared = self.digests.keys() & other.digests
        return bool(shared) and all(self.digests[r] == other.digests[r] for r in shared)

    def add(self, other: "Images") -> None:
        """Takes in what another run says of the same images."""
        for key, values in other.said.items():
            self.said.setdefault(key, set()).update(values)
        self.directions |= other.directions
        self.counts |= other.counts
        self.digests = other.digests | self.digests

    @property
    def title(self) -> str:
        """The data in words."""
        size = next(iter(self.said.get("size", ())), None)
        parts = [
            next(iter(self.said.get("data", ())), "unknown data"), " and ".join(self.directions),
            size and f"{size} pixels",
            f"{' or '.join(self.counts)} test images" if self.counts else "not tested",
        ]  # fmt: skip
        return ", ".join(part for part in parts if part)
