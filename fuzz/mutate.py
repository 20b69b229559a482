"""Feed the readers damaged and hostile files: every answer must be a network or one sentence.

Each round takes a good model file, damages it (bytes flipped, cut, doubled, zeroed; members of an
archive rewritten so that its checksums hold; values of the JSON inside replaced), and reads it
twice: as `read` does, and as `inspect` does, which names the arrays of weights alone. A crash of
the process, an error that is not rnnlens's own or of more than one line, a read of over 10 seconds
or one that takes over 1 GiB more memory is a finding: its kind is printed at once, the file is
kept in ``fuzz/findings`` with its kind beside it, and the script ends with 1. Seconds are those of
the processor, so that a loaded machine makes no finding. The reading is done in processes of its
own, which are watched from outside: no signal interrupts a library in C.

    .venv/bin/python fuzz/mutate.py --count 100000 --jobs 2

Copy number N is the same in every run of the same seed over the same files, whatever the jobs.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import platform
import random
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib import metadata
from multiprocessing.connection import Connection
from pathlib import Path
from threading import Lock

os.environ.setdefault("KERAS_BACKEND", "torch")
sys.path.insert(0, str(Path(__file__).parent))

from damage import damaged
from good import INPUTS, SCALER, seeds, weights_of
from several import ENDING, unpacked

FINDINGS = Path(__file__).parent / "findings"
SECONDS = 10
MEMORY = 1 << 30
#: A worker may have this much in all, so that a finding does not take the machine with it.
CEILING = 8 << 30
#: Memory is measured on Linux alone.
MEASURED = Path("/proc/self/clear_refs").exists()
#: Making a damaged copy and starting a worker take this long at most.
STARTING = 600
#: A silent process is asked this often for its time; one that only waits may do so for so long.
GLANCE, WAITING = 5, 300
#: A program of torch.export takes a tenth of a second to read, so that fewer copies are made.
SLOW = {".pt2": 0.1}
#: After so many copies, what came of them so far is printed.
EVERY = 5_000
#: Of one read: the copy's number, its path, the good file's name, and what came of it, if it ended.
Answer = tuple[int, Path, str, str | None]
#: A watched process is started afresh after this many files: what leaks is not what is looked for.
ROUNDS = 5_000


def memory(what: str) -> int:
    """Give the memory of this process in bytes: ``VmRSS`` now, ``VmHWM`` at its highest."""
    if not MEASURED:
        return 0
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(what + ":"):
            return int(line.split()[1]) * 1024
    raise LookupError(what)


def attempt(path: Path, weights: Path | None = None) -> str:
    """Read a file, or weights with it as architecture, and say what came of it."""
    from rnnlens.errors import RnnlensError

    if path.suffix == ENDING:
        path = unpacked(path)
    if MEASURED:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the highest is now's
    before, start = memory("VmRSS"), time.process_time()
    outcome = "read"
    for came_out, reading in readings(path, weights):
        try:
            reading()
        except RnnlensError as error:
            outcome = "refused"
            if "\n" in str(error) or not str(error):
                outcome = "FINDING not one line"
                break
        except BaseException as error:  # every other error is what this script looks for
            outcome = f"FINDING {type(error).__name__} {place(error)}: {str(error)[:100]!r}"
            break
        else:
            outcome = came_out
            break
    seconds, grown = time.process_time() - start, memory("VmHWM") - before
    if seconds > SECONDS:
        return f"FINDING over {SECONDS} s"
    return "FINDING over 1 GiB more" if grown > MEMORY else outcome


def readings(path: Path, weights: Path | None) -> list[tuple[str, Callable[[], object]]]:
    """Give the ways to read a file, one after the other fails, and what came out if it does not."""
    from rnnlens.readers.open import read, read_or_name_arrays
    from rnnlens.readers.options import ReadOptions
    from rnnlens.series.arrays import read_windows
    from rnnlens.series.scalers.read import read_scaler

    if path.suffix == SCALER:
        return [("read", partial(read_scaler, path))]
    if path.suffix == INPUTS:
        return [("read", partial(read_windows, path))]
    source, options = weights or path, ReadOptions(architecture=path if weights else None)
    named = partial(read_or_name_arrays, source, options)
    return [("read", partial(read, source, options)), ("arrays named", named)]


def place(error: BaseException) -> str:
    """Say where in rnnlens an error came from."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "rnnlens" in Path(frame.filename).parts] or frames
    return f"in {Path(ours[-1].filename).name} line {ours[-1].lineno}"


def copy(number: int, seed: int, files: list[Path]) -> tuple[Path, bytes]:
    """Make the damaged copy of a number: the good file, and the damaged content."""
    rng = random.Random(f"{seed}-{number}")
    kinds = sorted({path.suffix for path in files})
    (suffix,) = rng.choices(kinds, [SLOW.get(kind, 1.0) for kind in kinds])
    source = rng.choice([path for path in files if path.suffix == suffix])
    return source, damaged(source, rng)


def work(numbers: range, seed: int, files: list[Path], folder: Path, answers: Connection) -> None:
    """Make and read the copies of some numbers, telling before and after each read."""
    import resource

    warnings.simplefilter("ignore")
    resource.setrlimit(resource.RLIMIT_DATA, (CEILING, CEILING))
    for good in files:  # what the libraries take as they load is not a file's doing
        attempt(good, weights_of(good))
    for number in numbers:
        source, data = copy(number, seed, files)
        path = folder / f"damaged{''.join(source.suffixes)}"
        path.write_bytes(data)
        answers.send((number, path, source.name, None))
        answers.send((number, path, source.name, attempt(path, weights_of(source))))


def watch(numbers: range, seed: int, files: list[Path]) -> Iterator[tuple[str, str]]:
    """Have numbers read by processes that may be killed; give each good file's name and outcome."""
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder:
        while numbers:
            ours, theirs = context.Pipe(duplex=False)
            batch = numbers[:ROUNDS]
            process = context.Process(target=work, args=(batch, seed, files, Path(folder), theirs))
            process.start()
            theirs.close()
            last = None
            for last in answers_of(ours, process.pid):
                number, path, name, outcome = last
                if outcome is not None:
                    keep(outcome, path, f"{seed}-{number}-{name}")
                    yield name, outcome
            time.sleep(0.1)
            hangs = process.is_alive()
            process.kill()
            process.join()
            if last is None or (last[3] is not None and last[0] != batch[-1]):
                raise RuntimeError(f"a process of this script ended outside a read, after {last}")
            number, path, name, outcome = last
            if outcome is None:
                how = f"over {SECONDS} s, killed" if hangs else f"process ended {process.exitcode}"
                keep(f"FINDING {how}", path, f"{seed}-{number}-{name}")
                yield name, f"FINDING {how}"
            numbers = numbers[numbers.index(number) + 1 :]


def answers_of(ours: Connection, pid: int | None) -> Iterator[Answer]:
    """Give what a process tells until it ends, or is silent for longer than a read may take."""
    reading, since, spent = False, time.perf_counter(), processor_time(pid)
    while True:
        if not ours.poll(GLANCE):
            waited, worked = time.perf_counter() - since, processor_time(pid) - spent
            if (reading and worked > SECONDS + 5) or waited > (WAITING if reading else STARTING):
                return
            continue
        try:
            answer = ours.recv()
        except EOFError:
            return
        reading, since, spent = answer[3] is None, time.perf_counter(), processor_time(pid)
        yield answer


def processor_time(pid: int | None) -> float:
    """Give the seconds that a process has had of the processor, or the clock's without Linux."""
    if not MEASURED:
        return time.perf_counter()
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except (FileNotFoundError, ProcessLookupError):  # it has ended
        return 0.0
    user, system = text.rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def keep(outcome: str, path: Path, name: str) -> None:
    """Print a finding and keep its file, its kind beside it."""
    if outcome.startswith("FINDING"):
        print(name, outcome, flush=True)
        FINDINGS.mkdir(exist_ok=True)
        (FINDINGS / name).write_bytes(path.read_bytes())
        (FINDINGS / f"{name}.txt").write_text(outcome + "\n", encoding="utf-8")


def summary(outcomes: Counter[tuple[str, str]], files: list[Path], seconds: float) -> str:
    """Set out what came of the rounds, by the kind of the good file."""
    by_kind = Counter({
        (Path(name).suffix, outcome): sum(
            n
            for (other, o), n in outcomes.items()
            if o == outcome and Path(other).suffix == Path(name).suffix
        )
        for name, outcome in outcomes
    })
    versions = [f"{name} {metadata.version(name)}" for name in ("numpy", "h5py", "torch")]
    lines = [
        f"{outcomes.total():,} damaged copies of {len(files)} files in {seconds:.0f} s "
        f"(Python {platform.python_version()}, {', '.join(versions)})"
    ]
    lines += [f"{n:8,}  {kind:13}{how}" for (kind, how), n in sorted(by_kind.items())]
    findings = sum(n for (_, outcome), n in outcomes.items() if outcome.startswith("FINDING"))
    return "\n".join([*lines, f"{findings:8,}  findings"])


def main() -> int:
    """Run the rounds and print what came of them."""
    parser = argparse.ArgumentParser(description="Feed the readers damaged and hostile files.")
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="only good files whose name holds this")
    options = parser.parse_args()
    start, total = time.perf_counter(), Counter[tuple[str, str]]()
    lock = Lock()
    with tempfile.TemporaryDirectory() as folder:
        files = [path for path in seeds(Path(folder)) if options.only in path.name]

        def watched(first: int) -> None:
            numbers = range(first, options.count, options.jobs)
            for outcome in watch(numbers, options.seed, files):
                with lock:
                    total[outcome] += 1
                    if total.total() % EVERY == 0:
                        print(summary(total, files, time.perf_counter() - start), flush=True)

        with ThreadPoolExecutor(options.jobs) as pool:
            list(pool.map(watched, range(options.jobs)))
    if total.total() % EVERY:
        print(summary(total, files, time.perf_counter() - start))
    return int(any(outcome.startswith("FINDING") for _, outcome in total))


if __name__ == "__main__":
    sys.exit(main())
