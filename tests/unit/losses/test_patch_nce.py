"""PatchNCE against the paper's equations, written out, and the heads before it."""

import numpy as np
import pytest
import torch
from torch import Tensor

from i2i.errors import SettingError
from i2i.losses.patch_nce import PatchHeads, PatchNCE, draw_places, take_places

TOLERANCE = 1e-10


def features(*shape: int, seed: int = 0) -> Tensor:
    random = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=random, dtype=torch.float64)


def by_hand(
    maps: list[np.ndarray], others: list[np.ndarray], places: list[list[int]], heads: list[dict],
    tau: float,
) -> float:  # fmt: skip
    """Eq. 2 and 3 with loops: the mean over taps, samples and places."""

    def direction(vector: np.ndarray, head: dict) -> np.ndarray:
        hidden = np.maximum(head["0.weight"] @ vector + head["0.bias"], 0)
        out = head["2.weight"] @ hidden + head["2.bias"]
        return out / np.sqrt((out * out).sum())

    taps = []
    for y_hat, x, own, head in zip(maps, others, places, heads, strict=True):
        losses = []
        for b in range(len(x)):
            width = x.shape[3]
            at = [(p // width, p % width) for p in own]
            queries = [direction(y_hat[b, :, i, j], head) for i, j in at]
            keys = [direction(x[b, :, i, j], head) for i, j in at]
            for s, v in enumerate(queries):
                up = [np.exp(v @ k / tau) for k in keys]
                losses.append(-np.log(up[s] / (up[s] + sum(up[:s]) + sum(up[s + 1 :]))))
        taps.append(np.mean(losses))
    return float(np.mean(taps))


@pytest.mark.numeric
@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("batch", [1, 3])
def test_value_and_gradients_are_those_of_the_equations(batch: int) -> None:
    torch.manual_seed(0)
    heads = PatchHeads([3, 4], width=5).double()
    for parameter in heads.parameters():
        torch.nn.init.normal_(parameter)
    x = [features(batch, 3, 4, 5), features(batch, 4, 2, 3, seed=1)]
    y_hat = [features(batch, 3, 4, 5, seed=2), features(batch, 4, 2, 3, seed=3)]
    places = [torch.tensor([7, 0, 19, 4]), torch.tensor([5, 2, 0])]
    nce = PatchNCE(0.3)

    def found(*leaves: Tensor) -> Tensor:
        keys = heads(*take_places(x, places))
        return nce(heads(*take_places(leaves, places)), keys)

    weights = [{n: p.detach().numpy() for n, p in h.named_parameters()} for h in heads.heads]

    def expected(maps: list[Tensor]) -> float:
        arrays = [[m.numpy() for m in side] for side in (maps, x)]
        return by_hand(*arrays, [p.tolist() for p in places], weights, 0.3)

    leaves = [m.clone().requires_grad_(True) for m in y_hat]
    loss = found(*leaves)
    assert loss.item() == pytest.approx(expected(y_hat), rel=TOLERANCE)
    gradients = torch.autograd.grad(loss, leaves)
    # By the derivative of Eq. 2 itself: softmax minus one, through the heads of the queries alone.
    pieces = []
    for tap, own in enumerate(places):
        head = heads.heads[tap]
        sides = []
        for maps in (leaves, x):
            flat = maps[tap].flatten(2)[:, :, own].transpose(1, 2)
            sides.append(head(flat) / head(flat).square().sum(-1, keepdim=True).sqrt())
        queries, keys = sides[0], sides[1].detach()
        share = torch.softmax(queries @ keys.transpose(1, 2) / 0.3, -1) - torch.eye(len(own))
        slope = (share @ keys / 0.3 / (2 * batch * len(own))).detach()
        pieces.append((slope * queries).sum())
    analytic = torch.autograd.grad(sum(pieces), leaves)
    for a, b in zip(gradients, analytic, strict=True):
        assert torch.allclose(a, b, rtol=TOLERANCE, atol=1e-14) and a.abs().max() > 1e-4


@pytest.mark.usefixtures("float64")
def test_no_gradient_goes_to_the_keys() -> None:
    queries, keys = (features(2, 4, 3, seed=s).requires_grad_(True) for s in (0, 1))
    PatchNCE()([queries], [keys]).backward()
    assert keys.grad is None and queries.grad.abs().max() > 0


def test_other_images_are_no_negatives() -> None:
    """Each sample's loss is what it is by itself."""
    q, k = features(2, 6, 4), features(2, 6, 4, seed=1)
    both = PatchNCE()([q], [k])
    alone = [PatchNCE()([q[i : i + 1]], [k[i : i + 1]]) for i in range(2)]
    assert both.item() == pytest.approx(sum(a.item() for a in alone) / 2, rel=1e-6)


def test_the_loss_is_float32_under_autocast() -> None:
    """The products are not rounded to bfloat16: a temperature of 0.07 makes much of little."""
    heads = PatchHeads([3], 8)
    maps = [features(1, 3, 4, 4).float()]
    places = draw_places(maps, 16)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = heads(*take_places(maps, places))
        loss = PatchNCE()(found, found)
    assert found[0].dtype == loss.dtype == torch.float32
    assert loss.item() == pytest.approx(PatchNCE()(found, found).item(), rel=1e-6)


def test_directions_have_length_one_and_places_are_drawn_once() -> None:
    torch.manual_seed(0)
    maps = [torch.rand(2, 3, 20, 20), torch.rand(2, 4, 3, 5)]
    places = draw_places(maps, 256)
    assert [len(p) for p in places] == [256, 15]
    assert all(len(set(p.tolist())) == len(p) for p in places)
    assert not torch.equal(places[0], draw_places(maps, 256)[0])
    taken = take_places(maps, places)
    assert [t.shape for t in taken] == [(2, 256, 3), (2, 15, 4)]
    spot = places[1][3].item()
    assert torch.equal(taken[1][1, 3], maps[1][1, :, spot // 5, spot % 5])
    for found in PatchHeads([3, 4], 7)(*taken):
        assert found.shape[2] == 7
        assert torch.allclose(found.norm(dim=-1), torch.ones(found.shape[:2]), atol=1e-5)


def test_heads_have_two_layers_of_256() -> None:
    counts = [sum(p.numel() for p in PatchHeads([c]).parameters()) for c in (3, 128, 256)]
    assert counts == [(c + 1) * 256 + 257 * 256 for c in (3, 128, 256)]
    # RGB, both halving convolutions, two blocks of the paper's generator.
    whole = PatchHeads([3, 128, 256, 256, 256])
    assert sum(p.numel() for p in whole.parameters()) == 560_384


def test_a_patch_without_features_has_a_gradient_of_a_sensible_size() -> None:
    """A dead pixel at the start, where biases are 0; its direction is none, and not NaN."""
    heads = PatchHeads([3])
    queries = torch.zeros(1, 5, 3, requires_grad=True)
    keys = heads(torch.rand(1, 5, 3))
    loss = PatchNCE()(heads(queries), keys)
    loss.backward()
    assert loss.item() == pytest.approx(np.log(5), rel=1e-6)
    assert queries.grad.isfinite().all() and queries.grad.abs().max() < 1e4


@pytest.mark.parametrize("value", [0, -1.0, float("inf"), float("nan")])
def test_a_temperature_of_nothing_is_refused(value: float) -> None:
    with pytest.raises(SettingError, match=r"model.temperature=.*expected a number above 0"):
        PatchNCE(value)
