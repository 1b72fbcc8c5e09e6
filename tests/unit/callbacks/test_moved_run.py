"""What a ModelCheckpoint remembers goes with its folder, and with nothing else."""

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint

from i2i.callbacks.moved_run import MovedRun

SCORE = torch.tensor(0.5)


def load(folder: Path, resumed: Path) -> ModelCheckpoint:
    """A callback of ``folder`` after a checkpoint of another folder's run was loaded."""
    best = ModelCheckpoint(str(folder), "best", monitor="val/ssim", mode="max")
    file = "/gone/checkpoints/best.ckpt"
    state = {
        "best_model_score": SCORE, "best_model_path": file, "kth_best_model_path": file,
        "kth_value": SCORE, "best_k_models": {file: SCORE}, "last_model_path": "",
        "current_score": SCORE, "dirpath": "/gone/checkpoints",
    }  # fmt: skip
    checkpoint = {"callbacks": {best.state_key: state}}
    callbacks = [EarlyStopping("val/ssim"), ModelCheckpoint(None, "last"), best]
    trainer = SimpleNamespace(ckpt_path=str(resumed / "last.ckpt"), callbacks=callbacks)
    MovedRun().on_load_checkpoint(trainer, None, checkpoint)
    best.load_state_dict(checkpoint["callbacks"][best.state_key])
    return best


def test_the_files_are_where_the_resumed_checkpoint_is(tmp_path: Path) -> None:
    """Also where the folder is reached by a link, beside which Lightning writes real paths."""
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "best.ckpt").write_bytes(b"")
    (tmp_path / "link").symlink_to("real")
    best = load(tmp_path / "link", tmp_path / "real")
    here = str(tmp_path / "real" / "best.ckpt")
    assert best.best_model_score is SCORE and best.kth_value is SCORE
    assert best.best_model_path == best.kth_best_model_path == here
    assert best.best_k_models == {here: SCORE} and best.last_model_path == ""


@pytest.mark.parametrize("there", [True, False])
def test_a_run_that_goes_on_elsewhere_or_without_its_best_file_starts_anew(
    tmp_path: Path, there: bool
) -> None:
    """Lightning's way; a score without its file would keep all later ones from being saved."""
    (tmp_path / "old").mkdir()
    if there:
        (tmp_path / "old" / "best.ckpt").write_bytes(b"")
    with pytest.warns(UserWarning, match="dirpath has changed"):
        best = load(tmp_path / ("new" if there else "old"), tmp_path / "old")
    assert best.best_model_score is None and best.best_k_models == {}
