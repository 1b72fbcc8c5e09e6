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
        here = Path(str(trainer.ckpt_path)).parent
        for callback in trainer.callbacks:
            state = checkpoint["callbacks"].get(callback.state_key)
            if not isinstance(callback, ModelCheckpoint) or state is None:
                continue
            folder = callback.dirpath
            if folder is None or Path(folder).resolve() != here.resolve():
                continue
            found = moved(state, str(folder))
            if Path(found["best_model_path"]).is_file():
                checkpoint["callbacks"][callback.state_key] = found


def moved(state: dict[str, Any], folder: str) -> dict[str, Any]:
    """The state of a ``ModelCheckpoint`` with its files in another folder."""

    def there(path: str) -> str:
        return str(Path(folder) / Path(path).name) if path else path

    changed = {key: there(state[key]) for key in PATHS if key in state}
    best = {there(path): score for path, score in state.get("best_k_models", {}).items()}
    return {**state, **changed, "best_k_models": best, "dirpath": folder}
