"""The frozen classifiers: where their weights come from, and what is refused."""

from pathlib import Path

import pytest
import torch
from torch import nn

from backbone_stand_in import random_backbone_file
from i2i.errors import SettingError
from i2i.files import download
from i2i.losses import backbones
from i2i.losses.backbones import HiddenMaps, asking_loss, load_backbone, relu_layers

ASKER = asking_loss("perceptual")


@pytest.fixture(scope="module")
def alexnet_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return random_backbone_file(tmp_path_factory.mktemp("weights") / "alexnet.pth", "alexnet")


@pytest.fixture(scope="module")
def alexnet(alexnet_file: Path) -> nn.Sequential:
    return load_backbone("alexnet", str(alexnet_file), "cpu")


def test_it_has_the_files_weights_frozen_in_float32(alexnet, alexnet_file) -> None:
    saved = torch.load(alexnet_file, weights_only=True)
    loaded = alexnet.state_dict()
    assert len(loaded) == 10
    assert all(torch.equal(v, saved[f"features.{k}"].float()) for k, v in loaded.items())
    assert {v.dtype for v in loaded.values()} == {torch.float32}
    assert not any(p.requires_grad for p in alexnet.parameters())
    assert not any(layer.training for layer in alexnet.modules())


def test_a_whole_state_dict_is_taken_as_well(alexnet, alexnet_file, tmp_path) -> None:
    whole = torch.load(alexnet_file, weights_only=True) | {"classifier.1.weight": torch.ones(2, 2)}
    torch.save(whole, tmp_path / "whole.pth")
    loaded = load_backbone("alexnet", str(tmp_path / "whole.pth"), "cpu").state_dict()
    assert all(torch.equal(v, alexnet.state_dict()[k]) for k, v in loaded.items())


def test_loading_leaves_the_random_state_alone(alexnet_file) -> None:
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    load_backbone("alexnet", str(alexnet_file), "cpu")
    assert torch.equal(torch.rand(4), expected)


def test_the_scaling_is_torchvisions_for_images_around_0() -> None:
    from torchvision.models import VGG19_Weights

    transform = VGG19_Weights.IMAGENET1K_V1.transforms()
    assert [2 * m - 1 for m in transform.mean] == pytest.approx(backbones.SHIFT)
    assert [2 * s for s in transform.std] == pytest.approx(backbones.SCALE)


def test_layers_are_named_by_block() -> None:
    from torchvision import models

    with torch.device("meta"):
        vgg19, alexnet = models.vgg19(weights=None), models.alexnet(weights=None)
    places = relu_layers(vgg19.features)
    assert len(places) == 16
    first = [places[f"relu{block}_1"] for block in range(1, 6)]
    assert first == [1, 6, 11, 20, 29]  # after the first convolution of each block
    assert relu_layers(alexnet.features) == {
        "relu1_1": 1, "relu2_1": 4, "relu3_1": 7, "relu3_2": 9, "relu3_3": 11,
    }  # fmt: skip


def test_maps_come_in_the_order_asked_for_and_nothing_after_is_computed(alexnet) -> None:
    x = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0)) * 2 - 1
    maps = HiddenMaps(alexnet, ["relu3_1", "relu1_1"], ASKER)
    assert len(maps.network) == 8
    late, early = maps(x)
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    scaled = ((x + 1) / 2 - mean.view(-1, 1, 1)) / std.view(-1, 1, 1)
    # The scaling is written otherwise: it differs by some 2^-24 of values below 3. What a layer
    # sums of that, at most 1,728 products, stays below 1e-5.
    torch.testing.assert_close(early, alexnet[:2](scaled), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(late, alexnet[:8](scaled), rtol=1e-4, atol=1e-5)
    (raw,) = HiddenMaps(alexnet, ["relu1_1"], ASKER, scaled=False)(x)
    torch.testing.assert_close(raw, alexnet[:2](x))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(maps(x)[0], late)


def test_grey_is_repeated_and_other_channels_are_refused(alexnet) -> None:
    maps = HiddenMaps(alexnet, ["relu2_1"], ASKER)
    grey = torch.rand(1, 1, 40, 40) * 2 - 1
    assert torch.equal(maps(grey)[0], maps(grey.repeat(1, 3, 1, 1))[0])
    pattern = r"^reconstruction\.perceptual: found images of 4 channels; expected 1 or 3 channels"
    with pytest.raises(SettingError, match=pattern):
        maps(grey.repeat(1, 4, 1, 1))


@pytest.mark.parametrize("layer", ["relu1_1", "relu2_1", "relu3_3"])
def test_the_smallest_image_is_the_smallest_that_goes_through(alexnet, layer) -> None:
    maps = HiddenMaps(alexnet, [layer], ASKER)
    side = maps.smallest
    assert maps(torch.zeros(1, 3, side, side + 1))[0].shape[2] == 1
    with pytest.raises(SettingError, match=f"images of {side - 1} x 50 pixels; expected at least"):
        maps(torch.zeros(1, 3, side - 1, 50))
    with pytest.raises(RuntimeError):  # torch's own words for it
        maps.network(torch.zeros(1, 3, side - 1, side - 1))


def test_an_unknown_layer_or_network_is_named(alexnet) -> None:
    with pytest.raises(SettingError, match=r"layers: found 'relu9_1'; expected .*relu1_1"):
        HiddenMaps(alexnet, ["relu9_1"], ASKER)
    with pytest.raises(SettingError, match=r"network: found 'vgg11'; expected one of vgg19"):
        load_backbone("vgg11", None, "cpu")


def test_weights_of_another_architecture_are_named(tmp_path) -> None:
    from torchvision import models

    file = tmp_path / "squeeze.pth"
    torch.save(models.squeezenet1_1(weights=None).state_dict(), file)
    pattern = rf"^reconstruction\.perceptual\.weights_file='{file}': found weights of another netw"
    with pytest.raises(SettingError, match=pattern) as caught:
        load_backbone("alexnet", str(file), "cpu")
    assert "expected weights of torchvision's alexnet" in str(caught.value)
    assert "or leave perceptual out of reconstruction" in str(caught.value)


@pytest.mark.parametrize("name", backbones.URLS)
def test_without_a_file_the_published_one_is_fetched_into_torch_hubs_cache(
    name, tmp_path, monkeypatch
) -> None:
    calls = []

    def fetch_file(url, target, **options):
        calls.append((url, target, options["sha256"], options["setting"]))
        raise SettingError("no network")

    monkeypatch.setattr(download, "fetch_file", fetch_file)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    asker = backbones.Asker(
        "metrics.lpips", "metrics.lpips.weights_file", "leave lpips out of metrics="
    )
    with pytest.raises(SettingError, match="no network"):
        load_backbone(name, None, "cpu", asker=asker)
    url = backbones.URLS[name]
    cached, digits = tmp_path / "checkpoints" / url.rsplit("/")[-1], url[-12:-4]
    assert calls == [(url, cached, digits, "metrics.lpips.weights_file=null")]
