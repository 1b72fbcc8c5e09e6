"""Processes whose options differ do not train together."""

from types import SimpleNamespace

import pytest

from i2i.config import same_everywhere as module
from i2i.config.same_everywhere import SameEverywhere, comparable, require_same
from i2i.errors import SettingError

FIRST = {"run_dir": "/a/sweep/1", "dataset": {"root": "/a/data", "batch_size": 2},
         "reconstruction": {"vgg": {"weight": 1.0}}}  # fmt: skip
OTHER = FIRST | {"run_dir": "/b/sweep/1", "dataset": {"root": "/b/data", "batch_size": 2}}


@pytest.mark.parametrize(
    ("key", "changed"),
    [
        ("run_dir", {"run_dir": "/b/sweep/0"}),
        ("dataset.batch_size", {"dataset": {"root": "/b/data", "batch_size": 4}}),
        ("reconstruction.vgg", {"reconstruction": {"vgg": None}}),  # no weights on that machine
        ("y", {"y": 3}),
    ],
)
def test_machines_may_have_other_paths_but_no_other_job_or_options(
    key: str, changed: dict[str, object]
) -> None:
    require_same([comparable(c) for c in (FIRST, OTHER, FIRST)])
    with pytest.raises(SettingError, match=rf"^{key}.*: found .* on process 0 and .* on 2; exp"):
        require_same([comparable(c) for c in (FIRST, OTHER, OTHER | changed)])


def test_a_process_compares_itself_with_all_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "gathered", lambda mine: [comparable(FIRST), mine])
    SameEverywhere().setup(None, SimpleNamespace(config=OTHER), "fit")
    with pytest.raises(SettingError, match="run_dir: found 1 on process 0 and 0 on 1; expected"):
        SameEverywhere().setup(None, SimpleNamespace(config=FIRST | {"run_dir": "/a/0"}), "fit")
