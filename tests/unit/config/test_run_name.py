"""Names, groups and tags of runs, against those that a reader would expect."""

import json
from pathlib import Path
from typing import Any

import pytest

from i2i.config.run_name import columns_of, group_of, name_of, record_of, tags_of

CHOICES: dict[str, Any] = {
    "model": "pix2pix", "generator": "resnet9", "discriminator": "patch70", "gan_loss": "wgan-gp",
    "dataset": "maps", "trainer": "cpu", "experiments": None,
}  # fmt: skip


@pytest.mark.parametrize(
    ("label", "choices", "typed", "expected"),
    [
        (None, {}, [], "resnet9 wgan-gp maps s3"),
        (None, {}, ["generator=resnet9", "gan_loss=wgan-gp", "seed=3"], "resnet9 wgan-gp maps s3"),
        (
            None,
            {"model": "cyclegan"},
            ["model=cyclegan", "generator.norm=batch"],
            "cyclegan resnet9 wgan-gp maps generator.norm=batch s3",
        ),
        ("L1+cGAN", {}, ["model.lambda_l1=10"], "L1+cGAN model.lambda_l1=10 s3"),
        ("L1", {}, ["generator=resnet9"], "L1 resnet9 s3"),
        (
            None,
            {"experiments": "cgan_digits", "experiments/variants": "a"},
            ["experiments=cgan_digits", "+model.x=1", "~callbacks.best"],
            "cgan_digits model.x=1 ~callbacks.best s3",
        ),
        (
            None,
            {},
            ["trainer=cpu", "dataset.root=/x", "logger.wandb.notes=a", "hydra.run.dir=/y",
             "hydra/launcher=joblib", "resume=/z", "metrics.inception_weights=/w", "data_dir=/d",
             "metrics=pairwise", "callbacks.samples.n_images=4", "dataset.num_workers=2"],
            "resnet9 wgan-gp maps s3",
        ),
        *[
            (None, {}, [option], f"resnet9 wgan-gp maps {option} s3")
            for option in (
                "trainer.max_steps=1000", "trainer.precision=bf16-mixed", "callbacks=pruning",
                "callbacks.best.monitor=val/fid", "metrics.kid_subsets=10", "trainer.devices=2",
                "trainer.check_val_every_n_epoch=1", "dataset.source.n_train=100",
                "test_checkpoint=last", "speed.compile=true",
            )
        ],
        (
            "x",
            {"experiments": "a", "experiments/variants": "l1"},
            ["label=x", "experiments=a", "+experiments/variants=l1"],
            "x a l1 s3",
        ),
        ("a\x1bb", {}, [], "a\\x1bb s3"),
    ],
)  # fmt: skip
def test_names(label: Any, choices: dict[str, Any], typed: list[str], expected: str) -> None:
    assert name_of(label, 3, CHOICES | choices, typed) == expected


def test_a_long_name_keeps_its_seed_and_fits() -> None:
    found = name_of(None, 12, CHOICES, [f"model.option{i}=1" for i in range(50)])
    assert len(found) == 128 and found.endswith(" s12")


def test_groups() -> None:
    assert group_of(None) is None
    assert group_of("table1_losses") == "table1_losses"
    assert len(group_of("x" * 500) or "") == 128


def test_tags_are_the_presets_each_once() -> None:
    assert tags_of(CHOICES) == ["pix2pix", "resnet9", "patch70", "wgan-gp", "maps"]
    assert tags_of(CHOICES | {"experiments": "maps"}).count("maps") == 1


def test_columns_have_numbers_and_no_dots() -> None:
    typed = ["generator=unet", "+model.lambda_l1=1e2", "seed=3", "dataset.image_size=[64,32]"]
    expected = {"generator": "unet", "model/lambda_l1": 100.0, "seed": 3}
    assert columns_of(typed) == expected | {"dataset/image_size": "[64,32]"}


CONFIG = {"presets": CHOICES, "label": None, "seed": 3}


def test_a_job_of_a_sweep_has_the_sweep_as_its_group(tmp_path: Path) -> None:
    job = tmp_path / "2026-01-01" / "12-00-00" / "7"
    alone = record_of(CONFIG, ["seed=3"], job, {})
    assert alone["group"] is None and alone["name"] == "resnet9 wgan-gp maps s3"
    job.mkdir(parents=True)
    (job.parent / "multirun.yaml").touch()
    assert record_of(CONFIG, ["seed=3"], job, {})["group"] == "2026-01-01/12-00-00"


def test_a_sweep_over_studies_is_one_group(tmp_path: Path) -> None:
    sweep = tmp_path / "2026-01-01" / "12-00-00"
    sweep.mkdir(parents=True)
    (sweep / "multirun.yaml").touch()
    for study in ("a", "b"):
        config = CONFIG | {"presets": CHOICES | {"experiments": study}}
        for folder, group in ((tmp_path / "outputs" / "0", study), (sweep / study, None)):
            made = record_of(config, [f"experiments={study}"], folder, {})
            assert (made["name"], made["group"]) == (f"{study} s3", group or "2026-01-01/12-00-00")
            assert study in made["tags"]


SWEPT = [
    ("trainer=cpu,gpu", "trainer=gpu"),
    ("dataset.num_workers=0,2", "dataset.num_workers=2"),
    ("'data_dir=/a,/b'", "data_dir=/b"),
    ("dataset.image_size=64,[64, 32]", "dataset.image_size=[64,32]"),
]


@pytest.mark.parametrize(("asked", "chosen"), SWEPT)
def test_what_is_swept_is_told_whatever_it_is(asked: str, chosen: str, tmp_path: Path) -> None:
    fixed = ["logger=csv", "dataset.cache_gb=1", "metrics=[ssim, l1]"]
    typed = ["logger=csv", "dataset.cache_gb=1", "metrics=[ssim,l1]", chosen]
    record = {"hydra": {"overrides": {"task": [asked, *fixed]}}}
    (tmp_path / "multirun.yaml").write_text(json.dumps(record))
    name = record_of(CONFIG, typed, tmp_path / "0", {})["name"]
    assert name == f"resnet9 wgan-gp maps {chosen.replace('trainer=', '')} s3"


def test_a_long_name_keeps_what_is_swept() -> None:
    typed = [f"model.option{i}=1" for i in range(50)] + ["trainer.max_steps=1000"]
    found = name_of("x", 12, CHOICES, typed, {"trainer.max_steps"})
    assert found.startswith("x trainer.max_steps=1000 model.option0=1 ")


@pytest.mark.parametrize("content", ["", "[", "hydra: 5", "hydra: {overrides: {task: 5}}"])
def test_a_record_of_a_sweep_that_says_nothing_is_none(content: str, tmp_path: Path) -> None:
    (tmp_path / "multirun.yaml").write_text(content)
    name = record_of(CONFIG, ["model.x=1"], tmp_path / "0", {})["name"]
    assert name == "resnet9 wgan-gp maps model.x=1 s3"


@pytest.mark.parametrize(
    ("kept", "taken"),
    [
        ({"name": "as it was s3", "group": None, "tags": ["maps"], "options": {}}, True),
        (None, False),
        (5, False),
        ({"name": "x"}, False),
        ({"name": "x" * 999, "group": None, "tags": [], "options": {}}, False),
        ({"name": "\x1b[2J", "group": None, "tags": [], "options": {}}, False),
        ({"name": "x", "group": 5, "tags": [], "options": {}}, False),
        ({"name": "x", "group": None, "tags": "maps", "options": {}}, False),
        ({"name": "x", "group": None, "tags": [1], "options": {}}, False),
        ({"name": "x", "group": None, "tags": [], "options": []}, False),
    ],
)
def test_a_run_that_goes_on_is_called_as_it_was(kept: Any, taken: bool, tmp_path: Path) -> None:
    made = record_of(CONFIG, ["resume=x", "trainer=cpu"], tmp_path, {"record": kept})
    assert (made == kept) == taken
    assert taken or made["name"] == "resnet9 wgan-gp maps s3"
