"""Imports the whole package and trains as on the system that SYSTEM names: macos or windows.

Arguments: the options of train. Loading processes, which are spawned, lack the same names.
"""

import importlib
import os
import pkgutil

from lacking import install

install(os.environ["SYSTEM"])


def main() -> None:
    """Imports everything, then trains."""
    import i2i

    for module in pkgutil.walk_packages(i2i.__path__, "i2i."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    from i2i.commands.train import main as train

    train()


if __name__ == "__main__":
    main()
