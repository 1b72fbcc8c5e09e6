"""Results of several runs in one file: which of them a number comes from."""

from pathlib import Path
from typing import Any

import pytest

from benchmarks import run
from benchmarks.keeping import merged, read, save, unlike
from benchmarks.report import markdown

OLD = {"commit": "a" * 40, "torch": "2.13"}
CELL = {"generator": "unet", "objective": "vanilla", "batch": 4, "size": 256, "n_critic": 1}
NEW = {"commit": "b" * 40, "torch": "2.13"}


def row(variant: str, step: float) -> dict[str, Any]:
    timed = {"step_s": step, "images_per_s": 4 / step, "peak_mib": 1000.0, "set_up_s": 2.0}
    return CELL | timed | {"variant": variant}


def measured(day: str, versions: dict[str, str], **sections: Any) -> dict[str, Any]:
    machine = {"date": day, "device": "cpu", "cpu": "X", "cores": 2, "threads": 2,
               "memory_gib": 8.0, "gpu": None, "versions": versions}  # fmt: skip
    seconds = dict.fromkeys(sections, 1.0)
    return {"machine": machine, "command": f"run {day}", "seconds": seconds} | sections


def training(*rows: dict[str, Any]) -> dict[str, Any]:
    return {"rows": list(rows), "flops_an_image": {}}


@pytest.fixture
def both() -> dict[str, Any]:
    bare, eager, bf16 = row("bare loop", 1.0), row("Lightning eager", 1.5), row("+ bf16", 0.5)
    startup = {"rows": {}, "target_s": 2.0}
    earlier = measured("2026-01-01", OLD, training=training(bare, eager, bf16), startup=startup)
    again = measured("2026-02-02", NEW, training=training(row("+ bf16", 0.25)))
    return merged(earlier, again)


def test_rows_measured_again_replace_the_earlier_ones(both: dict[str, Any]) -> None:
    steps = {r["variant"]: r["step_s"] for r in both["training"]["rows"]}
    assert steps == {"bare loop": 1.0, "Lightning eager": 1.5, "+ bf16": 0.25}
    assert both["startup"] == {"rows": {}, "target_s": 2.0}


def test_every_section_and_row_keeps_its_date_commit_and_command(both: dict[str, Any]) -> None:
    origins = {r["variant"]: r["measured"] for r in both["training"]["rows"]}
    assert origins["bare loop"]["commit"] == "a" * 40
    assert origins["+ bf16"] == {
        "date": "2026-02-02", "commit": "b" * 40, "uncommitted_changes": None,
        "command": "run 2026-02-02",
    }  # fmt: skip
    assert both["measured"]["startup"]["command"] == "run 2026-01-01"
    third = merged(both, measured("2026-03-03", NEW, memory={"rows": {}}))
    assert [third["measured"][s]["date"] for s in ("startup", "training", "memory")] == [
        "2026-01-01", "2026-02-02", "2026-03-03"
    ]  # fmt: skip
    assert {r["variant"]: r["measured"] for r in third["training"]["rows"]} == origins


def test_the_page_says_what_comes_from_where(both: dict[str, Any], tmp_path: Path) -> None:
    save(both, tmp_path, "x")
    page = (tmp_path / "x.md").read_text()
    assert "| startup | 2026-01-01 | aaaaaaaa | `run 2026-01-01` |" in page
    assert page.count("2026-01-01, aaaaaaaa |") == 2  # two rows of the old run
    assert page.count("2026-02-02, bbbbbbbb |") == 1
    one = read(tmp_path / "x.json")
    alone = merged({}, measured("2026-01-01", OLD, training=one["training"]))
    assert "| section |" not in markdown(alone)  # one origin needs no table


def test_results_of_another_machine_are_not_added_to(
    both: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = both["machine"]
    assert unlike(both, here) is None
    assert unlike(both, here | {"cores": 4}) == "cores 2, here 4"
    assert unlike(both, here | {"versions": NEW | {"torch": "2.14"}}) == "torch '2.13', here '2.14'"
    assert "gpu None, here 'H200'" in unlike(both, here | {"gpu": {"name": "H200"}})
    save(both, tmp_path, "cpu2")
    other = here | {"cpu": "Y"}
    monkeypatch.setattr("benchmarks.machine.describe_machine", lambda device: other)
    with pytest.raises(SystemExit, match="cpu 'X', here 'Y'"):
        run.main(["--add", "--out", str(tmp_path), "--name", "cpu2", "--device", "cpu"])


def test_there_must_be_something_to_add_to(
    both: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchmarks.machine.describe_machine", lambda device: both["machine"])
    monkeypatch.setattr(run, "measurements", lambda *_: pytest.fail("it went on"))
    with pytest.raises(SystemExit, match=r"has no cpu2.json to add to; leave --add out"):
        run.main(["--add", "--out", str(tmp_path), "--name", "cpu2", "--device", "cpu"])


def test_a_section_that_fails_leaves_the_earlier_one(both: dict[str, Any]) -> None:
    failed = {"error": "MemoryError: "}
    again = measured("2026-03-03", NEW, training=failed, startup=failed, memory=failed)
    third = merged(both, again)
    assert [r["step_s"] for r in third["training"]["rows"]] == [
        r["step_s"] for r in both["training"]["rows"]
    ]  # fmt: skip
    assert third["startup"] == both["startup"]
    assert third["memory"] == failed  # there was none
    assert [third["measured"][s]["date"] for s in ("startup", "training", "memory")] == [
        "2026-01-01", "2026-02-02", "2026-03-03"
    ]  # fmt: skip
    later = measured("2026-04-04", NEW, memory={"rows": {}}, startup={"rows": {"a": {}}})
    fourth = merged(third, later)
    assert fourth["memory"] == {"rows": {}} and fourth["startup"] == {"rows": {"a": {}}}
