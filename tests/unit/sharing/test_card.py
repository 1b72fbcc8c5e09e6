"""The model card: what it says, and what it does when a run has no scores or odd names."""

import json
from pathlib import Path
from typing import Any

from i2i.checkpoints.checkpoint import Checkpoint
from i2i.sharing.card import card, cell

RECORD: dict[str, Any] = {
    "system": "Pix2Pix", "route": "AtoB", "step": 3,
    "network": {"_target_": "i2i.generators.unet.UNetGenerator", "n_downs": 5, "norm": "batch"},
    "routes": {"AtoB": {"inference": "paper"}}, "versions": {"i2i": "0.1"},
    "dataset": {"name": "a\nset", "direction": "AtoB", "image_size": 64, "licence": None},
}  # fmt: skip


def checkpoint(folder: Path) -> Checkpoint:
    return Checkpoint(folder / "checkpoints" / "best.ckpt", {}, {}, 3)


def test_it_says_what_was_trained_on_one_line_each(tmp_path: Path) -> None:
    text = card(RECORD, checkpoint(tmp_path))
    assert "# Pix2Pix: a set, AtoB\n" in text and "| trained on | a set, AtoB, 64 pixels" in text
    assert "| generator | UNetGenerator, n_downs=5, norm=batch |" in text
    assert "trained on: not known: ask whoever made it." in text and "## Scores" not in text


def test_scores_are_those_of_this_checkpoint(tmp_path: Path) -> None:
    file = tmp_path / "test_metrics.json"
    found = {
        "checkpoint": "best.ckpt", "n_images": 5, "units": {"psnr": "dB"},
        "scores": {"model | mine": {"psnr": 12.3456}},
    }  # fmt: skip
    file.write_text(json.dumps(found))
    text = card(RECORD, checkpoint(tmp_path))
    assert "| 5 test images | psnr (dB) |\n|---|---|\n| model \\| mine | 12.35 |" in text
    for other in (
        found | {"checkpoint": "last.ckpt"},
        found | {"scores": 3},
        found | {"scores": {}},
    ):
        file.write_text(json.dumps(other))
        assert "## Scores" not in card(RECORD, checkpoint(tmp_path))


def test_a_cell_stays_in_its_table() -> None:
    assert cell("a|b\n| c") == "a\\|b \\| c"
