"""Scoring: from batches to the evaluator, from its result to checkpoints and loggers."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch

from evaluators import pairwise
from i2i.callbacks.scoring import Scoring
from i2i.data.tasks.task import Task
from i2i.images.picture_kind import PictureKind
from i2i.metrics.result import EvaluationResult
from i2i.metrics.scorer import Scorer
from i2i.metrics.shown import Shown
from i2i.training.watching.finite import FiniteTerms


class Recorder:
    """An evaluator that writes down what is asked of it."""

    def __init__(self) -> None:
        self.calls: list[tuple] = []

    def prepare(self, device: torch.device, required: bool) -> None:
        self.calls.append(("prepare", torch.device(device), required))

    def start(self, split: str) -> None:
        self.calls.append(("start", split))

    def update(self, *batch: Any) -> None:
        self.calls.append(("update", *batch))

    def compute(self) -> EvaluationResult:
        self.calls.append(("compute",))
        return EvaluationResult({"ssim": 0.5, "psnr": 20.0}, [], 2, {})


class Model:
    """Takes what a callback logs."""

    def __init__(self) -> None:
        self.device = torch.device("cpu")
        self.finite = FiniteTerms("stop")
        self.logged: list[tuple[dict, dict]] = []
        self.written: list[dict] = []

    def log_dict(self, values: dict, **options: Any) -> None:
        self.logged.append((values, options))

    def write(self, values: dict) -> None:
        self.written.append(values)


def scoring(evaluator: Any, **options: Any) -> Scoring:
    """Of one route."""
    return Scoring({"AtoB": Scorer(evaluator)}, **options)


def shown(batch: dict[str, Any], y_hat: torch.Tensor) -> dict[str, Shown]:
    """What pix2pix shows of a batch."""
    x, y = batch["input"], batch["target"]
    return {"AtoB": Shown(batch["index"], batch["name"], x, y, Task(), y_hat=y_hat)}


def make_batch(n: int = 2) -> tuple[dict[str, Any], torch.Tensor]:
    draw = torch.Generator().manual_seed(n)
    images = [torch.rand(n, 3, 16, 16, generator=draw) * 2 - 1 for _ in range(3)]
    names = [f"{i}.png" for i in range(n)]
    batch = {"input": images[0], "target": images[1], "name": names, "index": torch.arange(n)}
    return batch, images[2]


def run_split(callback: Scoring, model: Any, split: str, *batches: tuple) -> None:
    stage = {"val": "validation", "test": "test"}[split]
    getattr(callback, f"on_{stage}_epoch_start")(None, model)
    for i, (batch, outputs) in enumerate(batches):
        outputs = outputs if isinstance(outputs, dict) else shown(batch, outputs)
        getattr(callback, f"on_{stage}_batch_end")(None, model, outputs, batch, i)
    getattr(callback, f"on_{stage}_epoch_end")(None, model)


@pytest.mark.parametrize("split", ["val", "test"])
def test_a_pass_is_one_start_every_batch_and_one_compute(split: str) -> None:
    evaluator = Recorder()
    (batch, outputs), second = make_batch(2), make_batch(1)
    run_split(scoring(evaluator), Model(), split, (batch, outputs), second)
    assert [call[0] for call in evaluator.calls] == ["start", "update", "update", "compute"]
    assert evaluator.calls[0][1] == split
    _, index, names, y_hat, y, *rest = evaluator.calls[1]
    # No classes, no places of other targets, nothing translated back; they are the true answers;
    # no labels; both sides are 8 bits.
    assert rest == [None, None, None, True, None, (PictureKind(), PictureKind())]
    assert index is batch["index"] and names == batch["name"]
    assert y_hat is outputs and y is batch["target"]


def test_the_test_pass_may_go_through_another_split() -> None:
    """``evaluate split=val`` shares with training what is kept of that split."""
    evaluator = Recorder()
    run_split(scoring(evaluator, test_split="val"), Model(), "test", make_batch())
    assert evaluator.calls[0] == ("start", "val")


def test_values_get_the_name_of_their_split() -> None:
    callback, model = scoring(Recorder()), Model()
    run_split(callback, model, "val", make_batch())
    run_split(callback, model, "test", make_batch())
    assert model.written == [
        {"val/ssim": 0.5, "val/psnr": 20.0}, {"test/ssim": 0.5, "test/psnr": 20.0},
    ]  # fmt: skip
    assert [values for values, _ in model.logged] == model.written
    assert callback.results.keys() == {"val", "test"}


def test_a_later_stretch_knows_the_values_and_testing_an_old_checkpoint_changes_none() -> None:
    callback, model = scoring(Recorder()), Model()
    run_split(callback, model, "val", make_batch())
    later = scoring(Recorder())
    later.load_state_dict(callback.state_dict())
    later.load_state_dict({"values": {"val": {"ssim": 0.1}}})
    assert later.values == {"val": {"ssim": 0.5, "psnr": 20.0}} and not later.results


def test_each_value_reaches_the_loggers_once_and_is_the_same_on_every_process() -> None:
    """``write`` sends it; Lightning keeps it for checkpoints, and must not average it again."""
    model = Model()
    run_split(scoring(Recorder()), model, "val", make_batch())
    ((_, options),) = model.logged
    assert options["logger"] is False
    assert options["rank_zero_only"] is False and options["sync_dist"] is False


def test_results_are_those_of_the_metrics() -> None:
    callback, model = scoring(pairwise()), Model()
    batch, _ = make_batch()
    run_split(callback, model, "val", (batch, batch["target"]))
    result = callback.results["val"]["AtoB"]
    assert result.values["ssim"] == 1 and result.values["l1"] == 0
    assert [row["name"] for row in result.per_image] == batch["name"]
    assert model.written[0]["val/ssim"] == 1
    run_split(callback, model, "val", (batch, -batch["target"]))
    assert callback.results["val"]["AtoB"].values["ssim"] < 0.5  # the last pass, not the first


@pytest.mark.parametrize("required", [True, False])
def test_missing_weights_stop_what_requires_them(required: bool) -> None:
    evaluator, model = Recorder(), Model()
    trainer = SimpleNamespace(strategy=SimpleNamespace(root_device=model.device), loggers=[])
    scoring(evaluator, required=required).setup(trainer, model, "fit")
    assert evaluator.calls == [("prepare", torch.device("cpu"), required)]


def test_inception_runs_where_the_model_runs() -> None:
    """Lightning calls setup while the model is still on the CPU, and moves it afterwards."""
    evaluator, model = Recorder(), Model()
    gpu = torch.device("cuda", 0)
    trainer = SimpleNamespace(strategy=SimpleNamespace(root_device=gpu), loggers=[])
    callback = scoring(evaluator)
    callback.setup(trainer, model, "fit")
    model.device = gpu
    callback.on_fit_start(trainer, model)
    callback.on_validation_start(trainer, model)
    callback.on_validation_epoch_start(trainer, model)
    prepared = [call[1] for call in evaluator.calls if call[0] == "prepare"]
    assert prepared[-1] == gpu
