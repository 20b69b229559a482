"""Drafts that a process left where it was killed while it wrote: no part of a result.

Every file of a result is written beside its place and moved there whole. Whoever is killed between
the two leaves the draft, of which nothing says whose it is; so drafts are swept away by whoever
knows that nobody else writes there.
"""

from __future__ import annotations

import os
import shutil
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from rnnlens.bulk.arrays import chunk_of
from rnnlens.bulk.job import FOLDER
from rnnlens.bulk.records import place_of_record, sketch_of
from rnnlens.bulk.upkeep.files import is_draft

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rnnlens.bulk.blocks import Grid

__all__ = ["OLD", "sweep_all", "sweep_around", "sweep_blocks"]

#: Seconds after which a draft is nobody's any more, where it is not known who writes.
OLD = 3600.0


def sweep_blocks(out: Path, grid: Grid, names: Sequence[str], numbers: Iterable[int]) -> None:
    """Remove drafts of the files of some blocks, which nobody else is at."""
    of: dict[Path, set[str]] = {}
    for number in numbers:
        files = [chunk_of(out, name, grid, number) for name in names]
        for file in (*files, sketch_of(out, number), place_of_record(out, number)):
            of.setdefault(file.parent, set()).add(file.name)
    for folder, own in of.items():
        for path in _drafts_in(folder):
            # zarr's are "0.<hex>.partial" for "0", ours ".0000000.npz-<hex>" for "0000000.npz"
            ours = path.name.startswith(".")
            if (path.name[1:-33] if ours else path.name.split(".")[0]) in own:
                _remove(path)


def sweep_around(out: Path, sure: bool) -> None:
    """Remove drafts of what is around the blocks: metadata, the layout, the summary.

    Where it is not sure that nobody else is at these, those alone that are old.
    """
    for path in (*_drafts_in(out), *_drafts_in(out / FOLDER)):
        with suppress(OSError):
            if sure or time.time() - path.stat().st_mtime >= OLD:
                _remove(path)


def sweep_all(out: Path) -> None:
    """Remove every draft of a result at which nobody is."""
    for folder, folders, _ in os.walk(out):
        for path in _drafts_in(Path(folder)):
            _remove(path)
        folders[:] = [one for one in folders if not is_draft(Path(one))]


def _drafts_in(folder: Path) -> list[Path]:
    try:
        return [path for path in folder.iterdir() if is_draft(path)]
    except OSError:  # which is not there yet
        return []


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
