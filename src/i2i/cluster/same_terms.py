"""Every process of a run trains on the same terms."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer

from i2i.cluster.gathering import gathered
from i2i.config.differences import flat
from i2i.errors import setting_error


class SameTerms(Callback):
    """Compares what each process left out for want of weights, and its configuration, at the start.

    Processes that ``srun`` or ``torchrun`` started, and those of another machine, look for the
    weights of an optional term themselves. With unlike terms they would average the gradients of
    unlike losses, and nothing would tell; so they would with unlike jobs of a sweep, and command
    lines that differ.
    """

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        require_same_terms(gathered(sorted(getattr(pl_module, "reconstruction", ()))))
        require_same_config(gathered(comparable(getattr(pl_module, "config", {}))))


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


def comparable(config: Mapping[str, Any]) -> dict[str, Any]:
    """What has to be the same on every machine, by dotted key.

    Paths need not be. The name of the run's folder, in a sweep the job's number, has to.
    """
    values = {
        key: value
        for key, value in flat(config).items()
        if not (isinstance(value, str) and value.startswith("/"))
    }
    return values | {"run_dir": Path(config.get("run_dir", "")).name}


def require_same_config(configs: Sequence[Mapping[str, Any]]) -> None:
    """Refuses processes that are not in the same job with the same options.

    Args:
        configs: ``comparable`` of each process, by rank.

    Raises:
        SettingError: On every process, as they have all gathered the same.
    """
    for rank, config in enumerate(configs):
        for key in sorted(configs[0].keys() | config.keys()):
            if configs[0].get(key) != config.get(key):
                raise setting_error(
                    key, f"{configs[0].get(key)} on process 0 and {config.get(key)} on {rank}",
                    "one configuration", "Start all processes with the same command line. In a "
                    "sweep one of them has failed alone: start the jobs that are left again.",
                )  # fmt: skip
