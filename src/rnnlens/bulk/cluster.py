"""Blocks on the workers of a Dask cluster, of which any may be lost at any moment.

What a block says of itself lies beside its arrays, so nothing is fetched from a worker. Where no
block ends for a while it is looked what the cluster does: a worker that is ended while it starts
does not come back by itself, and what was given to one that is lost may never be heard of again.
"""

from __future__ import annotations

import importlib.util
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from uuid import uuid4

from rnnlens.bulk.job import Job
from rnnlens.bulk.options import Runner
from rnnlens.bulk.records import Record, known
from rnnlens.bulk.runners import Tally, refuse_writing
from rnnlens.bulk.work import do_anywhere
from rnnlens.errors import InputError, MissingLibrary, RnnlensError

if TYPE_CHECKING:
    from distributed import Client, Future

__all__ = ["on_dask"]

#: How often a block that ended in an error is tried on another worker, and how often one is given
#: to the cluster again of which nothing is heard any more.
RETRIES, AGAIN = 2, 3
#: Seconds between two looks for blocks that are done, and between two at what the cluster does.
PAUSE, LOOK = 0.02, 10.0
#: Seconds without news after which a cluster without a worker is given up, and after which a block
#: is taken for lost with its worker, at the least; and how many times as long as any other it takes
#: for that.
PATIENCE, TIMES = 600.0, 20
#: Seconds that a cluster may take to close.
CLOSING = 60.0


def on_dask(job: Job, out: Path, numbers: Sequence[int], tally: Tally, runner: Runner) -> None:
    """Do blocks on the workers of a Dask cluster."""
    client, cluster = _client(runner)
    try:
        _Blocks(client, cluster, job, out, numbers, tally).done()
    finally:
        # everything is on the disk: a cluster that stands still is not waited for
        with suppress(TimeoutError):
            client.close()
        if cluster is not None:
            with suppress(TimeoutError):
                cluster.close(timeout=CLOSING)


class _Blocks:
    """Blocks that a cluster is given, and what is heard of them."""

    def __init__(
        self, client: Any, cluster: Any, job: Job, out: Path, numbers: Sequence[int],
        tally: Tally,
    ) -> None:  # fmt: skip
        from distributed import as_completed

        self.client, self.cluster, self.job, self.out = client, cluster, job, out
        self.tally, self.count = tally, len(numbers)
        self.workers = 0 if cluster is None else len(cluster.workers)
        #: Records of blocks whose files are damaged, which do not say that these are done anew.
        self.before = {number: known(out, number) for number in numbers}
        #: What each block that is not done was last given to the cluster as.
        self.given: dict[int, Future[Any]] = {}
        self.of: dict[Any, int] = {}
        self.again: Counter[int] = Counter()
        #: How long any block took, and how often the workers were seen without work on end.
        self.longest, self.idle = 0.0, 0
        self.waiting = as_completed(self._give(numbers))

    def done(self) -> None:
        """Wait until every block is done, or could not be done."""
        news = looked = time.monotonic()
        while self.given:
            heard = self.waiting.next_batch(block=False)
            for future in heard:
                self._take(future)
            now = time.monotonic()
            if heard:
                news = looked = now
                self.idle = 0
            elif now - looked >= LOOK:
                news = now if self._look(now - news) else news
                looked = time.monotonic()
            else:
                time.sleep(PAUSE)

    def _give(self, numbers: Iterable[int]) -> list[Future[Any]]:
        """Give blocks to the cluster, under names of their own: an older one may be known yet."""
        manifest, mark = self.job.manifest, uuid4().hex[:8]
        numbers = list(numbers)
        futures = self.client.map(
            do_anywhere,
            [str(self.out.resolve())] * len(numbers),
            [str(Path(manifest.path).resolve())] * len(numbers),
            [manifest.identity] * len(numbers),
            numbers,
            pure=False,
            retries=RETRIES,
            key=[f"block-{number:07d}-{mark}" for number in numbers],
        )
        self.given |= zip(numbers, futures, strict=True)
        self.of |= {one.key: number for number, one in zip(numbers, futures, strict=True)}
        return futures

    def _give_again(self, numbers: Iterable[int]) -> None:
        """Give blocks to the cluster once more, and forget what they were before."""
        numbers = list(numbers)
        self.again.update(numbers)
        if any(self.again[number] > AGAIN for number in numbers):
            raise self._refused("its workers do not finish what they are given")
        for number in numbers:
            self.given[number].release()
        self.waiting.update(self._give(numbers))

    def _take(self, future: Future[Any]) -> None:
        """Count what is heard of a block."""
        number = self.of[future.key]
        if number not in self.given or self.given[number].key != future.key:
            return  # it was given again since, or found on the disk
        if future.status == "finished":
            record = known(self.out, number)
            try:
                record = record or future.result(timeout=LOOK)
            except TimeoutError:  # its worker was lost before it could be asked
                self._give_again([number])
                return
            self._count(number, record)
        elif future.status in {"pending", "lost"}:  # its worker was lost just now
            self.waiting.add(future)
        elif future.status == "cancelled":  # the scheduler has forgotten it
            self._give_again([number])
        else:
            self._failed(number, future)

    def _count(self, number: int, record: Record) -> None:
        """Count a block that is done."""
        self.longest = max(self.longest, record.seconds)
        self.tally.add(record)
        self.given.pop(number).release()  # of a worker that is lost nothing done is done again

    def _failed(self, number: int, future: Future[Any]) -> None:
        """Keep why a block could not be done, or end where no other can be."""
        from distributed import KilledWorker

        error = future.exception()
        if isinstance(error, OSError):
            refuse_writing(self.out, error, self.tally, self.count)
        if isinstance(error, RnnlensError):
            why = str(error)
        elif isinstance(error, KilledWorker):
            why = (
                "every worker that did it was ended meanwhile, as where memory is short: give "
                "workers more of it, or ask for blocks of fewer windows, into another --out"
            )
        else:
            future.result()  # which raises what went wrong
            return
        self.tally.failed.append((number, why))
        self.given.pop(number)

    def _look(self, quiet: float) -> bool:
        """See what the cluster does of which nothing was heard so long; tell whether that is news.

        Blocks that nobody does, and that are not on the disk, are given to it again.
        """
        doing = self._doing()
        if doing is not None and len(doing) < self.workers:
            self.cluster.scale(self.workers)  # starts others in the place of those that are gone
        if doing:
            own = {one.key for one in self.given.values()}
            late = bool(self.longest) and quiet >= max(PATIENCE, TIMES * self.longest)
            # what is handed out just now is nowhere for a moment: two looks in a row tell
            self.idle = 0 if any(doing.values()) else self.idle + 1
            stuck = self.idle > 1 or (late and any(own.intersection(k) for k in doing.values()))
        else:
            stuck = quiet >= PATIENCE
        if not stuck:
            return False
        self.idle = 0
        self._find_written()
        if self.given and not doing:
            raise self._refused("it does not answer" if doing is None else "it has no worker")
        if self.given:
            self._give_again(self.given)
        return True

    def _doing(self) -> dict[str, Sequence[Any]] | None:
        """Ask what each worker does; None where the scheduler does not answer."""
        try:
            return self.client.sync(self.client.scheduler.processing, callback_timeout=LOOK)
        except (TimeoutError, OSError):
            return None

    def _find_written(self) -> None:
        """Count blocks that are on the disk although nothing was heard of them."""
        for number in list(self.given):
            record = known(self.out, number)
            if record is not None and record != self.before[number]:
                self._count(number, record)

    def _refused(self, why: str) -> InputError:
        return InputError(
            f"the Dask cluster stands still after {self.tally.done:,} of {self.count:,} blocks "
            f"({why}): see to its workers, and give the same command again, which goes on from "
            "there"
        )


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
