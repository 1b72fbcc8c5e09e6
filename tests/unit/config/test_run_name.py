"""Names, groups and tags of runs, against those that a reader would expect."""

from typing import Any

import pytest

from i2i.config.run_name import columns_of, group_of, name_of, tags_of

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
            "cgan_digits model.x=1 s3",
        ),
        (
            None,
            {},
            ["trainer=cpu", "dataset.root=/x", "logger.wandb.notes=a", "hydra.run.dir=/y",
             "resume=/z", "metrics.inception_weights=/w", "data_dir=/d"],
            "resnet9 wgan-gp maps s3",
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
    assert group_of(None, None) is None
    assert group_of("table1_losses", None) == "table1_losses"
    assert group_of("table1_losses", "2026-11-28/17-36-40") == "table1_losses 2026-11-28/17-36-40"
    assert len(group_of("x" * 500, None) or "") == 128


def test_tags_are_the_presets_each_once() -> None:
    assert tags_of(CHOICES) == ["pix2pix", "resnet9", "patch70", "wgan-gp", "maps"]
    assert tags_of(CHOICES | {"experiments": "maps"}).count("maps") == 1


def test_columns_have_numbers_and_no_dots() -> None:
    typed = ["generator=unet", "+model.lambda_l1=1e2", "seed=3", "dataset.image_size=[64,32]"]
    expected = {"generator": "unet", "model/lambda_l1": 100.0, "seed": 3}
    assert columns_of(typed) == expected | {"dataset/image_size": "[64,32]"}
