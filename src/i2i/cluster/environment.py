"""Who started this process, and how many there are: a shell, torchrun, or SLURM's srun.

Lightning's own children are no matter of this file: they are given everything by their parent.
"""

import hashlib
import itertools
import os
import re
import sys
from datetime import datetime, timedelta
from pathlib import Path

from i2i.errors import setting_error

INTERACTIVE = ("bash", "interactive")  # names of jobs that Lightning takes for a person's shell


class Preempted(SystemExit):
    """The scheduler wants the machine back; what has to be saved is saved."""


def by_torchrun() -> bool:
    """Whether torchrun started this process."""
    return "TORCHELASTIC_RUN_ID" in os.environ


def slurm_job() -> str | None:
    """The job as ``scontrol`` and ``sacct`` call it, 12 or 12_3; None outside of SLURM."""
    if (array := os.environ.get("SLURM_ARRAY_JOB_ID")) is not None:
        return f"{array}_{os.environ['SLURM_ARRAY_TASK_ID']}"
    return os.environ.get("SLURM_JOB_ID")


def slurm_step() -> str | None:
    """The job step, e.g. 12.0; None where ``srun`` did not start this process."""
    step = os.environ.get("SLURM_STEP_ID")
    if step is None or os.environ.get("SLURM_JOB_NAME") in INTERACTIVE:
        return None
    return f"{slurm_job()}.{step}"


def launched() -> tuple[int, int] | None:
    """Processes a machine and machines; None where nobody else starts the processes.

    Raises:
        SettingError: The machines have unequal numbers of tasks.
    """
    if by_torchrun():
        local = int(os.environ["LOCAL_WORLD_SIZE"])
        return local, int(os.environ["WORLD_SIZE"]) // local
    if slurm_step() is None:
        return None
    text = os.environ.get("SLURM_STEP_TASKS_PER_NODE", "1")  # 4, 4(x2), or 4,3 where unequal
    found = re.fullmatch(r"(\d+)(?:\(x\d+\))?", text)
    if found is None:
        raise setting_error(
            "srun --ntasks", f"{text} tasks on the machines", "the same number on each",
            "Use srun --nodes=N --ntasks-per-node=M.",
        )  # fmt: skip
    return int(found[1]), int(os.environ.get("SLURM_STEP_NUM_NODES", "1"))


def processes() -> int:
    """How many processes of this job others started; 1 where this program starts them itself."""
    found = launched()
    return found[0] * found[1] if found else 1


def rank() -> int:
    """This process among all of its job, from 0."""
    if by_torchrun():
        return int(os.environ["RANK"])
    if slurm_step() is not None:
        return int(os.environ["SLURM_PROCID"])
    return int(os.environ.get("LOCAL_RANK", "0"))


def started(base: str = "") -> str:
    """A name for what was started now, the same one in all of its processes.

    Under srun it is the name of the job step, which stays when the job is requeued: a run that is
    to go on finds its folder by it.

    Args:
        base: The folder that it names a new one in.

    Returns:
        slurm/JOB.STEP, or ``moment(base)``.
    """
    step = slurm_step()  # torchrun inside a job step too
    return f"slurm/{step}" if step else moment(base)


def moment(base: str = "") -> str:
    """A name for this command that is the same in all of its processes.

    Those of torchrun are started one by one and see different clocks: the first tells the others.
    The tasks of a job step have nobody to tell them. They are known by the step and the command
    line, because one step may run several commands.

    Args:
        base: The folder that it names a new one in. Of two commands that are started there in one
            second, the later one gets another name.

    Returns:
        DATE/TIME, DATE/TIME-2 and so on, or slurm/JOB.STEP-HASH under several tasks of SLURM.

    Raises:
        SettingError: torchrun keeps no store through which the time could be told.
    """
    now = f"{datetime.now():%Y-%m-%d/%H-%M-%S}"
    if by_torchrun():
        return told_by_the_first(new_folder(base, now) if rank() == 0 else "")
    if processes() == 1:
        return new_folder(base, now)
    words = hashlib.sha256("\0".join(sys.argv).encode()).hexdigest()[:8]
    return f"slurm/{slurm_step()}-{words}"


def new_folder(base: str, name: str) -> str:
    """Makes a folder that did not exist before, and returns its name: NAME, NAME-2, ..."""
    if not base:
        return name
    for number in itertools.count(1):
        chosen = name if number == 1 else f"{name}-{number}"
        try:
            (Path(base) / chosen).parent.mkdir(parents=True, exist_ok=True)
            (Path(base) / chosen).mkdir()
        except FileExistsError:
            if not (Path(base) / name).parent.is_dir():
                return name  # a file stands in the way, of which the command tells
            continue
        except OSError:
            return name
        return chosen
    raise AssertionError  # unreachable


def suit_lightning() -> None:
    """Sets the variable that Lightning asks for, which srun sets for some of its options only."""
    if slurm_step() and (found := launched()):
        os.environ.setdefault("SLURM_NTASKS_PER_NODE", str(found[0]))


def told_by_the_first(text: str) -> str:
    """The first process's text, by way of torchrun's store."""
    if os.environ.get("TORCHELASTIC_USE_AGENT_STORE") != "True":
        raise setting_error(
            "hydra.run.dir", "torchrun without a store of its own", "one, for the folder's name",
            "Unset TORCH_DISABLE_SHARE_RDZV_TCP_STORE, or name a folder: hydra.run.dir=...",
        )  # fmt: skip
    from torch.distributed import PrefixStore, TCPStore

    address, port = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
    store = TCPStore(address, port, is_master=False, timeout=timedelta(minutes=5))
    store = PrefixStore(f"i2i/{os.environ.get('TORCHELASTIC_RESTART_COUNT', '0')}", store)
    if rank() == 0:
        store.set("started", text)
    return store.get("started").decode()  # waits until it is there


def restarts() -> int:
    """How often SLURM has started this job again."""
    return int(os.environ.get("SLURM_RESTART_COUNT", "0")) if slurm_job() else 0


def require_task() -> None:
    """Refuses what no scheduler will start again.

    Raises:
        SettingError: This is no task of a SLURM job.
    """
    if slurm_step() is None and not (by_torchrun() and slurm_job()):
        raise setting_error(
            "trainer=slurm", "a process that srun did not start", "a task of a SLURM job",
            "Start it with srun (docs/clusters.md), or use trainer=ddp.",
        )  # fmt: skip
