"""Every process of a run trains with the same configuration."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer

from i2i.cluster.gathering import gathered
from i2i.config.differences import flat
from i2i.errors import setting_error
from i2i.surroundings import below

FOUND = "dataset.found"


class SameEverywhere(Callback):
    """Compares the configurations of all processes before they train.

    Processes that ``srun`` or ``torchrun`` started, and those of another machine, compose theirs
    themselves, from their own command line and with the optional terms whose weights they find.
    With unlike configurations they would average the gradients of unlike losses, and nothing would
    tell.
    """

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        require_same(gathered(comparable(getattr(pl_module, "config", {}))))


def comparable(config: Mapping[str, Any]) -> dict[str, Any]:
    """What has to be the same on every machine, by dotted key.

    What the first process found in the data is sent to the others. Absolute paths need not be. The
    name of the run's folder, in a sweep the job's number, has to.
    """
    values = {
        key: value
        for key, value in flat(config).items()
        if not (isinstance(value, str) and value.startswith("/")) and not below(key, FOUND)
    }
    return values | {"run_dir": Path(config.get("run_dir", "")).name}


def require_same(configs: Sequence[Mapping[str, Any]]) -> None:
    """Refuses processes whose options differ.

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
                    "one configuration", "Start all processes with the same command line. Terms of "
                    "reconstruction=[...] are left out where their weights are missing: name files "
                    "that all machines have (reconstruction.NAME.weights_file=FILE).",
                )  # fmt: skip
