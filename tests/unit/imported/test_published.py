"""Which files the authors publish, and fetching them from a server that cuts, lies and changes."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from omegaconf import OmegaConf

from conftest import CONF
from field_networks import FieldResNet, FieldUNet, randomised
from i2i.errors import SettingError
from i2i.imported import published as module
from i2i.imported.network import recognised
from i2i.imported.published import CYCLEGAN, NETWORKS, PARAMETERS, PIX2PIX, TABLES, published
from weights_server import Server, serving

THEIRS = [("pix2pix", FieldUNet, "batch"), ("cyclegan", FieldResNet, "instance")]


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as started:
        yield started


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch, server: Server, tmp_path: Path) -> Server:
    """Serves a network of 2 channels in place of those of 64."""
    network = randomised(FieldResNet, "instance", 6, 2)
    torch.save(network.state_dict(), tmp_path / "net.pth")
    server.body = (tmp_path / "net.pth").read_bytes()
    number = sum(p.numel() for p in network.parameters())
    monkeypatch.setattr(module, "PARAMETERS", {"cyclegan": number, "pix2pix": number})
    monkeypatch.setattr(module, "BESIDE", 60_000)
    return server


def test_the_names_are_those_of_the_authors() -> None:
    assert (len(PIX2PIX), len(CYCLEGAN)) == (5, 18)
    assert set(PIX2PIX) & set(CYCLEGAN) == {"sat2map", "map2sat", "facades_label2photo"}
    for table in TABLES.values():
        for dataset, direction in table.values():
            assert direction in ("AtoB", "BtoA")
            assert OmegaConf.load(CONF / "dataset" / f"{dataset}.yaml").name == dataset


@pytest.mark.parametrize(("system", "make", "norm"), THEIRS)
def test_the_known_networks_are_those_of_64_channels(system, make, norm) -> None:
    with torch.device("meta"):
        theirs = make(norm, base=64)
    state = {n: torch.zeros(()).expand(v.shape) for n, v in theirs.state_dict().items()}
    network = recognised(state, "x")
    assert (network.words(), network.n_parameters) == (NETWORKS[system], PARAMETERS[system])
    published("sat2map", system).require(network, "x")


def test_a_name_of_both_systems_needs_the_system() -> None:
    assert published("horse2zebra", None).system == "cyclegan"
    assert published("sat2map", "pix2pix").url("http://h/") == (
        "http://h/pix2pix/models-pytorch/sat2map.pth"
    )
    assert published("sat2map", None, "cyclegan").url("http://h") == (
        "http://h/cyclegan/pretrained_models/sat2map.pth"
    )
    with pytest.raises(SettingError, match="preset=sat2map: found a name that pix2pix and Cycle"):
        published("sat2map", None)
    with pytest.raises(
        SettingError, match=r"preset=zebras: found no published weights.*horse2zebr"
    ):
        published("zebras", None)
    with pytest.raises(SettingError, match="of pix2pix; expected model=cyclegan, which has some"):
        published("horse2zebra", "pix2pix")


def test_another_network_of_a_name_is_refused(tmp_path: Path) -> None:
    resnet = recognised(randomised(FieldResNet, "instance", base=64).state_dict(), "x")
    with pytest.raises(
        SettingError,
        match=r"file=a: found a ResNet.*expected that of pix2pix's sat2map, a U-Net.*cyclegan has",
    ):
        published("sat2map", "pix2pix").require(resnet, "file=a")
    with pytest.raises(SettingError, match=r"pix2pix's edges2shoes, a U-Net.*Leave preset out"):
        published("edges2shoes", None).require(resnet, "file=a")


def test_a_cut_download_goes_on_where_it_was(small: Server, tmp_path: Path) -> None:
    small.cuts = [5000, 7000]
    model = published("horse2zebra", None)
    file = model.fetch(tmp_path / "c", small.host)
    assert file == tmp_path / "c" / "weights" / "cyclegan" / "horse2zebra.pth"
    assert file.read_bytes() == small.body
    path = "/cyclegan/pretrained_models/horse2zebra.pth"
    assert small.asked == [(path, ""), (path, "bytes=5000-"), (path, "bytes=12000-")]


PAGE = b"<!DOCTYPE html><html>not here any more</html>"


@pytest.mark.parametrize(
    ("body", "status", "found"),
    [
        (PAGE, 200, "found a file of 45 bytes; expected horse2zebra.pth of cyclegan of "),
        (b"x" * 200_000, 200, "found a file of 200,000 bytes; expected horse2zebra.pth of cycle"),
        (PAGE, 404, "found the answer 'HTTP 404 Not Found'"),
    ],
    ids=["page", "too large", "gone"],
)
def test_another_answer_is_refused_and_nothing_stays(
    small: Server, tmp_path: Path, body: bytes, status: int, found: str
) -> None:
    small.body, small.status = body, status
    with pytest.raises(SettingError, match="preset=horse2zebra: " + found) as error:
        published("horse2zebra", None).fetch(tmp_path / "c", small.host)
    assert "file=PATH model=cyclegan" in str(error.value)
    assert not list((tmp_path / "c").rglob("*.pth*"))


def test_the_first_right_file_is_what_later_ones_are_compared_with(
    small: Server, tmp_path: Path
) -> None:
    model = published("horse2zebra", None)
    file = model.fetch(tmp_path, small.host)
    digest = model.keep_hash(tmp_path, small.host)
    assert model.fetch(tmp_path, small.host) == file and len(small.asked) == 1
    file.unlink()
    small.body = small.body[:-1] + bytes([small.body[-1] ^ 1])
    with pytest.raises(SettingError, match=f"first came from this address: sha256 {digest}"):
        model.fetch(tmp_path, small.host)
    assert not file.exists()
