"""The same result on 1, 2 and 3 processes. Run as a script, this file starts all six."""

import json
import multiprocessing
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest
import torch
from torch import distributed

SIZES = (1, 2, 3)
N_IMAGES = 11  # neither 2 nor 3 divides it
N_OTHERS = 5  # images of a domain without true answers
SCORES = {"inception_score", "inception_score_spread", "lpips"}
SCORES |= {"pixel_accuracy", "class_accuracy", "mean_iou"}


class CountingExtractor:
    name, sha256 = "block means", "0" * 64

    def __init__(self):
        self.n_images = 0

    def to(self, device):
        return self

    def __call__(self, images):
        self.n_images += len(images)
        means = torch.nn.functional.adaptive_avg_pool2d(images.float(), 3).flatten(1) / 64
        return means, 3 * means[:, :7]


class SquaredGap:
    """Stands for LPIPS."""

    def prepare(self, device):
        pass

    def __call__(self, a, b):
        return (a - b).square().mean((1, 2, 3))


def class_maps(rows: list[int]):
    """Maps of 24 x 17 pixels and three classes of some images."""
    from i2i.metrics.evaluator import ClassMaps

    draw = torch.Generator().manual_seed(1)
    truth, made, ceiling = torch.randint(3, (3, N_IMAGES, 24, 17), generator=draw).byte()
    truth[:, :2] = 255
    return ClassMaps(("a", "b", "c"), truth[rows], made[rows], ceiling[rows])


def shard(rank: int, n_ranks: int, shuffle_seed: int) -> list[int]:
    """What DistributedSampler hands out: padded with repeats to an even count."""
    draw = torch.Generator().manual_seed(shuffle_seed)
    order = torch.randperm(N_IMAGES, generator=draw).tolist()
    order += order[: -N_IMAGES % n_ranks]
    return order[rank::n_ranks]


def score(rank: int, n_ranks: int, folder: Path) -> dict:
    """Passes over differently dealt shards, a second run, domains apart, and a single image."""
    from i2i.errors import SettingError
    from i2i.metrics import evaluator as module
    from i2i.metrics import perceptual, quality

    extractor = CountingExtractor()
    module.find_weights = lambda path: Path("weights.pth")
    module.load_inception = lambda path, device: extractor
    perceptual.load_lpips = lambda *options: SquaredGap()
    cache = str(folder / f"cache {n_ranks}")
    options = {"kid_subsets": 5, "inception_batch_size": 1, "cache_dir": cache}
    options |= {"distribution": True, "ssim": quality.SSIM(), "psnr": quality.PSNR()}
    options |= {"mse": quality.MSE(), "l1": quality.L1(), "lpips": perceptual.LPIPS()}
    evaluator = module.PairEvaluator(**options)
    evaluator.prepare("cpu", required=True)
    draw = torch.Generator().manual_seed(0)
    target, output = torch.rand(2, N_IMAGES, 3, 24, 17, generator=draw) * 2 - 1
    found = {}
    for number in (1, 2, 3):
        before = extractor.n_images
        if number == 3:
            evaluator = module.PairEvaluator(**options)
            evaluator.prepare("cpu", required=True)
        evaluator.start("val")
        for i in shard(rank, n_ranks, number):
            name, pair = [f"{i:03d}.png"], (output[[i]] / min(number, 2), target[[i]])
            evaluator.update(torch.tensor([i]), name, *pair, class_maps([i]))
        found[f"pass {number}"] = asdict(evaluator.compute())
        found[f"images {number}"] = extractor.n_images - before
    found["kept"] = [file.name for file in Path(cache).iterdir()]
    evaluator.start("apart")
    for i in shard(rank, n_ranks, 4):
        other = i % N_OTHERS
        index, place, back = torch.tensor([i]), torch.tensor([other]), (output[[i]], target[[i]])
        pictures = output[[i]], target[[other]]
        evaluator.update(index, [f"{i}"], *pictures, None, place, back, true=False)
    found["apart"] = asdict(evaluator.compute())
    evaluator.start("tiny")
    if rank == 0:
        evaluator.update(torch.tensor([0]), ["0.png"], output[:1], target[:1])
    try:
        evaluator.compute()
    except SettingError as error:
        found["error"] = str(error)
    return found


def weights_error(rank: int) -> str:
    """Rank 0 alone cannot get the weights; every rank has to learn of it."""
    from i2i.errors import SettingError
    from i2i.metrics import evaluator as module

    def find_weights(path):
        if rank == 0:
            raise SettingError("no network")
        raise AssertionError("asked although rank 0 had failed")

    module.find_weights = find_weights
    try:
        module.PairEvaluator(distribution=True).prepare("cpu", required=True)
    except SettingError as error:
        return str(error)
    return "no error"


def work(rank: int, n_ranks: int, folder: Path) -> None:
    """Is one process of a group of ``n_ranks``."""
    meeting = f"file://{folder / f'meeting {n_ranks}'}"
    distributed.init_process_group("gloo", init_method=meeting, rank=rank, world_size=n_ranks)
    found = score(rank, n_ranks, folder)
    found["weights"] = weights_error(rank)
    (folder / f"{n_ranks} {rank}.json").write_text(json.dumps(found))
    distributed.destroy_process_group()


def main(folder: Path) -> None:
    """Forks every process of the three groups, so that torch is imported once."""
    import i2i.metrics.evaluator  # noqa: F401

    heavy = {"torch_fidelity", "torchmetrics", "lightning", "torchvision"} & set(sys.modules)
    (folder / "heavy.json").write_text(json.dumps(sorted(heavy)))
    context = multiprocessing.get_context("fork")
    processes = [
        context.Process(target=work, args=(rank, n, folder)) for n in SIZES for rank in range(n)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    sys.exit(max(abs(process.exitcode) for process in processes))


@pytest.fixture(scope="module")
def found(tmp_path_factory) -> dict[int, list[dict]]:
    """The number of processes -> what each of them found."""
    folder = tmp_path_factory.mktemp("processes")
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    for name in ("LOCAL_RANK", "RANK", "WORLD_SIZE"):
        environment.pop(name, None)
    subprocess.run(
        [sys.executable, __file__, str(folder)], env=environment, check=True, timeout=200
    )
    assert json.loads((folder / "heavy.json").read_text()) == []  # importing it is cheap
    return {
        n: [json.loads((folder / f"{n} {rank}.json").read_text()) for rank in range(n)]
        for n in SIZES
    }


@pytest.mark.parametrize("key", ["pass 1", "pass 2", "pass 3"])
@pytest.mark.parametrize("n", [2, 3])
def test_every_process_has_the_result_of_one_process_bit_for_bit(found, n, key):
    expected = found[1][0][key]
    assert expected["n_images"] == N_IMAGES
    assert (
        set(expected["values"])
        == {"ssim", "psnr", "mse", "l1", "fid", "kid", "kid_spread"} | SCORES
    )
    for other in found[n]:
        assert other[key] == expected


@pytest.mark.parametrize("n", [2, 3])
def test_two_domains_have_the_result_of_one_process_bit_for_bit(found, n):
    """Each real image counts once, whichever processes saw it."""
    expected = found[1][0]["apart"]
    assert expected["n_images"] == expected["protocol"]["n_fake"] == N_IMAGES
    assert expected["protocol"]["n_real"] == N_OTHERS
    names = {f"reconstruction_{name}" for name in ("ssim", "psnr", "mse", "l1", "lpips")}
    names |= {"fid", "kid", "kid_spread", "inception_score", "inception_score_spread"}
    assert set(expected["values"]) == names
    for other in found[n]:
        assert other["apart"] == expected


@pytest.mark.parametrize("n", SIZES)
def test_every_process_has_the_confusion_of_all_images_counted_once(found, n):
    _, truth, made, ceiling, _ = class_maps(list(range(N_IMAGES)))
    known = truth != 255
    for other in found[n]:
        result = other["pass 1"]
        assert result["values"]["pixel_accuracy"] == pytest.approx(
            (truth == made)[known].double().mean().item(), rel=1e-12
        )
        assert result["ceiling"]["pixel_accuracy"] == pytest.approx(
            (truth == ceiling)[known].double().mean().item(), rel=1e-12
        )
        for k, name in enumerate("abc"):
            either = ((truth == k) | (made == k)) & known
            iou = ((truth == k) & (made == k)).sum() / either.sum()
            assert result["classes"]["model"][name] == pytest.approx(iou.item(), rel=1e-6)


@pytest.mark.parametrize("n", SIZES)
def test_real_features_are_shared_however_the_second_pass_is_dealt(found, n):
    padded = N_IMAGES + -N_IMAGES % n
    assert sum(other["images 1"] for other in found[n]) == 2 * padded
    assert sum(other["images 2"] for other in found[n]) == padded


@pytest.mark.parametrize("n", SIZES)
def test_a_second_run_reads_the_real_features_that_the_first_process_kept(found, n):
    padded = N_IMAGES + -N_IMAGES % n
    assert sum(other["images 3"] for other in found[n]) == padded
    for other in found[n]:
        assert other["pass 3"] == other["pass 2"]
        assert len(other["kept"]) == 1 and other["kept"][0].endswith(".npz")


@pytest.mark.parametrize("n", SIZES)
def test_an_error_of_one_process_reaches_all(found, n):
    for other in found[n]:
        assert other["error"].startswith("metrics.kid_subset_size=null: found split 'tiny' of 1 im")
        assert other["weights"] == "no network"


if __name__ == "__main__":
    main(Path(sys.argv[1]))
