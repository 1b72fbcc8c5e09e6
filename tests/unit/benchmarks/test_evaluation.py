"""How many images a machine scores, and which rounds count."""

import pytest

from benchmarks import evaluation
from benchmarks.evaluation import Lap, planned


def test_a_gpu_gets_more_than_a_batch_and_a_round_to_begin_with() -> None:
    images, first, rounds = planned("cuda", quick=False)
    assert images >= 32 * evaluation.BATCH and first == 1 and rounds - first >= 2
    assert planned("cpu", quick=False) == (evaluation.BATCH, 0, 2)
    assert planned("cuda", quick=True) == planned("cpu", quick=True) == (evaluation.BATCH, 0, 1)


def test_rounds_before_the_first_that_counts_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = {"ours": iter([90.0, 1.0, 1.0, 50.0, 0.5, 0.5]), "theirs": iter([70.0, 4.0, 6.0])}

    def lap(who: str) -> tuple[Lap, Lap, dict]:
        wall = Lap(next(seconds[who]), 1.0)
        return wall, wall, {"ssim": 1.0, "psnr": 1.0, "fid": 1.0}

    monkeypatch.setattr(evaluation, "planned", lambda device, quick: (4, 1, 3))
    monkeypatch.setattr(evaluation, "random_inception", lambda folder, device: lambda images: None)
    monkeypatch.setattr(evaluation, "run_ours", lambda *_: lap("ours"))
    monkeypatch.setattr(evaluation, "run_torchmetrics", lambda *_: lap("theirs"))
    monkeypatch.setattr(evaluation, "root_seconds", lambda sizes: {})
    found = evaluation.measure(quick=False)
    assert found["n_images"] == 4
    assert found["rows"]["torchmetrics, separate objects"]["images_per_s"] == 4 / 5.0
