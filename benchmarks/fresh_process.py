"""Each measurement in a process of its own: its peak memory, threads and settings are its own.

The processes are forks of a server that has imported everything and computed nothing, which saves
the seconds of importing; what importing costs is measured in ``startup.py``.
"""

import multiprocessing
import os
import resource
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
MIB = 2**20
CALL_LIMIT = 600.0  # seconds; the longest cell, one that compiles, takes a minute or two


def no_end(limit_s: float) -> str:
    """What a table says of a process that was ended."""
    return f"TimeoutExpired: no end after {limit_s:.0f} s"


def make_importable() -> None:
    """Lets this process and those it starts import ``benchmarks`` and this checkout's ``i2i``."""
    paths = [str(ROOT), str(ROOT / "src")]
    earlier = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    rest = [path for path in earlier if path and path not in paths]
    os.environ["PYTHONPATH"] = os.pathsep.join(paths + rest)
    sys.path[:0] = [path for path in paths if path not in sys.path]


def call(
    function: Callable[..., dict[str, Any]], *arguments: Any, limit_s: float = CALL_LIMIT
) -> dict[str, Any]:
    """Calls in a fresh process.

    Args:
        function: Of a module's top level.
        arguments: Plain values and dataclasses.
        limit_s: Seconds after which it is ended.

    Returns:
        What it returns, or {"error": one line} where it failed, was killed or did not end.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["benchmarks.training", "benchmarks.bare_loop"])
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=answer, args=(sender, function, arguments))
    process.start()
    sender.close()
    try:
        if receiver.poll(limit_s):
            result = receiver.recv()
        else:
            process.kill()
            result = {"error": no_end(limit_s)}
    except EOFError:  # killed, for want of memory say
        process.join()
        result = {"error": f"its process ended with exit code {process.exitcode}"}
    process.join()
    return result


def run_command(
    words: Sequence[str], limit_s: float, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Runs a program from the repository's folder.

    Args:
        words: Of the command line.
        limit_s: Seconds after which it is ended, with all it has started.
        environment: All of its variables; None for this process's.

    Returns:
        What it wrote and its exit code; after the limit 124, as the command timeout has it, and
        one line in ``stderr`` that says so.
    """
    own_group = os.name == "posix"
    process = subprocess.Popen(
        words, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=own_group,
    )  # fmt: skip
    try:
        out, err = process.communicate(timeout=limit_s)
    except subprocess.TimeoutExpired:
        if own_group:
            os.killpg(process.pid, signal.SIGKILL)  # torchrun's workers, too
        else:
            process.kill()
        process.communicate()
        return subprocess.CompletedProcess(words, 124, "", no_end(limit_s))
    return subprocess.CompletedProcess(words, process.returncode, out, err)


def last_error(done: subprocess.CompletedProcess[str]) -> str:
    """One line that says what went wrong: the last with an error's name, or the last of all."""
    lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    named = [line for line in lines if "Error" in line or "Expired" in line]
    return ((named or lines or [f"exit code {done.returncode}"])[-1])[:200]


def answer(sender: Connection, function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    """Calls, in the fresh process, and sends what comes out; then the process ends."""
    try:
        result = function(*arguments)
    except Exception as error:  # one cell that cannot run must not lose the others
        if os.environ.get("I2I_TRACEBACK"):
            traceback.print_exc()
        lines = f"{type(error).__name__}: {error}".strip().splitlines()
        result = {"error": lines[0][:200]}
    sender.send(result)


def peak_mib(device: str) -> float:
    """Peak memory of this process so far, in MiB: the card's, or the resident set on a CPU."""
    if device == "cuda":
        import torch

        return torch.cuda.max_memory_allocated() / MIB
    try:
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    except OSError:
        pass
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / MIB if sys.platform == "darwin" else peak / 1024
