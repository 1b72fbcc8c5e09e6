"""Whether networks of several files are those of one training."""

from i2i.errors import setting_error
from i2i.imported.network import Network


def require_twin(network: Network, first: Network, setting: str, option: str) -> None:
    """Refuses another architecture than that of the network which a system has twice.

    Args:
        network: The second one.
        first: The first one.
        setting: What the second one's file is called in errors.
        option: What names the first one's file.

    Raises:
        SettingError: They differ, beside their channels.
    """
    if (network.kind, network.options) != (first.kind, first.options) or (
        network.dropout != first.dropout
    ):
        raise setting_error(
            setting, f"a {network.words()}", f"the network of {option}, a {first.words()}",
            "Give both networks of one training.",
        )  # fmt: skip


def require_way_back(back: Network, there: Network, setting: str) -> None:
    """Refuses a generator that does not translate what the other one makes.

    Raises:
        SettingError: Its channels are not those of the other one, exchanged.
    """
    if (back.inputs, back.outputs) != (there.outputs, there.inputs):
        raise setting_error(
            setting, f"channels {back.inputs} -> {back.outputs}",
            f"{there.outputs} -> {there.inputs}", "Give both generators of one training.",
        )  # fmt: skip


def is_shown_inputs(judge: Network, x: int, y: int, system: str, setting: str) -> bool:
    """Whether a discriminator sees what a picture was made from beside the picture.

    Args:
        judge: The discriminator.
        x: Channels of what pictures are made from.
        y: Channels of the pictures.
        system: pix2pix, whose discriminator sees both, or cyclegan, whose sees the picture.
        setting: What its file is called in errors.

    Raises:
        SettingError: It takes another number of channels.
    """
    fits = {x + y: True, y: False} if system == "pix2pix" else {y: False}
    if judge.inputs not in fits:
        raise setting_error(
            setting, f"a discriminator that takes {judge.inputs} channels",
            f"one that takes {' or '.join(map(str, fits))}, as that of model={system}",
            "Give the discriminator of the same training, or name the system (model=).",
        )  # fmt: skip
    return fits[judge.inputs]
