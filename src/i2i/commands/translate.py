"""Translates images: ``python src/translate.py checkpoint=RUN_DIR input=FOLDER output=FOLDER``."""

from pathlib import Path
from typing import Any

from i2i.commands.launch import launch
from i2i.config.unread import require_read
from i2i.errors import setting_error
from i2i.inference.files_to_translate import Job, find_images, find_masks, noise_name

LPIPS_NETWORK = "alex"


def translate(cfg: Any) -> None:
    """Translates a file or a folder; keeps names, sizes and the folder tree, writes PNG.

    Args:
        cfg: The composed configuration.
    """
    from omegaconf import OmegaConf

    from i2i.cluster.devices import resolve_accelerator, torch_device
    from i2i.config.saved_model import load_model
    from i2i.inference.tiled_files import make_tiling
    from i2i.metrics.diversity import Diversity
    from i2i.run_folder import require_writable

    require_read(cfg, "translate")
    require_samples(cfg.samples)
    source, output = Path(cfg.input).expanduser(), Path(cfg.output).expanduser()
    jobs = find_images(source, output, cfg.samples)
    require_writable(output, "output")
    changes = OmegaConf.to_container(cfg.model) | {"seed": cfg.seed}
    model, checkpoint = load_model(cfg.checkpoint, changes)
    if cfg.samples > 1:
        require_noise(model, cfg.samples)
    masks = find_masks(cfg.mask, [job.name for job in jobs], model.task)
    device = torch_device(resolve_accelerator(cfg.accelerator))
    model = model.to(device).eval()
    tiling = make_tiling(cfg.tile, cfg.overlap, model)
    several = cfg.samples > 1
    diversity = Diversity(load_distance(cfg.lpips_weights, device)) if several else None
    skipped = translate_all(model, jobs, masks, diversity, cfg.on_error, tiling)
    print(f"{len(jobs) - skipped} images written to {output}, {skipped} left out")
    if diversity and diversity.rows:
        report(diversity, output, cfg.samples, model, checkpoint)


def translate_all(
    model: Any,
    jobs: list[Job],
    masks: dict[str, Path],
    diversity: Any,
    on_error: str,
    tiling: Any = None,
) -> int:
    """Reads, translates and writes one image after another; returns how many were left out.

    Args:
        model: On its device.
        jobs: What is to be done.
        masks: Mask file by name; empty where none was given.
        diversity: Takes the samples of each image; None where there is one only.
        on_error: ``skip`` leaves unreadable images out.
        tiling: How pictures larger than a tile are cut; None translates all as a whole.

    Raises:
        SettingError: An image or a mask cannot be read.
    """
    from lightning.fabric.utilities.rank_zero import rank_zero_warn
    from tqdm import tqdm

    from i2i.errors import SettingError

    skipped = 0
    for job in tqdm(jobs, unit="image", disable=len(jobs) < 2):
        try:
            given = read_job(job, masks, model)
        except SettingError as error:
            if on_error != "skip":
                raise
            skipped += 1
            rank_zero_warn(f"{error} Left out, as on_error=skip asks.")
        else:
            write_samples(model, *given, job, diversity, tiling)
    return skipped


def read_job(job: Job, masks: dict[str, Path], model: Any) -> tuple[Any, Any]:
    """The image of a job, (H, W, C), and its mask, (H, W) bool, or None without masks."""
    from i2i.data.tasks.masks import read_mask

    image = read_input(job.file, model)
    return image, read_mask(masks[job.name], image.shape[:2]) if masks else None


def write_samples(model: Any, image: Any, mask: Any, job: Job, diversity: Any, tiling: Any) -> None:
    """Translates one picture, in tiles where it is larger than one, and measures its samples."""
    from i2i.images.image_io import write_png
    from i2i.inference.tiled_files import no_distance, write_in_tiles

    scale = model.task.scale
    if tiling and tiling.is_needed(scale * image.shape[0], scale * image.shape[1]):
        l1 = write_in_tiles(model, image, mask, job, tiling)
        if diversity:
            diversity.add_l1(job.name, l1, no_distance(tiling, job.file))
        return
    pictures = make_samples(model, image, mask, job.name, len(job.targets))
    for picture, target in zip(pictures.cpu(), job.targets, strict=True):
        write_png(target, picture.permute(1, 2, 0).numpy())
    if diversity:
        diversity.add(job.name, pictures)


def read_input(file: Path, model: Any) -> Any:
    """The image of a file, (H, W, C); a label map of class ids in the colours of its classes."""
    from i2i.data.tasks.label_map import LabelTask
    from i2i.images.image_io import read_ids, read_image

    node, task = model.config["dataset"], model.task
    labels = isinstance(task, LabelTask) and task.role == "input"
    if labels and node.get("label_files") == "ids":
        return task.classes.encode_colours(read_ids(file))
    return read_image(file, file_channels(node))


def file_channels(dataset: dict[str, Any]) -> int:
    """How the files of a data set's inputs are read: 1 for grey, 3 for colours.

    Label maps as one-hot and the inputs of a task have other channels than their files.
    """
    return 1 if dataset["input_channels"] == 1 and not dataset.get("task") else 3


def make_samples(model: Any, image: Any, mask: Any, name: str, samples: int) -> Any:
    """Translates one image several times, each time with other noise.

    The first sample is the picture that ``samples=1`` gives.

    Args:
        model: On its device.
        image: (H, W, C), uint8, or floats on the 0..255 scale.
        mask: (H, W) bool, or None.
        name: The noise of sample k is drawn from (seed, name) or, from k = 1 on, (seed, name, k).
        samples: How many.

    Returns:
        uint8 (samples, 1 or 3, H', W') on the model's device.
    """
    import torch

    from i2i.images.quantise import to_uint8
    from i2i.seeds import stable_seed

    seed = stable_seed(model.seed, "task", name)
    x = model.task.encode_input(image, seed=seed, mask=mask)[None].to(model.device)
    pictures = []
    for k in range(samples):
        y_hat = model.translate(x, [noise_name(name, k)])
        pictures.append(to_uint8(model.task.output_picture(x, y_hat), [name]))
    return torch.cat(pictures)


def require_samples(samples: Any) -> None:
    """Refuses a number of samples that is none.

    Raises:
        SettingError: It is no whole number of 1 or more.
    """
    if not isinstance(samples, int) or samples < 1:
        raise setting_error(
            f"samples={samples}", repr(samples), "a whole number, 1 or more",
            "samples=1 writes one picture an image.",
        )  # fmt: skip


def require_noise(model: Any, samples: int) -> None:
    """Refuses several samples of a model that always gives the same picture.

    Raises:
        SettingError: No dropout is active when the model translates.
    """
    from i2i.inference.translate import has_noise

    if model.inference == "eval":
        raise setting_error(
            f"samples={samples}", "model.inference=eval, which turns the noise (dropout) off",
            "samples=1, or model.inference=paper", "Add model.inference=paper.",
        )  # fmt: skip
    if not has_noise(model.generator):
        raise setting_error(
            f"samples={samples}", "a generator without dropout: all samples would be equal",
            "samples=1, or a generator with noise",
            "Leave samples out, or train with dropout in the generator.",
        )  # fmt: skip


def load_distance(weights_file: str | None, device: Any) -> Any:
    """LPIPS for the diversity; None, said in one line, where its weights cannot be had.

    Raises:
        SettingError: The named file does not work.
    """
    from i2i.errors import SettingError
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


def report(diversity: Any, output: Path, samples: int, model: Any, checkpoint: Any) -> None:
    """Prints the diversity and writes diversity.json."""
    from i2i.metrics.diversity import PROTOCOL
    from i2i.run_folder import write_json

    if diversity.too_small is not None:
        print(f"Diversity is measured without LPIPS. {diversity.too_small}")
    means = diversity.means()
    units = {"l1": "L1 {:.4f} levels of 255", "lpips": f"LPIPS ({LPIPS_NETWORK}) {{:.4f}}"}
    words = ", ".join(units[key].format(value) for key, value in means.items())
    print(f"Diversity of {samples} samples an input, {len(diversity.rows)} inputs: {words}")
    network = {"lpips_network": LPIPS_NETWORK} if "lpips" in means else {}
    write_json(
        output / "diversity.json",
        {
            "mean": means,
            "per_image": diversity.rows,
            "n_images": len(diversity.rows),
            "samples": samples,
            "seed": model.seed,
            "inference": model.inference,
            "checkpoint": str(checkpoint.path),
            "protocol": {key: PROTOCOL[key] for key in means} | network,
        },
    )


def main() -> None:
    """Entry point of ``python src/translate.py`` and ``i2i-translate``."""
    launch(translate, "translate")
