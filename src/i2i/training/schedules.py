"""Learning-rate schedules over generator steps."""

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR


class LinearDecay(LambdaLR):
    """Constant, then linear to zero (Zhu et al. 2017, App. 7.1; the reference pix2pix code)."""

    def __init__(
        self,
        optimizer: Optimizer,
        total_steps: int,  # generator steps of the whole run
        flat_fraction: float = 0.5,  # the share of them before the decay begins
    ):
        flat = flat_fraction * total_steps
        decay = max(total_steps - flat, 1)
        super().__init__(optimizer, lambda step: 1.0 - min(max(step - flat, 0) / decay, 1.0))


class Constant(LambdaLR):
    """The learning rate stays as it is (the Torch code of Isola et al. 2017)."""

    def __init__(self, optimizer: Optimizer, total_steps: int):
        super().__init__(optimizer, lambda _: 1.0)
