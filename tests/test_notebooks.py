import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parent.parent / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
SCRIPTS = sorted(FOLDER.glob("*.py"))
MOST_WORDS = 1500
"""Ten minutes at an easy 150 words a minute, code counted like prose."""


@pytest.fixture
def quick(tmp_path, monkeypatch):
    """Run in an empty folder, with few replications, shipped data and nobody's own settings of Jupyter."""
    monkeypatch.setenv("SAFEPASSAGE_NOTEBOOK_FAST", "1")
    monkeypatch.setenv("JUPYTER_PLATFORM_DIRS", "1")
    monkeypatch.delenv("SAFEPASSAGE_DATA", raising=False)
    for name in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
    folder = tmp_path / "here"
    folder.mkdir()
    return folder


def cells_of(path):
    return json.loads(path.read_text(encoding="utf-8"))["cells"]


def test_the_notebooks_and_scripts_are_there():
    assert [path.name[:2] for path in NOTEBOOKS] == ["00", "01", "02", "03", "04", "05"]
    assert SCRIPTS


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_runs_from_top_to_bottom_and_writes_nothing_beside_itself(path, quick):
    nbclient = pytest.importorskip("nbclient", reason="nbclient runs notebooks; it comes with the extra `test`")
    nbformat = pytest.importorskip("nbformat")
    before = sorted(FOLDER.iterdir())
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    client = nbclient.NotebookClient(
        notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(quick)}}
    )
    client.execute()
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(cell.execution_count for cell in code)
    assert not [
        out.text for cell in code for out in cell.outputs if out.output_type == "stream" and out.name == "stderr"
    ]
    assert sorted(FOLDER.iterdir()) == before


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_is_stored_without_outputs_and_with_the_least_metadata(path):
    notebook = json.loads(path.read_text(encoding="utf-8"))
    assert set(notebook["metadata"]) == {"kernelspec", "language_info"}
    assert set(notebook["metadata"]["language_info"]) == {"name"}
    for cell in notebook["cells"]:
        assert cell["metadata"] == {}
        if cell["cell_type"] == "code":
            assert cell["outputs"] == []
            assert cell["execution_count"] is None


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_asks_one_question_and_is_read_in_ten_minutes(path):
    cells = cells_of(path)
    title = cells[0]["source"][0]
    assert title.startswith("# ")
    assert title.rstrip().endswith("?")
    text = "".join(line for cell in cells for line in [*cell["source"], "\n"])
    assert len(re.findall(r"\w[\w'-]*", text)) <= MOST_WORDS


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_script_runs_and_prints_a_result(path, quick):
    done = subprocess.run(
        [sys.executable, str(path)], cwd=quick, env=dict(os.environ), capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()
