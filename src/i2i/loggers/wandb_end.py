"""The end of a W&B run, which waits for what has to be sent, but not for ever."""

import sys
import threading

from i2i.errors import first_line
from i2i.messages import say

UPLOAD = 30  # seconds that W&B has where somebody, or a scheduler, stops the program
FINISH = 300  # seconds that it has otherwise; a server that has gone away would never answer


def finish(ended_well: bool = True, seconds: float = FINISH) -> None:
    """Ends this process's W&B run, if it has one.

    Args:
        ended_well: Whether what the run is of did.
        seconds: After which what is not sent yet stays in the run's folder.
    """
    if "wandb" not in sys.modules:
        return
    given_up = threading.Event()

    def end() -> None:
        try:
            sys.modules["wandb"].finish(exit_code=0 if ended_well else 1)
        except Exception as error:  # of many kinds; the run itself is done
            if not given_up.is_set():
                say(f"W&B did not end its run: {first_line(error, 120)}")

    upload = threading.Thread(target=end, daemon=True)
    upload.start()
    upload.join(seconds)
    if upload.is_alive():
        given_up.set()
        say("W&B has not got everything yet: wandb sync RUN_DIR/wandb/run-* sends the rest")
