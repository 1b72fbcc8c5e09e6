"""src/dashboard.py without a key, and against a stand-in of W&B's HTTP interface."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from wandb_answers import SentRun
from wandb_server import WandbServer


def fill(server: WandbServer) -> None:
    """Two runs that differ in an option."""
    summary = {
        "val/ssim": {"max": 0.5}, "val/l1": {"min": 9.0}, "train/g/l1": 1.0,
        "val/pictures": {"nrows": 1},
    }  # fmt: skip
    for generator in ("unet", "resnet9"):
        options = {"options": {"value": {"generator": generator, "seed": 0}}}
        server.runs[generator] = SentRun(
            generator, "maps", f"{generator} s0", "g", "train", config=options, summary=summary
        )


def test_the_workspace_is_sent_with_what_the_runs_have_logged(
    command: Callable[..., int], server: WandbServer
) -> None:
    fill(server)
    assert command("dashboard", "project=maps", "group=g") == 0
    (view,) = server.views
    assert (view["entityName"], view["projectName"], view["displayName"]) == ("team", "maps", "i2i")
    spec = json.loads(view["spec"])["section"]
    bank = {s["name"]: s["panels"] for s in spec["panelBankConfig"]["sections"]}
    assert [p["config"]["metrics"] for p in bank["Scores"]] == [["val/l1"], ["val/ssim"]]
    tables = [p["config"] for p in bank["Pictures"] if "val/pictures" in json.dumps(p)]
    assert len(tables) == 1
    columns = bank["Options against scores"][0]["config"]["columns"]
    shown = [c["accessor"] for c in columns]
    assert shown == ["config:options.value.generator", "summary:val/l1.min"]
    assert spec["runSets"][0]["runFeed"]["columnPinned"].keys() >= {"summary:val/ssim.max"}


def test_without_a_key_the_same_is_written_down(
    command: Callable[..., int], monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
    capfd: pytest.CaptureFixture,
) -> None:  # fmt: skip
    monkeypatch.setenv("WANDB_MODE", "offline")
    file = tmp_path / "new" / "board.json"
    assert command("dashboard", "project=maps", "entity=team", f"output={file}") == 0
    content = json.loads(file.read_text())
    assert (content["entity"], content["project"]) == ("team", "maps")
    said = "".join(capfd.readouterr())
    assert f"the dashboard is written to {file}" in said and "wandb login" in said


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([], "project: found no value; expected a project of W&B"),
        (["project=p", "runs=/nowhere"], "runs=/nowhere: found no run"),
        (["project=p", "grup=g"], "grup"),
    ],
)
def test_wrong_options_are_named(
    command: Callable[..., int], capfd: pytest.CaptureFixture, options: list[str], words: str
) -> None:
    assert command("dashboard", *options) == 1
    errors = capfd.readouterr().err
    assert words in errors and "Traceback" not in errors
