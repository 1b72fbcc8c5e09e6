"""Translates images: ``python src/translate.py checkpoint=RUN_DIR input=FOLDER output=FOLDER``."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from i2i.commands.launch import launch
from i2i.config.numbers import require_numbers
from i2i.config.unread import require_read
from i2i.errors import SettingError, setting_error
from i2i.images.pixel_limit import pixel_limit
from i2i.inference.files_to_translate import Job, find_images, find_masks, images_of
from i2i.inference.one_file import Counts, check_on_error
from i2i.inference.outputs import Output, left_to_do, made_for, understand_output
from i2i.inference.samples import Samples, require_choice_of, understand_samples
from i2i.printable import printable

LPIPS_NETWORK = "alex"


def translate(cfg: Any) -> None:
    """Translates a file or a folder; keeps names, sizes and the folder tree.

    Args:
        cfg: The composed configuration.
    """
    from i2i.run_folder import require_writable

    require_read(cfg, "translate")
    require_numbers({"seed": cfg.seed})
    samples = understand_samples(cfg.samples, cfg.z, cfg.walk)
    check_on_error(cfg.on_error)
    pixel_limit(cfg.max_megapixels, "max_megapixels")
    require_choice("side_by_side", cfg.side_by_side)
    require_workers(cfg, samples.measured)
    source = Path(str(cfg.input)).expanduser()
    output = understand_output(
        source, cfg.output, cfg.output_format, cfg.quality, cfg.overwrite
    )  # fmt: skip
    images, early = images_of(source, output.folder), None
    if output.open:  # what is wrong with the input was said before anything is loaded
        output, early = in_default_format(output, cfg)
    found = find_images(source, output, samples.number, images)
    jobs = left_to_do(found, output, samples.measured)
    if output.note:
        print(output.note)
    counts = Counts(standing=len(found) - len(jobs))
    with made_for(output.folder):
        require_writable(output.folder, "output")
        if jobs:
            translate_jobs(cfg, jobs, samples, output, counts, early or loaded(cfg))
        if counts.left_out and not counts.written + counts.standing:
            raise setting_error(
                f"input={source}", f"no image that can be translated ({counts.left_out} left out)",
                "one or more", "What is wrong with each was said above.",
            )  # fmt: skip
    there = f", {counts.standing} were there already" if counts.standing else ""
    summary = f"{counts.written} images written to {output.place}, {counts.left_out} left out"
    print(printable(summary + there))


def loaded(cfg: Any) -> tuple[Any, Any]:
    """What translates, with the options that were typed for it, and its checkpoint."""
    from i2i.checkpoints.saved_translations import load_translations

    model, checkpoint = load_translations(cfg.checkpoint, cfg.model.inference, cfg.seed)
    return asked_translator(model, cfg), checkpoint


def in_default_format(output: Output, cfg: Any) -> tuple[Output, Any]:
    """The output in the format that holds the model's targets, and the translator that said so.

    Where the checkpoint cannot be used the output stays as it is; loading it again says why.
    """
    from i2i.inference.form import channels_of, default_format

    try:
        translator, checkpoint = loaded(cfg)
    except SettingError:
        return output, None
    dataset = translator.seen(checkpoint.config["dataset"])
    kind = translator.task.kinds["target"]
    chosen = default_format(kind, channels_of(dataset), dataset.get("background"))
    return replace(output, suffix=f".{chosen}", open=False), (translator, checkpoint)


def translate_jobs(
    cfg: Any,
    jobs: list[Job],
    samples: Samples,
    output: Output,
    counts: Counts,
    model: tuple[Any, Any],
) -> None:
    """Translates; what becomes of the images is added to ``counts``."""
    from i2i.cluster.devices import resolve_accelerator, torch_device
    from i2i.inference.form import channels_of, form_of, in_words
    from i2i.inference.tiled_files import make_tiling
    from i2i.inference.translation import Translation, translate_all
    from i2i.metrics.diversity import Diversity

    translator, checkpoint = model
    dataset = translator.seen(checkpoint.config["dataset"])
    require_choice_of(samples, translator)
    kind = translator.task.kinds["target"]
    form = form_of(kind, channels_of(dataset), output)
    if words := in_words(form, output):
        print(words)
    masks = find_masks(cfg.mask, [job.name for job in jobs], translator.task, cfg.on_error)
    device = torch_device(resolve_accelerator(cfg.accelerator))
    if device.type != "cpu" and cfg.workers > 1:
        raise setting_error(
            f"workers={cfg.workers}", f"accelerator={device.type}", "a CPU, whose cores they use",
            "Leave workers out, or type accelerator=cpu.",
        )  # fmt: skip
    translator.network.to(device)
    distance = load_distance(cfg.lpips_weights, device) if samples.measured else None
    translation = Translation(
        translator=translator,
        dataset=dataset,
        masks=masks,
        output=output,
        samples=samples,
        tiling=make_tiling(cfg.tile, cfg.overlap, translator, dataset["input_channels"]),
        diversity=Diversity(distance, kind.seen) if samples.measured else None,
        side_by_side=cfg.side_by_side,
        most_pixels=pixel_limit(cfg.max_megapixels, "max_megapixels"),
        form=form,
        workers=cfg.workers,
    )
    translate_all(translation, jobs, cfg.on_error, counts)
    if samples.measured and translation.diversity.rows:
        report(translation.diversity, output, samples.drawn, translator, checkpoint, counts)


def asked_translator(model: Any, cfg: Any) -> Any:
    """The translator of the route or the attributes that are asked for.

    Raises:
        SettingError: The model has no such route, or knows no attributes.
    """
    from omegaconf import OmegaConf

    asked = cfg.attributes
    plain = OmegaConf.to_container(asked) if OmegaConf.is_config(asked) else asked
    return model.asked(cfg.route, plain)


def require_choice(option: str, value: Any) -> None:
    """Refuses a value that is none of true, false and null.

    Raises:
        SettingError: It is another.
    """
    if value not in (None, True, False) or isinstance(value, int) != isinstance(value, bool):
        raise setting_error(
            f"{option}={value}", repr(value), "true, false or null", f"Leave {option} out."
        )


def require_workers(cfg: Any, measured: bool) -> None:
    """Refuses a number of processes that is none, or that other options leave no use for.

    Args:
        cfg: The options.
        measured: Whether the samples of each image are compared.

    Raises:
        SettingError: It is.
    """
    if type(cfg.workers) is not int or cfg.workers < 1:
        raise setting_error(
            f"workers={cfg.workers}", repr(cfg.workers), "a whole number from 1",
            "The number of cores is a good one.",
        )  # fmt: skip
    other = "tile" if cfg.tile is not None else "samples" if measured else None
    if cfg.workers > 1 and other:
        why = {"tile": "one picture is held at a time", "samples": "all samples are compared"}
        raise setting_error(
            f"workers={cfg.workers}", f"{other}={cfg[other]}, for which {why[other]}", "1",
            f"Leave workers or {other} out.",
        )  # fmt: skip


def load_distance(weights_file: str | None, device: Any) -> Any:
    """LPIPS for the diversity; None, said in one line, where its weights cannot be had.

    Raises:
        SettingError: The named file does not work.
    """
    from i2i.losses.backbones import Asker
    from i2i.metrics.perceptual import load_lpips

    asker = Asker("samples", "lpips_weights", "go without LPIPS")
    try:
        return load_lpips(LPIPS_NETWORK, weights_file, device, asker)
    except SettingError as error:
        if weights_file is not None:
            raise
        print(f"Diversity is measured without LPIPS. {error}")
        return None


def report(
    diversity: Any, output: Output, samples: int, translator: Any, checkpoint: Any, counts: Counts
) -> None:
    """Prints the diversity and writes diversity.json."""
    from i2i.metrics.diversity import PROTOCOL
    from i2i.run_folder import write_json

    if diversity.too_small is not None:
        print(f"Diversity is measured without LPIPS. {diversity.too_small}")
    means, consecutive = diversity.means(), diversity.consecutive()
    units = {"l1": "L1 {:.4f} levels of 255", "lpips": f"LPIPS ({LPIPS_NETWORK}) {{:.4f}}"}
    words = ", ".join(units[key].format(value) for key, value in means.items())
    print(f"Diversity of {samples} samples an input, {len(diversity.rows)} inputs: {words}")
    parts = [
        f"{units[key].format(found['mean'])} (standard deviation {found['std']:.4f})"
        for key, found in consecutive.items()
    ]
    number = consecutive["l1"]["n"]
    print(f"Of samples that follow one another, {number} pairs: {', '.join(parts)}")
    network = {"lpips_network": LPIPS_NETWORK} if "lpips" in means else {}
    write_json(
        output.diversity,
        {
            "mean": means,
            "consecutive": consecutive,
            "per_image": diversity.rows,
            "n_images": len(diversity.rows),
            "n_not_measured": counts.standing + counts.left_out,
            "samples": samples,
            "seed": translator.seed,
            "inference": translator.inference,
            "checkpoint": str(checkpoint.path),
            "protocol": {key: PROTOCOL[key] for key in means} | network,
        },
    )


def main() -> None:
    """Entry point of ``python src/translate.py`` and ``i2i-translate``."""
    launch(translate, "translate")
