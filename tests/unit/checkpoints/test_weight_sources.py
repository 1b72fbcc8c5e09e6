"""``init_from=`` of files with one generator: what they are, and what they lack."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from field_networks import FieldPatchGAN, FieldResNet, FieldUNet, randomised
from i2i.checkpoints.starting_weights import start_from
from i2i.errors import SettingError
from i2i.generators.unet import UNetGenerator
from i2i.imported.network import recognised
from i2i.imported.state_file import read_state

State = dict[str, Tensor]
NONE: dict[str, Any] = {"input": None, "target": None}


class Player:
    networks = ("generator", "discriminator")


class Way:
    def __init__(self, network: nn.Module) -> None:
        self.network = network


class System(nn.Module):
    """As much of a system as starting needs."""

    players = (Player(),)
    routes = ("AtoB",)
    ema = None
    config: dict[str, Any] = {"dataset": {"input_channels": 3, "target_channels": 3}}  # noqa: RUF012

    def __init__(self) -> None:
        super().__init__()
        self.generator = UNetGenerator(3, 3, 2, n_downs=5)
        self.discriminator = nn.Conv2d(6, 1, 3)

    def translator(self, route: str) -> Way:
        return Way(self.generator)


def ours(seed: int = 0) -> State:
    torch.manual_seed(seed)
    return {k: v.clone() for k, v in System().generator.state_dict().items()}


def tensors(change: Callable[[State], State]) -> Callable[[Path], Path]:
    def made(folder: Path) -> Path:
        save_file(change(ours()), folder / "net.safetensors")
        return folder / "net.safetensors"

    return made


def pth(make: Callable[..., nn.Module], *options: Any) -> Callable[[Path], Path]:
    def made(folder: Path) -> Path:
        torch.save(randomised(make, *options, base=2).state_dict(), folder / "net.pth")
        return folder / "net.pth"

    return made


def content(data: bytes, name: str) -> Callable[[Path], Path]:
    def made(folder: Path) -> Path:
        (folder / name).write_bytes(data)
        return folder / name

    return made


def half(state: State) -> State:
    return dict([*state.items()][: len(state) // 2])


def cut(folder: Path) -> Path:
    file = tensors(dict)(folder)
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    return file


def folder_of_theirs(folder: Path) -> Path:
    return pth(FieldUNet, "batch", 5)(folder).parent


REFUSED: dict[str, tuple[Callable[[Path], Path], str]] = {
    "nothing": (
        lambda folder: folder / "none.pth",
        "found nothing there; expected a run folder, a .ckpt file, or a generator alone",
    ),
    "a_folder_of_files": (folder_of_theirs, r"found a folder; .*one of its files: net\.pth\."),
    "an_empty_folder": (lambda folder: folder, "found a folder without checkpoints"),
    "a_text": (content(b"hello", "a.pth"), "found a text file; expected the state dict"),
    "a_text_of_tensors": (content(b"hello", "a.safetensors"), "found a text file; expected weigh"),
    "a_cut_file": (cut, "found a file that was cut short; expected weights of one network"),
    "a_judge": (pth(FieldPatchGAN, "batch"), r"expected a generator\. Give the generator's file"),
    "another_network": (
        pth(FieldResNet, "instance", 6),
        "found another generator: .* Choose the network of the file",
    ),
    "half": (
        tensors(half),
        r"found a part of a generator: 23 of its 46 weights, without \S+; expected all weights",
    ),
    "whole_numbers": (
        tensors(lambda state: {k: v.to(torch.int8) for k, v in state.items()}),
        r"found a weight \S+ of int8; expected floating-point numbers",
    ),
    "no_numbers": (
        tensors(lambda state: {k: v * torch.nan if v.ndim == 4 else v for k, v in state.items()}),
        r"found a weight \S+ that is NaN or infinite",
    ),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_no_generator_starts_from_is_named(kind: str, tmp_path: Path) -> None:
    make, words = REFUSED[kind]
    file = make(tmp_path)
    with pytest.raises(SettingError, match=words) as error:
        start_from(System(), str(file), "all", NONE)
    assert str(error.value).startswith(f"init_from={file}")
    assert "init_players" not in str(error.value)  # there is no other player in such a file


SAVERS: dict[str, Callable[[State, Path], None]] = {
    "safetensors": lambda state, folder: save_file(state, folder / "net.safetensors"),
    "pth": lambda state, folder: torch.save(state, folder / "net.pth"),
}


@pytest.mark.parametrize("saver", SAVERS)
@pytest.mark.parametrize("names", ["ours", "theirs"])
def test_either_names_are_taken_from_either_file(names: str, saver: str, tmp_path: Path) -> None:
    field = dict(randomised(FieldUNet, "batch", 5, base=2).state_dict())
    expected = recognised(field, "x").weights if names == "theirs" else ours(seed=3)
    SAVERS[saver](field if names == "theirs" else expected, tmp_path)
    (file,) = tmp_path.iterdir()
    system = System()
    start_from(system, str(file), "all", NONE)
    taken = system.generator.state_dict()
    assert taken.keys() == expected.keys()
    assert all(torch.equal(value, expected[name]) for name, value in taken.items())
    assert read_state(file, "file=x").keys() == (field if names == "theirs" else expected).keys()


def test_a_network_of_ones_own_may_have_names_that_look_like_theirs(tmp_path: Path) -> None:
    class Mine(System):
        def __init__(self) -> None:
            super().__init__()
            self.generator = nn.Sequential()
            self.generator.model = nn.Sequential(nn.Conv2d(3, 3, 3), nn.Conv2d(3, 3, 3))

    source, system = Mine(), Mine()
    save_file(source.generator.state_dict(), tmp_path / "net.safetensors")
    start_from(system, str(tmp_path / "net.safetensors"), "all", NONE)
    name = "model.0.weight"
    assert torch.equal(system.generator.state_dict()[name], source.generator.state_dict()[name])


def test_whole_numbers_are_taken_where_the_network_has_them(tmp_path: Path) -> None:
    class Mine(System):
        def __init__(self, places: int) -> None:
            super().__init__()
            self.generator.register_buffer("places", torch.tensor([places]))

    system = Mine(1)
    save_file(Mine(7).generator.state_dict(), tmp_path / "net.safetensors")
    start_from(system, str(tmp_path / "net.safetensors"), "all", NONE)
    assert system.generator.places.tolist() == [7]


def test_a_counter_of_another_type_is_taken(tmp_path: Path) -> None:
    file = tensors(lambda state: {k: v.float() for k, v in state.items()})(tmp_path)
    system = System()
    start_from(system, str(file), "all", NONE)
    assert all(torch.equal(v, ours()[k]) for k, v in system.generator.state_dict().items())
