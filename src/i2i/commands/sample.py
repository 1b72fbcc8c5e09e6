"""Makes pictures of classes: ``python src/sample.py checkpoint=RUN class=7 output=DIR``."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from i2i.commands.launch import launch
from i2i.config.unread import require_read
from i2i.errors import setting_error
from i2i.images.formats.picture_formats import FORMATS, check_quality, write_picture
from i2i.images.grid import image_grid
from i2i.images.rgb import rgb_of_tensor
from i2i.inference.files_to_translate import noise_name
from i2i.inference.form import default_format, form_of
from i2i.inference.outputs import Output, made_for
from i2i.inference.samples import read_codes
from i2i.run_folder import require_writable

AT_ONCE = 64  # pictures
WITH_SCREENS = ("png", "jpg", "webp", "tif")  # formats of the grid, which is to be looked at
WITHOUT = "picture"  # what pictures of a model without classes are called


def sample(cfg: Any) -> None:
    """Writes pictures of the classes asked for, and a grid of them.

    Args:
        cfg: The composed configuration.
    """
    from omegaconf import OmegaConf

    from i2i.checkpoints.saved_model import load_model
    from i2i.cluster.devices import resolve_accelerator, torch_device

    require_read(cfg, "sample")
    codes = None if cfg.z is None else read_codes(Path(str(cfg.z)).expanduser(), f"z={cfg.z}")
    n = require_counts(cfg.n, codes)
    asked = require_format(cfg.output_format)
    quality = check_quality(cfg.quality, asked or FORMATS[0])
    changes = OmegaConf.to_container(cfg.model) | {"seed": cfg.seed}
    model, _ = load_model(cfg.checkpoint, changes)
    latent = require_maker(model)
    z = None if codes is None else require_length(torch.tensor(codes), latent, cfg.z)
    wanted = asked_classes(model, cfg["class"])
    kind, channels = model.task.kinds["target"], model.config["dataset"]["target_channels"]
    suffix = "." + (asked or default_format(kind, channels))
    output = Path(str(cfg.output)).expanduser()
    form = form_of(kind, channels, Output(output, suffix=suffix))
    digits = len(str(n - 1))
    files = {name: [output / f"{name}_{k:0{digits}d}{suffix}" for k in range(n)] for name in wanted}
    grid = output / f"classes{suffix if suffix[1:] in WITH_SCREENS else '.png'}"
    with made_for(output):
        require_writable(output, "output")
        require_new([grid, *(file for own in files.values() for file in own)], cfg.overwrite)
        model.to(torch_device(resolve_accelerator(cfg.accelerator))).eval()
        rows = []
        for name, number in wanted.items():
            pictures = made_of(model, name, number, n, z)
            rows.append([rgb_of_tensor(picture) for picture in kind.seen(pictures)])
            for file, picture in zip(files[name], form.arrays(pictures), strict=True):
                write_picture(file, picture, quality)
        write_picture(grid, image_grid(rows), quality)
    print(f"{n} pictures of each of {', '.join(wanted)} written to {output}; a row each: {grid}")


def made_of(model: Any, name: str, number: int | None, n: int, z: Tensor | None) -> Tensor:
    """Pictures of a class, (n, C, H, W) in [-1, 1] on the CPU.

    Args:
        model: On its device.
        name: Of the class; picture k has the code of (seed, name, k).
        number: Of the class; None where the model knows none.
        n: Pictures.
        z: Their codes, (n, latent), or None.
    """
    made = []
    for start in range(0, n, AT_ONCE):
        some = range(start, min(start + AT_ONCE, n))
        label = None if number is None else torch.full((len(some),), number)
        own = None if z is None else z[start : start + AT_ONCE]
        drawn = model.draw(label, [noise_name(name, k) for k in some], own)
        made.append(model.task.output_picture(None, drawn).cpu())
    return torch.cat(made)


def require_counts(n: Any, codes: Sequence[Any] | None) -> int:
    """How many pictures there are of a class.

    Raises:
        SettingError: It is no whole number of 1 or more, or not that of the codes.
    """
    if codes is not None and n in (None, len(codes)):
        return len(codes)
    if codes is None and isinstance(n, int) and not isinstance(n, bool) and n >= 1:
        return n
    if codes is None and n is None:
        return 8
    expected = "a whole number, 1 or more" if codes is None else f"{len(codes)}, one for each code"
    raise setting_error(f"n={n}", repr(n), expected, "Leave n out.")


def require_format(asked: Any) -> str | None:
    """The format of the files that was asked for.

    Raises:
        SettingError: Nothing writes it.
    """
    if asked not in (None, *FORMATS):
        raise setting_error(
            f"output_format={asked}", repr(asked), f"one of {', '.join(FORMATS)}", "Name one."
        )
    return asked


def require_maker(model: Any) -> int:
    """The length of a code.

    Raises:
        SettingError: The system makes no pictures of codes alone.
    """
    if not hasattr(model, "draw"):
        raise setting_error(
            "checkpoint", f"a {type(model).__name__}, which needs a picture to begin with",
            "a system that makes pictures of nothing (model=cgan)",
            "Translate pictures with src/translate.py checkpoint=RUN_DIR input=FOLDER.",
        )  # fmt: skip
    return model.generator.latent


def require_length(codes: Tensor, latent: int, file: Any) -> Tensor:
    """Codes of the model's length.

    Raises:
        SettingError: They have another one.
    """
    if codes.shape[1] != latent:
        raise setting_error(
            f"z={file}", f"codes of {codes.shape[1]} numbers", f"{latent}, as the model has",
            "Write a list of as many numbers.",
        )  # fmt: skip
    return codes


def asked_classes(model: Any, asked: Any) -> dict[str, int | None]:
    """The numbers of the classes asked for, by name.

    Args:
        model: The system.
        asked: A name, several, or None for all.

    Raises:
        SettingError: There is no such class.
    """
    if not model.conditional:
        if asked is not None:
            raise setting_error(
                f"class={asked}", "a model that was trained without classes", "no class",
                "Leave class out.",
            )  # fmt: skip
        return {WITHOUT: None}
    several = isinstance(asked, Sequence) and not isinstance(asked, str)
    names = model.domains if asked is None else list(map(str, asked if several else [asked]))
    if not names:
        raise setting_error(
            "class=[]", "no class", f"one or more of {', '.join(model.domains)}",
            "Leave class out for all.",
        )  # fmt: skip
    for name in names:
        if name not in model.domains:
            raise setting_error(
                f"class={name}", "no class of the model", f"one of {', '.join(model.domains)}",
                "Name one, several as class=[A,B], or leave class out for all.",
            )  # fmt: skip
    return {name: model.domains.index(name) for name in names}


def require_new(files: Sequence[Path], overwrite: Any) -> None:
    """Refuses to replace pictures unless that is asked for.

    Raises:
        SettingError: One is there already, or ``overwrite`` is neither true nor false.
    """
    if not isinstance(overwrite, bool):
        raise setting_error(
            f"overwrite={overwrite}", repr(overwrite), "true or false", "Correct it."
        )
    there = [] if overwrite else [file for file in files if file.exists()]
    if there:
        raise setting_error(
            "output", f"{len(there)} pictures that are there already, such as {there[0]}",
            "none of these names", "Choose another folder, or add overwrite=true.",
        )  # fmt: skip


def main() -> None:
    """Entry point of ``python src/sample.py`` and ``i2i-sample``."""
    launch(sample, "sample")
