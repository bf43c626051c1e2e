"""Notebooks run from top to bottom, with warnings as errors, and still tell their story."""

import json
import re
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "notebooks"
NAMES = sorted(path.name for path in FOLDER.glob("*.ipynb"))
LARGEST = 100_000
"""Bytes of a notebook: outputs are there to be read, not to be scrolled past."""

STORIES = {
    "01-first-audit": ["beyond the limit", "within the limit", "report.html"],
    "02-loyal-customers": ["within the limit", "beyond the limit", "cannot tell yet"],
    "03-recommender": ["shown first", "beyond the limit", "within the limit", "steering.exposure"],
    "04-explaining-a-flag": ["established", "Shared out: phone", "shaken rows", "scaffolded"],
    "05-beside-fairlearn": ["times as long", "within the limit", "beyond the limit"],
}
"""Notebook → what its outputs say, in this order."""


def cells(name, kind):
    notebook = json.loads((FOLDER / name).read_text("utf-8"))
    return ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == kind]


def outputs(notebook):
    """All that a notebook printed, as text."""
    found = []
    for cell in notebook["cells"]:
        for output in cell.get("outputs", ()):
            data = output.get("data", {})
            found += [output.get("text", ""), data.get("text/plain", "")]
    return "\n".join("".join(part) for part in found)


def in_order(text, parts):
    return re.search(".*".join(map(re.escape, parts)), text, re.DOTALL) is not None


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_is_small_and_was_run(name):
    path = FOLDER / name
    notebook = json.loads(path.read_text("utf-8"))
    assert path.stat().st_size < LARGEST
    counts = [cell["execution_count"] for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert counts == list(range(1, len(counts) + 1))
    assert "Traceback" not in outputs(notebook)
    assert "<script" not in path.read_text("utf-8")


@pytest.mark.parametrize("name", NAMES)
def test_its_links_lead_somewhere(name):
    links = re.findall(r"\]\(([^)#]+)\)", "\n".join(cells(name, "markdown")))
    assert [link for link in links if not (FOLDER / link).exists()] == []


@pytest.mark.parametrize("stem", ["01-first-audit", "02-loyal-customers"])
def test_both_languages_run_the_same_code(stem):
    english, chinese = (cells(f"{stem}.{language}.ipynb", "code") for language in ("en", "zh"))
    assert [cell.replace("EVENHAND_LANG=zh", "EVENHAND_LANG=en") for cell in chinese] == english
    for text in cells(f"{stem}.en.ipynb", "markdown"):
        assert not re.search(r"[\u4e00-\u9fff]", text)
    for text in cells(f"{stem}.zh.ipynb", "markdown"):
        assert re.search(r"[\u4e00-\u9fff]", text)


@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=[pytest.mark.prove] if ".zh." in n else []) for n in NAMES],
)
def test_a_notebook_runs_and_still_says_so(name, tmp_path):
    nbclient, nbformat = pytest.importorskip("nbclient"), pytest.importorskip("nbformat")
    notebook = nbformat.read(FOLDER / name, as_version=4)
    strict = nbformat.v4.new_code_cell("import warnings\nwarnings.simplefilter('error')")
    lenient = nbformat.v4.new_code_cell("warnings.simplefilter('default')")
    # the kernel warns about itself when it ends
    notebook.cells = [strict, *notebook.cells, lenient]
    nbclient.NotebookClient(
        notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}
    ).execute()
    if ".zh." not in name:
        assert in_order(outputs(notebook), STORIES[name.removesuffix(".ipynb").partition(".")[0]])
    assert list(tmp_path.iterdir()) == []
