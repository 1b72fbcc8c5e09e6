"""A run folder that was moved, or is reached by another path, keeps its best score."""

from pathlib import Path
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.callbacks import ModelCheckpoint

PATHS = ("best_model_path", "kth_best_model_path", "last_model_path")


class MovedRun(Callback):
    """Lets ``ModelCheckpoint`` find its files where they are now.

    Lightning forgets the best score where a checkpoint's folder has another name than when it was
    saved. That is right where a run goes on in a new folder: the files stay in the old one. Where
    the checkpoint that is resumed lies in the folder itself, the others came with it.
    """

    def on_load_checkpoint(
        self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        here = Path(str(trainer.ckpt_path)).parent.resolve()
        for callback in trainer.callbacks:
            state = checkpoint["callbacks"].get(callback.state_key)
            if not isinstance(callback, ModelCheckpoint) or state is None:
                continue
            folder = Path(callback.dirpath or "")
            if folder.resolve() != here or not is_file_in(folder, state["best_model_path"]):
                continue
            paths = {k: v and str(folder / Path(v).name) for k, v in state.items() if k in PATHS}
            models = {str(folder / Path(k).name): v for k, v in state["best_k_models"].items()}
            state |= paths | {"best_k_models": models, "dirpath": str(folder)}


def is_file_in(folder: Path, path: str) -> bool:
    """Whether a folder has the file that stood at a path elsewhere."""
    return bool(path) and (folder / Path(path).name).is_file()
