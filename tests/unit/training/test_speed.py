"""How a step is computed changes it by rounding only."""

from functools import partial
from typing import Any

import pytest
import torch

from i2i.errors import SettingError
from i2i.generators.unet import UNetGenerator
from i2i.losses.gan import WassersteinGP
from i2i.training.speed import Speed, make_optimizer, settle
from unit.training.test_adversarial import ADAM, SGD, Pairs, fit, make_model

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ({"channels_last": "yes"}, "speed.channels_last=yes"),
        ({"fused": 1}, "speed.fused=1"),
        ({"compile": "auto"}, "speed.compile=auto"),
        ({"compile": True, "checkpoint_activations": True}, "found speed.compile=true beside it"),
        ({"cuda_graphs": True}, "found speed.compile=false beside it; expected compiled networks"),
    ],
)
def test_what_is_no_choice_is_refused(options: dict[str, Any], found: str) -> None:
    with pytest.raises(SettingError, match=found):
        Speed(**options)


def test_what_auto_means() -> None:
    speed = Speed()
    assert not speed.wants_channels_last(CPU)
    assert speed.optimizer_options(scaled=False) == {"fused": True}
    assert Speed(fused=True).optimizer_options(scaled=True) == {}
    assert Speed(fused=False).optimizer_options(scaled=False) == {}
    assert speed.wants_channels_last(torch.device("cuda", 0))


def test_an_optimizer_without_such_an_option_is_made_without_it() -> None:
    weights = [torch.nn.Parameter(torch.zeros(2))]
    assert make_optimizer(ADAM, weights, {"fused": True}).defaults["fused"] is True
    assert make_optimizer(partial(ADAM, foreach=True), weights, {"fused": True}).defaults["foreach"]
    rprop = make_optimizer(torch.optim.Rprop, weights, {"fused": True})
    assert type(rprop) is torch.optim.Rprop
    with pytest.raises(ValueError):
        make_optimizer(partial(torch.optim.Adam, lr=-1.0), weights, {"fused": True})


def trained(speed: Speed, **options: Any) -> dict[str, torch.Tensor]:
    model = make_model("batch", speed=speed, **({"optimizer_g": SGD, "optimizer_d": SGD} | options))
    fit(model, Pairs(4, batch_size=2), max_steps=2)
    return {name: value.detach().clone() for name, value in model.state_dict().items()}


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize(
    "speed",
    [
        Speed(channels_last=True),
        Speed(fused=True),
        Speed(channels_last=True, fused=True, checkpoint_activations=True),
    ],
    ids=str,
)
def test_two_steps_are_the_same_but_for_rounding(speed: Speed) -> None:
    """With SGD, whose step is as large as the gradient: Adam turns rounding into whole steps."""
    plain, fast = trained(Speed(channels_last=False, fused=False)), trained(speed)
    moved = make_model("batch").state_dict()
    for name, value in plain.items():
        torch.testing.assert_close(fast[name], value, rtol=1e-9, atol=1e-11)
    assert any((plain[n] - moved[n]).abs().max() > 1e-3 for n in plain if "weight" in n)


def test_channels_last_reaches_weights_images_and_gradients() -> None:
    seen = []

    def generate(self: Any, batch: dict[str, Any]) -> dict[str, torch.Tensor]:
        x, weight = batch["input"], next(p for p in self.generator.parameters() if p.dim() == 4)
        seen.append(all(t.is_contiguous(memory_format=torch.channels_last) for t in (x, weight)))
        return {"y_hat": self.run(self.generator, x)}

    def gradients(self: Any, optimizer: Any) -> None:
        weights = [p for group in optimizer.param_groups for p in group["params"] if p.dim() == 4]
        seen.append(all(p.grad.stride() == p.stride() for p in weights) and len(weights) > 1)

    model = make_model(speed=Speed(channels_last=True))
    model.generate = generate.__get__(model)
    model.on_before_optimizer_step = gradients.__get__(model)
    fit(model, Pairs(2, batch_size=2), max_steps=1)
    assert seen == [True, True, True]


def test_averages_from_a_checkpoint_are_laid_out_as_the_weights() -> None:
    weight = torch.nn.Parameter(torch.rand(4, 3, 3, 3).to(memory_format=torch.channels_last))
    optimizer = ADAM([weight])
    weight.grad = torch.rand_like(weight)
    optimizer.step()
    average = optimizer.state[weight]["exp_avg"]
    optimizer.state[weight]["exp_avg"] = average.contiguous()
    assert optimizer.state[weight]["exp_avg"].stride() != weight.stride()
    settle(optimizer)
    assert optimizer.state[weight]["exp_avg"].stride() == weight.stride()
    assert torch.equal(optimizer.state[weight]["exp_avg"], average)


@pytest.mark.parametrize(("saved", "asked"), [(None, True), (True, None)])
def test_a_resumed_optimizer_takes_the_kernels_that_are_asked_for(saved: Any, asked: Any) -> None:
    weight = torch.nn.Parameter(torch.rand(4))
    first, second = ADAM([weight], fused=saved), ADAM([weight], fused=asked)
    weight.grad = torch.ones(4)
    first.step()
    second.load_state_dict(first.state_dict())
    assert second.param_groups[0]["fused"] is saved  # what torch does by itself
    settle(second)
    assert second.param_groups[0]["fused"] is asked
    second.step()
    assert second.state[weight]["step"] == 2


@pytest.mark.usefixtures("float64")
def test_a_compiled_step_is_the_same_but_for_rounding(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the backend that runs the traced graph as it is: what is tested is how it is wired.

    Generator and discriminator are traced, with the noise of dropout; the gradient penalty goes to
    the network itself, since a second backward through a compiled one is an error.
    """
    compile_plainly, calls = torch.compile, []

    def compiled(network: torch.nn.Module, *, options: dict[str, Any]) -> Any:
        assert options == {"fallback_random": True}
        forward = compile_plainly(network, backend="aot_eager")

        def counted(*inputs: torch.Tensor) -> Any:
            calls.append(type(network).__name__)
            return forward(*inputs)

        return counted

    monkeypatch.setattr(torch, "compile", compiled)

    def system(speed: Speed) -> Any:
        torch.manual_seed(0)
        unet = UNetGenerator(3, 3, 4, n_downs=5)
        options = {"gan_loss": WassersteinGP(), "optimizer_g": SGD, "speed": speed}
        return make_model("instance", generator=unet, **options)

    model, plain = system(Speed(compile=True)), system(Speed())
    fit(model, Pairs(2, batch_size=2), max_steps=1)
    fit(plain, Pairs(2, batch_size=2), max_steps=1)
    assert calls == ["UNetGenerator", *["PatchDiscriminator"] * 3]
    assert model.forwards == {}  # let go of
    assert model.state_dict().keys() == plain.state_dict().keys()
    for name, value in plain.state_dict().items():
        torch.testing.assert_close(model.state_dict()[name], value, rtol=1e-9, atol=1e-11)
