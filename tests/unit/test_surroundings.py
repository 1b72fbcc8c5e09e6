"""The list of what is of a run's surroundings, against the options that there are."""

import pytest
from omegaconf import OmegaConf

from conftest import ROOT
from i2i.config.composing import composed
from i2i.config.differences import MAY_DIFFER, flat
from i2i.config.resolvers import register
from i2i.surroundings import PARTS, SURROUNDINGS, below, tried

# Of older runs, of Hydra, and what presets do not list.
ELSEWHERE = {"hydra", "hydra/*", "trainer.profiler", "metrics.*_weights", "trainer.requeue"}


def test_the_list_names_options_that_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("I2I_ROOT", str(ROOT))
    register()
    options = ("metrics=perceptual", "reconstruction=[l1,perceptual]", "trainer=slurm")
    keys = flat(OmegaConf.to_container(composed("config", options), resolve=False))
    unknown = {p for p in SURROUNDINGS if not any(below(key, p) for key in keys)}
    assert unknown - ELSEWHERE == set() and len(set(SURROUNDINGS)) == len(SURROUNDINGS)
    assert all(any(below(key, part) for key in keys) for part in PARTS)


@pytest.mark.parametrize("pattern", SURROUNDINGS)
def test_no_pattern_is_named_twice(pattern: str) -> None:
    assert not any(below(pattern, p) for p in SURROUNDINGS if p != pattern)


@pytest.mark.parametrize(
    ("key", "expected"),
    [("trainer", "trainer.precision"), ("metrics", None), ("dataset.source", None),
     ("dataset.source.n_train", "dataset.source.n_train"), ("hydra.run.dir", None),
     ("hydra/launcher", None), ("logger", None), ("logger.wandb.notes", None),
     ("generator", "generator"), ("seed", "seed"), ("callbacks", "callbacks")],
)  # fmt: skip
def test_tried(key: str, expected: str | None) -> None:
    assert tried(key) == expected


def test_a_run_may_go_on_in_other_surroundings() -> None:
    assert set(SURROUNDINGS) <= set(MAY_DIFFER)
