"""metrics.csv, one row a step, kept over stops and resumes."""

import csv
import io
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lightning.fabric.utilities.rank_zero import rank_zero_only
from lightning.pytorch.loggers import Logger

from i2i.files.atomic import write_text


class RunCSVLogger(Logger):
    """Writes every number of a run into one file.

    Lightning's own logger deletes the file of the run that is resumed; this one reads it, drops the
    rows after the step that the run goes on from, and appends.
    """

    def __init__(self, folder: str):
        super().__init__()
        self.path = Path(folder) / "metrics.csv"
        self.columns = ["step"]
        self.row: dict[str, Any] = {}  # of the present step; it stands at ``offset`` in the file
        self.offset = 0

    @property
    def name(self) -> str:
        return "csv"

    @property
    def version(self) -> str:
        return ""

    @property
    def save_dir(self) -> str:
        return str(self.path.parent)

    @rank_zero_only
    def resume_from(self, step: int) -> None:
        """Takes up the file of an earlier stretch, without the rows after ``step``."""
        if not self.path.exists():
            return
        rows = [row for row in self.read() if int(row["step"]) <= step]
        last = rows.pop() if rows and int(rows[-1]["step"]) == step else {}
        self.rewrite(rows)
        if last:  # the run may log more at the step that it goes on from
            self.log_metrics({k: v for k, v in last.items() if k != "step" and v != ""}, step)

    @rank_zero_only
    def log_hyperparams(self, params: dict[str, Any] | Namespace, *_: Any, **__: Any) -> None:
        """Nothing: the run folder holds the configuration as YAML."""

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        step = int(step or 0)
        if self.row.get("step") != step:
            self.offset = self.path.stat().st_size if self.path.exists() else 0
            self.row = {"step": step}
        self.row.update(metrics)
        new = [key for key in metrics if key not in self.columns]
        self.columns += new
        if new or not self.offset:
            rows = [row for row in self.read() if int(row["step"]) != step]
            self.rewrite(rows)
        with self.path.open("r+", newline="") as file:
            file.truncate(self.offset)
            file.seek(self.offset)
            csv.DictWriter(file, self.columns).writerow(self.row)

    def read(self) -> list[dict[str, str]]:
        """The rows of the file; a last row that was cut off by a crash is left out."""
        if not self.path.exists():
            return []
        lines = self.path.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)
        reader = csv.DictReader([line for line in lines if line.endswith("\n")])
        rows = [row for row in reader if (row.get("step") or "").isdecimal()]
        columns = list(reader.fieldnames or [])
        self.columns = columns + [key for key in self.columns if key not in columns]
        return rows

    def rewrite(self, rows: list[dict[str, str]]) -> None:
        """Writes header and rows under another name, then renames it."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        text = io.StringIO()
        writer = csv.DictWriter(text, self.columns)
        writer.writeheader()
        writer.writerows(rows)
        write_text(self.path, text.getvalue())
        self.offset = self.path.stat().st_size
