"""A result begun or gone on with: its blocks done by a runner, and ended when all of them are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from rnnlens.api.shared.archives.laying_out import layout_of
from rnnlens.bulk.arrays import create, sweep, zarr_here
from rnnlens.bulk.cluster import on_dask
from rnnlens.bulk.finding import state, undone, unsummable
from rnnlens.bulk.job import FOLDER, read_manifest, store
from rnnlens.bulk.methods import written_by
from rnnlens.bulk.options import Runner
from rnnlens.bulk.runners import Tally, in_this_process, refuse_writing
from rnnlens.bulk.upkeep.ending import begin_again, end, ended
from rnnlens.bulk.upkeep.files import put
from rnnlens.bulk.upkeep.layout import LAYOUT, changed, note_layout
from rnnlens.bulk.upkeep.leftovers import sweep_blocks
from rnnlens.errors import DataError, InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    import xarray as xr

    from rnnlens.api.shared.archives.planning import Plan

__all__ = ["Ran", "opened", "ran"]

#: Characters of a setting that a refusal shows.
SHOWN = 60


@dataclass(frozen=True)
class Ran:
    """What a run did.

    Parameters
    ----------
    blocks, windows, missing : int
        Done in this run, windows that end in these, and rows that end none.
    before : int
        Blocks of this part that were done already.
    left : int
        Blocks of the whole archive that are not done.
    """

    blocks: int
    windows: int
    missing: int
    before: int
    left: int


def ran(
    plan: Plan,
    out: Path,
    runner: Runner,
    limit: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Ran:
    """Do what is left of an archive, or as much of it as was asked for."""
    tally = Tally(progress, 0)
    try:
        return _ran(plan, out, runner, limit, tally)
    except OSError as error:
        refuse_writing(out, error, tally, len(runner.part.numbers(plan.job.manifest.grid.count)))


def _ran(plan: Plan, out: Path, runner: Runner, limit: int | None, tally: Tally) -> Ran:
    manifest, grid = plan.job.manifest, plan.job.manifest.grid
    _begin(plan, out)
    mine = runner.part.numbers(grid.count)
    waiting = undone(out, manifest, mine)
    before = len(mine) - len(waiting)
    taken = _within(plan, waiting, limit)
    tally.rows = sum(_rows(plan, number) for number in taken)
    sweep_blocks(out, grid, written_by(manifest), taken)
    if taken:
        if runner.scheduler is None and runner.workers is None:
            in_this_process(plan.job, out, taken, tally)
        else:
            on_dask(plan.job, out, taken, tally, runner)
            sweep_blocks(
                out, grid, written_by(manifest), taken
            )  # of workers that were killed meanwhile
    if tally.failed:
        number, why = min(tally.failed)
        blocks = "block" if len(tally.failed) == 1 else "blocks"
        raise DataError(
            f"{len(tally.failed):,} {blocks} of {len(taken):,} could not be explained, the others "
            f"are written; block {number}: {why}"
        )
    left = grid.count - state(out).done
    if not left:
        _end(plan, out, tally)
    return Ran(tally.done, tally.windows, tally.missing, before, left)


def _end(plan: Plan, out: Path, tally: Tally) -> None:
    """Gather what all blocks give, unless that was done and no block was done since."""
    manifest = plan.job.manifest
    # a part looked at its own blocks alone, and the sum is of all
    lost = unsummable(out, manifest)
    if lost:
        in_this_process(plan.job, out, lost, Tally(None, 0))
    if not tally.done and not lost and ended(out):
        return
    end(out)


def opened(out: Path) -> xr.Dataset:
    """Open a result, of which nothing is read yet."""
    import xarray as xr

    return xr.open_zarr(out, chunks=None)


def _begin(plan: Plan, out: Path) -> None:
    """Lay out a result, or see that the one that is there is of the same question."""
    zarr_here()
    asked = plan.job.manifest
    if not out.exists():
        if not out.absolute().parent.is_dir():
            raise InputError(f"there is no folder {out.absolute().parent} for {out.name}")
        create(out, layout_of(plan), partial(_filled, plan))
    sweep(out)
    begun = read_manifest(out)
    differs = begun.difference(asked)
    if differs is None:
        _mend(plan, out)
        return
    name, was, now = _by_name(*differs)
    raise InputError(
        f"{out} was begun with another {name} ({_shown(was)}, now {_shown(now)}), and one result "
        "holds the answers to one question: ask as before to go on with it, or give another --out"
    )


def _mend(plan: Plan, out: Path) -> None:
    """Put right what of a result that was begun is damaged besides its blocks."""
    if f"{FOLDER}/{LAYOUT}" in changed(out):
        with TemporaryDirectory() as folder:
            again = Path(folder, "again.zarr")
            create(again, layout_of(plan), partial(_filled, plan))
            put(out / FOLDER / LAYOUT, (again / FOLDER / LAYOUT).read_bytes())
    begin_again(out)


def _filled(plan: Plan, draft: Path) -> None:
    store(draft / FOLDER, plan.job.manifest, plan.network, plan.job.baseline)
    note_layout(draft, written_by(plan.job.manifest))


def _by_name(what: str, was: object, now: object) -> tuple[str, object, object]:
    """Name what was asked by its name alone, where that differs."""
    old, new = map(_names, (was, now))
    return ("target", old, new) if what == "targets" and old != new else (what, was, now)


def _names(value: object) -> str:
    """Join the names of what has some."""
    listed = value if isinstance(value, Sequence) else ()
    return ", ".join(str(one.get("name")) for one in listed if isinstance(one, Mapping))


def _shown(value: object) -> str:
    text = str(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."


def _rows(plan: Plan, number: int) -> int:
    stations, rows = plan.job.manifest.grid.block(number).shape
    return stations * rows


def _within(plan: Plan, numbers: list[int], limit: int | None) -> list[int]:
    """Take so many blocks that they have at least as many rows as the limit."""
    if limit is None:
        return numbers
    taken, rows = [], 0
    for number in numbers:
        if rows >= limit:
            break
        taken.append(number)
        rows += _rows(plan, number)
    return taken
