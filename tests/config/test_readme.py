"""What stands in the README works: links, presets and command lines."""

import re
import shlex

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from conftest import CONF, ROOT

README = (ROOT / "README.md").read_text()
HEADS = "\n".join(p.read_text() for p in CONF.rglob("*.yaml"))
COMMANDS = sorted(set(re.findall(r"^(?:# )?(python src/\w+\.py.*)$", README + "\n" + HEADS, re.M)))


def test_links_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)]+)\)", README)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []
    assert "_TABLE" not in README


@pytest.mark.parametrize("line", COMMANDS)
def test_command_lines_can_be_typed(line: str) -> None:
    """As the shell splits them and as Hydra reads them; every value of a group is a preset."""
    words = [w for w in shlex.split(line, comments=True)[2:] if not w.startswith("-")]
    for override in OverridesParser.create().parse_overrides(words):
        group = CONF / str(override.key_or_group)
        if override.key_or_group == "experiments":
            group = ROOT / "experiments"
        if group.is_dir() and isinstance(override.value(), str):
            value = override.value()
            assert (group / f"{value}.yaml").is_file() or value in ("mine",), line
