"""Published weights: where a file comes from, and that what is read runs nothing and fits."""

import hashlib
import os
import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from i2i.errors import SettingError
from i2i.files import download
from i2i.files.weights import PublishedWeights, load_safely
from i2i.losses import backbones
from i2i.metrics import inception


def published(sha256: str = "0" * 64) -> PublishedWeights:
    url, option = f"https://weights.invalid/net-{sha256[:8]}.pth", "loss.weights_file"
    return PublishedWeights(url, sha256, "weights of net", option, "a state dict of net", "go on")


class Mine:
    """A pickle that makes a folder when it is loaded by an unsafe reader."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"", "an empty file"),
        (b" <html>404</html>", "a web page, as a download that failed leaves it"),
        (b"epoch 3\nloss 0.5\n", "a text file"),
        (pickle.dumps([1], protocol=2), "a file that torch.save did not write, or that is damaged"),
        (
            nn.Linear(2, 2),
            r"objects of Python beside tensors \(torch\.nn\.modules\.linear\.Linear\)",
        ),
        ([torch.zeros(1)], "a saved list"),
        ({"state_dict": {}}, r"entries that are no tensors \('state_dict'\)"),
        ({"a": torch.ones(2, dtype=torch.int8)}, "a weight a of int8"),
        ({"a": torch.full((2,), float("nan"))}, "a weight a that is NaN or infinite"),
    ],
    ids=[
        "empty",
        "web page",
        "text",
        "pickle",
        "network",
        "list",
        "training checkpoint",
        "whole numbers",
        "NaN",
    ],
)
def test_a_file_of_no_weights_is_named_with_the_ways_out(
    tmp_path: Path, content: Any, found: str
) -> None:
    file = tmp_path / "weights.pth"
    file.write_bytes(content) if isinstance(content, bytes) else torch.save(content, file)
    pattern = (
        rf"^loss\.weights_file='{file}': found .*{found}.*; expected a state dict of net\. Give "
        r"another file, type loss\.weights_file=null to download it, or go on\.$"
    )
    with pytest.raises(SettingError, match=pattern) as caught:
        published().read(file)
    assert len(str(caught.value)) < 800


def test_a_file_from_a_stranger_runs_no_code(tmp_path: Path) -> None:
    file, trace = tmp_path / "weights.pth", tmp_path / "was here"
    torch.save({"fc.weight": Mine(trace)}, file)
    with pytest.raises(
        SettingError, match=r"objects of Python beside tensors \(\w+\.mkdir\), which would be run"
    ):
        published().read(file)
    assert not trace.exists()
    torch.load(file, weights_only=False)
    assert trace.exists()  # an unsafe reader would have been caught


def test_a_file_that_may_not_be_read_is_told_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    (tmp_path / "x").touch()
    monkeypatch.setattr(torch, "load", refuse)
    (tmp_path / "x").touch()
    with pytest.raises(SettingError, match=r"checkpoint=x: found .*denied.*Change its permissions"):
        load_safely(tmp_path / "x", "checkpoint=x", "a checkpoint", "Use another.")


@pytest.mark.parametrize("error", [OSError(5, "Input/output error"), MemoryError("full")], ids=str)
def test_a_file_that_a_machine_cannot_read_is_not_called_damaged(
    error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise error

    (tmp_path / "x").touch()
    monkeypatch.setattr(torch, "load", refuse)
    with pytest.raises(SettingError, match=r"checkpoint=x: found no way to read it \(.*\)"):
        load_safely(tmp_path / "x", "checkpoint=x", "a checkpoint", "Use another.")
    with pytest.raises(SettingError, match=r"found no way to read it \(.*No such file"):
        load_safely(tmp_path / "none", "checkpoint=x", "a checkpoint", "Use another.")


def test_keys_and_shapes_have_to_fit(tmp_path: Path) -> None:
    file, network = tmp_path / "weights.pth", nn.Linear(2, 3)
    for state, word in (
        ({}, "Missing key.*weight"),
        (nn.Linear(2, 4).state_dict(), "size mismatch for weight"),
        (network.state_dict() | {"more": torch.ones(1)}, "Unexpected key.*more"),
    ):
        torch.save(state, file)
        with (
            pytest.raises(SettingError, match=f"found weights of another network: {word}"),
            published().fitting(file),
        ):
            network.load_state_dict(published().read(file))


def test_a_named_file_is_taken_and_a_missing_one_named(tmp_path: Path) -> None:
    file = tmp_path / "weights.pth"
    with pytest.raises(SettingError, match=r"weights\.pth': found no such file; expected a state"):
        published().find(str(file))
    with pytest.raises(SettingError, match="found a folder"):
        published().find(str(tmp_path))
    file.touch()
    assert published().find(str(file)) == file


def test_the_cached_file_is_used_without_a_request_and_a_damaged_one_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    source = published(hashlib.sha256(b"weights").hexdigest())
    cached = tmp_path / "checkpoints" / f"net-{source.sha256[:8]}.pth"
    cached.parent.mkdir()
    cached.write_bytes(b"weights")
    assert source.find(None) == cached
    cached.write_bytes(b"weight")
    with pytest.raises(SettingError, match=f"expected weights of net with sha256 {source.sha256}"):
        source.find(None)


def test_without_a_network_the_error_names_both_ways_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def offline(job: Any, offset: int) -> None:
        raise download._Cut("no connection to weights.invalid")

    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    monkeypatch.setattr(download._Job, "_open", offline)
    monkeypatch.setattr(download.time, "sleep", lambda seconds: None)
    with pytest.raises(SettingError, match=r"^loss\.weights_file=null: found no conn") as caught:
        published().find(None)
    folder = str(tmp_path / "checkpoints")
    for part in ("https://weights.invalid", folder, "loss.weights_file=FILE; or go on"):
        assert part in str(caught.value)


def test_the_addresses_are_the_publishers() -> None:
    from torch_fidelity.feature_extractor_inceptionv3 import URL_INCEPTION_V3
    from torchvision import models

    kinds = {
        "vgg19": models.VGG19_Weights, "vgg16": models.VGG16_Weights,
        "alexnet": models.AlexNet_Weights,
    }  # fmt: skip
    assert {name: kind.IMAGENET1K_V1.url for name, kind in kinds.items()} == backbones.URLS
    assert inception.PUBLISHED.url == URL_INCEPTION_V3
    assert inception.PUBLISHED.sha256[:8] in URL_INCEPTION_V3
