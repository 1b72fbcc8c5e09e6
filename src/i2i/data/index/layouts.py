"""Which options read a data set that is laid out otherwise than the options said."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from i2i.data.index.csv_rows import pairs_files
from i2i.data.index.tree import Tree, tree_below
from i2i.images.examine import examine_image
from i2i.images.formats.header import Header

SPLIT_WORDS = {
    "train": ("train", "training", "trn"),
    "val": ("val", "valid", "validation", "dev", "eval"),
    "test": ("test", "testing", "tst"),
}
HELD_OUT = 0.1  # of train, for a split that is not there
_PLAIN = re.compile(r"[\w./-]+")

Found = Mapping[str, str]  # split -> what its folder is called


class Way(NamedTuple):
    """Folders that a data set has in each split, or in all."""

    sides: dict[str, Tree]  # pattern with {split}, or without -> what is there, for training
    splits: Found  # empty: there are no splits


def how_to_read(root: Path, halves: bool = True) -> str | None:
    """Says which options read a folder; None where nothing is recognised.

    Args:
        root: The data set's folder.
        halves: Whether its pictures may be two sides beside each other.
    """
    if files := pairs_files(root):
        return f"A table of pairs lies in it: type {_typed('pairs', files[0])}"
    tree = tree_below(root)
    advice = _advice(root, tree, halves)
    if advice is None and len(tree.folders) == 1:  # an archive that was unpacked into a folder
        ((name, inner),) = tree.folders.items()
        if advice := _advice(root / name, inner, halves):
            at, _, options = advice.partition(": type ")
            return f"{at}: type {_typed('root', str(root / name))} {options}".rstrip()
    return advice


def _advice(root: Path, tree: Tree, halves: bool) -> str | None:
    return next((text for way in _ways(tree) if (text := _words(root, way, halves))), None)


def _ways(tree: Tree) -> Iterator[Way]:
    """The layouts that a folder may have, the most telling first."""
    splits = _splits_among(tree.folders)
    if "train" in splits:  # train/A, train/B, or pictures in train
        inner = tree.folders[splits["train"]]
        yield Way({f"{{split}}/{name}": t for name, t in inner.filled().items()}, splits)
        yield Way({"{split}": inner}, splits)
    below = {name: _splits_among(t.folders) for name, t in tree.filled().items()}
    below = {name: found for name, found in below.items() if "train" in found}
    if len(below) > 1:  # A/train, B/train
        first = next(iter(below.values()))
        yield Way(
            {f"{name}/{{split}}": tree.folders[name].folders[found["train"]]
             for name, found in below.items() if found == first}, first,
        )  # fmt: skip
    joined = _joined(tree)
    if joined is not None:
        yield joined
    if not splits and len(tree.folders) > 1:
        yield Way(dict(tree.filled()), {})
    if not splits and not tree.filled():
        yield Way({".": tree}, {})


def _splits_among(names: Sequence[str] | Mapping[str, object]) -> Found:
    """The splits that folders are called after."""
    lower = {name.lower(): name for name in names}
    return {
        split: lower[word]
        for split, words in SPLIT_WORDS.items()
        for word in reversed(words)
        if word in lower
    }


def _joined(tree: Tree) -> Way | None:
    """trainA, trainB, testA: the split and the side in one name."""
    sides: dict[str, dict[str, str]] = {}
    for name in tree.filled():
        for split, words in SPLIT_WORDS.items():
            for word in words:
                if name.lower().startswith(word) and len(name) > len(word):
                    sides.setdefault(name[len(word) :], {}).setdefault(split, name[: len(word)])
    trained = {side: found for side, found in sides.items() if "train" in found}
    if len(trained) < 2:
        return None
    first = next(iter(trained.values()))
    trees = {f"{{split}}{s}": tree.folders[f["train"] + s] for s, f in trained.items()}
    return Way(trees, first)


def _words(root: Path, way: Way, halves: bool) -> str | None:
    """What to type for one layout; None where it is none."""
    patterns, trees = list(way.sides), list(way.sides.values())
    names = [tree.names for tree in trees]
    alike = bool(names) and all(n == names[0] for n in names)
    if not names or not all(names):
        return None
    if len(names) == 1:
        return _one_folder(root, patterns[0], trees[0], way.splits, halves)
    if len(names) == 2 and (alike or how_names_differ(*map(sorted, names))):
        rule = "" if alike else " " + _rule(*map(sorted, names))
        sides = f"{_typed('a_folder', patterns[0])} {_typed('b_folder', patterns[1])}"
        told = (
            "of the same names"
            if alike
            else "of names that a rule pairs (if they are none: dataset=folders)"
        )
        return f"Two folders {told}: type {sides}{rule}{_splits(way.splits)}"
    if len(names) == 2:
        sides = f"{_typed('a_folder', patterns[0])} {_typed('b_folder', patterns[1])}"
        return (
            "Two folders without pairs, which models such as cyclegan learn from "
            f"(as classes: dataset=class_folders{_splits(way.splits)}): type "
            f"dataset=folders {sides}{_splits(way.splits, 'folders')}"
        )
    above = patterns[0].rpartition("/")[0]
    pattern = f"{above}/{{domain}}" if above else "{domain}" if way.splits else "{split}/{domain}"
    if patterns[0].endswith("{split}") or (way.splits and not above):
        return None  # of more than two sides, which no preset has in this order
    if alike:
        domains = ",".join(pattern.rpartition("/")[2] for pattern in patterns)
        return (
            "Folders of the same names, one for each domain "
            f"(as classes: dataset=class_folders{_splits(way.splits)}): type "
            f"{_typed('a_folder', pattern)} 'dataset.domains=[{domains}]'{_splits(way.splits)}"
        )
    return (
        "Folders of other names, one for each class or domain: type dataset=class_folders "
        f"{_typed('a_folder', pattern)}{_splits(way.splits)}"
    )


def _one_folder(root: Path, pattern: str, tree: Tree, splits: Found, halves: bool) -> str | None:
    """What to type where all pictures of a split lie in one folder."""
    folder = splits.get("train", ".")
    if rule := names_in_twos(sorted(tree.names)):
        return (
            f"Both sides in one folder, told apart by their names: type {rule} "
            f"{_typed('a_folder', pattern if splits else '{split}')}"
            f"{_splits(splits)}"
        )
    found = examine_image(root / folder / tree.first) if tree.first else None
    height, width = found.size if isinstance(found, Header) else (1, 1)
    wide = 2 * width >= 3 * height and width % 2 == 0
    if wide and halves:
        a_folder = _typed("a_folder", pattern if splits else "{split}")
        return f"Side-by-side pictures: type {a_folder} dataset.b_folder=null{_splits(splits)}"
    return (
        "Pictures without a second side, of which a task makes pairs: type dataset=photos "
        f"task=colorization{_splits(splits, 'photos')}"
    )


def _splits(found: Found, preset: str = "folder") -> str:
    """The options of the splits, as far as they differ from a preset's."""
    usual = {"folders": {"val": None}, "photos": dict.fromkeys(SPLIT_WORDS)}.get(preset, {})
    words = []
    if preset == "photos" and not found:
        return ""
    for split in SPLIT_WORDS:
        name = found.get(split) if found else "." if split == "train" else None
        default = usual.get(split, split)
        if name != default:
            words.append(f"dataset.splits.{split}={_quoted(name) if name else 'null'}")
        if name is None and (default is not None or split not in usual):
            words.append(f"dataset.{split}_from_train={HELD_OUT}")
        if name is not None and default is None and split != "train":
            words.append(f"dataset.{split}_from_train=0")
    return "".join(f" {word}" for word in words)


def how_names_differ(only_a: Sequence[str], only_b: Sequence[str]) -> str:
    """The rule of names that brings two sides together, as a further thing to do; "" for none.

    Args:
        only_a: Names of side A, sorted.
        only_b: Of side B.
    """
    rule = _rule(only_a, only_b)
    return rule and f", or say what of a name is of the pair: type {rule}"


def _rule(a: Sequence[str], b: Sequence[str]) -> str:
    """``dataset.pair_by`` for names that begin and end alike on each side; "" where none fits."""
    if not a or len(a) != len(b):
        return ""
    affixes = [_affixes(side) for side in (a, b)]
    cut = [
        {name[: len(name) - len(last(name))] + last(name)[len(head) : len(last(name)) - len(tail)]
         for name in side}
        for side, (head, tail) in zip((a, b), affixes, strict=True)
    ]  # fmt: skip
    if cut[0] != cut[1] or len(cut[0]) != len(a):
        return ""
    patterns = [f"{head}*{tail}" for head, tail in affixes]
    if any("'" in p or '"' in p or "(" in p or "*" in p.replace("*", "", 1) for p in patterns):
        return ""
    return f"\"dataset.pair_by={{A: '{patterns[0]}', B: '{patterns[1]}'}}\""


def last(name: str) -> str:
    """A file's own name, without the folders above it."""
    return name.rpartition("/")[2]


def _affixes(names: Sequence[str]) -> tuple[str, str]:
    """What all names begin and end with, up to a mark between words."""
    own = [last(name) for name in names]
    head = re.match(r"(.*[^a-zA-Z0-9])?", _common_start(own))[0]
    rest = [name[len(head) :] for name in own]
    tail = _common_start([name[::-1] for name in rest])
    tail = re.match(r"(.*[^a-zA-Z0-9])?", tail)[0][::-1]
    if not head and not tail and len(own) > 1:  # a0001 and b0001: letters before numbers
        head = re.match(r"[a-zA-Z]*", _common_start(own))[0]
    return head, tail


def _common_start(texts: Sequence[str]) -> str:
    """The letters that all begin with."""
    low, high = min(texts), max(texts)
    most = min(len(low), len(high))
    return low[: next((i for i in range(most) if low[i] != high[i]), most)]


def names_in_twos(names: Sequence[str]) -> str:
    """``dataset.pair_by`` for names that come in twos: cat_A and cat_B; "" where they do not."""
    for form, regex in (("(.*){}({}|{})", r"(.*)([_ .-])([^_ .-]+)"), ("({}|{}){}(.*)", None)):
        found = [re.fullmatch(regex or r"([^_ .-]+)([_ .-])(.*)", last(name)) for name in names]
        if len(names) < 2 or not all(found):
            continue
        word, key = (3, 1) if regex else (1, 3)
        words = sorted({match[word] for match in found})
        sides = [
            {name[: -len(last(name))] + m[key] for name, m in zip(names, found, strict=True)
             if m[word] == w}
            for w in words
        ]  # fmt: skip
        if len(words) == 2 and sides[0] == sides[1] and len(names) == 2 * len(sides[0]):
            mark = re.escape(found[0][2]) if found[0][2] == "." else found[0][2]
            text = form.format(mark, *words) if regex else form.format(*words, mark)
            return f"\"dataset.pair_by='{text}'\""
    return ""


def _typed(key: str, value: str) -> str:
    """An option as it is typed in a shell."""
    return f"dataset.{key}={value}" if _PLAIN.fullmatch(value) else f"\"dataset.{key}='{value}'\""


def _quoted(name: str) -> str:
    return name if _PLAIN.fullmatch(name) else f"'{name}'"
