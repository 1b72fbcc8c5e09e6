"""Where the true answer is not known: two distributions, and what was translated there and back."""

import math

import pytest
import torch
from torch import Tensor

from evaluators import full, pairwise
from i2i.images.quantise import to_uint8
from i2i.metrics import quality
from i2i.metrics.distribution import frechet_distance, inception_score, kernel_distance
from i2i.metrics.evaluator import PairEvaluator
from i2i.metrics.inception import InceptionOutput
from i2i.metrics.result import EvaluationResult
from inception_stand_in import put_in_place

PAIRWISE = {"ssim", "psnr", "mse", "l1"}
MADE, REAL = 24, 6  # images of the two domains


class BlockMeans:
    """Stands for Inception; keeps how often it saw an image."""

    name, sha256 = "block means", "0" * 64

    def __init__(self) -> None:
        self.seen: dict[bytes, int] = {}

    def to(self, device: object) -> "BlockMeans":
        return self

    def __call__(self, images: Tensor) -> InceptionOutput:
        for image in images:
            key = image.numpy().tobytes()
            self.seen[key] = self.seen.get(key, 0) + 1
        means = torch.nn.functional.adaptive_avg_pool2d(images.float(), 3).flatten(1) / 64
        return InceptionOutput(means, 3 * means[:, :7])


@pytest.fixture
def extractor(monkeypatch: pytest.MonkeyPatch) -> BlockMeans:
    stub = BlockMeans()
    put_in_place(monkeypatch, stub)
    return stub


@pytest.fixture
def made(photographs) -> Tensor:
    return photographs(MADE, 16, 16, seed=1)


@pytest.fixture
def real(photographs) -> Tensor:
    return photographs(REAL, 16, 16)


def ready(**options: object) -> PairEvaluator:
    evaluator = full(kid_subsets=4, kid_subset_size=3, **options)
    evaluator.prepare("cpu", required=True)
    return evaluator


def run_pass(
    evaluator: PairEvaluator, made: Tensor, real: Tensor, batch: int = 2, shift: int = 0
) -> EvaluationResult:
    """Every made image beside one of the real ones, which come round again."""
    evaluator.start("val")
    for at in range(0, len(made), batch):
        index = torch.arange(at, min(at + batch, len(made)))
        other = (index + shift) % len(real)
        names = [f"{i}.png" for i in index.tolist()]
        evaluator.update(index, names, made[index], real[other], target_index=other, true=False)
    return evaluator.compute()


def test_other_images_of_the_domain_are_compared_as_distributions_alone(
    extractor: BlockMeans, made: Tensor, real: Tensor
) -> None:
    result = run_pass(ready(), made, real)
    assert list(result.values) == [
        "fid", "kid", "kid_spread", "inception_score", "inception_score_spread"
    ]  # fmt: skip
    assert [set(row) for row in result.per_image] == [{"name", "index"}] * MADE
    assert result.n_images == result.protocol["n_images"] == MADE
    assert not PAIRWISE & result.protocol.keys() and not PAIRWISE & result.units.keys()


def test_a_batch_may_hold_more_of_one_side_than_of_the_other_or_nothing(
    extractor: BlockMeans, made: Tensor, real: Tensor
) -> None:
    """As a batch of labelled pictures does, some of which are of the domain that was asked for."""
    evaluator = ready()
    evaluator.start("val")
    i, j = torch.arange(MADE), torch.arange(REAL)
    for of_made, of_real in ((i[:3], j[:0]), (i[:0], j[:4]), (i[3:], j[4:])):
        names = [f"{n}.png" for n in of_made.tolist()]
        pictures = made[of_made], real[of_real]
        back = pictures[0], pictures[0]
        evaluator.update(of_made, names, *pictures, None, of_real, back, true=False)
    result = evaluator.compute()
    assert result.values.pop("reconstruction_l1") == 0
    expected = run_pass(ready(), made, real).values
    assert {name: result.values[name] for name in expected} == expected


def test_distributions_are_those_of_the_features_of_each_image_once(
    extractor: BlockMeans, made: Tensor, real: Tensor
) -> None:
    result = run_pass(ready(seed=5), made, real)
    real_rows, fake = (BlockMeans()(to_uint8(images)) for images in (real, made))
    values = result.values
    assert values["fid"] == frechet_distance(real_rows.features, fake.features) > 0.01
    sides = (real_rows.features, fake.features)
    assert (values["kid"], values["kid_spread"]) == kernel_distance(*sides, 3, 4, 5)
    score = inception_score(fake.logits, 5, 10)
    assert score[0] > 1
    assert (values["inception_score"], values["inception_score_spread"]) == score
    numbers = ("n_real", "n_fake", "kid_subset_size", "inception_score_splits")
    assert [result.protocol[key] for key in numbers] == [REAL, MADE, 3, 10]
    assert f"FID on {REAL} images" in result.protocol["fid_note"]  # the smaller side
    assert "splits of about 2 images" in result.protocol["inception_score_note"]


def test_each_real_image_counts_once_however_often_and_beside_whatever_it_comes(
    extractor: BlockMeans, made: Tensor, real: Tensor
) -> None:
    evaluator = ready()
    first = run_pass(evaluator, made, real)
    images = {image.numpy().tobytes() for image in to_uint8(real)}
    assert len(images) == REAL
    assert {extractor.seen[image] for image in images} == {1}
    second = run_pass(evaluator, made, real, batch=4, shift=3)
    assert second == first == run_pass(ready(), made, real, batch=1, shift=1)
    assert sum(extractor.seen[image] for image in images) == 2 * REAL  # of the two evaluators


def test_more_real_images_than_made_ones_count_too(
    extractor: BlockMeans, made: Tensor, real: Tensor
) -> None:
    """A pass is as long as the larger side: the smaller one comes round again."""
    evaluator = ready()
    evaluator.start("test")
    for i in range(MADE):
        index, other = torch.tensor([i % 4]), torch.tensor([i])
        evaluator.update(
            index, [f"{i % 4}"], real[index], made[other], target_index=other, true=False
        )
    result = evaluator.compute()
    assert result.n_images == 4
    sides = [BlockMeans()(to_uint8(images)).features for images in (made, real[:4])]
    assert result.values["fid"] == frechet_distance(*sides)
    assert (result.protocol["n_real"], result.protocol["n_fake"]) == (MADE, 4)


def test_a_shorter_pass_takes_the_real_images_that_it_saw(
    extractor: BlockMeans, made: Tensor, real: Tensor
) -> None:
    """Not those that an earlier one left in memory."""
    evaluator = ready()
    run_pass(evaluator, made, real)
    short = run_pass(evaluator, made[:4], real)
    assert short == run_pass(ready(), made[:4], real[:4])
    assert short.protocol["n_real"] == 4


def test_a_pair_is_scored_the_same_whichever_way_its_places_are_given(
    extractor: BlockMeans, made: Tensor, real: Tensor
) -> None:
    """The distributions of pairs, bit for bit, and every score of a pair besides."""
    evaluator = ready()
    unknown = run_pass(evaluator, made[:REAL], real)
    evaluator.start("val")
    evaluator.update(torch.arange(REAL), [f"{i}.png" for i in range(REAL)], made[:REAL], real)
    known = evaluator.compute()
    assert {k: v for k, v in known.values.items() if k not in PAIRWISE} == unknown.values
    assert known.values.keys() - unknown.values.keys() == PAIRWISE


def test_too_few_images_on_one_side_are_too_few(
    extractor: BlockMeans, made: Tensor, real: Tensor
) -> None:
    """KID's subsets are drawn from both."""
    from i2i.errors import SettingError

    with pytest.raises(SettingError, match="kid_subset_size"):
        run_pass(ready(), made, real[:2])


@pytest.mark.parametrize("known", [True, False])
def test_what_comes_back_is_measured_against_what_it_should_be(
    made: Tensor, real: Tensor, known: bool
) -> None:
    evaluator, source, back = pairwise(), -real, real.flip(3)
    evaluator.start("val")
    for at in range(0, REAL, 4):
        index = torch.arange(at, min(at + 4, REAL))
        evaluator.update(
            index, [f"{i}" for i in index.tolist()], made[index], real[index], None,
            None if known else index, (back[index], source[index]), known,
        )  # fmt: skip
    result = evaluator.compute()
    own = ["ssim", "psnr", "mse", "l1"]
    there_and_back = [f"reconstruction_{name}" for name in own]
    assert list(result.values) == (own if known else []) + there_and_back
    sides = to_uint8(back), to_uint8(source)
    for name in own:
        column = getattr(quality, name)(*sides).tolist()
        assert [row[f"reconstruction_{name}"] for row in result.per_image] == column
        assert result.values[f"reconstruction_{name}"] == math.fsum(column) / REAL
        assert f"reconstruction_{name}" in result.protocol
    if known:
        pairs = to_uint8(made[:REAL]), to_uint8(real)
        assert [row["ssim"] for row in result.per_image] == quality.ssim(*pairs).tolist()
    assert result.units["reconstruction_psnr"] == "dB"
    assert "reconstruction_ssim" not in result.units


def test_exact_images_are_those_of_the_answers(made: Tensor, real: Tensor) -> None:
    """A reconstruction without an error is none of them."""
    evaluator = pairwise()
    evaluator.start("val")
    index = torch.arange(2)
    evaluator.update(index, ["a", "b"], made[:2], real[:2], None, None, (real[:2], real[:2]))
    values = evaluator.compute().values
    assert values["reconstruction_psnr"] == math.inf and "exact_images" not in values


def test_evaluators_of_two_routes_share_networks_and_nothing_of_a_pass(
    extractor: BlockMeans, made: Tensor, real: Tensor
) -> None:
    evaluator = full(kid_subsets=4, kid_subset_size=3)
    one, two = evaluator.for_data("set-AtoB"), evaluator.for_data("set-BtoA")
    for each in (one, two):
        each.prepare("cpu", required=True)
        each.start("val")
    one.update(torch.arange(6), [f"{i}" for i in range(6)], made[:6], real)
    two.update(torch.arange(6), [f"{i}" for i in range(6)], made[6:12], real.flip(0))
    first, second = one.compute(), two.compute()
    assert evaluator.split is None
    assert first == run_pair(evaluator.for_data("set"), made[:6], real)
    assert second == run_pair(evaluator.for_data("set"), made[6:12], real.flip(0)) != first


def run_pair(evaluator: PairEvaluator, made: Tensor, real: Tensor) -> EvaluationResult:
    evaluator.prepare("cpu", required=True)
    evaluator.start("val")
    evaluator.update(torch.arange(len(made)), [f"{i}" for i in range(len(made))], made, real)
    return evaluator.compute()
