"""A portable network in one ONNX file, and that file in onnxruntime."""

import contextlib
import io
import logging
import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from i2i.errors import setting_error
from i2i.sharing.exported_program import exported
from i2i.sharing.portable import OUTPUT, Portable

OPSETS = range(18, 24)


def prepare(opset: int) -> None:
    """Checks, before anything is computed, that a file can be written.

    Raises:
        SettingError: A package is missing, or there is no such opset.
    """
    for package in ("onnx", "onnxscript", "onnxruntime"):
        try:
            __import__(package)
        except ImportError as error:
            raise missing(package, "onnx") from error
    if type(opset) is not int or opset not in OPSETS:
        raise setting_error(
            f"opset={opset}", repr(opset), f"a whole number from {OPSETS[0]} to {OPSETS[-1]}",
            "Leave opset out for 20.",
        )  # fmt: skip


def missing(package: str, form: str) -> Exception:
    """The error for a package of the extra that is not installed."""
    return setting_error(
        f"format={form}", f"no package {package}", "the extra `export`, which brings it",
        "Install it: pip install 'i2i[export]', in a clone pip install -e '.[export]'.",
    )  # fmt: skip


def write(portable: Portable, file: Path, facts: Mapping[str, str], opset: int) -> None:
    """Writes a network with its weights and what is known of it.

    Args:
        portable: In any mode.
        file: Made or replaced.
        facts: By name; they become the file's ``metadata_props``.
        opset: The version of ONNX's operators.
    """
    program = exported(portable)
    with quiet():
        made = torch.onnx.export(
            program, dynamo=True, opset_version=opset, external_data=False, verbose=False,
            input_names=[given.name for given in portable.given], output_names=[OUTPUT],
        )  # fmt: skip
    model = made.model_proto
    name_sides(model.graph, portable)
    del model.metadata_props[:]
    for key, value in facts.items():
        model.metadata_props.add(key=key, value=value)
    model.producer_name, model.doc_string = "i2i", facts.get("about", "")
    file.write_bytes(model.SerializeToString())


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keeps the exporter from telling its progress, on standard output and to the log."""
    loggers = [logging.getLogger(name) for name in ("onnxscript", "onnx_ir", "torch.onnx")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def name_sides(graph: Any, portable: Portable) -> None:
    """Calls the free sizes ``batch``, ``rows`` and ``columns`` wherever the file has them."""
    names = {}
    for given, value in zip(portable.given, graph.input, strict=True):
        for side, dim in zip(given.shape, value.type.tensor_type.shape.dim, strict=True):
            if symbol := re.search(r"[A-Za-z_]\w*", dim.dim_param):
                names[symbol[0]] = side[1]
    for value in (*graph.input, *graph.output, *graph.value_info):
        for dim in value.type.tensor_type.shape.dim:
            if dim.dim_param:
                new = re.sub(r"[A-Za-z_]\w*", lambda s: names.get(s[0], s[0]), dim.dim_param)
                dim.dim_param = new


def opened(file: Path) -> Callable[[Mapping[str, Tensor]], Tensor]:
    """The file as a function from its inputs to its output, computed by onnxruntime on the CPU."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(
        file.read_bytes(), options, providers=["CPUExecutionProvider"]
    )

    def run(inputs: Mapping[str, Tensor]) -> Tensor:
        (made,) = session.run(None, {name: value.numpy() for name, value in inputs.items()})
        return torch.from_numpy(made)

    return run
