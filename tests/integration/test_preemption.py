"""A run that a signal stops at any step goes on as if nothing had been; without a scheduler."""

import csv
import functools
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from bit_for_bit import assert_same
from conftest import ROOT, TINY_UNET, Run

LIVELY = ["model.ema_decay=0.9", "generator.norm=batch", "trainer.max_epochs=3",
          "callbacks.samples=null", "baselines=false"]  # fmt: skip
TARGET = "+callbacks.preemption._target_=i2i.cluster.preemption.Preemption"


@pytest.fixture(autouse=True)
def handlers() -> object:
    numbers = (signal.SIGUSR1, signal.SIGUSR2, signal.SIGTERM)
    before = [signal.getsignal(number) for number in numbers]
    yield
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


@pytest.fixture
def stopped(
    command: Callable[..., int], tiny: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Path]:
    """Trains until this process sends itself a signal after a batch."""

    def run(batches: int, number: signal.Signals, *options: str) -> Path:
        from i2i.callbacks.throughput import Throughput

        run_dir = tmp_path / "stopped"
        end = Throughput.on_train_batch_end

        def and_signal(self: object, trainer: object, pl_module: object, *rest: object) -> None:
            end(self, trainer, pl_module, *rest)
            if pl_module.batches_seen == batches:
                os.kill(os.getpid(), number)

        with monkeypatch.context() as patch:
            patch.setattr(Throughput, "on_train_batch_end", and_signal)
            code = command(
                "train", *tiny, *TINY_UNET, *LIVELY, *options, f"hydra.run.dir={run_dir}", TARGET,
                f"+callbacks.preemption.file={run_dir}/checkpoints/last.ckpt",
            )  # fmt: skip
        assert code == 0
        return run_dir

    return run


@pytest.fixture(scope="module")
def undisturbed(train_once: Run) -> Callable[..., Path]:
    """The run that nobody stopped, once for each set of options."""
    return functools.cache(lambda *options: train_once(*LIVELY, *options))


def rows(run_dir: Path) -> list[dict[str, str]]:
    """Losses, rates and scores; throughput starts its clock again with the first batch."""
    timed = ("train/images_per_second", "train/images_seen", "train/epoch")
    with (run_dir / "metrics.csv").open() as file:
        return [{k: v for k, v in row.items() if k not in timed} for row in csv.DictReader(file)]


def load(run_dir: Path) -> dict:
    return torch.load(run_dir / "checkpoints" / "last.ckpt", weights_only=True)


@pytest.mark.parametrize(
    ("batches", "saved", "number", "options"),
    [
        (3, 3, signal.SIGUSR1, []),
        (8, 8, signal.SIGTERM, []),  # the last batch of an epoch: its validation comes first
        (24, 24, signal.SIGTERM, []),  # the last batch of all: the test is left
        (1, 1, signal.SIGUSR1, ["dataset.batch_size=8"]),  # an epoch is one batch
        (15, 15, signal.SIGUSR2, []),
        (
            5,
            5,
            signal.SIGUSR1,
            ["gan_loss=wgan-gp", "model.n_critic=2"],
        ),  # between two updates of G
    ],
    ids=[
        "within-epoch-1",
        "end-of-epoch-1",
        "end",
        "one-batch",
        "within-epoch-2",
        "between-critic-steps",
    ],
)
def test_the_rest_is_the_same_wherever_it_stopped(
    train: Run, stopped: Callable[..., Path], undisturbed: Callable[..., Path], batches: int,
    saved: int, number: signal.Signals, options: list[str],
) -> None:  # fmt: skip
    run_dir = stopped(batches, number, *options)
    assert load(run_dir)["i2i"]["batches_seen"] == saved
    assert not (run_dir / "test_metrics.json").exists()
    train(f"resume={run_dir}", folder="stopped")
    straight = undisturbed(*options)
    one, two = load(straight), load(run_dir)
    for key in ("state_dict", "optimizer_states", "lr_schedulers", "global_step", "epoch"):
        assert_same(one[key], two[key], key)
    whole = 3 if "dataset.batch_size=8" in options else 24
    assert one["i2i"]["batches_seen"] == two["i2i"]["batches_seen"] == whole
    assert (run_dir / "test_metrics.json").exists()
    assert rows(straight) == rows(run_dir)


def test_a_sweep_gets_the_score_of_a_run_that_had_only_its_test_left(
    train: Run, stopped: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its last validation was in the stretch before."""
    from i2i.commands import train as module

    score, scores = module.score_for_sweep, []
    monkeypatch.setattr(
        module, "score_for_sweep", lambda *given: scores.append(score(*given)) or scores[-1]
    )
    run_dir = stopped(24, signal.SIGTERM)
    assert not scores
    train(f"resume={run_dir}", folder="stopped")
    in_file = [row["val/ssim"] for row in rows(run_dir) if row["val/ssim"]]
    assert len(in_file) == 3 and scores == [pytest.approx(float(in_file[-1]))]


@pytest.mark.slow
@pytest.mark.parametrize("saving", [True, False])
def test_two_processes_stop_together_and_lightning_asks_nothing(
    tiny: list[str], tmp_path: Path, saving: bool
) -> None:
    """SIGTERM of the second process ends both one step later.

    Lightning's own question before each step, which waits for the GPU, is not put.
    """
    run_dir = tmp_path / "run"
    probe = ["+callbacks.asked._target_=probes.Questions", f"+callbacks.asked.folder={tmp_path}/q"]
    probe += ["+callbacks.asked.signalled=2"]
    if saving:
        probe += [TARGET, f"+callbacks.preemption.file={run_dir}/checkpoints/last.ckpt"]
    done = subprocess.run(
        [sys.executable, str(ROOT / "src" / "train.py"), *tiny, *TINY_UNET, *LIVELY, *probe,
         "trainer=ddp", "trainer.accelerator=cpu", f"hydra.run.dir={run_dir}",
         "trainer.max_epochs=1"],
        env=os.environ | {"PYTHONPATH": f"{ROOT / 'src'}:{ROOT / 'tests'}"}, cwd=tmp_path,
        capture_output=True, text=True, timeout=280,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    ranks = [json.loads((tmp_path / "q" / f"{rank}.json").read_text()) for rank in (0, 1)]
    assert ranks == [{"asked": 0, "batches": 3}] * 2
    if saving:
        assert load(run_dir)["i2i"]["batches_seen"] == 3
        assert "Signal: stopped after step 3" in done.stdout
    else:
        assert not (run_dir / "checkpoints" / "last.ckpt").exists()
        assert f"Stopped. To go on: python src/train.py resume={run_dir}" in done.stdout
