"""Who does the blocks: threads of this process, or the workers of a Dask cluster.

Every runner takes the same list and calls the same function, so every one gives the same bytes.
"""

from __future__ import annotations

import errno
import importlib.util
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Condition
from typing import TYPE_CHECKING, Any, NoReturn, cast

from rnnlens.bulk.job import Job
from rnnlens.bulk.options import Runner
from rnnlens.bulk.records import Record, known
from rnnlens.bulk.work import do, do_anywhere
from rnnlens.engine.schedule.threads import each
from rnnlens.errors import InputError, MissingLibrary, RnnlensError

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["Tally", "in_this_process", "on_dask", "refuse_writing"]

#: What the system says where there is no room.
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
#: How often a block is tried again on another worker.
RETRIES = 2


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


def on_dask(job: Job, out: Path, numbers: Sequence[int], tally: Tally, runner: Runner) -> None:
    """Do blocks on the workers of a Dask cluster."""
    client, cluster = _client(runner)
    from distributed import as_completed

    try:
        count, manifest = len(numbers), job.manifest
        futures = client.map(
            do_anywhere,
            [str(out.resolve())] * count,
            [str(Path(manifest.path).resolve())] * count,
            [manifest.identity] * count,
            list(numbers),
            pure=False,
            retries=RETRIES,
            key=[f"block-{number:07d}-{manifest.identity[:8]}" for number in numbers],
        )
        of = dict(zip((one.key for one in futures), numbers, strict=True))
        # what a block says of itself lies beside its arrays: it is not fetched from a worker, which
        # may be lost by then, and which a client may wait for without an end
        waiting = as_completed(futures)
        while waiting.count():
            future = next(waiting)
            if future.status == "finished":
                tally.add(known(out, of[future.key]) or future.result())
                future.release()  # of a worker that is lost nothing that is done is done again
                continue
            if future.status in {"pending", "lost"}:  # its worker was lost just now
                waiting.add(future)
                continue
            error = future.exception()
            if isinstance(error, RnnlensError):
                tally.failed.append((of[future.key], str(error)))
            elif isinstance(error, OSError):
                refuse_writing(out, error, tally, count)
            else:
                future.result()  # which raises what went wrong
    finally:
        client.close()
        if cluster is not None:
            cluster.close()


def _client(runner: Runner) -> tuple[Client, Any]:
    """Give a client of the cluster that was named, or of one that is started here."""
    if importlib.util.find_spec("distributed") is None:
        raise MissingLibrary(
            "blocks are explained on a cluster by Dask, which needs distributed: run pip install "
            '"rnnlens[bulk]", or take --part i/n, which needs none'
        )
    from distributed import Client, LocalCluster

    if runner.scheduler is None:
        cluster = LocalCluster(
            n_workers=runner.workers,
            threads_per_worker=1,
            processes=True,
            dashboard_address=cast("str", None),  # None: no page is served
        )
        return Client(cluster), cluster
    try:
        if Path(runner.scheduler).is_file():
            return Client(scheduler_file=runner.scheduler), None
        return Client(runner.scheduler), None
    except (OSError, ValueError) as error:
        raise InputError(
            f"no Dask scheduler answers at {runner.scheduler}: start one with dask scheduler, and "
            "give the address that it says"
        ) from error


def refuse_writing(out: Path, error: OSError, tally: Tally, count: int) -> NoReturn:
    """Say why a result cannot be written, and that it is gone on with."""
    why = "the disk is full" if error.errno in FULL else error.strerror or str(error)
    raise InputError(
        f"{out} cannot be written after {tally.done:,} of {count:,} blocks ({why}): make room, and "
        "give the same command again, which goes on from there"
    ) from error
