"""ONNX of networks that nobody trained: the pictures of PyTorch, at sizes not exported with."""

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from torch import nn

from i2i.data.tasks.task import Task
from i2i.images.quantise import to_uint8
from i2i.inference.translator import Translator
from i2i.sharing import onnx_file
from i2i.sharing.portable import Portable
from small_generators import GENERATORS, as_input, generator

pytestmark = pytest.mark.numeric


@pytest.mark.parametrize("mode", ["eval", "paper"])
@pytest.mark.parametrize("name", GENERATORS)
def test_onnx_makes_the_pictures_of_every_generator_in_both_modes(
    name: str, mode: str, earth: np.ndarray, tmp_path: Path
) -> None:
    network = generator(name)
    translator = Translator(network, Task(), "input", mode, 5)
    portable, file = Portable(translator, 3), tmp_path / "model.onnx"
    onnx_file.write(portable, file, {"divisor": str(portable.divisor)}, 20)
    onnx.checker.check_model(str(file), full_check=True)
    assert [path.name for path in tmp_path.iterdir()] == ["model.onnx"]
    run, apart, levels = onnx_file.opened(file), 0.0, 0
    d, least = portable.divisor, portable.least
    side = 256 if d > 64 else 64
    cases = [(earth[i : i + 5, :side, :side], [f"{j}" for j in range(i, i + 5)]) for i in (0, 5)]
    cases += [(earth[10:11, :side, : max(d, side // 2)], ["10"])]
    for pictures, names in cases:  # batches of 5 and 1, sizes that were not exported with
        x = as_input(pictures)
        if min(x.shape[-2:]) < d * least:
            x = x.repeat(1, 1, least, least)
        made, expected = run(portable.feed(x, names)), translator(x, names)
        apart = max(apart, float((made - expected).abs().max()))
        levels = max(levels, int((to_uint8(made).int() - to_uint8(expected).int()).abs().max()))
        assert expected.std() > 0.02
    assert apart < 1e-3 and levels <= 1, (apart, levels)
    noisy = any(isinstance(m, nn.Dropout) and m.p > 0 for m in network.modules())
    assert (len(portable.explicit.masks) > 0) == (noisy and mode == "paper")
    if portable.explicit.masks:  # other noise, another picture
        x = as_input(earth[:1, :side, :side])
        one, two = (run(portable.feed(x, [n])) for n in "ab")
        assert (one - two).abs().max() > 1e-2


@pytest.mark.parametrize("opset", [18, 21, 23])
def test_the_opset_is_the_one_asked_for(opset: int, tmp_path: Path) -> None:
    translator = Translator(generator("unet_upsample"), Task(), "input", "paper", 5)
    portable, file = Portable(translator, 3), tmp_path / "model.onnx"
    onnx_file.write(portable, file, {}, opset)
    assert [s.version for s in onnx.load(file).opset_import if s.domain == ""] == [opset]
    x = torch.rand(1, 3, 128, 256) * 2 - 1
    made = onnx_file.opened(file)(portable.feed(x, ["a"]))
    assert (made - translator(x, ["a"])).abs().max() < 1e-3
