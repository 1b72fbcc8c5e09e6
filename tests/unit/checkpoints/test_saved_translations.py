"""What a checkpoint says that it translates with: built, or refused in words, whoever wrote it."""

import copy
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from conftest import Run
from i2i.checkpoints.saved_model import load_model
from i2i.checkpoints.saved_translations import load_translations
from i2i.errors import SettingError
from i2i.files.saving import save_whole

Change = Callable[[dict[str, Any], dict[str, Any]], None]


@pytest.fixture(scope="module")
def content(train_once: Run) -> dict[str, Any]:
    run_dir = train_once("trainer.max_steps=1", "model.ema_decay=0.5", "baselines=false")
    return torch.load(run_dir / "checkpoints" / "last.ckpt", weights_only=True)


@pytest.fixture
def saved(content: dict[str, Any], tmp_path: Path) -> Callable[[Change], Path]:
    """A checkpoint that was tampered with."""

    def save(change: Change) -> Path:
        other = copy.deepcopy(content)
        change(other, other["i2i"]["translates"]["routes"]["AtoB"])
        save_whole(other, tmp_path / "some.ckpt")
        return tmp_path / "some.ckpt"

    return save


def test_the_average_is_loaded_as_the_system_loads_it(saved: Callable[[Change], Path]) -> None:
    file = saved(lambda content, way: None)
    found, checkpoint = load_translations(str(file))
    model, _ = load_model(str(file), {})
    x = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0)) * 2 - 1
    for name, way in found.routes.items():
        assert not way.network.training and not any(
            p.requires_grad for p in way.network.parameters()
        )
        assert torch.equal(way(x, ["a"]), model.translator(name)(x, ["a"]))
    assert checkpoint.step == 1 and found.system == "Pix2Pix"
    assert found.dataset["image_size"] == 64


def test_the_generator_beside_its_average_is_another_one(saved: Callable[[Change], Path]) -> None:
    """A description is followed: what another prefix names is what comes out."""
    x = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0)) * 2 - 1
    average, _ = load_translations(str(saved(lambda content, way: None)))
    plain, _ = load_translations(str(saved(lambda c, way: way.update(weights="generator"))))
    assert not torch.equal(average.asked()(x, ["a"]), plain.asked()(x, ["a"]))


def test_a_checkpoint_from_before_descriptions_says_why_it_takes_longer(
    saved: Callable[[Change], Path], capsys: pytest.CaptureFixture
) -> None:
    file = saved(lambda content, way: content["i2i"].pop("translates"))
    before = torch.get_rng_state()
    for _ in range(2):
        found, _ = load_translations(str(file))
    assert torch.equal(torch.get_rng_state(), before)
    assert [*found.routes] == ["AtoB"]
    line = f"checkpoint={file} is from before checkpoints said what they translate with"
    assert capsys.readouterr().out.count(line) == 1
    later = saved(lambda content, way: content["i2i"].update(translates={"ways": [way]}))
    with pytest.raises(SettingError, match="description of its translations that cannot be read"):
        load_translations(str(later))


def spoil(content: dict[str, Any], way: dict[str, Any]) -> None:
    name = next(name for name in content["state_dict"] if name.startswith("ema.network."))
    content["state_dict"][name].view(-1)[0] = math.nan


def cut(content: dict[str, Any], way: dict[str, Any]) -> None:
    name = next(name for name in content["state_dict"] if name.startswith("ema.network."))
    del content["state_dict"][name]


def as_type(kind: torch.dtype, value: float = 1.0) -> Change:
    def change(content: dict[str, Any], way: dict[str, Any]) -> None:
        weights = content["state_dict"]
        name = next(name for name in weights if name.startswith("ema.network."))
        weights[name] = torch.full(weights[name].shape, value, dtype=torch.float64).to(kind)

    return change


def network(**changes: Any) -> Change:
    def change(content: dict[str, Any], way: dict[str, Any]) -> None:
        content["i2i"]["config"]["model"]["generator"].update(changes)

    return change


def classes(node: Any) -> Change:
    def change(content: dict[str, Any], way: dict[str, Any]) -> None:
        content["i2i"]["config"]["dataset"]["classes"] = node

    return change


CASES: dict[str, tuple[Change, str]] = {
    "another prefix": (lambda c, way: way.update(weights="nothing"), "no weights whose names"),
    "a discriminator": (
        lambda c, way: way.update(weights="discriminator", node="discriminator"), "a generator",
    ),
    "its weights": (lambda c, way: way.update(weights="discriminator"), "another architecture"),
    "no such node": (lambda c, way: way.update(node="g"), "no network in model.g"),
    "an optimizer": (lambda c, way: way.update(node="optimizer_g"), "classes of i2i"),
    "a number": (lambda c, way: way.update(node="lambda_l1"), "no network in model.lambda_l1"),
    "a function": (network(_target_="i2i.seeds.stable_seed"), "classes of i2i"),
    "a command": (network(_target_="os.system"), "classes of i2i"),
    "nested": (network(norm={"_target_": "subprocess.run", "args": "ls"}), "classes of i2i"),
    "computed": (network(norm="${oc.env:HOME}"), "asks to be computed"),
    "a giant": (network(base_channels=10**9), "at most"),
    "other options": (network(unknown=3), "some.ckpt"),
    "a palette": (classes({"_target_": "torch.nn.Linear"}), "classes of i2i"),
    "a text": (classes("os.system"), "dataset.classes"),
    "no direction": (
        lambda c, way: c["i2i"]["config"]["dataset"].pop("direction"), "without dataset.direction",
    ),
    "NaN": (spoil, "weights that are NaN"),
    "whole numbers": (
        as_type(torch.int8), r"a weight \S+\.weight of int8; expected floating-point numbers",
    ),
    "yes and no": (as_type(torch.bool), "of bool"),
    "complex": (as_type(torch.complex64), "of complex64"),
    "compressed": (as_type(torch.float8_e4m3fn), "of float8_e4m3fn"),
    "too large": (as_type(torch.float64, 1e300), "weights that are NaN or infinite"),
    "a weight is gone": (cut, "another architecture"),
    "a long label": (lambda c, way: way.update(label=[0.5] * 100_000), "no list of up to"),
    "a code": (lambda c, way: way.update(latent=3), ""),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_what_was_tampered_with_is_refused_in_words(
    case: str, saved: Callable[[Change], Path]
) -> None:
    change, words = CASES[case]
    file = saved(change)
    with pytest.raises(SettingError, match=words) as told:
        found, _ = load_translations(str(file))
        found.asked()(torch.zeros(1, 3, 64, 64), ["a"])
    assert "Traceback" not in str(told.value) and len(str(told.value)) < 700


@pytest.mark.parametrize("case", ["whole numbers", "compressed", "too large", "a weight is gone"])
def test_what_loads_whole_systems_refuses_such_weights_too(
    case: str, saved: Callable[[Change], Path]
) -> None:
    change, words = CASES[case]
    with pytest.raises(SettingError, match=rf"metrics\.classifier=\S+: found .*{words}"):
        load_model(str(saved(change)), {}, "metrics.classifier")


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float64])
def test_weights_of_another_precision_are_loaded(
    kind: torch.dtype, saved: Callable[[Change], Path]
) -> None:
    found, _ = load_translations(str(saved(as_type(kind, 0.5))))
    first = next(found.asked().network.parameters())
    assert first.dtype == torch.float32 and bool((first == 0.5).all())
