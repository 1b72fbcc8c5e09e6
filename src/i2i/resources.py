"""Where conf/ and experiments/ stand: beside src/ in a checkout, inside the package in a wheel."""

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent


def root_dir() -> Path:
    """The folder that holds ``conf`` and ``experiments``.

    Raises:
        FileNotFoundError: There is none; the installation is broken.
    """
    for root in (PACKAGE.parents[1], PACKAGE):
        if (root / "conf" / "config.yaml").is_file():
            return root
    raise FileNotFoundError(
        f"conf/config.yaml: found neither in {PACKAGE.parents[1]} nor in {PACKAGE}; "
        "expected one of them. Install the package again."
    )
