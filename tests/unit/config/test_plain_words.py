"""Paths and names come through the command line as they were typed."""

import os
from pathlib import Path

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from i2i.config.plain_words import plain_words, quoted
from i2i.errors import SettingError

ODD = [
    "/a b/c", "/x/a=b", "a,b", "[x]", "{x}", "[x", "it's", '"', 'say "a"', "a#b", "%x&y", "a:b",
    "123", "1e3", "true", "nan", "x(1)", "C:\\data\\a b", "\\", "a\\", "a\\'b", "\\\\'", "ü/日本",
    "12-00-00", " leading", "trailing ", "a;b", "a|b", "$HOME", "(x)", "a@b", "a+b", "-x", "*",
    "a\\,b",
    "'half",
]  # fmt: skip


def value(word: str) -> object:
    """What Hydra reads."""
    return OverridesParser.create().parse_override(word).value()


@pytest.mark.parametrize("text", ODD)
@pytest.mark.parametrize(
    "key", ["input", "dataset.root", "hydra.run.dir", "label", "+logger.wandb.notes"]
)
def test_a_path_or_name_means_itself(key: str, text: str) -> None:
    (word,) = plain_words([f"{key}={text}"])
    assert value(word) == text
    assert plain_words([word]) == [word]  # further processes of a job get it again


@pytest.mark.parametrize("text", ODD)
def test_a_quoted_text_is_read_back(text: str) -> None:
    assert value(f"a={quoted(text)}") == text


@pytest.mark.parametrize(
    "words",
    [
        [
            "generator=resnet9",
            "optimizer.generator.lr=1e-3",
            "metrics=[full,lpips]",
            "~logger.wandb",
        ],
        [
            "dataset.root=/data/maps",
            "dataset.root=null",
            "input='a b'",
            "dataset.root=${data_dir}/x",
        ],
        ["-m", "dataset.root=/a,/b", "generator=unet,resnet9"],
        ["--cfg", "job", "-cn", "other", "--help", "seed=1"],
        ['input="it\'s"', "+callbacks.x={_target_: a.b, c: [1, 2]}", "seed=range(1,4)", "resume="],
    ],
    ids=" ".join,
)
def test_what_hydra_reads_rightly_stays(words: list[str]) -> None:
    assert plain_words(words) == words


def test_flags_come_first() -> None:
    words = ["generator=unet", "-m", "seed=0,1", "--cfg", "job"]
    assert plain_words(words) == ["-m", "--cfg", "job", "generator=unet", "seed=0,1"]


def test_nobodys_home_folder_is_told() -> None:
    with pytest.raises(SettingError, match="~nouser, which is nobody's home folder"):
        plain_words(["hydra.run.dir=~nouser/x"])


def test_commas_are_a_sweep_only_where_one_was_asked_for() -> None:
    assert value(plain_words(["input=a,b"])[0]) == "a,b"
    (_, word) = plain_words(["-m", "input=a,b"])
    assert OverridesParser.create().parse_override(word).is_sweep_override()


def test_the_home_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    for word in ("output=~/x", "output='~/x'", "hydra.run.dir=~/x", "dataset.root=~/x"):
        assert value(plain_words([word])[0]) == f"{tmp_path}/x"
    assert value(plain_words(["output=~"])[0]) == str(tmp_path)
    assert value(plain_words(["output=./~"])[0]) == "./~"
    assert value(plain_words(["label=~x"])[0]) == "~x"


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("maps", r"maps: found a word without =; expected OPTION=VALUE"),
        ("generator=a=b", r"""generator=a=b: found characters .* Write "generator='a=b'"\."""),
        ("dataset.direction=it's", r"""Write "dataset\.direction='it\\'s'"\."""),
        ("dataset.root='a'b'", r"dataset\.root='a'b': found characters"),
        (os.fsdecode(b"input=\xff.png"), r"input=\\udcff\.png: found bytes that are not UTF-8"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_told_with_the_quoting_that_works(word: str, told: str) -> None:
    with pytest.raises(SettingError, match=told):
        plain_words([word])
