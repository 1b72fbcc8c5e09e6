"""A model as a folder of weights, a record and a card, in the layout of Hugging Face's hub."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from i2i.checkpoints.checkpoint import Checkpoint
from i2i.checkpoints.shared_folder import NETWORK, RECORD, VERSION, of_dataset
from i2i.files.safetensors_file import NAME
from i2i.inference.description import Described
from i2i.inference.translations import Translations
from i2i.run_folder import strict
from i2i.sharing.card import CARD, card
from i2i.sharing.facts import versions
from i2i.sharing.onnx_file import missing

FILES = (NAME, CARD, RECORD)  # the record last: without it a folder is none


def prepare() -> None:
    """Checks, before anything is computed, that the weights can be written.

    Raises:
        SettingError: The package is missing.
    """
    try:
        __import__("safetensors")
    except ImportError as error:
        raise missing("safetensors", "safetensors") from error


def write(folder: Path, translations: Translations, route: str, checkpoint: Checkpoint) -> None:
    """Writes a network that translates, and all that ``i2i.load`` needs to know of it.

    Args:
        folder: An empty one.
        translations: Of the run.
        route: The one to export. Others that the same network translates on, as StarGAN's, come
            along.
        checkpoint: What it was loaded from.
    """
    from safetensors.torch import save

    weights = translations.routes[route].network.state_dict().items()
    state = {name: value.detach().cpu().contiguous() for name, value in weights}
    (folder / NAME).write_bytes(save(state, metadata={"format": "pt"}))
    found = record(translations, route, checkpoint)
    text = json.dumps(strict(found), indent=2, allow_nan=False, ensure_ascii=False)
    (folder / RECORD).write_text(text + "\n", encoding="utf-8")
    (folder / CARD).write_text(card(found, checkpoint), encoding="utf-8")


def record(translations: Translations, route: str, checkpoint: Checkpoint) -> dict[str, Any]:
    """What stands beside the weights; see ``checkpoints.shared_folder``."""
    main, known = translations.routes[route], translations.attributes
    order = [route, *(name for name in translations.routes if name != route)]
    ways = {name: translations.routes[name] for name in order}
    routes = {
        name: asdict(Described(
            NETWORK, NETWORK, way.side, way.inference, way.seed, way.latent, way.label
        ))
        for name, way in ways.items() if way.network is main.network
    }  # fmt: skip
    for node in routes.values():
        del node["weights"], node["node"]
    data = translations.dataset
    return {
        "i2i_format": VERSION,
        "system": translations.system,
        "route": route,
        "in_channels": data["input_channels"],
        "out_channels": data["target_channels"],
        "step": checkpoint.step,
        NETWORK: checkpoint.config["model"][main.node],
        "routes": routes,
        "attributes": None if known is None
        else {"names": list(known.names), "exclusive": [list(group) for group in known.exclusive]},
        "dataset": of_dataset(data),
        "versions": versions(checkpoint),
    }  # fmt: skip
