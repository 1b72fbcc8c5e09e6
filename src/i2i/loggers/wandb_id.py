"""The id of a run on W&B, which its folder keeps."""

import os
import re
import secrets
from pathlib import Path

from lightning.fabric.utilities.rank_zero import rank_zero_only

from i2i.files.ordinary import Unreadable
from i2i.files.records import read_text
from i2i.messages import say
from i2i.run_folder import write_text

ID = re.compile(r"[\w-]{1,64}", re.ASCII)  # as W&B makes them


def id_of_run(folder: Path) -> str | None:
    """The id in the run folder's ``wandb_id.txt``, made by process 0 where it is missing."""
    file = folder / "wandb_id.txt"
    found = None
    if os.path.lexists(file):
        try:
            found = ID.fullmatch(read_text(file, most=1000).strip())
        except Unreadable as error:
            say(f"{file} cannot be read ({error}): W&B gets a new run")
    if found is None and rank_zero_only.rank == 0:  # only its run is W&B's
        file.parent.mkdir(parents=True, exist_ok=True)
        # An agent of a W&B sweep has named the run that it waits for.
        agents = os.environ.get("WANDB_RUN_ID", "") if os.environ.get("WANDB_SWEEP_ID") else ""
        write_text(file, agents if ID.fullmatch(agents) else secrets.token_hex(4))
        return id_of_run(folder)
    return found and found[0]
