"""What is looked at of an archive before all of it: windows that lie evenly, and what they tell.

A place that cannot be read is left out, and the manifest says so. Who goes on with a result looks
where it began to look, so that the same windows make the same baseline, whatever has become
readable since; where less is readable, what the result keeps is taken.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from rnnlens.bulk.blocks import Block
from rnnlens.engine.schedule.plan import evenly
from rnnlens.errors import DataError, UnreadableFile
from rnnlens.series.windows import Windows, described

if TYPE_CHECKING:
    from rnnlens.bulk.windows import Cutter, Found

__all__ = ["Look", "fingerprint", "looked_at"]

#: Windows that are looked at before all others are explained, and how many lie together.
SAMPLE, TOGETHER = 2048, 64
#: Places that are looked at for them at the most.
MOST_PLACES = 1024
#: What the manifest calls the digests of the places.
VALUES = "archive (its values)"
#: Of a place that could not be read.
UNREAD = ""


@dataclass(frozen=True, eq=False)
class Look:
    """What was seen.

    Parameters
    ----------
    windows : Windows
        Those of all places that could be read.
    digests : tuple of str
        Of the windows of each place; empty where it could not be read.
    lost : bool
        Whether a place cannot be read that could be when the result was begun.
    """

    windows: Windows
    digests: tuple[str, ...]
    lost: bool = False


def looked_at(cutter: Cutter, begun: Mapping[str, Any] | None = None) -> Look:
    """Look at windows all over an archive: where a result looked that was begun, if there is one.

    Parameters
    ----------
    cutter : Cutter
        The archive.
    begun : mapping, optional
        What the manifest of that result says of its data.
    """
    known = None if begun is None else begun.get(VALUES)
    if isinstance(known, list) and known:
        return _again(cutter, known)
    every = cutter.source.count * cutter.source.rows
    places = SAMPLE // TOGETHER
    while True:
        blocks = _spread(cutter, places)
        found = [_read(cutter, block) for block in blocks]
        count = sum(len(one.rows) for one in found if not isinstance(one, UnreadableFile))
        if count >= TOGETHER or places * TOGETHER >= every or places >= MOST_PLACES:
            break
        places *= 4
    return _look(cutter, blocks, found)


def fingerprint(cutter: Cutter, look: Look) -> dict[str, Any]:
    """Say what tells an archive from another: its structure, and windows from all over it."""
    return dict(cutter.source.structure) | {VALUES: list(look.digests)}


def _again(cutter: Cutter, known: Sequence[str]) -> Look:
    """Look at as many places as before, and not at those that could not be read then."""
    places = SAMPLE // TOGETHER
    blocks = _spread(cutter, places)
    while len(blocks) < len(known) and places < MOST_PLACES:
        places *= 4
        blocks = _spread(cutter, places)
    if len(blocks) != len(known):
        return looked_at(cutter)  # another archive, whose digests are others
    pairs = [(block, was) for block, was in zip(blocks, known, strict=True) if was != UNREAD]
    found = [_read(cutter, block) for block, _ in pairs]
    seen = _look(cutter, [block for block, _ in pairs], found)
    own = iter(zip(seen.digests, (was for _, was in pairs), strict=True))
    # of what cannot be read now nothing is known but what it was
    digests = tuple(UNREAD if was == UNREAD else _known(*next(own)) for was in known)
    return Look(seen.windows, digests, UNREAD in seen.digests)


def _known(now: str, was: str) -> str:
    return was if now == UNREAD else now


def _read(cutter: Cutter, block: Block) -> Found | UnreadableFile:
    try:
        return cutter.windows(block)
    except UnreadableFile as error:
        return error


def _look(cutter: Cutter, blocks: Sequence[Block], found: Sequence[Found | UnreadableFile]) -> Look:
    """Put the windows of all places together."""
    there = [
        (one, block)
        for one, block in zip(found, blocks, strict=True)
        if not isinstance(one, UnreadableFile)
    ]
    if not sum(len(one.rows) for one, _ in there):
        for one in found:
            if isinstance(one, UnreadableFile):
                raise one
        raise DataError(
            f"none of {len(blocks):,} places looked at in {cutter.source.path} has a window of "
            f"{cutter.sidecar.window} steps without a missing value: fill in what is missing, or "
            'say what it is in the sidecar, as in missing = "hold"'
        )
    stations = np.concatenate([one.stations + block.stations[0] for one, block in there])
    rows = np.concatenate([one.rows + block.rows[0] for one, block in there])
    named, times = cutter.source.stations, cutter.times
    issued = rows if times is None else times[rows]
    windows = described(
        np.concatenate([one.values for one, _ in there]),
        cutter.sidecar,
        times=issued,
        issued=issued,
        actual=None,
        step=cutter.sidecar.step_text,
        groups=None if named is None else np.array(named)[stations],
    )
    return Look(windows, tuple(_digest(one) for one in found))


def _digest(found: Found | UnreadableFile) -> str:
    if isinstance(found, UnreadableFile):
        return UNREAD
    said = hashlib.sha256(np.ascontiguousarray(found.values).data)
    said.update(found.rows.astype("<i8").tobytes())
    return said.hexdigest()[:16]


def _spread(cutter: Cutter, places: int) -> list[Block]:
    """Give blocks of one station that lie evenly, each in the place of its first row."""
    rows, every = cutter.source.rows, cutter.source.count * cutter.source.rows
    if places * TOGETHER >= every:
        begins = [p for k in range(cutter.source.count) for p in _starts(k * rows, rows)]
    else:
        begins = [int(p) for p in evenly(every - 1, places)]
    return [
        Block(number, (p // rows, p // rows + 1), (p % rows, min(p % rows + TOGETHER, rows)))
        for number, p in enumerate(begins)
    ]


def _starts(first: int, rows: int) -> range:
    return range(first, first + rows, TOGETHER)
