"""What stands in the README and in docs/ works: links, presets, command lines and recipes."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from conftest import CONF, ROOT
from i2i.commands.compare import with_folders
from i2i.config.plain_words import plain_words

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
TEXT = "\n".join(page.read_text() for page in PAGES).replace("\\\n", " ")
HEADS = "\n".join(p.read_text() for p in CONF.rglob("*.yaml"))
COMMANDS = sorted(set(re.findall(r"^(?:# )?(python src/\w+\.py.*)$", TEXT + "\n" + HEADS, re.M)))
OWN = ("mine",)  # the name that the recipes give to a new part


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    links = [link.partition("#")[0] for link in re.findall(r"\]\(([^)]+)\)", page.read_text())]
    assert [k for k in links if k and ":" not in k and not (page.parent / k).exists()] == []


@pytest.mark.parametrize("line", COMMANDS)
def test_command_lines_can_be_typed(line: str) -> None:
    """As the shell splits them and as Hydra reads them; every value of a group is a preset."""
    words = shlex.split(line, comments=True)[2:]
    if "/compare.py" in line:  # takes folders without an option
        words = with_folders(words)
    words = [word for word in plain_words(words) if not word.startswith("-")]
    for override in OverridesParser.create().parse_overrides(words):
        group = CONF / str(override.key_or_group)
        if override.key_or_group == "experiments":
            group = ROOT / "experiments"
        if group.is_dir() and isinstance(override.value(), str):
            value = override.value()
            assert (group / f"{value}.yaml").is_file() or value in OWN, line


RECIPES = {  # page and heading of each
    "README.md": ["## Add a generator"],
    "docs/architecture.md": ["### A reconstruction loss", "### A metric", "### A system"],
}


def test_the_recipes_leave_the_tests_green(tmp_path: Path) -> None:
    """Done to the letter in a copy of the project; the blanket tests find the parts and pass."""
    for part in ("src", "conf", "experiments", "tests"):
        shutil.copytree(ROOT / part, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for page, headings in RECIPES.items():
        for heading in headings:
            text = (ROOT / page).read_text().split(f"\n{heading}\n")[1]
            files = re.findall(r"`((?:src|conf)/\S+)`:\s+```\w+\n(.*?)```", text, re.S)[:2]
            assert [Path(name).suffix for name, _ in files] == [".py", ".yaml"], heading
            for name, content in files:
                assert not (tmp_path / name).exists()
                (tmp_path / name).write_text(content)
    tests = ["tests/unit/generators", "tests/config/test_presets.py"]
    tests += ["tests/config/test_combinations.py"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-k", "mine", "-p", "no:cacheprovider", *tests],
        cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(tmp_path / "src")},
        capture_output=True, text=True, timeout=240,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:]
    assert int(re.search(r"(\d+) passed", done.stdout)[1]) >= 12, done.stdout[-1000:]
