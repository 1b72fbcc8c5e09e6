"""Images a second, against a clock that the test moves."""

from types import SimpleNamespace
from typing import Any

import pytest

from i2i.callbacks import throughput as module
from i2i.callbacks.throughput import Throughput


class Run:
    """Batches of ``images``, of which every ``n_critic``-th is a step, half a second each."""

    def __init__(self, clock: SimpleNamespace, images: int = 4, n_critic: int = 1, every: int = 5):
        self.clock, self.images, self.n_critic = clock, images, n_critic
        self.callback, self.batches = Throughput(), 0
        self.trainer = SimpleNamespace(global_step=0, log_every_n_steps=every, current_epoch=3)
        self.written: list[tuple[int, dict[str, float]]] = []
        self.model = SimpleNamespace(images_seen=0, write=self.write)

    def write(self, values: dict[str, float]) -> None:
        self.written.append((self.trainer.global_step, values))

    def train(self, batches: int, seconds: float = 0.5) -> None:
        for _ in range(batches):
            self.clock.now += seconds
            self.batches += 1
            self.model.images_seen += self.images
            self.trainer.global_step = self.batches // self.n_critic
            self.callback.on_train_batch_end(self.trainer, self.model, None, {}, 0)

    def rates(self) -> list[float]:
        return [values["train/images_per_second"] for _, values in self.written]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Any:
    now = SimpleNamespace(now=100.0)
    monkeypatch.setattr(module, "time", SimpleNamespace(perf_counter=lambda: now.now))
    return now


def test_rate_is_images_over_seconds(clock: Any) -> None:
    run = Run(clock)
    run.callback.on_train_epoch_start(run.trainer, run.model)
    run.train(5)
    ((step, values),) = run.written
    assert step == 5
    assert values == {
        "train/images_per_second": pytest.approx(8.0), "train/images_seen": 20, "train/epoch": 3,
    }  # fmt: skip


def test_a_change_of_speed_is_seen(clock: Any) -> None:
    run = Run(clock)
    run.train(5, seconds=0.5)
    run.train(9, seconds=0.25)  # the last four are not written yet
    assert [step for step, _ in run.written] == [5, 10]
    assert run.rates() == pytest.approx([8.0, 16.0])


@pytest.mark.parametrize(
    "breaks", [["on_validation_start", "on_validation_end"], ["on_train_epoch_start"]]
)
def test_validation_and_the_time_between_epochs_do_not_count(clock: Any, breaks: list[str]) -> None:
    run = Run(clock)
    run.train(3)
    for hook in breaks:
        clock.now += 1000
        getattr(run.callback, hook)(run.trainer, run.model)
    run.train(2)
    assert run.rates() == pytest.approx([8.0])


def test_a_step_of_several_batches_is_written_once(clock: Any) -> None:
    """Three critic updates a step, each on images of its own, which all count."""
    run = Run(clock, n_critic=3, every=2)
    run.train(24)
    steps = [step for step, _ in run.written if step > 0]
    assert steps == [2, 4, 6, 8]
    assert run.rates() == pytest.approx([8.0] * len(run.written))
