"""Whether runs are sent to W&B's server: keys, the environment, and whether it answers."""

import http.client
import netrc
import os
import urllib.error
import urllib.request
from typing import Literal
from urllib.parse import urlparse

PATIENCE = 10  # seconds that W&B's server has for its first answer
# W&B's own server has a new address; a key for the old one is taken there, too, by W&B as well.
EARLIER = {"api.forge.coreweave.com": "api.wandb.ai"}
KEYS = ("WANDB_API_KEY", "WANDB_IDENTITY_TOKEN_FILE")

Mode = Literal["online", "offline", "disabled"]


def configured(name: str) -> str | None:
    """A setting as W&B finds it, in the environment or in what ``wandb login`` has written."""
    import wandb

    try:
        return getattr(wandb.setup().settings, name)
    except Exception:  # of many kinds: a setting that is none
        return None


def address() -> str:
    """Of the server. The environment is asked here, since W&B asks it once in a process."""
    return os.environ.get("WANDB_BASE_URL") or configured("base_url") or ""


def has_key() -> bool:
    """Whether a W&B key is configured: in the environment, in a setting or in the netrc file."""
    if any(map(os.environ.get, KEYS)) or configured("api_key"):
        return True
    url = urlparse(address())
    hosts = {url.netloc, url.hostname or "", EARLIER.get(url.hostname or "", "")} - {""}
    # Not Path.home(), which fails for a user without a home, as in some containers.
    path = os.environ.get("NETRC", os.path.expanduser("~/.netrc"))
    try:
        known = netrc.netrc(path)
    except (OSError, netrc.NetrcParseError):
        return False
    return any(known.authenticators(host) is not None for host in hosts)


def in_reach() -> bool:
    """Whether W&B's server answers at all, by way of a proxy where one is configured."""
    try:
        urllib.request.urlopen(address(), timeout=PATIENCE).close()
    except urllib.error.HTTPError:
        return True  # an answer, if not to this question
    except (OSError, ValueError, http.client.HTTPException):
        return False
    return True


def mode_of(offline: bool | None = None) -> Mode:
    """What becomes of what is logged; ``WANDB_MODE`` in the environment goes before ``offline``.

    Without a key nothing is sent, whatever was asked for: W&B would ask for one at a terminal, and
    the run would wait there.

    Args:
        offline: As it was asked for.
    """
    asked = os.environ.get("WANDB_MODE")
    if asked == "disabled":
        return "disabled"
    stays = offline if asked is None else asked in ("offline", "dryrun")
    return "offline" if stays or not has_key() else "online"
