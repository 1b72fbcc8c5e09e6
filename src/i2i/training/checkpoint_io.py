"""How the trainer saves and loads checkpoints: whole, or not at all."""

from pathlib import Path
from typing import Any

from lightning.fabric.plugins import CheckpointIO

from i2i.files.saving import save_whole, writing
from i2i.files.weights import load_safely


class WholeCheckpoints(CheckpointIO):
    """Saves beside the file that it replaces, and checks what it saved and what it loads.

    Lightning's own saves in TMPDIR and moves the file from there. Where that is another file
    system, the move copies over the only checkpoint, and where it fails, nobody is told.
    """

    def __init__(self, run_dir: str | None = None):  # exists; None: folders are made wherever
        self.run_dir = Path(run_dir) if run_dir else None

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None
    ) -> None:
        """Saves, on the one process that does.

        Raises:
            SettingError: It was not saved. What was saved before is still there.
        """
        file = Path(path)
        with writing(file):
            if self.run_dir is not None:  # one that was deleted does not come back half
                self.run_dir.stat()
            file.parent.mkdir(parents=True, exist_ok=True)
        save_whole(checkpoint, file)

    def load_checkpoint(
        self, path: Any, map_location: Any = None, weights_only: bool | None = None
    ) -> dict[str, Any]:
        """Loads onto the CPU, whatever is asked; nothing that stands in the file is run.

        Raises:
            SettingError: The file cannot be read, is damaged or is none of ours.
        """
        return load_safely(
            Path(path), f"checkpoint {path}", "a whole checkpoint of i2i",
            "Use another one: RUN_DIR/checkpoints holds best.ckpt and last.ckpt.",
        )  # fmt: skip

    def remove_checkpoint(self, path: Any) -> None:
        """Removes one that is replaced under another name, after that one was saved."""
        with writing(Path(path)):
            Path(path).unlink(missing_ok=True)
