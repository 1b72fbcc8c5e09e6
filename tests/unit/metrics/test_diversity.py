import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from i2i.errors import SettingError
from i2i.images.quantise import to_uint8
from i2i.metrics import diversity as module
from i2i.metrics import quality
from i2i.metrics.diversity import Diversity, consecutive, pairwise_l1, pairwise_lpips


def channel_gap(a, b):
    """Stands for LPIPS: a distance of two (B, 3, H, W) batches that no pixel mean gives."""
    assert a.dtype == b.dtype == torch.float32 and a.shape[1] == b.shape[1] == 3
    assert a.abs().max() <= 1 and b.abs().max() <= 1
    return (a.amax((1, 2, 3)) - b.amin((1, 2, 3))).square()


@pytest.fixture
def samples(photographs):
    """Seven different samples: 21 pairs, more than go through a network at once."""
    return to_uint8(photographs(7, 12, 14))


def test_l1_equals_a_loop_over_the_pairs(samples):
    levels = samples.numpy().astype(np.int64)
    gaps = [np.abs(levels[i] - levels[j]).mean() for j in range(len(levels)) for i in range(j)]
    assert len(gaps) == 7 * 6 / 2
    assert pairwise_l1(samples).mean().item() == pytest.approx(np.mean(gaps), rel=1e-12)
    assert np.mean(gaps) > 10


def test_l1_by_hand():
    samples = torch.tensor([0, 10, 255], dtype=torch.uint8).view(3, 1, 1, 1).expand(3, 3, 2, 2)
    assert pairwise_l1(samples).mean().item() == pytest.approx((10 + 255 + 245) / 3, rel=1e-12)


@pytest.mark.parametrize("channels", [1, 3])
def test_lpips_equals_a_loop_over_the_pairs_of_scaled_images(photographs, channels):
    samples = to_uint8(photographs(7, 12, 14, channels=channels))
    scaled = samples.numpy().astype(np.float32) / np.float32(127.5) - np.float32(1)
    gaps = [(scaled[i].max() - scaled[j].min()) ** 2 for i in range(7) for j in range(i + 1, 7)]
    found = pairwise_lpips(samples, channel_gap).mean().item()
    assert found == pytest.approx(np.mean(np.float64(gaps)), rel=1e-6)


def test_the_pairs_at_once_do_not_matter(samples, monkeypatch):
    expected = pairwise_lpips(samples, channel_gap)
    monkeypatch.setattr(module, "PAIRS_AT_ONCE", 4)
    assert torch.equal(pairwise_lpips(samples, channel_gap), expected)


def test_equal_samples_have_none(samples):
    same = samples[[2, 2, 2]]
    assert pairwise_l1(same).tolist() == [0.0] * 3
    assert pairwise_lpips(same, lambda a, b: (a - b).abs().sum((1, 2, 3))).tolist() == [0.0] * 3


def test_one_sample_and_two_channels_are_refused(samples):
    with pytest.raises(ValueError, match="diversity of 1 samples; expected 2 or more"):
        pairwise_l1(samples[:1])
    with pytest.raises(SettingError, match=r"metrics\.lpips: found images of 2 channels"):
        pairwise_lpips(samples[:, :2], channel_gap)


def test_the_mean_is_one_over_inputs(samples):
    collected = Diversity(channel_gap)
    collected.add("a", samples[:3])
    collected.add("b", samples[3:])
    assert [row["name"] for row in collected.rows] == ["a", "b"]
    parts = (samples[:3], samples[3:])
    l1 = [pairwise_l1(part).mean().item() for part in parts]
    lpips = [pairwise_lpips(part, channel_gap).mean().item() for part in parts]
    assert [row["l1"] for row in collected.rows] == l1
    assert collected.means() == pytest.approx({"l1": np.mean(l1), "lpips": np.mean(lpips)})


@pytest.mark.parametrize("n", [2, 3, 7, 20])
def test_outputs_in_a_row_are_found_among_all_pairs(n):
    pairs = [(i, j) for i in range(n) for j in range(i + 1, n)]
    numbers = torch.arange(float(len(pairs)))
    found = [pairs[int(at)] for at in consecutive(numbers)]
    assert found == [(k, k + 1) for k in range(n - 1)]


def test_the_papers_protocol_is_over_outputs_in_a_row(photographs):
    """Zhu et al. 2017b: 100 inputs of 20 outputs have 1,900 such pairs; here 3 of 4 have 9."""
    inputs = [to_uint8(photographs(4, 12, 14, seed=seed)) for seed in range(3)]
    collected = Diversity(channel_gap)
    gaps = {"l1": [], "lpips": []}
    for i, outputs in enumerate(inputs):
        collected.add(str(i), outputs)
        levels = outputs.numpy().astype(np.float64)
        scaled = outputs.numpy().astype(np.float32) / np.float32(127.5) - np.float32(1)
        gaps["l1"] += [np.abs(levels[k] - levels[k + 1]).mean() for k in range(3)]
        gaps["lpips"] += [(scaled[k].max() - scaled[k + 1].min()) ** 2 for k in range(3)]
    found = collected.consecutive()
    for key, values in gaps.items():
        values = np.float64(values)
        assert found[key]["n"] == 9
        assert found[key]["mean"] == pytest.approx(values.mean(), rel=1e-6)
        assert found[key]["std"] == pytest.approx(values.std(), rel=1e-5)
    assert found["l1"]["mean"] != pytest.approx(collected.means()["l1"], rel=1e-3)


def test_codes_stand_in_the_rows(samples):
    collected = Diversity()
    collected.add("a", samples[:2], [[1.0], [2.0]])
    collected.add_l1("b", torch.tensor([3.0]), SettingError("too large"), [[3.0], [4.0]])
    collected.add("c", samples[:2])
    assert [row.get("codes") for row in collected.rows] == [[[1.0], [2.0]], [[3.0], [4.0]], None]
    assert collected.rows[1]["l1"] == 3.0 and collected.consecutive()["l1"]["n"] == 3


def test_without_a_distance_there_is_l1_alone(samples):
    collected = Diversity()
    collected.add("a", samples)
    assert list(collected.means()) == ["l1"] and list(collected.rows[0]) == ["name", "l1"]


def test_an_input_too_small_for_lpips_leaves_its_mean_out(samples):
    def needs_13_pixels(a, b):
        if a.shape[-2] < 13:
            raise SettingError("lpips: found images of 12 x 14 pixels; expected 13 x 13")
        return channel_gap(a, b)

    collected = Diversity(needs_13_pixels)
    collected.add("large", samples.repeat(1, 1, 2, 1))
    assert collected.too_small is None and set(collected.means()) == {"l1", "lpips"}
    collected.add("small", samples)
    assert "12 x 14" in str(collected.too_small)
    assert list(collected.means()) == ["l1"]
    assert [set(row) for row in collected.rows] == [{"name", "l1", "lpips"}, {"name", "l1"}]


@pytest.mark.parametrize("at_once", [1, 100, 504, 1 << 20])
def test_l1_in_parts_is_exact(samples, monkeypatch, at_once):
    monkeypatch.setattr(module, "LEVELS_AT_ONCE", at_once)
    pairs = [(i, j) for i in range(7) for j in range(i + 1, 7)]
    expected = torch.cat([quality.l1(samples[[i]], samples[[j]]) for i, j in pairs])
    assert torch.equal(pairwise_l1(samples), expected)
    assert torch.equal(pairwise_l1(list(samples)), expected)
    assert torch.equal(pairwise_l1(samples.transpose(2, 3)), expected)  # not contiguous


class LargestTensor(TorchDispatchMode):
    """Bytes of the largest tensor with memory of its own that any operator made."""

    bytes = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        made = function(*args, **(kwargs or {}))
        for tensor in made if isinstance(made, tuple | list) else [made]:
            if isinstance(tensor, torch.Tensor) and tensor._base is None:
                self.bytes = max(self.bytes, tensor.nbytes)
        return made


def test_l1_of_wide_bands_takes_four_megabytes():
    """Ten samples of 48 rows of a picture of 16384 pixels: 45 pairs of 2.4 MB each."""
    draw = torch.Generator().manual_seed(0)
    band = torch.randint(0, 256, (3, 48, 16384), dtype=torch.uint8, generator=draw)
    samples = [band.roll(k, -1) for k in range(10)]
    with LargestTensor() as largest:
        pairwise_l1(samples)
    assert 0 < largest.bytes <= 4 * module.LEVELS_AT_ONCE
