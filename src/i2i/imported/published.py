"""The weights that the authors of pix2pix and CycleGAN publish for their PyTorch code."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from i2i.errors import setting_error
from i2i.files import pins
from i2i.files.download import fetch_file, file_sha256
from i2i.imported.network import Network

PLACES = MappingProxyType(
    {"pix2pix": "pix2pix/models-pytorch", "cyclegan": "cyclegan/pretrained_models"}
)
# Parameters of the network of each system, and what a file may have beside their 4 bytes each.
PARAMETERS = MappingProxyType({"pix2pix": 54_413_955, "cyclegan": 11_378_179})
BESIDE = 4_000_000  # bytes
# What that network says of itself; see ``Network.words``.
NETWORKS = MappingProxyType({
    "pix2pix": "U-Net generator of 8 halvings, 64 channels, 3 -> 3, batch norm",
    "cyclegan": "ResNet generator of 9 blocks, 64 channels, 3 -> 3, instance norm",
})  # fmt: skip
# For a name: the preset of a data set and the direction of it that the network translates.
PIX2PIX = MappingProxyType({
    "edges2shoes": ("edges2shoes", "AtoB"),
    "sat2map": ("maps", "AtoB"),
    "map2sat": ("maps", "BtoA"),
    "facades_label2photo": ("facades", "BtoA"),
    "day2night": ("night2day", "BtoA"),
})  # fmt: skip
CYCLEGAN = MappingProxyType({
    "apple2orange": ("apple2orange", "AtoB"),
    "orange2apple": ("apple2orange", "BtoA"),
    "summer2winter_yosemite": ("summer2winter", "AtoB"),
    "winter2summer_yosemite": ("summer2winter", "BtoA"),
    "horse2zebra": ("horse2zebra", "AtoB"),
    "zebra2horse": ("horse2zebra", "BtoA"),
    "monet2photo": ("monet2photo", "AtoB"),
    "style_monet": ("monet2photo", "BtoA"),
    "style_cezanne": ("cezanne2photo", "BtoA"),
    "style_ukiyoe": ("ukiyoe2photo", "BtoA"),
    "style_vangogh": ("vangogh2photo", "BtoA"),
    "sat2map": ("maps", "AtoB"),
    "map2sat": ("maps", "BtoA"),
    "cityscapes_photo2label": ("cityscapes", "AtoB"),
    "cityscapes_label2photo": ("cityscapes", "BtoA"),
    "facades_photo2label": ("facades", "AtoB"),
    "facades_label2photo": ("facades", "BtoA"),
    "iphone2dslr_flower": ("iphone2dslr_flower", "AtoB"),
})  # fmt: skip
TABLES: Mapping[str, Mapping[str, tuple[str, str]]] = MappingProxyType(
    {"pix2pix": PIX2PIX, "cyclegan": CYCLEGAN}
)


@dataclass(frozen=True)
class Published:
    """A file that the authors publish.

    Attributes:
        name: Its name, without ``.pth``.
        system: pix2pix or cyclegan.
        dataset: The preset of the data set that it was trained on.
        direction: AtoB or BtoA, of that set.
    """

    name: str
    system: str
    dataset: str
    direction: str

    @property
    def setting(self) -> str:
        """What asks for it."""
        return f"preset={self.name}"

    def require(self, network: Network, setting: str) -> None:
        """Refuses another network than the one that the authors trained for this name.

        Raises:
            SettingError: It is one.
        """
        if network.words() != NETWORKS[self.system]:
            others = [s for s in TABLES if s != self.system and self.name in TABLES[s]]
            fits = [s for s in others if network.words() == NETWORKS[s]]
            todo = f"{fits[0]} has a file of that name too: model={fits[0]}" if fits else (
                "Leave preset out to import another network."
            )  # fmt: skip
            raise setting_error(
                setting, f"a {network.words()}",
                f"that of {self.system}'s {self.name}, a {NETWORKS[self.system]}", todo,
            )  # fmt: skip

    def fetch(self, folder: Path, host: str) -> Path:
        """Downloads the file, unless it is there; see ``files.download``.

        Args:
            folder: Where such files are kept, in a folder for each system.
            host: The beginning of the address, without the path that the authors use.

        Raises:
            SettingError: It cannot be had, has an impossible size, or is another one than before.
        """
        least = 4 * PARAMETERS[self.system]
        target = self.target(folder)
        return fetch_file(
            self.url(host), target, what=f"{self.name}.pth of {self.system}", setting=self.setting,
            licence="that of pytorch-CycleGAN-and-pix2pix (BSD) for its code; none is given with "
            "the weights", between=(least, least + BESIDE),
            by_hand=f"download it in a browser and name it: file=PATH model={self.system}",
        )  # fmt: skip

    def target(self, folder: Path) -> Path:
        """Where the file is kept."""
        return folder / "weights" / self.system / f"{self.name}.pth"

    def url(self, host: str) -> str:
        """Its address."""
        return f"{host.rstrip('/')}/{PLACES[self.system]}/{self.name}.pth"

    def keep_hash(self, folder: Path, host: str) -> str:
        """Keeps the sha256 of the file, once its tensors were right: nobody publishes one.

        Args:
            folder: As for ``fetch``.
            host: Likewise.

        Returns:
            The hash. From then on a file of that address with another hash is refused.
        """
        file = self.target(folder)
        digest = file_sha256(file)
        if pins.pinned(file.parent, self.url(host)) is None:
            pins.pin(file.parent, self.url(host), digest)
        return digest


def published(name: str, system: str | None, likely: str | None = None) -> Published:
    """The published file of a name.

    Args:
        name: As the authors call it.
        system: pix2pix or cyclegan, where both publish a file of that name; None for either.
        likely: Which it is of where both have one and ``system`` does not say.

    Raises:
        SettingError: There is none, or one of each.
    """
    systems = [s for s in TABLES if name in TABLES[s] and system in (None, s)]
    if len(systems) > 1 and likely is not None:
        systems = [likely]
    if len(systems) == 1:
        return Published(name, systems[0], *TABLES[systems[0]][name])
    if systems:
        raise setting_error(
            f"preset={name}", "a name that pix2pix and CycleGAN both have", "the system beside it",
            "Add model=pix2pix or model=cyclegan.",
        )  # fmt: skip
    elsewhere = [s for s in TABLES if name in TABLES[s]]
    if elsewhere:
        raise setting_error(
            f"preset={name}", f"no published weights of that name of {system}",
            f"model={elsewhere[0]}, which has some", "Leave model out.",
        )  # fmt: skip
    known = "; ".join(f"{s}: {', '.join(TABLES[s])}" for s in TABLES if system in (None, s))
    raise setting_error(
        f"preset={name}", "no published weights of that name", f"one of {known}", "Name one."
    )
