"""Image-to-image translation with adversarial networks."""

__version__ = "0.1.0"

import os

# Else importing albumentations asks the network for a newer version.
os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")
