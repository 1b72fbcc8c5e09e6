"""The losses of ten steps are what they were."""

import csv

import pytest

from golden.golden_run import COLUMNS, FILE, golden_losses


def test_losses_are_what_they_were() -> None:
    """Within 1e-3: another CPU adds up in another order, and ten steps amplify it."""
    rows = list(csv.DictReader(FILE.open()))
    losses = golden_losses()
    assert len(rows) == len(losses) == 10
    for row, found in zip(rows, losses, strict=True):
        expected = [float(row[c]) for c in COLUMNS]
        assert found == pytest.approx(expected, rel=1e-3), f"step {row['step']}; see make golden"
