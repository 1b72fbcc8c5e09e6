"""Unlike terms on two processes stop the run on both; as a script, this file starts them."""

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from i2i.cluster.same_terms import (
    SameTerms,
    comparable,
    require_same_config,
    require_same_terms,
)
from i2i.errors import SettingError


@pytest.mark.parametrize("terms", [[["l1"]], [["l1", "pan"]] * 3, [[], []], [["a"], ["a"]]])
def test_equal_ones_pass(terms: list[list[str]]) -> None:
    require_same_terms(terms)


def test_the_term_and_its_processes_are_named() -> None:
    found = r"^reconstruction\.vgg: found its weights on process 0, 2 of 0 to 3 only; expected the"
    with pytest.raises(SettingError, match=found):
        require_same_terms([["l1", "vgg"], ["l1"], ["l1", "vgg"], ["l1"]])


def test_one_process_and_a_model_without_terms_pass() -> None:
    SameTerms().setup(None, SimpleNamespace(reconstruction={"l1": None}), "fit")
    SameTerms().setup(None, SimpleNamespace(), "fit")


def test_machines_may_have_other_paths_but_no_other_job_or_options() -> None:
    first = {"run_dir": "/a/sweep/1", "dataset": {"root": "/a/data", "batch_size": 2}, "x": None}
    other = {"run_dir": "/b/sweep/1", "dataset": {"root": "/b/data", "batch_size": 2}, "x": None}
    require_same_config([comparable(c) for c in (first, other, first)])
    for key, changed in [
        ("run_dir", other | {"run_dir": "/b/sweep/0"}),
        ("dataset.batch_size", other | {"dataset": {"root": "/b/data", "batch_size": 4}}),
        ("y", other | {"y": 3}),
    ]:
        with pytest.raises(SettingError, match=rf"^{key}: found .* on process 0 and .* on 2; exp"):
            require_same_config([comparable(c) for c in (first, other, changed)])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("what", "told"),
    [("terms", "reconstruction.vgg: found its weights on process 0 of 0 to 1"),
     ("jobs", "run_dir: found 1 on process 0 and 0 on 1; expected one configuration.")],
)  # fmt: skip
def test_two_processes_are_told_alike(tmp_path: Path, what: str, told: str) -> None:
    """The equal case is every DDP run of the other tests."""
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[3] / "src")}
    words = [sys.executable, __file__, str(tmp_path / "meet"), what]
    processes = [
        subprocess.Popen([*words, rank], env=environment, stdout=subprocess.PIPE, text=True)
        for rank in "01"
    ]
    answers = [process.communicate(timeout=120)[0].strip() for process in processes]
    assert answers[0] == answers[1]
    assert answers[0].startswith(told)


def main(meeting: str, what: str, rank: int) -> None:
    """One of two processes; the second has no weights for vgg, or is still in an earlier job."""
    from torch import distributed

    distributed.init_process_group("gloo", init_method=f"file://{meeting}", rank=rank, world_size=2)
    names = ["l1"] if rank and what == "terms" else ["vgg", "l1"]
    config = {"run_dir": f"/sweep/{1 - rank if what == 'jobs' else 1}"}
    model = SimpleNamespace(reconstruction=dict.fromkeys(names), config=config)
    try:
        SameTerms().setup(None, model, "fit")
        print("no error")
    except SettingError as error:
        print(error)
    distributed.destroy_process_group()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
