"""Whether any process of a job wants to stop, asked at each step without waiting."""

from typing import Any

import torch
from torch import distributed


class SharedAnswer:
    """Each process says yes or no at a step and reads the answer at the next.

    It is long there then, so that none waits, and all have the same one at the same step. Gloo
    carries it, beside the GPUs. All processes make it, and ask, together.
    """

    def __init__(self) -> None:
        self.group = distributed.new_group(backend="gloo")
        self.pending: tuple[torch.Tensor, Any] | None = None

    def ask(self, mine: bool) -> bool:
        """Sends this process's word, and returns whether any said yes a step ago."""
        before = self.answer()
        state = torch.tensor([int(mine)])
        work = distributed.all_reduce(
            state, distributed.ReduceOp.MAX, group=self.group, async_op=True
        )
        self.pending = state, work
        return before

    def answer(self) -> bool:
        """Whether any said yes when they were asked last; no where they were not."""
        if self.pending is None:
            return False
        (state, work), self.pending = self.pending, None
        work.wait()
        return bool(state.item())

    def ask_now(self, mine: bool) -> bool:
        """Whether any says yes now, or did when they were asked last; waits for all."""
        before = self.ask(mine)
        return self.answer() or before
