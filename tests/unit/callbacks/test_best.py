"""The callback of best.ckpt where nothing is scored."""

from pathlib import Path

from i2i.callbacks.best import Best
from i2i.checkpoints.training_state import alike


def test_a_run_without_scores_writes_what_a_resumed_one_expects(tmp_path: Path) -> None:
    """Its state names a score in both, as that of every other run."""
    fresh, written = Best(dirpath=tmp_path), Best(dirpath=tmp_path)
    written.monitor = None  # what ``setup`` finds: no truth, no way back, no FID
    assert list(alike(fresh.state_dict(), written.state_dict(), "Best")) == []
    other = Best(dirpath=tmp_path)
    other.monitor = "val/fid"
    other.load_state_dict(written.state_dict() | {"best_model_path": "x"})
    assert other.best_model_path == ""  # the best of no score is not the best of another
