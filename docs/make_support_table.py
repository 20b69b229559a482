"""Write ``support.md``, the table of what is read, by running every cell of it.

Run it from the repository's root, where the test extras are installed::

    .venv/bin/python docs/make_support_table.py

The cells are those of ``tests/support.py``: one that does not hold stops the script.
"""

from __future__ import annotations

import os
import sys
import tempfile
import warnings
from collections.abc import Mapping
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent / "tests" / part) for part in ("", "makers", "twins")]
os.environ.setdefault("KERAS_BACKEND", "torch")

from rnnlens.readers.keras.operations.table import READ  # noqa: E402
from support import CELLS, FORMATS, ROWS, Absent, Refused, run, versions  # noqa: E402

__all__ = ["page"]

#: The heading of what may differ from one installation to another.
VERSIONS = "## What wrote and ran the sources"

TOP = """# What is read

Each cell is one small model with random weights. `tested`: rnnlens reads it, and its outputs equal
those that the source's own library gives, to 1e-5 of the largest. `refused`: it is refused with one
sentence, given below. `-`: there is nothing to test, for the reason below.

Written by `docs/make_support_table.py`, which runs every cell; the tests run them too.
"""


def page(statuses: Mapping[tuple[str, str], str], libraries: Mapping[str, str]) -> str:
    """Lay the table out.

    Parameters
    ----------
    statuses : mapping of (str, str) to str
        What each cell is, by format and row.
    libraries : mapping of str to str
        Libraries with their versions, by name.

    Returns
    -------
    str
        The page in Markdown.
    """
    notes: dict[str, int] = {}
    lines = [
        "| | " + " | ".join(form.name for form in FORMATS.values()) + " |",
        "|---" * (len(FORMATS) + 1) + "|",
    ]
    for row, said in ROWS.items():
        cells = [_shown((form, row), statuses, notes) for form in FORMATS]
        lines.append(f"| {said} | " + " | ".join(cells) + " |")
    listed = [f"{number}. {note}" for note, number in notes.items()]
    sources = [
        f"| {form.name} | {form.written.format(**libraries)} | {form.runs.format(**libraries)} |"
        for form in FORMATS.values()
    ]
    ends = ["| format | written | outputs given by |", "|---|---|---|", *sources]
    return "\n".join([TOP, *lines, "", *listed, "", *_operations(), VERSIONS, "", *ends, ""])


def _operations() -> list[str]:
    """Give the operations between the layers of Keras that are read, by name."""
    parts = ["## Operations between the layers of Keras", ""]
    for library, names in READ.items():
        shown = ", ".join(f"`{name}`" for name in names)
        parts += [f"In {library}: {shown}.", ""]
    return [
        *parts,
        "They are taken sample by sample: one that works along the axis of the samples is refused. "
        "A `Lambda` is read where its code, which is never run, is a slice, arithmetic with "
        "numbers, or one of these by its usual name (`K.sum`, `tf.expand_dims`, `ops.mean`).",
        "",
    ]


def _shown(
    key: tuple[str, str], statuses: Mapping[tuple[str, str], str], notes: dict[str, int]
) -> str:
    """Give a cell's status with the number of its note, counting on where the note is new."""
    cell = CELLS[key]
    if isinstance(cell, Refused):
        note = f"`{cell.sentence}`"
    elif isinstance(cell, Absent):
        note = f"{cell.why}."
    else:
        return statuses[key]
    return f"{statuses[key]} ({notes.setdefault(note, len(notes) + 1)})"


def main() -> None:
    """Run every cell and write the page.

    Raises
    ------
    AssertionError
        If a cell is not what the matrix says.
    """
    statuses = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # remarks of the libraries on their own formats
        for key, cell in CELLS.items():
            with tempfile.TemporaryDirectory() as folder:
                statuses[key] = run(cell, Path(folder))
    path = HERE / "support.md"
    path.write_text(page(statuses, versions()), encoding="utf-8")
    counts = {status: [*statuses.values()].count(status) for status in ("tested", "refused", "-")}
    print(f"wrote {path}: {counts}")


if __name__ == "__main__":
    main()
