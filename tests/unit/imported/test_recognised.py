"""What tells a network, what is dropped by name, and what is refused."""

import collections
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from field_networks import FieldPatchGAN, FieldPixel, FieldResNet, FieldUNet, randomised
from i2i.errors import SettingError
from i2i.imported.network import recognised
from i2i.imported.state_file import read_state

State = dict[str, Tensor]


def state(make: Callable[..., nn.Module], *options, **named) -> State:
    return dict(randomised(make, *options, base=2, **named).state_dict())


def saved(folder: Path, content: object, **options) -> Path:
    torch.save(content, folder / "net.pth", **options)
    return folder / "net.pth"


def same(one: State, two: State) -> bool:
    return one.keys() == two.keys() and all(torch.equal(one[n], two[n]) for n in one)


# ---- reading ----


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "as of old torch"])
@pytest.mark.parametrize("prefix", ["", "module.", "_orig_mod.module."])
def test_a_state_dict_of_any_age_is_read_with_its_metadata(
    tmp_path: Path, zipped: bool, prefix: str
) -> None:
    network = randomised(FieldUNet, "batch", 5, 2)
    content = network.state_dict(prefix=prefix)
    assert isinstance(content, collections.OrderedDict) and content._metadata
    file = saved(tmp_path, content, _use_new_zipfile_serialization=zipped)
    assert same(read_state(file, "file=x"), dict(network.state_dict()))


def test_half_precision_and_parameters_become_float32(tmp_path: Path) -> None:
    content = {"a.weight": nn.Parameter(torch.ones(2).half()), "a.num_batches_tracked": 3}
    content["a.num_batches_tracked"] = torch.tensor(3)
    read = read_state(saved(tmp_path, content), "file=x")
    assert read["a.weight"].dtype == torch.float32 and not read["a.weight"].requires_grad
    assert read["a.num_batches_tracked"].dtype == torch.int64


class Evil:
    def __reduce__(self):
        return (Path.touch, (Path(__file__).with_name("ran"),))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (torch.ones(2), "found one tensor, and no tensors by name; expected the state dict"),
        ({}, "found a state dict without any tensor"),
        (
            {"state_dict": {"a": torch.ones(1)}},
            "found tensors one level down, in the entry 'state_dict'.*Save that entry alone",
        ),
        ({"epoch": 3}, "found an entry 'epoch' that is a number"),
        ([torch.ones(1)], "found a list, and no tensors by name"),
        ({"a": torch.tensor([1.0, float("nan")])}, "found a weight a that is NaN or infinite"),
        ({"a": torch.tensor([1, 2])}, "found a weight a of int64; expected floating-point numbers"),
        ({"a": torch.full((2,), 1e300, dtype=torch.float64)}, "found a weight a that is NaN or in"),
        ({"a": torch.eye(2).to_sparse()}, "found a weight a that is sparse"),
        ({"a": torch.ones(2).to(torch.float8_e4m3fn)}, "found a weight a of float8_e4m3fn"),
        ({"a": torch.ones(2, device="meta")}, "found a weight a without values"),
        ({"i2i": {"config": {}}}, "found a checkpoint of i2i itself.*It needs no import"),
        (nn.Linear(2, 2), r"found objects of Python beside tensors \(torch\.nn\..*a whole network"),
        (Evil(), "found objects of Python beside tensors, which would be run"),
    ],
    ids=[
        "tensor",
        "empty",
        "nested",
        "number",
        "list",
        "nan",
        "whole numbers",
        "too large",
        "sparse",
        "float8",
        "meta",
        "ours",
        "module",
        "evil",
    ],
)
def test_other_files_are_refused(tmp_path: Path, content: object, words: str) -> None:
    with pytest.raises(SettingError, match="file=x: " + words):
        read_state(saved(tmp_path, content), "file=x")
    assert not Path(__file__).with_name("ran").exists()


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "as of old torch"])
def test_half_a_file_and_a_program_are_named(tmp_path: Path, zipped: bool) -> None:
    content = state(FieldUNet, "batch", 5)
    file = saved(tmp_path, content, _use_new_zipfile_serialization=zipped)
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    with pytest.raises(SettingError, match="file=x: found a file that was cut short"):
        read_state(file, "file=x")
    torch.jit.script(nn.Linear(2, 2)).save(str(file))
    with pytest.raises(SettingError, match="found a program of TorchScript, and not weights"):
        read_state(file, "file=x")


def test_a_text_a_pickle_and_no_file_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "net.pth"
    with pytest.raises(SettingError, match="found no such file"):
        read_state(file, "file=x")
    with pytest.raises(SettingError, match="found a folder"):
        read_state(tmp_path, "file=x")
    for content, words in (
        (b"<!DOCTYPE html><html></html>", "a web page"), (b"", "an empty file"),
        (b"hello", "a text file"), (pickle.dumps(Evil()), "damaged"),
    ):  # fmt: skip
        file.write_bytes(content)
        with pytest.raises(SettingError, match=f"found .*{words}.*expected the state dict"):
            read_state(file, "file=x")
    with pytest.raises(SettingError, match=r"found a folder; .*Name one of its files: net\.pth\."):
        read_state(tmp_path, "file=x")
    assert not Path(__file__).with_name("ran").exists()


# ---- telling ----


def test_statistics_of_instance_norms_are_dropped_by_name() -> None:
    """Files of before PyTorch 0.4.1 hold them, and nothing ever used them."""
    new = randomised(FieldResNet, "instance", 6, 2)
    norms = [n for n, m in new.named_modules() if isinstance(m, nn.InstanceNorm2d)]
    old = dict(new.state_dict())
    for name in norms:
        channels = old[f"{name.rpartition('.')[0]}.{int(name.rpartition('.')[2]) - 1}.bias"].shape
        old |= {f"{name}.running_mean": torch.ones(channels)}
        old |= {f"{name}.running_var": torch.ones(channels)}
        old |= {f"{name}.num_batches_tracked": torch.tensor(4)}
    network, expected = recognised(old, "x"), recognised(new.state_dict(), "x")
    assert network.norm == "instance"
    assert len(network.dropped) == 3 * len(norms) == 3 * 17
    assert same(network.weights, expected.weights)
    assert network.n_parameters == expected.n_parameters


def test_batch_norms_of_old_files_have_no_counter() -> None:
    old = {n: v for n, v in state(FieldUNet, "batch", 5).items() if "num_batches" not in n}
    assert recognised(old, "x").weights["ups.0.norm.num_batches_tracked"] == 0


def test_norms_without_statistics_have_to_be_named() -> None:
    old = {n: v for n, v in state(FieldUNet, "batch", 5).items() if "running" not in n}
    with pytest.raises(SettingError, match=r"without running stat.*norm=batch.*norm=instance"):
        recognised(old, "file=x")
    network = recognised(old, "x", "batch")
    assert network.norm == "batch" and not network.weights["ups.0.norm.running_mean"].any()
    with pytest.raises(SettingError, match=r"7 too many, such as .*num_batches_tracked"):
        recognised(old, "x", "instance_affine")
    old = {n: v for n, v in old.items() if "num_batches" not in n}
    affine = recognised(old, "x", "instance_affine")
    assert affine.norm == "instance_affine" and "ups.0.norm.running_mean" not in affine.weights


def test_a_norm_that_contradicts_the_tensors_is_refused() -> None:
    with pytest.raises(
        SettingError,
        match="norm=batch: found instance norm, by the tensors of x; expected norm=instance",
    ):
        recognised(state(FieldResNet, "instance", 6), "x", "batch")


STYLEGAN = {"synthesis.b4.const": torch.ones(8, 4, 4), "mapping.fc0.weight": torch.ones(8, 8)}


def without(content: State, *names: str) -> State:
    return {name: value for name, value in content.items() if name not in names}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (STYLEGAN, r"found 2 tensors of another network \(synthesis\.b4\.const \(8, 4, 4\)"),
        (
            without(state(FieldUNet, "batch", 5), "model.model.3.bias"),
            r"found another network \(1 tensor missing, such as model\.model\.3\.bias\); expected "
            "exactly the tensors of a U-Net generator of 5 halvings, 2 channels, 3 -> 3, batch nor",
        ),
        (
            without(state(FieldUNet, "batch", 5), "model.model.0.weight"),
            r"found a U-Net generator without the tensor model\.model\.0\.weight",
        ),
        (
            state(FieldResNet, "instance", 6) | {"model.99.weight": torch.ones(1)},
            r"1 too many, such as model\.99\.weight",
        ),
        (
            state(FieldResNet, "instance", 6) | {"model.4.bias": torch.ones(9)},
            r"1 of another shape: model\.4\.bias is \(9,\) and not \(4,\)",
        ),
        (
            state(FieldResNet, "instance", 6) | {"model.1.weight": torch.ones(())},
            "found 36 tensors of another network",
        ),
        (
            without(state(FieldPatchGAN, "batch"), "model.5.weight"),
            "expected exactly the tensors of a PatchGAN discriminator",
        ),
        (
            without(state(FieldUNet, "batch", 5), "model.model.1.model.2.running_mean"),
            r"1 tensor missing, such as model\.model\.1\.model\.2\.running_mean",
        ),
        (without(state(FieldPixel, "batch"), "net.3.bias"), r"missing, such as net\.3\.bias"),
    ],
    ids=["another field's", "missing", "missing first", "surplus", "shape", "scalar", "gap",
         "one statistic", "pixel"],
)  # fmt: skip
def test_tensors_that_differ_are_refused(content: State, words: str) -> None:
    with pytest.raises(SettingError, match="file=x: .*" + words):
        recognised(content, "file=x")


def test_a_resnet_that_enlarges_in_another_way_is_no_resnet_of_theirs() -> None:
    """A fork's 'resnet_9blocks+' has a layer more before each doubling convolution."""
    content = state(FieldResNet, "instance", 6)
    moved = {n.replace("model.16.", "model.18."): v for n, v in content.items()}
    with pytest.raises(SettingError, match=r"2 tensors missing, such as model\.16\.weight; 2 too"):
        recognised(moved, "x")
