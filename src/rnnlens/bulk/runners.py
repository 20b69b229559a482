"""Who does the blocks: threads of this process, or the workers of a Dask cluster (`cluster`).

Every runner takes the same list and calls the same function, so every one gives the same bytes.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Condition
from typing import NoReturn

from rnnlens.bulk.job import Job
from rnnlens.bulk.records import Record
from rnnlens.bulk.work import do
from rnnlens.engine.schedule.threads import each
from rnnlens.errors import InputError, RnnlensError

__all__ = ["Tally", "in_this_process", "refuse_writing"]

#: What the system says where there is no room.
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@dataclass
class Tally:
    """What a runner has done so far.

    Parameters
    ----------
    tell : callable, optional
        Called with the rows that are done, and how many there are.
    rows : int
        Rows of all blocks that are to be done.
    done, windows, missing : int
        Blocks that are done, windows that end in them, and rows that end none.
    failed : list of (int, str)
        Blocks that could not be done, and why.
    """

    tell: Callable[[int, int], None] | None
    rows: int
    done: int = 0
    windows: int = 0
    missing: int = 0
    failed: list[tuple[int, str]] = field(default_factory=list)

    def add(self, record: Record) -> None:
        """Count a block that is done."""
        self.done += 1
        self.windows += record.windows
        self.missing += record.missing
        if self.tell is not None:
            self.tell(self.windows + self.missing, self.rows)


def in_this_process(job: Job, out: Path, numbers: Sequence[int], tally: Tally) -> None:
    """Do blocks on the threads of the engine, each of them on one.

    Whatever ends it, no thread writes any more when it has ended.
    """
    made: dict[int, Record] = {}
    begun: set[int] = set()
    ended = Condition()

    def one(number: int) -> None:
        with ended:
            begun.add(number)
        try:
            made[number] = do(job, out, number)
        except RnnlensError as error:
            # others may be fine, and this one is named at the end
            tally.failed.append((number, str(error)))
        finally:
            with ended:
                begun.discard(number)
                ended.notify_all()

    def done(piece: tuple[int]) -> None:
        if piece[0] in made:
            tally.add(made.pop(piece[0]))

    try:
        each(one, [(number,) for number in numbers], done)
    except OSError as error:
        refuse_writing(out, error, tally, len(numbers))
    finally:
        with ended:
            ended.wait_for(lambda: not begun)


def refuse_writing(out: Path, error: OSError, tally: Tally, count: int) -> NoReturn:
    """Say why a result cannot be written, and that it is gone on with."""
    why = "the disk is full" if error.errno in FULL else error.strerror or str(error)
    raise InputError(
        f"{out} cannot be written after {tally.done:,} of {count:,} blocks ({why}): make room, and "
        "give the same command again, which goes on from there"
    ) from error
