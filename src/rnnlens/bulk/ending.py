"""What is done once every block of a result is: its metadata gathered, and checksums of it kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rnnlens.bulk.arrays import consolidate
from rnnlens.bulk.finding import note_layout
from rnnlens.bulk.work import OF_A_WINDOW

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["WRITTEN", "end"]

#: The arrays that blocks write.
WRITTEN = ("contribution", *OF_A_WINDOW)


def end(out: Path) -> None:
    """Gather what all blocks give, once all are done."""
    consolidate(out)
    note_layout(out, WRITTEN)
