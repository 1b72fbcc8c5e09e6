"""What a street scene is set in: sky, ground, the shade on it, and the rows of buildings."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from i2i.data.synthetic.drawing import (
    EYE_HEIGHT,
    Camera,
    Canvas,
    fill,
    hazed,
    over,
    planar,
    ramp,
    sampled,
    stripe,
    unit_clip,
)

SUN_SLOPE, SUN_DRIFT = 1.1, 0.3  # a shadow drops so many metres, and goes so far ahead, per metre
SHADE = planar((0.50, 0.46, 0.38))  # what a cast shadow takes from each channel
SKY = planar((214, 222, 226)), planar((86, 132, 200))  # at the horizon, at the top
GLOW, CLOUD = planar((255, 246, 224)), planar((250, 249, 246))
PAVING, TURF = planar((1.0, 0.965, 0.9)), planar((96, 128, 58))
ASPHALT, ROAD_PAINT = planar((0.98, 0.99, 1.04)), planar((238, 238, 230))
STOREY, GROUND_FLOOR, ATTIC = 3.0, 3.6, 0.9  # metres
# Wall colours by the number of storeys, so that the outline tells the colour.
WALLS = np.array(
    [[214, 196, 160], [206, 160, 104], [168, 92, 72], [182, 176, 164], [128, 142, 156]], np.float32
)
PANE = planar((34, 42, 54)), planar((130, 158, 186))  # at its sill, at its lintel
TRIM, COPING = planar((226, 222, 212)), planar((92, 90, 88))
AWNING = planar((0.5, 0.62, 0.6))
LIT, SHADED, FRONTAL = (
    1.12,
    0.6,
    0.86,
)  # light on the right, on the left, on walls facing the camera


@dataclass(frozen=True)
class Street:
    """The ground plane: kerbs, building lines and dashed lines as x in metres."""

    kerbs: tuple[float, float]
    walls: tuple[float, float]
    lanes: tuple[float, ...]
    crossing: float | None  # z of a zebra crossing


@dataclass(frozen=True)
class Building:
    """A block along the street; ``x`` is negative on the left, ``z`` its near end, in metres."""

    x: float
    z: float
    length: float
    storeys: int
    tint: tuple[float, float, float] = (0.0, 0.0, 0.0)

    @property
    def height(self) -> float:
        return GROUND_FLOOR + (self.storeys - 1) * STOREY + ATTIC

    @property
    def colour(self) -> np.ndarray:
        return WALLS[self.storeys - 1] + np.array(self.tint, np.float32)


@dataclass(frozen=True)
class Wall:
    """What a pixel of a wall belongs to: numbers, or (1, w) arrays with one for each column."""

    colour: np.ndarray  # (3, 1, 1) or (3, 1, w)
    height: float | np.ndarray
    length: float | np.ndarray
    light: float


def paint_sky(canvas: Canvas, cloud_shift: tuple[float, float], cover: float) -> None:
    """Fills the rows above the ground: a gradient, a glow on the sun's side, clouds."""
    camera, unit = canvas.camera, 256 / canvas.camera.size

    def sky(columns: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        height = unit_clip((camera.horizon - rows) / camera.horizon)  # (h, 1)
        glow = np.exp(-3 * (columns / camera.size) ** 2) * (0.35 + 0.65 * height)
        air = over(over(SKY[0], SKY[1], height), GLOW, 0.35 * glow)
        across = (columns - camera.centre) * unit / (0.5 + height) + cloud_shift[0]
        up = 210 * height**0.7 + cloud_shift[1]
        cloud = unit_clip(sampled("cloud", across, up) * 0.8 + cover) * height**0.4
        light = unit_clip(sampled("cloud", across - 6, up + 8) * 0.4 + 0.5)
        everywhere = np.ones(cloud.shape, bool)
        return over(air, CLOUD, 0.85 * cloud * (1 - 0.35 * light)), everywhere

    above, whole = slice(0, int(camera.horizon) + 1), slice(0, camera.size)
    canvas.shaded((above, whole), "sky", sky)


def on_ground(
    camera: Camera, columns: np.ndarray, rows: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Where pixels below the horizon meet the ground: x (h, w) and z (h, 1) in metres."""
    z = camera.focal * EYE_HEIGHT / np.maximum(rows - camera.horizon, 0.5)
    return (columns - camera.centre) * (z / camera.focal), z


def paint_ground(canvas: Canvas, street: Street, shade: np.ndarray) -> None:
    """Fills all rows below the horizon; ``shade`` (size, size) in [0, 1] is where no sun comes."""
    camera, (left, right) = canvas.camera, street.kerbs
    top, whole = int(camera.horizon) + 1, slice(0, camera.size)

    def lit(colour: np.ndarray, z: np.ndarray) -> np.ndarray:
        return hazed(colour * (1 - shade[top : top + len(z)] * SHADE), z)

    def turf(columns: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        x, z = on_ground(camera, columns, rows)
        blades = 1 + 0.2 * np.clip(14 / z, 0.15, 1) * sampled("sand", x * 40, z * 16)
        return lit(TURF * blades, z), (x <= street.walls[0]) | (x >= street.walls[1])

    def paving(columns: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        x, z = on_ground(camera, columns, rows)
        step = z / camera.focal
        joints = np.maximum(stripe(x, 0.7, 0.06, step), stripe(z, 0.7, 0.06, z * step))
        sand = sampled("sand", x * 40, z * 16)
        stone = 172 + 6 * np.clip(14 / z, 0.15, 1) * sand - 34 * joints * unit_clip(18 / z)
        kerb = ramp(0.2 - np.minimum(np.abs(x - left), np.abs(x - right)), step)
        inside = (x > street.walls[0]) & (x < street.walls[1]) & ((x <= left) | (x >= right))
        return lit(PAVING * (stone + (206 - stone) * kerb), z), inside

    def road(columns: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        x, z = on_ground(camera, columns, rows)
        sand = np.clip(14 / z, 0.15, 1) * sampled("sand", x * 40, z * 16)
        tracks = np.cos((x - street.lanes[0]) * (4 * np.pi / 3.2))
        gutter = unit_clip(1 - np.minimum(x - left, right - x) / 0.5)
        grey = 104 + 6 * sand + 6 * tracks - 34 * gutter
        paint = road_markings(street, x, z, z / camera.focal)
        return lit(over(ASPHALT * grey, ROAD_PAINT, 0.92 * paint), z), (x > left) & (x < right)

    for name, shader, lines in (
        ("grass", turf, street.walls),
        ("pavement", paving, street.kerbs),
        ("road", road, (1e-6,)),
    ):
        canvas.shaded((slice(top, max(map(camera.last_row, lines))), whole), name, shader)


def road_markings(street: Street, x: np.ndarray, z: np.ndarray, step: np.ndarray) -> np.ndarray:
    """Coverage (h, w) in [0, 1] of white paint; ``step`` is a pixel's width in metres."""
    along = z * step / EYE_HEIGHT  # a pixel's length on the ground
    paint = np.zeros_like(x)
    for line in street.lanes:
        paint = np.maximum(paint, ramp(0.09 - np.abs(x - line), step) * stripe(z, 8.0, 4.0, along))
    for line in (street.kerbs[0] + 0.35, street.kerbs[1] - 0.35):
        paint = np.maximum(paint, ramp(0.07 - np.abs(x - line), step))
    if street.crossing is not None:
        band = ramp(1.5 - np.abs(z - street.crossing), along)
        bars = stripe(x - street.kerbs[0], 1.0, 0.5, step)
        paint = np.maximum(paint * (1 - band), band * bars)
    return paint


def cast_shade(
    camera: Camera,
    street: Street,
    buildings: Sequence[Building],
    outlines: Sequence[np.ndarray],
) -> np.ndarray:
    """Shades the ground.

    Args:
        camera: The camera.
        street: The street; the buildings along its left line throw long shadows.
        buildings: All of them.
        outlines: Shadows of single things, each as (n, 3) corners in metres.

    Returns:
        How much of the sun each pixel misses, (size, size) in [0, 1].
    """
    skyline = np.zeros(4 * 150, np.float32)  # heights of the left row, each quarter metre ahead
    for building in buildings:
        if building.x == street.walls[0]:
            end = building.z + building.length
            skyline[int(4 * building.z) : int(4 * end)] = building.height
    pixels, top = np.arange(camera.size, dtype=np.float32), int(camera.horizon) + 1
    x, z = on_ground(camera, pixels[None], pixels[top:, None])
    reach = np.maximum(x - street.walls[0], 0)
    place = np.clip((z - SUN_DRIFT * reach) * 4, 0, len(skyline) - 1).astype(np.int32)
    shade = np.zeros((camera.size, camera.size), np.float32)
    shade[top:] = ramp(skyline.take(place) - reach * SUN_SLOPE, 0.5) * (x > street.walls[0])
    for outline in outlines:
        if outline[:, 2].min() > 1:
            fill(shade, camera.project(outline), 1.0)
    return cv2.GaussianBlur(shade, (3, 3), 0.8)


def visible_fronts(buildings: Sequence[Building]) -> Iterator[Building]:
    """Leaves out each wall that the next house, nearer and at least as high, stands against."""
    ends = {(house.x, round(house.z + house.length, 3)): house.height for house in buildings}
    for house in buildings:
        if ends.get((house.x, round(house.z, 3)), 0) < house.height:
            yield house


def paint_row(canvas: Canvas, x: float, row: Sequence[Building]) -> None:
    """Paints the facades of one side of the street, which no other wall can hide."""
    if not row:
        return
    camera, light = canvas.camera, SHADED if x < 0 else LIT
    starts = np.array([building.z for building in row], np.float32)
    lengths = np.array([building.length for building in row], np.float32)
    heights = np.array([building.height for building in row], np.float32)
    colours = np.stack([building.colour for building in row], axis=1) * np.float32(light)

    def side(columns: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        away = np.maximum(np.abs(columns - camera.centre), 0.5)
        ahead = camera.focal * abs(x) / away  # (1, w): a column sees the row at one distance only
        which = np.maximum(np.searchsorted(starts, ahead, side="right") - 1, 0)
        step = ahead / camera.focal
        u, v = ahead - starts[which], EYE_HEIGHT - (rows - camera.horizon) * step
        inside = (v >= 0) & (v < heights[which]) & (u >= 0) & (u < lengths[which])
        wall = Wall(colours[:, which], heights[which], lengths[which], light)
        return hazed(facade_colour(wall, (u, ahead / away), (v, step)), ahead), inside

    edge = int(np.clip(np.ceil(camera.centre), 0, camera.size))
    columns = slice(0, edge) if x < 0 else slice(edge, camera.size)
    canvas.shaded((slice(0, camera.last_row(x)), columns), "building", side)


def paint_front(canvas: Canvas, building: Building, depth: float = 9.0) -> None:
    """Paints the wall that faces the camera."""
    camera, x, z = canvas.camera, building.x, building.z
    outer, step = x + (depth if x > 0 else -depth), np.float32(z / camera.focal)
    height = np.float32(building.height)

    def front(columns: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        u = (columns - camera.centre) * step - min(x, outer)
        v = EYE_HEIGHT - (rows - camera.horizon) * step
        inside = (v >= 0) & (v < height) & (u >= 0) & (u < depth)
        wall = Wall(planar(building.colour * FRONTAL), height, np.float32(depth), FRONTAL)
        return hazed(facade_colour(wall, (u, step), (v, step)), z), inside

    corners = camera.project(np.array([(x, 0, z), (outer, building.height, z)]))
    canvas.shaded(canvas.window(corners), "building", front)


def facade_colour(wall: Wall, along: tuple, up: tuple) -> np.ndarray:
    """Bricks, windows, shop fronts and coping, (3, h, w); ``along``, ``up``: metres, pixel size."""
    (u, du), (v, dv), light = along, up, wall.light
    bay = wall.length / np.maximum(1, np.round(wall.length / 2.5))
    level, attic = v - GROUND_FLOOR, wall.height - ATTIC
    tone = 1 - 0.22 * unit_clip(1 - v / 1.5)
    near = unit_clip(1.4 - dv / 0.12)
    if near.max() > 0:  # bricks are larger than a pixel
        course = np.floor(v / 0.34)
        joints = stripe(u + 0.35 * (course - 2 * np.floor(course / 2)), 0.7, 0.07, du)
        tone = tone - 0.17 * near * np.maximum(stripe(v, 0.34, 0.06, dv), joints)
    tone = tone - 0.55 * ramp(0.2 - np.abs(v - attic + 0.2), dv)  # the shade of the coping
    upper = ramp(level, dv) * ramp(attic - 0.4 - v, dv)
    frame = stripe(u, bay, 1.55, du) * (stripe(level, STOREY, 2.0, dv) * upper)
    glass = stripe(u, bay, 1.2, du) * (stripe(level, STOREY, 1.65, dv) * upper)
    glass = glass * (1 - stripe(u, bay, 0.1, du) * unit_clip(0.2 / du))
    shop = stripe(u, 2 * bay, 2 * bay - 0.7, du) * (ramp(2.5 - v, dv) * ramp(v - 0.5, dv))
    sheen = level / STOREY - np.floor(level / STOREY)  # the upper part of a pane mirrors the sky
    pane = over(PANE[0], PANE[1], sheen) * (0.55 + 0.4 * light)
    colour = over(wall.colour * tone, TRIM * light, frame)
    colour = over(colour, pane, np.maximum(glass, 0.8 * shop))
    colour = over(colour, wall.colour * AWNING, ramp(0.35 - np.abs(v - 2.85), dv))
    return over(colour, wall.colour * 0.4 + COPING * light, ramp(v - attic, dv))
