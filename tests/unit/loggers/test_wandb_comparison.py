"""Where the comparison of runs goes on W&B, and what is sent."""

from pathlib import Path
from typing import Any

import pytest

from i2i.comparison.run_records import Run
from i2i.errors import SettingError
from i2i.loggers.wandb_comparison import home_of, require_home, send
from wandb_file import read_run


def run_of(group: str | None = "g", record: Any = None, **options: Any) -> Run:
    """A run that was logged to W&B with those options."""
    node = {"project": "p", "entity": None, "group": group, "offline": None} | options
    return Run(Path("r"), config={"logger": {"csv": {}, "wandb": node}, "record": record}, name="r")


def test_it_goes_where_the_runs_are() -> None:
    runs = [run_of(None, {"group": "sweep"}, entity="team", offline=True), run_of("sweep")]
    home = {"project": "p", "entity": "team", "group": "sweep", "offline": True}
    assert home_of([Run(Path("other")), *runs]) == home


def test_runs_of_different_groups_have_none_in_common() -> None:
    assert home_of([run_of("a"), run_of("b")])["group"] is None


@pytest.mark.parametrize(
    "config",
    [
        {}, {"logger": {"csv": {}}}, {"logger": ["wandb"]}, {"logger": {"wandb": {"project": 3}}},
        {"logger": {"wandb": {"project": "p", "log_comparison": False}}},
        {"logger": {"wandb": {"project": "p" * 200}}},
    ],
    ids=str,
)  # fmt: skip
def test_runs_that_are_not_on_wandb_are_said_where_it_is_asked_for(config: Any) -> None:
    assert home_of([Run(Path("r"), config=config)]) is None
    with pytest.raises(SettingError, match="wandb=true: found no run that was logged to W&B"):
        require_home([Run(Path("r"), config=config)])


def test_the_files_are_an_artifact_of_a_run_of_its_own(
    tmp_path: Path, capfd: pytest.CaptureFixture
) -> None:
    (tmp_path / "comparison.html").write_text("x" * 250_000)
    (tmp_path / "comparison.csv").write_text("a,b")
    (tmp_path / "wandb_id.txt").write_text("trained1")  # of a run whose folder it is
    runs = [run_of("sweep", offline=True)]
    send(tmp_path, runs, home_of(runs))
    assert "the comparison, 0.3 MB, is an artifact of the run 'compare sweep'" in "".join(
        capfd.readouterr()
    )
    found = read_run(tmp_path / "wandb_comparison")
    assert found["run"] == {"name": "compare sweep", "group": "sweep", "tags": [],
                            "type": "compare"}  # fmt: skip
    artifact = found["artifacts"]["comparison"]
    assert artifact["files"] == {"comparison.html": 250_000, "comparison.csv": 3}
    assert artifact["metadata"] == {"runs": ["r"]}
    first = (tmp_path / "wandb_comparison" / "wandb_id.txt").read_text()
    send(tmp_path, runs, home_of(runs))
    assert (tmp_path / "wandb_comparison" / "wandb_id.txt").read_text() == first != "trained1"
