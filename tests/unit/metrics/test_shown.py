"""What is shown of a batch: the task makes pictures of tensors, once each."""

import torch
from torch import Tensor

from i2i.data.tasks.task import Task
from i2i.metrics.shown import Shown


class Counting(Task):
    """Inputs upside down in brightness; answers less what they answer to."""

    def __init__(self) -> None:
        self.calls = 0

    def input_picture(self, x: Tensor) -> Tensor:
        self.calls += 1
        return -x

    def output_picture(self, x: Tensor, y: Tensor) -> Tensor:
        self.calls += 1
        return y - x


def test_pictures_are_made_by_the_task_once() -> None:
    task, x = Counting(), torch.full((2, 3, 2, 2), 0.1)
    y, y_hat = torch.full((2, 3, 2, 2), 0.4), torch.full((2, 3, 2, 2), -0.2)
    shown = Shown(torch.arange(2), ["a", "b"], x, y, task, y_hat=y_hat)
    assert task.calls == 0
    for _ in range(2):
        assert torch.equal(shown.source, -x)
        assert torch.equal(shown.real, y - x)
        assert torch.equal(shown.made, y_hat - x)
    assert task.calls == 3


def test_by_itself_the_answer_is_the_true_one_and_nothing_comes_back() -> None:
    image = torch.zeros(1, 3, 2, 2)
    shown = Shown(torch.arange(1), ["a"], image, image, Task())
    assert shown.true and shown.y_index is None and shown.y_hat is None and shown.back is None
