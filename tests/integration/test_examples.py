"""The notebooks of examples/ run from top to bottom."""

import os
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from conftest import ROOT

EXAMPLES = ROOT / "examples"


def run(name: str, **parameters: Any) -> nbformat.NotebookNode:
    """A notebook with its results; the values of its first code cell are replaced."""
    notebook = nbformat.read(EXAMPLES / name, as_version=4)
    (cell,) = [c for c in notebook.cells if "parameters" in c.metadata.get("tags", ())]
    names = [line.partition(" = ")[0] for line in cell.source.splitlines()]
    assert names == list(parameters)
    cell.source = "\n".join(f"{key} = {value!r}" for key, value in parameters.items())
    where = {"metadata": {"path": str(EXAMPLES)}}
    return NotebookClient(notebook, timeout=300, kernel_name="python3", resources=where).execute()


def results(notebook: nbformat.NotebookNode) -> list[dict[str, Any]]:
    return [out.get("data", {"text": out.get("text")}) for c in notebook.cells
            for out in c.get("outputs", ())]  # fmt: skip


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "src"))
    monkeypatch.setenv("OMP_NUM_THREADS", os.environ.get("OMP_NUM_THREADS", "1"))


def test_a_model_is_loaded_and_translates(tmp_path: Path) -> None:
    found = results(run("translate.ipynb", RUN=str(tmp_path / "run"), STEPS=3))
    texts = [out.get("text/plain", out.get("text")) for out in found]
    assert texts[0] == "('AtoB',)"
    assert texts[1] == "((128, 128), 'RGB')"
    assert "image/png" in found[2]
    assert texts[3] == "((100, 75, 3), dtype('uint8'))"
    assert len(texts[4].split(",")) == 4
    assert "route=BtoA: found no such route of Pix2Pix" in texts[5]


def test_a_sweep_is_compared(tmp_path: Path) -> None:
    found = results(run("compare.ipynb", SWEEP=str(tmp_path / "sweep"), STEPS=3))
    assert "'comparison.html'" in found[0]["text/plain"]
    assert "| variant |" in found[1]["text/markdown"] and "ssim" in found[1]["text/markdown"]
    assert "image/png" in found[2]
    assert "'ssim'" in found[3]["text/plain"]
    assert found[4]["text/plain"] == "[(128, 128), (128, 128)]"
