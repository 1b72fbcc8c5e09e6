from i2i.config.differences import differences


def small_config(**model: object) -> dict:
    return {
        "model": {"_target_": "M", "lambda_l1": 100.0, "n_critic": 1} | model,
        "gan_loss": {"_target_": "V"},
        "scheduler": {"_target_": "S", "flat_fraction": 0.5},
    }


def test_a_resumed_run_keeps_its_weights_and_schedule() -> None:
    saved = small_config()
    assert differences(saved, small_config(), set()) == {}
    other = small_config(lambda_l1=10.0)
    assert differences(saved, other, set()) == {"model.lambda_l1": (100.0, 10.0)}
    assert differences(saved, other, {"model.lambda_l1"}) == {}
    constant = small_config() | {"scheduler": {"_target_": "S", "flat_fraction": 1.0}}
    assert differences(saved, constant, set()) == {"scheduler.flat_fraction": (0.5, 1.0)}


def test_an_option_that_came_later_is_no_difference_but_another_class_is() -> None:
    saved = small_config()
    newer = small_config() | {"gan_loss": {"_target_": "V", "r1": 0.0}}
    assert differences(saved, newer, set()) == {}
    assert differences(newer, saved, set()) == {"gan_loss.r1": (0.0, None)}
    other = small_config() | {"gan_loss": {"_target_": "W", "weight": 10.0}}
    assert set(differences(saved, other, set())) == {"gan_loss._target_", "gan_loss.weight"}


def test_a_node_that_came_later_is_no_difference_but_one_that_was_switched_on_is() -> None:
    saved = {"dataset": {"_target_": "D", "task": None}}
    classes = {
        "dataset": {"_target_": "D", "task": None, "classes": {"_target_": "C", "n": {"a": 1}}}
    }
    assert differences(saved, classes, set()) == {}
    task = {"dataset": {"_target_": "D", "task": {"_target_": "T", "keep": True}}}
    assert set(differences(saved, task, set())) == {"dataset.task._target_", "dataset.task.keep"}
    other = {"dataset": {"_target_": "E", "task": None, "classes": {"_target_": "C"}}}
    assert set(differences(saved, other, set())) == {"dataset._target_", "dataset.classes._target_"}


def test_a_run_from_before_there_were_terms_by_name_goes_on() -> None:
    l1 = {"reconstruction": {"l1": {"_target_": "L1", "weight": 1.0}}}
    saved = small_config()
    assert differences(saved, saved | l1, set()) == {}
    other = small_config() | {"reconstruction": {"l2": {"_target_": "L2"}}}
    assert differences(saved | l1, other, set())
    assert differences(saved, other, set())
