"""What the numbers were measured on, and how fast a GPU's matrix product is."""

import os
import platform
import re
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from shutil import which
from statistics import median
from typing import Any

import torch

from i2i.run_folder import code_version


def describe_machine(device: str) -> dict[str, Any]:
    """Hardware, versions, commit and date."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "device": device,
        "cpu": cpu_model(),
        "cores": len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count(),
        "threads": torch.get_num_threads(),
        "memory_gib": round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30, 1),
        "os": platform.platform(),
        "gpu": gpu() if device == "cuda" else None,
        "versions": {k: v for k, v in code_version().items() if k != "device"},
    }


def cpu_model() -> str:
    """The CPU's name, with what it computes bfloat16 with."""
    cpuinfo = Path("/proc/cpuinfo")
    if not cpuinfo.exists():
        return platform.processor() or platform.machine()
    text = cpuinfo.read_text()
    name = re.search(r"model name\s*:\s*(.+)", text)
    names = ("avx512f", "avx512_bf16", "amx_bf16")
    flags = [flag for flag in names if re.search(rf"\b{flag}\b", text)]
    return f"{name[1] if name else platform.machine()} ({', '.join(flags) or 'no AVX-512'})"


def gpu() -> dict[str, Any]:
    """Name, memory, driver, and how float32 is computed by default."""
    properties = torch.cuda.get_device_properties(0)
    query = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader", "--id=0"]
    asked = subprocess.run(query, capture_output=True, text=True) if which("nvidia-smi") else None
    return {
        "name": properties.name,
        "memory_gib": round(properties.total_memory / 2**30, 1),
        "driver": asked.stdout.strip() if asked else "unknown",
        "cuda": torch.version.cuda,
        "cudnn": torch.backends.cudnn.version(),
        "float32_convolutions_as_tf32": torch.backends.cudnn.allow_tf32,
    }


def short_name(machine: dict[str, Any]) -> str:
    """File name of the results: cpu2, nvidia-h200."""
    if machine["gpu"]:
        return re.sub(r"[^a-z0-9]+", "-", machine["gpu"]["name"].lower()).strip("-")
    return f"cpu{machine['cores']}"


def bfloat16_rate(side: int = 8192) -> dict[str, float]:
    """FLOP/s of a square matrix product on the GPU (a multiplication and an addition are two).

    Random operands, a fresh pair each time out of four, median over repetitions.

    Returns:
        {"rate"}.
    """
    matrices = [torch.randn(side, side, device="cuda", dtype=torch.bfloat16) for _ in range(4)]
    seconds = []
    for i in range(33):
        torch.cuda.synchronize()
        started = time.perf_counter()
        matrices[i % 4] @ matrices[(i + 1) % 4]
        torch.cuda.synchronize()
        seconds.append(time.perf_counter() - started)
    return {"rate": 2 * side**3 / median(seconds[3:])}
