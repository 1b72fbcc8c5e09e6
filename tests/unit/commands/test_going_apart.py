"""Whether a sweep of several processes goes on after a failed job."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from torch.distributed import PrefixStore, TCPStore

from i2i.commands import going_apart
from i2i.commands.going_apart import end_unless_all_failed


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Iterator[PrefixStore]:
    """What the processes tell each other; this one is the second of three of torchrun."""
    server = TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
    environment = {
        "TORCHELASTIC_RUN_ID": "x", "TORCHELASTIC_RESTART_COUNT": "2", "RANK": "1",
        "WORLD_SIZE": "3", "LOCAL_WORLD_SIZE": "3", "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(server.port),
    }  # fmt: skip
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(going_apart, "STORES", [])
    monkeypatch.setattr(going_apart, "PATIENCE", timedelta(milliseconds=300))
    yield PrefixStore("i2i/2", server)
    going_apart.STORES.clear()


def test_a_job_that_failed_everywhere_lets_the_sweep_go_on(told: PrefixStore) -> None:
    for job in (3, 5):
        for process in (0, 2):
            told.set(f"failed/{job}/{process}", "")
        end_unless_all_failed(job)
        assert told.check([f"failed/{job}/1"])


@pytest.mark.parametrize("others", [[], ["failed/3/0"], ["failed/3/0", "failed/2/2"]])
def test_one_that_did_not_ends_it(
    told: PrefixStore, capsys: pytest.CaptureFixture, others: list[str]
) -> None:
    for key in others:
        told.set(key, "")
    with pytest.raises(SystemExit) as end:
        end_unless_all_failed(3)
    assert end.value.code == 1
    assert "The sweep ends here: job 3 failed in process 1 and not in all 3" in (
        capsys.readouterr().err
    )


def test_without_a_store_it_ends(told: PrefixStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(timeout: timedelta) -> None:
        raise RuntimeError("connection refused")

    monkeypatch.setattr(going_apart, "failure_store", nobody)
    with pytest.raises(SystemExit):
        end_unless_all_failed(3)


def test_one_process_asks_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TORCHELASTIC_RUN_ID", raising=False)
    monkeypatch.delenv("SLURM_STEP_ID", raising=False)
    monkeypatch.setattr(going_apart, "failure_store", None)
    end_unless_all_failed(3)
