"""PyTorch's own formats, TorchScript and pt2, of networks that nobody trained."""

from pathlib import Path

import numpy as np
import pytest
import torch

from i2i.data.tasks.task import Task
from i2i.images.quantise import to_uint8
from i2i.inference.translator import Translator
from i2i.sharing import exported_program, torchscript_file
from i2i.sharing.portable import Portable
from small_generators import as_input, generator

pytestmark = pytest.mark.numeric
WRITERS = {"torchscript": torchscript_file, "pt2": exported_program}


@pytest.mark.parametrize("form", WRITERS)
@pytest.mark.parametrize("name", ["unet128-paper", "spade-eval", "resnet9_blur-eval"])
def test_torch_s_own_formats_make_the_pictures(
    name: str, form: str, earth: np.ndarray, tmp_path: Path
) -> None:
    preset, _, mode = name.partition("-")
    translator = Translator(generator(preset), Task(), "input", mode, 5)
    portable, file = Portable(translator, 3, pixels=True), tmp_path / f"model.{form}"
    WRITERS[form].write(portable, file, {"route": "AtoB"})
    run, d = WRITERS[form].opened(file), max(portable.divisor * portable.least, 64)
    for pictures, names in ((earth[:1, :d, :d], ["a"]), (earth[:5, : 2 * d, :d], list("abcde"))):
        made = run(portable.feed(torch.from_numpy(pictures), names)).numpy()
        expected = to_uint8(translator(as_input(pictures), names)).permute(0, 2, 3, 1).numpy()
        assert made.dtype == np.uint8 and made.shape == expected.shape
        assert np.abs(made.astype(int) - expected).max() <= 1
