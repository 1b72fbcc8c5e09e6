"""What the tests of several data sets start from."""

from pathlib import Path

import pytest

from drawn_scenes import SMALL
from i2i.data.synthetic.scenes import SyntheticScenes


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small set of drawn scenes, which tests leave as it is."""
    root = tmp_path_factory.mktemp("sets") / "deep" / "scenes"
    SyntheticScenes(**SMALL).prepare(root)
    return root
