"""The things that stand in a street scene: trees, cars, pedestrians and poles."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from i2i.data.synthetic.backdrop import SUN_DRIFT, SUN_SLOPE
from i2i.data.synthetic.drawing import Canvas, Solid, fill, hazed, planar, sampled

TURN = np.arange(16) * (np.pi / 8)
CIRCLE = np.stack([np.cos(TURN), np.sin(TURN)], axis=1)
FLAT_CIRCLE = np.insert(CIRCLE, 1, 0.0, axis=1)
CAR_SHADOW = np.array([(-0.9, 0, -0.1), (1.65, 0, 0.1), (1.65, 0, 4.4), (-0.9, 0, 4.2)])
CAR_PAINT = ((176, 40, 36), (226, 226, 222), (44, 84, 150), (150, 156, 160), (52, 54, 60))
COATS = ((150, 52, 48), (52, 74, 128), (196, 170, 120), (70, 96, 74))
LEAVES = planar((92, 124, 52))
BLACK, RUBBER, GLASS, MIRROR = (24, 24, 26), (20, 20, 22), (46, 56, 66), (130, 152, 168)
FAR = 32.0  # metres; beyond it small parts of a car are less than a pixel
Face = tuple[np.ndarray, float, Sequence[float]]  # corners, share of the own colour, added colour


@dataclass(frozen=True)
class Thing:
    """Something that stands on the street; ``kind`` is a key of ``PAINTERS``, x and z in metres."""

    kind: str
    x: float
    z: float
    size: float = 1.0
    style: int = 0


def shadow_outline(thing: Thing) -> np.ndarray:
    """The shadow on the ground, (n, 3) corners in metres; the sun stands at the left."""
    x, z = thing.x, thing.z
    if thing.kind == "car":
        return CAR_SHADOW + np.array((x, 0, z))
    height, half = {"tree": (3.6, 1.7), "pedestrian": (1.7, 0.2)}.get(thing.kind, (4.0, 0.07))
    reach = height * thing.size / SUN_SLOPE
    tip_x, tip_z = x + reach, z + reach * SUN_DRIFT
    if thing.kind == "tree":
        return FLAT_CIRCLE * (half * thing.size) + np.array((tip_x, 0, tip_z))
    near = [(x, 0, z - half), (tip_x, 0, tip_z - half)]
    return np.array([*near, (tip_x, 0, tip_z + half), (x, 0, z + half)])


def assembled(faces: Iterable[Face]) -> Solid:
    """Joins coloured faces into one solid."""
    corners, shares, added = zip(*faces, strict=True)
    return Solid(
        np.concatenate(corners),
        tuple(np.cumsum([len(c) for c in corners]).tolist()),
        np.array(shares, np.float32)[:, None],
        np.array(added, np.float32),
    )


def upright(points: Sequence[Sequence[float]], z: float = 0.0) -> np.ndarray:
    """Corners (x, y) on a plane that faces the camera."""
    return np.insert(np.asarray(points, float), 2, z, axis=1)


def box(left: float, right: float, low: float, high: float) -> np.ndarray:
    """An upright rectangle, in metres."""
    return upright([(left, low), (right, low), (right, high), (left, high)])


def paint_tree(canvas: Canvas, tree: Thing) -> None:
    """A trunk and a crown of overlapping discs, lit from the upper left, with leaves."""
    radius, camera = 1.75 * tree.size, canvas.camera
    canvas.solid("tree", trunk(), (tree.x, tree.z), scale=tree.size)
    scale = camera.focal / tree.z  # pixels a metre
    (middle,) = camera.project(np.array([(tree.x, 4.0 * tree.size, tree.z)]))
    column, row = middle.tolist()
    turn = np.arange(7) * (2 * np.pi / 7) + 0.7 * tree.style
    reach = 0.62 + 0.06 * np.cos(3 * turn)
    knots = np.stack([reach * np.cos(turn), reach * np.sin(turn)], axis=1)
    crown = np.concatenate([CIRCLE[None] * 0.78, knots[:, None] + CIRCLE * 0.44])
    crown = crown * (radius * scale) + middle  # (8, 16, 2)

    def leaves(columns: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        across, down = (columns - column) / scale, (rows - row) / scale
        leaf = sampled("leaf", across * 22, down * 22)
        lit = 0.86 - (0.26 * across + 0.3 * down) / radius
        tone = np.clip(lit * (1 + 0.3 * leaf * min(1, scale / 7)), 0.2, 1.7)
        inside = np.zeros(tone.shape, np.uint8)
        for disc in crown - (columns[0, 0], rows[0, 0]):
            fill(inside, disc, 1)
        return hazed(LEAVES * tone, tree.z), inside.view(bool)

    canvas.shaded(canvas.window(crown.reshape(-1, 2)), "tree", leaves)


@lru_cache(maxsize=1)
def trunk() -> Solid:
    """A tree's trunk, lit from the left."""
    light = (box(-0.14, 0.0, 0, 3.0), 0, (86, 68, 52))
    return assembled([light, (box(0.0, 0.14, 0, 3.0), 0, (56, 44, 36))])


def paint_car(canvas: Canvas, car: Thing) -> None:
    """Seen from behind; on the left of the camera, where cars come towards it, from the front."""
    seen = 0 if abs(car.x) < 0.9 else 1 if car.x < 0 else -1
    body = car_body(seen, car.x < 0, car.z > FAR)
    canvas.solid("car", body, (car.x, car.z), CAR_PAINT[car.style % len(CAR_PAINT)])


@lru_cache(maxsize=12)
def car_body(flank: int, towards: bool, far: bool) -> Solid:
    """``flank`` is the side that shows: -1 left, 1 right, 0 none."""

    def screen(low: float, high: float, inset: float) -> np.ndarray:
        corners = []
        for sign, y in ((-1, low), (1, low), (1, high), (-1, high)):
            rise = (y - 0.92) / 0.53
            corners.append((sign * (0.84 - 0.18 * rise - inset), y, 0.5 + 0.5 * rise))
        return np.array(corners)

    faces: list[Face] = []
    for half, y, near, end in ((0.88, 0.92, 0.0, 4.3), (0.66, 1.45, 1.0, 2.9)):
        top = [(-half, y, near), (half, y, near), (half, y, end), (-half, y, end)]
        faces.append((np.array(top), 1.1, (26, 26, 26)))
    faces += car_flank(flank, far) if flank else []
    faces += [
        (screen(0.92, 1.45, 0), 0.8, (0, 0, 0)),
        (screen(0.97, 1.39, 0.07), 0, GLASS),
        (screen(1.22, 1.39, 0.07), 0, MIRROR),
        (box(-0.86, 0.86, 0.08, 0.4), 0, BLACK),
        (box(-0.88, 0.88, 0.32, 0.92), 0.84, (0, 0, 0)),
        (box(-0.88, 0.88, 0.32, 0.5), 0.4, (14, 14, 14)),
    ]
    for left in (-0.86, 0.54):
        lamp = (250, 246, 226) if towards else (206, 26, 22)
        faces.append((box(left, left + 0.32, 0.64, 0.82), 0, lamp))
        faces.append((box(left + 0.02, left + 0.26, 0.0, 0.32), 0, RUBBER))
    if not far:
        faces.append((box(-0.88, 0.88, 0.86, 0.92), 0.95, (40, 40, 40)))
        faces.append((box(-0.26, 0.26, 0.5, 0.62), 0, (222, 222, 210)))
    return assembled(faces)


def car_flank(side: int, far: bool) -> list[Face]:
    """The side towards the middle of the picture: sunlit on the right, in the shade on the left."""
    light = 1.08 if side < 0 else 0.66

    def outline(profile: Sequence[Sequence[float]], share: float, added: Sequence[float]) -> Face:
        half = [0.88 - max(0.0, y - 0.92) * 0.38 for _, y in profile]
        corners = [(side * h, y, z) for h, (z, y) in zip(half, profile, strict=True)]
        return np.array(corners), share * light, np.multiply(added, light)

    body = [(0, 0.28), (4.3, 0.28), (4.3, 0.72), (4.1, 0.88), (0, 0.92)]
    cabin = [(0.5, 0.92), (3.7, 0.9), (2.9, 1.45), (1.0, 1.45)]
    window = [(0.85, 0.96), (3.3, 0.95), (2.75, 1.37), (1.12, 1.38)]
    faces = [outline(body, 1, (0, 0, 0)), outline(cabin, 1, (0, 0, 0)), outline(window, 0, GLASS)]
    if not far:
        upper = [(0.98, 1.2), (3.0, 1.18), (2.75, 1.37), (1.12, 1.38)]
        pillar = [(1.95, 0.95), (2.08, 0.95), (2.08, 1.4), (1.95, 1.4)]
        sill = [(0, 0.28), (4.3, 0.28), (4.3, 0.42), (0, 0.42)]
        shine = [(0.05, 0.8), (4.1, 0.78), (4.1, 0.84), (0.05, 0.87)]
        faces += [outline(upper, 0, MIRROR), outline(pillar, 0.8, (0, 0, 0))]
        faces += [outline(sill, 0.45, (0, 0, 0)), outline(shine, 0.8, (60, 60, 60))]
    for axle in (0.8, 3.4):
        faces.append(outline(CIRCLE * 0.36 + (axle, 0.36), 0, BLACK))
        if not far:
            faces.append(outline(CIRCLE * 0.2 + (axle, 0.36), 0, (156, 158, 160)))
    return faces


def paint_pedestrian(canvas: Canvas, walker: Thing) -> None:
    """Paints one walker."""
    coat = COATS[walker.style % len(COATS)]
    canvas.solid("pedestrian", figure(), (walker.x, walker.z), coat, walker.size)


@lru_cache(maxsize=1)
def figure() -> Solid:
    """Legs, coat, arms and head, 1.75 m tall; the right half of each lies in the shade."""
    none = (0, 0, 0)
    faces: list[Face] = []
    for left in (-0.17, 0.03):
        faces.append((box(left, left + 0.14, 0, 0.85), 0, (48, 50, 66)))
        faces.append((box(left, left + 0.18, 0, 0.08), 0, BLACK))
    for share, corners in (
        (1.15, [(-0.22, 0.72), (0, 0.72), (0, 1.46), (-0.2, 1.42)]),
        (0.6, [(0, 0.72), (0.22, 0.72), (0.2, 1.42), (0, 1.46)]),
        (0.9, [(-0.3, 0.8), (-0.22, 0.8), (-0.16, 1.4), (-0.24, 1.36)]),
        (0.45, [(0.22, 0.8), (0.3, 0.8), (0.24, 1.36), (0.16, 1.4)]),
    ):
        faces.append((upright(corners), share, none))
    faces.append((upright(CIRCLE * (0.14, 0.16) + (0, 1.62)), 0, (62, 46, 38)))
    faces.append((upright(CIRCLE * (0.115, 0.14) + (0, 1.58)), 0, (212, 168, 140)))
    return assembled(faces)


@lru_cache(maxsize=8)
def mast(height: float, half: float) -> Solid:
    """A round upright: bright towards the sun, dark away from it."""
    light = (box(-half, -0.2 * half, 0, height), 0, (158, 158, 162))
    return assembled([light, (box(-0.2 * half, half, 0, height), 0, (82, 82, 86))])


@lru_cache(maxsize=2)
def lamp_head(side: int) -> Solid:
    """The arm and head of a street lamp; side is the direction of the road."""
    arm = upright([(0, 6.25), (1.5 * side, 6.45), (1.5 * side, 6.6), (0, 6.45)])
    tip = 1.5 * side
    head = [(tip - 0.35, 6.4), (tip + 0.35, 6.4), (tip + 0.25, 6.62), (tip - 0.25, 6.62)]
    return assembled([(arm, 0, (110, 110, 114)), (upright(head), 0, (206, 204, 190))])


@lru_cache(maxsize=2)
def sign_plate(front: bool) -> Solid:
    """Red and white; grey from behind."""
    ring, field, bar = ((204, 34, 34), (240, 238, 232), (40, 40, 44)) if front else [(118,) * 3] * 3
    rings = [(upright(CIRCLE * r + (0, 2.7)), 0, c) for r, c in ((0.42, ring), (0.29, field))]
    return assembled([*rings, (box(-0.2, 0.2, 2.63, 2.77), 0, bar)])


@lru_cache(maxsize=1)
def signal_head() -> Solid:
    """Three lamps, of which always the green one is lit, since the label does not tell."""
    faces: list[Face] = [(box(-0.24, 0.24, 2.5, 3.7), 0, (34, 36, 38))]
    for height, colour in ((3.45, (96, 30, 28)), (3.1, (110, 84, 30)), (2.75, (70, 236, 150))):
        faces.append((upright(CIRCLE * 0.145 + (0, height)), 0, colour))
    return assembled(faces)


def paint_lamp(canvas: Canvas, lamp: Thing) -> None:
    """Paints a street lamp."""
    canvas.solid("pole", mast(6.4, 0.09), (lamp.x, lamp.z))
    canvas.solid("pole", lamp_head(1 if lamp.x < 0 else -1), (lamp.x, lamp.z))


def paint_sign(canvas: Canvas, sign: Thing) -> None:
    """Paints a traffic sign on its mast."""
    canvas.solid("pole", mast(2.7, 0.05), (sign.x, sign.z))
    canvas.solid("sign", sign_plate(sign.x > 0), (sign.x, sign.z))


def paint_traffic_light(canvas: Canvas, light: Thing) -> None:
    """Paints a traffic light on its mast."""
    canvas.solid("pole", mast(3.0, 0.07), (light.x, light.z))
    canvas.solid("traffic light", signal_head(), (light.x, light.z))


PAINTERS = {
    "tree": paint_tree,
    "car": paint_car,
    "pedestrian": paint_pedestrian,
    "lamp": paint_lamp,
    "sign": paint_sign,
    "traffic light": paint_traffic_light,
}
