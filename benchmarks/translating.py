"""How fast a folder is translated, and how long one picture takes from a cold start."""

import os
import sys
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benchmarks.plan import Plan
from benchmarks.processes import ROOT, guarded, run_command

SIZE = 256  # pixels
NETWORKS = {
    "unet, 8 channels": ["generator=unet", "generator.base_channels=8"],
    "resnet9, 8 channels": ["generator=resnet9", "generator.base_channels=8"],
    "unet, 64 channels": ["generator=unet"],
}
LIMIT = 300.0  # seconds per command
SOURCE = "import i2i, sys; i2i.load(sys.argv[1]).translate(sys.argv[2]).save(sys.argv[3])"


def write_pictures(folder: Path, n: int) -> None:
    """Smooth random pictures, which are about as hard to compress as photographs."""
    import cv2

    rng = np.random.default_rng(0)
    folder.mkdir()
    for i in range(n):
        coarse = rng.integers(0, 256, (SIZE // 8, SIZE // 8, 3)).astype(np.uint8)
        image = cv2.resize(coarse, (SIZE, SIZE), interpolation=cv2.INTER_CUBIC).astype(int)
        image += rng.integers(-4, 5, image.shape)
        cv2.imwrite(str(folder / f"{i:04d}.png"), image.clip(0, 255).astype(np.uint8))


def run(words: list[str]) -> float:
    """Seconds that a Python command takes.

    Raises:
        RuntimeError: It failed.
    """
    started = time.perf_counter()
    done = run_command([sys.executable, *words], LIMIT)
    if done.returncode:
        raise RuntimeError(f"exit code {done.returncode}: {done.stderr.strip()[-150:]}")
    return time.perf_counter() - started


def measure_network(options: list[str], folder: Path, n: int, runs: int) -> dict[str, Any]:
    """Pictures per second in a folder, start left out, and the start to one picture."""
    run_dir, pictures = folder / "run", folder / "pictures"
    train = [str(ROOT / "src" / "train.py"), "experiments=first_run", "trainer.max_steps=1"]
    run([*train, "baselines=false", f"hydra.run.dir={run_dir}", *options])
    write_pictures(pictures, n)
    one = folder / "one.png"
    one.write_bytes((pictures / "0000.png").read_bytes())
    translate = [str(ROOT / "src" / "translate.py"), f"checkpoint={run_dir}", "overwrite=true"]
    places = [f"input={one}", f"output={folder / 'made.png'}"]
    starts = [run([*translate, *places]) for _ in range(runs + 1)][1:]
    called = [run(["-c", SOURCE, str(run_dir), str(one), str(folder / "made.png")])
              for _ in range(runs)]  # fmt: skip
    folders = [f"input={pictures}", f"output={folder / 'made'}"]
    wholes = [run([*translate, *folders]) for _ in range(runs)]
    rate = (n - 1) / (min(wholes) - min(starts))
    workers = [*folders, f"workers={os.cpu_count()}"]
    in_processes = [run([*translate, *workers]) for _ in range(runs)]
    return {
        "start_s": median(starts),
        "python_start_s": median(called),
        "pictures_per_s": rate,
        "pictures_per_s_workers": (n - 1) / (min(in_processes) - min(starts)),
    }


def measure(plan: Plan) -> dict[str, Any]:
    """Each network on the pictures of one folder."""
    rows = []
    networks = dict(list(NETWORKS.items())[:1]) if plan.quick else NETWORKS
    for name, options in networks.items():
        with TemporaryDirectory() as folder:
            n, runs = (20, 1) if plan.quick else (300, 3)
            rows.append(
                {"network": name} | guarded(measure_network, options, Path(folder), n, runs)
            )
    return {"rows": rows}
