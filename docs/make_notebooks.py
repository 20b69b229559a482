"""Run the notebooks of the examples and store in them what they print.

Run it from the repository's root, where the test extras are installed::

    .venv/bin/python docs/make_notebooks.py
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
os.environ.setdefault("KERAS_BACKEND", "torch")

from notebooks import JOURNEYS, names, path_of, run


def main() -> None:
    """Run every notebook."""
    for name in [*names(), *sorted(path.stem for path in JOURNEYS.glob("*.ipynb"))]:
        path = path_of(name)
        _, printed = run(name)
        book = json.loads(path.read_text(encoding="utf-8"))
        cells = [cell for cell in book["cells"] if cell["cell_type"] == "code"]
        for number, (cell, text) in enumerate(zip(cells, printed, strict=True), start=1):
            lines = text.splitlines(keepends=True)
            stream = {"name": "stdout", "output_type": "stream", "text": lines}
            cell["execution_count"], cell["outputs"] = number, [stream] if lines else []
        text = json.dumps(book, indent=1, ensure_ascii=False)
        path.write_text(text + "\n", encoding="utf-8")
        print(path.name, *printed, sep="\n")


if __name__ == "__main__":
    main()
