"""Divides the training files that a set publishes into what is trained on and what is held out."""

from collections.abc import Mapping

from i2i.data.index.pair_list import PairList
from i2i.errors import setting_error


def hold_out(found: PairList, asked: Mapping[str, float], where: str) -> dict[str, PairList]:
    """Takes evenly spaced pairs, or pictures of one side, out of the training split.

    Args:
        found: The pairs that are published for training.
        asked: Split name -> number of pairs to hold out for it, or a share below 1; 0 for none.
        where: What they are and where they lie, for the error.

    Returns:
        Split name -> pairs, for train and for each split that is asked for.

    Raises:
        SettingError: None would be left to train on.
    """
    lists = {"train": found}
    for split, held in asked.items():
        if not held:
            continue
        rest = lists["train"]
        count = int(held) if held >= 1 else max(round(len(found) * held), 1)
        if count >= len(rest):
            raise setting_error(
                f"dataset.{split}_from_train={held}",
                f"{len(rest)} {where}",
                "fewer held out than there are",
                f"Set it to {len(found) // 10} or so.",
            )
        chosen = {(2 * place + 1) * len(rest) // (2 * count) for place in range(count)}
        lists[split] = rest.subset(sorted(chosen))
        lists["train"] = rest.subset(i for i in range(len(rest)) if i not in chosen)
    lists["train"].skipped = found.skipped
    return lists
