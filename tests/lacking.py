"""A pytest plugin: the package sees a system that lacks what only Linux, or only Unix, has.

``PYTHONPATH=tests pytest -p lacking --without=windows tests/unit`` (or macos). What other packages
import stays theirs; loading processes are spawned, as both systems start them. For Windows, the
package can replace no file that is open.
"""

import builtins
import multiprocessing
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

LINUX = {
    "os": {"sched_getaffinity", "sched_setaffinity", "memfd_create", "MFD_CLOEXEC", "pidfd_open",
           "posix_fadvise", "copy_file_range", "sendfile", "O_TMPFILE", "getrandom"},
    "signal": {"pidfd_send_signal", "sigtimedwait", "SIGPWR", "SIGRTMIN"},
}  # fmt: skip
UNIX = {
    "os": {
        "fork", "forkpty", "getuid", "geteuid", "getgid", "getegid", "getgroups", "chown", "fchmod",
        "fchown", "killpg", "getpgid", "setsid", "statvfs", "sysconf", "uname", "mkfifo", "nice",
        "getloadavg", "O_NOFOLLOW", "O_DIRECTORY", "O_CLOEXEC", "wait3", "WNOHANG", "posix_spawn",
        "pread", "pwrite", "lockf", "sync", "fchdir", "chroot", "getpriority",
    },
    "signal": {
        "SIGUSR1", "SIGUSR2", "SIGHUP", "SIGKILL", "SIGALRM", "SIGCHLD", "SIGSTOP", "SIGCONT",
        "SIGQUIT", "SIGPIPE", "SIGXCPU", "alarm", "setitimer", "pause", "sigwait",
        "pthread_sigmask", "pthread_kill", "siginterrupt",
    },
    "multiprocessing.reduction": {"DupFd"},
    "socket": {"AF_UNIX"},
    "time": {"tzset"},
}  # fmt: skip
UNIX_MODULES = {"fcntl", "resource", "pwd", "grp", "termios", "tty", "pty", "syslog", "posix"}
IMPORT, REPLACE = builtins.__import__, os.replace


class Lacking:
    """A module without some of its names; what is set here is set there."""

    __slots__ = ("_names", "_real")

    def __init__(self, real: ModuleType, names: set[str]):
        object.__setattr__(self, "_real", real)
        object.__setattr__(self, "_names", names)

    @property
    def __dict__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self._real).items() if name not in self._names}

    def __getattr__(self, name: str) -> Any:
        if name in self._names:
            raise AttributeError(f"module {self._real.__name__!r} has no attribute {name!r}")
        return getattr(self._real, name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._real, name, value)

    def __delattr__(self, name: str) -> None:
        delattr(self._real, name)


def of_package(name: str) -> bool:
    """Whether a module is one of the package."""
    return name.partition(".")[0] == "i2i"


def install(system: str) -> None:
    """From here on, modules of the package find what the system has.

    Args:
        system: macos or windows.
    """
    names = {name: set(lacking) for name, lacking in LINUX.items()}
    modules: set[str] = set()
    if system == "windows":
        modules = UNIX_MODULES
        for name, lacking in UNIX.items():
            names[name] = names.get(name, set()) | lacking
        os.replace = replace
    proxies = {name: Lacking(IMPORT(name, fromlist=["x"]), names[name]) for name in names}

    def find(name: str, globals: Any = None, locals: Any = None, fromlist: Any = (), level=0):
        if level or not of_package((globals or {}).get("__name__", "")):
            return IMPORT(name, globals, locals, fromlist, level)
        if name.partition(".")[0] in modules:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        found = IMPORT(name, globals, locals, fromlist, level)
        return proxies.get(found.__name__, found)

    builtins.__import__ = find
    multiprocessing.set_start_method("spawn", force=True)


def replace(source: Any, target: Any, **options: Any) -> None:
    """``os.replace`` as Windows has it, where the package calls it."""
    frame = sys._getframe(1)
    while frame and frame.f_globals.get("__name__") in ("pathlib", "shutil"):
        frame = frame.f_back
    if frame and of_package(frame.f_globals.get("__name__", "")):
        for path in (source, target):
            if os.path.realpath(path) in open_files():
                raise PermissionError(13, "Used by another process, as Windows says", str(path))
    REPLACE(source, target, **options)


def open_files() -> set[str]:
    """Paths that this process has open or mapped."""
    found = {os.path.realpath(link) for link in Path("/proc/self/fd").iterdir()}
    maps = Path("/proc/self/maps").read_text().splitlines()
    return found | {words[5] for line in maps if len(words := line.split(maxsplit=5)) == 6}


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--without=windows`` or ``--without=macos``."""
    parser.addoption("--without", choices=("macos", "windows"), help="what the package lacks")


def pytest_configure(config: pytest.Config) -> None:
    """Before a module of the package is imported."""
    if system := config.getoption("--without"):
        early = [name for name in sys.modules if of_package(name)]
        assert not early, f"imported before their system was changed: {early}"
        install(system)
