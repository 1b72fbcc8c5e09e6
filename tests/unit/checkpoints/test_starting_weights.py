"""``init_from=``: what a new run takes from another one."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from conftest import TINY_UNET, Run
from i2i.checkpoints.starting_weights import Channels, checked
from i2i.errors import SettingError


def weights(run_dir: Path, name: str = "last") -> dict[str, Tensor]:
    return torch.load(run_dir / "checkpoints" / f"{name}.ckpt", weights_only=True)["state_dict"]


@pytest.fixture(scope="module")
def source(train_once: Run) -> Path:
    return train_once("trainer.max_steps=3", "seed=5")


# With such a rate the first step changes no bit of a weight that is not tiny.
STILL = ["trainer.max_steps=1", "optimizer.generator.lr=1e-30", "baselines=false"]


@pytest.mark.parametrize("players", ["all", "generator", "discriminator"])
def test_a_new_run_starts_from_the_weights_of_the_players_asked_for(
    train: Run, source: Path, players: str, capsys: pytest.CaptureFixture
) -> None:
    run_dir = train(*STILL, f"init_from={source}", f"init_players={players}", "seed=6")
    mine, its = weights(run_dir), weights(source, "best")
    for name in (n for n in its if n.endswith("weight") and its[n].ndim == 4):
        taken = players in ("all", name.partition(".")[0])
        assert torch.equal(mine[name], its[name]) == taken, name
    told = capsys.readouterr().out
    assert f"Starts from {source}/checkpoints/best.ckpt (step 3): " in told
    content = torch.load(run_dir / "checkpoints" / "last.ckpt", weights_only=True)
    assert (content["global_step"], content["i2i"]["batches_seen"]) == (1, 1)


def test_an_average_starts_from_the_generator_where_the_run_kept_none(
    train: Run, source: Path
) -> None:
    run_dir = train(*STILL, f"init_from={source}", "model.ema_decay=0.9")
    mine, its = weights(run_dir), weights(source, "best")
    name = next(n for n in its if n.startswith("generator.") and its[n].ndim == 4)
    assert torch.equal(mine["ema.network." + name.removeprefix("generator.")], its[name])


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["init_from={source}", "generator.base_channels=8"], "init_channels"),
        (["init_from={source}", "generator.n_downs=5"], "found another generator: the weight"),
        (["init_from={source}", "init_players=g"], "init_players=g: found 'g'"),
        (["init_from={source}/no"], "init_from={source}/no: found nothing there"),
        (["init_from={source}", "dataset.input_channels=1"], "init_channels.input="),
        (["init_from={source}", "init_channels.input=[0,1,2]"], "none, as both have as many"),
        (
            ["init_from={source}", "dataset.input_channels=1", "init_channels.input=[3]"],
            "1 numbers from 0 to 2",
        ),
    ],
)
def test_what_does_not_fit_is_refused(
    command: Callable[..., int], tiny: list[str], source: Path, options: list[str], told: str,
    capsys: pytest.CaptureFixture,
) -> None:  # fmt: skip
    options = [option.format(source=source) for option in options]
    assert command("train", *tiny, *TINY_UNET, *STILL, *options) == 1
    assert told.format(source=source) in capsys.readouterr().err


def test_channels_are_mapped_as_asked(
    train: Run, source: Path, capsys: pytest.CaptureFixture
) -> None:
    """One grey channel that starts from the green one, in G's first layer and in D's."""
    run_dir = train(
        *STILL, f"init_from={source}", "dataset.input_channels=1", "init_channels.input=[1]"
    )
    mine, its = weights(run_dir), weights(source, "best")
    changed = [n for n in its if n in mine and mine[n].shape != its[n].shape]
    assert len(changed) == 2
    g, d = sorted(changed, key=lambda n: n.startswith("discriminator."))
    assert torch.equal(mine[g], its[g][:, [1]])
    assert torch.equal(mine[d], its[d][:, [1, 3, 4, 5]])  # the input, then the target
    assert "channels input [1]" in capsys.readouterr().out


def test_a_channel_without_an_old_one_stays_new() -> None:
    old, new = (
        {"input_channels": 2, "target_channels": 3},
        {"input_channels": 3, "target_channels": 3},
    )
    place = Channels(old, new, {"input": [1, None, 0], "target": None}, "x")
    before, fresh = torch.randn(4, 2, 3, 3), torch.randn(4, 3, 3, 3)
    expected = torch.stack([before[:, 1], fresh[:, 1], before[:, 0]], 1)
    assert torch.equal(place("w", before, fresh), expected)
    with pytest.raises(SettingError, match=r"found \(4, 2, 3, 3\) for the weight w; expected \(5,"):
        place("w", before, torch.randn(5, 3, 3, 3))
    with pytest.raises(SettingError, match=r"init_channels\.input=\[0\]"):
        checked("input", [0], 2, 3)
