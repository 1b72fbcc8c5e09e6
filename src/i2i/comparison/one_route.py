"""Systems of one route and of several in one table: a score has one name in all of its rows."""

from collections.abc import Sequence
from typing import Any

from i2i.comparison.variants import Examined


def name_routes(runs: Sequence[Examined]) -> None:
    """Calls the scores of a run of one route as a run of several routes calls them.

    pix2pix and CUT score ``ssim``, where CycleGAN scores ``AtoB/ssim`` and ``BtoA/ssim``. Where
    another run has the route of a run's direction, its scores get that name.
    """
    routes = {name.rpartition("/")[0] for r in runs for name in r.run.scores} - {""}
    for examined in runs:
        direction = examined.run.option("dataset.direction")
        single = not any("/" in name for name in examined.run.scores)
        if direction in routes and single:
            _name_route(examined, str(direction))


def _name_route(examined: Examined, route: str) -> None:
    run, log = examined.run, examined.log

    def named(values: dict[str, Any]) -> dict[str, Any]:
        return {f"{route}/{name}": value for name, value in values.items()}

    of_splits = {f"{split}/": f"{split}/{route}/" for split in ("val", "test")}
    for old, new in of_splits.items():
        log.curves = {
            new + name.removeprefix(old) if name.startswith(old) else name: curve
            for name, curve in log.curves.items()
        }
    run.scores, run.units, run.more_is_better = map(
        named, (run.scores, run.units, run.more_is_better)
    )
    run.others = {name: named(scores) for name, scores in run.others.items()}
    examined.tests = {route if name == "" else name: t for name, t in examined.tests.items()}
