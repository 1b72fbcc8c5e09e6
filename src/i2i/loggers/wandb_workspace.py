"""A W&B workspace that puts the runs of a project, a sweep or a study side by side."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from i2i.loggers.wandb import STEP
from i2i.loggers.wandb_summary import SECONDS
from i2i.scores import MAIN, main_score
from i2i.surroundings import tried

# What a project without a run to look at is taken to log.
USUAL_SCORES = {
    "ssim": "max", "psnr": "max", "mse": "min", "l1": "min", "fid": "min", "kid": "min"
}  # fmt: skip
BEST = ("max", "min")  # which value of a score the summary of a run keeps
LOSS = re.compile(r"train/([^/]+)/[^/]+")
NO_LOSSES = ("health",)  # of what is called train/NAME/...
MOST = 40  # panels of a section


@dataclass(frozen=True)
class Logged:
    """What the runs of a dashboard have logged.

    Attributes:
        scores: val/NAME or val/ROUTE/NAME.
        players: Those whose losses are called train/PLAYER/NAME.
        options: Keys of tried options in which the runs differ, as ``run_name.columns_of`` makes
            them.
        tables: Keys of the tables of test pictures.
        grids: Keys of the sample pictures.
        best: ``max`` or ``min``, by the score whose best value the summary keeps so.
    """

    scores: Sequence[str] = tuple(f"val/{name}" for name in USUAL_SCORES)
    players: Sequence[str] = ("g", "d")
    options: Sequence[str] = ("generator", "gan_loss", "seed")
    tables: Sequence[str] = ("test/pictures",)
    grids: Sequence[str] = ("val/samples",)
    best: Mapping[str, str] = field(
        default_factory=lambda: {f"val/{name}": way for name, way in USUAL_SCORES.items()}
    )

    @classmethod
    def of(
        cls, names: Iterable[str], options: Sequence[Mapping[str, Any]], best: Mapping[str, str]
    ) -> "Logged":
        """What some runs tell.

        Args:
            names: Of everything that any of them has logged.
            options: Those of each run, by key.
            best: As the attribute.
        """
        found = sorted(set(names))
        losses = (LOSS.fullmatch(name) for name in found)
        players = dict.fromkeys(m[1] for m in losses if m and m[1] not in NO_LOSSES)
        keys = dict.fromkeys(k for own in options for k in own if tried(k.replace("/", ".")))
        grids = [
            n for n in found if n.startswith("val/") and n.split("/")[-1].startswith("samples")
        ]
        tables = [n for n in found if n.endswith("/pictures")]
        scores = [n for n in found if n.startswith("val/") and n not in (*grids, *tables)]
        return cls(
            scores or cls.scores, [*players] or cls.players,
            [k for k in keys if len({str(own.get(k)) for own in options}) > 1] or cls.options,
            tables or cls.tables, grids or cls.grids, **({"best": best} if scores else {}),
        )  # fmt: skip

    def column(self, score: str, split: str = "val") -> str:
        """What W&B calls the best value of a score in the table of runs, such as val/ssim.max.

        A summary that ``define_metric(summary="max")`` made holds nothing under the score's own
        name (github.com/wandb/wandb/issues/2428).

        Args:
            score: val/NAME or val/ROUTE/NAME.
            split: Whose value is meant.
        """
        way = self.best.get(score)
        return f"{split}/{score.partition('/')[2]}{f'.{way}' if way else ''}"


@dataclass(frozen=True)
class Dashboard:
    """Where a workspace is to stand, and which runs it shows.

    Attributes:
        project: Of W&B.
        entity: User or team; empty for the own one.
        name: Of the workspace.
        group: Of the runs; None shows all.
        logged: What they have logged.
    """

    project: str
    entity: str = ""
    name: str = "i2i"
    group: str | None = None
    logged: Logged = field(default_factory=Logged)

    def workspace(self) -> Any:
        """The ``wandb_workspaces.workspaces.Workspace``; nothing is sent."""
        from wandb_workspaces import expr
        from wandb_workspaces.workspaces import RunsetSettings, Workspace, WorkspaceSettings

        columns = [f"config:options.value.{key}" for key in self.logged.options[:MOST]]
        shown = RunsetSettings(
            filters=[] if self.group is None else [expr.Metric("group") == self.group],
            pinned_columns=[*columns, *(f"summary:{name}" for name in self.summaries())],
        )
        return Workspace(
            entity=self.entity, project=self.project, name=self.name, sections=self.sections(),
            settings=WorkspaceSettings(x_axis=STEP), runset_settings=shown,
            auto_generate_panels=False,
        )  # fmt: skip

    @property
    def main(self) -> str | None:
        """The score that runs are judged by."""
        found = main_score(name.partition("/")[2] for name in self.logged.scores)
        return found and f"val/{found}"

    def summaries(self) -> list[str]:
        """What the table of runs shows: the score that judges, the test scores, and the time."""
        judging = [self.logged.column(self.main)] if self.main else []
        tested = [self.logged.column(score, "test") for score in self.logged.scores[:MOST]]
        return [*judging, *tested, SECONDS]

    def sections(self) -> list[Any]:
        """Scores, options against scores, losses, pictures and health."""
        from wandb_workspaces.reports.v2 import LinePlot, MediaBrowser, WeavePanelSummaryTable
        from wandb_workspaces.workspaces import Section

        def lines(title: str, **what: Any) -> Any:
            return LinePlot(title=title, x=STEP, title_x="step", **what)

        logged = self.logged
        losses = [
            lines(f"losses of {player}", metric_regex=f"train/{re.escape(player)}/.*")
            for player in logged.players
        ]
        pictures: list[Any] = [WeavePanelSummaryTable(table_name=name) for name in logged.tables]
        pictures += [MediaBrowser(title=n, media_keys=[n], num_columns=1) for n in logged.grids]
        parts = {
            "Scores": [lines(score, y=[score]) for score in logged.scores],
            "Options against scores": self.against_options(),
            "Losses": [*losses, lines("rates", metric_regex="train/lr_.*")],
            "Pictures": pictures,
            "Health": [lines("health", metric_regex="train/health/.*"), lines(
                "images per second", y=["train/images_per_second"])],
        }  # fmt: skip
        return [Section(name=n, panels=panels[:MOST], is_open=True) for n, panels in parts.items()]

    def against_options(self) -> list[Any]:
        """Parallel coordinates from the options to the best value of each judging score."""
        from wandb_workspaces.reports.v2 import (
            Config,
            ParallelCoordinatesPlot,
            ParallelCoordinatesPlotColumn,
            SummaryMetric,
        )

        columns = [
            ParallelCoordinatesPlotColumn(metric=Config(f"options.{key}"), display_name=key)
            for key in self.logged.options
        ]
        logged = self.logged
        judges = [s for s in logged.scores if s.rpartition("/")[2] in (*MAIN, "l1", "psnr")]
        return [
            ParallelCoordinatesPlot(
                title=f"options and the best {score}",
                columns=[
                    *columns,
                    ParallelCoordinatesPlotColumn(
                        metric=SummaryMetric(logged.column(score)), display_name=score
                    ),
                ],
            )
            for score in judges
        ]
