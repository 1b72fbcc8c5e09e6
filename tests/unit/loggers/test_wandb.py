"""W&B: never a login prompt, offline where no key is, one run over resumes."""

import os
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from inspect import signature
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from i2i.errors import SettingError
from i2i.loggers import wandb as module
from i2i.loggers.wandb import make_wandb_logger
from i2i.loggers.wandb_id import id_of_run
from i2i.loggers.wandb_server import has_key
from wandb_file import read_run

IN_REACH = module.in_reach  # asks the network


@pytest.fixture(autouse=True)
def nothing_configured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("WANDB_API_KEY", "WANDB_BASE_URL", "WANDB_MODE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(module, "in_reach", lambda: True)
    configure(monkeypatch, "https://api.wandb.ai")


def configure(monkeypatch: pytest.MonkeyPatch, address: str, key: str | None = None) -> None:
    """W&B's settings, which it reads once in a process."""
    import wandb

    found = SimpleNamespace(settings=SimpleNamespace(base_url=address, api_key=key))
    monkeypatch.setattr(wandb, "setup", lambda: found)


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    texts: list[str] = []
    monkeypatch.setattr(module, "say", texts.append)
    return texts


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What wandb.init is called with, and the mode that the environment asks for then."""
    import wandb

    calls: list[dict[str, Any]] = []

    def init(**options: Any) -> None:
        calls.append(options | {"env": os.environ.get("WANDB_MODE")})

    init.__signature__ = signature(wandb.init)
    monkeypatch.setattr(wandb, "run", None)
    monkeypatch.setattr(wandb, "init", init)
    return calls


def write_netrc(tmp_path: Path, host: str) -> None:
    (tmp_path / "netrc").write_text(f"machine {host}\n  login user\n  password {'0' * 40}\n")


def test_a_key_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not has_key()
    monkeypatch.setenv("WANDB_API_KEY", "0" * 40)
    assert has_key()


def test_a_key_in_the_netrc_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_netrc(tmp_path, "github.com")
    assert not has_key()
    write_netrc(tmp_path, "api.wandb.ai")
    assert has_key()
    monkeypatch.setenv("WANDB_BASE_URL", "https://wandb.example.org:8080")
    assert not has_key()
    write_netrc(tmp_path, "wandb.example.org")
    assert has_key()


def test_keys_are_looked_for_where_wandb_has_its_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server of one's own, which `wandb login --host` has noted; and W&B's new address."""
    write_netrc(tmp_path, "wandb.corp.example")
    assert not has_key()
    configure(monkeypatch, "https://wandb.corp.example")
    assert has_key()
    configure(monkeypatch, "https://api.forge.coreweave.com")
    assert not has_key()
    for host in ("api.forge.coreweave.com", "api.wandb.ai"):
        write_netrc(tmp_path, host)
        assert has_key()
    configure(monkeypatch, "https://wandb.corp.example", key="0" * 40)
    assert has_key()
    monkeypatch.setattr("wandb.setup", lambda: 1 / 0)  # a setting that is none stops no run
    assert not has_key()


@pytest.mark.parametrize(("mode", "offline"), [("online", None), (None, False), ("shared", False)])
def test_without_a_key_nobody_is_asked_for_one(
    mode: str | None, offline: bool | None, tmp_path: Path, said: list[str], started: list[dict],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    if mode:
        monkeypatch.setenv("WANDB_MODE", mode)
    _ = make_wandb_logger(str(tmp_path / "run"), "p", offline=offline).experiment
    assert started[0]["mode"] == "offline"
    assert "stays offline (no key" in said[0]


def test_the_netrc_file_of_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NETRC")
    write_netrc(tmp_path, "api.wandb.ai")
    (tmp_path / "netrc").rename(tmp_path / ".netrc")
    assert has_key()


def test_a_user_without_a_home_folder_has_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """A container may give a number to whom it runs as, and nothing more."""

    def unknown(number: int) -> None:
        raise KeyError(f"getpwuid(): uid not found: {number}")

    pytest.importorskip("pwd")
    for name in ("NETRC", "HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pwd.getpwuid", unknown)
    assert not has_key()


def test_a_netrc_file_that_cannot_be_read_is_no_key(tmp_path: Path) -> None:
    (tmp_path / "netrc").write_text("machine\npassword password\nbroken")
    assert not has_key()


def test_without_a_key_a_run_is_offline_and_says_how_to_upload(
    tmp_path: Path, said: list[str], started: list[dict]
) -> None:
    _ = make_wandb_logger(str(tmp_path / "run"), "p").experiment
    (call,) = started
    assert call["mode"] == "offline"
    (text,) = said
    assert "no key" in text and "wandb login" in text
    assert f"wandb sync {tmp_path / 'run' / 'wandb'}/offline-run-*" in text


def test_the_command_to_upload_can_be_typed_as_it_is_said(
    tmp_path: Path, said: list[str], started: list[dict]
) -> None:
    _ = make_wandb_logger(str(tmp_path / "a #1"), "p").experiment
    assert f"wandb sync '{tmp_path / 'a #1' / 'wandb'}'/offline-run-*" in said[0]


def test_with_a_key_a_run_is_online_and_can_be_taken_up(
    tmp_path: Path, said: list[str], started: list[dict], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANDB_API_KEY", "0" * 40)
    logger = make_wandb_logger(str(tmp_path), "p", name="n", group="g", tags=["t"])
    _ = logger.experiment
    (call,) = started
    assert call["mode"] == "online"
    assert call["resume"] == "allow"
    assert (call["project"], call["name"], call["group"], call["tags"]) == ("p", "n", "g", ["t"])
    assert said == []


@pytest.mark.parametrize(
    ("mode", "offline"),
    [("online", True), ("disabled", True), ("offline", False), ("disabled", None)],
)
def test_the_environments_mode_goes_before_the_option(
    tmp_path: Path, started: list[dict], monkeypatch: pytest.MonkeyPatch, mode: str,
    offline: bool | None,
) -> None:  # fmt: skip
    monkeypatch.setenv("WANDB_MODE", mode)
    monkeypatch.setenv("WANDB_API_KEY", "0" * 40)
    _ = make_wandb_logger(str(tmp_path), "p", offline=offline).experiment
    assert started[0]["mode"] == mode


def test_a_resumed_run_has_the_id_of_the_first_and_other_runs_have_their_own(
    tmp_path: Path, started: list[dict]
) -> None:
    for folder in ("a", "a", "b"):
        _ = make_wandb_logger(str(tmp_path / folder), "p").experiment
    ids = [call["id"] for call in started]
    assert ids[0] == ids[1] != ids[2]
    assert (tmp_path / "a" / "wandb_id.txt").read_text() == ids[0]


@pytest.mark.parametrize("content", [b"", b"../../x", b"a b", b"\xff\xfe", b"x" * 5000, b"\x1b[2J"])
def test_an_id_that_is_none_is_replaced(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "wandb_id.txt").write_bytes(content)
    found = id_of_run(tmp_path)
    assert found == id_of_run(tmp_path) == (tmp_path / "wandb_id.txt").read_text()
    assert len(found) == 8


def test_a_link_called_wandb_id_is_not_written_through(tmp_path: Path) -> None:
    for target in ("mine", "nothing"):
        (tmp_path / "mine").write_text("not an id")
        (tmp_path / "wandb_id.txt").unlink(missing_ok=True)
        (tmp_path / "wandb_id.txt").symlink_to(tmp_path / target)
        assert len(id_of_run(tmp_path)) == 8
        assert (tmp_path / "mine").read_text() == "not an id"
        assert not (tmp_path / "nothing").exists()


@pytest.fixture
def server() -> Iterator[str]:
    """Answers every question with an error."""

    class Refuses(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_error(501)

        do_POST = do_GET

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Refuses) as http:
        threading.Thread(target=http.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{http.server_port}"
        http.shutdown()


def test_a_server_that_does_not_answer_leaves_the_run_offline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: list[str], started: list
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]  # nobody listens there
    monkeypatch.setattr(module, "in_reach", IN_REACH)
    monkeypatch.setenv("WANDB_API_KEY", "0" * 40)
    monkeypatch.setenv("WANDB_BASE_URL", f"http://127.0.0.1:{port}")
    make_wandb_logger(str(tmp_path), "p").experiment  # noqa: B018
    assert said[0] == "W&B does not answer: this run stays offline"
    assert started[0]["mode"] == "offline" and started[0]["env"] is None  # of later jobs, too


def test_a_server_that_refuses_a_run_leaves_it_offline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: list[str], server: str
) -> None:
    import wandb

    calls: list[dict[str, Any]] = []

    def init(**options: Any) -> str:
        calls.append(options)
        if len(calls) == 1:
            raise wandb.errors.CommError("501 <html>\n...")
        return "a run"

    monkeypatch.setattr(module, "in_reach", IN_REACH)
    monkeypatch.setenv("WANDB_API_KEY", "0" * 40)
    monkeypatch.setenv("WANDB_BASE_URL", server)
    monkeypatch.setattr(wandb, "run", None)
    monkeypatch.setattr(wandb, "init", init)
    monkeypatch.setattr(wandb, "teardown", lambda: None)
    logger = make_wandb_logger(str(tmp_path), "p")
    assert logger.experiment == "a run"
    assert said == ["W&B does not take this run (501 <html>): it stays offline"]
    assert calls[0]["resume"] == "allow"
    assert "resume" not in calls[1]
    assert "WANDB_MODE" not in os.environ  # later jobs of the process may find the server again


def test_a_run_goes_on_when_wandb_goes_away(tmp_path: Path, said: list[str]) -> None:
    class Gone:
        def __getattr__(self, name: str) -> Any:
            raise BrokenPipeError("the service is gone")

    logger = make_wandb_logger(str(tmp_path), "p", offline=True)
    said.clear()
    logger._experiment = Gone()
    logger.log_metrics({"a": 1.0}, 1)
    logger.log_metrics({"a": 2.0}, 2)
    logger.log_image("x", [])
    logger.alert("an alarm", "in words")
    assert said == ["W&B went away (the service is gone): the run goes on without it"]


def test_an_alarm_that_cannot_be_sent_stops_nothing(tmp_path: Path, said: list[str]) -> None:
    sent: list[dict[str, str]] = []

    class Run:
        def alert(self, **alarm: str) -> None:
            sent.append(alarm)
            if len(sent) == 2:
                raise TimeoutError("no answer")

    logger = make_wandb_logger(str(tmp_path), "p", offline=True)
    said.clear()
    logger._experiment = Run()
    for text in ("one", "two", "three"):
        logger.alert("an alarm", text)
    assert [alarm["text"] for alarm in sent] == ["one", "two"]
    assert said == ["W&B went away (no answer): the run goes on without it"]


def test_options_are_passed_on_or_named(tmp_path: Path, started: list) -> None:
    make_wandb_logger(str(tmp_path), "p", entity="e", notes="n", job_type="j").experiment  # noqa: B018
    assert [started[0][key] for key in ("entity", "notes", "job_type")] == ["e", "n", "j"]
    with pytest.raises(SettingError, match=r"logger\.wandb\.entty: .*Did you mean .*entity\?"):
        make_wandb_logger(str(tmp_path), "p", entty="e")


def test_a_model_is_sent_as_asked_or_the_choice_is_named(tmp_path: Path, said: list[str]) -> None:
    assert make_wandb_logger(str(tmp_path), "p", log_model="best").log_best
    assert not make_wandb_logger(str(tmp_path), "p", log_model=True).log_best
    assert said[-1] == "logger.wandb.log_model=True needs a run online; log_model=best does not"
    with pytest.raises(SettingError, match=r"logger\.wandb\.log_model=bset: .*one of false, best"):
        make_wandb_logger(str(tmp_path), "p", log_model="bset")


def test_the_tested_checkpoint_goes_with_its_scores(tmp_path: Path) -> None:
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "best.ckpt").write_bytes(b"x" * 1000)
    (tmp_path / "config.yaml").write_text("seed: 0\n")
    logger = make_wandb_logger(str(tmp_path), "p", offline=True, log_model="best")
    scores = {"model (best.ckpt)": {"l1": 12.5}, "mean training target": {"l1": 10.0}}
    head = "step,train/images_per_second,train/images_seen\n"
    (tmp_path / "metrics.csv").write_text(f"{head}10,8.0,40\n20,4.0,80\n")
    result = {"checkpoint": str(tmp_path / "checkpoints" / "best.ckpt"), "scores": scores}
    logger.log_result(result | {"units": {"l1": "0-255"}, "protocol": {}, "n_images": 3}, {})
    logger.experiment.finish()
    found = read_run(tmp_path)
    artifact = found["artifacts"]["model"]
    assert artifact["files"] == {"best.ckpt": 1000, "config.yaml": 8}
    assert artifact["metadata"]["scores"] == scores and "best" in artifact["aliases"]
    assert found["config"]["units"] == {"l1": "0-255"} and found["config"]["n_images"] == 3
    assert found["summary"]["reference/mean_training_target/l1"] == 10
    assert found["summary"]["train/seconds"] == 40 / 8 + 40 / 4
    assert not any("model" in name for name in found["summary"])


@pytest.mark.parametrize(
    ("sweep", "run", "taken"),
    [("s1", "abc123", True), ("", "abc123", False), ("s1", "../x", False)],
)
def test_a_run_of_an_agent_has_the_id_that_the_agent_waits_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sweep: str, run: str, taken: bool
) -> None:
    monkeypatch.setenv("WANDB_SWEEP_ID", sweep)
    monkeypatch.setenv("WANDB_RUN_ID", run)
    found = id_of_run(tmp_path)
    assert (found == run) == taken
    monkeypatch.delenv("WANDB_SWEEP_ID")
    assert id_of_run(tmp_path) == found
