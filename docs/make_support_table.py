"""Write ``support.md``, the tables of what is read and written, by running every cell of them.

Run it from the repository's root, where the test extras are installed::

    .venv/bin/python docs/make_support_table.py

The cells are those of ``tests/support.py``, ``support_idioms.py``, ``support_containers.py`` and
``support_written.py`` there: one that does not hold stops the script.
"""

from __future__ import annotations

import os
import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Mapping
from itertools import product
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent / "tests" / part) for part in ("", "makers", "twins")]
os.environ.setdefault("KERAS_BACKEND", "torch")

from handwritten_cells import DESCRIBED, KNOWN  # noqa: E402
from rnnlens.readers.keras.operations.table import READ  # noqa: E402
from support import CELLS, FORMATS, ROWS, Absent, Refused, run, versions  # noqa: E402
from support_containers import CONTAINERS  # noqa: E402
from support_idioms import KERAS, KINDS, TORCH, every_idiom, told  # noqa: E402
from support_written import ROWS_WRITTEN, TARGETS, write  # noqa: E402

__all__ = ["page"]

#: The heading of what may differ from one installation to another.
VERSIONS = "## What wrote and ran the sources"

TOP = """# What is read

Each cell is one small model with random weights. `tested`: rnnlens reads it, and its outputs equal
those that the source's own library gives, to 1e-5 of the largest. `refused`: it is refused with one
sentence, given below. `-`: there is nothing to test, for the reason below.

Written by `docs/make_support_table.py`, which runs every cell; the tests run them too.
"""


OTHER_FILES = """## Other files

One case of each, as above: what TensorFlow wrote and gave is kept with the tests, the rest was
written and run by its library.
"""

AROUND = """## What stands around the recurrent layers

{torch} idioms of PyTorch, live modules of a few lines whose `forward` does what the name says, and
{keras} graphs of Keras 3, live. `tested`: read, and equal to its own library, PyTorch in float64 to
1e-9, with contributions that sum, and Keras to 1e-6 of the largest output. The code of each stands
under its name in `tests/makers/torch_idioms` and `tests/makers/keras_zoo.py`.
"""

BY_HAND = """### Cells written by hand, in a loop over the steps

Classes of `tests/makers/handwritten_cells.py`, live and as ONNX: read as the recurrent layer that
their equations are, or as a described cell, whose gates are its sigmoids.

| | library | |
|---|---|---|
"""

WRITTEN = """## What is written

Each cell is one small network with random weights, written by `rnnlens convert`. `tested`: the
library that the file is for gave what the network gives, to what rounding to float32 explains; of a
state dict, PyTorch ran the class that is written with it; an `.npz` was read back. `refused`: with
the sentence given below.
"""


def page(
    statuses: Mapping[tuple[str, str], str],
    idioms: Mapping[tuple[str, str], str],
    written: Mapping[tuple[str, str], str],
    libraries: Mapping[str, str],
) -> str:
    """Lay the tables out.

    Parameters
    ----------
    statuses : mapping of (str, str) to str
        What each cell of the first table is, by format and row.
    idioms : mapping of (str, str) to str
        The sentence that refuses each idiom, by library and name, or nothing.
    written : mapping of (str, str) to str
        The sentence that refuses each cell of the second, by row and ending, or nothing.
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
    return "\n".join([
        TOP,
        *lines,
        "",
        *listed,
        "",
        *_other_files(),
        *_around(idioms),
        *_operations(),
        *_written(written),
        VERSIONS,
        "",
        *ends,
        "",
    ])


def _other_files() -> list[str]:
    """Lay out what other files are read."""
    lines, notes = [OTHER_FILES, "| file | of it | |", "|---|---|---|"], []
    for container, cases in CONTAINERS.items():
        for number, (what, case) in enumerate(cases.items()):
            status = "tested"
            if isinstance(case, Refused):
                notes.append(case.sentence)
                status = f"refused ({len(notes)})"
            lines.append(f"| {'' if number else container} | {what} | {status} |")
    return [*lines, "", *(f"{number}. `{note}`" for number, note in enumerate(notes, 1)), ""]


def _around(idioms: Mapping[tuple[str, str], str]) -> list[str]:
    """Lay out the idioms by their headings, a refusal beside each that is refused."""
    counts = Counter(library for library, _ in idioms)
    lines = [AROUND.format(torch=counts[TORCH], keras=counts[KERAS])]
    for heading, sides in KINDS.items():
        lines += [f"### {heading}", "", "| | library | |", "|---|---|---|"]
        for library, names in sides.items():
            for name in names:
                sentence = idioms[library, name]
                said = f"refused: `{sentence}`" if sentence else "tested"
                lines.append(f"| {name} | {library} | {said} |")
        lines.append("")
    cells = {**KNOWN, **dict.fromkeys(DESCRIBED, "described cell")}
    lines.append(BY_HAND.rstrip())
    for cell, kind in cells.items():
        said = (cell.__doc__ or "").rstrip(".")
        lines.append(f"| {said[0].lower()}{said[1:]} | PyTorch | tested, as {kind} |")
    return [*lines, ""]


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


def _written(written: Mapping[tuple[str, str], str]) -> list[str]:
    """Lay out what is written, by row and target."""
    notes: dict[str, int] = {}
    lines = [
        WRITTEN,
        "| | " + " | ".join(f"`{ending}`" for ending in TARGETS) + " |",
        "|---" * (len(TARGETS) + 1) + "|",
    ]
    for row in ROWS_WRITTEN:
        said = [written[row, ending] for ending in TARGETS]
        cells = [
            f"refused ({notes.setdefault(one, len(notes) + 1)})" if one else "tested"
            for one in said
        ]
        lines.append(f"| {row} | " + " | ".join(cells) + " |")
    return [*lines, "", *(f"{number}. `{note}`" for note, number in notes.items()), ""]


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
        for cases in CONTAINERS.values():
            for case in cases.values():
                with tempfile.TemporaryDirectory() as folder:
                    run(case, Path(folder))
        idioms = {(library, name): told(library, name) for _, library, name in every_idiom()}
        written = {}
        for key in product(ROWS_WRITTEN, TARGETS):
            with tempfile.TemporaryDirectory() as folder:
                written[key] = write(*key, Path(folder), check=True)
    path = HERE / "support.md"
    path.write_text(page(statuses, idioms, written, versions()), encoding="utf-8")
    counts = {status: [*statuses.values()].count(status) for status in ("tested", "refused", "-")}
    refused = sum(map(bool, written.values()))
    print(f"wrote {path}: {counts}; of {len(written)} that are written, {refused} are refused")


if __name__ == "__main__":
    main()
