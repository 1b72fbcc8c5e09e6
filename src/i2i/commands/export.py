"""Carries a model out: ``python src/export.py checkpoint=RUN_DIR output=FOLDER format=onnx``."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from i2i.commands.launch import launch
from i2i.commands.translate import asked_translator
from i2i.config.numbers import require_numbers
from i2i.config.unread import require_read
from i2i.errors import setting_error
from i2i.inference.outputs import made_for
from i2i.printable import printable

FORMATS = {
    "onnx": "model.onnx", "safetensors": "model.safetensors", "torchscript": "model.pt",
    "pt2": "model.pt2",
}  # fmt: skip
CHOICES: dict[str, tuple[Any, ...]] = {
    "format": tuple(FORMATS), "label": ("baked", "input"), "pixels": (True, False),
    "overwrite": (True, False), "private": (True, False),
}  # fmt: skip


def export(cfg: Any) -> None:
    """Exports the generator of a route, compares the two, and says how far they are apart.

    Args:
        cfg: The composed configuration.
    """
    from i2i.checkpoints.saved_translations import load_translations
    from i2i.run_folder import require_writable

    require_read(cfg, "export")
    require_numbers({"seed": cfg.seed})
    require_choices(cfg)
    api = prepared(cfg)
    folder = Path(str(cfg.output)).expanduser()
    files = files_of(cfg.format)
    require_free(folder, files, cfg.overwrite)
    translations, checkpoint = load_translations(cfg.checkpoint, cfg.model.inference, cfg.seed)
    with made_for(folder):
        require_writable(folder, "output")
        # What other pictures come out of gets no name that anybody would use.
        with TemporaryDirectory(prefix=".i2i-", dir=folder) as part:
            make = shared if cfg.format == "safetensors" else portable
            parity = make(cfg, translations, checkpoint, Path(part))
            if len(files) > 1:  # a folder of which a part was replaced is none
                (folder / files[-1]).unlink(missing_ok=True)
            for name in files:
                os.replace(Path(part) / name, folder / name)
    said = ", ".join(f"{folder / name}" for name in files)
    print(printable(f"{said} written"))
    print(
        f"The largest difference from the model: {parity.words} of 255 "
        f"({parity.pictures} pictures, {', '.join(parity.sizes)} pixels)"
    )
    if api is not None:
        from i2i.sharing.push import push

        print(printable(f"Uploaded to {push(api, str(cfg.push), folder, files, cfg.private)}"))


def require_choices(cfg: Any) -> None:
    """Checks the options that have a few values, and what does not go with weights alone.

    Raises:
        SettingError: One has another value, or says nothing in this format.
    """
    for option, known in CHOICES.items():
        value = cfg[option]
        if value not in known or isinstance(value, bool) != isinstance(known[0], bool):
            words = ", ".join(str(k).lower() for k in known)
            raise setting_error(
                f"{option}={value}", repr(value), f"one of {words}", f"Leave {option} out."
            )
    if cfg.format != "safetensors":
        return
    chosen = {"pixels": cfg.pixels, "attributes": cfg.attributes, "label": cfg.label != "baked"}
    if odd := [option for option, value in chosen.items() if value]:
        raise setting_error(
            f"{odd[0]}={cfg[odd[0]]}", "format=safetensors, whose weights are loaded by i2i.load",
            "format=onnx, torchscript or pt2",
            f"Leave {odd[0]} out: i2i.load and translate.py take all routes, labels and pictures.",
        )  # fmt: skip


def prepared(cfg: Any) -> Any:
    """Checks that all packages are there; the hub's client, where files are to be uploaded."""
    from i2i.sharing import folder, onnx_file
    from i2i.sharing.push import hub

    if cfg.format == "onnx":
        onnx_file.prepare(cfg.opset)
    if cfg.format == "safetensors":
        folder.prepare()
    return None if cfg.push is None else hub(cfg.push)


def files_of(form: str) -> Sequence[str]:
    """The names of the files that a format has."""
    from i2i.sharing.folder import FILES

    return FILES if form == "safetensors" else (FORMATS[form],)


def require_free(folder: Path, files: Sequence[str], overwrite: bool) -> None:
    """Refuses to write over what stands there, unless asked to.

    Raises:
        SettingError: Something does, or there is a file in the folder's place.
    """
    if os.path.lexists(folder) and not folder.is_dir():
        raise setting_error(f"output={folder}", "a file", "a folder", "Name another output.")
    for name in files:
        if (folder / name).is_dir() or (os.path.lexists(folder / name) and not overwrite):
            raise setting_error(
                f"output={folder}", f"{name}, which is there already", "a folder without it",
                "Name another folder, or add overwrite=true to replace a file.",
            )  # fmt: skip


def asked(cfg: Any, translations: Any) -> tuple[Any, str]:
    """The translator that is asked for, and the route that it belongs to.

    Raises:
        SettingError: The model has no such route, or knows no attributes.
    """
    translator = asked_translator(translations, cfg)
    if cfg.attributes is not None:
        return translator, ", ".join(f"{k}={v}" for k, v in cfg.attributes.items())
    return translator, next(iter(translations.routes)) if cfg.route is None else str(cfg.route)


def trials_for(cfg: Any, translator: Any, dataset: Any, least: int) -> list[Any]:
    """The pictures to compare with: drawn ones of two sizes, and those of ``pictures``."""
    from i2i.sharing.trial import drawn, of_files

    found = drawn(translator, dataset, least)
    if cfg.pictures is not None:
        output = Path(str(cfg.output)).expanduser()
        found += of_files(Path(str(cfg.pictures)).expanduser(), translator, dataset, output)
    return found


def portable(cfg: Any, translations: Any, checkpoint: Any, folder: Path) -> Any:
    """Writes one file that needs nothing of this package, and compares what it makes.

    Raises:
        SettingError: It makes other pictures.
    """
    from i2i.sharing.facts import facts
    from i2i.sharing.parity import compared
    from i2i.sharing.portable import Portable

    translator, route = asked(cfg, translations)
    dataset = translator.seen(translations.dataset)
    made = Portable(translator, dataset["input_channels"], cfg.pixels, cfg.label == "input")
    file = folder / FORMATS[cfg.format]
    write, opened = of_format(cfg.format, cfg.opset)
    write(made, file, facts(made, translations, route, checkpoint))
    trials = trials_for(cfg, translator, dataset, made.least)
    parity = compared(made, opened(file), trials)
    parity.require(cfg.format)
    for given in made.given:
        print(f"Input {given.name}: {given.described}, {given.words}")
    return parity


def of_format(form: str, opset: int) -> tuple[Callable[..., None], Callable[..., Any]]:
    """What writes a file, and what opens it."""
    from functools import partial

    from i2i.sharing import exported_program, onnx_file, torchscript_file

    if form == "onnx":
        return partial(onnx_file.write, opset=opset), onnx_file.opened
    found = {"torchscript": torchscript_file, "pt2": exported_program}[form]
    return found.write, found.opened


def shared(cfg: Any, translations: Any, checkpoint: Any, folder: Path) -> Any:
    """Writes weights with their record and card, loads them again and compares.

    Raises:
        SettingError: What was loaded makes other pictures.
    """
    from i2i.checkpoints.saved_translations import load_translations
    from i2i.sharing.folder import write
    from i2i.sharing.parity import Parity, same_translators

    translator, route = asked(cfg, translations)
    write(folder, translations, route, checkpoint)
    again, _ = load_translations(str(folder), key="output")
    dataset = translator.seen(translations.dataset)
    trials = trials_for(cfg, translator, dataset, 2)
    parity = Parity()
    for name, loaded in again.routes.items():  # StarGAN's network has all of them
        same_translators(translations.routes[name], loaded, trials, parity)
    parity.require(cfg.format)
    return parity


def main() -> None:
    """Entry point of ``python src/export.py`` and ``i2i-export``."""
    launch(export, "export")
