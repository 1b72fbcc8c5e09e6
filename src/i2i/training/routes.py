"""The translations that a system offers by name, and what it shows of a batch on each."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from torch import Tensor

from i2i.data.batches import Batch
from i2i.data.tasks.task import Task
from i2i.inference.translator import Translator
from i2i.labels.attributes import Attributes
from i2i.metrics.shown import Shown, shown_of
from i2i.training.watching.finite import FiniteTerms


class Routes:
    """What evaluation, translation and samples see of a system.

    Attributes:
        routes: Names of the translations that the system offers, the main one first.
        ways_back: For routes whose answers can be translated back: the route that does so.
        translates: Whether what it shows is made of other pictures, and so can have true answers.
        attributes: What its pictures can be asked to show; None: nothing beside the routes.
        evaluates: The routes that validation and test go through; None: all.
        task: How tensors become pictures; that of the data.
        finite: Told of what is shown, and whether it is finite.
    """

    evaluates: Sequence[str] | None = None
    routes: tuple[str, ...]
    ways_back: Mapping[str, str] = MappingProxyType({})
    translates: bool = True
    attributes: Attributes | None = None
    task: Task
    finite: FiniteTerms

    def translator(self, route: str | None = None) -> Translator:
        """What translates on a route; None: the main one."""
        raise NotImplementedError

    def translators(self) -> dict[str, Translator]:
        """Those of all routes; a system that makes pictures of nothing has none."""
        return {route: self.translator(route) for route in self.routes}

    def pictures_of(self, labels: Tensor, answers: bool) -> dict[str, tuple[int, int]]:
        """How many pictures each route makes of labelled ones, and how many real ones it has.

        Args:
            labels: Those of a pass over a split, (N,), or (N, n) for attributes.
            answers: Whether each picture's place is known in every domain.
        """
        return dict.fromkeys(self.routes, (len(labels), len(labels)))

    def shown(self, batch: Batch) -> dict[str, Shown]:
        """What is to be translated and compared of a batch, by route, without ``y_hat``."""
        ways = self.translators().items()
        return {route: shown_of(batch, way.side, way.task) for route, way in ways}

    def translated(self, route: str, shown: Shown) -> Shown:
        """What is shown of a batch on a route, translated there and, where that can be, back."""
        if not len(shown.index):  # a batch that has no picture to send this way
            return replace(shown, y_hat=shown.y[:0])
        y_hat = self.finite.shown(self.make(route, shown))
        back = self.come_back(route, shown, y_hat) if route in self.ways_back else None
        return replace(shown, y_hat=y_hat, back=None if back is None else self.finite.shown(back))

    def make(self, route: str, shown: Shown) -> Tensor:
        """What the generator makes on a route, (B, C_out, H, W)."""
        return self.translator(route)(shown.x, shown.names)

    def come_back(self, route: str, shown: Shown, y_hat: Tensor) -> Tensor:
        """Answers translated back, as pictures."""
        return self.translator(self.ways_back[route]).pictures(y_hat, shown.names)
