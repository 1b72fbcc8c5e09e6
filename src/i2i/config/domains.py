"""``dataset.domains``: what the classes of a set are called, where their folders say it."""

from typing import Any

from i2i.data.index.class_folders import classes_below


def settle_domains(cfg: Any) -> None:
    """Names the classes of a set of folders, where nobody did.

    Networks are built for as many as there are. So the configuration, which a checkpoint keeps, has
    to say them.

    Args:
        cfg: The composed configuration; its ``dataset.domains`` is set.

    Raises:
        SettingError: The folders cannot be read, or are no classes.
    """
    data = cfg.dataset
    if data.has_labels and data.domains is None and data.attributes is None:
        data.domains = classes_below(data.root, data.a_folder, data.splits, data.name)
