"""Whether the state of a training in a checkpoint can be restored, before anything is written.

Lightning and torch take up whatever stands there. What is of another type ends a run somewhere
later, and an optimizer whose averages are gone goes on in silence, as another run.
"""

import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from i2i.errors import SettingError, first_line, setting_error

OF_LIGHTNING = (
    "pytorch-lightning_version", "loops", "callbacks", "optimizer_states", "lr_schedulers"
)  # fmt: skip
DEEPEST = 32  # nodes below one another that are looked at
STEPS = "epoch_loop.manual_optimization.optim_step_progress"  # Lightning's count of updates of G


def without_values(node: Any, depth: int = 0) -> Any:
    """A node of a checkpoint whose tensors have their shapes alone; nothing below ``DEEPEST``."""
    if isinstance(node, Mapping):
        node = {k: without_values(v, depth + 1) for k, v in node.items() if depth < DEEPEST}
    elif isinstance(node, list | tuple):
        node = type(node)([without_values(v, depth + 1) for v in node if depth < DEEPEST])
    return node.to("meta") if hasattr(node, "to") else node


def whole_epochs(content: dict[str, Any]) -> int:
    """Epochs that were trained to their end, by Lightning's own note; 0 where there is none.

    Lightning counts an epoch as completed only after the checkpoint at its end is saved.
    """
    try:
        return int(content["loops"]["fit_loop"]["epoch_progress"]["current"]["processed"])
    except (KeyError, TypeError, ValueError):
        return 0


def require_restorable(checkpoint: Any, trainer: Any, config: Mapping[str, Any]) -> None:
    """Refuses a checkpoint whose loops, callbacks, optimizers or schedules are not a run's.

    Args:
        checkpoint: What the run goes on from; see ``config.checkpoint``.
        trainer: That of the run, which has not begun.
        config: The resolved configuration, which says which optimizers there are.

    Raises:
        SettingError: A part is missing or of another type, or optimizers lost their averages.
    """
    odd = next(oddities(checkpoint, trainer, config), None)
    if odd is not None:
        raise damaged(checkpoint.path, odd)


def damaged(path: Path | str, what: str) -> SettingError:
    """The error of a training's state that cannot be taken up."""
    return setting_error(
        f"resume={path}", f"a damaged state of the training ({what})", "what a run writes",
        f"Use another checkpoint of the run, or begin a new run from its weights: init_from={path}",
    )  # fmt: skip


@contextmanager
def restoring(path: Path | str) -> Iterator[None]:
    """Lets what Lightning raises while it takes up a checkpoint speak as damage of that file.

    Raises:
        SettingError: It did.
    """
    try:
        yield
    except (SettingError, OSError):
        raise
    except Exception as error:  # of many kinds
        frames = traceback.extract_tb(error.__traceback__)
        if not any(
            Path(frame.filename).name == "checkpoint_connector.py" and "re" in frame.name[:3]
            for frame in frames  # restore_*, _restore_*, resume_*
        ):
            raise
        raise damaged(path, first_line(error)) from error


def oddities(checkpoint: Any, trainer: Any, config: Mapping[str, Any]) -> Iterator[str]:
    """What in a training's state is not as a run writes it; see ``require_restorable``."""
    state = checkpoint.training
    version = state.get("pytorch-lightning_version")
    if not isinstance(version, str) or not version[:1].isdigit():
        yield "pytorch-lightning_version"
    loop = state["loops"].get("fit_loop") if isinstance(state["loops"], Mapping) else None
    yield from alike(trainer.fit_loop.state_dict(), loop, "loops.fit_loop", whole=True)
    if loop[STEPS]["total"]["completed"] != checkpoint.step:
        yield f"loops.fit_loop.{STEPS}, of another step than global_step"
    if not isinstance(state["callbacks"], Mapping):
        yield "callbacks"
    for callback in trainer.callbacks:
        if callback.state_key in state["callbacks"]:
            found = state["callbacks"][callback.state_key]
            yield from alike(callback.state_dict(), found, f"callbacks.{type(callback).__name__}")
    yield from of_optimizers(state, config)


def of_optimizers(state: Mapping[str, Any], config: Mapping[str, Any]) -> Iterator[str]:
    """What in the states of optimizers and schedules is not as a run of these options has it."""
    optimizers, schedules = state["optimizer_states"], state["lr_schedulers"]
    if not isinstance(optimizers, list) or not optimizers:
        yield "optimizer_states"
    if not isinstance(schedules, list) or len(schedules) != len(optimizers):
        yield "lr_schedulers"
    usual = [stepped(node, config["scheduler"]) for node in config["optimizer"].values()]
    names = set.intersection(*(its_names for _, its_names, _ in usual))
    for place, (optimizer, schedule) in enumerate(zip(optimizers, schedules, strict=True)):
        one, two = f"optimizer_states[{place}]", f"lr_schedulers[{place}]"
        if not isinstance(schedule, Mapping) or not is_count(schedule.get("last_epoch")):
            yield f"{two}.last_epoch"
        yield from of_moments(optimizer, names, schedule["last_epoch"], one)
        odd = [  # of several optimizers' options any may be those of this one
            [*alike(its_groups, optimizer["param_groups"], f"{one}.param_groups"),
             *alike(its_schedule, schedule, two)]
            for its_groups, _, its_schedule in usual
        ]  # fmt: skip
        yield from min(odd, key=len)


def of_moments(optimizer: Any, names: set[str], steps: int, where: str) -> Iterator[str]:
    """What is odd in the state of one optimizer.

    Args:
        optimizer: The state.
        names: What it keeps of a weight.
        steps: How many it has made.
        where: Its name.
    """
    kept = optimizer.get("state") if isinstance(optimizer, Mapping) else None
    if not isinstance(kept, Mapping) or not isinstance(optimizer.get("param_groups"), list):
        yield where
    for group in optimizer["param_groups"]:
        if not isinstance(group, Mapping) or not {"lr", "params"} <= group.keys():
            yield f"{where}.param_groups"
        if not isinstance(group["params"], list) or not all(map(is_count, group["params"])):
            yield f"{where}.param_groups.params"
    if names and steps and not kept:
        yield f"{where}.state, which is empty after {steps} steps"
    for number, values in kept.items():
        if not is_count(number) or not isinstance(values, Mapping) or names - values.keys():
            yield f"{where}.state[{number}]"
        if not all(is_plain(value, dimensions=9) for value in values.values()):
            yield f"{where}.state[{number}]"


def stepped(node: Any, scheduler: Any) -> tuple[list[Any], set[str], dict[str, Any]]:
    """Options, names of what is kept of a weight, and schedule of an optimizer after a step."""
    import torch
    from hydra.utils import instantiate

    weight = torch.nn.Parameter(torch.zeros(1))
    optimizer = instantiate(node)([weight])
    schedule = instantiate(scheduler)(optimizer, total_steps=1)
    weight.grad = torch.zeros(1)
    with suppress(TypeError):  # of one that asks for more than gradients
        optimizer.step()
    state = optimizer.state_dict()
    kept = {name for name, value in state["state"].get(0, {}).items() if value is not None}
    groups = [{k: v for k, v in g.items() if k != "params"} for g in state["param_groups"]]
    return groups, kept, schedule.state_dict()


def alike(usual: Any, found: Any, where: str, whole: bool = False) -> Iterator[str]:
    """The places where a value has another type than the usual one.

    Args:
        usual: What a run that begins would write.
        found: What stands in a file.
        where: Its name.
        whole: Whether all keys are the same, and all numbers count something.
    """
    if isinstance(usual, Mapping):
        fits = isinstance(found, Mapping) and (not whole or usual.keys() == found.keys())
        fits = fits and (
            usual or all(is_plain(v) or isinstance(v, Mapping) for v in found.values())
        )
        if not fits:
            yield where
            return
        for key in usual.keys() & found.keys():
            yield from alike(usual[key], found[key], f"{where}.{key}", whole)
    elif isinstance(usual, list | tuple):
        if not isinstance(found, list | tuple) or (usual and len(usual) != len(found)):
            yield where
            return
        for place, (one, two) in enumerate(zip(usual, found, strict=False)):
            yield from alike(one, two, f"{where}[{place}]", whole)
    elif not same_kind(usual, found, whole):
        yield where


def same_kind(usual: Any, found: Any, whole: bool) -> bool:
    """Whether a single value is of the usual kind; nothing and a number may change places."""
    if isinstance(usual, bool):
        return isinstance(found, bool) or (found is None and not whole)
    if isinstance(usual, str):
        return isinstance(found, str)
    if usual is None or isinstance(usual, int | float):
        return is_count(found) if whole else is_plain(found)
    return getattr(found, "ndim", None) == getattr(usual, "ndim", None)


def is_plain(value: Any, dimensions: int = 0) -> bool:
    """Whether it is nothing, a number, or a tensor of at most some dimensions."""
    return value is None or isinstance(value, int | float) or (
        getattr(value, "ndim", dimensions + 1) <= dimensions
    )  # fmt: skip


def is_count(value: Any) -> bool:
    """Whether it is a whole number, 0 or more."""
    return type(value) is int and 0 <= value < 2**63
