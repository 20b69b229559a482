"""Results of whole archives after what may happen to them: the same bytes, nothing lost.

An archive is explained once without trouble. Then the process is ended by SIGKILL at random
moments; then one of two Dask workers is, while the other goes on; then a disk of a megabyte is
full (where this user may mount one, else a limit on the size of files); then a chunk of the archive
cannot be read; then files of the result are torn, flipped, emptied, taken away; last, a process
that explains a small archive is ended by SIGKILL before each of its operations on files in turn.
After each the same is asked again, and every file is compared with the first result's. Figures are
numbers of cases.

A process that is ended is forked from one in which libraries and kernels are loaded, and workers
start from a server that has them: what is ended is work on blocks, and starting is not paid for at
every case. Moments are drawn over the time that the blocks take once all is loaded.
"""

from __future__ import annotations

import harness.threads  # noqa: F401  (first: libraries make their threads when loaded)

# isort: split

import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event
from typing import TYPE_CHECKING

from archives.killing import killed_before
from archives.making import ask, digests, make
from harness.record import Record
from harness.threads import THREADS

from rnnlens.bulk import Blocks, Part, Runner, repair, status, verify
from rnnlens.errors import RnnlensError

if TYPE_CHECKING:
    from distributed import LocalCluster

#: Windows of the archive, and of a block: so many blocks that most moments are within one.
WINDOWS, BLOCK = 4_000, 200
KILLS, WORKER_KILLS, DAMAGES = 30, 30, 30
BLOCKS = Blocks(windows=BLOCK)


class Case:
    """An archive, the result that it should have, and what was found."""

    def __init__(self, folder: Path, windows: int, blocks: Blocks = BLOCKS) -> None:
        self.folder, self.blocks = folder, blocks
        self.archive = make(folder, windows)
        self.ask(folder / "expected.zarr")
        self.expected = digests(folder / "expected.zarr")
        #: How long the blocks take, on as many threads, where kernels are loaded.
        self.seconds = self._seconds()
        self.draw = random.Random(0)

    def ask(self, out: Path) -> None:
        """Explain the archive."""
        ask(self.archive, out, blocks=self.blocks)

    def fresh(self) -> Path:
        """Give the place of a result that is not there."""
        out = self.folder / "out.zarr"
        shutil.rmtree(out, ignore_errors=True)
        return out

    def _seconds(self) -> float:
        out = self.fresh()
        self.ask(out)
        return status(out).seconds / THREADS

    def same(self, out: Path) -> bool:
        """Go on with a result to its end, and say whether it is the expected one."""
        self.ask(out)
        return digests(out) == self.expected and verify(out) == []


def at_every_operation(folder: Path, first: int, step: int) -> tuple[int, int]:
    """End a process before every so many of its operations on files; give how often it was right.

    Gives how many there were, too.
    """
    case = Case(folder, 400, Blocks(windows=200))
    right = count = 0
    out = case.fresh()
    while killed_before(first + count * step, lambda: case.ask(out)):
        right += case.same(out) and not list(folder.glob(".rnnlens-*"))
        count += 1
        case.fresh()
    return right, count


def killed(folder: Path, windows: int, count: int) -> tuple[int, int]:
    """End the process at random moments; give how often the result was right, and was begun."""
    case, right, begun = Case(folder, windows), 0, 0
    every = _done(folder / "expected.zarr")
    for _ in range(count):
        out = case.fresh()
        child = os.fork()
        if not child:
            try:
                case.ask(out)
            finally:
                os._exit(0)
        running = True
        while running and not out.exists():
            time.sleep(0.002)
            running = os.waitpid(child, os.WNOHANG) == (0, 0)
        time.sleep(case.draw.random() * case.seconds)
        if running:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
        begun += 0 < _done(out) < every
        right += case.same(out)
    return right, begun


def worker_killed(case: Case, count: int) -> tuple[int, int]:
    """End a worker while a cluster explains; give how often the result was right, and moments."""
    from dask.config import set as settings
    from distributed import LocalCluster
    from distributed.utils import get_mp_context

    right = ended = 0
    with settings({"distributed.worker.multiprocessing-method": "forkserver"}):
        get_mp_context().set_forkserver_preload(["distributed", "xarray", "rnnlens.bulk.work"])
        with closing(LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address="")) as all_:
            runner, seconds = Runner(scheduler=all_.scheduler_address), 0.0
            for _ in range(2):  # workers load kernels in the first
                out = case.fresh()
                ask(case.archive, out, blocks=BLOCKS, runner=runner)
                seconds = status(out).seconds / 2
            for _ in range(count):
                # one that is ended while it starts again does not come back by itself
                all_.scale(2)
                all_.wait_for_workers(2)
                out, over = case.fresh(), Event()
                with ThreadPoolExecutor(1) as beside:
                    moment = case.draw.random() * seconds
                    one = beside.submit(_end_a_worker, case, all_, out, moment, over)
                    ask(case.archive, out, blocks=BLOCKS, runner=runner)
                    over.set()
                    ended += one.result()
                right += digests(out) == case.expected
    return right, ended


def _end_a_worker(case: Case, cluster: LocalCluster, out: Path, moment: float, over: Event) -> bool:
    """End one of the workers so long after the first block is done; tell whether it was at work."""
    while not _done(out) and not over.is_set():
        time.sleep(0.02)
    if over.wait(moment):
        return False
    there = [one.pid for one in cluster.workers.values() if getattr(one, "pid", None)]
    if there:
        os.kill(case.draw.choice(there), signal.SIGKILL)
    return bool(there)


def full(case: Case) -> tuple[bool, str]:
    """Explain onto a disk that is too small, then make room; say whether it is right, and how."""
    small, out = case.folder / "full", case.fresh()
    small.mkdir(exist_ok=True)
    mounted = not subprocess.call(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(small)], stderr=subprocess.DEVNULL
    )
    if mounted:
        try:
            refused = _refused(lambda: ask(case.archive, small / "out.zarr", blocks=BLOCKS))
            shutil.copytree(small / "out.zarr", out)
        finally:
            subprocess.check_call(["umount", str(small)])
        return refused and case.same(out), "a tmpfs of 1 MB"
    ask(case.archive, out, blocks=BLOCKS, limit=5 * BLOCK)
    before, handler = (
        resource.getrlimit(resource.RLIMIT_FSIZE),
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN),
    )
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, before[1]))
    try:
        refused = _refused(lambda: ask(case.archive, out, blocks=BLOCKS))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    return refused and case.same(out), "a limit on the size of files"


def unreadable(case: Case) -> bool:
    """Break a chunk of the archive, explain, mend it, and explain again."""
    out = case.fresh()
    ask(case.archive, out, blocks=BLOCKS, limit=BLOCK)
    chunk = sorted((case.archive / "x3" / "c").rglob("*"), key=str)[-1]
    content = chunk.read_bytes()
    chunk.write_bytes(bytes(len(content)))
    refused = _refused(lambda: ask(case.archive, out, blocks=BLOCKS))
    chunk.write_bytes(content)
    return refused and case.same(out)


def damaged(case: Case, count: int) -> tuple[int, int]:
    """Damage files of a result; give how often it was found, and repaired to the same bytes."""
    out = case.fresh()
    shutil.copytree(case.folder / "expected.zarr", out)
    files = [path for path in sorted(out.rglob("*")) if path.is_file() and _mendable(out, path)]
    found = mended = 0
    for _ in range(count):
        path = case.draw.choice(files)
        _damage(case.draw, path)
        found += len(verify(out)) == 1
        repair(out)
        mended += digests(out) == case.expected and verify(out) == []
    return found, mended


def _mendable(out: Path, path: Path) -> bool:
    """Leave out what a result keeps of the question, of which there is no second copy."""
    return (
        path.relative_to(out).as_posix()
        not in {f".rnnlens/{name}" for name in ("manifest.json", "layout.json", "lock")}
        and "done" not in path.relative_to(out).parts
    )


def _damage(draw: random.Random, path: Path) -> None:
    content = bytearray(path.read_bytes())
    kind = draw.choice(["flip", "tear", "empty", "remove"])
    if kind == "remove":
        path.unlink()
        return
    if kind == "flip":
        content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
    path.write_bytes(content if kind == "flip" else content[: len(content) // 2 * (kind == "tear")])


def _refused(run: Callable[[], None]) -> bool:
    try:
        run()
    except RnnlensError as error:
        print(f"  refused: {error}")
        return True
    return False


def _records(out: Path) -> list[Path]:
    return list((out / ".rnnlens" / "done").rglob("*.json"))


def _done(out: Path) -> int:
    return len(_records(out))


def _apart(what: str, folder: Path, *numbers: int) -> subprocess.Popen[bytes]:
    """Begin one of the kinds in a process without Dask's threads, of which a fork would have none.

    Who does it has a folder, and an archive, of its own.
    """
    folder.mkdir()
    asked = [sys.executable, __file__, what, str(folder), *map(str, numbers)]
    return subprocess.Popen(asked, stdout=subprocess.PIPE)


def _found(child: subprocess.Popen[bytes]) -> tuple[int, int]:
    said, _ = child.communicate()
    assert child.returncode == 0, "it failed by itself"
    right, count = json.loads(said.splitlines()[-1])
    return right, count


def _every_operation(record: Record, folder: Path) -> None:
    """Let two processes take every other operation each."""
    step = 40 if record.quick else 2
    both = [_apart("operations", folder / str(k), k * step // 2, step) for k in range(2)]
    right, count = map(sum, zip(*map(_found, both), strict=True))
    sizes = "LSTM H=32 F=10 T=24, 400 windows in 2 blocks"
    record.values("killed before an operation", sizes, {"operations": (count, "")})
    record.claim(
        "killed before each operation: the same bytes", right, "", least=count, sizes=sizes
    )


def main() -> None:
    """Let everything happen, and count."""
    record = Record("bulk_kills", __doc__ or "")
    kills, workers, harms = (3, 2, 5) if record.quick else (KILLS, WORKER_KILLS, DAMAGES)
    with TemporaryDirectory(prefix="rnnlens-kills-") as folder:
        windows = WINDOWS // 2 if record.quick else WINDOWS
        case = Case(Path(folder), windows)
        sizes = f"LSTM H=32 F=10 T=24, {windows:,} windows in blocks of {BLOCK:,}"
        for number in (2, 3, 1):
            out = case.folder / "parts.zarr"
            ask(case.archive, out, blocks=BLOCKS, runner=Runner(part=Part(number, 3)))
        ask(case.archive, case.folder / "dask.zarr", blocks=BLOCKS, runner=Runner(workers=2))
        for name in ("parts", "dask"):
            same = digests(case.folder / f"{name}.zarr") == case.expected
            record.claim(f"{name}: the same bytes", float(same), "", least=1, sizes=sizes)
        right, begun = _found(_apart("killed", case.folder / "killed", windows, kills))
        record.values("killed", sizes, {"while blocks were done": (begun, f"of {kills}")})
        record.claim("process killed: the same bytes", right, "", least=kills, sizes=sizes)
        right, ended = worker_killed(case, workers)
        record.values("worker killed", sizes, {"while blocks were done": (ended, f"of {workers}")})
        record.claim("worker killed: the same bytes", right, "", least=workers, sizes=sizes)
        right, how = full(case)
        record.claim(f"disk full ({how}): the same bytes", right, "", least=1, sizes=sizes)
        right = unreadable(case)
        record.claim("archive unreadable: the same bytes", right, "", least=1, sizes=sizes)
        found, mended = damaged(case, harms)
        record.claim("damage: found", found, "", least=harms, sizes=sizes)
        record.claim("damage: mended to the same bytes", mended, "", least=harms, sizes=sizes)
        (case.folder / "small").mkdir()
        _every_operation(record, case.folder / "small")
    record.save()


if __name__ == "__main__":
    apart: dict[str, Callable[[Path, int, int], tuple[int, int]]] = {
        "operations": at_every_operation,
        "killed": killed,
    }
    if len(sys.argv) == 5 and sys.argv[1] in apart:
        found = apart[sys.argv[1]](Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
        print(json.dumps(found))
    else:
        main()
