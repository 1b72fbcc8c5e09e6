"""Workspaces of W&B, against what its own library reads back from them."""

import json
from typing import Any

import pytest

from i2i.loggers.wandb_workspace import Dashboard, Logged

NAMES = [
    "step", "train/g/l1", "train/g/gan", "train/d/real", "train/lr_g", "train/health/signs",
    "train/images_per_second", "val/AtoB/ssim", "val/AtoB/l1", "val/samples_AtoB", "test/AtoB/ssim",
    "test/AtoB/pictures",
]  # fmt: skip
OPTIONS = [
    {"generator": "unet", "seed": 0, "trainer/max_steps": 5, "dataset/num_workers": 2},
    {"generator": "resnet9", "seed": 0, "trainer/max_steps": 5, "model/lambda_l1": 10.0},
]
BEST = {"val/AtoB/ssim": "max"}  # what l1 is, these runs do not say


def spec_of(board: Dashboard) -> dict[str, Any]:
    view = board.workspace()._to_model()
    return json.loads(view.spec.model_dump_json(by_alias=True, exclude_none=True))["section"]


def sections(spec: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    bank = spec["panelBankConfig"]["sections"]
    return {s["name"]: [panel["config"] for panel in s["panels"]] for s in bank}


def test_what_runs_have_logged_is_told_apart() -> None:
    logged = Logged.of(NAMES, OPTIONS, BEST)
    assert list(logged.scores) == ["val/AtoB/l1", "val/AtoB/ssim"]
    assert sorted(logged.players) == ["d", "g"]
    assert list(logged.options) == ["generator", "model/lambda_l1"]
    assert list(logged.grids) == ["val/samples_AtoB"]
    assert list(logged.tables) == ["test/AtoB/pictures"]


def test_runs_that_say_nothing_are_taken_to_be_usual_ones() -> None:
    assert Logged.of([], [], {}) == Logged()


def test_the_panels_name_what_is_logged() -> None:
    found = sections(spec_of(Dashboard("p", "e", logged=Logged.of(NAMES, OPTIONS, BEST))))
    assert [p["metrics"] for p in found["Scores"]] == [["val/AtoB/l1"], ["val/AtoB/ssim"]]
    assert {p["xAxis"] for p in found["Scores"]} == {"trainer/global_step"}
    assert "train/g/.*" in [p["metricRegex"] for p in found["Losses"]]
    assert found["Health"][0]["metricRegex"] == "train/health/.*"
    columns = [c["accessor"] for c in found["Options against scores"][1]["columns"]]
    assert columns[:2] == ["config:options.value.generator", "config:options.value.model/lambda_l1"]
    assert columns[2:] == ["summary:val/AtoB/ssim.max"]
    assert "test/AtoB/pictures" in json.dumps(found["Pictures"][0])
    assert found["Pictures"][1]["mediaKeys"] == ["val/samples_AtoB"]


@pytest.mark.parametrize("group", [None, 'a "sweep" 2026-01-01/12-00-00'])
def test_the_runs_of_a_group_are_shown(group: str | None) -> None:
    spec = spec_of(Dashboard("p", "e", group=group))
    (runs,) = spec["runSets"]
    asked = json.dumps(runs["filters"])
    assert ('"group"' in asked) == (group is not None)
    assert group is None or json.dumps(group) in asked
    pinned = runs["runFeed"]["columnPinned"]
    assert {"config:options.value.generator", "summary:val/ssim.max"} <= pinned.keys()


def test_the_table_of_runs_shows_test_scores_and_the_time() -> None:
    board = Dashboard("p", "e", logged=Logged.of(NAMES, OPTIONS, BEST))
    assert board.summaries() == [
        "val/AtoB/ssim.max", "test/AtoB/l1", "test/AtoB/ssim.max", "train/seconds",
    ]  # fmt: skip
    (runs,) = spec_of(board)["runSets"]
    assert {f"summary:{name}" for name in board.summaries()} <= runs["runFeed"][
        "columnPinned"
    ].keys()


def test_the_library_reads_the_same_workspace_back() -> None:
    from wandb_workspaces.workspaces import Workspace, internal

    board = Dashboard("p", "e", group="g", logged=Logged.of(NAMES, OPTIONS, BEST))
    view = board.workspace()._to_model()
    text = view.spec.model_dump_json(by_alias=True, exclude_none=True)
    again = internal.View(
        entity="e", project="p", display_name="i2i", name="n", id="1",
        spec=internal.WorkspaceViewspec.model_validate_json(text),
    )  # fmt: skip
    back = Workspace._from_model(again)
    assert [s.name for s in back.sections] == [
        "Scores", "Options against scores", "Losses", "Pictures", "Health",
    ]  # fmt: skip
    shown = [[y.name for y in panel.y] for panel in back.sections[0].panels]
    assert shown == [["val/AtoB/l1"], ["val/AtoB/ssim"]]
