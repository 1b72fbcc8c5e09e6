"""What the tests of several commands start from."""

from pathlib import Path

import pytest

from inception_stand_in import random_weights_file


@pytest.fixture(scope="session")
def inception_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Seeded random weights of Inception, which make FID and KID of a sensible size."""
    path = tmp_path_factory.mktemp("inception") / "random.pth"
    random_weights_file(path, seed=0)
    return path
