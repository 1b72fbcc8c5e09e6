"""A portable network as a program of torch.export with free sizes, and its file."""

import json
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
import torch.fx.experimental._config
from torch import Tensor

from i2i.sharing.portable import Portable

NOTES = "i2i.json"  # in the file, beside the program


def exported(portable: Portable) -> Any:
    """The program, for any number of pictures of any size that the network takes.

    Args:
        portable: In any mode.

    Returns:
        A ``torch.export.ExportedProgram``.
    """
    # The sizes of the sample are none that the program is bound to; they differ, so that it shows
    # where one is taken for the other.
    sample = portable.sample(2, portable.least + 1, portable.least + 2)
    # Else a size of 1 is taken for a case of its own, and pictures of one divisor are refused.
    free = torch.fx.experimental._config.patch(backed_size_oblivious=True)
    with torch.no_grad(), free, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.export.export(
            portable.eval(), sample, dynamic_shapes=portable.dynamic(), strict=False
        )


def write(portable: Portable, file: Path, facts: Mapping[str, str]) -> None:
    """Writes the program with its weights and what is known of it.

    Args:
        portable: In any mode.
        file: Made or replaced; its name ends in ``.pt2``.
        facts: By name; ``torch.export.load(extra_files={"i2i.json": ""})`` reads them.
    """
    notes = {NOTES: json.dumps(dict(facts))}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.export.save(exported(portable), str(file), extra_files=notes)


def opened(file: Path) -> Callable[[Mapping[str, Tensor]], Tensor]:
    """The file as a function from its inputs to its output, on the CPU."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module = torch.export.load(str(file)).module()

    def run(inputs: Mapping[str, Tensor]) -> Tensor:
        with torch.no_grad():
            return module(*inputs.values())

    return run
