"""What is done once every block of a result is: summed up, its metadata gathered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rnnlens.bulk.arrays import consolidate
from rnnlens.bulk.job import read_manifest
from rnnlens.bulk.methods import written_by
from rnnlens.bulk.summing import PLACE, write_summary
from rnnlens.bulk.upkeep.alone import alone
from rnnlens.bulk.upkeep.layout import changed, laid_out_again, lists, note_layout
from rnnlens.bulk.upkeep.leftovers import sweep_around

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["begin_again", "end", "ended"]


def begin_again(out: Path) -> None:
    """Put back what is not as it was laid out, so that no later copy is made of damage."""
    with alone(out) as sure:
        sweep_around(out, sure)
        if sure or not lists(out, PLACE):  # or another that ends it now would be disturbed
            laid_out_again(out)


def end(out: Path) -> None:
    """Gather what all blocks give, once all are done."""
    with alone(out) as sure:
        sweep_around(out, sure)
        manifest = read_manifest(out)
        write_summary(out, manifest)
        consolidate(out)
        note_layout(out, written_by(manifest))


def ended(out: Path) -> bool:
    """Tell whether what all blocks give was gathered, and is as it was then."""
    return lists(out, PLACE) and not changed(out)
