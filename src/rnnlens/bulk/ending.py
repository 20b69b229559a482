"""What is done once every block of a result is: summed up, its metadata gathered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rnnlens.bulk.arrays import consolidate
from rnnlens.bulk.finding import note_layout
from rnnlens.bulk.job import read_manifest
from rnnlens.bulk.summing import sweep_summaries, write_summary
from rnnlens.bulk.work import OF_A_WINDOW

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["WRITTEN", "end"]

#: The arrays that blocks write.
WRITTEN = ("contribution", *OF_A_WINDOW)


def end(out: Path) -> None:
    """Gather what all blocks give, once all are done."""
    write_summary(out, read_manifest(out))
    sweep_summaries(out)
    consolidate(out)
    note_layout(out, WRITTEN)
