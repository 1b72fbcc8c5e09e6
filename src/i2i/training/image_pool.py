"""Earlier made images, which a discriminator is shown beside the newest."""

import torch
from torch import Tensor

from i2i.errors import setting_error


class ImagePool:
    """The history of made images of Shrivastava et al. 2017, Sec. 2.3, as CycleGAN has it.

    Once the pool is full, every second image that comes is put into it, and the one whose place it
    takes goes out instead (Zhu et al. 2017, Sec. 4). What is drawn comes from PyTorch's generator
    of the CPU, which each training step seeds.

    Attributes:
        images: What it holds, (C, H, W) each, oldest place first.
    """

    def __init__(self, size: int):
        """Begins empty.

        Args:
            size: Images; 0 hands every image through.
        """
        self.size, self.images = size, list[Tensor]()

    def swapped(self, images: Tensor) -> Tensor:
        """Puts a batch in, and takes as many images out.

        Args:
            images: (B, C, H, W), made and detached.

        Returns:
            (B, C, H, W): new ones and earlier ones.
        """
        if self.size == 0:
            return images
        if self.images and self.images[0].shape != images.shape[1:]:
            self.images = []  # a run that goes on with pictures of another size
        out = []
        for image in images.detach():
            if len(self.images) < self.size:
                self.images.append(image.clone())  # a slice would keep its whole batch in memory
                out.append(image)
            elif torch.rand(()) < 0.5:
                place = int(torch.randint(self.size, ()))
                out.append(self.images[place])
                self.images[place] = image.clone()
            else:
                out.append(image)
        return torch.stack(out)

    def state(self) -> Tensor:
        """What it holds, (N, C, H, W) on the CPU; N is 0 at first."""
        return torch.stack(self.images).cpu() if self.images else torch.empty(0)

    def load(self, state: Tensor | None, device: torch.device) -> None:
        """Takes up what ``state`` gave.

        Raises:
            SettingError: It holds no images, or more than the pool.
        """
        fits = state is not None and (state.ndim == 4 or not state.numel())
        if not fits or len(state) > self.size:
            found = "no" if state is None else f"{tuple(state.shape)} for the"
            raise setting_error(
                "resume", f"{found} pool of earlier images", f"at most {self.size} images",
                "Leave model.pool_size out, or use another checkpoint of the run.",
            )  # fmt: skip
        self.images = [image.clone() for image in state.to(device)] if state.numel() else []
