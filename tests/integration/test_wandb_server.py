"""Trainings and a stand-in of W&B's server that is well, in trouble for a while, or away."""

import csv
import json
import subprocess
import sys
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from omegaconf import OmegaConf
from PIL import Image

from conftest import LABEL_COLOURS, ROOT, TINY_UNET, labelled_options
from wandb_answers import SentRun
from wandb_file import read_run
from wandb_server import Trouble, WandbServer, address

Command = Callable[..., int]


@pytest.fixture
def options(tiny: list[str]) -> list[str]:
    """Of a run of a second that is logged to W&B."""
    small = [o for o in [*tiny, *TINY_UNET] if not o.startswith("logger=")]
    return [*small, "logger=wandb", "trainer.max_steps=4", "baselines=false"]


def only(server: WandbServer) -> SentRun:
    (run,) = server.runs.values()
    return run


def rows_of(run: Path) -> list[dict[str, str]]:
    with (run / "metrics.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def assert_all_arrived(sent: SentRun, run: Path) -> None:
    """Every number of metrics.csv, and every test picture, is there once."""
    assert_numbers_arrived(sent, run)
    (table,) = (a for a in sent.artifacts.values() if a.kind == "run_table")
    assert table.committed
    for file in (run / "test_pictures").iterdir():
        assert [b for n, b in table.files.items() if n.endswith(file.name)] == [file.read_bytes()]


def assert_numbers_arrived(sent: SentRun, run: Path) -> None:
    """Every number of metrics.csv is there once, in the order of the steps, and the pictures."""
    for row in rows_of(run):
        for name, value in row.items():
            if value and name != "step":
                assert sent.values(name)[int(row["step"])] == pytest.approx(float(value))
    steps = [row["trainer/global_step"] for row in sent.history if "train/g/l1" in row]
    assert steps == sorted(set(steps)) == [1, 2, 3, 4]
    assert [row["_step"] for row in sent.history] == list(range(len(sent.history)))
    (shown,) = sent.values("val/samples").values()
    assert set(shown["filenames"]) <= sent.files.keys()


def later(method: str, path: str, operation: str) -> bool:
    """Requests of a run that has begun, and not those of the library about itself."""
    return method != "GET" and "otel" not in path and operation not in BEGINNING


BEGINNING = ("RunResumeStatus", "UpsertBucket", "Viewer")


@pytest.mark.slow
@pytest.mark.parametrize("kind", [500, "cut", "deaf"])
def test_an_interrupted_upload_loses_nothing(
    server: WandbServer, command: Command, options: list[str], tmp_path: Path, kind: str | int
) -> None:
    run, trouble = tmp_path / "run", Trouble(kind, later, times=12)
    server.troubles.append(trouble)
    log = ["logger.wandb.log_model=best", f"hydra.run.dir={run}"]
    assert command("train", *options, *log) == 0
    sent = only(server)
    assert trouble.met == 12 and sent.exit_code == 0
    assert_all_arrived(sent, run)
    (model,) = (a for a in sent.artifacts.values() if a.kind == "model")
    assert model.committed
    assert model.files["best.ckpt"] == (run / "checkpoints" / "best.ckpt").read_bytes()


@pytest.mark.slow
def test_what_a_server_that_stays_away_did_not_get_is_sent_later(
    server: WandbServer, command: Command, options: list[str], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture,
) -> None:  # fmt: skip
    from wandb.apis.public import Api

    # Seconds in which W&B has to write the end of the run into its file, beside other work.
    monkeypatch.setattr("i2i.loggers.wandb_end.FINISH", 10)
    monkeypatch.setattr("i2i.loggers.wandb_options.FLUSH", 1)
    monkeypatch.setattr(Api, "_HTTP_TIMEOUT", 1)  # seconds, in place of 19
    server.troubles.append(Trouble("cut", later))
    run = tmp_path / "run"
    assert command("train", *options, f"hydra.run.dir={run}") == 0
    said = "".join(capfd.readouterr())
    assert "W&B has not got everything yet: wandb sync --include-online" in said
    assert "went away" not in said
    assert only(server).exit_code is None
    server.troubles.clear()
    sync(server, "--include-online", *run.glob("wandb/run-*"))
    assert_numbers_arrived(only(server), run)
    assert only(server).exit_code == 0
    later_run = tmp_path / "later"  # of the same process, as in a sweep
    assert command("train", *options, "trainer.max_steps=1", f"hydra.run.dir={later_run}") == 0
    assert server.runs[(later_run / "wandb_id.txt").read_text()].exit_code == 0


def hand_decoded(picture: np.ndarray) -> np.ndarray:
    """The class of each pixel of a true label map, 255 where it is of none."""
    ids = np.full(picture.shape[:2], 255, np.uint8)
    for number, colour in enumerate(LABEL_COLOURS.values()):
        ids[(picture == colour).all(2)] = number
    return ids


def test_label_maps_have_masks_with_class_names_in_tables_and_samples(
    server: WandbServer, command: Command, options: list[str], tmp_path: Path, labelled_root: Path
) -> None:
    run = tmp_path / "run"
    few = ["trainer.max_steps=2", "callbacks.val_pictures.every_n_validations=1"]
    few += ["trainer.check_val_every_n_epoch=null", "+trainer.val_check_interval=1"]
    few += ["callbacks.val_pictures.n_images=2", "callbacks.samples.n_images=2"]
    options = [o for o in options if not o.startswith("dataset.root=")]
    data = labelled_options(labelled_root)
    assert command("train", *options, *data, *few, f"hydra.run.dir={run}") == 0
    sent = only(server)
    names = [*LABEL_COLOURS, "unlabelled"]
    for split, n in (("val", 2), ("test", 4)):
        (table,) = (a for name, a in sent.artifacts.items() if f"-{split}pictures" in name)
        masks = [b for name, b in table.files.items() if name.endswith("mask.png")]
        maps = [read_rgb(f) for f in sorted((run / f"{split}_pictures").glob("*_input.png"))]
        assert len(maps) == n and table.committed
        found = {Image.open(BytesIO(mask)).tobytes() for mask in masks}
        assert found == {hand_decoded(picture).tobytes() for picture in maps}
        (told,) = (b for name, b in table.files.items() if name.endswith(".classes.json"))
        assert [one["name"] for one in json.loads(told)["class_set"]] == names
    assert list(sent.values("val/pictures")) == [1, 2]
    for step, shown in sent.values("val/samples").items():
        (mask,) = (m["classes"] for m in shown["all_masks"])
        grid = read_rgb(run / "samples" / f"val_step_{step:07d}.png")
        inputs = np.full(grid.shape[:2], 255, np.uint8)
        width = (grid.shape[1] - 4) // 3  # the first of three columns, with a gap of 4 around each
        inputs[:, :width] = hand_decoded(grid)[:, :width]
        assert np.array_equal(np.asarray(Image.open(BytesIO(sent.files[mask["path"]]))), inputs)


def read_rgb(file: Path) -> np.ndarray:
    return np.asarray(Image.open(file).convert("RGB"))


def sync(server: WandbServer, *words: str | Path) -> None:
    """``wandb sync``, as a user types it."""
    words = [sys.executable, "-m", "wandb", "sync", *map(str, words)]
    done = subprocess.run(words, env=address(server), capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("kind", ["nobody", "silent", 500])
def test_a_server_that_is_away_at_the_start_keeps_no_training_from_its_end(
    server: WandbServer, command: Command, options: list[str], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture, kind: str | int,
) -> None:  # fmt: skip
    monkeypatch.setattr("i2i.loggers.wandb_options.BEGIN", 2)
    if kind == "nobody":
        monkeypatch.setenv("WANDB_BASE_URL", "http://127.0.0.1:9")
    server.troubles.append(Trouble(kind, lambda method, path, operation: method != "GET"))
    run = tmp_path / "run"
    assert command("train", *options, f"hydra.run.dir={run}") == 0
    assert "stay" in "".join(capfd.readouterr())
    assert (run / "test_metrics.json").is_file() and not server.runs
    server.troubles.clear()
    sync(server, *run.glob("wandb/offline-run-*"))
    assert_all_arrived(only(server), run)


@pytest.mark.slow
def test_a_resumed_run_goes_on_in_the_same_run(
    server: WandbServer, command: Command, options: list[str], tmp_path: Path
) -> None:
    run = tmp_path / "run"
    called = ["logger.wandb.group=my group", "label=first"]
    first = ["trainer.max_steps=2", "trainer.check_val_every_n_epoch=null"]
    first += ["+trainer.val_check_interval=2"]
    assert command("train", *options, *called, *first, f"hydra.run.dir={run}") == 0
    before = only(server)
    name, tags, rows = before.name, before.tags, len(before.history)
    assert list(before.values("train/g/l1")) == [1, 2] and before.group == "my group"
    worse = ["optimizer.generator.lr=0.5", "optimizer.discriminator.lr=0.5"]
    assert command("train", f"resume={run}", "trainer.max_steps=4", *worse) == 0
    sent = only(server)
    assert (sent.name, sent.group, sent.tags) == (name, "my group", tags)
    assert sent.name.startswith("first ") and "pix2pix" in tags and sent.begun == 2
    assert len(sent.history) > rows
    assert list(sent.values("train/g/l1")) == [1, 2, 3, 4]
    assert list(sent.values("val/l1")) == [2, 4]
    earlier, later = sent.values("val/l1").values()
    assert earlier < later  # W&B's own process knows the second alone
    assert sent.summary["val/l1"] == {"min": pytest.approx(earlier)}


def test_scores_that_are_added_offline_reach_the_run_that_was_sent_before(
    server: WandbServer, command: Command, options: list[str], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    run, output = tmp_path / "run", tmp_path / "scores"
    assert command("train", *options, f"hydra.run.dir={run}") == 0
    before, known = dict(only(server).lines), dict(only(server).summary)
    assert known.keys() >= {"val/l1", "test/l1", "test/pictures", "train/seconds"}
    monkeypatch.setenv("WANDB_MODE", "offline")
    asked = [f"checkpoint={run}", "split=val", "trainer=cpu", "wandb=true", f"output={output}"]
    assert command("evaluate", *asked) == 0
    monkeypatch.delenv("WANDB_MODE")
    sync(server, *run.glob("wandb/offline-run-*"))
    sent = only(server)
    scores = json.loads((output / "metrics.json").read_text())["scores"]
    assert sent.summary["evaluate/folder/val/l1"] == scores["l1"]
    assert before.items() <= sent.lines.items()
    # A server may take the summary that comes later in place of the one before.
    added = read_run(run)["summary"]
    own = {name.split("/_")[0] for name in known if not name.startswith("_")}
    assert own <= {name.split("/_")[0] for name in added}
    assert added["val/l1"] == known["val/l1"] and added["train/seconds"] == known["train/seconds"]
    assert_all_arrived(sent, run)


SWEEP = ["gan_loss=vanilla,lsgan", "seed=0,1", "trainer.max_steps=1"]


@pytest.mark.slow
def test_the_offline_runs_of_a_sweep_are_sent_later(
    server: WandbServer, command: Command, options: list[str], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv("WANDB_MODE", "offline")
    sweep = tmp_path / "sweep"
    assert command("train", "-m", *options, *SWEEP, f"hydra.sweep.dir={sweep}") == 0
    monkeypatch.delenv("WANDB_MODE")
    assert not server.runs
    sync(server, *sweep.glob("*/wandb/offline-run-*"))
    comparison = {r.id: r for r in server.runs.values() if r.job_type == "compare"}
    runs = {r.id: r for r in server.runs.values() if r.job_type == "train"}
    assert len(runs) == 4 and len(comparison) == 1
    assert {r.group for r in server.runs.values()} == {f"{tmp_path.name}/sweep"}
    assert len({r.name for r in runs.values()}) == 4
    for job in sorted(sweep.glob("[0-3]")):
        sent = runs[(job / "wandb_id.txt").read_text()]
        config = OmegaConf.to_container(OmegaConf.load(job / "config.yaml"))
        options = sent.config["options"]["value"]
        assert options["gan_loss"] == config["presets"]["gan_loss"]
        assert options["seed"] == config["seed"] == sent.config["seed"]["value"]
        assert f"s{config['seed']}" in sent.name and options["gan_loss"] in sent.name
        assert {"pix2pix", "unet", options["gan_loss"]} <= set(sent.tags)
        scores = json.loads((job / "test_metrics.json").read_text())["scores"]
        (own,) = scores.values()
        assert sent.summary["test/ssim"]["max"] == pytest.approx(own["ssim"])
    (sent,) = comparison.values()
    (artifact,) = sent.artifacts.values()
    assert artifact.kind == "comparison" and artifact.committed
    assert len(artifact.metadata["runs"]) == 4
    for kind in ("html", "md", "csv", "png"):
        file = sweep / f"comparison.{kind}"
        assert artifact.files[file.name] == file.read_bytes()


@pytest.mark.slow
def test_four_jobs_at_once_are_four_runs(
    server: WandbServer, options: list[str], tmp_path: Path
) -> None:
    words = [sys.executable, str(ROOT / "src" / "train.py"), *options, "trainer.max_steps=3"]
    jobs = [
        subprocess.Popen(
            [*words, f"seed={seed}", f"hydra.run.dir={tmp_path / str(seed)}", "label=many"],
            env=address(server), cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        )
        for seed in range(4)
    ]  # fmt: skip
    for job in jobs:
        assert job.wait(200) == 0, job.stderr.read().decode()[-2000:]
    assert len(server.runs) == 4
    for seed in range(4):
        run = tmp_path / str(seed)
        sent = server.runs[(run / "wandb_id.txt").read_text()]
        assert sent.name.endswith(f"s{seed}") and sent.exit_code == 0
        assert sent.config["seed"]["value"] == seed
        logged = {int(r["step"]): float(r["train/g/l1"]) for r in rows_of(run) if r["train/g/l1"]}
        assert sent.values("train/g/l1") == pytest.approx(logged)
