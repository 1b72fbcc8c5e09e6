"""From the bytes of a picture to a network's input and back, by tensors alone."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from i2i.data.tasks.label_map import LabelTask
from i2i.data.tasks.task import Task
from i2i.errors import setting_error


class FromPixels(nn.Module):
    """Pictures of bytes, (B, H, W, C), as a network's input, (B, C_in, H, W)."""

    def __init__(self, task: Task) -> None:
        super().__init__()
        self.one_hot = one_hot(task, "input")
        if self.one_hot:
            palette = task.classes
            self.n_classes = palette.n_classes
            self.register_buffer("table", torch.from_numpy(palette.table).float(), persistent=False)
            self.register_buffer("ids", torch.from_numpy(palette.ids).long(), persistent=False)
            from_zero = bool((task._channels(palette.ids[None]) == 0).any())
            self.low = 0.0 if from_zero else -1.0

    def forward(self, pixels: Tensor) -> Tensor:
        """Scales levels to [-1, 1]; of label maps gives one channel to each class.

        A colour that is none of the palette's becomes the nearest class.
        """
        if not self.one_hot:
            return (pixels.permute(0, 3, 1, 2).float() / 127.5 - 1.0).contiguous()
        apart = [(pixels.float() - colour).square().sum(3) for colour in self.table]
        ids = self.ids[torch.stack(apart).argmin(0)]  # (B, H, W)
        classes = torch.arange(self.n_classes)[:, None, None]
        there = (ids[:, None] == classes).float()  # (B, n_classes, H, W)
        return there if self.low == 0 else there * 2 - 1


class ToPixels(nn.Module):
    """A network's output, (B, C_out, H, W) in [-1, 1], as pictures of bytes, (B, H, W, C)."""

    def __init__(self, task: Task) -> None:
        super().__init__()
        self.one_hot = one_hot(task, "target")
        if self.one_hot:
            colours = task.classes._table_by_id()[: task.classes.n_classes]
            self.register_buffer("colours", torch.from_numpy(colours), persistent=False)

    def forward(self, y: Tensor) -> Tensor:
        """Rounds to 8 bits as ``to_uint8`` does; a label map gets the colours of its classes."""
        if self.one_hot:
            return F.embedding(y.argmax(1), self.colours.float()).to(torch.uint8)
        levels = ((y.clamp(-1.0, 1.0) + 1.0) * 127.5).round()
        return levels.permute(0, 2, 3, 1).to(torch.uint8)


def one_hot(task: Task, role: str) -> bool:
    """Whether the network's side of a task has one channel for each class."""
    return isinstance(task, LabelTask) and task.role == role and task.label_as == "onehot"


def require_pixels(task: Task) -> None:
    """Refuses what cannot be made of bytes by tensors alone.

    Raises:
        SettingError: Inputs are made of photographs, or the files do not hold 8 bits.
    """
    kinds = task.kinds.items()
    odd = [f"{side}s of {kind.values}" for side, kind in kinds if not kind.values.plain]
    found = f"task {type(task).__name__}" if type(task) not in (Task, LabelTask) else None
    if found or odd:
        raise setting_error(
            "pixels=true", found or odd[0], "pairs of pictures, or label maps, in 8 bits",
            "Use pixels=false: the exported network then takes and gives numbers in [-1, 1].",
        )  # fmt: skip
