"""The example of using the library from a notebook runs, cell after cell."""

import matplotlib
import nbformat
import pytest

from workspace import ROOT


@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")
def test_the_notebook_runs_from_its_first_cell_to_its_last(monkeypatch):
    matplotlib.use("agg")
    monkeypatch.chdir(ROOT / "docs")
    notebook = nbformat.read("mining.ipynb", as_version=4)
    nbformat.validate(notebook)
    names = {}
    for cell in notebook.cells:
        if cell.cell_type == "code":
            exec(compile(cell.source, "mining.ipynb", "exec"), names)
    assert set(names["agreement"]) == {"the weak map", "mined cropland", "mined non-cropland"}
    assert names["agreement"]["mined non-cropland"] > names["agreement"]["the weak map"]
    names["figure"].savefig(names["folder"] / "figure.png")
