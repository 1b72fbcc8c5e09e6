"""comparison.html: one file with tables, curves, pictures and options, which needs no network.

What runs say is data in it: JSON without a ``<``, which scripts set as text. A policy in the head
lets nothing run but the two scripts that belong to the page, and loads nothing from elsewhere.
"""

import base64
import hashlib
import html
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from i2i.comparison.album import Album
from i2i.comparison.page_data import References, curves, run_entry, tables
from i2i.comparison.variants import SameData
from i2i.comparison.wall import walls
from i2i.files import atomic
from i2i.printable import printable
from i2i.run_folder import strict

PARTS = Path(__file__).parent / "page_parts"
SCRIPTS = ("base", "tables", "curves", "wall", "glass", "options", "start")


def write_page(
    file: Path, sets: Sequence[SameData], references: Mapping[str, References], base: Path
) -> None:
    """Writes the page.

    Args:
        file: The page.
        sets: The runs by their data.
        references: Baselines and ceilings of each set, by its title.
        base: The folder that the runs' places are told from.

    Raises:
        OSError: It cannot be written.
    """
    runs = [run for one in sets for run in one.runs]
    numbers = {id(run): number for number, run in enumerate(runs)}
    options = {id(run): one.options for one in sets for run in one.runs}
    album = Album()
    data = {
        "title": printable(base.name),
        "runs": [run_entry(run, options[id(run)], base) for run in runs],
        "tables": tables(sets, references, numbers),
        "curves": curves(runs),
        "walls": walls(sets, numbers, album),
    }
    pictures = album.encoded()
    data["pictures"] = {"side": album.side, "quality": album.quality, "damaged": album.damaged}
    atomic.write_bytes(file, page(data, pictures).encode(), durable=False)


def page(data: Mapping[str, Any], pictures: Sequence[str | None]) -> str:
    """The text of the page.

    Args:
        data: Plain values; infinite ones and NaN become words.
        pictures: WebP in base64.
    """
    from plotly.offline import get_plotlyjs

    own = "\n".join((PARTS / f"{name}.js").read_text(encoding="utf-8") for name in SCRIPTS)
    scripts = [f"\n{text}\n".replace("\r", "\n") for text in (get_plotlyjs(), own)]
    policy = " ".join(f"'sha256-{sha256(text)}'" for text in scripts)
    template = (PARTS / "page.html").read_text(encoding="utf-8")
    parts = {
        "POLICY": policy,
        "TITLE": html.escape(str(data["title"])),
        "STYLE": (PARTS / "page.css").read_text(encoding="utf-8"),
        "DATA": inert(strict(data)),
        "PICTURES": inert(pictures),
        "PLOTLY": scripts[0],
        "SCRIPT": scripts[1],
    }
    pieces: list[str] = []
    for name, text in parts.items():  # in this order: what was put in is not searched again
        before, _, template = template.partition(f"@{name}@")
        pieces += [before, text]
    return "".join([*pieces, template])


def inert(value: Any) -> str:
    """JSON that ends no element of a page and begins none, whatever texts it holds."""
    text = json.dumps(value, allow_nan=False, separators=(",", ":"))  # ASCII
    for letter in "<>&":  # only inside of texts
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return text


def sha256(text: str) -> str:
    """The hash of a script as a policy names it."""
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
