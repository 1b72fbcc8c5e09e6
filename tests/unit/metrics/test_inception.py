import hashlib

import pytest
import torch

from i2i.errors import SettingError
from i2i.images.quantise import to_uint8
from i2i.metrics import inception


@pytest.fixture(scope="module")
def extractor(inception_file):
    return inception.load_inception(inception_file, "cpu")


def theirs(inception_file):
    """torch-fidelity's own extractor, built in its own way."""
    from torch_fidelity.utils import create_feature_extractor

    return create_feature_extractor(
        "inception-v3-compat",
        ["2048", "logits_unbiased"],
        cuda=False,
        feature_extractor_weights_path=str(inception_file),
        verbose=False,
    )


def test_features_and_logits_equal_those_of_torch_fidelity(extractor, inception_file, photographs):
    images = to_uint8(photographs(2, 40, 70))
    expected = theirs(inception_file)(images)
    features, logits = extractor(images)
    assert features.shape == (2, 2048) and logits.shape == (2, 1008)
    assert features.dtype == logits.dtype == torch.float32
    assert torch.equal(features, expected[0]) and torch.equal(logits, expected[1])
    assert features.std() > 0.01 and logits.std() > 0.01  # the weights let something through


def test_features_and_logits_come_from_one_pass(extractor, photographs):
    passes = []
    hook = extractor.network.Conv2d_1a_3x3.register_forward_hook(
        lambda _, inputs, __: passes.append(len(inputs[0]))
    )
    extractor(to_uint8(photographs(3)))
    hook.remove()
    assert passes == [3]


def test_autocast_around_it_changes_nothing(extractor, photographs):
    images = to_uint8(photographs(1))
    expected = extractor(images)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = extractor(images)
    assert torch.equal(found.features, expected.features)
    assert torch.equal(found.logits, expected.logits)


def test_tf32_is_off_inside_and_as_it_was_outside(extractor, photographs):
    seen = []
    hook = extractor.network.Conv2d_1a_3x3.register_forward_hook(
        lambda *_: seen.append(torch.backends.cudnn.conv.fp32_precision)
    )
    before = torch.backends.cudnn.conv.fp32_precision
    extractor(to_uint8(photographs(1)))
    hook.remove()
    assert seen == ["ieee"] and before != "ieee"
    assert torch.backends.cudnn.conv.fp32_precision == before


def test_kernels_are_not_chosen_by_the_clock(extractor, photographs, monkeypatch):
    """As under trainer.benchmark=true: the same features in each run, so that they can be kept."""
    cudnn, seen = torch.backends.cudnn, []
    hook = extractor.network.Conv2d_1a_3x3.register_forward_hook(
        lambda *_: seen.append((cudnn.benchmark, cudnn.deterministic))
    )
    monkeypatch.setattr(cudnn, "benchmark", True)
    extractor(to_uint8(photographs(1)))
    hook.remove()
    assert seen == [(False, True)]
    assert (cudnn.benchmark, cudnn.deterministic) == (True, False)


def test_grey_images_are_repeated_to_three_channels(extractor, photographs):
    grey = to_uint8(photographs(1, channels=1))
    assert torch.equal(extractor(grey).features, extractor(grey.repeat(1, 3, 1, 1)).features)
    with pytest.raises(SettingError, match="images of 2 channels; expected 1 or 3"):
        extractor(grey.repeat(1, 2, 1, 1))


def test_the_network_is_frozen_and_the_file_is_named_by_its_hash(extractor, inception_file):
    assert not extractor.network.training
    assert not any(p.requires_grad for p in extractor.network.parameters())
    assert extractor.sha256 == hashlib.sha256(inception_file.read_bytes()).hexdigest()
    assert extractor.name.endswith("weights other than the published ones")
    assert not isinstance(extractor, torch.nn.Module)


def test_loading_leaves_the_random_state_alone(inception_file):
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    inception.load_inception(inception_file, "cpu")
    assert torch.equal(torch.rand(4), expected)


def test_a_file_that_is_no_inception_is_named(tmp_path):
    file = tmp_path / "weights.pth"
    torch.save({"fc.weight": torch.zeros(1)}, file)
    pattern = rf"^metrics\.inception_weights='{file}': found weights of another network: M"
    with pytest.raises(SettingError, match=pattern) as caught:
        inception.load_inception(file, "cpu")
    assert "metrics=pairwise" in str(caught.value)
