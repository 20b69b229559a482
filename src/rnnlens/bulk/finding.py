"""Which blocks of a result are done, which are not, and which are not as they were written."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from rnnlens.bulk.job import FOLDER, Manifest, kept_whole, read_manifest
from rnnlens.bulk.records import Record, checksum, known, place_of_record, put, sound
from rnnlens.engine.schedule.threads import each

__all__ = ["Damage", "State", "damages", "laid_out_again", "note_layout", "state", "undone"]

#: The checksums of the files that were there before any block, and where copies of them are.
LAYOUT, COPIES = "layout.json", "layout"


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


def damages(out: Path) -> list[Damage]:
    """Find everything of a result that is not as it was written; blocks not yet done are none."""
    manifest = read_manifest(out)
    found = [Damage(name) for name in kept_whole(out, manifest)]
    found += [Damage(one.as_posix()) for one in _not_as_laid_out(out)]
    for number, names in _unsound(out, manifest, list(range(manifest.grid.count))):
        if known(out, number) is not None:
            found += [Damage(name, number) for name in names]
        elif _record_there(out, number):
            found.append(Damage("record", number))
    return found


def note_layout(group: Path, arrays: Iterable[str]) -> None:
    """Keep copies and checksums of all that is no chunk of the arrays that blocks write."""
    written, said = set(arrays), {}
    for path in sorted(group.rglob("*")):
        name = path.relative_to(group)
        first, *rest = name.parts
        if path.is_dir() or first == FOLDER or (first in written and len(rest) > 1):
            continue
        copy = group / FOLDER / COPIES / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        put(copy, path.read_bytes())
        said[name.as_posix()] = checksum(path)
    put(group / FOLDER / LAYOUT, json.dumps(said, indent=1).encode("utf-8"))


def laid_out_again(out: Path) -> list[Path]:
    """Put back what was laid out and is not as it was; give those that were put back."""
    mended = []
    for name in _not_as_laid_out(out):
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        put(out / name, (out / FOLDER / COPIES / name).read_bytes())
        mended.append(name)
    return mended


def _not_as_laid_out(out: Path) -> Iterator[Path]:
    said = json.loads((out / FOLDER / LAYOUT).read_bytes())
    for name, stated in said.items():
        if checksum(out / name) != stated:
            yield Path(name)


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
