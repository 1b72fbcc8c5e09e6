"""LPIPS against torchmetrics' with the same random backbone, and by hand."""

import pytest
import torch
from torchmetrics.functional.image import lpips as theirs

from backbone_stand_in import random_backbone_file
from i2i.errors import SettingError
from i2i.losses import lpips
from i2i.losses.backbones import Asker
from i2i.losses.lpips import LPIPS, LPIPSDistance


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("weights")
    return {
        network: str(random_backbone_file(folder / f"{backbone}.pth", backbone))
        for network, backbone in lpips.NETWORKS.items()
    }


@pytest.fixture(scope="module")
def distances(files: dict[str, str]) -> dict[str, LPIPSDistance]:
    made = {network: LPIPSDistance(network, file) for network, file in files.items()}
    for distance in made.values():
        distance.prepare("cpu")
    return made


def images(channels: int = 3, size: tuple[int, int] = (48, 64)) -> list[torch.Tensor]:
    """Three images; the second is like the first, the third is another one."""
    draw = torch.Generator().manual_seed(0)
    a, b = (torch.rand(3, channels, *size, generator=draw) * 2 - 1 for _ in range(2))
    return [a, torch.stack([a[0] * 0.9, b[1], a[2]])]


@pytest.mark.parametrize("network", ["alex", "vgg"])
def test_it_equals_torchmetrics(network, files, distances, monkeypatch) -> None:
    backbone = lpips.load_backbone(lpips.NETWORKS[network], files[network], "cpu")
    monkeypatch.setattr(theirs, "_get_tv_model_features", lambda *_: backbone)
    a, b = images()
    expected = theirs.learned_perceptual_image_patch_similarity(
        a, b, net_type=network, reduction="none"
    )
    values = distances[network](a, b)
    assert values.shape == (3,) and values.dtype == torch.float32
    # The maps are the same operations. Scaling, the sum of at most 512 channels and the mean of at
    # most 3,072 pixels are not: in float32 sqrt(512 * 3072) * 2^-24 is 8e-5.
    torch.testing.assert_close(values, expected, rtol=1e-4, atol=1e-6)
    assert values[0] < values[1] and values[1] > 0.05 and values[2] == 0


def test_by_hand_on_one_layer(distances) -> None:
    """Eq. 1 at the first layer: features of length 1 at each pixel, w, mean over pixels."""
    distance = LPIPSDistance("alex")
    distance.maps, distance.linear = lambda x: [x], [torch.tensor([2.0, 3.0]).view(-1, 1, 1)]
    a = torch.tensor([[3.0, 0.0], [4.0, 1.0]]).view(1, 2, 1, 2)  # pixels (3, 4) and (0, 1)
    b = torch.tensor([[1.0, 0.0], [0.0, 5.0]]).view(1, 2, 1, 2)  # pixels (1, 0) and (0, 5)
    first = 2 * (0.6 - 1) ** 2 + 3 * 0.8**2
    assert distance(a, b).item() == pytest.approx((first + 0) / 2, rel=1e-5)


def test_the_linear_weights_are_the_published_ones() -> None:
    shapes = {"alex": [64, 192, 384, 256, 256], "vgg": [64, 128, 256, 512, 512]}
    for network, channels in shapes.items():
        weights = lpips.linear_weights(network)
        assert [tuple(w.shape) for w in weights] == [(c, 1, 1) for c in channels]
        assert all((w >= 0).all() and w.max() > 0 for w in weights)


def test_torchmetrics_without_the_weights_is_named(tmp_path, monkeypatch) -> None:
    class Spec:
        submodule_search_locations = (str(tmp_path),)

    monkeypatch.setattr(lpips, "find_spec", lambda name: Spec)
    with pytest.raises(
        SettingError, match=r"torchmetrics: found .* expected .*lpips_models/alex\.pth"
    ):
        lpips.linear_weights("alex")


def test_an_image_counts_alone(distances) -> None:
    a, b = images()
    alone = torch.cat([distances["alex"](x[None], y[None]) for x, y in zip(a, b, strict=True)])
    torch.testing.assert_close(distances["alex"](a, b), alone)


def test_the_loss_is_the_mean_with_gradients_to_the_made_image_alone(files, distances) -> None:
    term = LPIPS(5.0, "alex", files["alex"])
    term.prepare("cpu")
    y_hat, y = (v.clone().requires_grad_(True) for v in images())
    loss = term(y_hat, y)
    assert term.weight == 5.0 and loss.shape == () and loss.dtype == torch.float32
    torch.testing.assert_close(loss, distances["alex"](y_hat, y).mean())
    loss.backward()
    assert torch.isfinite(y_hat.grad).all() and y_hat.grad[1].abs().sum() > 0
    assert y.grad is None
    frozen = [*term.distance.maps.network.parameters(), *term.distance.linear]
    assert len(frozen) == 15 and not any(p.requires_grad for p in frozen)
    assert not isinstance(term, torch.nn.Module)


def test_flat_images_have_finite_gradients(distances) -> None:
    """A pixel whose features are all 0 has no direction."""
    distance = LPIPSDistance("alex")
    distance.maps, distance.linear = lambda x: [x], [torch.ones(2, 1, 1)]
    a = torch.zeros(1, 2, 2, 2, requires_grad=True)
    distance(a, torch.ones(1, 2, 2, 2)).sum().backward()
    assert torch.isfinite(a.grad).all()


def test_autocast_changes_nothing(distances) -> None:
    a, b = images()
    expected = distances["alex"](a, b)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(distances["alex"](a, b), expected)


def test_images_of_two_shapes_and_a_call_before_prepare_are_refused(distances) -> None:
    with pytest.raises(ValueError, match=r"shapes differ: \(3, 1, 48, 64\) and \(3, 3, 48, 64\)"):
        distances["alex"](images(1)[0], images(3)[0])
    with pytest.raises(RuntimeError, match="prepare"):
        LPIPSDistance()(*images())


def test_errors_name_who_asked(tmp_path) -> None:
    with pytest.raises(SettingError, match=r"reconstruction\.lpips\.network: found 'squeeze'"):
        LPIPS(network="squeeze")
    with pytest.raises(SettingError, match=r"reconstruction\.lpips\.weight=-1: found a negative"):
        LPIPS(-1)
    asker = Asker("metrics.lpips", "metrics.lpips.weights_file", "leave lpips out of metrics=")
    file = tmp_path / "nowhere.pth"
    with pytest.raises(
        SettingError, match=rf"metrics\.lpips\.weights_file='{file}': found no"
    ) as caught:
        LPIPSDistance("alex", str(file), asker).prepare("cpu")
    assert "or leave lpips out of metrics=." in str(caught.value)
