"""Which pictures are made of an image: samples, codes of a file, and walks between two codes."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from i2i.data.tasks.task import Task
from i2i.errors import SettingError
from i2i.inference.samples import Samples, codes_of, require_choice_of, understand_samples
from i2i.inference.translator import Translator

CODED = Translator(nn.Conv2d(3, 3, 1), Task(), "input", "eval", 5, latent=2)


def file_of(tmp_path: Path, content: Any) -> Path:
    file = tmp_path / "z.json"
    file.write_text(content if isinstance(content, str) else json.dumps(content))
    return file


def codes(samples: Samples, name: str = "a", translator: Translator = CODED) -> torch.Tensor:
    return torch.cat([z for _, z in samples.of(translator, name)])


def test_samples_draw_their_codes_from_their_number() -> None:
    """The first is that of samples=1; another number of samples changes none."""
    one, three = understand_samples(1), understand_samples(3)
    assert (one.number, three.number) == (1, 3)
    assert (one.measured, three.measured) == (False, True)
    drawn = codes(three)
    assert torch.equal(drawn[:1], codes(one)) and torch.equal(drawn[:1], CODED.codes(["a"]))
    assert torch.equal(drawn[2:], CODED.codes(["a\x1f2"]))
    assert len({*map(tuple, drawn.tolist())}) == 3
    assert not torch.equal(drawn, codes(three, "b"))
    assert not torch.equal(drawn, codes(three, translator=replace(CODED, seed=6)))
    assert [noise for noise, _ in three.of(CODED, "a")] == ["a", "a\x1f1", "a\x1f2"]
    assert codes_of(three.of(CODED, "a")) == drawn.tolist()


def test_a_model_without_codes_has_noise_alone() -> None:
    plain = replace(CODED, latent=0)
    which = understand_samples(2).of(plain, "a")
    assert which == [("a", None), ("a\x1f1", None)]
    assert codes_of(which) is None


def test_codes_of_a_file_are_those_of_each_image(tmp_path: Path) -> None:
    """One, or one a picture; the noise is that of the first sample, so that codes alone differ."""
    for content, number in (([0.5, -2], 1), ([[0.5, -2]], 1), ([[0.5, -2], [1e-3, 0]], 2)):
        samples = understand_samples(1, str(file_of(tmp_path, content)))
        assert samples.number == number and not samples.measured
        expected = torch.tensor(content, dtype=torch.float32).view(number, 2)
        for name in ("a", "b"):
            assert torch.equal(codes(samples, name), expected)
            assert [noise for noise, _ in samples.of(CODED, name)] == [name] * number


def test_a_walk_goes_straight_from_one_code_to_the_other(tmp_path: Path) -> None:
    first, second = CODED.codes(["a"]), CODED.codes(["a\x1f1"])
    there, drawn = torch.tensor([[0.0, 8]]), understand_samples(1, None, 5)
    one = understand_samples(1, file_of(tmp_path, [0, 8]), 5)
    given = understand_samples(1, file_of(tmp_path, [[0, 8], [4, 0]]), 5)
    for samples, start, end in (
        (drawn, first, second), (one, there, first), (given, there, torch.tensor([[4.0, 0]])),
    ):  # fmt: skip
        assert samples.number == 5 and not samples.measured
        walked = codes(samples)
        assert torch.equal(walked[:1], start) and torch.equal(walked[-1:], end)
        for k, share in enumerate((0, 0.25, 0.5, 0.75, 1)):
            torch.testing.assert_close(walked[k], (1 - share) * start[0] + share * end[0])
        assert [noise for noise, _ in samples.of(CODED, "a")] == ["a"] * 5
    assert codes(given).tolist()[1:3] == [[1, 6], [2, 4]]


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ("{", "no JSON"),
        ("[0.1, ", "no JSON"),
        ("{}", "dict, or an empty list"),
        ("3", "int, or an empty list"),
        ("[]", "list, or an empty list"),
        ("[[]]", "a code that is no list of numbers but list"),
        ("[[1, 2], 3]", "a code that is no list of numbers but int"),
        ("[1, [2]]", r"a code with \[2\], which is no number"),
        ('[1, "2"]', "a code with '2', which is no number"),
        ("[1, true]", "a code with True"),
        ("[1, null]", "a code with None"),
        ("[1, NaN]", "a code with nan"),
        ("[1, -Infinity]", "a code with -inf"),
        (f"[1, 1{'0' * 400}]", "a code with 1000"),
        ("[[1, 2], [3]]", "codes of different lengths"),
        ("[" * 100_000, "no JSON"),
    ],
)
def test_a_damaged_file_of_codes_is_refused(tmp_path: Path, content: str, found: str) -> None:
    file = file_of(tmp_path, content)
    with pytest.raises(SettingError, match=rf"^z={file}: found {found}.*; expected a JSON file"):
        understand_samples(1, str(file))


def test_a_file_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bytes.json").write_bytes(b"\x93NUMPY\x01\x00")
    for name, found in (("none.json", "no such file"), (".", "a folder"), ("bytes.json", "bytes")):
        with pytest.raises(SettingError, match=rf"^z=.*: found {found}"):
            understand_samples(1, str(tmp_path / name))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((0,), "samples=0: found 0; expected a whole number, 1 or more"),
        ((1.5,), "samples=1.5: found 1.5"),
        ((True,), "samples=True: found True"),
        ((1, None, 1), "walk=1: found 1; expected a whole number, 2 or more"),
        ((1, None, "far"), "walk=far: found 'far'"),
        ((8, "z.json"), "samples=8: found z=z.json beside it"),
        ((8, None, 3), "samples=8: found walk=3 beside it"),
    ],
)
def test_numbers_that_mean_nothing_are_refused(options: tuple, words: str) -> None:
    with pytest.raises(SettingError) as caught:
        understand_samples(*options)
    assert str(caught.value).startswith(words)


def test_a_walk_has_two_ends(tmp_path: Path) -> None:
    file = file_of(tmp_path, [[1, 2]] * 3)
    with pytest.raises(SettingError, match=r"z=.*: found 3 codes for a walk; expected its two"):
        understand_samples(1, str(file), 4)


def test_what_a_model_cannot_make_is_refused(tmp_path: Path) -> None:
    file = str(file_of(tmp_path, [1, 2, 3]))
    plain = replace(CODED, latent=0)
    for samples, translator, words in (
        (understand_samples(1, file), CODED, "codes of 3 numbers; expected codes of 2"),
        (understand_samples(1, file), plain, "a model that is given no code"),
        (understand_samples(1, None, 3), plain, "^walk=3: found a model that is given no code"),
        (understand_samples(2), plain, "^samples=2: found model.inference=eval"),
    ):
        with pytest.raises(SettingError, match=words):
            require_choice_of(samples, translator)
    for fitting in (understand_samples(8), understand_samples(1, None, 3), understand_samples(1)):
        require_choice_of(fitting, CODED)
    require_choice_of(understand_samples(1), plain)
