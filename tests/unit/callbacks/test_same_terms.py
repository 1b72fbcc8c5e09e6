"""Unlike terms on two processes stop the run on both; as a script, this file starts them."""

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from i2i.callbacks.same_terms import SameTerms, require_same_terms
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


@pytest.mark.slow
def test_two_processes_are_told_alike(tmp_path: Path) -> None:
    """The equal case is every DDP run of the other tests."""
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[3] / "src")}
    words = [sys.executable, __file__, str(tmp_path / "meet")]
    processes = [
        subprocess.Popen([*words, rank], env=environment, stdout=subprocess.PIPE, text=True)
        for rank in "01"
    ]
    answers = [process.communicate(timeout=120)[0].strip() for process in processes]
    assert answers[0] == answers[1]
    assert answers[0].startswith("reconstruction.vgg: found its weights on process 0 of 0 to 1")


def main(meeting: str, rank: int) -> None:
    """One of two processes; the second has no weights for vgg."""
    from torch import distributed

    distributed.init_process_group("gloo", init_method=f"file://{meeting}", rank=rank, world_size=2)
    names = ["l1"] if rank else ["vgg", "l1"]
    try:
        SameTerms().setup(None, SimpleNamespace(reconstruction=dict.fromkeys(names)), "fit")
        print("no error")
    except SettingError as error:
        print(error)
    distributed.destroy_process_group()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
