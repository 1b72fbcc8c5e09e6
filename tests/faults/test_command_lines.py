"""Random command lines: no traceback, nothing is accepted and ignored, no refusal leaves a mark.

Some of them run with the other tests; ``make test-faults`` runs hundreds. One line again:
``I2I_FUZZ=SEED:NUMBER python -m pytest tests/faults/test_command_lines.py``.
"""

import hashlib
import os
import random
import shutil
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hydra._internal.instantiate import _instantiate2
from omegaconf import OmegaConf

from conftest import ROOT, run_command, run_training
from faults.command_lines import meaning, random_options
from i2i.config.composing import composed
from i2i.config.differences import flat
from i2i.config.resolvers import register

SEED = 20260101
FEW, MANY = range(10), range(10, 400)
LONGEST = 60  # seconds that a line may take
# Values that the commands read themselves, without handing them to a part by that name.
READ_BY_THE_COMMAND = {
    "seed", "resume", "init_from", "init_players", "init_channels.input", "init_channels.target",
    "validate_first", "test_checkpoint", "baselines", "sweep_metric", "project", "label",
    "checkpoint", "split", "input", "output", "samples", "tile", "overlap", "mask", "on_error",
    "accelerator", "lpips_weights", "task", "overwrite", "output_format", "quality",
}  # fmt: skip


def numbers() -> list[Any]:
    """Which lines are run: those asked for, a few, or under the marker all."""
    if asked := os.environ.get("I2I_FUZZ"):
        seed, _, number = asked.partition(":")
        return [(int(seed), int(number))]
    many = [pytest.param((SEED, n), marks=pytest.mark.faults) for n in MANY]
    return [(SEED, n) for n in FEW] + many


@pytest.fixture(scope="module")
def run(tiny: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run_training(tiny, tmp_path_factory.mktemp("fuzz") / "run", "trainer.max_steps=2")


@pytest.fixture(scope="module")
def keys() -> dict[str, list[str]]:
    """The dotted keys of each command's configuration."""
    os.environ["I2I_ROOT"] = str(ROOT)
    register()
    return {
        name: sorted(flat(OmegaConf.to_container(composed(config), resolve=False)))
        for name, config in (
            ("train", "config"),
            ("evaluate", "evaluate"),
            ("translate", "translate"),
        )
    }


class HandedOver:
    """What Hydra handed to the parts that it made: (class or function, keyword arguments)."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch):
        self.calls: list[tuple[str, Mapping[str, Any]]] = []
        call = _instantiate2._call_target

        def record(
            target: Callable[..., Any], partial: bool, args: Any, kwargs: Any, *more: Any
        ) -> Any:
            given = {
                k: OmegaConf.to_container(v) if OmegaConf.is_config(v) else v
                for k, v in kwargs.items()
            }
            self.calls.append((f"{target.__module__}.{target.__qualname__}", given))
            return call(target, partial, args, kwargs, *more)

        monkeypatch.setattr(_instantiate2, "_call_target", record)

    def had(self, key: str, value: Any) -> bool:
        """Whether some part got a value, or a part made from it, under the last word of a key."""
        made = isinstance(value, Mapping) and "_target_" in value
        words = key.split(".")
        for _, given in self.calls:
            for i, word in enumerate(words):
                if word not in given:
                    continue
                found = given[word]
                for further in words[i + 1 :]:
                    found = found.get(further) if isinstance(found, Mapping) else None
                if (made and i == len(words) - 1) or same(found, value):
                    return True
        return False


def same(one: Any, two: Any) -> bool:
    """Equality, of paths whatever they start from."""
    if isinstance(one, str) and isinstance(two, str):
        return one == two or Path(one).name == Path(two).expanduser().name
    return one == two


def tree(folder: Path) -> dict[str, str]:
    """Every file below a folder, by the hash of its content."""
    files = [file for file in sorted(folder.rglob("*")) if file.is_file()]
    return {str(f.relative_to(folder)): hashlib.sha256(f.read_bytes()).hexdigest() for f in files}


@contextmanager
def alarm(seconds: int) -> Iterator[None]:
    """Ends what takes longer with an error."""
    if not hasattr(signal, "SIGALRM"):
        yield
        return

    def ring(*_: Any) -> None:
        raise TimeoutError(f"longer than {seconds} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def line(rng: random.Random, here: Path, tiny: list[str], keys: dict[str, list[str]]) -> list[str]:
    """One command line: the command, and its options in any order."""
    kind = rng.choice(["train", "train", "train", "resume", "init", "evaluate", "translate"])
    command = kind if kind in keys else "train"
    quick = [*tiny, "generator.n_downs=6", "trainer.max_steps=1", "baselines=false"]
    needed = {
        "train": [*quick, f"hydra.run.dir={here}/new"],
        "resume": [f"resume={here}/run", "trainer.max_steps=3"],
        "init": [*quick, f"hydra.run.dir={here}/new", f"init_from={here}/run"],
        "evaluate": [f"checkpoint={here}/run", f"output={here}/scores", "trainer=cpu"],
        "translate": [
            f"checkpoint={here}/run",
            f"input={here}/in",
            f"output={here}/out",
            "side_by_side=true",
        ],
    }[kind]
    options = random_options(rng, keys[command], rng.choice([1, 1, 2, 3]))
    words = [*needed, *options]
    rng.shuffle(words)
    return [command, *words]


@pytest.mark.parametrize("number", numbers(), ids=str)
def test_a_random_command_line(
    number: tuple[int, int], run: Path, tiny: list[str], keys: dict[str, list[str]], tmp_path: Path,
    capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch, pairs_root: Path,
) -> None:  # fmt: skip
    rng = random.Random(f"{number}")
    here = tmp_path / "here"
    shutil.copytree(run, here / "run")
    shutil.copytree(pairs_root / "test", here / "in")
    monkeypatch.setenv("HOME", str(here))
    command, *words = line(rng, here, tiny, keys)
    print(f"\n{command} {' '.join(words)}")
    before = tree(here)
    handed = HandedOver(monkeypatch)
    with alarm(LONGEST):
        code = run_command(command, *words, cwd=here)
    told = capsys.readouterr()
    assert "Traceback" not in told.err
    if code:
        assert told.err.strip()
        assert tree(here) == before
        return
    folder = {"train": here / "new", "evaluate": here / "scores"}.get(command)
    if any(w.startswith("resume=") for w in words):
        folder = here / "run"
    recorded = OmegaConf.load(folder / "config.yaml") if folder and command == "train" else None
    last = {word.partition("=")[0].lstrip("+"): word for word in words}  # of two the later counts
    for word in last.values():
        check_effect(word, recorded, handed)


def check_effect(word: str, recorded: Any, handed: HandedOver) -> None:
    """Asserts that an accepted option stands in the record and has reached a part."""
    from i2i.config.plain_words import plain_words

    if word.startswith(("-", "~")):
        return
    found = meaning(plain_words([word])[0])
    if found is None or found[0].startswith("hydra.") or "/" in found[0] or "." not in found[0]:
        return  # groups: the parts that they bring are there, or Hydra refuses them
    key, value = found
    if recorded is not None:
        kept = OmegaConf.select(recorded, key)
        kept = OmegaConf.to_container(kept) if OmegaConf.is_config(kept) else kept
        assert same(kept, value), f"{word} was accepted and recorded as {kept}"
    if value is None or key in READ_BY_THE_COMMAND or key.endswith(("_target_", "_partial_")):
        return
    assert handed.had(key, value), f"{word} was accepted, and no part got it"
