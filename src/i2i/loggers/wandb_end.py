"""The end of a W&B run, which waits for what has to be sent, but not for ever."""

import sys
import threading
from contextlib import suppress

from i2i.errors import first_line
from i2i.messages import say

UPLOAD = 30  # seconds that W&B has where somebody, or a scheduler, stops the program
FINISH = 300  # seconds that it has otherwise; a server that has gone away would never answer
FLUSH = 5  # seconds after which what was logged stands in the run's folder; W&B's: 15
FLUSH_SETTING = "x_transaction_log_flush_interval"  # of versions that have it


def finish(ended_well: bool = True, seconds: float = FINISH) -> bool:
    """Ends this process's W&B run, if it has one.

    Args:
        ended_well: Whether what the run is of did.
        seconds: After which what is not sent yet stays in the run's folder.

    Returns:
        Whether the run has ended, with all that it had to send or keep; otherwise it was said.
    """
    if "wandb" not in sys.modules:
        return True
    given_up = threading.Event()
    done = []

    def end() -> None:
        try:
            sys.modules["wandb"].finish(exit_code=0 if ended_well else 1)
            done.append(True)
        except Exception as error:  # of many kinds; the run itself is done
            if not given_up.is_set():
                say(f"W&B did not end its run: {first_line(error, 120)}")

    upload = threading.Thread(target=end, daemon=True)
    upload.start()
    upload.join(seconds)
    if upload.is_alive():
        given_up.set()
        leave()
        say(
            "W&B has not got everything yet: wandb sync --include-online RUN_DIR/wandb/run-* sends "
            "the rest; the files of tables and artifacts stay in that folder"
        )
        return False
    return bool(done)


def leave() -> None:
    """Ends W&B's own process, which tries on as long as the server is away; all is in the folder.

    Python waits for it at exit, and whoever reads this program's output waits for it too; its own
    ``finish_timeout`` does not end it where an artifact waits. There is no public call for this.
    Where the library is built otherwise, or might not have written everything yet, it is only told
    to end.
    """
    wandb = sys.modules["wandb"]

    def tear_down() -> None:
        with suppress(BaseException):  # also a cancelled task, as the other thread is cut off
            wandb.teardown()

    with suppress(Exception):
        if FLUSH_SETTING in wandb.Settings.model_fields:
            wandb.setup()._connection._proc._process.terminate()
    thread = threading.Thread(target=tear_down, daemon=True)  # it waits for that process
    thread.start()
    thread.join(1)  # second
