"""Which runs share a table, which are seeds of one variant, and what is said of each score."""

import math
from pathlib import Path

import numpy as np
import pytest
from omegaconf import OmegaConf

from compared_runs import MORE, make_run
from i2i.comparison.tables import compare, find_runs
from i2i.comparison.variants import Examined, SameData, chosen, examine, of_same_data
from i2i.comparison.verdicts import Verdict, in_words, verdicts


def sets_of(folder: Path) -> list[SameData]:
    return of_same_data([examine(run) for run in find_runs(folder)])


def verdict_of(data: SameData, score: str, references: dict | None = None) -> Verdict:
    return next(v for v in verdicts(data, MORE, references or {}) if v.score == score)


def test_runs_on_other_images_stand_apart(tmp_path: Path) -> None:
    four, five = {"ssim": [0.5] * 4}, {"ssim": [0.5] * 5}
    make_run(tmp_path / "0", "x=1", per_image=four)
    make_run(tmp_path / "1", "x=2", per_image=four, data="maps")
    make_run(tmp_path / "2", "x=3", per_image=five)
    make_run(tmp_path / "3", "x=4", per_image=four, names=["a", "b", "c", "d"])
    make_run(tmp_path / "4", "x=5", per_image=four)
    make_run(tmp_path / "5", "x=6")  # was not tested
    found = sets_of(tmp_path)
    assert [(one.title, [r.run.folder.name for r in one.runs]) for one in found] == [
        ("earth, AtoB, 64 pixels, 4 test images (images 1 of 2)", ["0", "4", "5"]),
        ("maps, AtoB, 64 pixels, 4 test images", ["1"]),
        ("earth, AtoB, 64 pixels, 5 test images", ["2"]),
        ("earth, AtoB, 64 pixels, 4 test images (images 2 of 2)", ["3"]),
    ]


def test_seeds_of_the_same_options_are_one_variant(tmp_path: Path) -> None:
    for i, (generator, seed) in enumerate([("unet", 0), ("unet", 1), ("r9", 0), ("unet", 0)]):
        options = (f"generator={generator}", f"seed={seed}", "model.lambda_l1=100")
        make_run(tmp_path / str(i), *options, seed=seed, per_image={"ssim": [0.25 + i]})
    (data,) = sets_of(tmp_path)
    assert data.options == ["generator"]
    assert [[r.run.folder.name for r in v.runs] for v in data.variants] == [
        ["0", "1"],
        ["2"],
        ["3"],
    ]
    assert data.variants[0].name == "generator=unet (2 seeds)"
    assert data.variants[0].mean("ssim") == pytest.approx(0.75)
    assert data.variants[0].spread("ssim") == pytest.approx(np.std([0.25, 1.25], ddof=1))
    assert data.variants[1].spread("ssim") is None and data.variants[0].mean("fid") is None


@pytest.mark.parametrize(
    "option",
    ["dataset.num_workers=2", "dataset.cache_gb=1", "dataset.eval_batch_size=1", "logger=csv",
     "logger.wandb.notes=x", "callbacks.samples.n_images=4", "trainer.enable_progress_bar=false",
     "trainer=cpu", "trainer.accelerator=cpu", "metrics=pairwise", "baselines=false",
     "metrics.classifier=/x", "+trainer.profiler=simple"],
)  # fmt: skip
def test_machine_places_and_display_do_not_part_seeds(tmp_path: Path, option: str) -> None:
    for seed in (0, 1):
        options = [f"seed={seed}", *([option] if seed else [])]
        make_run(tmp_path / str(seed), *options, seed=seed, per_image={"ssim": [0.25 + seed / 2]})
    (data,) = sets_of(tmp_path)
    assert data.options == [] and [r.run.name for r in data.runs] == ["seed=0", "seed=1"]
    (variant,) = data.variants
    assert variant.spread("ssim") == pytest.approx(np.std([0.25, 0.75], ddof=1))


@pytest.mark.parametrize(
    "option",
    ["trainer.max_steps=9", "trainer.max_epochs=9", "trainer.precision=bf16-mixed",
     "trainer.check_val_every_n_epoch=9", "trainer.devices=2", "callbacks=pruning",
     "callbacks.best.monitor=val/l1", "dataset.source.n_train=9", "init_from=/x",
     "test_checkpoint=last", "metrics.kid_subset_size=9", "speed=eager"],
)  # fmt: skip
def test_what_was_tried_parts_variants(tmp_path: Path, option: str) -> None:
    for seed in (0, 1):
        options = [f"seed={seed}", *([option] if seed else [])]
        make_run(tmp_path / str(seed), *options, seed=seed, per_image={"ssim": [0.5]})
    (data,) = sets_of(tmp_path)
    assert data.options == [option.partition("=")[0]] and len(data.variants) == 2


def test_a_seed_that_was_resumed_is_no_variant_of_its_own(tmp_path: Path) -> None:
    """Resuming types all presets, and the values that differ from them."""
    presets = {"generator": "unet", "callbacks": "default", "reconstruction": ["l1"]}
    resumed = ("callbacks=default", "generator=unet", "reconstruction=['l1']", "trainer=cpu",
               "dataset.source=null", "dataset.direction='AtoB'", "model.ema=false",
               "model.n=null", "resume=/x")  # fmt: skip
    began = ("generator=unet", "seed=1", "reconstruction=[l1]", "model.ema=False")
    for seed, options in enumerate((resumed, began, ("seed=2",))):
        run = make_run(tmp_path / str(seed), *options, seed=seed, per_image={"ssim": [0.5]})
        config = OmegaConf.load(run / "config.yaml")
        config.presets, config.model.ema = presets, False
        OmegaConf.save(config, run / "config.yaml")
    (data,) = sets_of(tmp_path)
    assert data.options == [] and len(data.variants) == 1
    assert [r.run.name for r in data.runs] == ["0", "seed=1", "seed=2"]


def test_a_preset_of_a_machine_parts_variants_where_its_precision_does(tmp_path: Path) -> None:
    for seed, precision in enumerate(("32-true", "32-true", "bf16-mixed")):
        run = make_run(tmp_path / str(seed), f"seed={seed}", f"trainer={'agg'[seed]}", seed=seed)
        config = OmegaConf.load(run / "config.yaml")
        config.trainer = {"precision": precision}
        OmegaConf.save(config, run / "config.yaml")
    (data,) = sets_of(tmp_path)
    assert data.options == ["trainer.precision"]
    assert [len(variant.runs) for variant in data.variants] == [2, 1]


def test_an_option_that_was_not_typed_is_that_of_the_configuration(tmp_path: Path) -> None:
    make_run(tmp_path / "0", "model.lambda_l1=1e2", "generator=r9")
    make_run(tmp_path / "1", "model.lambda_l1=10")
    make_run(tmp_path / "2")
    (data,) = sets_of(tmp_path)
    found = [[chosen(r.run, key) for key in data.options] for r in data.runs]
    assert data.options == ["model.lambda_l1", "generator"]
    assert found == [["100", "r9"], ["10", "UNetGenerator"], ["100", "UNetGenerator"]]


BEST, SECOND = [[0.5, 0.75, 0.5, 0.25], [0.75, 0.5, 0.5, 0.5]], [[0.5, 0.5, 0.75, 0.25]] * 2


@pytest.mark.numeric
def test_a_verdict_is_the_arithmetic_of_the_folders(tmp_path: Path) -> None:
    for seed in (0, 1):
        for name, values in (("second", SECOND), ("best", BEST), ("worst", [[0.125] * 4] * 2)):
            per_image = {"ssim": values[seed], "l1": [1 - v for v in values[seed]]}
            options = (f"generator={name}", f"seed={seed}")
            make_run(tmp_path / f"{name}{seed}", *options, seed=seed, per_image=per_image)
    (data,) = sets_of(tmp_path)
    found = verdict_of(data, "ssim", {"input copied": {"ssim": 0.9}, "mean target": {"ssim": 0.1}})
    one, two = np.array(BEST), np.array(SECOND)
    gains = one.mean(0) - two.mean(0)
    assert (found.best.options, found.second.options) == (
        {"generator": "best"}, {"generator": "second"},
    )  # fmt: skip
    assert found.lead == pytest.approx(one.mean() - two.mean())
    assert found.spread == pytest.approx(one.mean(1).std(ddof=1))
    assert (found.pictures.n, found.pictures.second, found.pictures.equal) == (4, 1, 0)
    assert found.pictures.gain == pytest.approx(gains.mean())
    assert found.pictures.error == pytest.approx(gains.std(ddof=1) / 2)
    assert found.references == ["input copied"]
    less = verdict_of(data, "l1")
    assert less.best.options == {"generator": "best"}
    assert less.lead == pytest.approx(found.lead) and less.pictures.second == 1


def test_without_seeds_nobody_knows_the_spread(tmp_path: Path) -> None:
    make_run(tmp_path / "0", "x=1", per_image={"ssim": [0.5], "psnr": [math.inf]})
    make_run(tmp_path / "1", "x=2", per_image={"ssim": [0.25], "psnr": [math.inf]})
    (data,) = sets_of(tmp_path)
    found = verdict_of(data, "ssim")
    assert found.spread is None and found.words.startswith("unknown: it takes two seeds")
    assert math.isnan(found.pictures.error)
    assert verdict_of(data, "psnr").lead == 0.0  # of two infinite ones
    make_run(tmp_path / "alone" / "0", "x=1", per_image={"ssim": [0.5]})
    (data,) = sets_of(tmp_path / "alone")
    assert verdict_of(data, "ssim").second is None


def test_words_follow_lead_and_spread() -> None:
    assert in_words(3.0, 1.0) == "yes, more than twice the spread"
    assert in_words(1.5, 1.0) == "yes, but less than twice the spread"
    assert in_words(1.0, 1.0) == in_words(0.0, 0.0) == "no: a draw"


def test_a_run_with_nothing_in_it_is_one_of_the_others(tmp_path: Path) -> None:
    make_run(tmp_path / "0", "x=1", per_image={"ssim": [0.5]})
    (tmp_path / "1" / ".hydra").mkdir(parents=True)
    (tmp_path / "1" / ".hydra" / "overrides.yaml").write_text("[x=2]")
    (data,) = sets_of(tmp_path)
    assert [r.run.name for r in data.runs] == ["x=1", "x=2"]
    assert any("no test_metrics.json" in note for note in data.runs[1].notes)
    assert of_same_data([]) == [] and Examined(data.runs[0].run).notes == []


@pytest.mark.parametrize(
    "values", [[1e308, 1.7e308], [math.inf, -math.inf], [math.nan, 1.0]], ids=str
)
def test_numbers_of_no_world_are_told_and_not_stumbled_over(
    tmp_path: Path, values: list[float]
) -> None:
    """As damaged files have them: the comparison of the others goes on."""
    for seed, value in enumerate(values):
        options = ("x=1", f"seed={seed}")
        make_run(tmp_path / str(seed), *options, seed=seed, per_image={"ssim": [value]})
    make_run(tmp_path / "2", "x=2", "seed=0", per_image={"ssim": [0.375]})
    assert "| 0.3750 |" in compare(tmp_path)
    assert (tmp_path / "comparison.html").exists()
    (data,) = sets_of(tmp_path)
    assert verdict_of(data, "ssim").best.options == {"x": "2"}


def test_a_seed_that_failed_does_not_hide_the_pictures_of_the_others(tmp_path: Path) -> None:
    for i, (generator, values) in enumerate([("a", [0.5, 0.75]), ("a", None), ("b", [0.75, 0.25])]):
        per_image = None if values is None else {"ssim": values}
        options = (f"generator={generator}", f"seed={i}")
        make_run(
            tmp_path / str(i), *options, seed=i, **({"per_image": per_image} if values else {})
        )
    (data,) = sets_of(tmp_path)
    found = verdict_of(data, "ssim")
    assert found.best.name.startswith("generator=a") and len(found.best.runs) == 2
    assert (found.pictures.n, found.pictures.second) == (2, 1)
    assert found.pictures.gain == pytest.approx(0.125)
