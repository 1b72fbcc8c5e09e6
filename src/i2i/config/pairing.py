"""``dataset.pairing``: what a system learns from, and what a data set can give."""

from typing import Any

from i2i.data.pairing_checks import pairing_of
from i2i.errors import setting_error
from i2i.messages import say


def settle_pairing(cfg: Any) -> None:
    """Gives ``dataset.pairing`` the value that the system takes, where nobody asked for one.

    Args:
        cfg: The composed configuration; its ``dataset.pairing`` is set.

    Raises:
        SettingError: The system cannot learn from what was asked, or the set cannot give it.
    """
    from hydra.utils import get_class

    data, model = cfg.dataset, get_class(cfg.model._target_)
    set_of = (data.has_pairs, data.name, data.has_labels)
    own, asked = pairing_of(None, *set_of), data.pairing
    wanted = " or ".join(model.pairings)
    if asked is not None and asked not in model.pairings:
        raise setting_error(
            f"dataset.pairing={asked}", f"model={model.__name__}, which learns from other images",
            wanted, f"Leave dataset.pairing out, or choose a model for {asked} images.",
        )  # fmt: skip
    chosen = asked or (own if own in model.pairings else model.pairings[0])
    pairing_of(chosen, *set_of)
    if chosen != own and asked is None:
        say(f"dataset.pairing={chosen}: {model.__name__} learns from {chosen} images")
    data.pairing = chosen
