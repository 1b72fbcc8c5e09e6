"""A pass of the evaluator: scores of images, and of distributions."""

import json
import math
import warnings
from collections import Counter

import numpy as np
import pytest
import torch
from PIL import Image

from conftest import Told
from evaluators import full, pairwise, ready, run_pass
from i2i.errors import SettingError
from i2i.images.quantise import to_uint8
from i2i.metrics import evaluator as evaluator_module
from i2i.metrics import quality
from i2i.metrics.distribution import inception_score
from i2i.metrics.inception import InceptionOutput
from i2i.metrics.perceptual import LPIPS
from inception_stand_in import put_in_place


class CountingExtractor:
    """Stands for Inception: block means as features, and a record of what came in."""

    name, sha256 = "block means", "0" * 64

    def __init__(self):
        self.calls: list[int] = []  # images a call
        self.seen: Counter = Counter()  # images by their bytes

    def to(self, device):
        return self

    def __call__(self, images):
        self.calls.append(len(images))
        self.seen.update(image.numpy().tobytes() for image in images)
        means = torch.nn.functional.adaptive_avg_pool2d(images.float(), 3).flatten(1) / 64
        return InceptionOutput(means, 3 * means[:, :7])


@pytest.fixture
def extractor(monkeypatch):
    stub = CountingExtractor()
    put_in_place(monkeypatch, stub)
    return stub


def test_values_are_the_means_of_the_per_image_values(photographs):
    target, output = photographs(5, 20, 30), photographs(5, 20, 30, seed=1)
    result = run_pass(pairwise(), "val", output, target, batch_size=2)
    y_hat, y = to_uint8(output), to_uint8(target)
    assert list(result.values) == ["ssim", "psnr", "mse", "l1"]
    for key in result.values:
        column = getattr(quality, key)(y_hat, y).tolist()
        assert [row[key] for row in result.per_image] == column
        assert result.values[key] == math.fsum(column) / 5
    assert [row["index"] for row in result.per_image] == [0, 1, 2, 3, 4]
    assert result.per_image[3]["name"] == "003.png"
    assert result.n_images == result.protocol["n_images"] == 5
    assert result.units == {"psnr": "dB", "mse": "0-255 squared", "l1": "0-255"}
    assert "Wang" in result.protocol["ssim"]
    json.dumps(result.protocol)


def test_psnr_is_the_mean_of_decibels_not_the_decibels_of_the_mean(photographs):
    target = photographs(2)
    output = target.clone()
    output[0] += 0.02
    output[1] = -output[1]
    result = run_pass(pairwise(), "val", output, target)
    pooled = 10 * math.log10(255**2 / result.values["mse"])
    assert result.values["psnr"] > pooled + 3


def test_repeated_images_count_once_and_the_order_does_not_matter(photographs, extractor):
    target, output = photographs(7, 16, 16), photographs(7, 16, 16, seed=1)
    expected = run_pass(ready(), "val", output, target)
    shuffled = run_pass(ready(), "val", output, target, order=[5, 2, 0, 6, 2, 1, 4, 3, 5, 5])
    assert shuffled == expected
    assert expected.n_images == 7


def test_real_images_go_through_inception_once_a_run(photographs, extractor):
    target = photographs(7, 16, 16)
    evaluator = ready()
    results = [
        run_pass(evaluator, "val", photographs(7, 16, 16, seed=s), target) for s in (1, 2, 3)
    ]
    real = {image.numpy().tobytes() for image in to_uint8(target)}
    assert len(real) == 7
    assert {extractor.seen[image] for image in real} == {1}
    assert sum(extractor.seen.values()) == 7 + 3 * 7
    assert extractor.calls == [7, 7, 7, 7]  # made, real, then made only
    assert len({result.values["fid"] for result in results}) == 3
    alone = run_pass(ready(), "val", photographs(7, 16, 16, seed=3), target)
    assert results[2] == alone


def test_a_cut_pass_leaves_its_real_features_and_nothing_else(photographs, extractor):
    target, output = photographs(6, 16, 16), photographs(6, 16, 16, seed=1)
    evaluator = ready()
    evaluator.start("val")
    evaluator.update(torch.tensor([0, 1]), ["a", "b"], -output[:2], target[:2])
    result = run_pass(evaluator, "val", output, target)
    assert result == run_pass(ready(), "val", output, target)
    assert {extractor.seen[image.numpy().tobytes()] for image in to_uint8(target[:2])} == {2}


def test_splits_with_equal_indices_are_kept_apart(photographs, extractor):
    output = photographs(6, 16, 16, seed=1)
    evaluator = ready()
    run_pass(evaluator, "val", output, photographs(6, 16, 16))
    test = run_pass(evaluator, "test", output, photographs(6, 16, 16, seed=5))
    assert test == run_pass(ready(), "test", output, photographs(6, 16, 16, seed=5))


def test_images_go_through_inception_in_its_own_batches(photographs, extractor):
    images = photographs(9, 16, 16)
    run_pass(ready(inception_batch_size=4), "val", images, images.flip(0), batch_size=9)
    assert extractor.calls == [4, 4, 4, 4, 1, 1]  # however many the network makes at a time
    extractor.calls.clear()
    run_pass(ready(inception_batch_size=4), "val", images, images.flip(0), batch_size=1)
    assert extractor.calls == [4, 4, 4, 4, 1, 1]


def test_the_inception_score_is_that_of_the_made_images_in_order(photographs, extractor):
    target, output = photographs(12, 16, 16), photographs(12, 16, 16, seed=1)
    result = run_pass(ready(seed=4), "val", output, target, order=[*range(6, 12), *range(6)])
    _, logits = CountingExtractor()(to_uint8(output))
    score, spread = inception_score(logits, seed=4, n_splits=10)
    assert result.values["inception_score"] == score > 1.01
    assert result.values["inception_score_spread"] == spread > 0
    assert result.protocol["inception_score_splits"] == 10


def test_fewer_images_than_splits_are_said_beside_the_inception_score(photographs, extractor):
    images = photographs(4, 16, 16)
    result = run_pass(ready(), "val", images, images.flip(3))
    assert result.protocol["inception_score_splits"] == 4
    assert "splits of about 1 images" in result.protocol["inception_score_note"]


def test_the_protocol_says_how_fid_and_kid_were_made(photographs, extractor):
    images = photographs(7, 16, 16)
    result = run_pass(ready(kid_subsets=11, seed=4), "val", images, images.flip(3))
    assert result.values["fid"] > 0 and result.values["kid_spread"] > 0
    found = {key: result.protocol[key] for key in ("kid_subset_size", "kid_subsets", "seed")}
    assert found == {"kid_subset_size": 3, "kid_subsets": 11, "seed": 4}
    assert (result.protocol["n_real"], result.protocol["n_fake"]) == (7, 7)
    assert result.protocol["extractor"] == "block means"
    assert result.protocol["extractor_sha256"] == "0" * 64
    assert "FID on 7 images is biased" in result.protocol["fid_note"]
    assert "without antialiasing" in result.protocol["resize"]
    json.dumps(result.protocol)
    asked = run_pass(ready(kid_subset_size=5), "val", images, images.flip(3))
    assert asked.protocol["kid_subset_size"] == 5


@pytest.mark.slow
def test_scores_equal_torch_fidelity_on_the_same_pngs(
    tmp_path, photographs, deciding_inception_file
):
    import torch_fidelity

    n = 13  # more than the splits of the Inception Score, and no multiple of them
    target = photographs(n, 40, 56)
    output = (photographs(n, 40, 56, seed=1) + target) / 2
    for folder, images in (("real", target), ("fake", output)):
        (tmp_path / folder).mkdir()
        for i, image in enumerate(to_uint8(images)):
            pixels = Image.fromarray(image.permute(1, 2, 0).numpy())
            pixels.save(tmp_path / folder / f"{i:03d}.png")
    expected = torch_fidelity.calculate_metrics(
        input1=str(tmp_path / "fake"),  # the one that torch-fidelity scores alone
        input2=str(tmp_path / "real"),
        cuda=False,
        isc=True,
        fid=True,
        kid=True,
        kid_subset_size=n,
        kid_subsets=2,
        batch_size=5,
        feature_extractor_weights_path=str(deciding_inception_file),
        cache=False,
        save_cpu_ram=True,  # no worker processes
        verbose=False,
    )
    options = {"kid_subset_size": n, "kid_subsets": 2}
    evaluator = ready(inception_weights=str(deciding_inception_file), **options)
    result = run_pass(evaluator, "test", output, target, batch_size=4)
    fid, kid = expected["frechet_inception_distance"], expected["kernel_inception_distance_mean"]
    assert fid > 0.1 and kid > 1e-3
    assert result.values["fid"] == pytest.approx(fid, rel=1e-4)
    assert result.values["kid"] == pytest.approx(kid, rel=1e-4)
    score, spread = expected["inception_score_mean"], expected["inception_score_std"]
    assert score > 1.05 and spread > 0.05
    assert result.values["inception_score"] - 1 == pytest.approx(score - 1, rel=1e-4)
    assert result.values["inception_score_spread"] == pytest.approx(spread, rel=1e-4)


def test_without_weights_training_goes_on_and_says_so_once(monkeypatch, photographs, told: Told):
    def nowhere(path):
        raise SettingError("metrics.inception_weights=null: found no network; ...")

    monkeypatch.setattr(evaluator_module, "find_weights", nowhere)
    evaluator = full()
    with told(r"going on without FID and KID\. metrics\.inception_w"):
        evaluator.prepare("cpu", required=False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        evaluator.prepare("cpu", required=False)
    assert not evaluator.has_distribution
    images = photographs(3, 16, 16)
    result = run_pass(evaluator, "val", images, -images)
    assert list(result.values) == ["ssim", "psnr", "mse", "l1"]
    with pytest.raises(SettingError, match="inception_weights=null: found no network"):
        evaluator.prepare("cpu", required=True)


def test_a_named_file_that_does_not_work_is_always_an_error(tmp_path):
    evaluator = full(inception_weights=str(tmp_path / "none.pth"))
    with pytest.raises(SettingError, match=r"none\.pth': found no such file"):
        evaluator.prepare("cpu", required=False)


def test_pairwise_metrics_load_no_inception(extractor, photographs, monkeypatch):
    monkeypatch.setattr(evaluator_module, "find_weights", None)
    evaluator = ready(distribution=False)
    assert not evaluator.has_distribution
    images = photographs(2, 16, 16)
    run_pass(evaluator, "val", images, images)
    assert extractor.calls == []


def test_inception_reaches_no_state_dict(extractor):
    module = torch.nn.Linear(2, 2)
    module.metrics = ready()
    assert list(module.state_dict()) == ["weight", "bias"]
    assert len(list(module.parameters())) == 2


@pytest.mark.parametrize(
    ("options", "n", "message"),
    [
        ({"kid_subset_size": 500}, 106, "found 500 images a subset for split 'val' of 106 images"),
        ({}, 3, "found split 'val' of 3 images; expected 4 or more"),
        ({"kid_subset_size": 2}, 1, "for split 'val' of 1 images; expected 2 images or more"),
        ({"distribution": False}, 0, "split=val: found no images"),
    ],
)
def test_a_split_too_small_is_refused_before_training(options, n, message):
    with pytest.raises(SettingError, match=message):
        full(**options).check_size("val", n)


@pytest.mark.parametrize(
    ("options", "n"), [({}, 4), ({"kid_subset_size": 2}, 2), ({"distribution": False}, 1)]
)
def test_a_split_just_large_enough_is_scored(options, n, extractor, photographs):
    evaluator = ready(**options)
    evaluator.check_size("val", n)
    images = photographs(n, 16, 16)
    values = run_pass(evaluator, "val", images, images.flip(3)).values
    assert all(math.isfinite(value) for value in values.values())


@pytest.mark.parametrize(
    "options",
    [
        {"kid_subsets": 0},
        {"inception_batch_size": 0},
        {"seed": -1},
        {"seed": 2**32},
    ],
)
def test_impossible_settings_are_named(options):
    ((name, value),) = options.items()
    with pytest.raises(SettingError, match=rf"^metrics\.{name}={value}: "):
        full(**options)


def test_a_network_that_lpips_does_not_know_is_named():
    with pytest.raises(SettingError, match=r"^metrics\.lpips\.network=squeeze: .*alex, vgg"):
        LPIPS("squeeze")


@pytest.mark.parametrize("value", [None, True, {"weights_file": None}])
def test_what_is_no_metric_is_refused(value):
    with pytest.raises(SettingError, match=r"^metrics\.lpisp: found .*; expected a metric"):
        pairwise(lpisp=value)


def test_a_shape_that_differs_and_nan_name_the_image(photographs):
    evaluator = pairwise()
    evaluator.start("val")
    images = photographs(2, 16, 16)
    index, names = torch.tensor([0, 1]), ["a.png", "b.png"]
    with pytest.raises(
        SettingError, match=r"a\.png, b\.png: found shape \(2, 3, 16, 12\); .*16, 16"
    ):
        evaluator.update(index, names, images[..., :12], images)
    broken = images.clone()
    broken[1, 0, 0, 0] = float("nan")
    with pytest.raises(SettingError, match=r"^b\.png: found 1 NaN"):
        evaluator.update(index, names, broken, images)
    with pytest.raises(ValueError, match="1 indices, 2 names, 2 images"):
        evaluator.update(index[:1], names, images, images)
    with pytest.raises(SettingError, match="split=val: found no images"):
        evaluator.compute()


def test_a_pass_has_to_be_started(photographs):
    images = photographs(1, 16, 16)
    with pytest.raises(RuntimeError, match="before start"):
        pairwise().update(torch.tensor([0]), ["a"], images, images)
    with pytest.raises(RuntimeError, match="before start"):
        pairwise().compute()


def test_bfloat16_outputs_and_autocast_are_measured_in_full_precision(photographs, extractor):
    target, output = photographs(4, 16, 16), photographs(4, 16, 16, seed=1).bfloat16()
    expected = run_pass(ready(), "val", output.float(), target)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert run_pass(ready(), "val", output, target) == expected
    assert np.isfinite(list(expected.values.values())).all()


def test_an_exact_image_makes_the_mean_of_psnr_infinite_and_is_counted(photographs):
    target, output = photographs(3, 20, 30), photographs(3, 20, 30, seed=1)
    output[1] = target[1]
    result = run_pass(pairwise(), "val", output, target)
    assert result.values["psnr"] == math.inf and result.values["exact_images"] == 1
    others = (result.per_image[0]["psnr"] + result.per_image[2]["psnr"]) / 2
    assert "1 of 3 images equal" in result.protocol["psnr_note"]
    assert f"{others:.4f} dB" in result.protocol["psnr_note"]
    result = run_pass(pairwise(), "val", target, target)
    assert result.values["exact_images"] == 3
    assert result.protocol["psnr_note"] == "every image equals its target"
