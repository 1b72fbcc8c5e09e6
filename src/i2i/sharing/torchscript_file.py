"""A portable network as a TorchScript file, which C++ and older PyTorch run, and that file."""

import json
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from torch import Tensor

from i2i.sharing.portable import Portable

NOTES = "i2i.json"  # in the file, beside the code


def write(portable: Portable, file: Path, facts: Mapping[str, str]) -> None:
    """Writes a network with its weights and what is known of it.

    Args:
        portable: In any mode.
        file: Made or replaced.
        facts: By name; ``torch.jit.load(_extra_files={"i2i.json": ""})`` reads them.
    """
    sample = portable.sample(2, portable.least + 1, portable.least + 2)
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # sizes that are checked while the code is traced
        traced = torch.jit.trace(portable.eval(), sample, check_trace=False)
        torch.jit.save(traced, str(file), _extra_files={NOTES: json.dumps(dict(facts))})


def opened(file: Path) -> Callable[[Mapping[str, Tensor]], Tensor]:
    """The file as a function from its inputs to its output, on the CPU."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        loaded = torch.jit.load(str(file), map_location="cpu")

    def run(inputs: Mapping[str, Tensor]) -> Tensor:
        with torch.no_grad():
            return loaded(*inputs.values())

    return run
