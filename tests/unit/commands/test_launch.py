"""Errors that a user can mend are one readable screen; the others keep their traceback."""

import errno
import logging
from collections.abc import Callable
from pathlib import Path

import pytest
from hydra.errors import HydraException, InstantiationException
from lightning.fabric.utilities.exceptions import MisconfigurationException
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from conftest import CONF, ROOT
from i2i import resources
from i2i.cluster.job_processes import LOST
from i2i.commands.launch import describe, quieten, report_errors
from i2i.errors import SettingError, setting_error

WRONG = setting_error("dataset.root='x'", "nothing there", "a folder", "Check the path.")


def raising(error: BaseException, cause: BaseException | None = None) -> Callable[[], None]:
    def call() -> None:
        raise error from cause

    return call


@pytest.fixture(autouse=True)
def first_process(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LOCAL_RANK", "I2I_TRACEBACK"):
        monkeypatch.delenv(name, raising=False)


def screen(capsys: pytest.CaptureFixture, call: Callable[[], None]) -> str:
    """What a mendable error prints on its way to exit code 1."""
    with pytest.raises(SystemExit) as stop:
        report_errors(call)
    assert stop.value.code == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    return printed.err.strip()


def test_a_setting_is_reported_in_its_own_words(capsys: pytest.CaptureFixture) -> None:
    told = "dataset.root='x': found nothing there; expected a folder. Check the path."
    assert screen(capsys, raising(WRONG)) == told


def test_a_setting_is_found_behind_other_errors(capsys: pytest.CaptureFixture) -> None:
    """Hydra wraps what a constructor raises; a wrapper may be wrapped again."""
    inner = InstantiationException("Error in call to target 'i2i.x.Y'")
    inner.__cause__ = WRONG
    assert screen(capsys, raising(HydraException("outer"), inner)) == str(WRONG)


def test_the_traceback_of_a_loader_process_is_left_out(capsys: pytest.CaptureFixture) -> None:
    text = (
        "Caught SettingError in DataLoader worker process 0.\nOriginal Traceback (most recent call "
        f'last):\n  File "x.py", line 1, in f\ni2i.errors.SettingError: {WRONG}\n'
    )
    assert screen(capsys, raising(SettingError(text))) == str(WRONG)


@pytest.mark.parametrize(
    ("error", "named"),
    [
        (HydraException("Could not find 'generator/unett'"), "generator/unett"),
        (OmegaConfBaseException("Missing mandatory value: checkpoint"), "checkpoint"),
        (FileNotFoundError(errno.ENOENT, "No such file", "/no/such.png"), "/no/such.png"),
        (NotADirectoryError(errno.ENOTDIR, "Not a directory", "/a/b"), "/a/b"),
        (FileExistsError(errno.EEXIST, "File exists", "/a/b"), "/a/b"),
        (PermissionError(errno.EACCES, "Permission denied", "/a/b"), "/a/b: found no permission"),
        (
            OSError(errno.ENOSPC, "No space left on device", "/a/b"),
            "/a/b: found no way to write there (No space left on device); expected room. Make room",
        ),
        (OSError(errno.ENOSPC, "No space left on device"), "the disk that is written to: found no"),
        (OSError(errno.EROFS, "Read-only file system", "/a"), "/a: found no way to write there"),
        (MisconfigurationException("0.01 * 8 < 1. Try more"), "0.01 * 8 < 1. Try more"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_what_a_user_can_mend(capsys: pytest.CaptureFixture, error: Exception, named: str) -> None:
    text = screen(capsys, raising(error))
    assert named in text and "Traceback" not in text


@pytest.mark.parametrize(
    "error", [RuntimeError("shapes"), KeyError("x"), OSError(errno.ECONNRESET, "Reset by peer")]
)
def test_other_errors_keep_their_traceback(error: Exception) -> None:
    with pytest.raises(type(error)):
        report_errors(raising(error))


def test_a_traceback_can_be_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("I2I_TRACEBACK", "1")
    with pytest.raises(SettingError):
        report_errors(raising(WRONG))


LAUNCHED = {"lightning": {"LOCAL_RANK": "1"}, "torchrun": {"TORCHELASTIC_RUN_ID": "x", "RANK": "1"}}


@pytest.mark.parametrize("launcher", LAUNCHED)
def test_an_error_of_another_process_alone_is_told_after_the_first_had_its_time(
    capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch, launcher: str
) -> None:
    """With an error of all the first one prints it, and ends the others while they wait."""
    for name, value in LAUNCHED[launcher].items():
        monkeypatch.setenv(name, value)
    printed: list[str] = []
    monkeypatch.setattr("time.sleep", lambda _: printed.append(capsys.readouterr().err))
    assert screen(capsys, raising(WRONG)) == f"Process 1: {WRONG}"
    assert printed == [""]
    with pytest.raises(KeyError):
        report_errors(raising(KeyError("x")))  # its traceback, too, waits
    assert printed == [""] * 2


@pytest.mark.parametrize("rank", ["0", "1"])
def test_a_process_that_lost_another_says_so_in_a_line_and_at_once(
    capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch, rank: str
) -> None:
    monkeypatch.setenv("LOCAL_RANK", rank)
    monkeypatch.setattr("time.sleep", None)
    lost = RuntimeError("[gloo/gloo/transport/tcp/pair.cc:534] Connection closed by peer [::1]:5")
    assert screen(capsys, raising(lost)) == f"Process {rank}: {LOST}"
    assert screen(capsys, raising(HydraException("outer"), lost)) == f"Process {rank}: {LOST}"


def test_the_first_process_ends_the_others_once_it_has_told(
    capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: list[str] = []
    monkeypatch.setattr(
        "i2i.commands.launch.end_step_at_exit", lambda: ended.append(capsys.readouterr().err)
    )
    screen(capsys, raising(WRONG))
    assert [text.strip() for text in ended] == [str(WRONG)]


def test_an_option_that_another_preset_left_behind_is_named_with_the_way_out() -> None:
    text = (
        "Error in call to target 'm.Patch':\nTypeError(...)\nfull_key: model.discriminator"
        "\nPatch.__init__() got an unexpected keyword argument 'n_scales'"
    )
    told = describe(HydraException(text))
    assert told.startswith("discriminator.n_scales: found an option that Patch does not have")
    assert "~discriminator.n_scales" in told


@pytest.mark.parametrize(
    ("text", "setting"),
    [
        ("In 'hydra/config': Could not find 'hydra/sweeper/optuna'\n\nAvailable options in",
         "hydra/sweeper=optuna: found no plugin"),
        ("Could not find 'hydra/launcher/submitit_slurm'", "hydra/launcher=submitit_slurm: found"),
        ("Error locating target 'optuna.pruners.MedianPruner', set env var",
         "callbacks=pruning: found no package optuna"),
    ],
    ids=["sweeper", "launcher", "pruner"],
)  # fmt: skip
def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch, text: str, setting: str) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    told = describe(HydraException(text))
    assert told.startswith(setting) and told.endswith("pip install -e '.[sweep]'.")
    assert "expected the extra `sweep`" in told


def test_a_misspelt_pruner_is_no_missing_extra() -> None:
    text = "Error locating target 'optuna.pruners.MedianPrune', set env var"
    assert describe(HydraException(text)).startswith("Error locating")


@pytest.mark.parametrize("option", ["--help", "--cfg=job"])
@pytest.mark.parametrize("name", ["train", "evaluate", "translate"])
def test_hydras_own_options_work(
    command: Callable[..., int], capsys: pytest.CaptureFixture, name: str, option: str
) -> None:
    assert command(name, *option.split("=")) == 0
    printed = capsys.readouterr().out
    assert "generator" in printed if name == "train" else "checkpoint" in printed


def test_a_missing_value_is_named(
    command: Callable[..., int], capsys: pytest.CaptureFixture
) -> None:
    assert command("evaluate") == 1
    text = capsys.readouterr().err
    assert "checkpoint" in text and "Traceback" not in text


def test_lightnings_advertisements_are_left_out(capsys: pytest.CaptureFixture) -> None:
    logger = logging.getLogger("lightning.pytorch.utilities.rank_zero")
    lightning = [logging.getLogger(n) for n in ("lightning.pytorch", "lightning.fabric")]
    before, propagate = list(logger.filters), [each.propagate for each in lightning]
    try:
        quieten()
        (added,) = [f for f in logger.filters if f not in before]
        seen = {
            text: bool(added(logger.makeRecord("x", logging.INFO, "f", 1, text, (), None)))
            for text in ("💡 Tip: try it", "GPU available: False", "W&B: no key is configured")
        }
        assert list(seen.values()) == [False, False, True]
        assert [each.propagate for each in lightning] == [False, False]
    finally:
        logger.filters[:] = before
        for each, value in zip(lightning, propagate, strict=True):
            each.propagate = value


def test_conf_is_found_beside_src_and_inside_a_wheel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert resources.root_dir() == ROOT
    assert OmegaConf.load(CONF / "config.yaml").seed == 0
    package = tmp_path / "lib" / "site-packages" / "i2i"
    monkeypatch.setattr(resources, "PACKAGE", package)
    with pytest.raises(FileNotFoundError, match=r"conf/config\.yaml.*Install the package again"):
        resources.root_dir()
    (package / "conf").mkdir(parents=True)
    (package / "conf" / "config.yaml").touch()
    assert resources.root_dir() == package
