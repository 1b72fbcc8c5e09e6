"""What a run is called where it stands beside others, such as on W&B: name, group and tags."""

from collections.abc import Mapping, Sequence
from typing import Any

from i2i.printable import printable

LONGEST = 128  # letters of a name or a group, W&B's limit
LONGEST_TAG = 64
PARTS = ("generator", "gan_loss", "dataset")  # of a run that nothing else names
TAGS = ("model", "generator", "discriminator", "gan_loss", "dataset", "experiments")
# Options that say where a run stands or what it shows, and not what it is.
ELSEWHERE = (
    "callbacks", "data_dir", "experiments", "hydra", "label", "logger", "metrics", "project",
    "resume", "run_dir", "seed", "trainer",
)  # fmt: skip
OF_MACHINES = ("dataset.root", "dataset.num_workers", "dataset.cache_gb", "dataset.source")  # too


def name_of(label: str | None, seed: Any, choices: Mapping[str, Any], typed: Sequence[str]) -> str:
    """What makes a run different: ``resnet9 wgan-gp maps s0``, or its label, and what was typed.

    Args:
        label: The option ``label``.
        seed: Of the run.
        choices: The preset of each config group.
        typed: The options of the run, KEY=VALUE.

    Returns:
        One line of at most 128 letters, whose last word is the seed.
    """
    options = by_key(typed)
    study = choices.get("experiments")
    if label is not None or study:
        words, told = [str(label if label is not None else study)], ()
    else:
        told = PARTS
        words = [str(choices[part]) for part in PARTS if choices.get(part)]
        if "model" in options:
            words.insert(0, str(choices["model"]))
            told += ("model",)
    for key, value in options.items():
        of_a_place = key.split(".")[0].split("/")[0] in ELSEWHERE or key.startswith(OF_MACHINES)
        if key not in told and not of_a_place:
            words.append(value if key in choices else f"{key}={value}")
    tail = f" s{seed}"
    return printable(" ".join(words))[: LONGEST - len(tail)] + tail


def by_key(typed: Sequence[str]) -> dict[str, str]:
    """What was typed, or swept: value by key."""
    pairs = (option.lstrip("+~").partition("=") for option in typed)
    return {key: value for key, _, value in pairs}


def columns_of(typed: Sequence[str]) -> dict[str, Any]:
    """What was typed, as columns of W&B: numbers as numbers, and no dots, which W&B splits at."""
    return {key.replace(".", "/"): as_number(value) for key, value in by_key(typed).items()}


def as_number(text: str) -> Any:
    """The number that a text stands for, or the text."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            pass
    return text


def group_of(study: str | None, sweep: str | None) -> str | None:
    """What the runs of one sweep, or of one study, have in common; None for a run by itself.

    Args:
        study: The preset of ``experiments``.
        sweep: The folder of the sweep that the run is a job of, or None.
    """
    words = [str(word) for word in (study, sweep) if word]
    return printable(" ".join(words))[:LONGEST] or None


def tags_of(choices: Mapping[str, Any]) -> list[str]:
    """The presets that W&B can filter by, each once."""
    found = (str(choices[group]) for group in TAGS if choices.get(group))
    return list(dict.fromkeys(printable(name)[:LONGEST_TAG] for name in found))
