"""No training step mixes devices, and none waits for a GPU: shown without one."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from torch.utils import backend_registration

TESTS = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def lines() -> dict[str, str]:
    """What ``on_a_pretended_device`` says of each case."""
    if not hasattr(backend_registration, "_setup_privateuseone_for_python_backend"):
        pytest.skip("this torch cannot pretend to have a device")
    done = subprocess.run(
        [sys.executable, str(TESTS / "on_a_pretended_device.py")],
        capture_output=True, text=True, timeout=300,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(TESTS), str(TESTS.parent / "src")])},
    )  # fmt: skip
    found = dict(re.findall(r"^([\w-]+): (.*)$", done.stdout, re.MULTILINE))
    assert done.returncode == 0 and found, done.stderr[-2000:]
    return found


@pytest.mark.parametrize(
    "case",
    [
        "vanilla", "lsgan", "hinge", "wgan-gp", "none", "terms", "multiscale", "checkpoints",
        "diffaugment",
    ],
)  # fmt: skip
def test_three_steps_copy_their_batches_and_the_losses_of_two(
    lines: dict[str, str], case: str
) -> None:
    """Steps 1 and 2 are logged: all losses come back as one tensor. The end is the third copy."""
    batches = 6 if case == "wgan-gp" else 3  # two critic updates a step
    assert lines[case] == (
        f"3 steps, {batches} batches, {2 * batches} images up, 0 other copies up, 3 back, fused"
    )


def test_a_number_that_is_read_is_found(lines: dict[str, str]) -> None:
    assert lines["reads"] == "DataDependentOutputException: aten._local_scalar_dense.default"


def test_losses_shown_from_the_device_are_found(lines: dict[str, str]) -> None:
    assert lines["shows"] == "DataDependentOutputException: aten._local_scalar_dense.default"


def test_a_tensor_on_the_other_device_is_found(lines: dict[str, str]) -> None:
    refused = (  # by torch 2.13, and by those before it
        "FakeTensorDeviceMismatchError: Expected all tensors to be on",
        "RuntimeError: Unhandled FakeTensor Device Propagation",
    )
    assert lines["mixes"].startswith(refused)


def test_a_copy_back_is_found(lines: dict[str, str]) -> None:
    assert "0 other copies up, 6 back" in lines["copies"]
