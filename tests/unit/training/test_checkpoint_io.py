"""Checkpoints of every trainer are saved whole, and none is loaded that is not."""

import os
import shutil
from pathlib import Path

import pytest
import torch

from bit_for_bit import assert_same
from i2i.errors import SettingError
from i2i.training.checkpoint_io import WholeCheckpoints
from i2i.training.trainer import build_trainer

CONTENT = {"state_dict": {"w": torch.ones(3)}, "global_step": 4}


@pytest.mark.parametrize("options", [{}, {"strategy": "ddp", "devices": 2}], ids=["one", "ddp"])
def test_a_trainer_saves_through_it(tmp_path: Path, options: dict) -> None:
    trainer = build_trainer(
        **{"accelerator": "cpu", "devices": 1} | options, logger=False,
        enable_progress_bar=False, default_root_dir=str(tmp_path),
    )  # fmt: skip
    saver = trainer.strategy.checkpoint_io
    assert isinstance(saver, WholeCheckpoints) and saver.run_dir == tmp_path
    last = tmp_path / "checkpoints" / "last.ckpt"
    saver.save_checkpoint(CONTENT, str(last))
    assert_same(trainer.strategy.load_checkpoint(last), CONTENT, "loaded")
    saver.remove_checkpoint(str(last))
    saver.remove_checkpoint(str(last))
    assert os.listdir(last.parent) == []


def test_a_run_that_was_deleted_does_not_come_back_half(tmp_path: Path) -> None:
    saver = WholeCheckpoints(str(tmp_path / "run"))
    (tmp_path / "run").mkdir()
    saver.save_checkpoint(CONTENT, tmp_path / "run" / "checkpoints" / "last.ckpt")
    shutil.rmtree(tmp_path / "run")
    with pytest.raises(SettingError, match=r"last\.ckpt: found no way to write it \(no folder"):
        saver.save_checkpoint(CONTENT, tmp_path / "run" / "checkpoints" / "last.ckpt")
    assert not (tmp_path / "run").exists()


def test_a_damaged_file_is_not_loaded(tmp_path: Path) -> None:
    saver = WholeCheckpoints()
    saver.save_checkpoint(CONTENT, tmp_path / "a.ckpt")
    content = (tmp_path / "a.ckpt").read_bytes()
    ones = torch.ones(3).numpy().tobytes()
    (tmp_path / "a.ckpt").write_bytes(content.replace(ones, ones[:-1] + b"\x3e"))
    with pytest.raises(SettingError, match=r"^checkpoint .*a\.ckpt: found another checksum than"):
        saver.load_checkpoint(tmp_path / "a.ckpt")
