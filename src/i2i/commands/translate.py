"""Translates images: ``python src/translate.py checkpoint=RUN_DIR input=FOLDER output=FOLDER``."""

from pathlib import Path
from typing import Any

from i2i.commands.launch import launch
from i2i.errors import setting_error


def translate(cfg: Any) -> None:
    """Translates a file or a folder; keeps names, sizes and the folder tree, writes PNG.

    Args:
        cfg: The composed configuration.
    """
    import torch
    from lightning.fabric.utilities.rank_zero import rank_zero_warn
    from omegaconf import OmegaConf
    from tqdm import tqdm

    from i2i.commands.saved_model import load_model
    from i2i.data.image_io import read_image, write_png
    from i2i.data.ranges import to_float
    from i2i.errors import SettingError
    from i2i.metrics.quantise import to_uint8
    from i2i.run_folder import require_writable
    from i2i.training.trainer import resolve_accelerator

    source, output = Path(cfg.input).expanduser(), Path(cfg.output).expanduser()
    jobs = find_images(source, output)
    require_writable(output, "output")
    changes = OmegaConf.to_container(cfg.model) | {"seed": cfg.seed}
    model, _ = load_model(cfg.checkpoint, changes)
    device = torch.device("cuda" if resolve_accelerator(cfg.accelerator) == "gpu" else "cpu")
    model = model.to(device).eval()
    channels = model.config["dataset"]["input_channels"]
    skipped = 0
    for file, name, target in tqdm(jobs, unit="image", disable=len(jobs) < 2):
        try:
            image = read_image(file, channels)
        except SettingError as error:
            if cfg.on_error != "skip":
                raise
            skipped += 1
            rank_zero_warn(f"{error} Left out, as on_error=skip asks.")
            continue
        y_hat = model.translate(to_float(image)[None].to(device), [name])[0]
        target.parent.mkdir(parents=True, exist_ok=True)
        write_png(target, to_uint8(y_hat.cpu()).permute(1, 2, 0).numpy())
    print(f"{len(jobs) - skipped} images written to {output}, {skipped} left out")


def find_images(source: Path, output: Path) -> list[tuple[Path, str, Path]]:
    """What is to be translated.

    Args:
        source: An image or a folder of images.
        output: The folder to write to.

    Returns:
        File, name (the path below ``source`` without suffix; the noise depends on it) and the PNG
        to write, for each image.

    Raises:
        SettingError: There is no image, or two would be written to one file.
    """
    from i2i.data.image_io import IMAGE_SUFFIXES

    wanted = "an image (" + ", ".join(sorted(IMAGE_SUFFIXES)) + ") or a folder of them"
    if not source.exists():
        raise setting_error(f"input={source}", "nothing there", wanted, "Check the path.")
    if output.exists() and not output.is_dir():
        raise setting_error(
            f"output={output}", "a file", "a folder to write into", "Name a folder."
        )
    if source.is_file():
        files, base = [source], source.parent
    else:
        files, base = sorted(p for p in source.rglob("*") if p.is_file()), source
    inside = output.resolve() if output.resolve() != source.resolve() else None
    images = [
        f
        for f in files
        if f.suffix.lower() in IMAGE_SUFFIXES
        and not (inside and f.resolve().is_relative_to(inside))
    ]
    if not images:
        raise setting_error(f"input={source}", "no image", wanted, "Check the path.")
    names: dict[str, Path] = {}
    for image in images:
        name = image.relative_to(base).with_suffix("").as_posix()
        if name in names:
            raise setting_error(
                f"input={source}", f"{names[name].name} and {image.name}",
                "one image a name: both would become the same PNG", "Rename one of them.",
            )  # fmt: skip
        names[name] = image
    jobs = [(image, name, output / f"{name}.png") for name, image in names.items()]
    for image, _, target in jobs:
        if target.exists() and target.samefile(image):
            raise setting_error(
                f"output={output}", f"{target.name}, which is an input", "another folder",
                "Translating into the input folder would overwrite your images.",
            )  # fmt: skip
    return jobs


def main() -> None:
    """Entry point of ``python src/translate.py`` and ``i2i-translate``."""
    launch(translate, "translate")
