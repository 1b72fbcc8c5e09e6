"""Lines in place of a bar where no terminal shows it, against a clock that the test moves."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch

from i2i.callbacks import progress as module
from i2i.callbacks.progress import Progress


class Run:
    """Steps of half a second, of ``batches_each`` batches each, from a first one on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, terminal: bool = False, **options: Any):
        self.now, self.batches = 100.0, 0
        self.first, self.each = options.pop("first", 0), options.pop("batches_each", 1)
        monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: self.now))
        monkeypatch.setattr(module.sys.stdout, "isatty", lambda: terminal, raising=False)
        self.trainer = SimpleNamespace(
            global_step=self.first, log_every_n_steps=10, current_epoch=2, is_global_zero=True,
            progress_bar_metrics={"train/g/l1": torch.tensor(0.12345)},
        )  # fmt: skip
        self.model = SimpleNamespace(total_steps=options.pop("total", 1000))
        self.callback = Progress(**options)
        for hook in ("on_train_start", "on_train_batch_end"):  # the bar itself is Lightning's
            monkeypatch.setattr(module.TQDMProgressBar, hook, lambda *_: None)
        self.callback.setup(self.trainer, self.model, "fit")
        self.callback.on_train_start(self.trainer, self.model)

    def train(self, steps: int) -> None:
        for _ in range(steps * self.each):
            self.now += 0.5 / self.each
            self.batches += 1
            self.trainer.global_step = self.first + self.batches // self.each
            self.callback.on_train_batch_end(self.trainer, self.model, None, {}, 0)


def printed(capsys: pytest.CaptureFixture) -> list[str]:
    return capsys.readouterr().out.splitlines()


def test_the_first_line_comes_at_once_and_others_by_the_clock(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    Run(monkeypatch, seconds=20).train(100)
    assert printed(capsys) == [
        "Step 1 of 1,000, epoch 3: g/l1 0.123",
        "Step 50 of 1,000, epoch 3, 2 steps/s, 0:07:55 left: g/l1 0.123",  # 24.5 s after the first
        "Step 90 of 1,000, epoch 3, 2 steps/s, 0:07:35 left: g/l1 0.123",
    ]


def test_the_last_step_has_a_line_and_losses_only_if_they_are_its_own(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    Run(monkeypatch, total=55).train(55)
    assert printed(capsys)[1:] == ["Step 55 of 55, epoch 3, 2 steps/s, 0:00:00 left"]


def test_a_run_that_goes_on_counts_from_where_it_does(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    Run(monkeypatch, seconds=20, first=405).train(45)
    assert printed(capsys) == [
        "Step 406 of 1,000, epoch 3",
        "Step 450 of 1,000, epoch 3, 2 steps/s, 0:04:35 left: g/l1 0.123",
    ]


def test_a_step_of_several_batches_has_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    Run(monkeypatch, seconds=0, batches_each=3).train(20)
    assert [line.split(" of")[0] for line in printed(capsys)] == ["Step 1", "Step 10", "Step 20"]


def test_a_terminal_has_the_bar_alone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    run = Run(monkeypatch, terminal=True, seconds=0)
    run.train(50)
    assert printed(capsys) == []
    assert run.callback.is_enabled


def test_a_file_has_no_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Run(monkeypatch).callback.is_disabled
