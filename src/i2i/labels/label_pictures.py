"""Pictures of label maps, and the class of each of their pixels."""

from dataclasses import dataclass

import numpy as np

from i2i.images.ranges import to_float
from i2i.labels.palette import UNLABELLED, ClassPalette


@dataclass(frozen=True)
class LabelPictures:
    """Label maps as they are shown: in the colours of their classes.

    Attributes:
        classes: Of the label maps.
        truth: Whether they are true ones, in which a pixel may be unlabelled; in made ones each
            pixel is of the class with the nearest colour, as it is scored.
    """

    classes: ClassPalette
    truth: bool

    @property
    def names(self) -> dict[int, str]:
        """Of the classes, by id; 255 is unlabelled."""
        return dict(enumerate(self.classes.names)) | {UNLABELLED: "unlabelled"}

    def ids(self, picture: np.ndarray) -> np.ndarray:
        """The class of each pixel, (H, W) uint8, of a picture, (H, W, 3) uint8."""
        batch = to_float(picture)[None]
        return self.classes.ids_of_colours(batch, with_unlabelled=self.truth)[0].numpy()
