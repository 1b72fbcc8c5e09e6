"""Peak memory and seconds of translating large pictures, in tiles and whole.

``python benchmarks/large_pictures.py [--quick]`` prints the table, with the largest picture, which
takes a minute and is no part of ``make bench``. The network is a residual one with fixed statistics
whose receptive field fits the overlap, so that tiles and whole picture are compared as well. It
runs on the CPU, with random weights.
"""

import json
import sys
import tempfile
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np

if __name__ == "__main__":
    root = Path(__file__).resolve().parents[1]
    sys.path[:1] = [str(root), str(root / "src")]

from benchmarks.fresh_process import last_error, run_command

TILE, OVERLAP = 512, 64
NETWORK = {"base_channels": 8, "n_blocks": 2, "norm": "batch"}  # receptive-field radius 28
SIDES = {True: (1024,), False: (1024, 4096)}  # by quick
LARGEST = 8192
LARGEST_WHOLE = 1024  # 4096 takes 3 GB
LIMIT = 400.0  # seconds a picture
MIB = 2**20


def write_picture(file: Path, side: int) -> None:
    """A smooth picture with a little noise, as a PNG."""
    rng = np.random.default_rng(side)
    coarse = rng.integers(0, 248, (16, 16, 3)).astype(np.uint8)
    image = cv2.resize(coarse, (side, side), interpolation=cv2.INTER_CUBIC)
    noise = np.tile(rng.integers(0, 8, (256, 256, 3)).astype(np.uint8), (side // 256,) * 2 + (1,))
    cv2.imwrite(str(file), cv2.add(image, noise))


def make_model() -> Any:
    """What translate.py takes of a model, without a checkpoint."""
    import torch

    from i2i.data.tasks.task import Task
    from i2i.generators.resnet import ResnetGenerator
    from i2i.inference.translate import translate

    torch.manual_seed(0)
    network = ResnetGenerator(3, 3, **NETWORK)
    for layer in network.modules():  # weights that make a picture, not almost grey
        if isinstance(layer, torch.nn.Conv2d | torch.nn.ConvTranspose2d):
            torch.nn.init.normal_(layer.weight, std=layer.weight[0].numel() ** -0.5)
    return SimpleNamespace(
        generator=network, inference="eval", seed=0, device=torch.device("cpu"), task=Task(),
        config={"dataset": {"input_channels": 3}},
        translate=lambda x, names: translate(network, x, names, "eval", 0),
    )  # fmt: skip


def translate_file(source: str, target: str, tile: str) -> dict[str, float]:
    """Reads, translates and writes one picture as translate.py does; in a process of its own.

    Returns:
        Seconds on the clock and of all cores, and the process's peak resident memory (Linux) in
        MiB: before, and with it.
    """
    from i2i.commands.translate import translate_all
    from i2i.inference.files_to_translate import Job
    from i2i.inference.tiled_files import make_tiling

    model, targets = make_model(), [Path(target)]
    translate_all(model, [Job(Path(source).with_name("warm.png"), "", targets)], {}, None, "raise")
    before, started, worked = peak_mib(), time.perf_counter(), time.process_time()
    tiling = make_tiling(int(tile) or None, OVERLAP, model)
    translate_all(model, [Job(Path(source), "a", targets)], {}, None, "raise", tiling)
    seconds, cpu = time.perf_counter() - started, time.process_time() - worked
    return {"seconds": seconds, "cpu_s": cpu, "peak_mib": peak_mib(), "peak_before_mib": before}


def peak_mib() -> float:
    """VmHWM, which, unlike ``ru_maxrss``, knows nothing of the process that started this one."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


def run(source: Path, target: Path, tile: int) -> dict[str, Any]:
    """Calls ``translate_file`` in a process of its own."""
    words = [sys.executable, str(Path(__file__).resolve()), "--one", str(source), str(target)]
    done = run_command([*words, str(tile)], LIMIT)
    if done.returncode:
        return {"error": last_error(done)}
    return json.loads(done.stdout.splitlines()[-1])


def measure(quick: bool, further: Sequence[int] = ()) -> dict[str, Any]:
    """A picture of 1024 squared in tiles and whole, and one of 4096 in tiles.

    Args:
        quick: Without the latter.
        further: Sides of more pictures, in tiles.

    Returns:
        A row for each run: ``seconds``, ``cpu_s`` (which a busy machine hardly lengthens),
        ``peak_mib``, ``peak_before_mib`` (with everything imported
        and a picture of 256 x 256 translated), ``picture_mib`` (8 bits, which the input takes) and,
        where both ways ran, ``levels``, the largest difference between them of 255.
    """
    rows: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_picture(folder / "warm.png", 256)
        for side in (*SIDES[quick], *further):
            source, tiles, whole = (folder / f"{n}.png" for n in ("in", "tiles", "whole"))
            write_picture(source, side)
            row = rows[f"{side} x {side}, tile={TILE} overlap={OVERLAP}"] = run(source, tiles, TILE)
            row["picture_mib"] = 3 * side**2 / MIB
            if side <= LARGEST_WHOLE:
                rows[f"{side} x {side}, tile=null"] = run(source, whole, 0)
                row["levels"] = difference(tiles, whole)
    return {"network": NETWORK, "rows": rows}


def difference(a: Path, b: Path) -> int | None:
    """Largest difference of two pictures; None where one was not written."""
    pictures = [cv2.imread(str(file)) for file in (a, b)]
    if any(picture is None for picture in pictures):
        return None
    rows = range(0, len(pictures[0]) + 1024, 1024)
    return max(int(cv2.absdiff(*(p[i:j] for p in pictures)).max()) for i, j in pairwise(rows))


def table(results: dict[str, Any]) -> str:
    """The rows as text."""
    lines = [
        f"{'':38}{'seconds':>9}{'CPU s':>8}{'peak MiB':>10}{'before':>8}{'picture':>9}{'levels':>8}"
    ]
    for name, row in results["rows"].items():
        if "error" in row:
            lines.append(f"{name:38}{row['error']}")
            continue
        cells = [f"{row[key]:.0f}" for key in ("peak_mib", "peak_before_mib")]
        picture = f"{row['picture_mib']:.0f}" if "picture_mib" in row else ""
        numbers = f"{row['seconds']:9.1f}{row['cpu_s']:8.1f}{cells[0]:>10}{cells[1]:>8}"
        lines.append(f"{name:38}{numbers}{picture:>9}{row.get('levels', '')!s:>8}")
    return "\n".join(lines)


if __name__ == "__main__":
    if "--one" in sys.argv:
        print(json.dumps(translate_file(*sys.argv[sys.argv.index("--one") + 1 :])))
    else:
        quick = "--quick" in sys.argv
        print(table(measure(quick, () if quick else (LARGEST,))))
