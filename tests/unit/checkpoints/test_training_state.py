"""What Lightning keeps in a checkpoint is looked at before a run goes on with it."""

import copy
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from conftest import Run
from i2i.checkpoints.training_state import alike, is_plain, restoring, without_values
from i2i.errors import SettingError


@pytest.fixture(scope="module")
def begun(train_once: Run) -> Path:
    return train_once("trainer.max_steps=2", "baselines=false")


def put(content: dict, path: str, value: Any) -> None:
    """Puts a value at a path of keys and numbers; ``...`` takes away what is there."""
    *above, last = path.replace("val/ssim", "val|ssim").split("/")
    above = [word.replace("|", "/") for word in above]
    last = last.replace("|", "/")
    node = content
    for word in above:
        node = node[int(word)] if word.isdigit() else node[word]
    key = int(last) if last.isdigit() else last
    if value is ...:
        del node[key]
    else:
        node[key] = value


LOOP = "loops/fit_loop"
SAVER = "Best"
ODD = {
    "loops": [("loops", None), ("loops", {}), (f"{LOOP}/epoch_progress", 3),
              (f"{LOOP}/epoch_progress/current/ready", "x"), (f"{LOOP}/epoch_progress/total", ...),
              (f"{LOOP}/epoch_loop.batch_progress/is_last_batch", "no"), (f"{LOOP}/more", [1]),
              (f"{LOOP}/epoch_loop.manual_optimization.optim_step_progress/total/completed", 1)],
    "callbacks": [("callbacks", 3), (f"callbacks/{SAVER}", []), ("callbacks/Scoring/values", 3),
                  (f"callbacks/{SAVER}/best_model_path", 3), ("callbacks/Scoring/values/val", "x"),
                  (f"callbacks/{SAVER}/best_k_models", {"a": "x"})],
    "optimizer_states": [("optimizer_states", {}), ("optimizer_states", []),
                         ("optimizer_states/0", None), ("optimizer_states/0/state", {}),
                         ("optimizer_states/1/state", {}), ("optimizer_states/0/state/0", {}),
                         ("optimizer_states/0/state/0/exp_avg", "x"),
                         ("optimizer_states/0/state/0/exp_avg_sq", ...),
                         ("optimizer_states/0/param_groups", []),
                         ("optimizer_states/0/param_groups/0/lr", "x"),
                         ("optimizer_states/0/param_groups/0/betas", [0.5]),
                         ("optimizer_states/0/param_groups/0/params", ["a"])],
    "lr_schedulers": [("lr_schedulers", []), ("lr_schedulers/0", 3), ("lr_schedulers/1", {}),
                      ("lr_schedulers/0/last_epoch", "x"), ("lr_schedulers/0/_last_lr", ["x"]),
                      ("lr_schedulers/0/base_lrs", 3)],
    "pytorch-lightning_version": [("pytorch-lightning_version", [2])],
}  # fmt: skip


@pytest.mark.parametrize("part", ODD)
def test_odd_parts_are_damage_and_the_run_stays_as_it_was(
    part: str, begun: Path, command: Callable[..., int], tmp_path: Path,
    capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """One run of the command shows it; the others ask what the command asks."""
    from i2i.checkpoints import training_state

    run_dir = Path(shutil.copytree(begun, tmp_path / "run"))
    file = run_dir / "checkpoints" / "last.ckpt"
    good = torch.load(file, weights_only=True)
    asked: dict[str, Any] = {}
    check = training_state.oddities

    def remember(checkpoint: Any, trainer: Any, config: Any) -> Any:
        asked.update(checkpoint=checkpoint, trainer=trainer, config=config)
        return check(checkpoint, trainer, config)

    monkeypatch.setattr(training_state, "oddities", remember)
    path, value = ODD[part][0]
    content = copy.deepcopy(good)
    put(content, path, value)
    torch.save(content, file)
    before = (run_dir / "config.yaml").stat().st_mtime_ns
    assert command("train", f"resume={run_dir}", "trainer.max_steps=4") == 1
    told = capsys.readouterr().err
    assert f"resume={file}: found a damaged state of the training ({part}" in told
    assert f"init_from={file}" in told
    assert (run_dir / "config.yaml").stat().st_mtime_ns == before
    checkpoint = asked["checkpoint"]
    for path, value in ODD[part]:
        content = copy.deepcopy(good)
        put(content, path, value)
        checkpoint.training = {key: without_values(content.get(key)) for key in checkpoint.training}
        odd = next(check(checkpoint, asked["trainer"], asked["config"]), None)
        assert odd is not None and odd.startswith(part), (path, value, odd)
    checkpoint.training = {key: without_values(good[key]) for key in checkpoint.training}
    assert next(check(checkpoint, asked["trainer"], asked["config"]), None) is None


def test_tensors_lose_their_values_and_depth_ends() -> None:
    node: Any = {"a": (torch.ones(2, 3), 4)}
    found = without_values(node)["a"]
    assert found[0].shape == (2, 3) and found[0].is_meta and found[1] == 4
    for _ in range(3000):
        node = {"a": node}
    assert isinstance(without_values(node), dict)


def test_what_is_alike() -> None:
    usual = {"n": 1, "on": True, "at": None, "by": (0.5, 0.9), "path": "", "score": torch.ones(())}
    same = {"n": 0.5, "on": False, "at": 3, "by": [1, 2], "path": "x", "score": torch.zeros(())}
    assert not [*alike(usual, same, "a")] and not [*alike(usual, {}, "a")]
    odd = {"n": "x", "on": 2, "at": "x", "by": [1], "path": None, "score": torch.zeros(1)}
    assert sorted(alike(usual, odd, "a")) == [f"a.{key}" for key in sorted(usual)]
    assert [*alike({"n": 1}, {"n": 0.5}, "a", whole=True)] == ["a.n"]
    assert is_plain(torch.ones(3), dimensions=1) and not is_plain(torch.ones(3))


def test_other_errors_of_a_training_stay_as_they_are() -> None:
    with pytest.raises(KeyError), restoring("x"):
        raise KeyError("a")
    with pytest.raises(SettingError, match="as it is"), restoring("x"):
        raise SettingError("as it is")
