"""Results of whole archives after what may happen to them: the same bytes, nothing lost.

An archive is explained once without trouble. Then the process is ended by SIGKILL at random
moments; then one of two Dask workers is, while the other goes on; then a disk of a few megabytes is
full (where this user may mount one, else a limit on the size of files); then a chunk of the archive
cannot be read; then files of the result are torn, flipped, emptied, taken away; last, a process
that explains a small archive is ended by SIGKILL before each of its operations on files in turn.
After each the same is asked again, and every file is compared with the first result's. Figures are
numbers of cases.
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
from pathlib import Path
from tempfile import TemporaryDirectory

from archives.killing import killed_before
from archives.making import ask, command, digests, make
from harness.record import Record
from harness.threads import THREADS

from rnnlens.bulk import Blocks, Part, Runner, repair, status, verify
from rnnlens.errors import RnnlensError

#: Windows of the archive, and of a block: so many blocks that most moments are within one.
WINDOWS, BLOCK = 20_000, 500
KILLS, WORKER_KILLS, DAMAGES = 30, 30, 30
BLOCKS = Blocks(windows=BLOCK)


class Case:
    """An archive, the result that it should have, and what was found."""

    def __init__(self, folder: Path, windows: int, blocks: Blocks = BLOCKS) -> None:
        self.folder, self.blocks = folder, blocks
        self.archive = make(folder, windows)
        self.ask(folder / "expected.zarr")
        #: How long the blocks take, on as many threads.
        self.seconds = status(folder / "expected.zarr").seconds / THREADS
        self.expected = digests(folder / "expected.zarr")
        self.draw = random.Random(0)

    def ask(self, out: Path) -> None:
        """Explain the archive."""
        ask(self.archive, out, blocks=self.blocks)

    def fresh(self) -> Path:
        """Give the place of a result that is not there."""
        out = self.folder / "out.zarr"
        shutil.rmtree(out, ignore_errors=True)
        return out

    def same(self, out: Path) -> bool:
        """Go on with a result to its end, and say whether it is the expected one."""
        self.ask(out)
        return digests(out) == self.expected and verify(out) == []


def at_every_operation(folder: Path, step: int) -> tuple[int, int]:
    """End a process before each of its operations on files; give how often it was right, of all."""
    case = Case(folder, 400, Blocks(windows=200))
    right = number = 0
    out = case.fresh()
    while killed_before(number * step, lambda: case.ask(out)):
        right += case.same(out) and not list(folder.glob(".rnnlens-*"))
        number += 1
        case.fresh()
    return right, number


def killed(case: Case, count: int) -> tuple[int, int]:
    """End the process at random moments; give how often the result was right, and was begun."""
    right = begun = 0
    for _ in range(count):
        out = case.fresh()
        code = command(case.archive, out, block=BLOCK)
        with subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL) as child:
            while child.poll() is None and not out.exists():
                time.sleep(0.005)
            time.sleep(case.draw.random() * case.seconds)
            child.send_signal(signal.SIGKILL)
        begun += 0 < _done(out) < len(list(_records(case.folder / "expected.zarr")))
        right += case.same(out)
    return right, begun


def worker_killed(case: Case, count: int) -> tuple[int, int]:
    """End a worker while a cluster explains; give how often the result was right, and moments."""
    from distributed import LocalCluster

    right = ended = 0
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address="") as cluster:
        address = cluster.scheduler_address
        for _ in range(count):
            out = case.fresh()
            code = command(case.archive, out, block=BLOCK).replace(
                "workers=None", f"scheduler={address!r}"
            )
            with subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL) as child:
                while child.poll() is None and not _done(out):
                    time.sleep(0.01)
                time.sleep(case.draw.random() * case.seconds)
                worker = case.draw.choice(list(cluster.workers.values()))
                if child.poll() is None and getattr(worker, "pid", None):
                    os.kill(worker.pid, signal.SIGKILL)
                    ended += 1
                child.wait()
            right += digests(out) == case.expected
    return right, ended


def full(case: Case) -> tuple[bool, str]:
    """Explain onto a disk that is too small, then make room; say whether it is right, and how."""
    small, out = case.folder / "full", case.fresh()
    small.mkdir(exist_ok=True)
    mounted = not subprocess.call(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(small)], stderr=subprocess.DEVNULL
    )
    if mounted:
        try:
            refused = _refused(lambda: ask(case.archive, small / "out.zarr", blocks=BLOCKS))
            shutil.copytree(small / "out.zarr", out)
        finally:
            subprocess.check_call(["umount", str(small)])
        return refused and case.same(out), "a tmpfs of 4 MB"
    ask(case.archive, out, blocks=BLOCKS, limit=5 * BLOCK)
    before, handler = (
        resource.getrlimit(resource.RLIMIT_FSIZE),
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN),
    )
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, before[1]))
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


def _every_operation(record: Record, folder: Path) -> None:
    """Do so in a process without Dask's threads, of which a fork would have none."""
    folder.mkdir()
    asked = [sys.executable, __file__, "operations", str(folder), str(40 if record.quick else 1)]
    right, count = json.loads(subprocess.check_output(asked).splitlines()[-1])
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
        case = Case(Path(folder), 10_000 if record.quick else WINDOWS)
        sizes = f"LSTM H=32 F=10 T=24, {WINDOWS:,} windows in blocks of {BLOCK:,}"
        for number in (2, 3, 1):
            out = case.folder / "parts.zarr"
            ask(case.archive, out, blocks=BLOCKS, runner=Runner(part=Part(number, 3)))
        ask(case.archive, case.folder / "dask.zarr", blocks=BLOCKS, runner=Runner(workers=2))
        for name in ("parts", "dask"):
            same = digests(case.folder / f"{name}.zarr") == case.expected
            record.claim(f"{name}: the same bytes", float(same), "", least=1, sizes=sizes)
        right, begun = killed(case, kills)
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
        _every_operation(record, case.folder / "small")
    record.save()


if __name__ == "__main__":
    if len(sys.argv) == 4 and sys.argv[1] == "operations":
        print(json.dumps(at_every_operation(Path(sys.argv[2]), int(sys.argv[3]))))
    else:
        main()
