"""A page to try models on: ``python src/demo.py checkpoint=RUN_DIR``."""

import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from i2i.commands.launch import launch
from i2i.commands.translate import require_choice
from i2i.config.plain_words import value_text
from i2i.config.unread import require_read
from i2i.errors import first_line, setting_error
from i2i.images.pixel_limit import pixel_limit

KEY = "checkpoint="


def demo(cfg: Any) -> None:
    """Serves a page on which pictures are drawn or uploaded, and translated.

    Args:
        cfg: The composed configuration.
    """
    from i2i.cluster.devices import resolve_accelerator, torch_device
    from i2i.demo.serving import Place, require_gradio, serve

    require_read(cfg, "demo")
    place = Place(checked_host(cfg.host), checked_port(cfg.port), bool(cfg.share))
    require_choice("share", cfg.share)
    most = pixel_limit(cfg.max_megapixels, "max_megapixels")
    shrink_above = pixel_limit(cfg.shrink_above, "shrink_above")
    require_gradio()

    from i2i.demo.desk import Desk
    from i2i.demo.models import load_all
    from i2i.demo.uploads import Limits

    device = torch_device(resolve_accelerator(cfg.accelerator))
    entries = load_all([str(cfg.checkpoint), *map(str, cfg.beside or ())], device)
    examples = None if cfg.examples is None else Path(str(cfg.examples)).expanduser()
    serve(Desk(entries, Limits(most, shrink_above), examples, cfg.draw), place)


def checked_host(host: Any) -> str:
    """The address to listen on.

    Raises:
        SettingError: It is none of this machine, on which Gradio would try a hundred ports.
    """
    found = None if isinstance(host, str) and host else repr(host)
    try:
        if found is None:
            family, kind, protocol, _, address = socket.getaddrinfo(
                host.removeprefix("[").removesuffix("]"), 0, type=socket.SOCK_STREAM
            )[0]
            with socket.socket(family, kind, protocol) as tried:
                tried.bind(address)
    except (OSError, UnicodeError) as error:
        found = f"no way to listen there ({first_line(error)})"
    if found is not None:
        raise setting_error(
            f"host={host}", found, "an address of this machine",
            "host=127.0.0.1 is this machine alone, host=0.0.0.0 everybody in its network.",
        )  # fmt: skip
    return host


def checked_port(port: Any) -> int | None:
    """The port to listen on; None: a free one.

    Raises:
        SettingError: It is none.
    """
    if port is None or (type(port) is int and 0 < port < 65536):
        return port
    raise setting_error(
        f"port={port}", repr(port), "a number from 1 to 65535, or null",
        "Leave port out for the first free one from 7860.",
    )  # fmt: skip


def with_checkpoints(argv: Sequence[str]) -> list[str]:
    """The command line with its first ``checkpoint=``, and the others as the option ``beside``.

    A list in brackets stands for its parts, unless it is the name of something.
    """
    named = [word.removeprefix(KEY) for word in argv if word.startswith(KEY)]
    paths = [path for value in named for path in parts_of(value)]
    if len(paths) < 2:
        return [*argv]
    others = [word for word in argv if not word.startswith(KEY)]
    return [*others, KEY + paths[0], f"beside={value_text(paths[1:])}"]


def parts_of(value: str) -> list[str]:
    """The paths of a value."""
    if not (value.startswith("[") and value.endswith("]")) or Path(value).exists():
        return [value]
    return [path.strip().strip("'\"") for path in value[1:-1].split(",")]


def main() -> None:
    """Entry point of ``python src/demo.py`` and ``i2i-demo``."""
    sys.argv[1:] = with_checkpoints(sys.argv[1:])
    launch(demo, "demo")
