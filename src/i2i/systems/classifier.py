"""A classifier: what a picture is of, learned from labelled ones."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from torch import Tensor, nn

from i2i.data.batches import Batch
from i2i.errors import setting_error
from i2i.inference.translate import eval_mode
from i2i.inference.translator import Translator
from i2i.labels.domain_names import require_domains
from i2i.losses.classes import class_loss
from i2i.metrics.class_accuracy import right
from i2i.metrics.shown import Shown
from i2i.training.adversarial import AdversarialModule, Made, Terms
from i2i.training.players import Player


class Classifier(AdversarialModule):
    """C(x) are the logits of n domains, classes or attributes; it minimises ``class_loss``.

    It plays no game: its network is the only player. It makes no pictures either: at validation and
    test it shows those of the split, by what they are of, and whether it told that right.

    Attributes:
        domains: Names of what it tells apart, in the order of their numbers.
    """

    pairings = ("labelled",)
    translates = False

    def __init__(
        self,
        classifier: nn.Module,
        domains: Sequence[str] | None = None,  # by number; None: A and B
        generator: None = None,  # ``conf/game.yaml`` names these for every system
        discriminator: None = None,
        gan_loss: None = None,
        **shared: Any,  # see AdversarialModule
    ):
        """Takes the network ready-made.

        Args:
            classifier: (B, C, H, W) to logits (B, n).
            domains: Two names or more.
            generator: None.
            discriminator: None.
            gan_loss: None.
            shared: What every system has; see ``AdversarialModule``.

        Raises:
            SettingError: The domains are no two different ones, or no names of files.
        """
        super().__init__(**shared)
        self.domains = require_domains(("A", "B") if domains is None else domains)
        self.classifier = classifier
        self.players = (Player("g", ("classifier",), *self.of_g),)
        self.routes = ("classes",)
        self.keep_average()

    @property
    def generator(self) -> nn.Module:
        """The network that is averaged."""
        return self.classifier

    def judge(self, x: Tensor, y: Tensor) -> None:
        made = self.classifier(x)
        if made.shape != (len(x), len(self.domains)):
            raise setting_error(
                "classifier", f"an output of shape {tuple(made.shape[1:])}",
                f"a number for each of {', '.join(self.domains)}",
                "Leave classifier.n_classes to the data set.",
            )  # fmt: skip

    def generate(self, batch: Batch) -> Made:
        return {}

    def terms(self, player: str, batch: Batch, made: Made) -> Terms:
        return {"class": class_loss(self.run(self.classifier, batch["input"]), batch["label"])}

    def tell(self, x: Tensor) -> Tensor:
        """What pictures are of, as at test time.

        Args:
            x: (B, C, H, W) in [-1, 1].

        Returns:
            Logits (B, n) without graph.
        """
        with eval_mode(self.evaluated):
            return self.evaluated(x).detach()

    def shown(self, batch: Batch) -> dict[str, Shown]:
        x, index = batch["input"], batch["index"]
        known = {"true": False, "label": batch["label"]}
        return {"classes": Shown(index, batch["name"], None, x, self.task, **known)}

    def translated(self, route: str, shown: Shown) -> Shown:
        correct = right(self.finite.shown(self.tell(shown.y)), shown.label)
        return replace(shown, y_hat=shown.y, correct=correct)

    def translators(self) -> dict[str, Translator]:
        return {}

    def translator(self, route: str | None = None) -> Translator:
        """There is none.

        Raises:
            SettingError: Always.
        """
        raise setting_error(
            "checkpoint", "a classifier, which makes no pictures", "a system that makes some",
            "Score it with src/evaluate.py, or others with it: metrics.classifier=RUN.",
        )  # fmt: skip
