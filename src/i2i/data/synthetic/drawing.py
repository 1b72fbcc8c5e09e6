"""Draws one street scene: a photograph and the label map that belongs to it.

Lengths are centimetres with the eye above the origin: x to the right, y up from the road, z ahead.
All arithmetic is on whole numbers, so that the pixels are the same on every processor.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

# The colours of Cityscapes (Cordts et al. 2016); "pavement", "grass", "tree" and "pedestrian" are
# its "sidewalk", "terrain", "vegetation" and "person".
PALETTE: dict[str, tuple[int, int, int]] = {
    "sky": (70, 130, 180),
    "building": (70, 70, 70),
    "road": (128, 64, 128),
    "pavement": (244, 35, 232),
    "grass": (152, 251, 152),
    "tree": (107, 142, 35),
    "car": (0, 0, 142),
    "pedestrian": (220, 20, 60),
    "pole": (153, 153, 153),
    "sign": (220, 220, 0),
    "traffic light": (250, 170, 30),
}
Colour = Sequence[int]  # RGB
EYE, NEAR, FAR, LANE = 160, 100, 60000, 320
HAZE, CLEAR = (196, 206, 216), 16000  # colour of the air; the distance at which it makes up half
SKY_TOP, SKY_LOW, CLOUD = np.array([(86, 132, 200), (214, 222, 226), (250, 249, 246)], np.uint16)
LIT, FRONTAL, SHADED = 108, 86, 62  # per cent: the sun always stands on the left
STOREY, SHOP, COPING = 300, 360, 60
# The number of storeys decides a wall's colour, so that the outline in the label tells the colour.
WALLS = (214, 196, 160), (206, 160, 104), (168, 92, 72), (182, 176, 164), (128, 142, 156)
PANE, MIRROR, TRIM = (40, 50, 64), (124, 150, 178), (226, 222, 212)
COATS = (150, 52, 48), (52, 74, 128), (196, 170, 120), (70, 96, 74)
PAINTS = (176, 40, 36), (226, 226, 222), (44, 84, 150), (150, 156, 160), (52, 54, 60)
LEAVES, MAST, DARK, RED = (86, 118, 48), (98, 98, 104), (34, 36, 38), (206, 30, 28)
# What a thing is made of around its foot, in the order of drawing: a rectangle (left, right, low,
# high) or a disc (x, y, radius), and a colour or the per cent of the thing's own colour.
CROWN = (-90, 360, 90), (90, 360, 90), (-60, 470, 90), (70, 470, 90), (0, 410, 130)
CABIN = [((-76, 76, 90, 145), 80), ((-66, 66, 98, 138), PANE), ((-66, 66, 120, 138), MIRROR)]
BODY = [((-90, 90, 28, 95), 88), ((-90, 90, 28, 46), DARK)]
WHEELS = [((x, x + 32, 0, 30), DARK) for x in (-84, 52)]
LIGHTS = [((x, x + 32, 64, 82), RED) for x in (-84, 52)]
LEGS = [((x, x + 13, 0, 85), (46, 48, 62)) for x in (-16, 3)]
GREEN = (70, 236, 150)  # the lamp that is always lit, since the label does not tell
PARTS: dict[str, list[tuple[Sequence[int], Colour | int]]] = {
    "tree": [((-14, 14, 0, 300), (70, 56, 44)), *((disc, 80) for disc in CROWN)],
    "car": [*CABIN, *BODY, *WHEELS, *LIGHTS],
    "pedestrian": [*LEGS, ((-26, 26, 80, 146), 90), ((0, 162, 14), (206, 164, 136))],
    "pole": [((-7, 7, 0, 640), MAST), ((-110, 110, 625, 645), MAST)],
    "sign": [((0, 270, 42), RED), ((0, 270, 29), TRIM)],
    "traffic light": [((-24, 24, 250, 370), DARK), ((0, 275, 15), GREEN), ((0, 345, 15), RED)],
}


@dataclass(frozen=True)
class Thing:
    """Something that stands at (x, z); ``size`` in per cent, that of a building in storeys."""

    name: str
    x: int
    z: int
    size: int = 100
    colour: Colour = LEAVES
    length: int = 400

    @property
    def height(self) -> int:
        return SHOP + (self.size - 1) * STOREY + 2 * COPING


class Canvas:
    """Photograph and label colours, both (size, size, 3) uint8; each shape is drawn into both."""

    def __init__(self, size: int, horizon: int, centre: int, rng: np.random.Generator) -> None:
        self.size, self.horizon, self.centre, self.rng = size, horizon, centre, rng
        self.photo = np.zeros((size, size, 3), np.uint8)
        self.label = np.full((size, size, 3), PALETTE["sky"], np.uint8)
        self.label[horizon:] = PALETTE["grass"]

    def pick(self, low: int, high: int) -> int:
        """A whole number from ``low`` to ``high`` - 1."""
        return int(self.rng.integers(low, high))

    def project(self, points: np.ndarray) -> np.ndarray:
        """From (..., 3) centimetres, all ahead of the eye, to (..., 2) sixteenths of a pixel."""
        sixteenths = (points[..., :2] - (0, EYE)) * (16 * self.size, -16 * self.size)
        middle = np.multiply(16, (self.centre, self.horizon))
        return (sixteenths // points[..., 2:] + middle).astype(np.int32)

    def fill(self, name: str, polygons: Sequence, colour: Colour) -> None:
        """Fills polygons of one class, (n, corners, 3) centimetres; haze as at the first corner."""
        if len(polygons):
            corners = np.array(polygons, np.int64)
            outlines, seen = list(self.project(corners)), hazed(colour, int(corners[0, 0, 2]))
            cv2.fillPoly(self.photo, outlines, seen, shift=4)
            cv2.fillPoly(self.label, outlines, PALETTE[name], shift=4)

    def part(self, thing: Thing, shape: Sequence[int], colour: Colour | int) -> None:
        """Draws a rectangle or a disc of a thing, see ``PARTS``."""
        colour = shade(thing.colour, colour) if isinstance(colour, int) else colour
        shape = [length * thing.size // 100 for length in shape]
        if len(shape) == 4:
            return self.fill(thing.name, [upright(thing.x, thing.z, (1, 0), *shape)], colour)
        x, y, radius = thing.x + shape[0], EYE - shape[1], shape[2] * self.size // thing.z
        middle = (self.centre + x * self.size // thing.z, self.horizon + y * self.size // thing.z)
        cv2.circle(self.photo, middle, radius, hazed(colour, thing.z), cv2.FILLED)
        cv2.circle(self.label, middle, radius, PALETTE[thing.name], cv2.FILLED)


def hazed(colour: Colour, z: int) -> Colour:
    """Mixes in the colour of the air."""
    return [(c * CLEAR + air * z) // (CLEAR + z) for c, air in zip(colour, HAZE, strict=True)]


def shade(colour: Colour, percent: int) -> Colour:
    """Gives so much light."""
    return [min(255, c * percent // 100) for c in colour]


def flat(left: int, right: int, near: int = NEAR, far: int = FAR, y: int = 0) -> list:
    """Corners of a rectangle on the ground, or at the height ``y``."""
    return [(left, y, near), (right, y, near), (right, y, far), (left, y, far)]


def upright(x: int, z: int, along: tuple[int, int], *edges: int) -> list:
    """Corners of a wall through (x, z) in direction ``along``; edges left, right, low, high."""
    left, right, low, high = edges
    places = (left, low), (right, low), (right, high), (left, high)
    return [(x + u * along[0], y, z + u * along[1]) for u, y in places]


def paint_sky(canvas: Canvas) -> None:
    """A gradient with clouds; where the clouds are the label does not tell."""
    horizon, wisps = canvas.horizon, np.zeros((canvas.horizon, canvas.size), np.int16)
    for cells in (4, 9, 21):
        layer = canvas.rng.integers(0, 256, (cells, cells), np.uint8)
        # Only the EXACT interpolations promise the same bits on every processor.
        wisps += cv2.resize(layer, wisps.shape[::-1], interpolation=cv2.INTER_LINEAR_EXACT)
    cover = np.clip(wisps * 5 // 3 - 640 + canvas.pick(-60, 60), 0, 220)[..., None].astype(
        np.uint16
    )
    row = np.arange(horizon, dtype=np.int32)[:, None, None]
    air = (SKY_TOP + (SKY_LOW - SKY_TOP) * row // horizon).astype(np.uint16)
    canvas.photo[:horizon] = air + ((CLOUD - air) * cover >> 8)


def paint_ground(canvas: Canvas, edges: Sequence[int], lanes: Sequence[int], zebra: int) -> None:
    """Grass, pavements and road; ``edges`` are the walls and, between them, the kerbs."""
    first, left, right, last = edges
    canvas.photo[canvas.horizon :] = 96, 128, 58
    canvas.fill("pavement", [flat(first, last)], (170, 164, 152))
    joints = [flat(first, last, z, z + 6) for z in range(NEAR, 2500, 80)]
    canvas.fill("pavement", joints, (140, 134, 124))
    canvas.fill("pavement", [flat(left - 20, right + 20)], (206, 202, 192))
    canvas.fill("road", [flat(left, right)], (98, 99, 104))
    tracks = [flat(x - 25, x + 25) for x in range(lanes[0] - 240, right - 100, 160)]
    canvas.fill("road", tracks, (88, 89, 94))
    white = [flat(x - 9, x + 9, z, z + 400) for x in lanes for z in range(NEAR, 9000, 800)]
    white += [flat(x - 7, x + 7) for x in (left + 35, right - 35)]
    white += [flat(x, x + 50, zebra, zebra + 300) for x in range(left + 50, right - 50, 100)]
    for stripe in white:  # one by one: fillPoly leaves out what two shapes of one call share
        canvas.fill("road", [stripe], (238, 238, 230))


def weather_ground(canvas: Canvas, things: Iterable[Thing]) -> None:
    """Lays shadows and, finer with the distance, grain on the ground of the photograph."""
    size, top = canvas.size, canvas.horizon + 1
    sun = np.full((size, size, 1), 100, np.uint8)
    for thing in things:
        half, depth, height = {"car": (90, 420, 90)}.get(thing.name, (60, 60, 300))
        if thing.name == "building":
            half, depth, height = 0, thing.length, thing.height
        reach, ahead = half + height * 9 // 10, height * 3 // 10
        corners = [(-half, 0), (reach, ahead), (reach, ahead + depth), (-half, depth)]
        outline = canvas.project(np.array([(thing.x + x, 0, thing.z + z) for x, z in corners]))
        cv2.fillPoly(sun, [outline], 58, shift=4)
    z = EYE * size // np.arange(1, size - canvas.horizon, dtype=np.int32)[:, None]
    x = (np.arange(size, dtype=np.int32) - canvas.centre) * z // size
    sand = canvas.rng.integers(-16, 17, (256, 256), np.int32)[(z // 6) & 255, (x // 3) & 255]
    grain = (sand * 1200 // np.maximum(z, 1200))[..., None].astype(np.int16)
    lit = canvas.photo[top:] * sun[top:].astype(np.int16) // 100 + grain
    canvas.photo[top:] = np.clip(lit, 0, 255)


def paint_wall(canvas: Canvas, house: Thing, along: tuple[int, int], light: int) -> None:
    """A wall with its windows; ``along`` is its direction in x and z."""
    height, width = house.height, house.length if along[1] else 900
    bays, floors = range(60, width - 150, 250), range(SHOP + 40, height - 3 * COPING, STOREY)
    for colour, percent, columns, rows, right, up in (
        (house.colour, 100, [0], [0], width, height),
        (house.colour, 86, [0], range(0, height, 60), width, 14),  # courses of bricks
        (TRIM, 100, [u - 12 for u in bays], [y - 12 for y in floors], 154, 204),
        (PANE, 100, bays, floors, 130, 180),
        (MIRROR, 100, bays, [y + 80 for y in floors], 130, 100),
        (PANE, 100, range(40, width - 200, 500), [50], 420, 210),  # shop windows
        (house.colour, 55, [0], [275], width, 45),  # their awning
        (TRIM, 60, [0], [height - COPING], width, COPING),
    ):
        tiles = [
            upright(house.x, house.z, along, u, u + right, y, y + up) for y in rows for u in columns
        ]
        canvas.fill("building", tiles, shade(colour, light * percent // 100))


def paint(canvas: Canvas, thing: Thing) -> None:
    """Draws a building or a thing made of parts."""
    x, z, turned = thing.x, thing.z, thing.x > 0
    light = LIT if turned else SHADED  # on the side that shows
    if thing.name == "building":
        paint_wall(canvas, thing, (1 if turned else -1, 0), FRONTAL)
        paint_wall(canvas, thing, (0, 1), light)
    if thing.name == "car":  # flank and roof of body and cabin
        for half, near, far, low, high in ((90, 0, 420, 28, 95), (70, 90, 330, 95, 145)):
            flank = upright(x - half if turned else x + half, z, (0, 1), near, far, low, high)
            canvas.fill("car", [flank], shade(thing.colour if half == 90 else PANE, light))
            roof = flat(x - half, x + half, z + near, z + far, high)
            canvas.fill("car", [roof], shade(thing.colour, 120))
    for shape, colour in PARTS.get(thing.name, []):
        canvas.part(thing, shape, colour)
    if thing.name == "tree":
        low, high = (-110, 320, 8, 70), (110, 510, 22, 125)
        leaves = canvas.rng.integers(low, high, (80 if z < 4000 else 20, 4))
        for u, y, radius, tone in leaves.tolist():  # lighter towards the sun
            canvas.part(thing, (u, y, radius), tone + (y - 320) // 5 - u // 5)


def plan_row(canvas: Canvas, wall: int) -> Iterator[Thing]:
    """Buildings along one side, no two neighbours equally high, and gaps with trees on grass."""
    pick, out = canvas.pick, 1 if wall > 0 else -1
    gaps, z, storeys = pick(10, 50), pick(250, 900), 0
    while z < 13000:
        length = pick(800, 1700)
        if pick(0, 100) >= gaps:
            storeys = (storeys + pick(1, 5)) % 5 or 5
            yield Thing("building", wall, z, storeys, WALLS[storeys - 1], length)
        elif 500 < z < 7000:
            yield Thing("tree", wall + out * pick(250, 400), z + length // 4, pick(100, 160))
            yield Thing("tree", wall + out * pick(250, 400), z + length * 3 // 4, pick(100, 160))
        z += length
    for x in (1, 1000, 2000):  # the end of the street
        storeys = pick(1, 6)
        yield Thing("building", out * x, 14500, storeys, WALLS[storeys - 1])


def plan_street(canvas: Canvas, edges: Sequence[int], lanes: Sequence[int]) -> Iterator[Thing]:
    """Cars in the lanes; trees, lamps, signs and people on the pavements."""
    pick = canvas.pick
    for x in (lanes[0] - LANE // 2, *(line + LANE // 2 for line in lanes)):
        for z in range(pick(800, 4000), 7500, pick(1000, 4500)):
            yield Thing("car", x, z, colour=PAINTS[pick(0, 5)])
    for kerb, wall, out in ((edges[1], edges[0], -50), (edges[2], edges[3], 50)):
        for z in range(pick(1000, 1600), 8000 * pick(0, 2), 1100):
            yield Thing("tree", kerb + 2 * out, z, pick(80, 110))
        for z in range(pick(900, 2200), 8000 * pick(0, 2), 2200):
            yield Thing("pole", kerb + out, z)
            if z < 4000:
                yield Thing("sign", kerb + out, z)
        for _ in range(pick(0, 5)):
            x = kerb + (wall - kerb) * pick(30, 80) // 100
            yield Thing("pedestrian", x, pick(600, 3200), pick(90, 106), COATS[pick(0, 4)])


def draw_scene(rng: np.random.Generator, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Draws one scene.

    Args:
        rng: Decides what stands where; used up by the call.
        size: Height and width in pixels.

    Returns:
        The photograph and its label colours, both (size, size, 3) uint8 RGB; each pixel of the
        second is one of ``PALETTE``.
    """
    horizon, centre = (2 * size * int(rng.integers(*span)) // 100 for span in ((46, 58), (36, 65)))
    canvas = Canvas(2 * size, horizon, centre, rng)
    pick, n_left, n_right = canvas.pick, *rng.integers(1, 3, 2).tolist()
    kerbs = -LANE // 2 - LANE * n_left - 40, LANE // 2 + LANE * (n_right - 1) + 40
    edges = kerbs[0] - pick(220, 400), *kerbs, kerbs[1] + pick(220, 400)
    lanes = [LANE * i - LANE // 2 for i in range(1 - n_left, n_right)]
    zebra = pick(1100, 4000)
    rows = [thing for wall in (edges[0], edges[3]) for thing in plan_row(canvas, wall)]
    things = list(plan_street(canvas, edges, lanes))
    things += [Thing(n, kerbs[1] + 50, zebra - 200) for n in ("pole", "traffic light")]
    paint_sky(canvas)
    paint_ground(canvas, edges, lanes, zebra)
    weather_ground(canvas, [*rows, *things])
    for group in (rows, things):  # what stands on the street never stands behind a building
        for thing in sorted(group, key=lambda thing: -thing.z):
            paint(canvas, thing)
    # Half the size smooths the photograph; exposure, tint and grain are not in the label.
    quarters = [canvas.photo[i::2, j::2].astype(np.int16) for i in (0, 1) for j in (0, 1)]
    bright, warm = pick(95, 106), pick(-5, 6)
    gain = np.array([bright + warm, bright, bright - warm], np.int32)
    photo = sum(quarters) * gain // 400 + rng.integers(-5, 6, (size, size, 1), np.int32)
    return np.clip(photo, 0, 255).astype(np.uint8), canvas.label[::2, ::2].copy()
