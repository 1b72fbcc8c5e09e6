"""The built-in set: street scenes drawn from a seed, as an ordinary side-by-side folder."""

import json
import logging
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from subprocess import DEVNULL

import cv2
import numpy as np

from i2i.data.synthetic.backdrop import (
    Building,
    Street,
    cast_shade,
    paint_front,
    paint_ground,
    paint_row,
    paint_sky,
    visible_fronts,
)
from i2i.data.synthetic.drawing import PALETTE, Camera, Canvas
from i2i.data.synthetic.objects import PAINTERS, Thing, shadow_outline
from i2i.errors import setting_error

__all__ = ["PALETTE", "SyntheticScenes", "draw_scene"]

DRAWING_VERSION = 1  # raise it whenever the same seed gives other pixels
MANIFEST = "synthetic.json"
SPLITS = ("train", "val", "test")
PNG_OPTIONS = [cv2.IMWRITE_PNG_COMPRESSION, 1, cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_UP]
WORTH_A_PROCESS = 40  # pairs
LANE = 3.2  # metres
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SyntheticScenes:
    """Pairs of a photograph (left half, A) and its label colours (right half, B).

    Scene i of a split depends on the seed, the split and i alone, so a larger set begins with the
    pictures of a smaller one.

    Attributes:
        seed: At least 0.
        n_train: Pairs in ``train/``, at least 1.
        n_val: Pairs in ``val/``, at least 1.
        n_test: Pairs in ``test/``, at least 1.
        size: Height and width of each half in pixels, at least 32.
    """

    seed: int = 0
    n_train: int = 400
    n_val: int = 50
    n_test: int = 100
    size: int = 256

    def __post_init__(self) -> None:
        least = {"seed": 0, "n_train": 1, "n_val": 1, "n_test": 1, "size": 32}
        for name, bound in least.items():
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < bound:
                raise setting_error(
                    f"{name}={value!r}",
                    f"{value!r}",
                    f"a whole number of at least {bound}",
                    f"Set {name} of the built-in set to {bound} or more.",
                )

    @property
    def manifest(self) -> dict[str, int | str]:
        return {"drawn_by": "i2i.data.synthetic.scenes", "version": DRAWING_VERSION} | asdict(self)

    @property
    def counts(self) -> dict[str, int]:
        return {"train": self.n_train, "val": self.n_val, "test": self.n_test}

    def prepare(self, root: Path) -> None:
        """Draws the set into ``root/{train,val,test}/NNNN.png``, unless it stands there already.

        It is drawn into a hidden sibling that takes the name ``root`` when all of it is there. Two
        processes may do this at the same time. Nothing that stands in ``root`` is ever changed.

        Args:
            root: The folder of the set; created with its parents.

        Raises:
            SettingError: If something else stands in ``root``, or if it cannot be written.
        """
        root = Path(root).resolve()
        try:
            if self._stands_in(root):
                return
            log.info("drawing %d street scenes into %s", sum(self.counts.values()), root)
            root.parent.mkdir(parents=True, exist_ok=True)
            drawing = root.parent / f".{root.name}.{secrets.token_hex(4)}.part"
            try:
                self._draw_into(drawing)
                self._publish(drawing, root)
            finally:
                shutil.rmtree(drawing, ignore_errors=True)
        except OSError as error:
            raise setting_error(
                f"dataset.root={str(root)!r}",
                f"a folder that cannot be written ({error.strerror or error})",
                f"a place for the {sum(self.counts.values())} pictures of the built-in set",
                "Name another folder with dataset.root=PATH.",
            ) from error

    def _stands_in(self, root: Path) -> bool:
        if not root.exists() or (root.is_dir() and not any(root.iterdir())):
            return False
        manifest = root / MANIFEST
        found = f"other files and no {MANIFEST}"
        if not root.is_dir():
            found = "a file"
        elif manifest.is_file():
            found = manifest.read_text(encoding="utf-8", errors="replace").strip()
            if found == json.dumps(self.manifest):
                counts = {split: len(list((root / split).glob("*.png"))) for split in SPLITS}
                if counts == self.counts:
                    return True
                found = f"pictures removed or added since they were drawn ({counts})"
        raise setting_error(
            f"dataset.root={str(root)!r}",
            found[:300],
            f"an empty or new folder, or the built-in set {json.dumps(self.manifest)}",
            "Name another folder with dataset.root=PATH, or move this one away yourself.",
        )

    def _draw_into(self, folder: Path) -> None:
        for split in SPLITS:
            (folder / split).mkdir(parents=True)
        total = sum(self.counts.values())
        shares = max(1, min(8, os.cpu_count() or 1, total // WORTH_A_PROCESS))
        command = [sys.executable, "-m", __name__, json.dumps(asdict(self)), str(folder)]
        # Not a process pool: that would import the main script, with all of PyTorch, once more.
        paths = {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
        helpers = [
            subprocess.Popen(
                [*command, str(i), str(shares)], env=os.environ | paths, stderr=DEVNULL
            )
            for i in range(1, shares)
        ]
        try:
            self.draw_share(folder, 0, shares)
            for share, helper in enumerate(helpers, start=1):
                if helper.wait() != 0:  # then what went wrong shows here, or goes right
                    self.draw_share(folder, share, shares)
        finally:
            for helper in helpers:
                helper.kill()
                helper.wait()
        (folder / MANIFEST).write_text(json.dumps(self.manifest) + "\n", encoding="utf-8")

    def draw_share(self, folder: Path, share: int, shares: int) -> None:
        """Draws every ``shares``-th pair, from pair number ``share``, into its split's folder."""
        places = [(split, i) for split, count in self.counts.items() for i in range(count)]
        for split, index in places[share::shares]:
            photo, label = draw_scene(scene_generator(self.seed, split, index), self.size)
            pair = cv2.cvtColor(np.concatenate([photo, label], axis=1), cv2.COLOR_RGB2BGR)
            _, png = cv2.imencode(".png", pair, PNG_OPTIONS)
            (folder / split / f"{index:04d}.png").write_bytes(png.tobytes())

    def _publish(self, drawing: Path, root: Path) -> None:
        try:
            drawing.replace(root)
        except OSError:
            if not self._stands_in(root):  # then another process was faster, with the same set
                raise


def scene_generator(seed: int, split: str, index: int) -> np.random.Generator:
    key = np.random.SeedSequence(seed, spawn_key=(SPLITS.index(split), index))
    return np.random.Generator(np.random.PCG64(key))


def draw_scene(rng: np.random.Generator, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Draws one scene.

    Args:
        rng: Decides what stands where; used up by the call.
        size: Height and width in pixels.

    Returns:
        The photograph and its label colours, both (size, size, 3) uint8 RGB; each pixel of the
        second is one of ``PALETTE``.
    """
    camera = Camera(size, size * rng.uniform(0.46, 0.57), size * rng.uniform(0.36, 0.64))
    things: list[Thing] = []
    street = plan_street(rng)
    if street.crossing is not None:
        x = street.kerbs[1] + 0.5
        things.append(Thing("traffic light", x, street.crossing - 2))
    buildings, gap_trees = plan_buildings(rng, street)
    things += [*plan_traffic(rng, street), *plan_pavements(rng, street)]
    canvas = Canvas(camera)
    paint_sky(canvas, tuple(rng.uniform(-12, 12, 2).tolist()), rng.uniform(0.05, 0.4))
    outlines = [shadow_outline(thing) for thing in [*things, *gap_trees]]
    paint_ground(canvas, street, cast_shade(camera, street, buildings, outlines))
    for item in sorted([*visible_fronts(buildings), *gap_trees], key=lambda item: -item.z):
        if isinstance(item, Building):
            paint_front(canvas, item)
        else:
            PAINTERS[item.kind](canvas, item)
    for x in street.walls:
        paint_row(canvas, x, [building for building in buildings if building.x == x])
    for thing in sorted(things, key=lambda thing: -thing.z):
        PAINTERS[thing.kind](canvas, thing)
    bright, warmth = rng.uniform(0.96, 1.06), rng.uniform(-0.05, 0.05)
    return canvas.developed(rng, (bright * (1 + warmth), bright, bright * (1 - warmth)))


def plan_street(rng: np.random.Generator) -> Street:
    """The camera drives in the right-hand lane next to the middle of the road."""
    lanes_left, lanes_right = rng.integers(1, 3, 2).tolist()
    parking_left, parking_right = rng.choice([0.4, 2.4], 2).tolist()
    left = -LANE / 2 - LANE * lanes_left - parking_left
    right = LANE / 2 + LANE * (lanes_right - 1) + parking_right
    lines = [-LANE / 2 + LANE * i for i in range(1 - lanes_left, lanes_right)]
    walls = (left - rng.uniform(2.2, 4.0), right + rng.uniform(2.2, 4.0))
    crossing = rng.uniform(11, 24) if rng.random() < 0.4 else None
    return Street((left, right), walls, tuple(lines), crossing)


def plan_buildings(rng: np.random.Generator, street: Street) -> tuple[list[Building], list[Thing]]:
    """Two rows with gaps, where trees stand on grass; no two neighbours are equally high."""
    buildings, trees = [], []
    for x in street.walls:
        side = 1 if x > 0 else -1
        gaps, z, storeys = rng.uniform(0.1, 0.5), rng.uniform(2.5, 9), 0
        while z < 130:
            length = rng.uniform(8, 17)
            if rng.random() < gaps:
                for place in (0.25, 0.75):
                    size = rng.uniform(1, 1.6)
                    away = side * (2 * size + rng.uniform(0, 1.5))
                    if 5 < z < 70:
                        trees.append(Thing("tree", x + away, z + place * length, size))
            else:
                storeys = int(rng.choice([n for n in range(1, 6) if n != storeys]))
                tint = tuple(rng.uniform(-9, 9, 3).tolist())
                buildings.append(Building(x, z, length, storeys, tint))
            z += length
    for x in range(-21, 22, 14):  # the far end of the street
        buildings.append(Building(float(x), rng.uniform(140, 150), 9, int(rng.integers(1, 6))))
    return buildings, trees


def plan_traffic(rng: np.random.Generator, street: Street) -> Iterator[Thing]:
    """Cars parked at the kerbs, cars ahead in the lanes to the right, oncoming ones on the left."""
    for x in [street.lanes[0] - LANE / 2] + [line + LANE / 2 for line in street.lanes]:
        z = rng.uniform(8, 40)
        while z < 75:
            yield Thing("car", x, z, style=int(rng.integers(5)))
            z += rng.uniform(12, 50)
    for kerb, line in ((street.kerbs[0], street.lanes[0]), (street.kerbs[1], street.lanes[-1])):
        if abs(kerb - line) > LANE + 1:  # there is a strip to park on
            inwards = 1.15 if kerb < 0 else -1.15
            for z in np.arange(rng.uniform(6.5, 12), 55, 6.3).tolist():
                if rng.random() < 0.5:
                    yield Thing("car", kerb + inwards, z, style=int(rng.integers(5)))


def plan_pavements(rng: np.random.Generator, street: Street) -> Iterator[Thing]:
    """Trees and lamps in rows near the kerb, signs, people."""
    for side, kerb, wall in zip((-1, 1), street.kerbs, street.walls, strict=True):
        near = kerb + side * 0.5
        if rng.random() < 0.5:
            for z in np.arange(rng.uniform(10, 16), 80, 11).tolist():
                yield Thing(
                    "tree", kerb + side * 0.9, z, rng.uniform(0.85, 1.2), int(rng.integers(9))
                )
        if rng.random() < 0.6:
            for z in np.arange(rng.uniform(9, 22), 80, 22).tolist():
                yield Thing("lamp", near, z)
        for z in rng.uniform(8, 28, rng.integers(0, 3)).tolist():
            yield Thing("sign", near, z)
        for z in rng.uniform(6, 32, rng.integers(0, 5)).tolist():
            x = kerb + (wall - kerb) * rng.uniform(0.3, 0.8)
            style = int(rng.integers(4))
            yield Thing("pedestrian", x, z, rng.uniform(0.9, 1.05), style)


def main(settings: str, folder: str, share: str, shares: str) -> None:
    """Draws one share of the set in a process of its own."""
    cv2.setNumThreads(1)
    SyntheticScenes(**json.loads(settings)).draw_share(Path(folder), int(share), int(shares))


if __name__ == "__main__":
    main(*sys.argv[1:])
