"""The data set that a checkpoint is scored on: its own, or another one that fits it."""

import os
from typing import Any

from i2i.config.no_effect import require_of_split, typed_keys
from i2i.config.plain_config import absolute, table_of_pairs
from i2i.config.resolvers import side_channels
from i2i.errors import setting_error
from i2i.images.values import BY_TYPE

SIDES = ("input", "target")
KIND_OF_LABELS = {True: "classes or domains", False: "attributes"}  # by whether they are exclusive


def find_data(
    cfg: Any, saved: dict[str, Any], seed: int, routes: int = 1
) -> tuple[Any, dict[str, Any]]:
    """The data set of the checkpoint, or the one that the command line names instead.

    Args:
        cfg: The composed configuration.
        saved: That of the checkpoint.
        seed: Of the data.
        routes: How many the system has.
    """
    from hydra.utils import instantiate

    from i2i.config.overlay import overlay

    # What fetches a data set is not taken from a file: `dataset=NAME` brings it back. Nor is what
    # it may ask of this machine.
    machine = {"source": None, "num_workers": None, "cache_gb": 0}
    kept = {key: value for key, value in saved["dataset"].items() if key != "max_megapixels"}
    node = overlay(kept | machine, cfg.dataset) | {"seed": seed}
    require_of_split(typed_keys(), node, cfg.split)
    if "_target_" in cfg.dataset:
        node |= same_coding(saved["dataset"], node)
    if node.get("root") in (None, "???") and node.get("pairs"):
        node["root"] = os.path.dirname(absolute(node["pairs"]))
    if node.get("root") in (None, "???"):
        raise setting_error(
            "dataset.root", "no value", "the folder of the data set", "Add dataset.root=..."
        )
    node["root"] = os.path.abspath(os.path.expanduser(node["root"]))
    if node.get("pairs"):
        node["pairs"] = table_of_pairs(node["root"], node["pairs"])
    node["augmentation"] = node["augmentation"] | {"image_size": node["image_size"]}
    check_same_role(saved["dataset"], node)
    for side in (f"{s}_channels" for s in SIDES):
        if node[side] != saved["dataset"][side]:
            raise setting_error(
                f"dataset.{side}={node[side]}", f"{node[side]} channels",
                f"{saved['dataset'][side]}, as the checkpoint was trained with",
                "Choose the data set that fits, or another checkpoint.",
            )  # fmt: skip
    datamodule = instantiate(node)
    trained = instantiate(saved["dataset"] | {"source": None})
    check_same_classes(trained.reader, datamodule.reader, makes_labels=routes > 1)
    check_same_labels(trained, datamodule)
    datamodule.prepare_data()
    if cfg.split == "train":
        datamodule.evaluate_train()
    datamodule.check_content([cfg.split])
    if "found" in saved["dataset"]:  # earlier versions did not look at the types of files
        datamodule.check_types([cfg.split])
    if not datamodule.set_size(cfg.split):
        raise setting_error(
            f"split={cfg.split}", f"no such split in {node['name']}", "a split that has images",
            "See dataset.splits and dataset.val_from_train.",
        )  # fmt: skip
    return datamodule, node


def same_coding(trained: dict[str, Any], asked: dict[str, Any]) -> dict[str, Any]:
    """What another data set takes over from that of the checkpoint, which knows one thing.

    Args:
        trained: The node of the data set that the checkpoint was trained on.
        asked: That of the data set to score.

    Returns:
        Task and coding of labels, and the channels that follow from them.
    """
    kept = {"task": trained.get("task"), "label_as": trained.get("label_as", "colours")}
    kept |= same_labels(trained, asked) | same_values(trained, asked)
    if not kept["task"] and kept["label_as"] != "onehot":
        return kept
    coding = (asked["direction"], asked["label_side"], kept["label_as"], asked["classes"])
    channels = {f"{s}_channels": side_channels(s, *coding, kept["task"]) for s in SIDES}
    return kept | channels


def same_values(trained: dict[str, Any], asked: dict[str, Any]) -> dict[str, Any]:
    """What the numbers of a network mean, which another data set takes over from that of training.

    Args:
        trained: The node of the data set that the checkpoint was trained on.
        asked: That of the data set to score.

    Returns:
        The ranges of both sides, what was found of them, and what is shown.

    Raises:
        SettingError: The other set has a range of its own.
    """
    taken: dict[str, Any] = {"found": trained.get("found")}
    for side in SIDES:
        key, shown = f"{side}_range", f"{side}_shown"
        taken[key] = trained.get(key, BY_TYPE)
        if asked.get(key, BY_TYPE) not in (BY_TYPE, taken[key]):
            raise setting_error(
                f"dataset.{key}={asked[key]}", "another range than the network was trained on",
                str(taken[key]), f"Leave dataset.{key} out.",
            )  # fmt: skip
        if asked.get(shown) is None:
            taken[shown] = trained.get(shown)
    return taken


def same_labels(trained: dict[str, Any], asked: dict[str, Any]) -> dict[str, Any]:
    """What another data set takes over from one whose domains the network knows by number.

    Args:
        trained: The node of the data set that the checkpoint was trained on.
        asked: That of the data set to score.

    Returns:
        The pairing, and the names of classes that the other set finds in its folders.

    Raises:
        SettingError: It has nothing but labels, and the network learnt from other images.
    """
    from i2i.data.pairing_checks import pairing_of

    labels, pairing = bool(asked.get("has_labels")), trained.get("pairing")
    if pairing != "labelled":
        if labels:
            pairing_of(pairing or "paired", False, asked["name"], labels)
        return {}
    found = {"domains": trained["domains"]} if labels and asked["domains"] is None else {}
    return {"pairing": "labelled"} | found


def check_same_role(trained: dict[str, Any], asked: dict[str, Any]) -> None:
    """Refuses a data set that would hand labels to a network of photographs.

    Args:
        trained: The node of the data set that the checkpoint was trained on.
        asked: That of the data set to score.

    Raises:
        SettingError: The label map is on the other side.
    """
    from i2i.data.reading.pair_reader import OTHER_WAY, role_of

    was, now = (role_of(node.get("label_side"), node["direction"]) for node in (trained, asked))
    if asked.get("task") is None and None not in (was, now) and was != now:
        other = OTHER_WAY[asked["direction"]]
        raise setting_error(
            f"dataset.direction={asked['direction']}", f"a label map as {now}",
            f"it as {was}, as the checkpoint was trained", f"Add dataset.direction={other}.",
        )  # fmt: skip


def check_same_classes(trained: Any, asked: Any, makes_labels: bool = False) -> None:
    """Refuses other classes where the network knows them by number, or makes them.

    Args:
        trained: The reader of the data set that the checkpoint was trained on.
        asked: That of the data set to score.
        makes_labels: Whether the system makes labels, on whichever side they are.

    Raises:
        SettingError: Their names or their order differ.
    """
    if trained.classes is None or asked.classes is None:
        return
    known = trained.label_as == "onehot" or trained.label_role == "target" or makes_labels
    if known and not trained.classes.same_classes(asked.classes):
        raise setting_error(
            "dataset.classes", f"the classes {', '.join(asked.classes.names)}",
            f"those of the checkpoint: {', '.join(trained.classes.names)}",
            "Choose the data set that fits, or another checkpoint.",
        )  # fmt: skip


def check_same_labels(trained: Any, asked: Any) -> None:
    """Refuses other domains or classes where the system knows them by number.

    Args:
        trained: The data that the checkpoint was trained on.
        asked: Those to score.

    Raises:
        SettingError: Their names or their order differ, or one set has attributes and the other
            classes.
    """
    if trained.pairing != "labelled":
        return
    if asked.exclusive != trained.exclusive:
        kinds = [KIND_OF_LABELS[data.exclusive] for data in (asked, trained)]
        raise setting_error(
            "dataset.attributes", f"a data set of {kinds[0]}",
            f"one of {kinds[1]}, as the checkpoint was trained with",
            "Choose the data set that fits, or another checkpoint.",
        )  # fmt: skip
    if asked.domains != trained.domains:
        # BtoA numbers them from behind.
        names = trained.domains if asked.direction == "AtoB" else trained.domains[::-1]
        raise setting_error(
            "dataset.domains", f"the domains {', '.join(asked.domains)}",
            f"those of the checkpoint: {', '.join(trained.domains)}",
            f"Add dataset.direction={asked.direction} dataset.domains=[{','.join(names)}], or "
            "choose a data set that has them.",
        )  # fmt: skip


def require_direction(model: Any, direction: str) -> None:
    """Refuses to take one domain for the other, where a system knows them by its routes.

    Raises:
        SettingError: The data are the other way round than in training.
    """
    if len(model.routes) > 1 and direction != model.direction:
        raise setting_error(
            f"dataset.direction={direction}", "the domains the other way round",
            f"{model.direction}, as the checkpoint was trained with",
            f"Leave dataset.direction out. route={direction} scores the other way.",
        )  # fmt: skip
