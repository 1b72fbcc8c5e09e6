"""Each folder of the package holds one concept, and imports between folders run one way."""

import ast
from collections import defaultdict
from pathlib import Path

import pytest

from conftest import ROOT

PACKAGE = ROOT / "src" / "i2i"
FOLDERS = sorted(path.parent for path in PACKAGE.rglob("__init__.py"))
assert len(FOLDERS) > 10, f"no folders under {PACKAGE}"


def imported(file: Path) -> set[str]:
    """The folders, or files of the package's top, that a file imports from, late imports too."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("i2i."):
            found.add(node.module.split(".")[1])
    return found


def test_no_folder_imports_in_a_circle() -> None:
    arrows: dict[str, set[str]] = defaultdict(set)
    for file in PACKAGE.rglob("*.py"):
        room = file.relative_to(PACKAGE).parts[0].removesuffix(".py")
        arrows[room] |= imported(file) - {room}
    assert arrows["commands"] and arrows["metrics"]
    while free := [room for room, others in arrows.items() if not others & arrows.keys()]:
        for room in free:
            del arrows[room]
    assert dict(arrows) == {}, "these import each other"


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_folder_says_what_it_holds(folder: Path) -> None:
    text = ast.get_docstring(ast.parse((folder / "__init__.py").read_text()))
    assert text and text.splitlines()[0].endswith((".", ":"))


@pytest.mark.parametrize("room", ["generators", "discriminators", "losses"])
def test_networks_and_losses_know_torch_and_nothing_around_it(room: str) -> None:
    names: set[str] = set()
    for file in (PACKAGE / room).glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            names |= {a.name for a in node.names} if isinstance(node, ast.Import) else set()
            names |= {node.module or ""} if isinstance(node, ast.ImportFrom) else set()
    roots = {name.partition(".")[0] for name in names}
    assert "torch" in roots
    assert roots & {"lightning", "hydra", "omegaconf", "wandb"} == set()
