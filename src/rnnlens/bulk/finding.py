"""Which blocks of a result are done, which are not, and which are not as they were written."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from rnnlens.bulk.job import Manifest, read_manifest
from rnnlens.bulk.records import SKETCH, Record, known, place_of_record, sound
from rnnlens.bulk.summing import PLACE
from rnnlens.bulk.upkeep.layout import changed, lists
from rnnlens.engine.schedule.threads import each

__all__ = ["Damage", "State", "damages", "state", "undone", "unsummable"]


@dataclass(frozen=True)
class State:
    """How far a result is.

    Parameters
    ----------
    manifest : Manifest
        What it is of.
    done : int
        Blocks with a record.
    windows, missing : int
        Windows that end in them, and rows that end none.
    seconds : float
        How long these blocks took, added up.
    """

    manifest: Manifest
    done: int
    windows: int
    missing: int
    seconds: float

    @property
    def complete(self) -> bool:
        """Whether every block has a record."""
        return self.done == self.manifest.grid.count


@dataclass(frozen=True)
class Damage:
    """Something of a result that is not as it was written.

    Parameters
    ----------
    what : str
        The file, or the block's array.
    block : int, optional
        The block that it is of.
    """

    what: str
    block: int | None = None


def state(out: Path) -> State:
    """Say how far a result is, by its records alone."""
    manifest = read_manifest(out)
    records = [one for one in _records(out, range(manifest.grid.count)) if one is not None]
    return State(
        manifest,
        len(records),
        sum(one.windows for one in records),
        sum(one.missing for one in records),
        sum(one.seconds for one in records),
    )


def undone(out: Path, manifest: Manifest, numbers: Iterable[int]) -> list[int]:
    """Give the blocks without a record, or whose files are not as it says."""
    return [number for number, _ in _unsound(out, manifest, list(numbers))]


def unsummable(out: Path, manifest: Manifest) -> list[int]:
    """Give the blocks whose part of the summary is not as their record says."""

    def lost(number: int) -> bool:
        record = known(out, number)
        return record is None or bool(sound(out, manifest.grid, record, (SKETCH,)))

    return [number for number in range(manifest.grid.count) if lost(number)]


def damages(out: Path) -> list[Damage]:
    """Find everything of a result that is not as it was written; blocks not yet done are none."""
    manifest = read_manifest(out)
    found = [Damage(one) for one in changed(out)]
    if not found and state(out).complete and not lists(out, PLACE):
        found.append(Damage(PLACE))  # whoever did the last block was ended before its sum
    for number, names in _unsound(out, manifest, list(range(manifest.grid.count))):
        if known(out, number) is not None:
            found += [Damage(name, number) for name in names]
        elif _record_there(out, number):
            found.append(Damage("record", number))
    return found


def _records(out: Path, numbers: range) -> list[Record | None]:
    return [known(out, number) for number in numbers]


def _record_there(out: Path, number: int) -> bool:
    return place_of_record(out, number).exists()


def _unsound(out: Path, manifest: Manifest, numbers: list[int]) -> list[tuple[int, list[str]]]:
    """Give the blocks that are not done soundly, in order, and what is wrong with each."""
    wrong: dict[int, list[str]] = {}

    def look(number: int) -> None:
        record = known(out, number)
        if record is None:
            wrong[number] = ["record"]
        elif names := sound(out, manifest.grid, record):
            wrong[number] = names

    each(look, [(number,) for number in numbers])
    return sorted(wrong.items())
