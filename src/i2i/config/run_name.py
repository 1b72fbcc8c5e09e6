"""What a run is called where it stands beside others, such as on W&B: name, group and tags."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from i2i.config.differences import select
from i2i.files.ordinary import Unreadable
from i2i.files.records import read_yaml
from i2i.printable import printable
from i2i.surroundings import tried

LONGEST = 128  # letters of a name or a group, W&B's limit
LONGEST_TAG = 64
PARTS = ("generator", "gan_loss", "dataset")  # of a run that nothing else names
TAGS = ("model", "generator", "discriminator", "gan_loss", "dataset", "experiments")
OTHERWISE = ("experiments", "label", "seed")  # which a name tells in a way of its own


def record_of(
    config: Mapping[str, Any], typed: Sequence[str], run_dir: Path, earlier: Mapping[str, Any]
) -> dict[str, Any]:
    """Name, group, tags and typed options of a run.

    Args:
        config: Resolved, with its presets.
        typed: The options of the run, KEY=VALUE.
        run_dir: Its folder, which in a sweep stands in that of the sweep.
        earlier: The configuration of the run that goes on, which is still called as it was; empty
            for a new one.
    """
    if is_record(kept := earlier.get("record")):
        return dict(kept)
    presets = config["presets"]
    sweep = run_dir.parent / "multirun.yaml"  # which Hydra writes first
    in_sweep = sweep.is_file()
    swept = swept_in(sweep, typed) if in_sweep else set()
    return {
        "name": name_of(config["label"], config["seed"], presets, typed, swept),
        "group": group_of(
            "/".join(run_dir.parts[-3:-1]) if in_sweep else presets.get("experiments")
        ),
        "tags": tags_of(presets),
        "options": columns_of(typed),
    }


def is_record(kept: Any) -> bool:
    """Whether a checkpoint, perhaps a stranger's, holds what ``record_of`` makes."""
    if not isinstance(kept, Mapping) or kept.keys() != {"name", "group", "tags", "options"}:
        return False
    texts = [kept["name"], *([] if kept["group"] is None else [kept["group"]])]
    texts += kept["tags"] if isinstance(kept["tags"], list) else [None]
    short = all(isinstance(t, str) and len(t) <= LONGEST and t.isprintable() for t in texts)
    return short and isinstance(kept["options"], Mapping)


def swept_in(sweep: Path, typed: Sequence[str]) -> set[str]:
    """The options that were not typed for the whole of a sweep, but chosen for one of its jobs.

    Args:
        sweep: Hydra's record of the sweep.
        typed: The options of the job, KEY=VALUE.
    """
    try:
        asked = select(read_yaml(sweep), "hydra.overrides.task")
    except Unreadable:
        return set()
    options = asked if isinstance(asked, list) else []
    of_all = {str(option).replace(" ", "") for option in options}  # Hydra drops those of lists
    return set(by_key([option for option in typed if option.replace(" ", "") not in of_all]))


def name_of(
    label: str | None,
    seed: Any,
    choices: Mapping[str, Any],
    typed: Sequence[str],
    swept: Collection[str] = (),
) -> str:
    """What makes a run different: ``resnet9 wgan-gp maps s0``, or its label, and what was typed.

    Options of a machine, of places and of what is shown are told where they are swept. What is
    swept comes first.

    Args:
        label: The option ``label``.
        seed: Of the run.
        choices: The preset of each config group.
        typed: The options of the run, KEY=VALUE.
        swept: Keys of those that the jobs of its sweep differ in.

    Returns:
        One line of at most 128 letters, whose last word is the seed.
    """
    options = by_key(typed)
    words = [str(word) for word in (label, choices.get("experiments")) if word is not None]
    told: tuple[str, ...] = OTHERWISE
    if not words:
        told += PARTS
        words = [str(choices[part]) for part in PARTS if choices.get(part)]
        if "model" in options:
            words.insert(0, str(choices["model"]))
            told += ("model",)
    for key in sorted(options, key=lambda key: key not in swept):  # the end may be cut off
        value = options[key]
        if key not in told and (key in swept or tried(key) == key):
            gone = f"~{key}" in typed
            words.append(value if key in choices else f"~{key}" if gone else f"{key}={value}")
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


def group_of(common: str | None) -> str | None:
    """What W&B calls the runs of one sweep or study; None for a run by itself.

    Args:
        common: The folder of the sweep that the run is a job of, else its preset of
            ``experiments``, if any. A sweep over studies is one group.
    """
    return printable(str(common))[:LONGEST] if common else None


def tags_of(choices: Mapping[str, Any]) -> list[str]:
    """The presets that W&B can filter by, each once."""
    found = (str(choices[group]) for group in TAGS if choices.get(group))
    return list(dict.fromkeys(printable(name)[:LONGEST_TAG] for name in found))
