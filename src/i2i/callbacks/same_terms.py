"""Every process of a run trains on the same terms."""

from collections.abc import Sequence

from lightning.pytorch import Callback, LightningModule, Trainer

from i2i.errors import setting_error
from i2i.metrics.processes import gathered


class SameTerms(Callback):
    """Compares what each process left out for want of weights, before the first step.

    Processes that ``srun`` or ``torchrun`` started, and those of another machine, look for the
    weights of an optional term themselves. With unlike terms they would average the gradients of
    unlike losses, and nothing would tell.
    """

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        require_same_terms(gathered(sorted(getattr(pl_module, "reconstruction", ()))))


def require_same_terms(terms: Sequence[Sequence[str]]) -> None:
    """Refuses terms that some processes have and others have not.

    Args:
        terms: Names of the reconstruction terms of each process, by rank.

    Raises:
        SettingError: On every process, as they have all gathered the same.
    """
    for name in sorted(set().union(*terms)):
        ranks = [str(rank) for rank, names in enumerate(terms) if name in names]
        if len(ranks) < len(terms):
            raise setting_error(
                f"reconstruction.{name}",
                f"its weights on process {', '.join(ranks)} of 0 to {len(terms) - 1} only",
                "the same terms on every process",
                f"Name a file that all machines have (reconstruction.{name}.weights_file=FILE), or "
                f"leave {name} out of reconstruction=[...].",
            )  # fmt: skip
