"""Which number means which failure, from where on, why, and what to do."""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from i2i.config.differences import has

ABOVE, BELOW = "above", "below"
OPTIONS = re.compile(r"\{([^}]+)\}")


@dataclass(frozen=True)
class Alarm:
    """A failure and its sign.

    Attributes:
        name: In ``health.json`` and in the options.
        signal: What the number is called after ``train/health/``; ``*`` stands for anything.
        side: On which side of the limit the number is bad.
        limit: From where on.
        words: What is wrong, with ``{value}`` and ``{signal}``.
        knobs: What to turn, clause by clause; ``{a.b|a.c}`` stands for those options that the run
            has, and a clause without any is left out.
        fades: Whether untrained networks have it, too: a reading of less than half the worst one in
            a row is on its way out, and does not count.
    """

    name: str
    signal: str
    side: str
    limit: float
    words: str
    knobs: tuple[str, ...]
    fades: bool = False

    def bad(self, value: float) -> bool:
        """Whether a reading is on the bad side; no number is on neither."""
        return value > self.limit if self.side == ABOVE else value < self.limit

    def text(self, signal: str, value: float, config: Mapping[str, Any]) -> str:
        """What to say of a reading.

        Args:
            signal: Its name.
            value: The reading.
            config: That of the run; its options alone are advised.
        """
        clauses = [clause for knob in self.knobs if (clause := advised(knob, config))]
        words = self.words.format(value=value, signal=signal)
        return " ".join(
            f"{part[0].upper()}{part[1:]}." for part in (words, "; ".join(clauses)) if part
        )


def advised(knob: str, config: Mapping[str, Any]) -> str | None:
    """A clause with the options that a run has; None where it is about others."""
    for asked in OPTIONS.findall(knob):
        there = [option for option in asked.split("|") if has(config, option)]
        if not there:
            return None
        knob = knob.replace(f"{{{asked}}}", " or ".join(there))
    return knob


ALARMS = (
    # A D that is always right gives G no gradient to learn from (Arjovsky and Bottou 2017, "Towards
    # principled methods for training GANs", Theorem 2.4). In healthy runs, too, D is right on 99 %
    # of the patches of single batches, and errs on others: in twelve seeds of experiments=first_run
    # no more than three readings in a row, of every tenth step, were above this limit.
    Alarm(
        "d_has_won", "d_right", ABOVE, 0.999,
        "D has won: it is right on {value:.1%} of the patches, real and made, and G gets next to "
        "no gradient from it",
        (
            "lower {optimizer.discriminator.lr}", "raise {gan_loss.r1}",
            "for few images add {model.diffaugment}=[color,translation,cutout]",
        ),
    ),
    # The gap of a critic whose slope is 1 is at most the mean distance of any pairing of real and
    # made images (Kantorovich-Rubinstein; Gulrajani et al. 2017, Eq. 2), and so at most 1 in parts
    # of it. The penalty is a soft one: slopes of 2 happen while it learns.
    Alarm(
        "critic_is_steep", "critic_gap", ABOVE, 3.0,
        "The critic's gap is {value:.1f} times the distance of real and made images: its slope is "
        "far above 1, and it measures no distance any more",
        (
            "raise {gan_loss.weight} (the gradient penalty)", "lower {optimizer.discriminator.lr}",
        ),
    ),
    # Outputs of different inputs are the same picture within a few levels: mode collapse in a
    # conditional GAN (Isola et al. 2017, Sec. 3.1: G "simply learned to ignore the noise"; here it
    # ignores the picture). Blurred outputs of a healthy start have a tenth of the spread and more,
    # trained ones at least half.
    Alarm(
        "g_ignores_input", "*spread", BELOW, 0.03,
        "G ignores its input: its outputs differ by {value:.2%} of what inputs and real pictures "
        "differ by",
        (
            "raise the weight of what ties an output to its input ({model.lambda_l1|"
            "model.lambda_cycle|model.lambda_nce|model.lambda_latent})",
            "lower {optimizer.generator.lr}", "use {generator.norm}=instance",
        ),
    ),
    # Half of what real pictures have inside the range: a last layer of tanh that is saturated
    # learns nothing any more, since its slope at 0.996 is below 0.01.
    Alarm(
        "saturated", "*ends", ABOVE, 0.5,
        "Made pictures are saturated or black: {value:.0%} of the values that lie inside the range "
        "in real ones are at its ends",
        (
            "lower {optimizer.generator.lr}", "clip with {model.clip_g}=1",
            "a task or data set with values outside [-1, 1] looks like this, too",
        ),
    ),
    # A ripple with an rms of 6 levels of 255 shows on flat areas: an amplitude of 3 % of the range,
    # several times the contrast threshold of about 0.5 % (Robson 1966) at that width. A U-Net has 4
    # before its first step, a residual network 13, a DiscoGAN 30 and still 7 after 450 steps; forty
    # trained runs of six systems ended with 0 to 4.5, but for one of 600 steps.
    Alarm(
        "checkerboard", "*checkerboard", ABOVE, 6.0,
        "Made pictures have a checkerboard: lines of period 2 or 4 pixels with {value:.1f} levels "
        "of 255 more than real ones have",
        (
            "use a generator that enlarges before it convolves (generator=unet_upsample or "
            "generator=resnet9_blur; Odena et al. 2016)", "train for longer",
        ),
        fades=True,
    ),
    # Ten times the difference that is just noticeable (2.3; Mahy et al. 1994), as the mean of all
    # pixels of all pictures: another palette, not another picture. Trained runs have 1 to 15.
    Alarm(
        "colours_shift", "val_colours", ABOVE, 23.0,
        "The colours are off: mean colours of made and of real pictures are {value:.0f} apart in "
        "CIE Lab (2 is just noticeable)",
        (
            "raise {model.lambda_l1|model.lambda_identity|model.lambda_cycle|model.lambda_nce} "
            "(identity: Zhu et al. 2017, Sec. 5.2)", "check dataset.direction",
        ),
    ),
    # As strongly against the truth as what explains a quarter of the variance goes with it.
    Alarm(
        "colours_invert", "val_lightness", BELOW, -0.5,
        "Light and dark are exchanged: the lightness of made pictures correlates with that of the "
        "true answers by {value:.2f}",
        (
            "raise {model.lambda_l1|model.lambda_identity|model.lambda_cycle|model.lambda_nce}",
            "check dataset.direction and the targets",
        ),
    ),
    # r_v of Karras et al. 2020 ("Training generative adversarial networks with limited data",
    # Sec. 3.1, Eq. 1): 0 where D takes validation pictures for training ones, 1 where it takes
    # them for made ones. Their target is 0.5; at 0.9 nine tenths of what D knows is of no use
    # outside of its training pictures.
    Alarm(
        "overfitting_d", "val_r_v", ABOVE, 0.9,
        "D takes validation pictures for made ones (r_v = {value:.2f}; 1 is complete): it knows "
        "its training pictures by heart, or those of validation are of another kind",
        (
            "add {model.diffaugment}=[color,translation,cutout]", "use more images",
            "look at how the splits were made", "best.ckpt is from before it harms",
        ),
    ),
    # A factor is a matter of the task; at 3 a network has learned answers, not a mapping.
    Alarm(
        "overfitting_g", "val_l1_ratio", ABOVE, 3.0,
        "G knows its training pictures by heart: its L1 on validation pictures is {value:.1f} "
        "times that on training ones",
        (
            "use more images", "use augmentation=jitter", "use a smaller {generator.base_channels}",
            "train for fewer steps",
        ),
    ),
    # float32 has 24 bits: an update below 6e-8 of its weight changes none. Healthy ones are about
    # 1e-3, and 1e-5 at the end of a schedule.
    Alarm(
        "nothing_moves", "moves_*", BELOW, 6e-8,
        "Nothing moves: an update of a player changes its weights by {value:.1e} of their size "
        "({signal})",
        (
            "check {optimizer.generator.lr|optimizer.discriminator.lr}",
        ),
    ),
    Alarm(
        "no_gradient", "gradient_*", BELOW, 1e-12,
        "A player has no gradient: its norm is {value:.1e} ({signal})",
        (
            "check the weights of its terms (of D: {model.discriminator_weight})",
            "nothing flows back from outputs that are saturated, either",
        ),
    ),
    # max(0, margin - x) is exactly 0 beyond the margin, and so is its gradient (Lim and Ye 2017;
    # Wang et al. 2018, Eq. 4, of perceptual adversarial networks): no cross entropy ever is.
    Alarm(
        "idle_term", "idle_*", ABOVE, 0.0,
        "A hinge is never active: {value:.0f} of the terms train/d/* are exactly 0 ({signal}), and "
        "nothing is learned from them",
        (
            "raise {reconstruction.pan.margin}", "lower {optimizer.discriminator.lr}",
            "use gan_loss=vanilla", "where the term has the weight 0, silence this with "
            "callbacks.health.silent=[idle_term]",
        ),
    ),
)  # fmt: skip


def alarms_of(signal: str) -> list[Alarm]:
    """The alarms that a number may raise."""
    return [alarm for alarm in ALARMS if fnmatchcase(signal, alarm.signal)]


class Streaks:
    """Counts how many readings of a number in a row were bad.

    Attributes:
        counts: By alarm and signal.
        worst: The largest of those bad readings, of alarms that fade.
    """

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self.worst: dict[str, float] = {}

    def take(
        self, values: Mapping[str, float], enough: Callable[[str], int]
    ) -> list[tuple[Alarm, str, float]]:
        """Takes in the readings of a moment.

        Args:
            values: By signal.
            enough: How many in a row raise the alarm of a signal.

        Returns:
            Alarms of which there are enough, with signal and last value.
        """
        raised = []
        for signal, value in values.items():
            for alarm in alarms_of(signal):
                if self.counted(alarm, f"{alarm.name}:{signal}", value) >= enough(signal):
                    raised.append((alarm, signal, value))
        return raised

    def counted(self, alarm: Alarm, key: str, value: float) -> int:
        """How many readings in a row are bad now; 0 where the newest one does not count."""
        if not (math.isfinite(value) and alarm.bad(value)):
            self.counts[key] = 0
            self.worst.pop(key, None)
            return 0
        if alarm.fades:
            self.worst[key] = max(value, self.worst.get(key, value))
            if value < self.worst[key] / 2:
                return 0
        self.counts[key] = self.counts.get(key, 0) + 1
        return self.counts[key]
