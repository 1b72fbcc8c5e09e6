"""Options that commands have in other places, taken by one word in all of them."""

from collections.abc import Sequence

from i2i.resources import root_dir

# At the top in commands that work on one device; among the options of a Trainer in those with one.
AT_THE_TOP = ("accelerator",)
OF_A_TRAINER = "trainer."


def in_own_words(options: Sequence[str], config_name: str) -> list[str]:
    """Calls options as a command has them, where they were typed as another command has them.

    Args:
        options: The command line.
        config_name: The command's: config, evaluate, translate and so on.
    """
    from omegaconf import OmegaConf

    own = [*options]
    for place, option in enumerate(options):
        key, equals, value = option.partition("=")
        word = key.removeprefix(OF_A_TRAINER)
        if not equals or word not in AT_THE_TOP:
            continue
        known = OmegaConf.load(root_dir() / "conf" / f"{config_name}.yaml")
        if word in known:
            own[place] = f"{word}={value}"
        elif any("trainer" in default for default in known.defaults if default != "_self_"):
            own[place] = f"{OF_A_TRAINER}{word}={value}"
    return own
