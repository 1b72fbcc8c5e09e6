import hashlib
import io
import os
import pickle
from pathlib import Path

import pytest
import torch

from i2i.errors import SettingError
from i2i.files import download
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


class Mine:
    """A pickle that makes a file when it is loaded by an unsafe reader."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def saved(value) -> bytes:
    buffer = io.BytesIO()
    torch.save(value, buffer)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"", "a file that does not load as weights"),
        (b"<html>404</html>", "a file that does not load as weights"),
        (pickle.dumps([1], protocol=2), "a file that does not load as weights"),
        (saved([torch.zeros(1)]), "a saved list"),
        (saved({"state_dict": {}}), r"entries that are no tensors \('state_dict'\)"),
        (saved({"fc.weight": torch.zeros(1)}), "weights of another network: Missing key"),
    ],
    ids=["empty", "web page", "pickle", "list", "training checkpoint", "other network"],
)
def test_a_file_that_is_no_inception_is_named(tmp_path, content, found):
    file = tmp_path / "weights.pth"
    file.write_bytes(content)
    pattern = rf"metrics\.inception_weights='{file}': found .*{found}"
    with pytest.raises(SettingError, match=pattern) as caught:
        inception.load_inception(file, "cpu")
    assert "metrics=pairwise" in str(caught.value)
    assert len(str(caught.value)) < 800


def test_a_file_from_a_stranger_runs_no_code(tmp_path):
    file, trace = tmp_path / "weights.pth", tmp_path / "was here"
    file.write_bytes(saved({"fc.weight": Mine(trace)}))
    with pytest.raises(SettingError, match="does not load as weights"):
        inception.load_inception(file, "cpu")
    assert not trace.exists()


def test_a_given_file_is_taken_and_a_missing_one_named(tmp_path):
    file = tmp_path / "weights.pth"
    with pytest.raises(SettingError, match=r"weights\.pth': found no such file; expected"):
        inception.find_weights(str(file))
    with pytest.raises(SettingError, match="found a folder"):
        inception.find_weights(str(tmp_path))
    file.touch()
    assert inception.find_weights(str(file)) == file


def test_without_a_file_the_published_one_is_fetched_into_torch_hubs_cache(tmp_path, monkeypatch):
    calls = []

    def fetch_file(url, target, **options):
        calls.append((url, target, options))
        return target

    monkeypatch.setattr(download, "fetch_file", fetch_file)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    name = "weights-inception-2015-12-05-6726825d.pth"
    assert inception.find_weights(None) == tmp_path / "checkpoints" / name
    ((url, _, options),) = calls
    assert url.startswith("https://github.com/toshas/torch-fidelity/") and url.endswith(name)
    assert options["sha256"].startswith("6726825d") and options["n_bytes"] == 95_628_359
    assert options["setting"] == "metrics.inception_weights=null"


def test_without_a_network_the_error_names_both_ways_out(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    monkeypatch.setattr(download._Job, "_open", offline)
    monkeypatch.setattr(download.time, "sleep", lambda seconds: None)
    with pytest.raises(SettingError, match=r"^metrics\.inception_weights=null: found") as caught:
        inception.find_weights(None)
    for part in ("https://github.com/toshas", str(tmp_path), "metrics.inception_weights=FILE"):
        assert part in str(caught.value)


def offline(job, offset):
    raise download._Cut("no connection to github.com")
