import pytest

from i2i.config.differences import differences


def small_config(**model: object) -> dict:
    return {
        "model": {"_target_": "M", "lambda_l1": 100.0, "n_critic": 1} | model,
        "gan_loss": {"_target_": "V"},
        "scheduler": {"_target_": "S", "flat_fraction": 0.5},
    }


def test_a_resumed_run_keeps_its_weights_and_schedule() -> None:
    saved = small_config()
    assert differences(saved, small_config()) == {}
    other = small_config(lambda_l1=10.0)
    assert differences(saved, other) == {"model.lambda_l1": (100.0, 10.0)}
    constant = small_config() | {"scheduler": {"_target_": "S", "flat_fraction": 1.0}}
    assert differences(saved, constant) == {"scheduler.flat_fraction": (0.5, 1.0)}


def test_an_option_that_came_later_is_no_difference_but_another_class_is() -> None:
    saved = small_config()
    newer = small_config() | {"gan_loss": {"_target_": "V", "r1": 0.0}}
    assert differences(saved, newer) == {}
    assert differences(newer, saved) == {"gan_loss.r1": (0.0, None)}
    other = small_config() | {"gan_loss": {"_target_": "W", "weight": 10.0}}
    assert set(differences(saved, other)) == {"gan_loss._target_", "gan_loss.weight"}


def test_a_node_that_came_later_is_no_difference_but_one_that_was_switched_on_is() -> None:
    saved = {"dataset": {"_target_": "D", "task": None}}
    classes = {
        "dataset": {"_target_": "D", "task": None, "classes": {"_target_": "C", "n": {"a": 1}}}
    }
    assert differences(saved, classes) == {}
    task = {"dataset": {"_target_": "D", "task": {"_target_": "T", "keep": True}}}
    assert set(differences(saved, task)) == {"dataset.task._target_", "dataset.task.keep"}
    other = {"dataset": {"_target_": "E", "task": None, "classes": {"_target_": "C"}}}
    assert set(differences(saved, other)) == {"dataset._target_", "dataset.classes._target_"}
    terms = {"reconstruction": {"l1": {"_target_": "L1"}}}
    assert differences(saved, saved | terms) == {}
    without = saved | {"reconstruction": {}}
    assert set(differences(without, saved | terms)) == {"reconstruction.l1._target_"}


def whole_config(**changes: object) -> dict:
    """What a run has beside its networks, with values by dotted key."""
    config = small_config(accumulate=1, generator={"_target_": "U", "depth": 8})
    config |= {"generator": {"_target_": "U", "depth": 8}, "seed": 0, "label": None}
    config["dataset"] = {"root": "/a", "batch_size": 4, "num_workers": 2}
    config["reconstruction"] = {"lpips": {"_target_": "L", "weight": 1.0, "weights_file": "/a/w"}}
    config["trainer"] = {
        "_target_": "T", "precision": "32-true", "limit_train_batches": 1.0, "max_epochs": 2,
        "devices": 1, "sync_batchnorm": "auto", "deterministic": False, "benchmark": None,
        "log_every_n_steps": 50, "enable_progress_bar": True,
    }  # fmt: skip
    config["callbacks"] = {"best": {"monitor": "val/ssim"}}
    for key, value in changes.items():
        *parents, last = key.split(".")
        node = config
        for parent in parents:
            node = node[parent]
        node[last] = value
    return config


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("trainer.precision", "bf16-mixed"), ("trainer.limit_train_batches", 0.5),
        ("trainer.sync_batchnorm", False), ("model.accumulate", 2), ("dataset.batch_size", 1),
        ("generator.depth", 7), ("seed", 1), ("reconstruction.lpips.weight", 2.0),
        ("trainer.overfit_batches", 3),
    ],
)  # fmt: skip
def test_whatever_changes_the_numbers_is_compared(key: str, value: object) -> None:
    saved, asked = whole_config(), whole_config(**{key: value})
    if key == "trainer.overfit_batches":  # an option that the run had and now is left out
        saved, asked = asked, saved
    assert set(differences(saved, asked)) == {key}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("trainer.max_epochs", 4), ("trainer.devices", "auto"), ("trainer.deterministic", True),
        ("trainer._target_", "SlurmTrainer"), ("trainer.log_every_n_steps", 1), ("label", "a"),
        ("trainer.enable_progress_bar", False), ("dataset.root", "/b"), ("dataset.num_workers", 0),
        ("reconstruction.lpips.weights_file", "/b/w"), ("callbacks.best.monitor", "val/l1"),
        ("model.generator", {"_target_": "U", "depth": 7}),  # said once, by generator
    ],
)  # fmt: skip
def test_places_the_machine_and_logging_may_differ(key: str, value: object) -> None:
    assert differences(whole_config(), whole_config(**{key: value})) == {}
