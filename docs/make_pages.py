"""Run the pages of the documentation and write into them what their blocks print.

Run it from the repository's root, where the test extras are installed; names of pages choose some::

    .venv/bin/python docs/make_pages.py tutorial/weather.md

What a page shows with dots in it was chosen by hand: it is compared and never written over.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent / "tests" / part) for part in ("", "makers")]
os.environ.setdefault("KERAS_BACKEND", "torch")

from pages import differs, pages, run, shown_as  # noqa: E402
from rnnlens.demo.weather import leave_files  # noqa: E402


def main(names: list[str]) -> None:
    """Run the pages that are named, or all.

    Raises
    ------
    SystemExit
        If lines that were chosen by hand are not printed any more.
    """
    stale = []
    for name in names or pages():
        path = HERE / name
        page = path.read_text(encoding="utf-8")
        with tempfile.TemporaryDirectory() as folder:
            leave_files(Path(folder))
            ran = list(run(name, Path(folder)))
        for one in reversed(ran):
            block = one.block
            if block.shown is None or block.span is None:
                continue
            if "..." not in block.shown:
                page = page[: block.span[0]] + shown_as(one.printed) + page[block.span[1] :]
            elif wrong := differs(block.shown, one.printed):
                stale.append(f"{name}, line {block.line}: {wrong}")
        path.write_text(page, encoding="utf-8")
        print(name)
    if stale:
        sys.exit("\n".join(stale))


if __name__ == "__main__":
    main(sys.argv[1:])
