"""Options that nothing would come of are refused by name, with what they need."""

import re
from collections.abc import Callable

import pytest

from conftest import Run
from i2i.config.no_effect import require_of_split
from i2i.config.resolvers import more_is_better
from i2i.errors import SettingError

WITH = {
    "config": ["metrics=pairwise"], "evaluate": ["checkpoint=x"],
    "translate": ["checkpoint=x", "input=x", "output=x"], "export": ["checkpoint=x", "output=x"],
}  # fmt: skip


@pytest.mark.parametrize(
    ("command", "options", "told"),
    [
        ("translate", ["overlap=64"], "overlap=64: found no tile; expected tile=PIXELS beside it."),
        ("translate", ["lpips_weights=/a"], "lpips_weights=/a: found samples=1, of which nothing"),
        ("export", ["format=pt2", "opset=21"], "opset=21: found a file that is no ONNX; expect"),
        ("export", ["private=false"], "private=False: found nothing that is uploaded; exp"),
        ("evaluate", ["data_dir=/a"], "data_dir=/a: found a data set that does not stand there"),
        ("evaluate", ["data_dir=/a", "dataset=maps", "dataset.root=/b"], "data_dir=/a: found a da"),
        ("config", ["data_dir=/a", "dataset=folder", "dataset.root=/b"], "data_dir=/a: found a da"),
        ("config", ["metrics.kid_subsets=3"], "metrics.kid_subsets=3: found metrics without FID"),
        ("config", ["metrics.inception_weights=/a"], "metrics.inception_weights=/a: found metrics"),
        ("config", ["metrics.segmentation=false", "metrics.segmenter=/a"], "segmenter=/a: found"),
        ("config", ["sweep_metric=val/foo"], "sweep_metric=val/foo: found a score called foo; exp"),
        ("config", ["sweep_metric=null"], "sweep_metric=None: found no split and score; expected"),
        ("config", ["+hydra.foo=1"], "hydra.foo: found an option that Hydra does not have; expect"),
        ("translate", ["+hydra.job.foo=1"], "hydra.job.foo: found an option that Hydra does not"),
        ("config", ["hydra.sweep.dir=/a"], "hydra.sweep.dir: found a single job; expected a sweep"),
        ("config", ["hydra.mode=MULTIRUN", "hydra.run.dir=/a"], "hydra.run.dir: found a sweep, wh"),
    ],
)  # fmt: skip
def test_what_nothing_comes_of_is_told(
    read: Callable[..., None], command: str, options: list[str], told: str
) -> None:
    with pytest.raises(SettingError, match=re.escape(told)) as caught:
        read(*WITH[command], *options, command=command)
    assert "; expected " in str(caught.value)


@pytest.mark.parametrize(
    ("command", "options"),
    [
        ("translate", ["overlap=64", "tile=256"]),
        ("translate", ["overlap=auto"]),  # what it is anyway
        ("translate", ["lpips_weights=/a", "samples=3"]),
        ("export", ["opset=21"]),
        ("export", ["push=a/b", "private=false"]),
        ("evaluate", ["data_dir=/a", "dataset=maps"]),
        ("evaluate", ["metrics=full", "metrics.kid_subsets=3"]),
        ("evaluate", ["metrics.kid_subsets=3"]),  # the run may have had them
        ("config", ["data_dir=/a"]),
        ("config", ["metrics=full", "metrics.kid_subsets=3"]),
        ("config", ["metrics.segmenter=/a"]),
        ("config", ["sweep_metric=val/mean_iou"]),
        ("config", ["+hydra.job.env_set.X=1", "hydra.run.dir=/a"]),
        ("config", ["hydra.mode=MULTIRUN", "hydra.sweep.dir=/a", "+hydra.launcher.x=1"]),
    ],
)
def test_what_counts_is_taken(read: Callable[..., None], command: str, options: list[str]) -> None:
    read(*WITH[command], *options, command=command)


PUBLISHED = {"splits": {"train": "a", "val": "b", "test": "c"}}
HELD = {"splits": {"train": "a", "val": None, "test": None}, "val_from_train": 0.1,
        "test_from_train": 9}  # fmt: skip


@pytest.mark.parametrize(
    ("node", "split", "idle", "counts"),
    [
        (PUBLISHED, "test", ["splits.train", "splits.val", "val_from_train"], ["splits.test"]),
        (PUBLISHED, "val", ["splits.train", "test_from_train"], ["splits.val", "val_from_train"]),
        (PUBLISHED, "train", ["splits.val", "splits.test"], ["splits.train", "val_from_train"]),
        (HELD, "test", [], ["splits.train", "splits.val", "val_from_train", "test_from_train"]),
        (HELD, "train", [], ["splits.test", "splits.val", "val_from_train"]),
        (HELD | {"test_from_train": 0}, "test", ["splits.train", "val_from_train"], []),
    ],
)  # fmt: skip
def test_options_of_other_splits_than_the_one_that_is_scored(
    node: dict, split: str, idle: list[str], counts: list[str]
) -> None:
    require_of_split([f"dataset.{key}" for key in counts], node, split)
    for key in idle:
        with pytest.raises(SettingError, match=rf"^dataset\.{key}=.*: found split={split}, which"):
            require_of_split([f"dataset.{key}"], node, split)


@pytest.mark.parametrize("score", ["val/foo", "ssim", "train/ssim", None, "val/"])
def test_a_score_that_there_is_not(score: str | None) -> None:
    metrics = {"segmentation": False, "distribution": True}
    assert more_is_better("x", "val/fid", metrics) is False
    with pytest.raises(SettingError, match=rf"^x={score}: found "):
        more_is_better("x", score, metrics)


def test_refusals_come_before_a_run_does(
    train: Run, command: Callable[..., int], tiny: list[str], capsys: pytest.CaptureFixture
) -> None:
    """Of what only the data tells, and of a run that goes on or is scored."""
    run_dir = train("trainer.max_steps=1", "trainer.limit_val_batches=0", "baselines=false")
    new = [*tiny, "generator.n_downs=6", f"hydra.run.dir={run_dir.parent}/new"]
    for told, words in {
        "callbacks.best.monitor=val/mean_iou: found a score called mean_iou": [
            "train", *new, "callbacks.best.monitor=val/mean_iou"
        ],
        "callbacks.best.monitor=2: found no split and score": [
            "train", *new, "callbacks.best.monitor=2"
        ],
        "data_dir=/a: found a run on ": ["train", f"resume={run_dir}", "data_dir=/a"],
        "dataset.splits.train=x: found split=test": [
            "evaluate", f"checkpoint={run_dir}", "dataset.splits.train=x"
        ],
    }.items():  # fmt: skip
        assert command(*words) == 1
        assert told in capsys.readouterr().err
