"""Draws one street scene: a photograph and the label map that belongs to it.

Lengths are centimetres with the eye above the origin: x to the right, y up from the road, z ahead.
All arithmetic is on whole numbers, so that the pixels are the same on every processor.
"""

from collections.abc import Sequence

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
EYE, NEAR, FAR = 160, 110, 60000
# What a thing is made of around its foot, in the order of drawing: a rectangle (left, right, low,
# high) or a disc (x, y, radius), and its paints, of which one is drawn by lot.
DARK, RED, SKIN = [(40, 42, 48)], [(206, 30, 28)], [(206, 164, 136)]
PAINT = [(176, 40, 36), (226, 226, 222), (44, 84, 150), (150, 156, 160)]
PARTS: dict[str, list[tuple[Sequence[int], list[tuple[int, int, int]]]]] = {
    "tree": [((-14, 14, 0, 300), [(70, 56, 44)]), ((0, 400, 150), [(86, 118, 48), (60, 90, 40)])],
    "car": [((-90, 90, 28, 95), PAINT), ((-70, 70, 95, 145), DARK), ((-84, 84, 0, 28), DARK)],
    "pedestrian": [((-16, 16, 0, 85), DARK), ((-26, 26, 80, 146), PAINT), ((0, 162, 14), SKIN)],
    "pole": [((-7, 7, 0, 640), [(98, 98, 104)]), ((-110, 110, 625, 645), [(98, 98, 104)])],
    "sign": [((0, 270, 42), RED), ((0, 270, 29), [(226, 222, 212)])],
    "traffic light": [((-24, 24, 250, 370), DARK), ((0, 275, 15), [(70, 236, 150)])],
}
WALLS = [(214, 196, 160), (206, 160, 104), (168, 92, 72), (128, 142, 156)]


class Canvas:
    """Photograph and label colours, both (size, size, 3) uint8; each shape is drawn into both."""

    def __init__(self, size: int, horizon: int, centre: int, rng: np.random.Generator) -> None:
        self.size, self.horizon, self.centre, self.rng = size, horizon, centre, rng
        self.photo = np.zeros((size, size, 3), np.uint8)
        self.label = np.zeros((size, size, 3), np.uint8)

    def pick(self, low: int, high: int) -> int:
        """A whole number from ``low`` to ``high`` - 1."""
        return int(self.rng.integers(low, high))

    def project(self, x: int, y: int, z: int) -> tuple[int, int]:
        """The pixel (column, row) of a place."""
        return self.centre + x * self.size // z, self.horizon + (EYE - y) * self.size // z

    def ground(self, name: str, left: int, right: int, colour: Sequence[int]) -> None:
        """Draws a strip of ground that runs away from the eye."""
        places = (left, NEAR), (right, NEAR), (right, FAR), (left, FAR)
        outline = np.array([self.project(x, 0, z) for x, z in places], np.int32)
        for picture, fill in ((self.photo, colour), (self.label, PALETTE[name])):
            cv2.fillPoly(picture, [outline], fill)

    def part(self, name: str, x: int, z: int, shape: Sequence[int], colour: Sequence[int]) -> None:
        """Draws a rectangle or a disc of a thing that stands at (x, z), see ``PARTS``."""
        for picture, fill in ((self.photo, colour), (self.label, PALETTE[name])):
            if len(shape) == 4:
                left, right, low, high = shape
                corners = self.project(x + left, low, z), self.project(x + right, high, z)
                cv2.rectangle(picture, *corners, fill, cv2.FILLED)
            else:
                middle = self.project(x + shape[0], shape[1], z)
                cv2.circle(picture, middle, shape[2] * self.size // z, fill, cv2.FILLED)

    def thing(self, name: str, x: int, z: int) -> None:
        """Draws a building with its windows, or a thing of ``PARTS``."""
        if name != "building":
            for shape, paints in PARTS[name]:
                self.part(name, x, z, shape, paints[self.pick(0, len(paints))])
            return
        height = 300 * self.pick(2, 7)
        self.part(name, x, z, (-500, 500, 0, height), WALLS[self.pick(0, len(WALLS))])
        for low in range(60, height, 300):
            for left in range(-440, 400, 220):
                self.part(name, x, z, (left, left + 120, low, low + 160), (60, 74, 92))


def draw_scene(rng: np.random.Generator, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Draws one scene.

    Args:
        rng: Decides what stands where; used up by the call.
        size: Height and width in pixels.

    Returns:
        The photograph and its label colours, both (size, size, 3) uint8 RGB; each pixel of the
        second is one of ``PALETTE``.
    """
    horizon, centre = (size * int(rng.integers(*span)) // 100 for span in ((42, 58), (36, 65)))
    canvas = Canvas(size, horizon, centre, rng)
    pick, kerb = canvas.pick, int(rng.integers(300, 700))
    wall = kerb + pick(220, 400)
    for rows, name, colour in ((slice(horizon), "sky", (150, 186, 226)),
                               (slice(horizon, None), "grass", (96, 128, 58))):  # fmt: skip
        canvas.photo[rows], canvas.label[rows] = colour, PALETTE[name]
    canvas.ground("pavement", -wall, wall, (170, 164, 152))
    canvas.ground("road", -kerb, kerb, (98, 99, 104))
    canvas.ground("road", -9, 9, (238, 238, 230))
    things = [("building", side * (wall + 500), z) for side in (-1, 1) for z in (900, 2000, 4000)]
    on_pavement = ("tree", "pole", "sign", "traffic light", "pedestrian")
    things += [(on_pavement[pick(0, 5)], (1 - 2 * pick(0, 2)) * (kerb + pick(40, 200)), z)
               for z in range(pick(500, 900), 4000, 400)]  # fmt: skip
    things += [("car", (1 - 2 * pick(0, 2)) * kerb // 2, pick(600, 3000)) for _ in range(3)]
    for name, x, z in sorted(things, key=lambda thing: -thing[2]):
        canvas.thing(name, x, z)
    # Light from the left and grain, which the label does not tell.
    light = 120 - 40 * np.arange(size, dtype=np.int32)[:, None] // size
    grain = rng.integers(-12, 13, (size, size, 1), np.int32)
    photo = canvas.photo * (light + pick(-8, 9)) // 100 + grain
    return np.clip(photo, 0, 255).astype(np.uint8), canvas.label
