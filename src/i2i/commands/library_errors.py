"""What Hydra, OmegaConf and Lightning say no to, in the words of this project."""

import importlib.util
import re

from i2i.errors import first_line, setting_error


def of_a_library(error: BaseException) -> str:
    """The text of an error that a library raised, with the option at fault where it tells one."""
    from lightning.fabric.utilities.exceptions import MisconfigurationException
    from omegaconf.errors import OmegaConfBaseException

    text = on_one_line(str(error).strip())
    if (missing := missing_extra(text)) is not None:
        return missing
    node = re.search(
        r"full_key: (?:model\.)?([^\s\\]+)", text
    )  # some errors are quoted in others, with \\n
    if unknown := re.search(
        r"(\w+)\.__init__\(\) got an unexpected keyword argument '(\w+)'",
        f"{text}\n{error.__cause__}",
    ):
        key = f"{node[1]}.{unknown[2]}" if node else unknown[2]
        return str(setting_error(
            key, f"an option that {unknown[1]} does not have", "one of its own",
            f"An experiment, another preset or a + set it: ~{key} on the command line drops it.",
        ))  # fmt: skip
    if merged := re.search(r"Error merging override (.+)\n(.*)", text):
        return str(setting_error(
            merged[1], f"what cannot be read: {merged[2]}", "a value that can",
            "Correct it. No value may have ${ in it, but ${OPTION} for that of another option.",
        ))  # fmt: skip
    if absent := re.search(r"Interpolation key '([^']+)' not found", text):
        return str(setting_error(
            node[1] if node else "options", f"${{{absent[1]}}}, and no option {absent[1]}",
            "the name of one between ${ and }", "Correct it. No value may have ${ in it otherwise.",
        ))  # fmt: skip
    if called := re.search(r"Error in call to target '[\w.]*?(\w+)'", text):
        said = first_line(error.__cause__) if error.__cause__ else text.splitlines()[1]
        key = node[1] if node else called[1]
        return str(setting_error(
            key, f"values that do not work together: {said}", f"what {called[1]} takes",
            f"Correct {key}.* on the command line; I2I_TRACEBACK=1 shows where.",
        ))  # fmt: skip
    if isinstance(error, MisconfigurationException):
        return str(setting_error(
            "trainer, callbacks", f"options that do not work together: {first_line(error)}",
            "what Lightning takes", "Correct them; I2I_TRACEBACK=1 shows where.",
        ))  # fmt: skip
    if isinstance(error, OmegaConfBaseException):
        return str(setting_error(
            node[1] if node else "options", f"what cannot be read: {first_line(error)}",
            "a value that can", "Correct it; --cfg=job shows all options.",
        ))  # fmt: skip
    return f"{text}\n{str(error.__cause__).strip()}" if error.__cause__ else text


def missing_extra(text: str) -> str | None:
    """What to install, where an error is about a package of the extra ``sweep``.

    Args:
        text: Hydra's message.
    """
    name = re.search(r"Could not find '(hydra/\w+)/(optuna|joblib|submitit_\w+)'", text)
    if name is not None:
        setting, package = f"{name[1]}={name[2]}", f"plugin of Hydra for {name[2]}"
    elif "Error locating target 'optuna." in text and importlib.util.find_spec("optuna") is None:
        setting, package = "callbacks=pruning", "package optuna"
    else:
        return None
    expected = "the extra `sweep`, which brings it"
    todo = "Install it, in a clone with pip install -e '.[sweep]'."
    return str(setting_error(setting, f"no {package}", expected, todo))


def on_one_line(text: str) -> str:
    """Puts Hydra's list of choices, one a line, on one line, and leaves its search path out."""
    text = text.split("\nConfig search path:")[0].rstrip()
    return re.sub(
        r":\n((?:\t\S.*(?:\n|$))+)", lambda found: ": " + ", ".join(found[1].split()), text
    )
