"""Running the notebooks of the examples without Jupyter: their code cells, one after the other."""

from __future__ import annotations

import io
import json
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

__all__ = ["FOLDER", "JOURNEYS", "code_of", "names", "path_of", "printed_in", "run"]

FOLDER = Path(__file__).resolve().parents[1] / "examples" / "notebooks"
#: Where longer ones lie, which tell of an afternoon's work.
JOURNEYS = FOLDER.with_name("journeys")


def names() -> list[str]:
    """The notebooks, sorted."""
    return sorted(path.stem for path in FOLDER.glob("*.ipynb"))


def path_of(name: str) -> Path:
    """The file of a notebook, in either folder."""
    path = FOLDER / f"{name}.ipynb"
    return path if path.is_file() else JOURNEYS / path.name


def _code_cells(name: str) -> list[dict[str, Any]]:
    book = json.loads(path_of(name).read_text(encoding="utf-8"))
    return [cell for cell in book["cells"] if cell["cell_type"] == "code"]


def code_of(name: str) -> list[str]:
    """The code of each code cell."""
    return ["".join(cell["source"]) for cell in _code_cells(name)]


def printed_in(name: str) -> list[str]:
    """What the notebook holds as the output of each code cell."""
    return [
        "".join(line for output in cell["outputs"] for line in output["text"])
        for cell in _code_cells(name)
    ]


def run(name: str) -> tuple[dict[str, Any], list[str]]:
    """Run a notebook in a fresh namespace: its names at the end, and what each cell printed."""
    namespace: dict[str, Any] = {"__name__": "__main__"}
    printed = []
    for number, code in enumerate(code_of(name)):
        out = io.StringIO()
        with redirect_stdout(out):
            exec(compile(code, f"{name}.ipynb, cell {number}", "exec"), namespace)
        printed.append(out.getvalue())
    return namespace, printed
