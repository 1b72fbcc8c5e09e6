"""``python -m i2i.comparison SWEEP_DIR`` compares the runs of a sweep again."""

import argparse
import sys
from pathlib import Path

from i2i.comparison.tables import compare
from i2i.errors import SettingError
from i2i.printable import printable


def main() -> None:
    """Prints the table and says where the files are."""
    parser = argparse.ArgumentParser(prog="python -m i2i.comparison", description=__doc__)
    parser.add_argument("folder", type=Path, help="a sweep's folder, e.g. multirun/DATE/TIME")
    folder = parser.parse_args().folder.expanduser().resolve()
    try:
        print(f"{compare(folder)}\nComparison: {printable(folder)}/comparison.md, .csv and .png")
    except SettingError as error:
        sys.exit(f"\n{error}")


if __name__ == "__main__":
    main()
