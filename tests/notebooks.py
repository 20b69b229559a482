"""Running the notebooks of the examples without Jupyter: their code cells, one after the other."""

from __future__ import annotations

import io
import json
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

__all__ = ["FOLDER", "code_of", "names", "printed_in", "run"]

FOLDER = Path(__file__).resolve().parents[1] / "examples" / "notebooks"


def names() -> list[str]:
    """The notebooks, sorted."""
    return sorted(path.stem for path in FOLDER.glob("*.ipynb"))


def _code_cells(name: str) -> list[dict[str, Any]]:
    book = json.loads((FOLDER / f"{name}.ipynb").read_text(encoding="utf-8"))
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
