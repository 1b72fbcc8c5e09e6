"""The translations that a trained model offers, by name."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch

from i2i.errors import setting_error
from i2i.inference.translate import INFERENCE_MODES
from i2i.inference.translator import Translator
from i2i.labels.attributes import Attributes


@dataclass(frozen=True)
class Translations:
    """What is left of a trained system for whoever wants its pictures.

    Attributes:
        system: Its name, for errors.
        routes: A translator by route, the main one first; one at least.
        dataset: The options of the data set that it was trained on.
        attributes: What its pictures can be asked to show; None: nothing beside the routes.
    """

    system: str
    routes: Mapping[str, Translator]
    dataset: Mapping[str, Any]
    attributes: Attributes | None = None

    def asked(self, route: Any = None, attributes: Mapping[str, Any] | None = None) -> Translator:
        """The translator that is asked for.

        Args:
            route: Its name, which may be a class that is called by a number; None: the main one.
            attributes: 0 or 1 by name, in place of a route.

        Raises:
            SettingError: The model has no such route, or knows no attributes, or not these.
        """
        if attributes is not None:
            return self.with_attributes(route, attributes)
        if route is None:
            return next(iter(self.routes.values()))
        return self.routes[known_route(route, self.routes, self.system)]

    def with_attributes(self, route: Any, asked: Mapping[str, Any]) -> Translator:
        """What translates to pictures that have these attributes.

        Raises:
            SettingError: As in ``asked``.
        """
        if route is not None or not isinstance(asked, Mapping) or not asked:
            raise setting_error(
                f"attributes={asked}", "no names with values, or a route beside them",
                "0 or 1 for each name, or a route", "Write attributes='{Male:1,Young:0}'.",
            )  # fmt: skip
        if self.attributes is None:
            raise setting_error(
                f"attributes={dict(asked)}", f"a checkpoint of {self.system} that was trained "
                "without attributes", "one that was trained on some (model=stargan "
                "dataset=celeba)", f"Use route=NAME: {' or '.join(self.routes)}.",
            )  # fmt: skip
        return replace(self.asked(), label=self.attributes.label(asked))

    def to(self, device: torch.device | str) -> "Translations":
        """Moves the networks, and returns itself."""
        for translator in self.routes.values():
            translator.network.to(device)
        return self

    def changed(
        self, inference: str | None = None, seed: int | None = None, key: str = "model.inference"
    ) -> "Translations":
        """The same with another mode or seed; None keeps what there is.

        Args:
            inference: The mode.
            seed: Of the noise.
            key: The option that named the mode, for the error.

        Raises:
            SettingError: There is no such mode.
        """
        if inference not in (None, *INFERENCE_MODES):
            raise setting_error(
                f"{key}={inference}", repr(inference),
                f"one of {', '.join(INFERENCE_MODES)}", "Use paper for the noise of pix2pix.",
            )  # fmt: skip
        asked = {"inference": inference, "seed": seed}
        new = {key: value for key, value in asked.items() if value is not None}
        return replace(self, routes={r: replace(t, **new) for r, t in self.routes.items()})


def known_route(route: Any, routes: Iterable[str], system: str) -> str:
    """The name of a route that is asked for.

    Args:
        route: The option, which may be a class that is called by a number.
        routes: Those that there are.
        system: Whose they are, for the error.

    Raises:
        SettingError: There is no such route.
    """
    known = [*routes]
    if str(route) not in known:
        raise setting_error(
            f"route={route}", f"no such route of {system}", " or ".join(known),
            "Name one of them, or leave route out.",
        )  # fmt: skip
    return str(route)
