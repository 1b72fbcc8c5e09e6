"""Two CPU processes under DDP against one: seconds an image.

The processes are started by torchrun, so that this file is also their script:
``torchrun --nproc-per-node 2 benchmarks/parallel.py CELL.json RESULT.json``.
"""

import json
import os
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    root = Path(__file__).resolve().parents[1]
    sys.path[:1] = [str(root), str(root / "src")]

from benchmarks.cell import Cell
from benchmarks.fresh_process import last_error, run_command
from benchmarks.training import measure_lightning

LAUNCHER = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
DDP = ("trainer=ddp", "trainer.accelerator=cpu", "trainer.devices=2")
STEPS = 2  # measured; the same number in every process
LIMIT = 300.0  # seconds a run


def run(cell: Cell, processes: int, threads: int, folder: Path) -> dict[str, Any]:
    """Measures a cell in some processes; ``images_per_s`` is that of all of them."""
    source, result = folder / "cell.json", folder / "result.json"
    source.write_text(json.dumps(asdict(cell)))
    result.unlink(missing_ok=True)
    launcher = LAUNCHER if processes > 1 else []
    words = [sys.executable, *launcher, str(Path(__file__).resolve()), str(source), str(result)]
    done = run_command(words, LIMIT, os.environ | {"OMP_NUM_THREADS": str(threads)})
    if done.returncode or not result.exists():
        return {"error": last_error(done)}
    found = json.loads(result.read_text())
    images = found["images_per_s"] * processes
    return (
        {"processes": processes, "threads_a_process": threads, "batch_a_process": cell.batch}
        | {key: found[key] for key in ("step_s", "peak_mib")}
        | {"images_per_s": images, "s_an_image": 1 / images}
    )


def measure(quick: bool) -> dict[str, Any]:
    """One process with two threads, one with one, and two with one each; U-Net, vanilla."""
    size, width, batch = (64, 4, 2) if quick else (256, 64, 1)
    alone = Cell(
        "unet", "vanilla", batch, size, "cpu", width, options=("speed=eager",), seconds=0,
        least=STEPS, block=1,
    )  # fmt: skip
    whole = Cell(**asdict(alone) | {"batch": 2 * batch})
    shared = Cell(**asdict(alone) | {"options": (*alone.options, *DDP)})
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows = {
            "1 process, 2 threads": run(whole, 1, 2, folder),
            "1 process, 1 thread": run(alone, 1, 1, folder),
            "2 processes, 1 thread each": run(shared, 2, 1, folder),
        }
    both, one, two = (row.get("images_per_s") for row in rows.values())
    return {
        "size": size,
        "rows": rows,
        "speed_to_1_process_of_2_threads": two / both if two and both else None,
        "speed_to_1_process_of_1_thread": two / one if two and one else None,
    }


def main() -> None:
    """Measures the cell of a file; the first process writes the result."""
    content = json.loads(Path(sys.argv[1]).read_text())
    cell = Cell(**content | {"options": tuple(content["options"])})
    result = measure_lightning(cell)
    if int(os.environ.get("RANK", "0")) == 0:
        Path(sys.argv[2]).write_text(json.dumps(result))


if __name__ == "__main__":
    main()
