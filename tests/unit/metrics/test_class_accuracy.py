"""class_accuracy: of each picture, of the real ones beside it, and only where it is known."""

from typing import Any

import pytest
import torch
from torch import Tensor

from i2i.data.tasks.task import Task
from i2i.errors import SettingError
from i2i.metrics.class_accuracy import right
from i2i.metrics.evaluator import PairEvaluator
from i2i.metrics.quality import L1
from i2i.metrics.scorer import Scorer
from i2i.metrics.shown import Shown

LEVELS = torch.tensor([-1.0, 0.0, 1.0])


class Brightness:
    """Takes pictures for class 0, 1 or 2 by how bright they are; counts what it was shown."""

    def __init__(self) -> None:
        self.seen = 0

    def __call__(self, pictures: Tensor) -> Tensor:
        self.seen += len(pictures)
        return -(pictures.mean((1, 2, 3))[:, None] - LEVELS).abs()

    def to(self, device: Any) -> "Brightness":
        return self


def pictures(*levels: float) -> Tensor:
    return torch.tensor(levels)[:, None, None, None].expand(-1, 1, 16, 16).contiguous()


def shown(made: Tensor, real: Tensor, label: list[int], **options: Any) -> Shown:
    index = torch.arange(len(made))
    names = [str(i) for i in index]
    known = {"label": torch.tensor(label), "y_hat": made} | options
    return Shown(index, names, None, real, Task(), **known)


def scored(scorer: Scorer, *batches: Shown) -> Any:
    scorer.evaluator.start("val")
    for batch in batches:
        scorer.update(batch)
    return scorer.evaluator.compute()


def test_right_is_the_most_likely_class_or_the_share_of_attributes() -> None:
    logits = torch.tensor([[1.0, 2.0, 0.0], [3.0, 2.0, 0.0]])
    assert right(logits, torch.tensor([1, 1])).tolist() == [1.0, 0.0]
    attributes = torch.tensor([[1.0, 1.0, 0.0], [0.0, 1.0, 1.0]])
    assert right(logits, attributes).tolist() == pytest.approx([1.0, 1 / 3])


def test_labels_of_other_classes_are_refused() -> None:
    with pytest.raises(SettingError, match=r"metrics\.classifier: found class 3 .*; expected 2 of"):
        right(torch.zeros(1, 2), torch.tensor([3]))
    with pytest.raises(SettingError, match=r"found 3 attributes in the data; expected 2"):
        right(torch.zeros(1, 2), torch.zeros(1, 3))


def test_made_pictures_and_real_ones_are_told_and_each_picture_has_a_row() -> None:
    judge = Brightness()
    scorer = Scorer(PairEvaluator(), classifier=judge)
    made, real = pictures(-1.0, 0.0, 1.0, 1.0), pictures(-1.0, 0.0, 1.0, -1.0)
    batch = shown(made, real, [0, 1, 2, 1], true=False)
    result = scored(scorer, batch)
    assert result.values == {"class_accuracy": 0.75}
    assert result.ceiling == {"class_accuracy": 0.75}
    assert [row["class_accuracy"] for row in result.per_image] == [1.0, 1.0, 1.0, 0.0]
    assert "share that it tells right" in result.protocol["class_accuracy"]
    assert judge.seen == 8
    scored(scorer, batch)
    assert judge.seen == 12  # the real ones are looked at once a run
    assert scorer.directions(truth=False, back=False) == {"class_accuracy": True}
    # Other pictures in place of those that were made, for the baselines.
    scorer.evaluator.start("test")
    scorer.update(batch, real)
    assert scorer.evaluator.compute().values == {"class_accuracy": 0.75}


def test_other_pictures_of_the_domain_have_labels_of_their_own() -> None:
    """Two made ones beside three real ones, whose places in the split are others."""
    scorer = Scorer(PairEvaluator(), classifier=Brightness())
    real = pictures(0.0, 1.0, -1.0)
    own = {"y_index": torch.tensor([7, 8, 9]), "y_label": torch.tensor([1, 2, 2]), "true": False}
    result = scored(scorer, shown(pictures(1.0, 1.0), real, [2, 0], **own))
    assert result.values == {"class_accuracy": 0.5}
    assert result.ceiling["class_accuracy"] == pytest.approx(2 / 3)


def test_the_ceiling_does_not_depend_on_how_pictures_meet_in_batches() -> None:
    """Sources and pictures of the domain come together, or one after the other."""
    made, real = pictures(1.0, 1.0), pictures(0.0, 1.0, -1.0)
    places, label = torch.tensor([7, 8, 9]), torch.tensor([1, 2, 2])
    alone = {"y_index": places, "y_label": label, "true": False}
    nothing = {"y_index": places[:0], "y_label": label[:0], "true": False}
    apart = [shown(made[:0], real, [], **alone), shown(made, real[:0], [2, 0], **nothing)]
    together = [shown(made, real, [2, 0], **alone)]
    a, b = (scored(Scorer(PairEvaluator(), classifier=Brightness()), *s) for s in (apart, together))
    assert a.ceiling == b.ceiling == {"class_accuracy": pytest.approx(2 / 3)}
    assert a.values == b.values == {"class_accuracy": 0.5}


def test_true_answers_are_scored_beside_it_in_order() -> None:
    scorer = Scorer(PairEvaluator(l1=L1()), classifier=Brightness())
    result = scored(scorer, shown(pictures(1.0), pictures(1.0), [2]))
    assert result.values == {"l1": 0.0, "class_accuracy": 1.0}


def test_a_system_that_tells_by_itself_has_no_ceiling() -> None:
    scorer = Scorer(PairEvaluator(), tells_itself=True)
    correct = torch.tensor([1.0, 0.5])
    batch = shown(pictures(0.0, 0.0), pictures(0.0, 0.0), [1, 1], correct=correct, true=False)
    result = scored(scorer, batch)
    assert result.values == {"class_accuracy": 0.75} and result.ceiling is None
    assert scorer.directions(truth=False, back=False) == {"class_accuracy": True}


def test_without_labels_or_pictures_nothing_is_told() -> None:
    scorer = Scorer(PairEvaluator(), classifier=Brightness())
    batch = shown(pictures(0.0), pictures(0.0), [1], true=False)
    batch.label = None
    assert scored(scorer, batch).values == {}
    none = shown(pictures(0.0)[:0], pictures(0.0)[:0], [], true=False)
    result = scored(scorer, shown(pictures(0.0), pictures(0.0), [1], true=False), none)
    assert result.values == {"class_accuracy": 1.0}
    assert Scorer(PairEvaluator()).directions(truth=False, back=False) == {}
