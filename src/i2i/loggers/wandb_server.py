"""Whether runs are sent to W&B's server: keys, the environment, and whether it answers."""

import http.client
import netrc
import os
import urllib.error
import urllib.request
from pathlib import Path
from typing import Literal
from urllib.parse import urlparse

PATIENCE = 10  # seconds that W&B's server has for its first answer
HOSTED = "https://api.wandb.ai"

Mode = Literal["online", "offline", "disabled"]


def has_key() -> bool:
    """Whether a W&B key is configured, in the environment or in the netrc file."""
    if os.environ.get("WANDB_API_KEY"):
        return True
    host = urlparse(os.environ.get("WANDB_BASE_URL", HOSTED)).hostname
    path = os.environ.get("NETRC", str(Path.home() / ".netrc"))
    try:
        return netrc.netrc(path).authenticators(host or "") is not None
    except (OSError, netrc.NetrcParseError):
        return False


def in_reach() -> bool:
    """Whether W&B's server answers at all, by way of a proxy where one is configured."""
    url = os.environ.get("WANDB_BASE_URL", HOSTED)
    try:
        urllib.request.urlopen(url, timeout=PATIENCE).close()
    except urllib.error.HTTPError:
        return True  # an answer, if not to this question
    except (OSError, ValueError, http.client.HTTPException):
        return False
    return True


def mode_of(offline: bool | None = None) -> Mode:
    """What becomes of what is logged; ``WANDB_MODE`` in the environment goes before everything.

    Args:
        offline: As it was asked for; None: offline where no key is configured.
    """
    asked = os.environ.get("WANDB_MODE")
    if asked is not None:
        return {"offline": "offline", "dryrun": "offline", "disabled": "disabled"}.get(
            asked, "online"
        )
    return "offline" if (not has_key() if offline is None else offline) else "online"
