"""Comparison of checkpoints without any tolerance."""

from collections.abc import Callable
from pathlib import Path

import torch


def assert_same(a: object, b: object, where: str) -> None:
    """Bit for bit, through dictionaries and lists."""
    assert type(a) is type(b), where
    if isinstance(a, torch.Tensor):
        assert torch.equal(a, b), where
    elif isinstance(a, dict):
        assert a.keys() == b.keys(), where
        for key in a:
            assert_same(a[key], b[key], f"{where}/{key}")
    elif isinstance(a, list | tuple):
        assert len(a) == len(b), where
        for i, (x, y) in enumerate(zip(a, b, strict=True)):
            assert_same(x, y, f"{where}/{i}")
    else:
        assert a == b, where


def two_epochs_and_one_and_one(train: Callable[..., Path], *options: str) -> dict:
    """Trains two epochs in one go, and one and then another one, to the same state.

    Returns:
        The checkpoint of the former.
    """
    options = (*options, "trainer.max_steps=-1", "scheduler=constant")
    straight = train(*options, "trainer.max_epochs=2", folder="straight")
    halves = train(*options, "trainer.max_epochs=1", folder="halves")
    again = train(*options, "trainer.max_epochs=2", f"resume={halves}", folder="halves")
    a, b = (
        torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)
        for run in (straight, again)
    )
    for part in ("state_dict", "optimizer_states", "lr_schedulers"):
        assert_same(a[part], b[part], part)
    counts = [[c["i2i"][n] for n in ("batches_seen", "images_seen")] for c in (a, b)]
    assert counts[0] == counts[1]
    assert_same(a["i2i"].get("own_states"), b["i2i"].get("own_states"), "own_states")
    return a


def assert_equal_ranks(run_dir: Path) -> None:
    """The weights of two processes after each batch, as ``probes.WeightTrail`` left them."""
    files = sorted((run_dir / "trail").glob("*_rank0.pt"))
    assert len(files) >= 2
    for file in files:
        other = file.with_name(file.name.replace("rank0", "rank1"))
        a, b = (torch.load(f, weights_only=True) for f in (file, other))
        assert_same(a, b, file.name)
