"""Facts about the U-Net and its variants."""

import pytest
import torch
from torch import nn

from i2i.errors import SettingError
from i2i.generators.unet import UNetGenerator


def count(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def test_parameter_count_of_the_paper() -> None:
    with torch.device("meta"):
        assert count(UNetGenerator(3, 3)) == 54_413_955


def test_layers_of_the_reference() -> None:
    """Skips double the decoder's inputs; dropout in three layers; no norm at the bottleneck."""
    with torch.device("meta"):
        unet = UNetGenerator(3, 3)
    widths = [(up.conv.in_channels, up.conv.out_channels) for up in unet.ups]
    assert widths == [(512, 512), *[(1024, 512)] * 3, (1024, 256), (512, 128), (256, 64)]
    assert [isinstance(up.dropout, nn.Dropout) for up in unet.ups] == [
        *[True] * 3,  # CD512-CD512-CD512-C512-C256-C128-C64 (App. 6.1.1)
        *[False] * 4,
    ]
    assert isinstance(unet.downs[0].norm, nn.Identity)
    assert isinstance(unet.downs[-1].norm, nn.Identity)


def outputs_with_the_bottleneck_cut(skips: bool, upsample: str) -> list[torch.Tensor]:
    """Of a dark and a bright image, when the innermost encoder layer hands on zeros."""
    torch.manual_seed(0)
    unet = UNetGenerator(3, 3, base_channels=4, n_downs=5, skips=skips, upsample=upsample).eval()
    images = [torch.full((1, 3, 32, 32), value) for value in (-1.0, 1.0)]
    with torch.no_grad():
        assert not torch.equal(unet(images[0]), unet(images[1]))
        for weight in unet.downs[-1].parameters():
            weight.zero_()
        return [unet(image) for image in images]


@pytest.mark.parametrize("upsample", ["transposed", "nearest"])
def test_skip_connections_reach_the_output(upsample: str) -> None:
    dark, bright = outputs_with_the_bottleneck_cut(True, upsample)
    assert not torch.equal(dark, bright)


@pytest.mark.parametrize("upsample", ["transposed", "nearest"])
def test_encoder_decoder_has_no_way_around_the_bottleneck(upsample: str) -> None:
    dark, bright = outputs_with_the_bottleneck_cut(False, upsample)
    assert torch.equal(dark, bright)


def test_encoder_decoder_has_the_same_layers() -> None:
    """Isola et al. 2017, App. 6.1.1: CD512-CD512-CD512-C512-C256-C128-C64, and the output."""
    with torch.device("meta"):
        unet, plain = UNetGenerator(3, 3), UNetGenerator(3, 3, skips=False)
    widths = [(up.conv.in_channels, up.conv.out_channels) for up in plain.ups]
    assert widths == [*[(512, 512)] * 4, (512, 256), (256, 128), (128, 64)]
    assert [type(m) for m in plain.modules()] == [type(m) for m in unet.modules()]
    # What concatenation adds: 4 x 4 kernels from 512, 512, 512, 512, 256, 128 and 64 more channels.
    added = 512 * 512 * 3 + 512 * 256 + 256 * 128 + 128 * 64 + 64 * 3
    assert count(unet) - count(plain) == 16 * added


def test_upsampling_variant_has_no_transposed_convolution() -> None:
    kinds = [type(m) for m in UNetGenerator(3, 3, 2, n_downs=7, upsample="nearest").modules()]
    assert nn.ConvTranspose2d not in kinds
    assert kinds.count(nn.Upsample) == 7
    assert kinds.count(nn.Conv2d) == 14
    kinds = [type(m) for m in UNetGenerator(3, 3, 2, n_downs=7).modules()]
    assert kinds.count(nn.ConvTranspose2d) == 7


@pytest.mark.usefixtures("float64")
def test_upsampling_repeats_each_pixel_before_a_3_x_3_convolution() -> None:
    up = UNetGenerator(3, 3, 2, n_downs=2, upsample="nearest").out[1]
    x = torch.rand(1, 4, 3, 5, generator=torch.Generator().manual_seed(0))
    repeated = x.repeat_interleave(2, dim=-2).repeat_interleave(2, dim=-1)
    expected = nn.functional.conv2d(repeated, up[1].weight, up[1].bias, padding=1)
    assert up[1].weight.shape == (3, 4, 3, 3)
    assert torch.allclose(up(x), expected, rtol=0, atol=1e-12)


def test_flat_images_leave_no_checkerboard_in_the_upsampling_variant() -> None:
    """Inside the borders; a transposed convolution with the same start does leave one."""
    flat = torch.full((1, 4, 8, 8), 0.5)

    def unevenness(upsample: str) -> float:
        torch.manual_seed(0)
        return UNetGenerator(3, 3, 2, n_downs=2, upsample=upsample).out(flat)[
            ..., 2:-2, 2:-2
        ].std(dim=(-2, -1)).max().item()  # fmt: skip

    assert unevenness("nearest") < 1e-6
    assert unevenness("transposed") > 1e-3


def test_initial_weights_are_normal_with_std_0_02() -> None:
    torch.manual_seed(0)
    weight = UNetGenerator(3, 3, n_downs=5).downs[4].conv.weight.detach()
    assert weight.mean().abs() < 1e-4
    assert weight.std() == pytest.approx(0.02, rel=0.01)


def test_unknown_upsampling_is_refused_by_name() -> None:
    with pytest.raises(SettingError) as caught:
        UNetGenerator(3, 3, base_channels=2, upsample="bilinear")
    assert str(caught.value) == (
        "generator.upsample=bilinear: found 'bilinear'; expected transposed or nearest. Name one."
    )


def test_a_single_level_is_refused() -> None:
    with pytest.raises(SettingError, match=r"generator\.n_downs=1: found 1; expected at least 2"):
        UNetGenerator(3, 3, n_downs=1)


def test_wrong_sizes_are_refused_with_the_depth_to_change() -> None:
    with pytest.raises(SettingError, match=r"found 48 x 64 pixels.*generator\.n_downs"):
        UNetGenerator(3, 3, base_channels=2, n_downs=5)(torch.zeros(1, 3, 48, 64))


def test_a_code_costs_planes_at_each_level_or_at_the_input() -> None:
    """Zhu et al. 2017b: 8 more inputs of 4 x 4 kernels, at 64, 128, 256 and five times 512 maps."""
    with torch.device("meta"):
        plain, everywhere, at_input = (
            count(UNetGenerator(3, 3, latent=n, latent_at=at))
            for n, at in ((0, "all"), (8, "all"), (8, "input"))
        )
    assert at_input - plain == 8 * 16 * 64
    assert everywhere - plain == 8 * 16 * (64 + 128 + 256 + 5 * 512)


def test_without_a_code_names_and_weights_are_as_they_were() -> None:
    networks = []
    for latent in (0, 4):
        torch.manual_seed(0)
        networks.append(UNetGenerator(3, 3, 2, n_downs=3, latent=latent))
    names = [list(network.state_dict()) for network in networks]
    assert names[0] == names[1]
    assert networks[0].downs[0].conv.weight.shape == (2, 3, 4, 4)


def levels_with_the_code(latent_at: str) -> list[list[float]]:
    """What stands in the last two channels that each encoder layer's convolution is given."""
    unet = UNetGenerator(3, 3, 2, n_downs=3, norm="none", dropout=0, latent=2, latent_at=latent_at)
    seen = []
    for down in unet.downs:
        down.conv.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    with torch.no_grad():
        unet(torch.zeros(1, 3, 16, 16), torch.tensor([[0.25, -4.0]]))
    assert all(maps.std((2, 3))[:, -2:].eq(0).all() for maps in seen[:1])
    return [maps[0, -2:, 0, 0].tolist() for maps in seen]


def test_the_code_stands_beside_the_maps_of_all_levels_or_the_input_alone() -> None:
    code = [0.25, -4.0]
    assert levels_with_the_code("all") == [code] * 3
    at_input = levels_with_the_code("input")
    assert at_input[0] == code and code not in at_input[1:]


def test_each_sample_has_its_own_code() -> None:
    torch.manual_seed(0)
    unet = UNetGenerator(3, 3, 2, n_downs=3, norm="none", dropout=0, latent=2)
    x, z = torch.rand(2, 3, 16, 16), torch.randn(2, 2)
    with torch.no_grad():
        both = unet(x, z)
        torch.testing.assert_close(both[1:], unet(x[1:], z[1:]), rtol=1e-5, atol=1e-7)
        assert not torch.allclose(both[1:], unet(x[1:], z[:1]), rtol=1e-3)


@pytest.mark.parametrize(
    ("latent", "given", "words"),
    [
        (8, None, "generator.latent=8: found a system that gives it no code; expected codes of 8"),
        (8, 3, "generator.latent=8: found codes of 3 numbers; expected codes of 8"),
        (0, 3, "generator.latent=0: found codes of 3 numbers; expected none"),
    ],
)
def test_another_code_than_asked_for_is_refused(latent: int, given: int | None, words: str) -> None:
    unet = UNetGenerator(3, 3, base_channels=2, n_downs=2, latent=latent)
    z = None if given is None else torch.zeros(1, given)
    with pytest.raises(SettingError) as caught:
        unet(torch.zeros(1, 3, 16, 16), z)
    assert str(caught.value).startswith(words)


@pytest.mark.parametrize("options", [{"latent": -1}, {"latent": 8, "latent_at": "middle"}])
def test_options_of_the_code_are_checked(options: dict) -> None:
    with pytest.raises(SettingError, match=r"generator\.latent(=-1|_at=middle): found"):
        UNetGenerator(3, 3, base_channels=2, n_downs=2, **options)


def test_taps_are_the_outputs_of_the_encoder() -> None:
    torch.manual_seed(0)
    generator = UNetGenerator(3, 3, 2, n_downs=6, norm="instance", dropout=0.0)
    assert generator.taps == ("input", "down1", "down2", "down3", "down4")
    assert list(generator.layer_channels.values()) == [3, 2, 4, 8, 16, 16, 16]
    x = torch.rand(2, 3, 64, 64)
    names = list(generator.layer_channels)
    maps = generator(x, taps=names)
    h = x
    for name, down, found in zip(names[1:], generator.downs, maps[1:], strict=True):
        h = down(h)
        assert torch.equal(found, h) and found.shape[1] == generator.layer_channels[name]
    assert maps[0] is x
    generator.downs[3].register_forward_hook(pytest.fail)
    assert [m.shape[2] for m in generator(x, taps=["down3", "input"])] == [8, 64]
    assert UNetGenerator(3, 3, 2, n_downs=3).taps == ("input", "down1", "down2")  # no bottleneck


def noisy(**options) -> list[int]:
    """The decoder layers with dropout, counted from the bottleneck."""
    ups = UNetGenerator(3, 3, base_channels=2, **options).ups
    return [i for i, up in enumerate(ups, 1) if isinstance(up.dropout, nn.Dropout)]


def test_dropout_stands_in_the_first_three_layers_or_in_those_asked_for() -> None:
    assert noisy() == noisy(dropout_layers=[1, 2, 3]) == [1, 2, 3]
    assert noisy(n_downs=3) == [1, 2]
    assert noisy(dropout_layers=[2, 3, 4]) == [2, 3, 4]
    assert noisy(dropout_layers=[]) == noisy(dropout_layers=[2], dropout=0.0) == []


@pytest.mark.parametrize("layers", [[0], [8], [1.5], [True]])
def test_a_decoder_layer_that_does_not_exist_is_refused(layers: list) -> None:
    with pytest.raises(SettingError, match=r"generator\.dropout_layers=.*numbers from 1 to 7"):
        noisy(dropout_layers=layers)
