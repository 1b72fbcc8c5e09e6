"""Features of targets on disk: the same scores, no picture computed twice, no old answer."""

import os
import pickle
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
import torch_fidelity

from evaluators import full
from i2i.errors import SettingError
from i2i.metrics import real_cache as module
from i2i.metrics.inception import InceptionOutput, load_inception
from i2i.metrics.real_cache import RealCache, cache_key, digests
from inception_stand_in import put_in_place

N = 7


class CountingExtractor:
    """Block means, which depend on the number of images as convolutions do in the last digits."""

    name, sha256 = "block means", "0" * 64

    def __init__(self):
        self.calls: list[int] = []

    def to(self, device):
        return self

    def __call__(self, images):
        self.calls.append(len(images))
        means = torch.nn.functional.adaptive_avg_pool2d(images.float(), 3).flatten(1) / 64
        return InceptionOutput(means * (1 + 1e-6 * len(images)), 3 * means[:, :7])


@pytest.fixture
def extractor(monkeypatch):
    stub = CountingExtractor()
    put_in_place(monkeypatch, stub)
    return stub


def score(folder, target, n=None, data="facades", split="val", batch=4, **options):
    """A pass of a run that begins with this call; the made images are always the same."""
    options = {"kid_subsets": 3, "inception_batch_size": batch} | options
    folder = None if folder is None else str(folder)
    evaluator = full(cache_dir=folder, **options).for_data(data)
    evaluator.prepare("cpu", required=True)
    evaluator.start(split)
    for i in range(len(target) if n is None else n):
        made = target[[i]].flip(3) * 0.5
        evaluator.update(torch.tensor([i]), [f"{i}.png"], made, target[[i]])
    return evaluator.compute()


@pytest.fixture
def target(photographs):
    return photographs(N, 16, 20)


def test_a_second_run_computes_no_real_image_and_scores_the_same_bits(tmp_path, extractor, target):
    without = score(None, target)
    assert extractor.calls == [4, 4, 3, 3]
    first = score(tmp_path / "new" / "folder", target)
    extractor.calls.clear()
    second = score(tmp_path / "new" / "folder", target)
    assert extractor.calls == [4, 3]  # the made ones alone
    assert without == first == second
    assert without.values["fid"] > 0.01
    (file,) = (tmp_path / "new" / "folder").iterdir()  # no temporary file is left
    assert file.name.startswith("facades-val-") and file.suffix == ".npz"


@pytest.mark.slow
def test_inception_itself_gives_the_same_bits_from_the_disk(
    tmp_path, inception_file, photographs, monkeypatch
):
    loaded = load_inception(inception_file, "cpu")
    put_in_place(monkeypatch, loaded)
    options, target = {"batch": 2, "kid_subset_size": 2}, photographs(3, 40, 56)
    expected = score(None, target, **options)
    assert score(tmp_path, target, **options) == expected
    before = {file: file.stat().st_ino for file in tmp_path.iterdir()}
    assert score(tmp_path, target, **options) == expected
    assert {file: file.stat().st_ino for file in tmp_path.iterdir()} == before  # none was rewritten


def test_a_changed_picture_is_never_answered_from_the_disk(tmp_path, extractor, target):
    score(tmp_path, target)
    changed = target.clone()
    changed[1, 0, 3, 3] = -changed[1, 0, 3, 3]  # one level of one pixel, same name, size and index
    expected = score(None, changed)
    assert score(tmp_path, changed) == expected
    assert score(tmp_path, changed) == expected
    assert score(tmp_path, target) == score(None, target) != expected


def test_a_shorter_pass_is_not_answered_from_batches_of_another_size(tmp_path, extractor, target):
    """A limit on the validation batches cuts the last batch through Inception."""
    for n in (N, 6, 4, N, 6):
        extractor.calls.clear()
        assert score(tmp_path, target, n=n) == score(None, target, n=n)
    assert extractor.calls == [4, 2, 4, 4, 2, 2]  # with the cache nothing real, without it all


def test_splits_and_data_sets_have_files_of_their_own(tmp_path, extractor, target):
    for options in ({}, {"split": "test"}, {"data": "a/../b ü"}):
        score(tmp_path, target, **options)
    names = sorted(file.name.rsplit("-", 1)[0] for file in tmp_path.iterdir())
    assert names == ["a_b_-val", "facades-test", "facades-val"]


def test_the_key_names_all_that_the_features_depend_on(monkeypatch):
    image = torch.zeros(3, 8, 10, dtype=torch.uint8)
    key = cache_key("facades", "val", image, "abc")
    assert {k: key[k] for k in ("data", "split", "size", "extractor")} == {
        "data": "facades", "split": "val", "size": [3, 8, 10], "extractor": "abc"
    }  # fmt: skip
    assert "without antialiasing" in key["resize"] and torch.__version__ in key["computed_by"]
    assert f"torch-fidelity {torch_fidelity.__version__}" in key["computed_by"]
    path = RealCache("x", 1).path
    others = [
        cache_key("maps", "val", image, "abc"), cache_key("facades", "test", image, "abc"),
        cache_key("facades", "val", image[:, 1:], "abc"), cache_key("facades", "val", image, "d"),
        key | {"format": 2}, key | {"resize": "other"}, key | {"computed_by": "other"},
    ]  # fmt: skip
    assert len({path(k) for k in (key, *others)}) == 8


def test_files_of_earlier_versions_are_found():
    """Names and digests as they were when features were first kept for more than a run."""
    key = {
        "format": 1, "data": "facades", "split": "val", "size": [3, 8, 10], "extractor": "abc",
        "resize": "other", "computed_by": "this machine",
    }  # fmt: skip
    assert RealCache("x", 1).path(key).name == "facades-val-04c0f3365231c07e.npz"
    images = torch.arange(24, dtype=torch.uint8).reshape(2, 3, 2, 2)
    assert [digest.hex() for digest in digests(images)] == [
        "7d5f3b43f04a992d1f6796110ddfc1f1",
        "db3a2c8f6ad1e057d4c226073aa35071",
    ]


def test_a_digest_covers_levels_shape_and_company():
    images = torch.arange(24, dtype=torch.uint8).reshape(2, 3, 2, 2)
    first, second = digests(images)
    assert len(first) == 16 and first != second
    assert digests(images.flip(0)) == [second, first]  # the place in a batch changes nothing
    assert digests(images[:1]) != [first]
    assert digests(images.reshape(2, 3, 1, 4))[0] != first


def damage_cut(file, key):
    file.write_bytes(file.read_bytes()[:-40])


def damage_bit(file, key):
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def damage_empty(file, key):
    file.write_bytes(b"")


def damage_key(file, key):
    keep(file, key | {"split": "test"}, np.ones((2, 9), np.float32))


def damage_rows(file, key):
    keep(file, key, np.ones((3, 9), np.float32))


def damage_nan(file, key):
    keep(file, key, np.full((2, 9), np.nan, np.float32))


def damage_pickle(file, key):
    with file.open("wb") as out:
        pickle.dump(Danger(), out)


def damage_pickled_array(file, key):
    keep(file, key, np.array([Danger(), Danger()], dtype=object))


def damage_giant_header(file, key):
    """Says 16 TB of features, and holds 72 bytes."""
    keep(file, key, np.ones((2, 9), np.float32))
    with zipfile.ZipFile(file) as packed:
        parts = {info.filename: packed.read(info) for info in packed.infolist()}
    small, giant = b"'shape': (2, 9), }", b"'shape': (2000000000, 2048), }"
    header = parts["features.npy"].replace(small + b" " * 12, giant)
    assert len(header) == len(parts["features.npy"]) and giant in header
    with zipfile.ZipFile(file, "w") as packed:
        for name, data in (parts | {"features.npy": header}).items():
            packed.writestr(name, data)


def damage_link(file, key):
    file.unlink()
    file.symlink_to("/dev/zero")


def damage_folder_of_links(file, key):
    file.unlink()
    file.symlink_to(file)


def keep(file, key, features):
    content = {"key": np.frombuffer(module.json.dumps(key).encode(), np.uint8)}
    np.savez(file, **content, digests=np.zeros((2, 16), np.uint8), features=features)


class Danger:
    def __reduce__(self):
        return exec, ("import os; os.environ['I2I_DANGER'] = 'ran'",)


DAMAGES = [
    damage_cut, damage_bit, damage_empty, damage_key, damage_rows, damage_nan, damage_pickle,
    damage_pickled_array, damage_giant_header, damage_link, damage_folder_of_links,
]  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_or_foreign_file_is_computed_anew(
    tmp_path, extractor, target, capsys, monkeypatch, damage
):
    monkeypatch.delenv("I2I_DANGER", raising=False)
    expected = score(tmp_path, target)
    (file,) = tmp_path.iterdir()
    damage(file, cache_key("facades", "val", torch.zeros(3, 16, 20), "0" * 64))
    assert capsys.readouterr().out == ""
    assert score(tmp_path, target) == expected
    out = capsys.readouterr().out
    assert out.count("\n") == 1 and str(file) in out and "not used (" in out
    assert "I2I_DANGER" not in os.environ
    extractor.calls.clear()
    assert score(tmp_path, target) == expected
    assert extractor.calls == [4, 3] and capsys.readouterr().out == ""


def test_packed_zeros_are_not_unpacked(tmp_path, monkeypatch):
    """A megabyte here, for which a file of a kilobyte asks; it could be terabytes."""
    file, key = tmp_path / "a.npz", {"a": 1}
    keep(file, key, np.zeros((30, 9), np.float32))
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        with packed.open("key.npy", "w") as member:
            np.save(member, np.frombuffer(module.json.dumps(key).encode(), np.uint8))
        with packed.open("digests.npy", "w") as member:
            np.save(member, np.zeros((30, 16), np.uint8))
        with packed.open("features.npy", "w") as member:
            np.save(member, np.zeros((30, 9000), np.float32))
    with file.open("rb") as opened:
        assert len(module._unpacked(opened, key)) == 1
    monkeypatch.setattr(module, "MOST_ROWS", 100)
    with file.open("rb") as opened, pytest.raises(ValueError, match="features of 1,080,128 bytes"):
        module._unpacked(opened, key)


def test_a_link_is_replaced_and_not_written_through(tmp_path, extractor, target, capsys):
    (tmp_path / "kept").mkdir()
    expected = score(tmp_path / "kept", target)
    (file,) = (tmp_path / "kept").iterdir()
    (tmp_path / "mine").write_bytes(b"mine")
    file.unlink()
    file.symlink_to(tmp_path / "mine")
    assert score(tmp_path / "kept", target) == expected
    assert (tmp_path / "mine").read_bytes() == b"mine" and not file.is_symlink()


def test_a_folder_that_cannot_be_written_stops_nothing(tmp_path, extractor, target, capsys):
    (tmp_path / "file").write_text("")
    assert score(tmp_path / "file", target) == score(None, target)
    assert f"metrics.cache_dir={tmp_path / 'file'}: nothing kept there (" in capsys.readouterr().out


def test_a_write_that_is_cut_leaves_the_old_file(tmp_path, monkeypatch, capsys):
    cache, key = RealCache(tmp_path, 1), cache_key("a", "val", torch.zeros(3, 8, 8), "")
    old = {b"0" * 16: np.ones(4, np.float32)}
    cache.write(key, old)

    def cut(file, **content):
        file.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module.np, "savez", cut)
    cache.write(key, old | {b"1" * 16: np.ones(4, np.float32)})
    assert "No space left" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == [cache.path(key)]
    assert list(cache.read(key)) == list(old)


def test_what_was_used_longest_ago_goes_beyond_the_bound(tmp_path):
    rows = {bytes([i]) * 16: np.zeros(2048, np.float32) for i in range(50)}  # 0.4 MB
    cache = RealCache(tmp_path, 0.001)
    keys = [cache_key(name, "val", torch.zeros(3, 8, 8), "") for name in "abc"]
    for age, key in enumerate(keys[:2]):
        cache.write(key, rows)
        os.utime(cache.path(key), (age + 1, age + 1))
    assert len(cache.read(keys[0])) == 50  # now "b" is the one that was used longest ago
    (tmp_path / "abandoned.part").write_bytes(b"")
    cache.write(keys[2], rows)
    assert [cache.path(key).exists() for key in keys] == [True, False, True]


def test_a_file_has_a_bound_and_keeps_the_newest_rows(tmp_path, monkeypatch, extractor, target):
    monkeypatch.setattr(module, "MOST_ROWS", 5)
    expected = score(None, target, batch=1)
    assert score(tmp_path, target, batch=1) == expected
    extractor.calls.clear()
    assert score(tmp_path, target, batch=1) == expected
    assert len(extractor.calls) == N + 2


def test_a_folder_without_room_is_refused():
    with pytest.raises(SettingError, match=r"^metrics\.cache_gb=0: found 0; expected above 0"):
        full(cache_gb=0)


def test_the_home_folder_is_understood(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert RealCache("~/.cache/i2i", 1).folder == tmp_path / ".cache" / "i2i"


WRITER = """
import sys
import numpy as np, torch
from i2i.metrics.real_cache import RealCache, cache_key

folder, mark = sys.argv[1], int(sys.argv[2])
cache, key = RealCache(folder, 1), cache_key("a", "val", torch.zeros(3, 8, 8), "")
names = [bytes([mark, i]) * 8 for i in range(200)]
print("ready", flush=True)
sys.stdin.readline()
for _ in range(20):
    cache.write(key, {name: np.full(64, mark, np.float32) for name in names})
"""


def test_writers_at_once_leave_a_whole_file_of_one_of_them(tmp_path, capsys):
    """Two other processes write one key again and again; this one reads all the while."""
    source = str(Path(module.__file__).parents[2])
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path), mark],
            env=os.environ | {"PYTHONPATH": source}, **pipes,
        )
        for mark in "12"
    ]  # fmt: skip
    assert [writer.stdout.readline() for writer in writers] == ["ready\n"] * 2
    for writer in writers:
        writer.stdin.write("go\n")
        writer.stdin.flush()
    cache, key = RealCache(tmp_path, 1), cache_key("a", "val", torch.zeros(3, 8, 8), "")
    seen, running = set(), True
    while running:
        running = any(writer.poll() is None for writer in writers)  # one more look after the end
        rows = cache.read(key)
        marks = {name[0] for name in rows} | {int(row[0]) for row in rows.values()}
        assert len(rows) in (0, 200) and len(marks) <= 1
        seen |= marks
    assert [writer.communicate()[0] for writer in writers] == ["", ""]  # and said nothing
    assert [writer.returncode for writer in writers] == [0, 0]
    assert seen and capsys.readouterr().out == ""
    assert list(tmp_path.iterdir()) == [cache.path(key)]


def test_what_another_run_deletes_meanwhile_is_passed_over(tmp_path, monkeypatch, capsys):
    cache = RealCache(tmp_path, 1)
    old, new = (cache_key(name, "val", torch.zeros(3, 8, 8), "") for name in "ab")
    rows = {b"0" * 16: np.ones(4, np.float32)}
    cache.write(old, rows)
    stat = Path.stat

    def gone(self, **options):
        if self == cache.path(old):
            raise FileNotFoundError(2, "gone")
        return stat(self, **options)

    monkeypatch.setattr(Path, "stat", gone)
    cache.write(new, rows)
    assert capsys.readouterr().out == ""
    assert list(cache.read(new)) == list(rows)
