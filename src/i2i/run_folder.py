"""What a run's folder holds besides checkpoints and pictures."""

import json
import math
import platform
import secrets
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from i2i import __version__
from i2i.errors import setting_error
from i2i.files import atomic
from i2i.scores import heading


def require_writable(folder: Path, setting: str) -> None:
    """Makes a folder and tries to write into it, before any work is done.

    Raises:
        SettingError: It cannot be made or written to.
    """
    probe = folder / f".write_test_{secrets.token_hex(8)}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.touch(exist_ok=False)  # a new file: a link of that name is not followed
        probe.unlink(missing_ok=True)
    except OSError as error:
        raise setting_error(
            f"{setting}={folder}", f"no way to write there ({error.strerror})",
            "a folder of yours", f"Choose another one with {setting}=...",
        ) from error  # fmt: skip


def forget_if_empty(folder: Path) -> None:
    """Removes a folder DATE/TIME that a refused command left empty, and that of its day.

    Where the user stands is no such folder, nor is any above it: the run folder of ``translate`` is
    the working directory.
    """
    here = Path.cwd().resolve()
    for empty in (folder, folder.parent):
        if empty.resolve() in (here, *here.parents):
            return
        try:
            empty.rmdir()
        except OSError:
            return


def write_text(path: Path, text: str) -> None:
    """Writes under another name, then renames: nobody ever reads half a file."""
    atomic.write_text(path, text)


def write_json(path: Path, content: Any) -> None:
    """Writes strict JSON; infinities and NaN become the strings "inf", "-inf" and "nan"."""
    write_text(path, json.dumps(strict(content), indent=2, allow_nan=False) + "\n")


def strict(content: Any) -> Any:
    """Replaces what JSON has no word for."""
    if isinstance(content, Mapping):
        return {str(k): strict(v) for k, v in content.items()}
    if isinstance(content, list | tuple):
        return [strict(v) for v in content]
    if isinstance(content, float) and not math.isfinite(content):
        return str(content)
    return content


def commit() -> dict[str, Any]:
    """The commit of this code and whether it was changed since; None where git does not say."""

    def git(*words: str) -> str | None:
        try:
            done = subprocess.run(
                ["git", "-C", str(Path(__file__).parent), *words],
                capture_output=True, text=True, timeout=10, check=True,
            )  # fmt: skip
        except (OSError, subprocess.SubprocessError):
            return None
        return done.stdout.strip()

    # A wheel inside somebody else's repository must not report that repository's commit.
    ours = git("ls-files", "--error-unmatch", Path(__file__).name) is not None
    changes = git("status", "--porcelain") if ours else None  # None too where it takes too long
    return {
        "commit": git("rev-parse", "HEAD") if ours else None,
        "uncommitted_changes": None if changes is None else bool(changes),
    }


def code_version() -> dict[str, Any]:
    """Versions of the project (with its commit, in a checkout) and of what it stands on."""
    import lightning
    import torch

    return {
        "i2i": __version__,
        **commit(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "lightning": lightning.__version__,
        "device": torch.cuda.get_device_name()
        if torch.cuda.is_available()
        else platform.processor(),
    }


CEILING = "ceiling (real photographs)"  # what segmenter or classifier say of the targets


def table(
    title: str, rows: Mapping[str, Mapping[str, float]], units: Mapping[str, str] | None = None
) -> str:
    """Formats scores, one row per contestant.

    Args:
        title: Stands above.
        rows: Scores by metric name, by contestant.
        units: Those of the scores that have one, by name.

    Returns:
        Lines of text, aligned; one sentence where nobody has a score.
    """
    names = list(dict.fromkeys(name for scores in rows.values() for name in scores))
    if not names:
        return f"{title}: no scores; metrics=[...] chooses them"
    heads = [heading(name, (units or {}).get(name, "")) for name in names]
    widths = [max(len(head), 10) for head in heads]
    first = max(map(len, [*rows, ""]))
    lines = [
        title,
        " " * first + "".join(f"  {h:>{w}}" for h, w in zip(heads, widths, strict=True)),
    ]
    for label, scores in rows.items():
        cells = [
            f"  {scores[n]:>{w}.4f}" if n in scores else f"  {'-':>{w}}"
            for n, w in zip(names, widths, strict=True)
        ]
        lines.append(f"{label:<{first}}{''.join(cells)}")
    return "\n".join(lines)
